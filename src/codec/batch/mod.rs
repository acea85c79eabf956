//! A decoder of its own for runs of small frames, after RFC 8878.
//!
//! libzstd decodes one frame after the other, and most of what it does for a small one is waiting:
//! each literal waits for the one before it, each sequence too. Frames do not wait for each other. So
//! here a group of frames is taken apart first, then the literals of several frames are decoded side
//! by side, then the sequences of several frames, and then each frame's content is put together.
//!
//! ```text
//! values    | frame 0 | frame 1 | frame 2 | frame 3 | ...            Group::push: a plan, a job each
//!                |         |         |         |
//! codes     of eight frames at once, where frames bring them        wide/codes.rs
//! literals  lane 0    lane 1    lane 2    lane 3    a step in turn   literals.rs, or wide/literals.rs
//! sequences lane 0    lane 1    ...                 a step in turn   sequences.rs, or wide/sequences.rs
//!                (streams of about the same length together: order.rs)
//!                |         |         |         |
//! output    | value 0 | value 1 | value 2 | value 3 | ...            execute.rs, in order
//! ```
//!
//! With AVX-512 (`wide`) lanes are those of registers, eight to each, and sequences have their places
//! (`moves.rs`) when they come from there; else they get them when they are executed.
//!
//! What it takes: frames of one block and at most `MAX_CONTENT` bytes: a raw one, or a compressed one
//! whose literals are one stream by the dictionary's code (or raw, or one byte), and whose sequences
//! are by the dictionary's tables, those of the format, or single codes; with AVX-512 also codes and
//! tables that the frame brings itself, and literals in four streams. Everything else, and each frame
//! in which anything is not as it should be, is left to libzstd: what is wrong with a frame is for
//! libzstd to say. So the one thing that has to hold here is that a frame that *is* taken decodes in
//! libzstd, and to the same bytes.

mod bits;
pub(super) mod codes;
mod deposit;
mod dictionary;
mod execute;
pub(super) mod fse;
mod huffman;
mod instructions;
mod job;
mod literals;
mod moves;
mod order;
mod places;
mod plan;
mod sequences;
mod sets;
mod starts;
mod tables;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;
#[cfg(target_arch = "x86_64")]
mod wide;

use std::mem::MaybeUninit;
use std::ops::Range;

pub(super) use dictionary::{Parts, Prepared};
pub(super) use plan::Outline;
pub(super) use tables::Distributions;

use crate::codec::batch::execute::{Execution, OVER};
use crate::codec::batch::instructions::Instructions;
use crate::codec::batch::job::{Jobs, Listed, MAX_FRAME};
use crate::codec::batch::moves::Sequence;
use crate::codec::batch::plan::{Literals, Plan, Takes};
use crate::codec::batch::sets::{FrameSet, Kinds};
use crate::codec::batch::starts::Own;
#[cfg(target_arch = "x86_64")]
use crate::codec::batch::starts::OwnStart;
#[cfg(target_arch = "x86_64")]
use crate::codec::batch::wide::{OwnCodes, OwnTables};

/// Elsewhere no frame is taken that brings tables.
#[cfg(not(target_arch = "x86_64"))]
type OwnTables = std::convert::Infallible;

/// The most content of a frame that is taken, in bytes. Lengths of a sound one then fit in 15 bits: a
/// place for a sequence has no more (`moves.rs`).
const MAX_CONTENT: usize = (32 << 10) - 1;
/// And the most of one that brings tables: beyond about so much, libzstd's two literals a lookup win.
const MAX_BRINGING: usize = 8 << 10;
/// When a group is full: frames, and bytes of content, so that what is between the stages stays in
/// the processor's nearest memory.
const GROUP_FRAMES: usize = 128;
const GROUP_CONTENT: usize = 128 << 10;

/// Bytes for the literals of a group. The last frame may go beyond what fills the group; and behind
/// each frame's there are as many as its content has, and `OVER`, whatever they are.
const GROUP_LITERALS: usize = GROUP_CONTENT + 2 * MAX_CONTENT + (GROUP_FRAMES + 1) * OVER;

/// What one thread decodes with: memory between the stages, which is kept.
#[derive(Default)]
pub(super) struct Workspace {
    literals: Vec<u8>,
    sequences: Vec<Sequence>,
    /// Tables that frames bring; made for the first that does.
    #[cfg(target_arch = "x86_64")]
    own_tables: Option<OwnTables>,
    #[cfg(target_arch = "x86_64")]
    own_codes: Option<OwnCodes>,
    /// For the content of a frame that has nothing behind its place.
    content: Vec<MaybeUninit<u8>>,
}

/// Frames that are decoded side by side.
pub(super) struct Group<'a> {
    prepared: &'a Prepared,
    workspace: &'a mut Workspace,
    instructions: Instructions,
    jobs: Jobs<'a>,
    kinds: Kinds,
    /// Whether the workspace has this dictionary's tables before frames' own, and whether there are any
    /// of these now.
    shared: bool,
    with_tables: bool,
    /// Those of the taken that are libzstd's after all.
    failed: FrameSet,
    /// How many were decoded: all of them, or none.
    decoded: usize,
    /// Bytes so far.
    content: usize,
}

impl<'a> Group<'a> {
    /// No frames yet.
    pub(super) fn new(prepared: &'a Prepared, workspace: &'a mut Workspace) -> Self {
        Self {
            prepared,
            workspace,
            instructions: Instructions::detect(),
            jobs: Jobs::new(),
            kinds: Kinds::default(),
            shared: false,
            with_tables: false,
            failed: FrameSet::default(),
            decoded: 0,
            content: 0,
        }
    }

    /// How many frames were of a kind that is taken, when they were decoded; some of them may be libzstd's
    /// after all.
    pub(super) fn taken(&self) -> usize {
        self.kinds.taken.len()
    }

    /// Whether it is time to decode.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.jobs.len() >= GROUP_FRAMES || self.content >= GROUP_CONTENT
    }

    /// Adds a frame of this outline whose content has `size` bytes, which then has the next number;
    /// `false` if it is one for libzstd.
    ///
    /// # Panics
    ///
    /// If the group is full.
    #[inline]
    pub(super) fn push(&mut self, frame: &'a [u8], outline: Outline, size: usize) -> bool {
        assert!(!self.is_full(), "the group is full");
        let fits = outline != Outline::NONE && size <= MAX_CONTENT && frame.len() <= MAX_FRAME;
        if fits {
            self.jobs.push(frame, outline, size);
            self.content += size;
        }
        fits
    }

    /// Reads the headers of all frames, and decides which are taken.
    fn plan(&mut self) {
        let starts = &self.prepared.starts;
        if self.prepared.has_tables() {
            self.instructions.plan(&mut self.jobs, starts, &mut self.kinds);
        }
        let rest = FrameSet::first(self.jobs.len()).without(&self.kinds.taken);
        for number in rest.iter() {
            let plan = if !self.instructions.take_own_tables() {
                self.plan_one::<false>(number)
            } else {
                // With a dictionary few frames bring anything.
                let plan = match self.prepared.has_tables() {
                    true => self.plan_one::<false>(number),
                    false => None,
                };
                plan.or_else(|| self.plan_bringing(number))
            };
            self.jobs.set_plan(number, plan.as_ref());
            let Some(plan) = plan else { continue };
            self.kinds.taken.insert(number);
            if plan.sequences > 0 {
                self.kinds.sequences.insert(number);
                #[cfg(target_arch = "x86_64")]
                if plan.own != OwnStart::default()
                    && let Some(tables) = &mut self.workspace.own_tables
                {
                    tables.start(number, plan.own);
                }
            }
            match plan.kind {
                Literals::Repeat => self.kinds.literals.insert(number),
                Literals::Own => self.kinds.codes.insert(number),
                Literals::Raw | Literals::Rle => self.kinds.plain.insert(number),
            }
            if plan.four {
                self.kinds.four.insert(number);
            }
        }
    }

    #[inline(never)]
    fn plan_bringing(&mut self, number: u8) -> Option<Plan> {
        self.plan_one::<true>(number)
    }

    #[inline(always)]
    fn plan_one<const BRINGING: bool>(&mut self, number: u8) -> Option<Plan> {
        let Prepared { starts, .. } = self.prepared;
        let (frame, outline, size) = self.jobs.given(number);
        let takes = Takes::new(self.prepared.has_tables(), BRINGING, size);
        Plan::read::<BRINGING>(frame, outline, size, starts, takes, |kind, bytes| {
            if takes.own { self.own_table(kind, bytes) } else { None }
        })
    }

    /// Reads a table of sequences that a frame brings (`Starts::read`).
    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn own_table(&mut self, kind: usize, bytes: &[u8]) -> Option<Own> {
        if !self.instructions.take_own_tables() {
            return None;
        }
        let tables = self.workspace.own_tables.get_or_insert_default();
        if !self.shared {
            tables.share(&self.prepared.wide);
            self.shared = true;
        }
        self.with_tables = true;
        // SAFETY: the processor has what the function wants (`Instructions::detect`).
        unsafe { tables.add(kind, bytes) }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn own_table(&mut self, _: usize, _: &[u8]) -> Option<Own> {
        None
    }

    /// Makes room for the literals and sequences of the group.
    fn make_room(&mut self, sequences: usize) {
        if self.workspace.literals.is_empty() {
            self.workspace.literals.resize(GROUP_LITERALS, 0);
        }
        if self.workspace.sequences.len() < sequences {
            self.workspace.sequences.resize(sequences, Sequence::default());
        }
    }

    /// Decodes literals and sequences of all frames.
    pub(super) fn decode(&mut self) {
        self.decoded = self.jobs.len();
        if self.decoded == 0 {
            return;
        }
        self.plan();
        let run = self.instructions;
        let spacing = run.spacing();
        let sequences = self.jobs.set_places(spacing, &self.kinds.taken);
        self.make_room(sequences);
        let Self { prepared, workspace, jobs, kinds, failed, .. } = self;
        // SAFETY: `plan` has put each in those sets that its plan says, and all have their places.
        let listed = |numbers| unsafe { Listed::new(jobs, numbers) };
        run.plain_literals(listed(kinds.plain), &mut workspace.literals);
        if let Some(code) = &prepared.literals {
            let literals = listed(kinds.literals);
            run.literals(code, literals, kinds.four, &mut workspace.literals, failed);
        }
        #[cfg(target_arch = "x86_64")]
        if !kinds.codes.is_empty() {
            let codes = workspace.own_codes.get_or_insert_default();
            run.own_literals(codes, listed(kinds.codes), &mut workspace.literals, failed);
        }
        #[cfg(target_arch = "x86_64")]
        let own = workspace.own_tables.as_ref().filter(|_| self.with_tables);
        #[cfg(not(target_arch = "x86_64"))]
        let own: Option<&OwnTables> = None;
        let sequences = &mut workspace.sequences;
        run.sequences(prepared, own, listed(kinds.sequences), sequences, failed);
        if spacing.sequences > 0 {
            for number in kinds.taken.without(&kinds.sequences).iter() {
                let job = jobs.job(number);
                let rest = Sequence::literals(job.literals as usize, job.content_at as usize);
                sequences[job.sequences_at as usize] = rest;
            }
        }
    }

    /// Puts the contents of some frames together at the front of `target`, which has places for them,
    /// one behind the other, and may have more behind these that is written later. How many were done,
    /// up to one that is for libzstd after all; what is in their places is then all written.
    ///
    /// # Panics
    ///
    /// If they were not decoded, or the places are not in `target`.
    pub(super) fn execute(
        &mut self,
        numbers: Range<usize>,
        target: &mut [MaybeUninit<u8>],
    ) -> usize {
        assert!(numbers.end <= self.decoded, "frames that were not decoded");
        let refused = FrameSet::first(self.decoded).without(&self.kinds.taken).or(&self.failed);
        let end = refused.next(numbers.start).min(numbers.end);
        let Workspace { literals, sequences, content, .. } = &mut *self.workspace;
        let mut execution = Execution {
            jobs: &self.jobs,
            // Not above `GROUP_FRAMES`.
            numbers: numbers.start as u8..end as u8,
            literals,
            sequences,
            before: &self.prepared.before,
            dictionary: self.prepared.padded(),
            aside: content,
        };
        // SAFETY: they were decoded with the same instructions, are taken, and have not failed.
        unsafe { self.instructions.execute(&mut execution, target) }
    }

    /// Leaves all frames, for the next ones.
    pub(super) fn clear(&mut self) {
        self.jobs.clear();
        self.kinds = Kinds::default();
        #[cfg(target_arch = "x86_64")]
        if self.with_tables
            && let Some(tables) = &mut self.workspace.own_tables
        {
            tables.clear();
        }
        self.with_tables = false;
        (self.failed, self.decoded) = (FrameSet::default(), 0);
        self.content = 0;
    }
}
