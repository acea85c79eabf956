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
        let size = target.len() - OVER;
        let literals = self.literals.len() - OVER;
        let before = self.dictionary.len() - OVER;
        let mut repeat = self.repeat.map(|offset| offset as usize);
        let start = target.as_mut_ptr().cast::<u8>();
        let dictionary = self.dictionary.as_ptr();
        // Bytes that are written, and literals that are used.
        let (mut written, mut used) = (0, 0);
        for sequence in self.sequences {
            let literal_length = sequence.literal_length();
            let match_length = sequence.match_length();
            let offset = next_offset(&mut repeat, sequence.offset_value(), literal_length == 0);
            let matched = written + literal_length;
            // None of these sums is near to overflow: the lengths have 16 bits, the offset has 32.
            let sound = literal_length <= literals - used
                && matched + match_length <= size
                && offset.wrapping_sub(1) < matched + before;
            if !sound {
                return false;
            }
            // SAFETY: so many literals are left, and there is room for them, each with OVER behind.
            unsafe {
                copy(self.literals.as_ptr().add(used), start.add(written), literal_length);
            }
            used += literal_length;
            written = matched + match_length;
            // SAFETY: `matched` bytes are written, of which, or of the dictionary, the match begins;
            // there is room for it.
            unsafe {
                let target = start.add(matched);
                let in_dictionary = offset > matched;
                let back = offset.wrapping_sub(matched);
                let source = select_unpredictable(
                    in_dictionary,
                    dictionary.wrapping_add(before.wrapping_sub(back)),
                    target.wrapping_sub(offset).cast_const(),
                );
                // The bytes that are there to be copied without a look at what is written meanwhile.
                let there = select_unpredictable(in_dictionary, back, offset);
                let needed = select_unpredictable(in_dictionary, match_length, STEP);
                if there >= needed {
                    copy(source, target, match_length);
                } else {
                    let from_dictionary = if in_dictionary { back } else { 0 };
                    copy_near(source, target, from_dictionary, offset, match_length);
                }
            }
        }
        let rest = literals - used;
        if written + rest != size {
            return false;
        }
        // SAFETY: so many literals are left, and so much room.
        unsafe {
            std::ptr::copy_nonoverlapping(self.literals.as_ptr().add(used), start.add(written), rest);
        }
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
    let old = match number {
        1 => first,
        2 => second,
        3 => third,
        _ => first.wrapping_sub(1),
    };
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
    type Chunk = [MaybeUninit<u8>; STEP];
    let step = |at: usize| {
        // SAFETY: by the function's contract: not more than OVER bytes go over `size`.
        unsafe {
            let chunk = source.add(at).cast::<Chunk>().read();
            target.add(at).cast::<Chunk>().write(chunk);
        }
    };
    step(0);
    step(STEP);
    let mut done = 2 * STEP;
    while done < size {
        step(done);
        step(done + STEP);
        done += 2 * STEP;
    }
}

/// Copies a match that is not simply there: one that goes from the dictionary over to the content,
/// or one that begins nearer to the target than `STEP` bytes and so may repeat what it writes.
///
/// # Safety
///
/// `source` has `from_dictionary` bytes, which are all that is behind it in the dictionary, or else
/// lies `offset` bytes before `target`. The content begins `offset - from_dictionary` bytes before
/// `target`, or earlier if nothing is from the dictionary. `target` has room for `size` bytes.
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
