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
//!                (streams of about the same length together: order.rs)
//!                |         |         |         |
//! output    | value 0 | value 1 | value 2 | value 3 | ...            execute.rs, in order
//! ```
//!
//! What it takes: frames of one compressed block and at most `MAX_CONTENT` bytes, whose literals are
//! one stream by the dictionary's code (or raw, or one byte), and whose sequences are by the
//! dictionary's tables, those of the format, or single codes. Everything else, and each frame in which anything
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
mod moves;
mod order;
mod places;
mod plan;
mod sequences;
mod tables;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;
#[cfg(target_arch = "x86_64")]
mod wide;

use std::mem::MaybeUninit;
use std::ops::Range;

pub(super) use dictionary::Prepared;
pub(super) use plan::Outline;

use crate::codec::batch::execute::{Execution, OVER};
use crate::codec::batch::instructions::Instructions;
use crate::codec::batch::moves::{Frame, Sequence};
use crate::codec::batch::plan::{Literals, Plan};

/// The most content of a frame that is taken, in bytes. Lengths then fit in 15 bits.
const MAX_CONTENT: usize = 32 << 10;
/// When a group is full: frames, and bytes of content, so that what is between the stages stays in
/// the processor's nearest memory.
const GROUP_FRAMES: usize = 128;
const GROUP_CONTENT: usize = 128 << 10;

/// Places for sequences that a frame has multiples of.
const PLACES: usize = 8;

/// Bytes for the literals of a group. The last frame may go beyond what fills the group; and behind
/// each frame's there are as many as its content has, and `OVER`, whatever they are.
const GROUP_LITERALS: usize = GROUP_CONTENT + 2 * MAX_CONTENT + (GROUP_FRAMES + 1) * OVER;

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
    jobs: Vec<Job>,
    literal_streams: Vec<literals::Stream<'a>>,
    sequence_streams: Vec<sequences::Stream<'a>>,
    /// Sizes so far.
    content: usize,
    literals: usize,
    sequences: usize,
}

/// A frame of a group.
#[derive(Clone, Copy)]
struct Job {
    /// Bytes of content.
    size: u32,
    /// Where its literals and sequences are in the workspace, and how many.
    literals_at: u32,
    sequences_at: u32,
    sequences: u32,
    checksum: Option<u32>,
    failed: bool,
}

impl<'a> Group<'a> {
    /// No frames yet.
    pub(super) fn new(
        prepared: &'a Prepared,
        workspace: &'a mut Workspace,
    ) -> Self {
        workspace.literals.resize(GROUP_LITERALS, 0);
        Self {
            prepared,
            workspace,
            instructions: Instructions::detect(),
            jobs: Vec::with_capacity(GROUP_FRAMES),
            literal_streams: Vec::with_capacity(GROUP_FRAMES),
            sequence_streams: Vec::with_capacity(GROUP_FRAMES),
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

    /// Takes a frame of this outline whose content has `size` bytes, and gives the number it has in the group; `None`
    /// if it is one for libzstd.
    ///
    /// # Panics
    ///
    /// If the group is full.
    #[inline]
    pub(super) fn push(&mut self, value: &'a [u8], outline: Outline, size: usize) -> Option<usize> {
        assert!(!self.is_full(), "the group is full");
        let plan = Plan::read(value, outline, size, self.prepared.has_tables())?;
        let number = self.jobs.len();
        let count = plan.literals.count();
        let literal_stream = match &plan.literals {
            Literals::Repeat { stream: Range { start, end }, .. } => {
                Some(literals::Stream::new(&value[..*end], *start, self.literals, count, number)?)
            }
            Literals::Raw { .. } | Literals::Rle { .. } => None,
        };
        if plan.sequences > 0 {
            let Range { start, end } = plan.stream;
            self.sequence_streams.push(sequences::Stream::new(
                &value[..end],
                start,
                self.sequences,
                plan.sequences,
                self.prepared.sequences.start(plan.modes)?,
                Frame { size: size as u32, literals: count as u32 },
                number,
            )?);
        }
        let place = &mut self.workspace.literals[self.literals..][..count + OVER];
        match &plan.literals {
            Literals::Repeat { .. } => {
                if let Some(stream) = literal_stream {
                    self.literal_streams.push(stream);
                }
            }
            Literals::Raw { bytes } => copy_short(&value[bytes.start..], place, count),
            Literals::Rle { byte, .. } => place[..count].fill(*byte),
        }
        // None is over 2^32: a group is far smaller.
        self.jobs.push(Job {
            size: size as u32,
            literals_at: self.literals as u32,
            sequences_at: self.sequences as u32,
            sequences: plan.sequences as u32,
            checksum: plan.checksum,
            failed: false,
        });
        self.content += size;
        self.literals += count + OVER;
        self.sequences += plan.sequences.next_multiple_of(PLACES);
        Some(number)
    }

    /// Decodes literals and sequences of all frames.
    pub(super) fn decode(&mut self) {
        let Self { prepared, workspace, jobs, .. } = self;
        if workspace.sequences.len() < self.sequences {
            workspace.sequences.resize(self.sequences, Sequence::default());
        }
        let failed = &mut |job: usize| jobs[job].failed = true;
        let run = self.instructions;
        if let Some(code) = &prepared.literals {
            run.literals(code, &self.literal_streams, &mut workspace.literals, failed);
        }
        let out = &mut workspace.sequences;
        run.sequences(prepared, &self.sequence_streams, out, failed);
    }

    /// Puts the content of a frame together at the front of `target`, which has a place for it and
    /// may have more behind it that is written later. Whether it was done; what is in `target` is
    /// then all written.
    #[inline]
    pub(super) fn execute(&mut self, number: usize, target: &mut [MaybeUninit<u8>]) -> bool {
        let job = self.jobs[number];
        if job.failed {
            return false;
        }
        let size = job.size as usize;
        let with_over = size + OVER;
        let Workspace { literals, sequences, content } = &mut *self.workspace;
        let execution = Execution {
            literals: &literals[job.literals_at as usize..][..with_over],
            sequences: &sequences[job.sequences_at as usize..][..job.sequences as usize],
            dictionary: self.prepared.padded(),
            size,
        };
        // SAFETY: the job has not failed, so that its sequences were found sound for its size and for
        // this dictionary.
        let execute = |target| unsafe { self.instructions.execute(&execution, target) };
        match target.get_mut(..with_over) {
            Some(target) => execute(target),
            None => {
                content.resize(content.len().max(with_over), MaybeUninit::uninit());
                let made = &mut content[..with_over];
                execute(made);
                target[..size].copy_from_slice(&made[..size]);
            }
        }
        job.checksum.is_none_or(|expected| {
            // SAFETY: the execution wrote as many bytes as the content has.
            let content = unsafe { target[..size].assume_init_ref() };
            // The lower half of the hash (section 3.1.1).
            twox_hash::XxHash64::oneshot(0, content) as u32 == expected
        })
    }

    /// Leaves all frames, for the next ones.
    pub(super) fn clear(&mut self) {
        self.jobs.clear();
        self.literal_streams.clear();
        self.sequence_streams.clear();
        (self.content, self.literals, self.sequences) = (0, 0, 0);
    }
}

/// Copies the first `count` bytes. The place has more behind them, so that a short piece is copied in
/// one step.
#[inline]
fn copy_short(from: &[u8], to: &mut [u8], count: usize) {
    match (from.first_chunk::<16>(), to.first_chunk_mut::<16>()) {
        (Some(from), Some(to)) if count <= 16 => *to = *from,
        _ => to[..count].copy_from_slice(&from[..count]),
    }
}
