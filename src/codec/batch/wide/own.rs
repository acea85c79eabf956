//! Tables that frames bring themselves.

use crate::codec::batch::GROUP_FRAMES;
use crate::codec::batch::codes::{self, Kind};
use crate::codec::batch::fse::{Distribution, State};
use crate::codec::batch::huffman::MAX_BITS;
use crate::codec::batch::job::Column;
use crate::codec::batch::starts::{Own, OwnStart};
use crate::codec::batch::tables::{LENGTH_STATE, OFFSET_STATE};
use crate::codec::batch::wide::tables::{Codes, WideTables};

/// States of one kind of a group: a number of them has 16 bits.
pub(super) const STATES: usize = 1 << 16;

/// The tables of sequences of a group: those that frames share, and behind them frames' own; states are
/// numbers in these.
pub(in crate::codec::batch) struct OwnTables {
    literals: Tables,
    offsets: Tables,
    matches: Tables,
    /// How far each frame's states are from where they began otherwise (`starts::OwnStart`).
    starts: Column,
}

impl Default for OwnTables {
    fn default() -> Self {
        Self {
            literals: Tables::new(&codes::LITERAL_LENGTHS, Codes::literals(), LENGTH_STATE),
            offsets: Tables::new(&codes::OFFSETS, Codes::offsets(), OFFSET_STATE),
            matches: Tables::new(&codes::MATCH_LENGTHS, Codes::matches(), LENGTH_STATE),
            starts: [0; _],
        }
    }
}

impl OwnTables {
    /// Begins with the tables that frames share; whatever a group before had is gone.
    #[cold]
    pub(in crate::codec::batch) fn share(&mut self, shared: &WideTables) {
        self.clear();
        self.literals.share(&shared.literals);
        self.offsets.share(&shared.offsets);
        self.matches.share(&shared.matches);
    }

    /// Leaves the tables of frames.
    pub(in crate::codec::batch) fn clear(&mut self) {
        for tables in [&mut self.literals, &mut self.offsets, &mut self.matches] {
            tables.used = tables.shared;
        }
        self.starts.fill(0);
    }

    /// Notes where the states of a frame begin.
    #[inline(always)]
    pub(in crate::codec::batch) fn start(&mut self, number: u8, start: OwnStart) {
        self.starts[usize::from(number)] = start.packed();
    }

    pub(super) fn starts(&self) -> &Column {
        &self.starts
    }

    /// Adds the table that `bytes` begin with (RFC 8878, section 4.1), of the kind with this number in
    /// the order of sections; `None` if it cannot be had.
    #[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(in crate::codec::batch) fn add(&mut self, kind: usize, bytes: &[u8]) -> Option<Own> {
        match kind {
            0 => self.literals.add(bytes),
            1 => self.offsets.add(bytes),
            _ => self.matches.add(bytes),
        }
    }

    pub(super) fn entries(&self) -> [&[u64; STATES]; 3] {
        [&self.literals.entries, &self.offsets.entries, &self.matches.entries]
    }
}

/// Tables of one kind.
struct Tables {
    kind: &'static Kind,
    codes: Codes,
    entries: Box<[u64; STATES]>,
    /// How many of them are shared, and how many there are.
    shared: usize,
    used: usize,
}

impl Tables {
    fn new(kind: &'static Kind, codes: Codes, shared_log: u32) -> Self {
        let shared = 1 << shared_log;
        Self { kind, codes, entries: zeros(), shared, used: shared }
    }

    fn share(&mut self, shared: &[u64]) {
        self.entries[..shared.len()].copy_from_slice(shared);
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn add(&mut self, bytes: &[u8]) -> Option<Own> {
        let (distribution, bytes) =
            Distribution::read(bytes, self.kind.max_log, self.kind.max_code)?;
        let log = distribution.log;
        let start = self.used.next_multiple_of(1 << log);
        let entries = self.entries.get_mut(start..start + (1 << log))?;
        distribution.for_each_state(|i, state| {
            // A multiple of each power of two that bits for a next state count to.
            entries[i] = self.codes.entry(State { next: state.next + start as u32, ..state });
        });
        self.used = start + (1 << log);
        Some(Own { start: start as u16, log, bytes })
    }
}

/// Tables of the codes of literals, of a group.
pub(in crate::codec::batch) struct OwnCodes {
    /// As in `huffman::Table`, but for numbers of as many bits as the longest of the code; behind each
    /// table `BEHIND` entries that say nothing.
    pub(super) entries: Box<[u16]>,
    pub(super) used: usize,
    /// By frame.
    pub(super) tables: [CodeTable; GROUP_FRAMES],
}

/// Where the table of a frame is, and the bits of its longest code.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CodeTable {
    pub(super) start: u32,
    pub(super) log: u32,
}

/// Entries behind a table that are written with its last ones, or read.
pub(super) const BEHIND: usize = 32;

impl Default for OwnCodes {
    fn default() -> Self {
        Self {
            entries: vec![0; GROUP_FRAMES * ((1 << MAX_BITS) + BEHIND)].into(),
            used: 0,
            tables: [CodeTable::default(); _],
        }
    }
}

/// Memory that is all zeros, of which the system has to give only what is used.
fn zeros<const N: usize>() -> Box<[u64; N]> {
    match vec![0; N].try_into() {
        Ok(zeros) => zeros,
        Err(_) => unreachable!("as many"),
    }
}
