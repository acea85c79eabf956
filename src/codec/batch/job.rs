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
    /// Whether these are four streams and not one.
    four: bool,
    /// Whether the code is the frame's own, and lies before them.
    own_code: bool,
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

    /// The most literals that one stream of them has.
    #[inline(always)]
    pub(super) fn literals_of_stream(&self) -> u32 {
        if self.four { self.literals.div_ceil(4) } else { self.literals }
    }

    /// Hands the streams of the literals to `each`, in order (section 4.2.2); whether they are all there.
    #[inline(always)]
    pub(super) fn for_each_stream(&self, mut each: impl FnMut(Stream<'a>) -> bool) -> bool {
        let (bytes, mut start) = self.literal_bytes();
        if self.own_code {
            start += match bytes.get(start) {
                Some(packed @ 0..128) => 1 + usize::from(*packed),
                Some(direct) => 1 + (usize::from(*direct) - 127).div_ceil(2),
                None => return false,
            };
        }
        let (at, count) = (self.literals_at as usize, self.literals as usize);
        if !self.four {
            return each(Stream { bytes, start, at, count });
        }
        // Sizes of the first three, two bytes each; all but the last have as many literals.
        let Some(sizes) = bytes.get(start..).and_then(|rest| rest.first_chunk::<6>()) else {
            return false;
        };
        start += sizes.len();
        let most = count.div_ceil(4);
        let Some(least @ 1..) = count.checked_sub(3 * most) else { return false };
        for (i, size) in sizes.chunks_exact(2).enumerate() {
            let end = start + usize::from(u16::from_le_bytes([size[0], size[1]]));
            let Some(bytes) = bytes.get(..end) else { return false };
            if !each(Stream { bytes, start, at: at + i * most, count: most }) {
                return false;
            }
            start = end;
        }
        each(Stream { bytes, start, at: at + 3 * most, count: least })
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

/// A stream of literals.
pub(super) struct Stream<'a> {
    /// The frame up to the end of the stream, and where it begins there.
    pub(super) bytes: &'a [u8],
    pub(super) start: usize,
    /// Where its literals are in the workspace, and how many.
    pub(super) at: usize,
    pub(super) count: usize,
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
