//! A decoder of its own for runs of small frames, after RFC 8878.
//!
//! libzstd decodes one frame after the other, and most of what it does for a small one is waiting:
//! each literal waits for the one before it, each sequence too. Frames do not wait for each other. So
//! here a group of frames is taken apart first, then the literals of several frames are decoded side
//! by side, then the sequences of several frames, and then each frame's content is put together.
//!
//! ```text
//! values    | frame 0 | frame 1 | frame 2 | frame 3 | ...            Group::push: a plan each
//!                |         |         |         |
//! literals  lane 0    lane 1    lane 2    lane 3    a step in turn   literals.rs
//! sequences lane 0    lane 1                        a step in turn   sequences.rs
//!                |         |         |         |
//! output    | value 0 | value 1 | value 2 | value 3 | ...            execute.rs, in order
//! ```
//!
//! What it takes: frames of one compressed block and at most `MAX_CONTENT` bytes, whose literals are
//! one stream by the dictionary's code (or raw, or one byte), and whose sequences are by the
//! dictionary's tables or those of the format. Everything else, and each frame in which anything
//! is not as it should be, is left to libzstd: what is wrong with a frame is for libzstd to say. So
//! the one thing that has to hold here is that a frame that *is* taken decodes in libzstd, and to
//! the same bytes.

mod bits;
mod codes;
mod deposit;
mod dictionary;
mod execute;
mod fse;
mod huffman;
mod instructions;
mod literals;
mod places;
mod plan;
mod sequences;
mod tables;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;

use std::mem::MaybeUninit;
use std::ops::Range;

pub(super) use dictionary::Prepared;

use crate::codec::batch::execute::{Execution, OVER};
use crate::codec::batch::instructions::Instructions;
use crate::codec::batch::plan::{Literals, Plan, Tables};
use crate::codec::batch::sequences::Sequence;
use crate::codec::frame::Format;

/// The most content of a frame that is taken, in bytes. Lengths then fit in 15 bits.
const MAX_CONTENT: usize = 32 << 10;
/// When a group is full: frames, and bytes of content, so that what is between the stages stays in
/// the processor's nearest memory.
const GROUP_FRAMES: usize = 128;
const GROUP_CONTENT: usize = 128 << 10;

/// What one thread decodes with: memory between the stages, which is kept.
#[derive(Default)]
pub(super) struct Workspace {
    literals: Vec<u8>,
    sequences: Vec<Sequence>,
    /// For the content of a frame that has nothing behind its place.
    content: Vec<MaybeUninit<u8>>,
}

/// Frames that are decoded side by side.
pub(super) struct Group<'a> {
    prepared: &'a Prepared,
    workspace: &'a mut Workspace,
    instructions: Instructions,
    format: Format,
    jobs: Vec<Job>,
    literal_streams: Vec<literals::Stream<'a>>,
    repeat_streams: Vec<sequences::Stream<'a>>,
    predefined_streams: Vec<sequences::Stream<'a>>,
    /// Sizes so far.
    content: usize,
    literals: usize,
    sequences: usize,
}

/// A frame of a group.
struct Job {
    plan: Plan,
    /// Where its literals and sequences are in the workspace.
    literals_at: usize,
    sequences_at: usize,
    failed: bool,
}

impl<'a> Group<'a> {
    /// No frames yet.
    pub(super) fn new(
        prepared: &'a Prepared,
        workspace: &'a mut Workspace,
        format: Format,
    ) -> Self {
        Self {
            prepared,
            workspace,
            instructions: Instructions::detect(),
            format,
            jobs: Vec::with_capacity(GROUP_FRAMES),
            literal_streams: Vec::with_capacity(GROUP_FRAMES),
            repeat_streams: Vec::with_capacity(GROUP_FRAMES),
            predefined_streams: Vec::new(),
            content: 0,
            literals: 0,
            sequences: 0,
        }
    }

    /// How many frames were taken.
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether it is time to decode.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.jobs.len() >= GROUP_FRAMES || self.content >= GROUP_CONTENT
    }

    /// Takes a frame whose content has `size` bytes, and gives the number it has in the group; `None`
    /// if it is one for libzstd.
    #[inline]
    pub(super) fn push(&mut self, value: &'a [u8], size: usize) -> Option<usize> {
        let entropy = self.prepared.entropy.is_some();
        let plan = Plan::read(value, size, self.format, entropy)?;
        let number = self.jobs.len();
        let (literals_at, sequences_at) = (self.literals, self.sequences);
        let literals = match &plan.literals {
            Literals::Repeat { stream: Range { start, end }, count } => {
                Some(literals::Stream::new(&value[..*end], *start, literals_at, *count, number)?)
            }
            Literals::Raw { .. } | Literals::Rle { .. } => None,
        };
        if plan.sequences > 0 {
            let Range { start, end } = plan.stream;
            let stream =
                sequences::Stream::new(&value[..end], start, sequences_at, plan.sequences, number)?;
            match plan.tables {
                Tables::Predefined => self.predefined_streams.push(stream),
                Tables::Repeat => self.repeat_streams.push(stream),
            }
        }
        match &plan.literals {
            Literals::Repeat { .. } => self.literal_streams.extend(literals),
            Literals::Raw { bytes } => {
                self.place(bytes.len()).copy_from_slice(&value[bytes.clone()]);
            }
            Literals::Rle { byte, count } => self.place(*count).fill(*byte),
        }
        self.content += size;
        self.literals += plan.literals.count() + OVER;
        self.sequences += plan.sequences;
        self.jobs.push(Job { plan, literals_at, sequences_at, failed: false });
        Some(number)
    }

    /// The place of the next literals, which are known.
    fn place(&mut self, count: usize) -> &mut [u8] {
        let end = self.literals + count;
        if self.workspace.literals.len() < end {
            self.workspace.literals.resize(end, 0);
        }
        &mut self.workspace.literals[self.literals..end]
    }

    /// Decodes literals and sequences of all frames.
    pub(super) fn decode(&mut self) {
        let Self { prepared, workspace, jobs, .. } = self;
        if workspace.literals.len() < self.literals {
            workspace.literals.resize(self.literals, 0);
        }
        if workspace.sequences.len() < self.sequences {
            workspace.sequences.resize(self.sequences, Sequence::default());
        }
        let failed = &mut |job: usize| jobs[job].failed = true;
        let run = self.instructions;
        if let Some(entropy) = &prepared.entropy {
            let out = &mut workspace.literals;
            run.literals(&entropy.literals, &self.literal_streams, out, failed);
            let out = &mut workspace.sequences;
            run.sequences(&entropy.sequences, &self.repeat_streams, out, failed);
        }
        let out = &mut workspace.sequences;
        run.sequences(&prepared.predefined, &self.predefined_streams, out, failed);
    }

    /// Puts the content of a frame together at the front of `target`, which has a place for it and
    /// may have more behind it that is written later. Whether it was done; what is in `target` is
    /// then all written.
    #[inline]
    pub(super) fn execute(&mut self, number: usize, target: &mut [MaybeUninit<u8>]) -> bool {
        let Job { plan, literals_at, sequences_at, failed } = &self.jobs[number];
        if *failed {
            return false;
        }
        let Workspace { literals, sequences, content } = &mut *self.workspace;
        let execution = Execution {
            literals: &literals[*literals_at..literals_at + plan.literals.count() + OVER],
            sequences: &sequences[*sequences_at..sequences_at + plan.sequences],
            repeat: self.prepared.repeat,
            dictionary: self.prepared.padded(),
        };
        let with_over = plan.size + OVER;
        let done = match target.get_mut(..with_over) {
            Some(target) => self.instructions.execute(&execution, target),
            None => {
                content.resize(content.len().max(with_over), MaybeUninit::uninit());
                let made = &mut content[..with_over];
                let done = self.instructions.execute(&execution, made);
                target[..plan.size].copy_from_slice(&made[..plan.size]);
                done
            }
        };
        done && plan.checksum.is_none_or(|expected| {
            // SAFETY: the execution wrote as many bytes as the content has.
            let content = unsafe { target[..plan.size].assume_init_ref() };
            // The lower half of the hash (section 3.1.1).
            twox_hash::XxHash64::oneshot(0, content) as u32 == expected
        })
    }

    /// Leaves all frames, for the next ones.
    pub(super) fn clear(&mut self) {
        self.jobs.clear();
        self.literal_streams.clear();
        self.repeat_streams.clear();
        self.predefined_streams.clear();
        (self.content, self.literals, self.sequences) = (0, 0, 0);
    }
}
