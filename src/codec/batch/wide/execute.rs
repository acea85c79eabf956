//! Sequences that have their places to content (RFC 8878, sections 3.1.1.4 and 3.1.1.5).
//!
//! Those of all frames, literals, and contents lie behind each other without gaps, and each frame's last
//! sequence is the literals that are left. So the contents of a group are put together in one loop,
//! which does not know where one frame ends and the next begins.

use std::hint::select_unpredictable;
use std::mem::MaybeUninit;
use std::ops::Range;

use crate::codec::batch::execute::{Execution, OVER, copy_short, copy_special};

/// As `Execution::run`, but all sequences are sound.
///
/// # Safety
///
/// The frames were decoded with AVX-512 (`Group::decode`), and have not failed.
///
/// # Panics
///
/// If `target` is too short.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(in crate::codec::batch) unsafe fn execute(
    execution: &mut Execution<'_>,
    target: &mut [MaybeUninit<u8>],
) -> usize {
    let Range { start: first, end } = execution.numbers.clone();
    if first == end {
        return 0;
    }
    let jobs = execution.jobs;
    let before = jobs.job(first).content_at as usize;
    let place = |number: u8| {
        let job = jobs.job(number);
        let at = job.content_at as usize - before;
        at..at + job.size as usize
    };
    // Those that have something behind them. (Of the others there are few: small ones, if more than
    // one.)
    let mut last = end;
    while last > first && place(last - 1).end + OVER > target.len() {
        last -= 1;
    }
    // SAFETY: by this function's contract; so much room is there.
    unsafe { make(execution, first..last, target) };
    for number in last..end {
        let place = place(number);
        let mut aside = std::mem::take(execution.aside);
        aside.resize(aside.len().max(place.len() + OVER), MaybeUninit::uninit());
        // SAFETY: by this function's contract.
        unsafe { make(execution, number..number + 1, &mut aside) };
        target[place.clone()].copy_from_slice(&aside[..place.len()]);
        *execution.aside = aside;
    }
    let sound = |number: &u8| {
        let job = jobs.job(*number);
        // SAFETY: all of it was written.
        job.checksum().is_none()
            || job.is_checked(unsafe { target[place(*number)].assume_init_ref() })
    };
    (first..end).take_while(sound).count()
}

/// Writes the content of some frames to the front of `target`.
///
/// # Safety
///
/// As for `execute`. There is room for them in `target`, and `OVER` bytes behind them.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn make(execution: &Execution<'_>, numbers: Range<u8>, target: &mut [MaybeUninit<u8>]) {
    if numbers.is_empty() {
        return;
    }
    let jobs = execution.jobs;
    let (first, last) = (jobs.job(numbers.start), jobs.job(numbers.end - 1));
    let size = (last.content_at + last.size - first.content_at) as usize;
    assert!(target.len() >= size + OVER, "room for the contents");
    // The last sequence of a frame is that of its literals.
    let end = last.sequences_at + last.sequences + 1;
    let sequences = &execution.sequences[first.sequences_at as usize..end as usize];
    let end = last.literals_at + last.literals;
    let literals = &execution.literals[first.literals_at as usize..end as usize + OVER];
    let mut literals = literals.as_ptr();
    let mut at = target.as_mut_ptr().cast::<u8>();
    // Where the content of the group would begin.
    let start = at.wrapping_sub(first.content_at as usize).cast_const();
    // SAFETY: the dictionary has OVER bytes behind what is meant.
    let dictionary_end = unsafe { execution.dictionary.as_ptr_range().end.sub(OVER) };
    for sequence in sequences {
        let from = sequence.from();
        let base = select_unpredictable(from < 0, dictionary_end, start);
        let source = base.wrapping_offset(from);
        // SAFETY: each frame's lengths together are as long as its content is, and those of its
        // literals as many as it has; so there is room for both, with OVER behind, and so many
        // literals, or what lies behind them. All of the content before the match is written, of which,
        // or of the dictionary, the match begins. If the sequence is not special, it is all there, and
        // neither copy is longer than one step.
        unsafe {
            if sequence.is_special() {
                // (By value: what a closure refers to stays in memory all the time.)
                let (at, numbers) = (at, numbers.clone());
                let frame = move || {
                    let content = (at.addr() - start.addr()) as u32;
                    start.wrapping_add(jobs.content_around(content, numbers) as usize)
                };
                copy_special(*sequence, literals, at, source, frame);
            } else {
                copy_short(*sequence, literals, at, source);
            }
            literals = literals.add(sequence.literal_length());
            at = at.add(sequence.literal_length() + sequence.match_length());
        }
    }
    debug_assert_eq!(at.addr() - target.as_ptr().addr(), size, "contents of another size");
}
