//! Sequences to content (RFC 8878, sections 3.1.1.4 and 3.1.1.5).
//!
//! Copies are made in steps that do not look at the end of what they copy: what they write too much
//! lies in a place that is written later, by the next sequence or for the next frame.

use std::hint::select_unpredictable;
use std::mem::MaybeUninit;
use std::ops::Range;

use crate::codec::batch::job::{Job, Jobs};
use crate::codec::batch::moves::{Before, Placing, SHORT, Sequence};

/// Bytes behind a source and a target that copies may read and write too much.
pub(super) const OVER: usize = SHORT;

/// The content of some frames in the making.
pub(super) struct Execution<'a> {
    /// Frames that lie behind each other, and none of which failed.
    pub(super) jobs: &'a Jobs<'a>,
    pub(super) numbers: Range<u8>,
    /// What the jobs' places are in.
    pub(super) literals: &'a [u8],
    pub(super) sequences: &'a [Sequence],
    pub(super) before: &'a Before,
    /// What comes before the content, and `OVER` bytes behind it.
    pub(super) dictionary: &'a [u8],
    /// Room for the content of a frame that has nothing behind its place.
    pub(super) aside: &'a mut Vec<MaybeUninit<u8>>,
}

impl Execution<'_> {
    /// Writes the contents to `target`, one behind the other, from the first on up to one whose
    /// sequences are not sound, or that is not what its checksum says; how many that are. They are all
    /// written then, and what is behind them in `target` may be written too.
    ///
    /// # Panics
    ///
    /// If `target` is too short.
    #[inline(always)]
    pub(super) fn run(&mut self, target: &mut [MaybeUninit<u8>]) -> usize {
        let mut rest = target;
        for (i, number) in self.numbers.clone().enumerate() {
            let job = &self.jobs.job(number);
            let size = job.size as usize;
            let with_over = size + OVER;
            let done = match rest.get_mut(..with_over) {
                Some(target) => self.make(job, target),
                None => {
                    let mut aside = std::mem::take(self.aside);
                    aside.resize(aside.len().max(with_over), MaybeUninit::uninit());
                    let done = self.make(job, &mut aside[..with_over]);
                    rest[..size].copy_from_slice(&aside[..size]);
                    *self.aside = aside;
                    done
                }
            };
            if !done {
                return i;
            }
            let (content, behind) = rest.split_at_mut(size);
            // SAFETY: all of it was written.
            if !job.is_checked(unsafe { content.assume_init_ref() }) {
                return i;
            }
            rest = behind;
        }
        self.numbers.len()
    }

    /// Writes the content of a frame to `target`, which has a place for it and `OVER` bytes behind that;
    /// whether its sequences are sound.
    #[inline(always)]
    fn make(&self, job: &Job<'_>, target: &mut [MaybeUninit<u8>]) -> bool {
        let size = job.size as usize;
        // As many as there may be asked for, not as many as there are.
        let literals = &self.literals[job.literals_at as usize..][..size + OVER];
        let sequences = &self.sequences[job.sequences_at as usize..][..job.sequences as usize];
        assert!(target.len() >= size + OVER);
        let start = target.as_mut_ptr().cast::<u8>();
        // SAFETY: the dictionary has OVER bytes behind what is meant.
        let dictionary_end = unsafe { self.dictionary.as_ptr_range().end.sub(OVER) };
        let mut literals = literals.as_ptr();
        let mut at = start;
        let mut placing = Placing::new(self.before, size);
        for sequence in sequences {
            let Some(sequence) = placing.next(*sequence) else { return false };
            let from = sequence.from();
            let base = select_unpredictable(from < 0, dictionary_end, start.cast_const());
            // SAFETY: all lengths together are not over `size`, so that there is room for both, with
            // OVER behind, and so many literals, or what lies behind them. All of the content before
            // the match is written, of which, or of the dictionary, the match begins. If the sequence
            // is not special, it is all there, and neither copy is longer than one step.
            unsafe {
                let source = base.offset(from);
                if sequence.is_special() {
                    copy_special(sequence, literals, at, source, || start);
                } else {
                    copy_short(sequence, literals, at, source);
                }
                literals = literals.add(sequence.literal_length());
                at = at.add(sequence.literal_length() + sequence.match_length());
            }
        }
        if !placing.is_complete(job.literals as usize) {
            return false;
        }
        let rest = size - (at.addr() - start.addr());
        // SAFETY: so much room is left, and so many literals are, each with OVER behind.
        unsafe { copy(literals, at, rest) };
        true
    }
}

/// Makes the copies of a sequence that is not special: a step each.
///
/// # Safety
///
/// Both sources are there, and `target` has room for as many bytes as the sequence says; all with `OVER`
/// more.
#[inline(always)]
pub(super) unsafe fn copy_short(
    sequence: Sequence,
    literals: *const u8,
    target: *mut u8,
    source: *const u8,
) {
    // SAFETY: by this function's contract.
    unsafe {
        step(literals, target);
        step(source, target.add(sequence.literal_length()));
    }
}

/// Copies `SHORT` bytes, all of which are read before one is written.
///
/// # Safety
///
/// They are there, and room for them.
#[inline(always)]
unsafe fn step(source: *const u8, target: *mut u8) {
    type Chunk = [MaybeUninit<u8>; SHORT];
    // SAFETY: by this function's contract.
    unsafe { target.cast::<Chunk>().write(source.cast::<Chunk>().read()) };
}

/// Copies `size` bytes in steps, one at least.
///
/// # Safety
///
/// `source` and `target` have `size` bytes and `OVER` more. Where the target lies behind the source
/// in the same memory, it is `SHORT` bytes or more behind it, or `size`.
#[inline(always)]
unsafe fn copy(source: *const u8, target: *mut u8, size: usize) {
    let mut done = 0;
    loop {
        // SAFETY: by this function's contract: less than OVER bytes go over `size`.
        unsafe { step(source.add(done), target.add(done)) };
        done += SHORT;
        if done >= size {
            break;
        }
    }
}

/// Makes the copies of a sequence that is not as nearly all are: a long one, or one whose match goes
/// from the dictionary over to the content, or begins nearer to its target than it is long, and so
/// repeats what it writes. (By itself, so that what is kept in registers beside is the same for the
/// others.)
///
/// # Safety
///
/// `literals` and `target` have as many bytes as the sequence says, and `OVER` more. `source` is the
/// place of its match, which is in the same content as `target`; or in the dictionary, where all up to
/// its end is behind it, with `OVER` more. `start` says where that content begins.
#[inline(never)]
pub(super) unsafe fn copy_special(
    sequence: Sequence,
    literals: *const u8,
    target: *mut u8,
    source: *const u8,
    start: impl FnOnce() -> *const u8,
) {
    let size = sequence.match_length();
    // SAFETY: by this function's contract.
    let target = unsafe {
        copy(literals, target, sequence.literal_length());
        target.add(sequence.literal_length())
    };
    let from_dictionary = (-sequence.from()).max(0) as usize;
    let offset = match from_dictionary {
        0 => target.addr() - source.addr(),
        _ if from_dictionary < size => target.addr() - start().addr() + from_dictionary,
        // All of it is in the dictionary.
        _ => usize::MAX,
    };
    if from_dictionary >= size || from_dictionary == 0 && offset >= size.min(SHORT) {
        // SAFETY: all of it is in the dictionary, or in the content, and so far before its target.
        return unsafe { copy(source, target, size) };
    }
    // SAFETY: behind the dictionary comes the start of the content: the byte `offset` before each
    // byte of the target that is to be written. What one round copies is what is there already, and
    // there is twice as much for the next.
    unsafe {
        std::ptr::copy_nonoverlapping(source, target, from_dictionary);
        let mut done = from_dictionary;
        let from = target.add(done).sub(offset);
        while done < size {
            let there = target.add(done).offset_from(from) as usize;
            let round = there.min(size - done);
            std::ptr::copy_nonoverlapping(from, target.add(done), round);
            done += round;
        }
    }
}
