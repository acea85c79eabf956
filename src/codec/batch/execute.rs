//! Sequences to content (RFC 8878, sections 3.1.1.4 and 3.1.1.5).
//!
//! Copies are made in steps that do not look at the end of what they copy: what they write too much
//! lies in a place that is written later, by the next sequence or for the next frame.

use std::hint::select_unpredictable;
use std::mem::MaybeUninit;

use crate::codec::batch::sequences::Sequence;

/// Bytes behind a source and a target that copies may read and write too much.
pub(super) const OVER: usize = 32;
/// Bytes of one step of a copy.
const STEP: usize = 16;

/// One frame's content in the making.
pub(super) struct Execution<'a> {
    /// The literals, and `OVER` bytes behind them.
    pub(super) literals: &'a [u8],
    pub(super) sequences: &'a [Sequence],
    pub(super) repeat: [u32; 3],
    /// What comes before the content, and `OVER` bytes behind it.
    pub(super) dictionary: &'a [u8],
}

impl Execution<'_> {
    /// Writes the content to `target`, which has a place for it and `OVER` bytes behind that; whether
    /// it has as many bytes as the place.
    #[inline(always)]
    pub(super) fn run(&self, target: &mut [MaybeUninit<u8>]) -> bool {
        let range = target.as_mut_ptr_range();
        let start = range.start.cast::<u8>();
        let before = (self.dictionary.len() - OVER) as i64;
        // SAFETY: each has OVER bytes behind what is meant.
        let (end, literals_end, dictionary_end) = unsafe {
            (
                range.end.cast::<u8>().sub(OVER),
                self.literals.as_ptr_range().end.sub(OVER),
                self.dictionary.as_ptr_range().end.sub(OVER),
            )
        };
        let mut repeat = self.repeat.map(|offset| offset as usize);
        let mut out = start;
        let mut literals = self.literals.as_ptr();
        for sequence in self.sequences {
            let literal_length = sequence.literal_length();
            let match_length = sequence.match_length();
            let offset = next_offset(&mut repeat, sequence.offset_value(), literal_length == 0);
            let target = out.wrapping_add(literal_length);
            let literals_next = literals.wrapping_add(literal_length);
            let next = target.wrapping_add(match_length);
            if literals_next > literals_end || next > end {
                return false;
            }
            // SAFETY: so many literals are left, and there is room for them, each with OVER behind.
            unsafe { copy(literals, out, literal_length) };
            // How far the match begins in the dictionary: not at all, if it is not above 0.
            let back = offset as i64 - (target.addr() - start.addr()) as i64;
            if back > before {
                return false;
            }
            let in_dictionary = back > 0;
            let source = select_unpredictable(
                in_dictionary,
                dictionary_end.wrapping_sub(back as usize),
                target.wrapping_sub(offset).cast_const(),
            );
            // The bytes that are there to be copied without a look at what is written meanwhile.
            let there = select_unpredictable(in_dictionary, back as usize, offset);
            let needed = select_unpredictable(in_dictionary, match_length, STEP);
            // SAFETY: all of the content before `target` is written, of which, or of the dictionary,
            // the match begins; there is room for it.
            unsafe {
                if there >= needed {
                    copy(source, target, match_length);
                } else if offset == 0 {
                    return false;
                } else {
                    copy_near(source, target, back.max(0) as usize, offset, match_length);
                }
            }
            (out, literals) = (next, literals_next);
        }
        let rest = literals_end.addr() - literals.addr();
        if rest != end.addr() - out.addr() {
            return false;
        }
        // SAFETY: so many literals are left, and so much room.
        unsafe { copy_rest(literals, out, 0, rest) };
        true
    }
}

/// The offset that a value stands for, and the last three then (section 3.1.1.5). 0 is none.
#[inline(always)]
fn next_offset(repeat: &mut [usize; 3], value: usize, no_literals: bool) -> usize {
    let [first, second, third] = *repeat;
    // Without literals the values stand for the ones that are one further on.
    let number = value + usize::from(no_literals);
    let is_new = value > 3;
    let low = select_unpredictable(number == 1, first, second);
    let high = select_unpredictable(number == 3, third, first.wrapping_sub(1));
    let old = select_unpredictable(number < 3, low, high);
    let offset = select_unpredictable(is_new, value.wrapping_sub(3), old);
    let keeps_third = !is_new & (number < 3);
    let keeps_second = !is_new & (number < 2);
    *repeat = [
        offset,
        select_unpredictable(keeps_second, second, first),
        select_unpredictable(keeps_third, third, second),
    ];
    offset
}

/// Copies `size` bytes in steps of `STEP`, the first two always.
///
/// # Safety
///
/// `source` and `target` have `size` bytes and `OVER` more. Where the target lies behind the source
/// in the same memory, it is `STEP` bytes or more behind it.
#[inline(always)]
unsafe fn copy(source: *const u8, target: *mut u8, size: usize) {
    // SAFETY: by this function's contract: OVER are two steps.
    unsafe {
        step(source, target, 0);
        step(source, target, STEP);
        if size > OVER {
            copy_rest(source, target, OVER, size);
        }
    }
}

/// Goes on with a copy behind its first `done` bytes. (By itself, so that what is kept in registers
/// beside all copies is the same for the short ones.)
///
/// # Safety
///
/// As for `copy`.
#[cold]
#[inline(never)]
unsafe fn copy_rest(source: *const u8, target: *mut u8, done: usize, size: usize) {
    let mut done = done;
    while done < size {
        // SAFETY: by this function's contract: less than OVER bytes go over `size`.
        unsafe {
            step(source, target, done);
            step(source, target, done + STEP);
        }
        done += 2 * STEP;
    }
}

/// Copies `STEP` bytes.
///
/// # Safety
///
/// They are there, and room for them, at `at`.
#[inline(always)]
unsafe fn step(source: *const u8, target: *mut u8, at: usize) {
    type Chunk = [MaybeUninit<u8>; STEP];
    // SAFETY: by this function's contract.
    unsafe { target.add(at).cast::<Chunk>().write(source.add(at).cast::<Chunk>().read()) };
}

/// Copies a match that is not simply there: one that goes from the dictionary over to the content,
/// or one that begins nearer to the target than `STEP` bytes and so may repeat what it writes.
///
/// # Safety
///
/// `source` has `from_dictionary` bytes, which are all that is behind it in the dictionary, or else
/// lies `offset` bytes before `target`. The content begins `offset - from_dictionary` bytes before
/// `target`, or earlier if nothing is from the dictionary. `target` has room for `size` bytes.
#[cold]
#[inline(never)]
unsafe fn copy_near(
    source: *const u8,
    target: *mut u8,
    from_dictionary: usize,
    offset: usize,
    size: usize,
) {
    let first = from_dictionary.min(size);
    let mut done = first;
    // SAFETY: by this function's contract. Behind the dictionary comes the start of the content:
    // the byte `offset` before each byte of the target that is to be written. What one round copies
    // is what is there already, and there is twice as much for the next.
    unsafe {
        std::ptr::copy_nonoverlapping(source, target, first);
        let from = target.add(done).sub(offset);
        while done < size {
            let there = target.add(done).offset_from(from) as usize;
            let round = there.min(size - done);
            std::ptr::copy_nonoverlapping(from, target.add(done), round);
            done += round;
        }
    }
}
