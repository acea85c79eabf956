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
use crate::codec::batch::fse::Distribution;
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

/// The tables of sequences; states as in `tables.rs`.
pub(in crate::codec::batch) struct WideTables {
    pub(super) literals: [u64; 1 << LENGTH_STATE],
    pub(super) matches: [u64; 1 << LENGTH_STATE],
    pub(super) offsets: [u64; 1 << OFFSET_STATE],
}

impl WideTables {
    /// The format's own tables, those of one code, and a dictionary's.
    pub(in crate::codec::batch) fn new(dictionary: Option<&Distributions>) -> Box<Self> {
        let mut tables = Box::new(Self { literals: [0; _], matches: [0; _], offsets: [0; _] });
        let of = dictionary.map(|all| &all.literals);
        fill(&mut tables.literals, &codes::LITERAL_LENGTHS, of, |code| {
            length(codes::literal_length(code), 0)
        });
        let of = dictionary.map(|all| &all.matches);
        fill(&mut tables.matches, &codes::MATCH_LENGTHS, of, |code| {
            length(codes::match_length(code), MIN_MATCH)
        });
        let of = dictionary.map(|all| &all.offsets);
        fill(&mut tables.offsets, &codes::OFFSETS, of, |code| match code {
            0..=MAX_OFFSET_CODE => u64::from(code),
            _ => FAR,
        });
        tables
    }
}

fn fill(
    entries: &mut [u64],
    kind: &Kind,
    dictionary: Option<&Distribution>,
    of_code: impl Fn(u8) -> u64,
) {
    for_each_state(kind, dictionary, |i, state| {
        debug_assert_eq!(state.next % (1 << state.bits), 0);
        let next = u64::from(state.next >> state.bits);
        entries[i] = of_code(state.symbol) | next << NEXT | u64::from(state.bits) << NEXT_BITS;
    });
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
