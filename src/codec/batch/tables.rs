//! Tables that decode the codes of sequences, three states in one step.
//!
//! A sequence is decoded from three states, one of each kind of code, and each brings two numbers of
//! some bits: its extra bits, and those that lead to its next state. In the stream the extra bits
//! come in the order offset, match length, literal length, then those for the states in the order
//! literal length, match length, offset (RFC 8878, section 3.1.1.3.2.2). So bits that
//! belong together lie together, and can be dealt out to the fields of one number in one step
//! ("deposit"), if the tables say for each field where its bits go. What the three states say is put
//! together by addition, since each fills fields of its own:
//!
//! ```text
//! steps    | masks of next states 34..63           | next states 5..34                  | code 0..5
//!          | literals 10 | matches 10 | offsets 9  | literals 10 | matches 10 | offs. 9 | offsets
//!
//! lengths  | masks of extra bits 32..64          | baselines 0..32
//!          | match length 16 | literal length 16 | match length 16 | literal length 16
//! ```
//!
//! Each kind has one array for all tables that a frame can name without bringing one: the
//! dictionary's, that of the format, and those of a single code.
//!
//! ```text
//! | dictionary 512 (offsets 256) | format 64 (32) | a state for each code, which leads to itself |
//! ```

use crate::codec::batch::codes::{self, Kind};
use crate::codec::batch::fse::{Distribution, State};

/// Bits of a state: literal lengths and match lengths, offsets.
pub(super) const LENGTH_STATE: u32 = 10;
pub(super) const OFFSET_STATE: u32 = 9;

/// Where fields of a step begin.
const NEXT: u32 = 5;
const MASKS: u32 = NEXT + 2 * LENGTH_STATE + OFFSET_STATE;
/// Where fields of states begin in the next states, and in their masks.
pub(super) const MATCHES: u32 = OFFSET_STATE;
pub(super) const LITERALS: u32 = OFFSET_STATE + LENGTH_STATE;

/// The length that stands for those of codes that begin at 32 KiB or above, which do not all fit in 16
/// bits. No frame that is taken has room for so many bytes.
pub(super) const TOO_LONG: u32 = 0xffff;

/// The tables of sequences.
///
/// Where there is no state, entries are 0; none leads there, and it would do no harm: each number
/// is masked to its array.
pub(super) struct SequenceTables {
    literals: [Entry; 1 << LENGTH_STATE],
    matches: [Entry; 1 << LENGTH_STATE],
    /// Steps: offsets say nothing about lengths.
    offsets: [u64; 1 << OFFSET_STATE],
}

/// What the three states of a sequence say together, or one of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry {
    step: u64,
    lengths: u64,
}

/// Three states in one number, as in the fields of a step.
#[derive(Clone, Copy)]
pub(super) struct States(u32);

impl States {
    /// So far behind others.
    #[inline(always)]
    pub(super) fn at(states: u32, literals: u32, offsets: u32, matches: u32) -> Self {
        Self(states.wrapping_add(literals << LITERALS | matches << MATCHES | offsets))
    }
}

/// The distributions of a dictionary.
pub(in crate::codec) struct Distributions {
    pub(in crate::codec) literals: Distribution,
    pub(in crate::codec) offsets: Distribution,
    pub(in crate::codec) matches: Distribution,
}

/// Hands each state of one kind to `each`, with its place in the arrays.
pub(super) fn for_each_state(
    kind: &Kind,
    dictionary: Option<&Distribution>,
    mut each: impl FnMut(usize, State),
) {
    let mut place = |start: u32, distribution: &Distribution| {
        distribution.for_each_state(|i, state| {
            each(start as usize + i, State { next: state.next + start, ..state });
        });
    };
    if let Some(dictionary) = dictionary {
        place(0, dictionary);
    }
    place(kind.predefined_at(), &Distribution::of(kind.default_log, kind.default));
    for code in 0..=kind.max_code {
        let next = kind.single_at() + u32::from(code);
        each(next as usize, State { symbol: code, bits: 0, next });
    }
}

impl SequenceTables {
    /// The format's own tables, those of one code, and a dictionary's.
    pub(super) fn new(dictionary: Option<&Distributions>) -> Box<Self> {
        let mut tables = Box::new(Self {
            literals: [Entry::default(); _],
            matches: [Entry::default(); _],
            offsets: [0; _],
        });
        let of = dictionary.map(|all| &all.literals);
        for_each_state(&codes::LITERAL_LENGTHS, of, |i, state| {
            let (baseline, bits) = codes::literal_length(state.symbol);
            tables.literals[i] =
                Entry { step: step(state, LITERALS), lengths: length(baseline, bits) };
        });
        let of = dictionary.map(|all| &all.matches);
        for_each_state(&codes::MATCH_LENGTHS, of, |i, state| {
            let (baseline, bits) = codes::match_length(state.symbol);
            tables.matches[i] =
                Entry { step: step(state, MATCHES), lengths: length(baseline, bits) << 16 };
        });
        let of = dictionary.map(|all| &all.offsets);
        for_each_state(&codes::OFFSETS, of, |i, state| {
            tables.offsets[i] = step(state, 0) | u64::from(state.symbol);
        });
        tables
    }

    /// What three states say.
    #[inline(always)]
    pub(super) fn entry(&self, states: States) -> Entry {
        // The masks keep each number below the size of its array.
        let literals = (states.0 >> LITERALS) as usize & ((1 << LENGTH_STATE) - 1);
        let matches = (states.0 >> MATCHES) as usize & ((1 << LENGTH_STATE) - 1);
        let offsets = states.0 as usize & ((1 << OFFSET_STATE) - 1);
        let (literals, matches) = (self.literals[literals], self.matches[matches]);
        Entry {
            step: literals.step + matches.step + self.offsets[offsets],
            lengths: literals.lengths + matches.lengths,
        }
    }
}

/// The part of a step that one state has, with the states of its kind at `field`.
fn step(state: State, field: u32) -> u64 {
    let mask = (1_u64 << state.bits) - 1;
    u64::from(state.next) << (NEXT + field) | mask << (MASKS + field)
}

/// A baseline and the mask of its extra bits, in the fields of the literal length.
fn length(baseline: u32, bits: u32) -> u64 {
    match u64::from(baseline) + (1 << bits) - 1 {
        0..=0xffff if baseline < 1 << 15 => ((1 << bits) - 1) << 32 | u64::from(baseline),
        _ => u64::from(TOO_LONG),
    }
}

impl Entry {
    /// The code of the offset, which is the number of its extra bits.
    #[inline(always)]
    pub(super) fn offset_code(self) -> u32 {
        self.step as u32 & ((1 << NEXT) - 1)
    }

    /// The mask of the extra bits of both lengths.
    #[inline(always)]
    pub(super) fn length_mask(self) -> u64 {
        self.lengths >> 32
    }

    /// Both baselines: match length, literal length, in 16 bits each.
    #[inline(always)]
    pub(super) fn length_baselines(self) -> u32 {
        self.lengths as u32
    }

    /// The mask of the bits that lead to the next states.
    #[inline(always)]
    pub(super) fn state_mask(self) -> u64 {
        self.step >> MASKS
    }

    /// The states that come next, by the bits for them, each in its field.
    #[inline(always)]
    pub(super) fn next(self, dealt: u64) -> States {
        States(((self.step >> NEXT) + dealt) as u32)
    }
}
