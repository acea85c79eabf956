//! Distributions for symbols that were counted, and the tables that encode by them (RFC 8878, section 4.1).

use crate::codec::encode::bits::Bits;

/// The least accuracy log of the format.
const LEAST_LOG: u32 = 5;
/// More symbols than any distribution here is of.
pub(super) const SYMBOLS: usize = 64;

/// How often each symbol is there, the highest that is, and the most that one of them is.
pub(super) struct Counts {
    pub(super) of: [u32; SYMBOLS],
    pub(super) highest: usize,
    pub(super) most: u32,
}

impl Counts {
    /// The counts of symbols that are there.
    #[inline]
    pub(super) fn new(symbols: &[u8]) -> Self {
        let mut of = [0; SYMBOLS];
        for symbol in symbols {
            of[usize::from(*symbol) % SYMBOLS] += 1;
        }
        Self::of(&of)
    }

    /// Symbols that were counted.
    #[inline(always)]
    pub(super) fn of<const N: usize>(counts: &[u32; N]) -> Self {
        let mut of = [0; SYMBOLS];
        of[..N].copy_from_slice(counts);
        let highest = counts.iter().rposition(|count| *count > 0).unwrap_or(0);
        let most = counts.iter().copied().max().unwrap_or(0);
        Self { of, highest, most }
    }
}

/// The accuracy log that libzstd takes for `total` symbols of at most `highest`: `less` is 2 for
/// distributions, 1 for the longest code of a Huffman tree.
pub(super) fn accuracy(most: u32, total: usize, highest: usize, less: u32) -> u32 {
    let enough = (total - 1).ilog2().wrapping_sub(less);
    most.min(enough).max(least_accuracy(total, highest)).max(LEAST_LOG)
}

/// What `highest + 1` symbols can be told apart with.
fn least_accuracy(total: usize, highest: usize) -> u32 {
    (total.ilog2() + 1).min(highest.ilog2() + 2)
}

/// How many of `1 << log` states each symbol has; at least one for those that are there.
pub(super) struct Shares {
    pub(super) of: [i16; SYMBOLS],
    pub(super) log: u32,
    pub(super) highest: usize,
}

/// A share is rounded up where what is left of it is more than this many parts of 2^20: by how it is without
/// that.
const ROUND_UP: [u64; 8] = [0, 473_195, 504_333, 520_860, 550_000, 700_000, 750_000, 830_000];

impl Shares {
    /// Those that libzstd gives out; `None` where it finds none.
    pub(super) fn new(counts: &Counts, total: u32, log: u32) -> Option<Self> {
        let highest = counts.highest;
        if log < least_accuracy(total as usize, highest) {
            return None;
        }
        let mut of = [0; SYMBOLS];
        let scale = 62 - log;
        let step = (1_u64 << 62) / u64::from(total);
        let low = total >> log;
        let mut left = 1_i32 << log;
        let (mut largest, mut largest_at) = (0, 0);
        for (symbol, count) in counts.of[..=highest].iter().enumerate().filter(|(_, c)| **c > 0) {
            let share = match *count {
                count if count == total => return None,
                count if count <= low => 1,
                count => {
                    let exact = u64::from(count) * step;
                    let mut share = exact >> scale;
                    if let Some(bar) = ROUND_UP.get(share as usize) {
                        share += u64::from(exact - (share << scale) > bar << (scale - 20));
                    }
                    if share > largest {
                        (largest, largest_at) = (share, symbol);
                    }
                    share
                }
            };
            of[symbol] = share as i16;
            left -= share as i32;
        }
        // What is too much or too little is the largest's, unless that would lose half of its own.
        let mut shares = Self { of, log, highest };
        if -left >= i32::from(shares.of[largest_at] >> 1) {
            shares.give_out_again(counts, total)?;
        } else {
            shares.of[largest_at] += left as i16;
        }
        Some(shares)
    }

    /// The way for counts of which many are low: those first, and what is left in proportion.
    fn give_out_again(&mut self, counts: &Counts, total: u32) -> Option<()> {
        const OPEN: i16 = -2;
        let counts = &counts.of[..=self.highest];
        let shares = &mut self.of[..=self.highest];
        let mut total = u64::from(total);
        let low = (total >> self.log) as u32;
        let mut one = ((total * 3) >> (self.log + 1)) as u32;
        let mut given = 0;
        for (share, count) in shares.iter_mut().zip(counts) {
            *share = match *count {
                0 => 0,
                count if count <= low || count <= one => {
                    given += 1;
                    total -= u64::from(count);
                    1
                }
                _ => OPEN,
            };
        }
        let mut left = (1_u64 << self.log) - given;
        if left == 0 {
            return Some(());
        }
        if total / left > u64::from(one) {
            one = (total * 3 / (left * 2)) as u32;
            for (share, count) in shares.iter_mut().zip(counts) {
                if *share == OPEN && *count <= one {
                    *share = 1;
                    given += 1;
                    total -= u64::from(*count);
                }
            }
            left = (1 << self.log) - given;
        }
        if given as usize == shares.len() {
            // All are low: the first of the most has the rest.
            let most = counts.iter().copied().max()?;
            let first = counts.iter().position(|count| *count == most)?;
            shares[first] += left as i16;
            return Some(());
        }
        if total == 0 {
            // None is open: those with a share take turns.
            let mut at = 0;
            while left > 0 {
                if shares[at] > 0 {
                    shares[at] += 1;
                    left -= 1;
                }
                at = (at + 1) % shares.len();
            }
            return Some(());
        }
        let fine = 62 - self.log;
        let half = (1_u64 << (fine - 1)) - 1;
        let step = ((left << fine) + half) / total;
        let mut at = half;
        for (share, count) in shares.iter_mut().zip(counts).filter(|(share, _)| **share == OPEN) {
            let end = at + u64::from(*count) * step;
            *share = ((end >> fine) - (at >> fine)) as i16;
            if *share < 1 {
                return None;
            }
            at = end;
        }
        Some(())
    }

    /// Writes the shares (section 4.1.1); `None` if they do not fill the states.
    pub(super) fn write(&self, mut bits: Bits<'_>) -> Option<()> {
        bits.add(u64::from(self.log - LEAST_LOG), 4);
        // One more than what is left to give out.
        let mut left = (1_i32 << self.log) + 1;
        let mut threshold = 1_i32 << self.log;
        let mut width = self.log + 1;
        let mut symbol = 0;
        while symbol <= self.highest && left > 1 {
            let share = i32::from(self.of[symbol]);
            symbol += 1;
            // The lowest numbers save a bit.
            let saving = 2 * threshold - 1 - left;
            left -= share.abs();
            if left < 1 {
                return None;
            }
            let mut number = share + 1;
            if number >= threshold {
                number += saving;
            }
            bits.add(number as u64, width - u32::from(number < saving));
            bits.flush();
            while left < threshold {
                width -= 1;
                threshold >>= 1;
            }
            if share == 0 {
                // How many more there are, in threes.
                let more = self.of[symbol..=self.highest].iter().position(|share| *share != 0)?;
                for _ in 0..more / 3 {
                    bits.add(3, 2);
                    bits.flush();
                }
                bits.add((more % 3) as u64, 2);
                bits.flush();
                symbol += more;
            }
        }
        bits.finish();
        (left == 1).then_some(())
    }
}

/// What encodes symbols by their shares, in at most `STATES` states.
#[derive(Clone)]
pub(super) struct Table<const STATES: usize, const SYMBOLS: usize> {
    log: u32,
    /// For each symbol the states that are its own, and in the order of symbols.
    states: [u16; STATES],
    symbols: [Symbol; SYMBOLS],
}

#[derive(Clone, Copy)]
struct Symbol {
    /// Bits that a state gives up for this symbol, in the upper half, if the state is added to it.
    bits: u32,
    /// Where in `states` it goes on, with what is left of the state.
    to: i32,
}

impl<const STATES: usize, const SYMBOLS: usize> Table<STATES, SYMBOLS> {
    /// A table that has nothing.
    pub(super) const EMPTY: Self =
        Self { log: 0, states: [0; STATES], symbols: [Symbol { bits: 0, to: 0 }; SYMBOLS] };

    /// The table of a distribution whose shares fill `1 << log` states, -1 being less than one.
    pub(super) const fn new(shares: &[i16], log: u32) -> Self {
        let mut table = Self::EMPTY;
        table.fill(shares, log);
        table
    }

    /// Makes it the table of a distribution.
    pub(super) const fn fill(&mut self, shares: &[i16], log: u32) {
        let size = 1_usize << log;
        assert!(size <= STATES && shares.len() <= SYMBOLS, "the table has room");
        self.log = log;
        // Symbols with less than one have the last states; the others are spread over what is left.
        let mut symbol_of = [0_u8; STATES];
        let mut next = [0_u16; SYMBOLS];
        let (mut end, mut sum, mut i) = (size, 0, 0);
        while i < shares.len() {
            next[i] = sum;
            let share = shares[i];
            if share < 0 {
                end -= 1;
                symbol_of[end] = i as u8;
            }
            sum += share.unsigned_abs();
            i += 1;
        }
        let step = (size >> 1) + (size >> 3) + 3;
        let (mut at, mut i) = (0, 0);
        while i < shares.len() {
            let mut left = shares[i];
            while left > 0 {
                symbol_of[at] = i as u8;
                at = (at + step) & (size - 1);
                while at >= end {
                    at = (at + step) & (size - 1);
                }
                left -= 1;
            }
            i += 1;
        }
        let mut state = 0;
        while state < size {
            let next = &mut next[symbol_of[state] as usize % SYMBOLS];
            self.states[*next as usize % STATES] = (size + state) as u16;
            *next += 1;
            state += 1;
        }
        let (mut sum, mut i) = (0_i32, 0);
        while i < shares.len() {
            let share = shares[i].unsigned_abs() as u32;
            let (bits, to) = match share {
                0 => (0, 0),
                1 => ((log << 16) - (1 << log), sum - 1),
                _ => {
                    let bits = log - (share - 1).ilog2();
                    ((bits << 16) - (share << bits), sum - share as i32)
                }
            };
            self.symbols[i] = Symbol { bits, to };
            sum += share as i32;
            i += 1;
        }
    }

    /// Makes it the table of one symbol, which takes no bits.
    pub(super) fn fill_single(&mut self, symbol: u8) {
        self.log = 0;
        self.states[0] = 0;
        self.symbols[usize::from(symbol) % SYMBOLS] = Symbol { bits: 0, to: 0 };
    }

    /// The state to begin with: the least that ends in `symbol`.
    #[inline(always)]
    pub(super) fn begin(&self, symbol: u8) -> State<'_, STATES, SYMBOLS> {
        let Symbol { bits, to } = self.symbols[usize::from(symbol) % SYMBOLS];
        let count = (bits + (1 << 15)) >> 16;
        let least = (count << 16).wrapping_sub(bits);
        State { table: self, now: self.state(least >> count, to) }
    }

    #[inline(always)]
    fn state(&self, rest: u32, to: i32) -> u32 {
        let at = rest.wrapping_add_signed(to) as usize;
        u32::from(self.states[at % STATES])
    }
}

/// How far an encoder has come.
#[derive(Clone, Copy)]
pub(super) struct State<'a, const STATES: usize, const SYMBOLS: usize> {
    table: &'a Table<STATES, SYMBOLS>,
    now: u32,
}

impl<const STATES: usize, const SYMBOLS: usize> State<'_, STATES, SYMBOLS> {
    #[inline(always)]
    pub(super) fn encode(&mut self, symbol: u8, bits: &mut Bits<'_>) {
        let Symbol { bits: delta, to } = self.table.symbols[usize::from(symbol) % SYMBOLS];
        let count = self.now.wrapping_add(delta) >> 16;
        bits.add(u64::from(self.now), count);
        self.now = self.table.state(self.now >> count, to);
    }

    /// The state itself, which a decoder begins with.
    #[inline(always)]
    pub(super) fn end(self, bits: &mut Bits<'_>) {
        bits.add(u64::from(self.now), self.table.log);
        bits.flush();
    }
}
