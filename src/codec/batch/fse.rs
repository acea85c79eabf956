//! Distributions of symbols and the states of their decoding tables (RFC 8878, section 4.1).

use std::hint::select_unpredictable;

/// The most symbols that a distribution here is of: match length codes are 53.
pub(super) const MAX_SYMBOLS: usize = 64;
/// The largest accuracy log here, that of the two lengths.
const MAX_LOG: u32 = 9;

/// How many of a symbol are written together.
const PIECE: usize = 16;

/// How probable each symbol is, in parts of `1 << log`; -1 is less than one part.
#[derive(Debug)]
pub(in crate::codec) struct Distribution {
    pub(in crate::codec) log: u32,
    counts: [i16; MAX_SYMBOLS],
    symbols: usize,
}

/// What a state of a decoding table says: its symbol, and that the next state is `next` and the
/// number of the next `bits` bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) symbol: u8,
    pub(super) bits: u32,
    pub(super) next: u32,
}

impl Distribution {
    /// A distribution that the format itself has.
    pub(super) fn of(log: u32, parts: &[i16]) -> Self {
        let mut counts = [0; MAX_SYMBOLS];
        counts[..parts.len()].copy_from_slice(parts);
        Self { log, counts, symbols: parts.len() }
    }

    /// Reads the distribution that `bytes` begins with (section 4.1.1), and the bytes it takes.
    /// `None` if it is damaged, or beyond a limit.
    #[inline(always)]
    pub(in crate::codec) fn read(
        bytes: &[u8],
        max_log: u32,
        max_symbol: u8,
    ) -> Option<(Self, usize)> {
        debug_assert!(max_log <= MAX_LOG && usize::from(max_symbol) < MAX_SYMBOLS);
        let mut bits = ForwardBits { bytes, at: 0 };
        let log = bits.peek(4) + 5;
        bits.at += 4;
        if log > max_log {
            return None;
        }
        let mut counts = [0_i16; MAX_SYMBOLS];
        let mut symbols = 0;
        // What is left to distribute.
        let mut left = 1_i32 << log;
        while left > 0 {
            if symbols > usize::from(max_symbol) {
                return None;
            }
            // A number from 0 to `most`, in `width` bits, of which the lowest numbers save one.
            let most = left as u32 + 1;
            let width = u32::BITS - most.leading_zeros();
            let saving = (1 << width) - 1 - most;
            let wide = bits.peek(width);
            let narrow = wide & ((1 << (width - 1)) - 1);
            let is_narrow = narrow < saving;
            bits.at += width as usize - usize::from(is_narrow);
            let is_high = wide >= 1 << (width - 1);
            let number = wide - select_unpredictable(is_high, saving, 0);
            let number = select_unpredictable(is_narrow, narrow, number);
            // At most 513, so that it fits.
            let count = number as i16 - 1;
            left -= i32::from(count).abs();
            counts[symbols] = count;
            symbols += 1;
            // A zero is followed by the number of zeros behind it, in twos of bits;
            // 3 has more behind it.
            let mut zeros = if count == 0 { 3 } else { 0 };
            while zeros == 3 {
                zeros = bits.peek(2);
                bits.at += 2;
                symbols += zeros as usize;
                if symbols > usize::from(max_symbol) {
                    return None;
                }
            }
            if bits.at > 8 * bytes.len() {
                return None;
            }
        }
        (left == 0).then_some((Self { log, counts, symbols }, bits.at.div_ceil(8)))
    }

    /// The parts of each symbol up to the last that has some; -1 is less than one.
    pub(in crate::codec) fn counts(&self) -> &[i16] {
        &self.counts[..self.symbols]
    }

    /// The states of the decoding table, in order, handed to `each` (section 4.1.1).
    #[inline(always)]
    pub(super) fn for_each_state(&self, mut each: impl FnMut(usize, State)) {
        let size = 1_usize << self.log;
        let counts = self.counts();
        // Symbols in order, each as often as it has parts: the first pieces are written whole, and what is
        // too much by the next.
        let mut parts = [0_u8; (1 << MAX_LOG) + PIECE];
        let mut at = 0;
        let mut end = size;
        for (symbol, count) in counts.iter().enumerate() {
            let count = match usize::try_from(*count) {
                Ok(count) => count,
                Err(_) => {
                    end -= 1;
                    0
                }
            };
            for at in (at..at + count.max(1)).step_by(PIECE) {
                parts[at..][..PIECE].fill(symbol as u8);
            }
            at += count;
        }
        // They are spread over the states, but for the last ones.
        let mut symbols = [0_u8; 1 << MAX_LOG];
        let symbols = &mut symbols[..size];
        let step = (size >> 1) + (size >> 3) + 3;
        let (mut part, mut at) = (0, 0);
        for _ in 0..size {
            symbols[at] = parts[part];
            part += usize::from(at < end);
            at = (at + step) & (size - 1);
        }
        // Symbols of less than one part have those, from the end on.
        if end < size {
            let rare = counts.iter().enumerate().filter(|(_, count)| **count < 0);
            for ((symbol, _), place) in rare.zip(symbols[end..].iter_mut().rev()) {
                *place = symbol as u8;
            }
        }
        // The states of a symbol, counted from its number of parts on, share out the numbers that
        // can follow.
        let mut next = self.counts.map(|count| u32::from(count.unsigned_abs()));
        for (i, symbol) in symbols.iter().enumerate() {
            let next = &mut next[usize::from(*symbol) % MAX_SYMBOLS];
            let bits = self.log - next.ilog2();
            each(i, State { symbol: *symbol, bits, next: (*next << bits) - (1 << self.log) });
            *next += 1;
        }
    }
}

/// Bits from the front of bytes, with zeros behind their end.
struct ForwardBits<'a> {
    bytes: &'a [u8],
    /// Bits that were read.
    at: usize,
}

impl ForwardBits<'_> {
    /// The next `count` bits, of at most 24, which stay where they are.
    #[inline(always)]
    fn peek(&self, count: u32) -> u32 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let four = match rest.first_chunk() {
            Some(four) => *four,
            None => std::array::from_fn(|i| rest.get(i).copied().unwrap_or(0)),
        };
        (u32::from_le_bytes(four) >> (self.at % 8)) & ((1 << count) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::batch::codes;

    fn states(distribution: &Distribution) -> Vec<State> {
        let mut states = Vec::new();
        distribution.for_each_state(|i, state| {
            assert_eq!(i, states.len());
            states.push(state);
        });
        states
    }

    /// Entries of the table in section A.1 of the RFC: that of literal lengths by default.
    #[test]
    fn the_default_table_is_the_one_printed_in_the_format() {
        let kind = codes::LITERAL_LENGTHS;
        let states = states(&Distribution::of(kind.default_log, kind.default));
        let state = |symbol, bits, next| State { symbol, bits, next };
        assert_eq!(states.len(), 64);
        assert_eq!(states[0], state(0, 4, 0));
        assert_eq!(states[1], state(0, 4, 16));
        assert_eq!(states[2], state(1, 5, 32));
        assert_eq!(states[3], state(3, 5, 0));
        assert_eq!(states[63], state(32, 6, 0));
    }

    /// What the lanes' tables rest on: no bits lead out of a table.
    #[test]
    fn each_next_state_is_in_the_table() {
        for kind in [codes::LITERAL_LENGTHS, codes::MATCH_LENGTHS, codes::OFFSETS] {
            let distribution = Distribution::of(kind.default_log, kind.default);
            for state in states(&distribution) {
                assert!(state.next + (1 << state.bits) <= 1 << distribution.log);
            }
        }
    }

    #[test]
    fn damaged_distributions_are_none() {
        // An accuracy log of 5 + 15.
        assert!(Distribution::read(&[0x0f, 0, 0], 9, 52).is_none());
        // No bytes for what the log promises.
        assert!(Distribution::read(&[0x01], 9, 52).is_none());
        // Zeros up to the end: more symbols than there are.
        assert!(Distribution::read(&[0x10, 0xfe, 0xff, 0xff, 0xff, 0xff], 9, 5).is_none());
    }
}
