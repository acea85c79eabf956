//! Prefix codes of literals and the table that decodes them (RFC 8878, section 4.2).

use crate::codec::batch::bits::BackwardBits;
use crate::codec::batch::fse::{Distribution, State};

/// The longest code (section 4.2.1).
pub(super) const MAX_BITS: u32 = 11;
/// The largest accuracy log of compressed weights (section 4.2.1.2).
pub(super) const WEIGHTS_LOG: u32 = 6;

/// A complete prefix code over bytes, by weights: a code of weight `w` has `log + 1 - w` bits, a
/// byte of weight 0 has none.
#[derive(Debug)]
pub(in crate::codec) struct Code {
    weights: [u8; 256],
    /// Bits of the longest codes.
    log: u32,
}

impl Code {
    /// Reads the tree description that `bytes` begins with (section 4.2.1), and the bytes it
    /// takes.
    pub(in crate::codec) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (first, rest) = bytes.split_first()?;
        let mut weights = [0; 256];
        let (count, used) = match usize::from(*first) {
            packed @ 0..128 => (read_packed(rest.get(..packed)?, &mut weights)?, packed),
            direct => {
                let count = direct - 127;
                let halves = rest.get(..count.div_ceil(2))?;
                for (i, weight) in weights[..count].iter_mut().enumerate() {
                    *weight = halves[i / 2] >> (4 * (1 - i % 2)) & 0xf;
                }
                (count, halves.len())
            }
        };
        // The last weight is what completes the code to a power of two.
        let sum: u32 = weights[..count].iter().map(|weight| (1 << weight) >> 1).sum();
        let log = sum.checked_ilog2()? + 1;
        let left = (1 << log) - sum;
        if log > MAX_BITS || !left.is_power_of_two() {
            return None;
        }
        *weights.get_mut(count)? = left.ilog2() as u8 + 1;
        // A complete code has an even number of its longest codes.
        let longest = weights.iter().filter(|weight| **weight == 1).count();
        (longest >= 2 && longest % 2 == 0).then_some((Self { weights, log }, 1 + used))
    }

    /// The bits of each byte's code, 0 where there is none, and those of the longest.
    pub(in crate::codec) fn lengths(&self) -> ([u8; 256], u32) {
        let bits = |weight: u8| match weight {
            0 => 0,
            _ => (self.log + 1) as u8 - weight,
        };
        (self.weights.map(bits), self.log)
    }

    /// The byte that each number of `MAX_BITS` bits begins with.
    pub(super) fn table(&self) -> Box<Table> {
        let mut table = Box::new(Table([0; _]));
        let mut at = 0;
        // Codes are given out from the longest on, and in order of their bytes.
        for weight in 1..=self.log {
            let bits = self.log + 1 - weight;
            for byte in
                (0..=u8::MAX).filter(|byte| u32::from(self.weights[usize::from(*byte)]) == weight)
            {
                let next = at + (1 << (MAX_BITS - bits));
                table.0[at..next].fill(u16::from(byte) << 8 | bits as u16);
                at = next;
            }
        }
        debug_assert_eq!(at, 1 << MAX_BITS, "the code is complete");
        table
    }
}

/// Weights that are compressed themselves (section 4.2.1.2); returns how many there are.
fn read_packed(bytes: &[u8], weights: &mut [u8; 256]) -> Option<usize> {
    let (distribution, used) = Distribution::read(bytes, WEIGHTS_LOG, MAX_BITS as u8)?;
    let mut states = [State { symbol: 0, bits: 0, next: 0 }; 1 << WEIGHTS_LOG];
    distribution.for_each_state(|i, state| states[i] = state);
    let mut bits = BackwardBits::new(bytes.get(used..)?)?;
    let mut now = bits.read(distribution.log)?;
    let mut other = bits.read(distribution.log)?;
    let mut count = 0;
    loop {
        let state = states[now as usize];
        *weights.get_mut(count)? = state.symbol;
        count += 1;
        let Some(number) = bits.read(state.bits) else { break };
        now = state.next + number;
        // The two states take turns.
        std::mem::swap(&mut now, &mut other);
    }
    // What is left is the other state's symbol.
    *weights.get_mut(count)? = states[other as usize].symbol;
    Some(count + 1)
}

/// For each number of `MAX_BITS` bits the byte that it begins with, in the high half, and the bits of
/// its code. (Not two bytes where both fit: with one, each lookup is one literal, and all lanes know
/// how many they have decoded.)
pub(super) struct Table([u16; (1 << MAX_BITS) + BEHIND]);

/// Entries behind the table, so that eight bytes can be read from each that is in it.
const BEHIND: usize = 3;

impl Table {
    /// The literal that the highest bits of `bits` begin with.
    #[inline(always)]
    pub(super) fn at_top(&self, bits: u64) -> Literal {
        Literal(self.0[(bits >> (64 - MAX_BITS)) as usize])
    }

    /// The entries for numbers of `MAX_BITS` bits, two bytes each; eight can be read from any of them.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn entries(&self) -> *const u8 {
        self.0.as_ptr().cast()
    }
}

/// An entry of a [`Table`].
#[derive(Clone, Copy)]
pub(super) struct Literal(u16);

impl Literal {
    #[inline(always)]
    pub(super) fn byte(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// Bits of the code, in the lowest bits of a number that says other things above them.
    #[inline(always)]
    pub(super) fn shift(self) -> u32 {
        u32::from(self.0)
    }
}
