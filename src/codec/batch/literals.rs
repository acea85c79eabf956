//! Huffman streams of several frames at once (RFC 8878, section 4.2.2).
//!
//! As in `sequences.rs`: each lane decodes one stream, all of them in turn, and a lane that comes near
//! the end of its stream finishes it alone and gets the next one.

use crate::codec::batch::bits::{bits_in, load};
use crate::codec::batch::huffman::{MAX_BITS, Pairs};
use crate::codec::batch::places::Places;

/// Bytes that lie before a stream in its frame at the least: the first load may begin there.
pub(super) const BEFORE_STREAM: usize = 8;
/// Lookups for which the bits of one load suffice: of 63, up to 7 are gone when it is made.
const LOOKUPS: usize = 5;
const _: () = assert!(LOOKUPS as u32 * MAX_BITS + 7 < 64);
/// What the lookups of one load go forward at the most, in bytes.
const LOAD_STEP: usize = 7;

/// The bits of a run of literals, and where these go.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a> {
    /// The frame up to the end of the stream.
    bytes: &'a [u8],
    /// Where the stream begins in it: `BEFORE_STREAM` or further.
    start: usize,
    /// Places of the literals.
    at: usize,
    count: usize,
    /// Whose stream it is.
    job: usize,
}

impl<'a> Stream<'a> {
    /// `None` if the stream is empty, or too near to the front of its frame.
    pub(super) fn new(
        bytes: &'a [u8],
        start: usize,
        at: usize,
        count: usize,
        job: usize,
    ) -> Option<Self> {
        (start >= BEFORE_STREAM && start < bytes.len()).then_some(Self {
            bytes,
            start,
            at,
            count,
            job,
        })
    }
}

/// One stream, partly read.
#[derive(Clone, Copy)]
struct Lane {
    /// Bits to come, from the highest on, and under them a one, which tells how many are gone: as
    /// many as there are zeros below it.
    bits: u64,
    /// Where those were loaded from.
    at: *const u8,
    /// The least `at` with which another load is in the frame, whatever its lookups take.
    least: *const u8,
    out: *mut u8,
    /// The last `out` with which there is room for all lookups of a load.
    last: *mut u8,
    end: *mut u8,
    start: *const u8,
    job: usize,
}

impl Lane {
    /// At the start of a stream; `None` if it has no end mark.
    fn new(stream: &Stream<'_>, out: &Places<'_, u8>) -> Option<Self> {
        let bits = bits_in(&stream.bytes[stream.start..])?;
        let gone = 8 * (stream.bytes.len() - stream.start) - bits;
        let from = stream.bytes.len() - 8;
        let least = (stream.start - BEFORE_STREAM).max(LOAD_STEP);
        let out = out.get(stream.at, stream.count);
        let front = stream.bytes.as_ptr();
        // SAFETY: the stream is not empty and begins behind 8 bytes, so that its last 8 and what is
        // before them are in the frame. There are `count` places.
        unsafe {
            let at = front.add(from);
            let end = out.add(stream.count);
            Some(Self {
                bits: (load(at) | 1) << gone,
                at,
                least: front.add(least),
                out,
                last: end.wrapping_sub(2 * LOOKUPS),
                end,
                start: front.add(stream.start),
                job: stream.job,
            })
        }
    }

    /// Whether another round of lookups stays inside the frame and the place of the literals.
    #[inline(always)]
    fn has_room(&self) -> bool {
        self.at >= self.least && self.out <= self.last
    }

    /// Loads the bits to come.
    ///
    /// # Safety
    ///
    /// The bytes are in the frame that begin so many whole bytes before `at` as bits are gone.
    #[inline(always)]
    unsafe fn refill(&mut self) {
        let gone = self.bits.trailing_zeros();
        // SAFETY: by this function's contract.
        unsafe {
            self.at = self.at.sub((gone >> 3) as usize);
            self.bits = (load(self.at) | 1) << (gone & 7);
        }
    }

    /// Decodes one or two literals.
    ///
    /// # Safety
    ///
    /// There is room for two.
    #[inline(always)]
    unsafe fn lookup(&mut self, table: &Pairs) {
        let pair = table.at_top(self.bits);
        // SAFETY: by this function's contract.
        unsafe {
            self.out.cast::<[u8; 2]>().write_unaligned(pair.bytes());
            self.out = self.out.add(pair.count());
        }
        self.bits = self.bits.wrapping_shl(pair.shift());
    }

    /// Bits of the stream that are left; below 0 if more were taken than there are.
    #[inline(always)]
    fn left(&self) -> isize {
        // SAFETY: both point into the frame.
        let bytes = unsafe { self.at.offset_from(self.start) };
        8 * bytes + 64 - self.bits.trailing_zeros() as isize
    }

    /// Decodes what is left of a stream; whether it ends where its literals do.
    #[inline(always)]
    fn finish(&mut self, table: &Pairs) -> bool {
        while self.out < self.end {
            if self.left() < 0 {
                return false;
            }
            // SAFETY: bits are left in the stream, or none, so that the whole bytes that are gone
            // lie behind its start, and the 8 before them in the frame.
            unsafe { self.refill() };
            for _ in 0..LOOKUPS {
                // SAFETY: both are in, or at the end of, the place of the literals.
                match unsafe { self.end.offset_from(self.out) } {
                    0 => break,
                    1 => {
                        let pair = table.at_top(self.bits);
                        // SAFETY: there is room for one.
                        unsafe {
                            self.out.write(pair.bytes()[0]);
                            self.out = self.out.add(1);
                        }
                        self.bits <<= pair.first_bits();
                        break;
                    }
                    // SAFETY: there is room for two.
                    _ => unsafe { self.lookup(table) },
                }
            }
        }
        self.left() == 0
    }
}

/// Decodes all streams; `failed` is told of each that is damaged, by its job.
///
/// # Panics
///
/// If the place of a stream is not in `out`.
#[inline(always)]
pub(super) fn decode<const LANES: usize>(
    table: &Pairs,
    streams: &[Stream<'_>],
    out: &mut [u8],
    mut failed: impl FnMut(usize),
) {
    let out = &Places::new(out);
    let mut waiting = streams.iter();
    let mut next = |failed: &mut dyn FnMut(usize)| loop {
        let stream = waiting.next()?;
        match Lane::new(stream, out) {
            Some(lane) => return Some(lane),
            None => failed(stream.job),
        }
    };
    let Some(first) = next(&mut failed) else { return };
    let mut lanes = [first; LANES];
    let mut started = 1;
    while started < LANES
        && let Some(another) = next(&mut failed)
    {
        lanes[started] = another;
        started += 1;
    }
    // As long as there is a stream for each lane.
    while started == LANES {
        // Lanes that are named one by one stay in the processor's registers.
        let mut now = lanes;
        while now.iter().fold(true, |all, lane| all & lane.has_room()) {
            for lane in &mut now {
                // SAFETY: `at` is so far from the front of the frame as one round goes forward.
                unsafe { lane.refill() };
            }
            for _ in 0..LOOKUPS {
                for lane in &mut now {
                    // SAFETY: there is room for two literals of each lookup.
                    unsafe { lane.lookup(table) };
                }
            }
        }
        lanes = now;
        let mut i = 0;
        while i < started {
            if lanes[i].has_room() {
                i += 1;
                continue;
            }
            if !lanes[i].finish(table) {
                failed(lanes[i].job);
            }
            match next(&mut failed) {
                Some(another) => {
                    lanes[i] = another;
                    i += 1;
                }
                None => {
                    started -= 1;
                    lanes[i] = lanes[started];
                }
            }
        }
    }
    for lane in &mut lanes[..started] {
        if !lane.finish(table) {
            failed(lane.job);
        }
    }
}
