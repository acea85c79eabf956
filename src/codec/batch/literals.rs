//! Huffman streams of several frames at once (RFC 8878, section 4.2.2).
//!
//! As in `sequences.rs`: each lane decodes one stream, all of them in turn. Up to the end of the
//! shortest no lane looks where it is; then all do, without a branch, until the longest is done.

use std::hint::select_unpredictable;

use crate::codec::batch::bits::{bits_in, load};
use crate::codec::batch::execute::OVER;
use crate::codec::batch::huffman::{MAX_BITS, Table};
use crate::codec::batch::order::Order;
use crate::codec::batch::places::Places;

/// Bytes that lie before a stream in its frame at the least: the first load may begin there.
pub(super) const BEFORE_STREAM: usize = 8;
/// Lookups for which the bits of one load suffice: of 63, up to 7 are gone when it is made.
const LOOKUPS: usize = 5;
const _: () = assert!(LOOKUPS as u32 * MAX_BITS + 7 < 64);
/// What the lookups of one load go forward at the most, in bytes.
const LOAD_STEP: usize = 7;
/// How far beyond the end of the shortest stream all are decoded together: what lies behind its place is
/// written then.
const MORE: u32 = OVER as u32 - LOOKUPS as u32;

/// The bits of a run of literals, and where these go.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a> {
    /// The frame up to the end of the stream.
    bytes: &'a [u8],
    /// Where the stream begins in it: `BEFORE_STREAM` or further.
    start: u32,
    /// Places of the literals, which have `OVER` bytes behind them.
    at: u32,
    count: u32,
    /// Whose stream it is.
    job: u32,
}

impl<'a> Stream<'a> {
    /// `None` if the stream is empty, or too near to the front of its frame.
    #[inline(always)]
    pub(super) fn new(
        bytes: &'a [u8],
        start: usize,
        at: usize,
        count: usize,
        job: usize,
    ) -> Option<Self> {
        let usable = start >= BEFORE_STREAM && start < bytes.len();
        // A frame that is taken is far smaller than 4 GiB, and so is a group.
        let small = u32::try_from(bytes.len()).is_ok();
        (usable && small).then_some(Self {
            bytes,
            start: start as u32,
            at: at as u32,
            count: count as u32,
            job: job as u32,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.count as usize
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
    /// The place of the first literal.
    out: *mut u8,
    count: u32,
    start: *const u8,
    job: u32,
}

impl Lane {
    /// At the start of a stream; `None` if it has no end mark.
    #[inline(always)]
    fn new(stream: &Stream<'_>, out: &Places<'_, u8>) -> Option<Self> {
        let start = stream.start as usize;
        let bits = bits_in(&stream.bytes[start..])?;
        let gone = 8 * (stream.bytes.len() - start) - bits;
        let from = stream.bytes.len() - 8;
        let least = (start - BEFORE_STREAM).max(LOAD_STEP);
        let front = stream.bytes.as_ptr();
        // SAFETY: the stream is not empty and begins behind 8 bytes, so that its last 8 and what is
        // before them are in the frame.
        unsafe {
            let at = front.add(from);
            Some(Self {
                bits: (load(at) | 1) << gone,
                at,
                least: front.add(least),
                out: out.get(stream.at as usize, stream.count as usize + OVER),
                count: stream.count,
                start: front.add(start),
                job: stream.job,
            })
        }
    }

    /// Whether another round of lookups stays inside the frame, whatever the bits say.
    #[inline(always)]
    fn has_room(&self) -> bool {
        self.at >= self.least
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

    /// Decodes the literal `i`.
    ///
    /// # Safety
    ///
    /// It is one of the stream's.
    #[inline(always)]
    unsafe fn lookup(&mut self, table: &Table, i: u32) {
        let literal = table.at_top(self.bits);
        // SAFETY: by this function's contract there is a place for it.
        unsafe { self.out.add(i as usize).write(literal.byte()) };
        self.bits = self.bits.wrapping_shl(literal.shift());
    }

    /// Decodes the literal `i` if it is one of the stream's.
    ///
    /// # Safety
    ///
    /// It is, or one of the `OVER` places behind them is its.
    #[inline(always)]
    unsafe fn lookup_to_end(&mut self, table: &Table, i: u32) {
        let literal = table.at_top(self.bits);
        // SAFETY: by this function's contract there is a place for it.
        unsafe { self.out.add(i as usize).write(literal.byte()) };
        let shift = select_unpredictable(i < self.count, literal.shift(), 0);
        self.bits = self.bits.wrapping_shl(shift);
    }

    /// Bits of the stream that are left; below 0 if more were taken than there are.
    #[inline(always)]
    fn left(&self) -> isize {
        8 * (self.at.addr() as isize - self.start.addr() as isize) + 64
            - self.bits.trailing_zeros() as isize
    }

    /// Decodes the literals from `done` on, alone; whether the stream ends where they do.
    #[cold]
    #[inline(never)]
    fn finish(&mut self, table: &Table, mut done: u32) -> bool {
        while done < self.count {
            if self.left() < 0 {
                return false;
            }
            // SAFETY: bits are left in the stream, or none, so that the whole bytes that are gone lie
            // behind its start, and the 8 before them in the frame.
            unsafe { self.refill() };
            let end = self.count.min(done + LOOKUPS as u32);
            for i in done..end {
                // SAFETY: `i` is less than `count`.
                unsafe { self.lookup(table, i) };
            }
            done = end;
        }
        self.left() == 0
    }
}

/// Decodes streams side by side, and returns how many literals of each are done: all of those that have
/// fewer.
#[inline(always)]
fn together<const LANES: usize>(lanes: &mut [Lane; LANES], table: &Table) -> u32 {
    let counts = lanes.iter().map(|lane| lane.count);
    let (least, most) =
        counts.fold((u32::MAX, 0), |(least, most), count| (least.min(count), most.max(count)));
    let most = most.min(least.saturating_add(MORE));
    // Lanes that are named one by one stay in the processor's registers.
    let mut now = *lanes;
    let mut done = 0;
    while done < most {
        if !now.iter().fold(true, |all, lane| all & lane.has_room()) {
            break;
        }
        for lane in &mut now {
            // SAFETY: `at` is so far from the front of the frame as one round goes forward.
            unsafe { lane.refill() };
        }
        if done + LOOKUPS as u32 <= least {
            for i in done..done + LOOKUPS as u32 {
                for lane in &mut now {
                    // SAFETY: `i` is less than `least`.
                    unsafe { lane.lookup(table, i) };
                }
            }
            done += LOOKUPS as u32;
        } else {
            let end = most.min(done + LOOKUPS as u32);
            for i in done..end {
                for lane in &mut now {
                    // SAFETY: `i` is at most `MORE` above `least`.
                    unsafe { lane.lookup_to_end(table, i) };
                }
            }
            done = end;
        }
    }
    *lanes = now;
    done
}

/// Decodes all streams; `failed` is told of each that is damaged, by its job.
///
/// # Panics
///
/// If the place of a stream, with `OVER` behind it, is not in `out`.
#[inline(always)]
pub(super) fn decode<const LANES: usize>(
    table: &Table,
    streams: &[Stream<'_>],
    out: &mut [u8],
    mut failed: impl FnMut(usize),
) {
    let out = &Places::new(out);
    let order = Order::new(streams.iter().map(Stream::count));
    let mut waiting = order.iter();
    let mut next = |failed: &mut dyn FnMut(usize)| loop {
        let stream = &streams[waiting.next()?];
        match Lane::new(stream, out) {
            Some(lane) => return Some(lane),
            None => failed(stream.job as usize),
        }
    };
    while let Some(first) = next(&mut failed) {
        let mut lanes = [first; LANES];
        let mut started = 1;
        while started < LANES
            && let Some(another) = next(&mut failed)
        {
            lanes[started] = another;
            started += 1;
        }
        let done = if started == LANES { together(&mut lanes, table) } else { 0 };
        for lane in &mut lanes[..started] {
            let sound = match done >= lane.count {
                true => lane.left() == 0,
                false => lane.finish(table, done),
            };
            if !sound {
                failed(lane.job as usize);
            }
        }
    }
}
