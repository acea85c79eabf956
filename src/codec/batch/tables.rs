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
//! steps    | masks of next states 38..64         | next states 8..34                | code 0..8
//!          | literals 9 | matches 9 | offsets 8  | literals 9 | matches 9 | offs. 8 | offsets
//!
//! lengths  | masks of extra bits 32..64          | baselines 0..32
//!          | match length 16 | literal length 16 | match length 16 | literal length 16
//! ```

use crate::codec::batch::codes::{self, Kind};
use crate::codec::batch::fse::{Distribution, State};

/// Bits of a state: literal lengths and match lengths, offsets.
const LENGTH_STATE: u32 = 9;
const OFFSET_STATE: u32 = 8;

/// Where fields of a step begin.
const NEXT: u32 = 8;
const MASKS: u32 = 38;
/// Where fields of states begin in the next states, and in their masks.
const MATCHES: u32 = OFFSET_STATE;
const LITERALS: u32 = OFFSET_STATE + LENGTH_STATE;

/// The length that stands for all of 32 KiB and more, which do not all fit in 16 bits. No frame that
/// is taken has room for so many bytes.
pub(super) const TOO_LONG: u32 = 0xffff;

/// The three tables of one kind of frame, and where each begins.
///
/// Of a table that is smaller than its array the rest is 0; no state leads there, and it would do no
/// harm: each number is masked to its array.
pub(super) struct SequenceTables {
    literal_log: u32,
    match_log: u32,
    offset_log: u32,
    literal_steps: [u64; 1 << LENGTH_STATE],
    literal_lengths: [u64; 1 << LENGTH_STATE],
    match_steps: [u64; 1 << LENGTH_STATE],
    match_lengths: [u64; 1 << LENGTH_STATE],
    offset_steps: [u64; 1 << OFFSET_STATE],
}

/// What the three states of a sequence say together.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    step: u64,
    lengths: u64,
}

/// Three states in one number, as in the fields of a step.
#[derive(Clone, Copy)]
pub(super) struct States(u32);

impl SequenceTables {
    /// Tables of three distributions: literal lengths, offsets, match lengths.
    pub(super) fn new(
        literals: &Distribution,
        offsets: &Distribution,
        matches: &Distribution,
    ) -> Box<Self> {
        let mut tables = Box::new(Self {
            literal_log: literals.log,
            match_log: matches.log,
            offset_log: offsets.log,
            literal_steps: [0; _],
            literal_lengths: [0; _],
            match_steps: [0; _],
            match_lengths: [0; _],
            offset_steps: [0; _],
        });
        literals.for_each_state(|i, state| {
            let (baseline, bits) = codes::literal_length(state.symbol);
            tables.literal_steps[i] = step(state, LITERALS);
            tables.literal_lengths[i] = length(baseline, bits);
        });
        matches.for_each_state(|i, state| {
            let (baseline, bits) = codes::match_length(state.symbol);
            tables.match_steps[i] = step(state, MATCHES);
            tables.match_lengths[i] = length(baseline, bits) << 16;
        });
        offsets.for_each_state(|i, state| {
            tables.offset_steps[i] = step(state, 0) | u64::from(state.symbol);
        });
        tables
    }

    /// Those of the format itself (section 3.1.1.3.2.2).
    pub(super) fn predefined() -> Box<Self> {
        let of = |kind: Kind| Distribution::of(kind.default_log, kind.default);
        Self::new(&of(codes::LITERAL_LENGTHS), &of(codes::OFFSETS), &of(codes::MATCH_LENGTHS))
    }

    /// Bits of the first states of a stream.
    #[inline(always)]
    pub(super) fn first_bits(&self) -> u32 {
        self.literal_log + self.offset_log + self.match_log
    }

    /// The states that a stream begins with: literal lengths, offsets, match lengths, from
    /// `first_bits` bits.
    #[inline(always)]
    pub(super) fn first(&self, bits: u64) -> States {
        let low = |bits: u64, count: u32| bits as u32 & ((1 << count) - 1);
        let matches = low(bits, self.match_log);
        let offsets = low(bits >> self.match_log, self.offset_log);
        let literals = low(bits >> (self.match_log + self.offset_log), self.literal_log);
        States(literals << LITERALS | matches << MATCHES | offsets)
    }

    /// What three states say.
    #[inline(always)]
    pub(super) fn entry(&self, states: States) -> Entry {
        // The masks keep each number below the size of its array.
        let literals = (states.0 >> LITERALS) as usize & ((1 << LENGTH_STATE) - 1);
        let matches = (states.0 >> MATCHES) as usize & ((1 << LENGTH_STATE) - 1);
        let offsets = states.0 as usize & ((1 << OFFSET_STATE) - 1);
        Entry {
            step: self.literal_steps[literals]
                + self.match_steps[matches]
                + self.offset_steps[offsets],
            lengths: self.literal_lengths[literals] + self.match_lengths[matches],
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
        self.step as u32 & 0xff
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
