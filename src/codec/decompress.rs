//! Rows of frames to values.
//!
//! ```text
//! plan      headers and blocks of each row are read: sizes, where frames say them      parallel
//! measure   rows whose frames do not: decoded to a stash, which tells their sizes      parallel
//! output    one allocation of the exact size
//! decode    each row in its place; measured rows are moved there                       parallel
//! ```
//!
//! Nothing is allocated on a header's word: a content size was held against what the frame's
//! blocks can hold (`frame.rs`) and against the caller's limits before it is added up.

use std::mem::{MaybeUninit, take};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::codec::batch::{Group, Outline, Prepared, Workspace};
use crate::codec::compress::{by_run, run_size, sizes_to_ends, to_segments, zeros};
use crate::codec::dictionaries::{Dictionaries, Stopped};
use crate::codec::failures::{Failures, RowFailure};
use crate::codec::frame::{Frames, Simple, SimpleReader, read_value};
use crate::codec::libzstd::DecompressContext;
use crate::codec::memory::{Output, Slot, Stash, StashReader};
use crate::codec::options::{Decoder, DecompressOptions, OnError, out_of_memory};
use crate::codec::prefetch::prefetch;
use crate::codec::rows::{RowIter, Rows};
use crate::codec::workers::{Contexts, Run, Workers, lock};
use crate::error::{Error, Result, ValueError};
use crate::segments::BufferWithSegments;

/// The least room that a value of unknown size is decoded to at first, in bytes.
const FIRST_ROOM: u64 = 1 << 20;
/// In the place of a size: not known before the row is decoded.
const UNKNOWN: i64 = -1;
/// What a row costs to read headers of, in bytes, as the unit of work.
const PLAN_COST: u64 = 64;
/// Bytes behind a row's place that libzstd may write to while it decodes the row, if they are
/// there. It copies in steps of up to 32 bytes and goes over to single bytes near the end of its
/// target, which small values are never far from.
const SLACK: usize = 64;
/// What a row costs to decode besides its bytes, in bytes.
const ROW_COST: u64 = 128;
/// How many rows ahead a header is asked for, if values are larger than so many bytes. (Memory
/// that is read without gaps comes by itself.)
const AHEAD: usize = 8;
const NEAR: u64 = 128;
/// How many bytes ahead frames are asked for, and how many of each: those of rows further on lie
/// there, or nothing that does any harm.
const AHEAD_BYTES: usize = 2048;
const MOST_AHEAD: usize = 1024;
/// Rows that are looked at together for the batch decoder.
const GROUP_ROWS: usize = 128;
/// A run goes on in groups as long as the batch decoder takes one row of so many.
const WORTH_A_GROUP: usize = 4;

/// What one thread decodes with.
pub(super) struct DecodeContext {
    libzstd: DecompressContext,
    workspace: Workspace,
}

impl DecodeContext {
    pub(super) fn new(magicless: bool) -> Result<Self> {
        let libzstd = DecompressContext::new(magicless).map_err(out_of_memory)?;
        Ok(Self { libzstd, workspace: Workspace::default() })
    }
}

/// The values of a column.
pub(super) struct Decoded {
    /// One segment a row: gapless, in order; nulls and failed rows are empty.
    pub(super) values: BufferWithSegments,
    /// The rows that failed and became null, by row.
    pub(super) failures: Vec<RowFailure>,
}

/// Decompresses each row that is not null.
///
/// `promised` are content sizes that the caller vouches for.
pub(super) fn decompress(
    rows: &Rows,
    promised: Option<&Promised<'_>>,
    options: &DecompressOptions,
    failures: Failures,
    workers: &Workers,
    contexts: &Contexts<DecodeContext>,
) -> Result<Decoded> {
    let dictionaries = Dictionaries::new(options)?;
    let batch = Dictionaries::prepared(options);
    let call = Call { rows, promised, options, dictionaries, batch, failures };

    // Sizes first, made ends below: offsets[i + 1] belongs to row i.
    let mut offsets = zeros("offsets", rows.len() + 1)?;
    let mut outlines = match options.decoder {
        Decoder::Libzstd => Vec::new(),
        Decoder::Auto | Decoder::Batch => zeros("outlines", rows.len())?,
    };
    let some_unknown = call.plan(&mut offsets[1..], &mut outlines, workers)?;
    call.failures.check_cancelled()?;
    let stashes = match some_unknown {
        true => Some(call.measure(&mut offsets[1..], workers, contexts)?),
        false => None,
    };
    call.limit_output(&offsets[1..]);
    call.failures.check_cancelled()?;

    // Rows that no longer matter take no memory.
    let end = call.failures.end(rows.len());
    offsets[end + 1..].fill(0);
    let size = sizes_to_ends(&mut offsets)?;
    let mut output = Output::new(size).map_err(|error| in_largest_row(error, &offsets))?;
    let failed = call.failures.listed_rows();
    let place = Places { offsets: &offsets, end, outlines: &outlines, failed: &failed };
    call.decode(place, stashes, &mut output, workers, contexts)?;

    let Call { failures, .. } = call;
    let listed = failures.finish()?;
    let mut values = output.finish();
    let size = drop_failed(values.bytes(), &mut offsets, listed.iter().map(|failure| failure.row));
    values.truncate(size);
    Ok(Decoded { values: to_segments(values.into_buffer(), offsets), failures: listed })
}

/// No memory for the whole output, said of the row that takes most of it.
fn in_largest_row(error: Error, offsets: &[i64]) -> Error {
    let sizes = offsets.windows(2).map(|ends| (ends[1] - ends[0]) as u64);
    match sizes.enumerate().max_by_key(|(row, bytes)| (*bytes, std::cmp::Reverse(*row))) {
        Some((row, bytes)) => Error::Row { row, error: ValueError::OutOfMemory { bytes } },
        None => error,
    }
}

/// The content sizes that the caller vouches for, by row.
pub(super) type Promised<'a> = dyn Fn(usize) -> Option<u64> + Sync + 'a;

/// What all parts of one call share.
struct Call<'a> {
    rows: &'a Rows<'a>,
    promised: Option<&'a Promised<'a>>,
    options: &'a DecompressOptions,
    dictionaries: Dictionaries<'a>,
    /// What the batch decoder begins with, if it is to be tried.
    batch: Option<&'a Prepared>,
    failures: Failures,
}

/// Runs of the column whose sizes had to be measured, with what was decoded for that.
struct Stashes {
    runs: Vec<Run>,
    measured: Vec<Mutex<Measured>>,
}

/// Of one run, the rows whose sizes were measured, and their values: `None` if they were not kept,
/// because the call is going to fail.
#[derive(Default)]
struct Measured {
    rows: Vec<usize>,
    values: Option<Stash>,
}

/// A row that is to be put in its place.
struct Waiting<'a> {
    row: usize,
    size: usize,
    /// `None` for one that was measured, whose value is there.
    frame: Option<&'a [u8]>,
}

/// The rows of a run that are to be put in their places.
struct WaitingRows<'a> {
    rows: RowIter<'a>,
    places: Places<'a>,
    /// Those that are not, and those whose values are there.
    failed: &'a [usize],
    measured: &'a [usize],
}

impl<'a> Iterator for WaitingRows<'a> {
    type Item = Waiting<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Waiting<'a>> {
        loop {
            let (row, Some(value)) = self.rows.next()? else { continue };
            prefetch(value.as_ptr().wrapping_add(AHEAD_BYTES), value.len().min(MOST_AHEAD));
            let size = self.places.size(row);
            if self.measured.first() == Some(&row) {
                self.measured = &self.measured[1..];
                return Some(Waiting { row, size, frame: None });
            }
            if self.failed.first() == Some(&row) {
                self.failed = &self.failed[1..];
                continue;
            }
            return Some(Waiting { row, size, frame: Some(value) });
        }
    }
}

/// Where each row's value goes.
#[derive(Clone, Copy)]
struct Places<'a> {
    offsets: &'a [i64],
    /// One above the last row that gets a place.
    end: usize,
    /// How each row's frame is laid out, unless libzstd is to do them all.
    outlines: &'a [Outline],
    /// The rows that have failed so far, by row; they have no size.
    failed: &'a [usize],
}

impl Places<'_> {
    /// Bytes of the places of some rows.
    fn bytes(&self, rows: Range<usize>) -> u64 {
        (self.offsets[rows.end] - self.offsets[rows.start]) as u64
    }

    fn size(&self, row: usize) -> usize {
        // The size of memory that is there.
        (self.offsets[row + 1] - self.offsets[row]) as usize
    }
}

impl Call<'_> {
    /// Reads the headers of all rows and puts each row's content size, or `UNKNOWN`, in `sizes`, and
    /// its outline in `outlines`, if there are any. Returns whether there is an unknown size.
    fn plan(&self, sizes: &mut [i64], outlines: &mut [Outline], workers: &Workers) -> Result<bool> {
        let runs = workers.split(self.rows.len(), |range| range.len() as u64 * PLAN_COST);
        let sizes = by_run(sizes, &runs);
        let outlines = (!outlines.is_empty()).then(|| by_run(outlines, &runs));
        let some_unknown = AtomicBool::new(false);
        workers.for_each(&runs, &Contexts::none(), |_, place, run| {
            let mut unknown_here = false;
            let mut reader = SimpleReader::new(self.options.format);
            let apart = self.rows.bytes(run.rows.clone()) > run.rows.len() as u64 * NEAR;
            let mut rows = self.rows.range(run.rows.clone());
            let mut outlines = outlines.as_ref().map(|outlines| lock(&outlines[place]));
            for (i, size) in lock(&sizes[place]).iter_mut().enumerate() {
                if apart && let Some(soon) = rows.ahead(AHEAD) {
                    prefetch(soon.as_ptr(), 1);
                }
                let Some((row, value)) = rows.next() else { break };
                let Some(value) = value else { continue };
                if !self.failures.wants(row) {
                    break;
                }
                match self.plan_row(row, value, &mut reader) {
                    Ok((Some(known), outline)) => {
                        *size = known;
                        if let Some(outlines) = &mut outlines {
                            outlines[i] = outline;
                        }
                    }
                    Ok((None, _)) => {
                        *size = UNKNOWN;
                        unknown_here = true;
                    }
                    Err(error) => self.failures.record(row, error),
                }
            }
            some_unknown.fetch_or(unknown_here, Ordering::Relaxed);
        })?;
        Ok(some_unknown.into_inner())
    }

    /// The content size of a row, or `None` if its frames do not say, and its outline.
    #[inline(always)]
    fn plan_row(
        &self,
        row: usize,
        value: &[u8],
        reader: &mut SimpleReader,
    ) -> Result<(Option<i64>, Outline), ValueError> {
        let simple = reader.read(value);
        let (content_size, content_bound) = match &simple {
            Some(Simple { header, content_bound, .. }) => {
                self.check_header(header.window_size, header.dictionary_id)?;
                (header.content_size, *content_bound)
            }
            None => self.plan_frames(value)?,
        };
        let promised = self.promised.and_then(|promised| promised(row));
        let size = match (content_size, promised) {
            (Some(found), Some(expected)) if found != expected => {
                return Err(ValueError::SizeMismatch { expected, found });
            }
            // What the blocks cannot hold is measured, for the error to say what there is.
            (None, Some(expected)) if expected <= content_bound => Some(expected),
            (known, _) => known,
        };
        match (size, self.options.max_value_size) {
            (Some(size), Some(limit)) if size > limit => {
                Err(ValueError::ValueTooLarge { size, limit })
            }
            // At most the bound, which is far below 2^63.
            _ => Ok((size.map(|size| size as i64), self.outline(simple.as_ref(), size))),
        }
    }

    #[inline(always)]
    fn outline(&self, frame: Option<&Simple>, size: Option<u64>) -> Outline {
        match (frame, size) {
            (Some(frame), Some(size)) => Outline::of(frame, size),
            _ => Outline::NONE,
        }
    }

    /// The content size of all frames of a value, and the most that their blocks can hold.
    #[cold]
    fn plan_frames(&self, value: &[u8]) -> Result<(Option<u64>, u64), ValueError> {
        let mut frames = Frames::new(value, self.options.format)?;
        let mut content_size = Some(0_u64);
        let mut content_bound = 0;
        while let Some((_, frame)) = frames.next_frame()? {
            self.check_header(frame.header.window_size, frame.header.dictionary_id)?;
            content_bound += frame.content_bound;
            // Each size is at most its frame's bound, and bounds do not reach 2^64 together.
            content_size =
                content_size.zip(frame.header.content_size).map(|(sum, size)| sum + size);
        }
        Ok((content_size, content_bound))
    }

    /// Whether a frame's window and dictionary are to be had.
    #[inline]
    fn check_header(&self, window: u64, dictionary_id: Option<u32>) -> Result<(), ValueError> {
        if let Some(limit) = self.options.max_window_log.map(|log| 1_u64 << log)
            && window > limit
        {
            return Err(ValueError::WindowTooLarge { window, limit });
        }
        self.dictionaries.find(dictionary_id).map(|_| ())
    }

    /// Decodes the rows of unknown size and puts their sizes in `sizes`.
    fn measure(
        &self,
        sizes: &mut [i64],
        workers: &Workers,
        contexts: &Contexts<DecodeContext>,
    ) -> Result<Stashes> {
        let end = self.failures.end(self.rows.len());
        let runs = workers.split(end, |range| self.weight(range));
        let stashed = AtomicU64::new(0);
        let measured: Vec<_> = runs.iter().map(|_| Mutex::default()).collect();
        let sizes = by_run(sizes, &runs);
        workers.for_each(&runs, contexts, |context, place, run| {
            let sizes = &mut lock(&sizes[place]);
            *lock(&measured[place]) = self.measure_run(run, sizes, &mut context.libzstd, &stashed);
        })?;
        Ok(Stashes { runs, measured })
    }

    fn measure_run(
        &self,
        run: &Run,
        sizes: &mut [i64],
        context: &mut DecompressContext,
        stashed: &AtomicU64,
    ) -> Measured {
        let mut stash = Stash::default();
        let mut measured = Measured::default();
        let mut kept = true;
        for ((row, value), size) in self.rows.range(run.rows.clone()).zip(sizes) {
            let (Some(value), UNKNOWN) = (value, *size) else { continue };
            *size = 0;
            if !self.failures.wants(row) {
                break;
            }
            match self.measure_row(row, value, context, &mut stash) {
                Ok(found) => {
                    *size = found as i64;
                    measured.rows.push(row);
                    let all = stashed.fetch_add(found as u64, Ordering::Relaxed) + found as u64;
                    if self.options.max_output_size.is_some_and(|limit| all > limit) {
                        // The call will fail, and from here on only sizes matter: they decide
                        // which row passed the limit. Memory does not grow any further.
                        stash = Stash::default();
                        kept = false;
                    }
                }
                Err(error) => self.failures.record(row, error),
            }
        }
        measured.values = kept.then_some(stash);
        measured
    }

    /// Decodes one row of unknown size to the stash; returns its size.
    fn measure_row(
        &self,
        row: usize,
        value: &[u8],
        context: &mut DecompressContext,
        stash: &mut Stash,
    ) -> Result<usize, ValueError> {
        let bound = read_value(value, self.options.format)?.content_bound;
        let limits = [self.options.max_value_size, self.options.max_output_size];
        let most = limits.into_iter().flatten().fold(bound, u64::min);
        // A bound can be very far from the content (a block for each flush of a stream): room
        // for it is taken in steps, and what is decoded twice is a seventh at the most.
        let likely = (value.len() as u64).saturating_mul(8).max(FIRST_ROOM);
        let mut room = most.min(likely);
        let size = loop {
            let bytes =
                usize::try_from(room).map_err(|_| ValueError::OutOfMemory { bytes: room })?;
            let target = stash.spare(bytes, usize::MAX)?;
            match self.dictionaries.decompress(context, target, value) {
                Ok(size) => {
                    if self.options.utf8 {
                        // SAFETY: libzstd has written this many bytes.
                        check_text(unsafe { target[..size].assume_init_ref() })?;
                    }
                    break size;
                }
                Err(Stopped::Bad(error)) => return Err(error),
                Err(Stopped::Full) if room < most => room = room.saturating_mul(8).min(most),
                Err(Stopped::Full) => {
                    let size = room.saturating_add(1);
                    return Err(match limits {
                        [Some(limit), _] if limit == room => {
                            ValueError::ValueTooLarge { size, limit }
                        }
                        [_, Some(limit)] if limit == room => {
                            ValueError::OutputTooLarge { size, limit }
                        }
                        _ => ValueError::Corrupt("the content is larger than its blocks can hold"),
                    });
                }
            }
        };
        if let Some(expected) = self.promised.and_then(|promised| promised(row))
            && expected != size as u64
        {
            return Err(ValueError::SizeMismatch { expected, found: size as u64 });
        }
        // SAFETY: libzstd has written this many bytes to what `spare` gave.
        unsafe { stash.advance(size) };
        Ok(size)
    }

    /// Notes the row with which the output passes its limit, if one does.
    fn limit_output(&self, sizes: &[i64]) {
        let Some(limit) = self.options.max_output_size else { return };
        let mut sum = 0_u64;
        for (row, size) in sizes[..self.failures.end(sizes.len())].iter().enumerate() {
            // Known by now, so not negative.
            sum = sum.saturating_add(*size as u64);
            if sum > limit {
                self.failures.record(row, ValueError::OutputTooLarge { size: sum, limit });
                return;
            }
        }
    }

    /// Decodes each row to its place in the output.
    fn decode(
        &self,
        places: Places<'_>,
        stashes: Option<Stashes>,
        output: &mut Output,
        workers: &Workers,
        contexts: &Contexts<DecodeContext>,
    ) -> Result<()> {
        let (runs, measured) = match stashes {
            None => (
                workers.split(places.end, |range| self.weight(range.clone()) + places.bytes(range)),
                Vec::new(),
            ),
            // The runs stay what they were, so that each can give its stash back when it is done.
            Some(Stashes { runs, measured }) => (cut(runs, places.end), measured),
        };
        let slots = output.slots(runs.iter().map(|run| run_size(places.offsets, run)));
        workers.for_each(&runs, contexts, |context, place, run| {
            let measured = measured.get(place).map(|one| take(&mut *lock(one))).unwrap_or_default();
            let Some(mut slot) = lock(&slots[place]).take() else {
                unreachable!("each run is done once")
            };
            self.decode_run(run, places, &mut slot, context, measured);
        })
    }

    /// What it takes to read some rows, in bytes.
    fn weight(&self, rows: Range<usize>) -> u64 {
        self.rows.bytes(rows.clone()).saturating_add(rows.len() as u64 * ROW_COST)
    }

    fn decode_run(
        &self,
        run: &Run,
        places: Places<'_>,
        slot: &mut Slot<'_>,
        context: &mut DecodeContext,
        measured: Measured,
    ) {
        let DecodeContext { libzstd, workspace } = context;
        let mut values = measured.values.as_ref().map(Stash::reader);
        let failed = places.failed.partition_point(|row| *row < run.rows.start);
        let mut rows = WaitingRows {
            rows: self.rows.range(run.rows.clone()),
            places,
            failed: &places.failed[failed..],
            measured: &measured.rows,
        };
        if let Some(prepared) = self.batch {
            let mut group = Group::new(prepared, workspace);
            let mut waiting = Vec::with_capacity(GROUP_ROWS.min(run.rows.len()));
            loop {
                group.clear();
                waiting.clear();
                while waiting.len() < GROUP_ROWS
                    && !group.is_full()
                    && let Some(one) = rows.next()
                {
                    let taken = one
                        .frame
                        .is_some_and(|frame| group.push(frame, places.outlines[one.row], one.size));
                    waiting.push((one, taken));
                }
                group.decode();
                if !self.place_group(&mut group, &waiting, slot, libzstd, &mut values) {
                    return;
                }
                if group.taken() * WORTH_A_GROUP < waiting.len() || waiting.is_empty() {
                    break;
                }
            }
        }
        for one in rows {
            if !self.wants(&one) {
                return;
            }
            let outline = places.outlines.get(one.row);
            let raw =
                one.frame.zip(outline).and_then(|(frame, outline)| outline.raw(frame, one.size));
            let placed = match raw {
                Some(content) => {
                    slot.push(content);
                    self.check_value(one.row, content)
                }
                None => self.place(&one, slot, libzstd, &mut values),
            };
            if !placed {
                return;
            }
        }
    }

    /// Puts rows in their places that the group has decoded, or has not taken; whether the rows behind
    /// them in the run are wanted.
    fn place_group(
        &self,
        group: &mut Group<'_>,
        waiting: &[(Waiting<'_>, bool)],
        slot: &mut Slot<'_>,
        libzstd: &mut DecompressContext,
        values: &mut Option<StashReader<'_>>,
    ) -> bool {
        // Frames of the group that have been looked at.
        let mut number = 0;
        let mut rest = waiting;
        while let Some((one, taken)) = rest.first() {
            if !self.wants(one) {
                return false;
            }
            if *taken {
                let run = rest.iter().take_while(|(_, taken)| *taken);
                let (count, size) = run.fold((0, 0), |(n, sum), (one, _)| (n + 1, sum + one.size));
                let target = slot.spare_with_slack(size, SLACK);
                let done = group.execute(number..number + count, target);
                for (one, _) in &rest[..done] {
                    // SAFETY: the group has written `size` bytes to the front of the slot.
                    if !self.check_value(one.row, unsafe { slot.advance(one.size) }) {
                        return false;
                    }
                }
                number += done;
                rest = &rest[done..];
                if done == count {
                    continue;
                }
                // That one is libzstd's after all.
                number += 1;
            }
            let (one, _) = &rest[0];
            if !self.place(one, slot, libzstd, values) {
                return false;
            }
            rest = &rest[1..];
        }
        true
    }

    /// Whether a row still matters. If not, the call fails, and nobody will read what is left open.
    #[inline]
    fn wants(&self, one: &Waiting<'_>) -> bool {
        one.frame.is_none() || self.failures.wants(one.row)
    }

    /// Puts one row in its place, by libzstd or from where it was measured; whether the rows behind
    /// it in the run are wanted.
    #[inline]
    fn place(
        &self,
        one: &Waiting<'_>,
        slot: &mut Slot<'_>,
        libzstd: &mut DecompressContext,
        values: &mut Option<StashReader<'_>>,
    ) -> bool {
        let &Waiting { row, size, frame } = one;
        let Some(frame) = frame else {
            match values {
                Some(values) => slot.push(values.take(size)),
                None => slot.push_zeros(size),
            }
            return true;
        };
        let target = slot.spare_with_slack(size, SLACK);
        if !self.decode_row(frame, target, size, libzstd)
            && let Err(error) = self.decode_exactly(frame, slot.spare(size), libzstd)
        {
            self.failures.record(row, error);
            if self.options.on_error == OnError::Fail {
                return false;
            }
            slot.push_zeros(size);
            return true;
        }
        // SAFETY: libzstd has written `size` bytes to the front of the slot.
        self.check_value(row, unsafe { slot.advance(size) })
    }

    /// Checks a value that is in its place. A bad one is noted, and the rows behind it are wanted.
    #[inline]
    fn check_value(&self, row: usize, value: &[u8]) -> bool {
        if self.options.utf8
            && let Err(error) = check_text(value)
        {
            self.failures.record(row, error);
        }
        true
    }

    /// Decodes one row to the front of `target`; whether it is `size` bytes, which then are all
    /// written. An error is not handed on: the type that holds one is large, and passes through
    /// memory for each row, good ones too.
    #[inline]
    fn decode_row(
        &self,
        value: &[u8],
        target: &mut [MaybeUninit<u8>],
        size: usize,
        context: &mut DecompressContext,
    ) -> bool {
        if self.dictionaries.several() {
            return self
                .dictionaries
                .decompress(context, target, value)
                .is_ok_and(|found| found == size);
        }
        context.decompress(target, value, self.dictionaries.only()).is_ok_and(|found| found == size)
    }

    /// Decodes a row that did not decode to its size once more, without slack: what the error says
    /// does not depend on what lies behind the row's place.
    #[cold]
    fn decode_exactly(
        &self,
        value: &[u8],
        target: &mut [MaybeUninit<u8>],
        context: &mut DecompressContext,
    ) -> Result<(), ValueError> {
        let expected = target.len() as u64;
        match self.dictionaries.decompress(context, target, value) {
            Ok(found) if found as u64 == expected => Ok(()),
            Ok(found) => Err(ValueError::SizeMismatch { expected, found: found as u64 }),
            Err(Stopped::Full) => Err(ValueError::SizeExceeded { expected }),
            Err(Stopped::Bad(error)) => Err(error),
        }
    }
}

/// Whether a value is text.
fn check_text(value: &[u8]) -> Result<(), ValueError> {
    std::str::from_utf8(value)
        .map(|_| ())
        .map_err(|error| ValueError::NotUtf8 { at: error.valid_up_to() })
}

/// Leaves only rows below `end`; the places of runs stay.
fn cut(runs: Vec<Run>, end: usize) -> Vec<Run> {
    let clamp = |rows: Range<usize>| rows.start.min(end)..rows.end.min(end);
    runs.into_iter().map(|run| Run { rows: clamp(run.rows), ..run }).collect()
}

/// Takes the bytes of failed rows out of the values, so that nothing of them is left. Returns the
/// size of what is.
fn drop_failed(
    values: &mut [u8],
    offsets: &mut [i64],
    failed: impl Iterator<Item = usize>,
) -> usize {
    let mut failed = failed.peekable();
    if failed.peek().is_none() {
        return values.len();
    }
    let mut write = 0;
    let mut start = 0;
    for row in 0..offsets.len() - 1 {
        let end = offsets[row + 1] as usize;
        if failed.next_if_eq(&row).is_none() {
            values.copy_within(start..end, write);
            write += end - start;
        }
        start = end;
        offsets[row + 1] = write as i64;
    }
    write
}
