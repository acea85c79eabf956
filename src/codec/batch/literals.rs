//! Huffman streams of several frames at once (RFC 8878, section 4.2.2).
//!
//! As in `sequences.rs`: each lane decodes one stream, all of them in turn. Up to the end of the
//! shortest no lane looks where it is; then all do, without a branch, until the longest is done.

use std::hint::select_unpredictable;

use crate::codec::batch::bits::{bits_in, load};
use crate::codec::batch::execute::OVER;
use crate::codec::batch::huffman::{MAX_BITS, Table};
use crate::codec::batch::job::{Job, LITERALS, Listed};
use crate::codec::batch::places::Places;
use crate::codec::batch::sets::FrameSet;

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
    number: u8,
}

impl Lane {
    /// At the start of a stream; `None` if it has no end mark, or no bytes, or is too near to the front
    /// of its frame.
    #[inline(always)]
    fn new(job: &Job<'_>, number: u8, out: &Places<'_, u8>) -> Option<Self> {
        let (bytes, start) = job.literal_bytes();
        let bits = bits_in(bytes.get(start..)?)?;
        let gone = 8 * (bytes.len() - start) - bits;
        let from = bytes.len() - 8;
        let least = start.checked_sub(BEFORE_STREAM)?.max(LOAD_STEP);
        let front = bytes.as_ptr();
        // SAFETY: the stream is not empty and begins behind 8 bytes, so that its last 8 and what is
        // before them are in the frame.
        unsafe {
            let at = front.add(from);
            Some(Self {
                bits: (load(at) | 1) << gone,
                at,
                least: front.add(least),
                out: out.get(job.literals_at as usize, job.literals as usize + OVER),
                count: job.literals,
                start: front.add(start),
                number,
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

/// Decodes the streams of all that are listed; `failed` gets those that are damaged.
///
/// # Panics
///
/// If the place of a stream, with `OVER` behind it, is not in `out`.
#[inline(always)]
pub(super) fn decode<const LANES: usize>(
    table: &Table,
    listed: Listed<'_>,
    out: &mut [u8],
    failed: &mut FrameSet,
) {
    let out = &Places::new(out);
    let order = listed.order(LITERALS);
    let mut waiting = order.iter();
    let mut next = |failed: &mut FrameSet| loop {
        let number = waiting.next()?;
        match Lane::new(&listed.job(number), number, out) {
            Some(lane) => return Some(lane),
            None => failed.insert(number),
        }
    };
    while let Some(first) = next(failed) {
        let mut lanes = [first; LANES];
        let mut started = 1;
        while started < LANES
            && let Some(another) = next(failed)
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
                failed.insert(lane.number);
            }
        }
    }
}

/// Puts the literals of all that are listed, which are not coded, in their places.
///
/// # Panics
///
/// If a place, with `OVER` behind it, is not in `out`.
pub(super) fn copy_plain(listed: Listed<'_>, out: &mut [u8]) {
    for number in listed.numbers().iter() {
        let job = listed.job(number);
        let (bytes, start) = job.literal_bytes();
        let (bytes, count) = (&bytes[start..], job.literals as usize);
        let place = &mut out[job.literals_at as usize..][..count + OVER];
        if bytes.len() < count {
            // One byte for all.
            place[..count].fill(bytes[0]);
            continue;
        }
        match (bytes.first_chunk::<16>(), place.first_chunk_mut::<16>()) {
            // A short piece in one step: there is more behind its place.
            (Some(bytes), Some(place)) if count <= 16 => *place = *bytes,
            _ => place[..count].copy_from_slice(&bytes[..count]),
        }
    }
}
