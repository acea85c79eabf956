//! Rows to frames.
//!
//! ```text
//! rows      | run 0 | run 1 | run 2 |      cut by bytes, compressed in parallel
//! output    |..|...|.|                     the first run that is not there yet is written in place;
//!                                          those that are done before their turn are moved
//! ```
//!
//! A frame's size is known only once it is made, and so is the place of the next.

use std::mem::take;
use std::sync::Mutex;

use arrow_buffer::{Buffer, OffsetBuffer};

use crate::codec::context::Context;
use crate::codec::failures::Failures;
use crate::codec::libzstd::compress_bound;
use crate::codec::memory::{InOrder, Turn};
use crate::codec::rows::Rows;
use crate::codec::workers::{Contexts, Run, Workers, lock};
use crate::error::{Error, Result, ValueError};
use crate::segments::BufferWithSegments;

/// What a row costs to compress besides its bytes, in bytes: a frame's set-up.
const ROW_COST: u64 = 128;

/// Compresses each row that is not null to one frame; a null becomes an empty segment.
pub(super) fn compress(
    rows: &Rows,
    workers: &Workers,
    contexts: &Contexts<Context>,
    failures: Failures,
) -> Result<BufferWithSegments> {
    let runs = workers.split(rows.len(), |range| {
        rows.bytes(range.clone()).saturating_add(range.len() as u64 * ROW_COST)
    });

    // Sizes first, made ends below: offsets[i + 1] belongs to row i.
    let mut offsets = zeros("offsets", rows.len() + 1)?;
    let sizes = by_run(&mut offsets[1..], &runs);
    let bounds: Vec<u64> = runs.iter().map(|run| bound(rows, run)).collect();
    let whole = bounds.iter().fold(0_u64, |whole, bound| whole.saturating_add(*bound));
    let mut output = InOrder::new(whole)?;
    let writer = output.writer();
    workers.for_each(&runs, contexts, |context, place, run| {
        let mut turn = writer.begin(place);
        let job = Job { rows, run, bound: bounds[place] };
        compress_run(&job, context, &mut lock(&sizes[place]), &mut turn, &failures);
        writer.end(place, turn);
    })?;
    drop(sizes);
    failures.finish()?;

    let filled = writer.finish();
    let size = sizes_to_ends(&mut offsets)?;
    assert_eq!(size, filled as u64, "the frames are not all there");
    // SAFETY: from the writer of this output.
    Ok(to_segments(unsafe { output.finish(filled) }, offsets))
}

/// The most bytes that the frames of a run can have.
fn bound(rows: &Rows, run: &Run) -> u64 {
    rows.range(run.rows.clone()).fold(0_u64, |sum, (_, value)| {
        sum.saturating_add(value.map_or(0, |value| compress_bound(value.len()) as u64))
    })
}

/// A run of rows, and the most bytes that their frames can have.
struct Job<'a> {
    rows: &'a Rows<'a>,
    run: &'a Run,
    bound: u64,
}

fn compress_run(
    job: &Job<'_>,
    context: &mut Context,
    sizes: &mut [i64],
    turn: &mut Turn<'_>,
    failures: &Failures,
) {
    let mut more = usize::try_from(job.bound).unwrap_or(usize::MAX);
    for ((row, value), size) in job.rows.range(job.run.rows.clone()).zip(sizes) {
        let Some(value) = value else { continue };
        if !failures.wants(row) {
            break;
        }
        let bound = compress_bound(value.len());
        let frame = turn.spare(bound, more).and_then(|target| {
            context.compress(target, value).map_err(|failure| match failure.is_out_of_memory() {
                true => ValueError::OutOfMemory { bytes: bound as u64 },
                false => ValueError::Compress(failure.text()),
            })
        });
        match frame {
            // SAFETY: the context has written a frame of this size to what `spare` gave.
            Ok(frame) => unsafe {
                turn.advance(frame);
                *size = frame as i64;
            },
            Err(error) => failures.record(row, error),
        }
        more = more.saturating_sub(bound);
    }
}

/// Zeros, as many as there is memory for; `what` names them in the error.
pub(super) fn zeros<T: Default + Clone>(what: &'static str, count: usize) -> Result<Vec<T>> {
    let mut zeros = Vec::new();
    let bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
    zeros.try_reserve_exact(count).map_err(|_| Error::OutOfMemory { what, bytes })?;
    zeros.resize(count, T::default());
    Ok(zeros)
}

/// A slice with an entry a row, cut into one slice a run, each behind a lock so that any one
/// worker can take it.
pub(super) fn by_run<'a, T>(mut rows: &'a mut [T], runs: &[Run]) -> Vec<Mutex<&'a mut [T]>> {
    runs.iter()
        .map(|run| {
            let (here, behind) = take(&mut rows).split_at_mut(run.rows.len());
            rows = behind;
            Mutex::new(here)
        })
        .collect()
}

/// Turns sizes into Arrow offsets in place: 0, then each row's end. Returns the last.
pub(super) fn sizes_to_ends(offsets: &mut [i64]) -> Result<u64> {
    let mut end = 0_i64;
    for offset in offsets {
        // What `to_segments` rests on; a size that was never known would be negative.
        assert!(*offset >= 0, "a row has no size");
        end = end
            .checked_add(*offset)
            .ok_or_else(|| Error::OutOfMemory { what: "values", bytes: u64::MAX })?;
        *offset = end;
    }
    Ok(end as u64)
}

/// Bytes of a run's rows.
pub(super) fn run_size(offsets: &[i64], run: &Run) -> usize {
    // Sizes of memory that is there, or that `Output::new` will have refused.
    (offsets[run.rows.end] - offsets[run.rows.start]) as usize
}

/// Values and their offsets as segments.
pub(super) fn to_segments(values: Buffer, offsets: Vec<i64>) -> BufferWithSegments {
    debug_assert_eq!(offsets.last().copied(), Some(values.len() as i64));
    // SAFETY: `sizes_to_ends` has summed sizes, which are not negative, without overflow: the
    // offsets begin at 0 and never fall. The check would read them all once more.
    let offsets = unsafe { OffsetBuffer::new_unchecked(offsets.into()) };
    BufferWithSegments::new(values, offsets.into())
}
