//! What the stages have to know of the frames of a group.

use std::marker::PhantomData;
#[cfg(target_arch = "x86_64")]
use std::ops::Range;

use crate::codec::batch::GROUP_FRAMES;
use crate::codec::batch::order::Order;
use crate::codec::batch::plan::{CHECKSUM_SIZE, Literals, Outline, Plan};
use crate::codec::batch::sets::FrameSet;
use crate::codec::batch::starts::Start;

/// The most bytes of a frame that is taken: where something is in one has 16 bits.
pub(super) const MAX_FRAME: usize = u16::MAX as usize;

/// A number for each frame of a group.
pub(super) type Column = [u64; GROUP_FRAMES];

/// The frames of a group by their numbers, in columns: those stages that take eight at once then load
/// what they want of these (`wide`). Each column but the first has several numbers in one, from the
/// lowest bit on as they are named here.
#[repr(align(64))]
pub(super) struct Columns {
    /// Where frames begin.
    frames: [*const u8; GROUP_FRAMES],
    /// Bytes of the frame (16 bits), bytes of its content (16), and its outline (8).
    given: Column,
    pub(super) plans: Plans,
    /// Where among those of the group its literals begin, its sequences, and its content (20 each).
    pub(super) places: Column,
}

/// What follows from a frame's headers.
#[repr(align(64))]
pub(super) struct Plans {
    /// Where in the frame the stream of sequences begins and ends, and where what is coded of the
    /// literals does (16 each).
    pub(super) ranges: Column,
    /// Bytes of content, literals, and sequences (16 each); `FOUR` and `OWN_CODE`. 0 for one that is not
    /// taken.
    pub(super) counts: Column,
    /// Of a `Start`.
    pub(super) states: Column,
}

/// Where numbers begin in their column.
pub(super) const SIZE: u32 = 16;
pub(super) const OUTLINE: u32 = 32;
pub(super) const STREAM_END: u32 = 16;
pub(super) const LITERALS_START: u32 = 32;
pub(super) const LITERALS_END: u32 = 48;
pub(super) const LITERALS: u32 = 16;
pub(super) const SEQUENCES: u32 = 32;
pub(super) const SEQUENCES_AT: u32 = 20;
pub(super) const CONTENT_AT: u32 = 40;

/// Literals in four streams and not in one; and those by a code of the frame's own, which lies before
/// them.
pub(super) const FOUR: u64 = 1 << 48;
const OWN_CODE: u64 = 1 << 49;

/// Bits of a number.
const fn bits(number: u64, from: u32, count: u32) -> u32 {
    (number >> from) as u32 & ((1 << count) - 1)
}

/// How places of frames follow each other: what lies between the literals of one and the next, in
/// bytes, and how many places for sequences a frame has more than it has sequences.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spacing {
    pub(super) literals: usize,
    pub(super) sequences: usize,
}

/// Frames in columns. They are part of it, and not memory of their own: a run of which no frame is
/// taken allocates nothing.
pub(super) struct Jobs<'a> {
    columns: Columns,
    len: usize,
    frames: PhantomData<&'a [u8]>,
}

impl<'a> Jobs<'a> {
    pub(super) fn new() -> Self {
        Self { columns: Columns::new(), len: 0, frames: PhantomData }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// What is known of frames that were pushed, and of some planned.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// To plan frames: what is given of them, and what is found out.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn planning(&mut self) -> (&[*const u8; GROUP_FRAMES], &Column, &mut Plans) {
        let Columns { frames, given, plans, .. } = &mut self.columns;
        (frames, given, plans)
    }

    /// Takes another frame.
    ///
    /// # Panics
    ///
    /// If it has more than `MAX_FRAME` bytes or its content does not fit in 16 bits, or there are
    /// `GROUP_FRAMES`.
    #[inline(always)]
    pub(super) fn push(&mut self, frame: &'a [u8], outline: Outline, size: usize) {
        assert!(frame.len() <= MAX_FRAME && size <= usize::from(u16::MAX));
        let columns = &mut self.columns;
        // Lanes hold addresses.
        frame.as_ptr().expose_provenance();
        columns.frames[self.len] = frame.as_ptr();
        columns.given[self.len] =
            frame.len() as u64 | (size as u64) << SIZE | u64::from(outline.packed()) << OUTLINE;
        self.len += 1;
    }

    /// The frame, its outline, and the size of its content.
    ///
    /// # Panics
    ///
    /// If there is none of this number.
    #[inline(always)]
    pub(super) fn given(&self, number: u8) -> (&'a [u8], Outline, usize) {
        let columns = self.columns_of(number);
        let given = columns.given[usize::from(number)];
        // SAFETY: `push` put a slice of this length there, which lives for `'a`: there are `len` of
        // them, and nothing else writes to both columns.
        let frame = unsafe {
            std::slice::from_raw_parts(
                columns.frames[usize::from(number)],
                bits(given, 0, 16) as usize,
            )
        };
        let outline = Outline::unpacked(bits(given, OUTLINE, 8) as u8);
        (frame, outline, bits(given, SIZE, 16) as usize)
    }

    #[inline(always)]
    fn columns_of(&self, number: u8) -> &Columns {
        assert!(usize::from(number) < self.len, "no frame {number}");
        &self.columns
    }

    /// Notes the plan of a frame, or that it is not taken.
    #[inline(always)]
    pub(super) fn set_plan(&mut self, number: u8, plan: Option<&Plan>) {
        let (_, _, size) = self.given(number);
        let columns = &mut self.columns;
        let at = usize::from(number);
        let Some(plan) = plan else {
            columns.plans.counts[at] = 0;
            return;
        };
        columns.plans.ranges[at] = plan.stream.start as u64
            | (plan.stream.end as u64) << STREAM_END
            | (plan.literal_bytes.start as u64) << LITERALS_START
            | (plan.literal_bytes.end as u64) << LITERALS_END;
        columns.plans.counts[at] = size as u64
            | (plan.literals as u64) << LITERALS
            | (plan.sequences as u64) << SEQUENCES
            | if plan.four { FOUR } else { 0 }
            | if plan.kind == Literals::Own { OWN_CODE } else { 0 };
        columns.plans.states[at] = plan.start.packed();
    }

    /// Gives all frames their places, those that are not `planned` for their content alone; how many
    /// places there are for sequences.
    #[inline(always)]
    pub(super) fn set_places(&mut self, spacing: Spacing, planned: &FrameSet) -> usize {
        let columns = &mut self.columns;
        let more = spacing.literals as u64 | (spacing.sequences as u64) << SEQUENCES_AT;
        let mut sum = 0;
        for number in 0..self.len {
            let (given, counts) = (columns.given[number], columns.plans.counts[number]);
            columns.places[number] = sum;
            sum += u64::from(bits(given, SIZE, 16)) << CONTENT_AT
                | u64::from(bits(counts, SEQUENCES, 16)) << SEQUENCES_AT
                | u64::from(bits(counts, LITERALS, 16));
            sum += if planned.contains(number as u8) { more } else { 0 };
        }
        bits(sum, SEQUENCES_AT, 20) as usize
    }

    /// Where the content begins, of those of some frames that have their places, in which `at` is.
    ///
    /// # Panics
    ///
    /// If there are no such frames.
    #[cfg(target_arch = "x86_64")]
    #[cold]
    pub(super) fn content_around(&self, at: u32, numbers: Range<u8>) -> u32 {
        let places = &self.columns().places[usize::from(numbers.start)..usize::from(numbers.end)];
        let content_at = |place: u64| bits(place, CONTENT_AT, 20);
        // Of frames that begin there, the last: the others are empty.
        let behind = places.partition_point(|place| content_at(*place) <= at);
        content_at(places[behind - 1])
    }

    /// What is known of a frame that has its plan and its places.
    ///
    /// # Panics
    ///
    /// If there is none of this number.
    #[inline(always)]
    pub(super) fn job(&self, number: u8) -> Job<'a> {
        let (frame, outline, size) = self.given(number);
        let columns = self.columns_of(number);
        let at = usize::from(number);
        let (counts, ranges) = (columns.plans.counts[at], columns.plans.ranges[at]);
        let range = |from: u32| [bits(ranges, from, 16), bits(ranges, from + 16, 16)];
        Job {
            frame,
            size: size as u32,
            literals_at: bits(columns.places[at], 0, 20),
            literals: bits(counts, LITERALS, 16),
            sequences_at: bits(columns.places[at], SEQUENCES_AT, 20),
            sequences: bits(counts, SEQUENCES, 16),
            content_at: bits(columns.places[at], CONTENT_AT, 20),
            literal_bytes: range(LITERALS_START),
            four: counts & FOUR != 0,
            own_code: counts & OWN_CODE != 0,
            sequence_stream: range(0),
            states: Start::unpacked(columns.plans.states[at]),
            has_checksum: outline.has_checksum(),
        }
    }
}

impl Plans {
    pub(super) fn new() -> Self {
        Self { ranges: [0; _], counts: [0; _], states: [0; _] }
    }
}

impl Columns {
    /// Where frames begin.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn frames(&self) -> &[*const u8; GROUP_FRAMES] {
        &self.frames
    }

    fn new() -> Self {
        Self { frames: [std::ptr::null(); _], given: [0; _], plans: Plans::new(), places: [0; _] }
    }
}

/// A frame of a group.
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
    /// Where its content is in that of the group.
    pub(super) content_at: u32,
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

    /// Whether this is the frame's content. (The lower half of the hash, section 3.1.1.)
    #[inline(always)]
    pub(super) fn is_checked(&self, content: &[u8]) -> bool {
        self.checksum().is_none_or(|sum| twox_hash::XxHash64::oneshot(0, content) as u32 == sum)
    }
}

/// The jobs of a group that have a stream of some kind, or literals that are not coded: where their
/// plans say, in their frames.
#[derive(Clone, Copy)]
pub(super) struct Listed<'a> {
    jobs: &'a Jobs<'a>,
    numbers: FrameSet,
}

impl<'a> Listed<'a> {
    /// # Safety
    ///
    /// They have their plans, by which they have one, and their places.
    #[inline(always)]
    pub(super) unsafe fn new(jobs: &'a Jobs<'a>, numbers: FrameSet) -> Self {
        Self { jobs, numbers }
    }

    #[inline(always)]
    pub(super) fn numbers(self) -> FrameSet {
        self.numbers
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn columns(self) -> &'a Columns {
        self.jobs.columns()
    }

    /// Their numbers in order of their streams' lengths: `LITERALS` or `SEQUENCES`.
    #[inline(always)]
    pub(super) fn order(self, length: u32) -> Order {
        let counts = &self.jobs.columns.plans.counts;
        let length = |number| (number, bits(counts[usize::from(number)], length, 16));
        Order::new(self.numbers.iter().map(length))
    }

    #[inline(always)]
    pub(super) fn job(self, number: u8) -> Job<'a> {
        self.jobs.job(number)
    }
}
