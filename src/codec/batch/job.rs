//! A frame of a group.

use crate::codec::batch::GROUP_FRAMES;
use crate::codec::batch::order::Order;
use crate::codec::batch::plan::{CHECKSUM_SIZE, Literals, Outline, Plan};
use crate::codec::batch::starts::Start;

/// What the stages have to know of a frame. (Each fits in 32 bits: what a group has is far smaller.)
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) frame: &'a [u8],
    /// Bytes of content.
    pub(super) size: u32,
    /// Where its literals are in the workspace, and how many.
    pub(super) literals_at: u32,
    pub(super) literals: u32,
    /// Where its sequences are there, and how many.
    pub(super) sequences_at: u32,
    pub(super) sequences: u32,
    /// Where in the frame the stream of its literals is, if there is one, and that of its sequences.
    literal_bytes: [u32; 2],
    /// Whether these are four streams and not one, and whether the code is the frame's own, and lies
    /// before them.
    pub(super) four: bool,
    pub(super) own_code: bool,
    sequence_stream: [u32; 2],
    pub(super) states: Start,
    has_checksum: bool,
}

impl<'a> Job<'a> {
    #[inline(always)]
    pub(super) fn new(
        frame: &'a [u8],
        outline: Outline,
        size: usize,
        plan: &Plan,
        literals_at: usize,
        sequences_at: usize,
    ) -> Option<Self> {
        u32::try_from(frame.len()).is_ok().then_some(Self {
            frame,
            size: size as u32,
            literals_at: literals_at as u32,
            literals: plan.literals as u32,
            sequences_at: sequences_at as u32,
            sequences: plan.sequences as u32,
            literal_bytes: [plan.literal_bytes.start as u32, plan.literal_bytes.end as u32],
            four: plan.four,
            own_code: plan.kind == Literals::Own,
            sequence_stream: [plan.stream.start as u32, plan.stream.end as u32],
            states: plan.start,
            has_checksum: outline.has_checksum(),
        })
    }

    /// The frame up to the end of what is coded of its literals, and where that begins.
    #[inline(always)]
    pub(super) fn literal_bytes(&self) -> (&'a [u8], usize) {
        let [start, end] = self.literal_bytes;
        (&self.frame[..end as usize], start as usize)
    }

    /// The frame up to the end of the stream of its sequences, and where that begins.
    #[inline(always)]
    pub(super) fn sequence_stream(&self) -> (&'a [u8], usize) {
        let [start, end] = self.sequence_stream;
        (&self.frame[..end as usize], start as usize)
    }

    /// What the frame has behind its block.
    #[inline(always)]
    pub(super) fn checksum(&self) -> Option<u32> {
        let checksum = self.frame.last_chunk::<CHECKSUM_SIZE>().filter(|_| self.has_checksum)?;
        Some(u32::from_le_bytes(*checksum))
    }
}

/// The jobs of a group that have a stream of some kind.
#[derive(Clone, Copy)]
pub(super) struct Listed<'a> {
    pub(super) jobs: &'a [Job<'a>],
    /// Their numbers.
    pub(super) numbers: &'a [u8],
}

impl<'a> Listed<'a> {
    /// Them, with their numbers, in order of their streams' lengths.
    #[inline(always)]
    pub(super) fn order(self, length: impl Fn(&Job<'a>) -> u32) -> Order {
        Order::new(self.numbers.iter().map(|number| (*number, length(self.job(*number)))))
    }

    #[inline(always)]
    pub(super) fn job(self, number: u8) -> &'a Job<'a> {
        &self.jobs[usize::from(number)]
    }
}

/// The jobs of a group that are libzstd's after all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Failed(u128);

const _: () = assert!(GROUP_FRAMES <= u128::BITS as usize);

impl Failed {
    #[inline(always)]
    pub(super) fn insert(&mut self, number: u8) {
        self.0 |= 1 << number;
    }

    #[inline(always)]
    pub(super) fn contains(self, number: usize) -> bool {
        self.0 >> number & 1 != 0
    }
}
