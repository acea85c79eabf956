//! Sequences of several frames at once (RFC 8878, section 3.1.1.3.2).
//!
//! Each lane decodes the stream of one frame; all of them take one step in turn. A step waits for
//! the one before it in its own lane only, so that the processor works on the others meanwhile.
//! Streams of the same length come together (`order.rs`), so that lanes end together.

use crate::codec::batch::bits::{bits_in, load};
use crate::codec::batch::deposit::Deposit;
use crate::codec::batch::job::{Job, Listed, SEQUENCES};
use crate::codec::batch::moves::Sequence;
use crate::codec::batch::places::Places;
use crate::codec::batch::sets::FrameSet;
use crate::codec::batch::tables::{Entry, LENGTH_STATE, OFFSET_STATE, SequenceTables, States};

/// Bytes that lie before a stream in its frame at the least. A lane may go below the start of a
/// damaged stream by up to 64 bits before it is stopped, and loads eight bytes from there.
pub(super) const BEFORE_STREAM: usize = 16;
/// What a position is counted from: so many bits below the start of the stream.
pub(super) const BELOW: i64 = 64;
/// Bits of a load that are there for sure, wherever in a byte the position is.
pub(super) const LOADED: i64 = 56;

/// The bytes of a frame's stream, and where a lane loads from: so far before the start of the stream
/// that a load at `base + position / 8` ends with the byte that the position lies in: 8 bytes for
/// `BELOW`, and 7 for the load. `None` if the stream is too near to the front of its frame.
#[inline(always)]
pub(super) fn stream_of<'a>(job: &Job<'a>) -> Option<(&'a [u8], *const u8)> {
    let (bytes, start) = job.sequence_stream();
    let base = bytes.get(start.checked_sub(BEFORE_STREAM)? + 1..)?;
    Some((bytes.get(start..)?, base.as_ptr()))
}

/// One frame's stream, partly read.
#[derive(Clone, Copy)]
struct Lane {
    /// As of `stream_of`.
    base: *const u8,
    /// The position: bits left in the stream, and `BELOW`.
    left: i64,
    states: States,
    out: *mut Sequence,
}

impl Lane {
    /// At the start of a stream; `None` if it is too short for its first states.
    #[inline(always)]
    fn new(job: &Job<'_>, out: &Places<'_, Sequence>) -> Option<Self> {
        let (stream, base) = stream_of(job)?;
        let bits = bits_in(stream)? as i64;
        let first_bits = i64::from(job.states.bits());
        let left = bits + BELOW - first_bits;
        if bits < first_bits {
            return None;
        }
        let out = out.get(job.sequences_at as usize, job.sequences as usize);
        // SAFETY: the position is that of the stream's end, and above 0.
        let states = unsafe { load_below(base, bits + BELOW) };
        let states = job.states.states(states >> (LOADED + ((bits + BELOW) & 7) - first_bits));
        Some(Self { base, left, states, out })
    }

    /// Decodes one sequence, and goes on to the next states unless it is the last one, which has no
    /// bits for them.
    ///
    /// # Safety
    ///
    /// The position is 0 or above, and has only gone down since it was that of the stream's end; and
    /// `out` has a place `i`.
    #[inline(always)]
    unsafe fn step<const IS_LAST: bool, D: Deposit>(&mut self, tables: &SequenceTables, i: usize) {
        let entry = tables.entry(self.states);
        // SAFETY: by this function's contract.
        let bits = unsafe { load_below(self.base, self.left) };
        let position = LOADED + (self.left & 7);
        let behind_offset = position - i64::from(entry.offset_code());
        let behind_lengths = behind_offset - i64::from(entry.length_mask().count_ones());
        let end = match IS_LAST {
            true => behind_lengths,
            false => behind_lengths - i64::from(entry.state_mask().count_ones()),
        };
        let at = |position: i64| bits.wrapping_shr(position as u32);
        let (sequence, states) = match end {
            // SAFETY: by this function's contract.
            ..0 => unsafe { long_step::<D>(self.base, self.left, entry) },
            _ => (
                sequence::<D>(entry, at(behind_offset), at(behind_lengths)),
                match IS_LAST {
                    true => self.states,
                    false => entry.next(deposit_states::<D>(at(end), entry)),
                },
            ),
        };
        self.states = states;
        self.left += end - position;
        // SAFETY: by this function's contract.
        unsafe { self.out.add(i).write(sequence) };
    }
}

/// The bits for the next states, each in its field.
#[inline(always)]
fn deposit_states<D: Deposit>(bits: u64, entry: Entry) -> u64 {
    D::deposit::<OFFSET_STATE, LENGTH_STATE>(bits, entry.state_mask())
}

/// `LOADED` bits and up to 7 more below a position, with others above them.
///
/// # Safety
///
/// `base` is a lane's, and the position is one from 0 to the end of its stream.
#[inline(always)]
unsafe fn load_below(base: *const u8, left: i64) -> u64 {
    // SAFETY: at 0 these are the bytes from 15 before the start of the stream on, which are in the
    // frame (`stream_of`); at the end of the stream they are its last, or what is before it.
    unsafe { load(base.offset((left >> 3) as isize)) }
}

/// A sequence, from bits that end with its offset's and with its lengths'.
#[inline(always)]
fn sequence<D: Deposit>(entry: Entry, offset: u64, lengths: u64) -> Sequence {
    let code = entry.offset_code();
    let value = 1 << code | D::lowest(offset, code);
    let dealt = D::deposit::<16, 16>(lengths, entry.length_mask());
    // No sum of a baseline and its bits goes over its field (`tables::length`).
    let lengths = entry.length_baselines().wrapping_add(dealt as u32);
    Sequence::coded(value, lengths)
}

/// A step that takes more bits than one load has. (It is given and gives numbers, not a lane: that
/// would have to lie in memory all the time.)
///
/// # Safety
///
/// As for `load_below`.
#[cold]
#[inline(never)]
unsafe fn long_step<D: Deposit>(base: *const u8, left: i64, entry: Entry) -> (Sequence, States) {
    let mut left = left;
    let mut read = |count: u32| {
        if left < 0 {
            // Damaged, and stopped for that; what it decodes is not looked at.
            return 0;
        }
        // SAFETY: the position is not below 0, and went down only. No count is over `LOADED`.
        let bits = unsafe { load_below(base, left) } >> (LOADED + (left & 7) - i64::from(count));
        left -= i64::from(count);
        bits
    };
    let offset = read(entry.offset_code());
    let lengths = read(entry.length_mask().count_ones());
    let states = deposit_states::<D>(read(entry.state_mask().count_ones()), entry);
    (sequence::<D>(entry, offset, lengths), entry.next(states))
}

/// A lane, and how far it has to go.
#[derive(Clone, Copy)]
struct Work {
    lane: Lane,
    /// Sequences: one or more.
    count: usize,
    number: u8,
}

impl Work {
    /// Decodes the sequences from `done` on, of which there are some; whether the stream ends where
    /// they do.
    #[inline(always)]
    fn finish<D: Deposit>(&mut self, tables: &SequenceTables, done: usize) -> bool {
        let last = self.count - 1;
        for i in done..last {
            if self.lane.left < 0 {
                return false;
            }
            // SAFETY: `i` is less than `count`, and the position is not below 0.
            unsafe { self.lane.step::<false, D>(tables, i) };
        }
        if self.lane.left < 0 {
            return false;
        }
        // SAFETY: as above.
        unsafe { self.lane.step::<true, D>(tables, last) };
        self.lane.left == BELOW
    }
}

/// Decodes the streams of all that are listed; `failed` gets those that are damaged.
///
/// # Panics
///
/// If the place of a stream is not in `out`.
#[inline(always)]
pub(super) fn decode<const LANES: usize, D: Deposit>(
    tables: &SequenceTables,
    listed: Listed<'_>,
    out: &mut [Sequence],
    failed: &mut FrameSet,
) {
    let out = &Places::new(out);
    let order = listed.order(SEQUENCES);
    let mut waiting = order.iter();
    let mut next = |failed: &mut FrameSet| loop {
        let number = waiting.next()?;
        let job = listed.job(number);
        match Lane::new(&job, out) {
            Some(lane) => return Some(Work { lane, count: job.sequences as usize, number }),
            None => failed.insert(number),
        }
    };
    while let Some(first) = next(failed) {
        let mut work = [first; LANES];
        let mut started = 1;
        while started < LANES
            && let Some(another) = next(failed)
        {
            work[started] = another;
            started += 1;
        }
        let mut done = 0;
        if started == LANES {
            // All but the last of the lane with the fewest.
            let steps = work.iter().map(|work| work.count).min().unwrap_or(1) - 1;
            // Lanes that are named one by one stay in the processor's registers.
            let mut lanes = work.map(|work| work.lane);
            while done < steps {
                let mut below = 0;
                for lane in &mut lanes {
                    // SAFETY: `done` is less than `count`; the position was not below 0 after the
                    // step before.
                    unsafe { lane.step::<false, D>(tables, done) };
                    below |= lane.left;
                }
                done += 1;
                // No sound stream comes here: its last step leaves it above 0, by `BELOW`.
                if below < 0 {
                    break;
                }
            }
            for (work, lane) in work.iter_mut().zip(lanes) {
                work.lane = lane;
            }
        }
        for work in &mut work[..started] {
            if !work.finish::<D>(tables, done) {
                failed.insert(work.number);
            }
        }
    }
}
