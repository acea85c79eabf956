//! What a state says, for the lanes of `steps.rs`.
//!
//! To take the top bits of a lane and put them below a number takes one instruction there. Baselines of
//! lengths, offsets and states are all multiples of the power of two that their bits count to (match
//! lengths behind the least of 3), so that here they are without those zeros:
//!
//! ```text
//! | baseline 48..64 | next state 32..48 | bits for the next state 8..14 | extra bits 0..6 |
//! ```
//!
//! An offset's baseline is a one above its bits, and needs no place.

use crate::codec::batch::codes::{self, Kind};
use crate::codec::batch::fse::{Distribution, MAX_SYMBOLS, State};
use crate::codec::batch::sequences::LOADED;
use crate::codec::batch::tables::{
    Distributions, LENGTH_STATE, OFFSET_STATE, TOO_LONG, for_each_state,
};

/// Where the next state and the baseline are in an entry, and the bits for the next state.
pub(super) const NEXT_BITS: u32 = 8;
pub(super) const NEXT: u32 = 32;
pub(super) const BASELINE: u32 = 48;
/// What baselines of match lengths are above a multiple of their power of two.
pub(super) const MIN_MATCH: u32 = 3;
/// The most extra bits of an offset that is taken: with those of two lengths, one load has them all.
const MAX_OFFSET_CODE: u8 = (LOADED - 2 * 15) as u8;
/// In the entry of an offset with more of them.
const FAR: u64 = 1 << 63;

/// What tables say of codes, by code: extra bits and baselines.
pub(super) struct Codes([u64; MAX_SYMBOLS]);

impl Codes {
    fn new(kind: &Kind, of_code: impl Fn(u8) -> u64) -> Self {
        let mut codes = Self([0; _]);
        for code in 0..=kind.max_code {
            codes.0[usize::from(code)] = of_code(code);
        }
        codes
    }

    pub(super) fn literals() -> Self {
        Self::new(&codes::LITERAL_LENGTHS, |code| length(codes::literal_length(code), 0))
    }

    pub(super) fn offsets() -> Self {
        Self::new(&codes::OFFSETS, |code| match code {
            0..=MAX_OFFSET_CODE => u64::from(code),
            _ => FAR,
        })
    }

    pub(super) fn matches() -> Self {
        Self::new(&codes::MATCH_LENGTHS, |code| length(codes::match_length(code), MIN_MATCH))
    }

    /// The entry of a state.
    #[inline(always)]
    pub(super) fn entry(&self, state: State) -> u64 {
        debug_assert_eq!(state.next % (1 << state.bits), 0);
        let next = u64::from(state.next >> state.bits);
        let of_code = self.0[usize::from(state.symbol) % MAX_SYMBOLS];
        of_code | next << NEXT | u64::from(state.bits) << NEXT_BITS
    }
}

/// The tables of sequences; states as in `tables.rs`.
pub(in crate::codec::batch) struct WideTables {
    pub(super) literals: [u64; 1 << LENGTH_STATE],
    pub(super) offsets: [u64; 1 << OFFSET_STATE],
    pub(super) matches: [u64; 1 << LENGTH_STATE],
}

impl WideTables {
    /// The format's own tables, those of one code, and a dictionary's.
    pub(in crate::codec::batch) fn new(dictionary: Option<&Distributions>) -> Box<Self> {
        let mut tables = Box::new(Self { literals: [0; _], offsets: [0; _], matches: [0; _] });
        let of = dictionary.map(|all| &all.literals);
        fill(&mut tables.literals, &codes::LITERAL_LENGTHS, of, &Codes::literals());
        let of = dictionary.map(|all| &all.offsets);
        fill(&mut tables.offsets, &codes::OFFSETS, of, &Codes::offsets());
        let of = dictionary.map(|all| &all.matches);
        fill(&mut tables.matches, &codes::MATCH_LENGTHS, of, &Codes::matches());
        tables
    }
}

fn fill(entries: &mut [u64], kind: &Kind, dictionary: Option<&Distribution>, codes: &Codes) {
    for_each_state(kind, dictionary, |i, state| entries[i] = codes.entry(state));
}

/// Baseline and extra bits of a length.
fn length((baseline, bits): (u32, u32), least: u32) -> u64 {
    match baseline {
        0..0x8000 => {
            debug_assert_eq!((baseline - least) % (1 << bits), 0);
            u64::from((baseline - least) >> bits) << BASELINE | u64::from(bits)
        }
        _ => u64::from(TOO_LONG) << BASELINE,
    }
}
