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
    /// The literals, and so many bytes behind them that there are `size + OVER`.
    pub(super) literals: &'a [u8],
    /// How many literals there are.
    pub(super) count: usize,
    pub(super) sequences: &'a [Sequence],
    pub(super) repeat: [u32; 3],
    /// What comes before the content, and `OVER` bytes behind it.
    pub(super) dictionary: &'a [u8],
    /// Bytes of content.
    pub(super) size: usize,
}

impl Execution<'_> {
    /// Writes the content to `target`, which has a place for it and `OVER` bytes behind that; whether
    /// it has as many bytes as the place.
    ///
    /// # Panics
    ///
    /// If `target` or the literals are too short.
    #[inline(always)]
    pub(super) fn run(&self, target: &mut [MaybeUninit<u8>]) -> bool {
        let Self { size, count, .. } = *self;
        assert!(target.len() >= size + OVER && self.literals.len() >= size + OVER);
        let start = target.as_mut_ptr().cast::<u8>();
        let before = (self.dictionary.len() - OVER) as isize;
        // SAFETY: the dictionary has OVER bytes behind what is meant.
        let dictionary_end = unsafe { self.dictionary.as_ptr_range().end.sub(OVER) };
        let mut repeat = self.repeat.map(|offset| offset as usize);
        let mut at = 0;
        let first_literal = self.literals.as_ptr();
        let mut literals = first_literal;
        for sequence in self.sequences {
            let literal_length = sequence.literal_length();
            let match_length = sequence.match_length();
            let offset = next_offset(&mut repeat, sequence.offset_value(), literal_length == 0);
            let match_at = at + literal_length;
            let next = match_at + match_length;
            if next > size {
                return false;
            }
            // Where in the content the match begins: below 0, so far before the end of the
            // dictionary.
            let from = match_at as isize - offset as isize;
            if from < -before {
                return false;
            }
            let base = select_unpredictable(from < 0, dictionary_end, start.cast_const());
            // The last place from which all that is to be copied is there, without a look at what
            // is written meanwhile.
            let last = select_unpredictable(
                from < 0,
                -(match_length as isize),
                match_at as isize - STEP as isize,
            );
            // SAFETY: there is room for both lengths, with OVER behind. All lengths of literals
            // together are not over `size`, and so many bytes are there, with OVER behind, if not
            // all of them literals. All of the content before the match is written, of which, or of
            // the dictionary, the match begins.
            unsafe {
                copy(literals, start.add(at), literal_length);
                let (source, target) = (base.offset(from), start.add(match_at));
                if from <= last {
                    copy(source, target, match_length);
                } else if offset == 0 {
                    return false;
                } else {
                    copy_near(source, target, (-from).max(0) as usize, offset, match_length);
                }
                literals = literals.add(literal_length);
            }
            at = next;
        }
        let used = literals.addr() - first_literal.addr();
        let rest = size - at;
        if used + rest != count {
            return false;
        }
        // SAFETY: so many literals are left, and so much room, each with OVER behind.
        unsafe { copy(literals, start.add(at), rest) };
        true
    }
}

/// The offset that a value stands for, and the last three then (section 3.1.1.5). 0 is none.
#[inline(always)]
fn next_offset(repeat: &mut [usize; 3], value: usize, no_literals: bool) -> usize {
    let [first, second, third] = *repeat;
    // Without literals the values stand for the ones that are one further on. A new offset has a
    // number above 3, and so has the one that is one less than the first.
    let number = value + usize::from(no_literals);
    let far = select_unpredictable(value > 3, value.wrapping_sub(3), first.wrapping_sub(1));
    let low = select_unpredictable(number > 1, second, first);
    let high = select_unpredictable(number == 3, third, far);
    let offset = select_unpredictable(number < 3, low, high);
    *repeat = [
        offset,
        select_unpredictable(number > 1, first, second),
        select_unpredictable(number < 3, third, second),
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
