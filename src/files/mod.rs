//! Named columns of Parquet and Arrow IPC files through the codec.
//!
//! A column can be a field inside others: `payload.body` is the field `body` of the struct
//! `payload`. A path goes through lists and to the values of maps by the way: `pages.html` is the
//! field `html` of the structs in the lists `pages`, `tags` are the items of the lists `tags`. A
//! column whose whole name has a dot comes before a path. What a null hides is left alone, and
//! errors tell the row of the file, in whichever list of it the value is.
//!
//! From Parquet to Parquet, column chunk by column chunk: the pages of a named column are read, its
//! values go through the codec, and new pages are written, on all threads and in order. The bytes of
//! all other columns are copied, with their encodings, page compression, statistics, indexes and Bloom
//! filters, if their pages can be read. Row groups, levels of nested columns and the schema's metadata
//! stay as they are. Columns of frames are written without page compression, which would find
//! nothing; values with zstd pages, whose statistics have the least and the greatest value if both
//! are short. Memory is that of a few pieces of about 2 MiB for each thread, and of a few pages of the
//! file that is read: not of a row group. Where a row has more, it is that of three such rows for each
//! thread, and one: values of 64 MiB take less than 448 MiB on two threads, 256 MiB on one.
//!
//! Else (Arrow IPC files and streams, and columns with an encoding of Arrow's, whose distinct values are
//! worked on once) batch by batch: read, compress or decompress, write, each on a thread of its own
//! with a bounded number of batches between them. Memory is that of a few batches of about 32 MiB, or
//! of one row where that has more, and in Parquet of the encoded pages of the row group that is being
//! written, where pages are all zstd's. From Arrow IPC to Arrow IPC the buffers are compressed as they
//! were (LZ4, zstd, or not), and a file's footer keeps its own metadata.
//!
//! The output is written to a temporary file beside the target, synced, and renamed (on Linux what is
//! written goes to the disk while more is made, so that the sync has little to wait for): after a
//! crash, an error or an interruption there is the old file or the whole new one. What a crash
//! leaves behind is cleared by the next job that writes to the folder.
//!
//! ```no_run
//! use std::path::Path;
//! use zstd_arrow::Compressor;
//! use zstd_arrow::files::{self, FileOptions};
//!
//! let columns = [("payload".to_owned(), Compressor::new(3)?)];
//! let (from, to) = (Path::new("events.parquet"), Path::new("small.parquet"));
//! let report = files::compress(from, to, &columns, FileOptions::default())?;
//! println!("{} rows, {:.1} times smaller", report.rows, report.columns[0].ratio());
//! # Ok::<(), zstd_arrow::Error>(())
//! ```

mod batch;
mod chunks;
mod detach;
mod inspect;
mod ipc;
mod leaf;
mod ordered;
mod parquet;
mod path;
mod pipeline;
mod sink;
mod source;
mod table;
mod target;
mod writeback;

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use arrow_array::Array;
use arrow_buffer::NullBuffer;
use serde::Serialize;

pub use inspect::{ColumnInfo, FileInfo, inspect};
pub use pipeline::READER_THREAD;
pub use source::FileFormat;
pub use table::{Table, compress_batches, decompress_batches, train_batches};

use crate::codec::{CancelFlag, Compressor, DecompressOptions, Dictionary, RowFailure, Trainer};
use crate::error::{Error, Result};
use crate::schema;
use batch::{Outcome, Plan};
use leaf::Leaf;
use path::FieldPath;
use sink::Sink;
use source::{Source, Step};
use target::Target;

/// Rows of a batch where none are said.
pub const DEFAULT_BATCH_ROWS: usize = 16_384;

/// How far a file job is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Progress {
    /// Rows done.
    pub rows: u64,
    /// Rows in all; `None` where the format does not say (an IPC stream).
    pub total_rows: Option<u64>,
}

/// Is told of each batch; `Break` ends the job with [`Error::Cancelled`].
pub type OnProgress<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// Options of a file job.
#[non_exhaustive]
pub struct FileOptions<'a> {
    /// The most rows of a batch, for Parquet; IPC files keep the batches they have. Fewer where they
    /// have more than about 32 MiB.
    pub batch_rows: usize,
    /// The format of the output: by default that of the target's ending (`.parquet`, `.arrow`,
    /// `.feather`, `.ipc`, `.arrows`), else that of the input.
    pub format: Option<FileFormat>,
    /// Is told of each batch.
    pub progress: Option<&'a mut OnProgress<'a>>,
    /// Ends the job with [`Error::Cancelled`] once it is raised, also while it waits for input. (The
    /// codec's own flag ends it in the middle of a batch.)
    pub cancel: Option<CancelFlag>,
}

impl Default for FileOptions<'_> {
    fn default() -> Self {
        Self { batch_rows: DEFAULT_BATCH_ROWS, format: None, progress: None, cancel: None }
    }
}

impl<'a> FileOptions<'a> {
    /// The same with another number of rows a batch.
    #[must_use]
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows;
        self
    }

    /// The same with another format of the output.
    #[must_use]
    pub fn format(mut self, format: FileFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// The same with someone who is told of each batch.
    #[must_use]
    pub fn progress(mut self, progress: &'a mut OnProgress<'a>) -> Self {
        self.progress = Some(progress);
        self
    }

    /// The same with a flag that ends the job.
    #[must_use]
    pub fn cancel(mut self, cancel: CancelFlag) -> Self {
        self.cancel = Some(cancel);
        self
    }
}

/// What a job did with one column.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ColumnReport {
    /// The column's name, or its path.
    pub name: String,
    /// Values that are not null.
    pub values: u64,
    /// Nulls in the input.
    pub nulls: u64,
    /// Bytes of all values, decompressed.
    pub raw_bytes: u64,
    /// Bytes of all values, compressed.
    pub compressed_bytes: u64,
    /// Rows that could not be decompressed and became null.
    pub failed: u64,
    /// The first of these rows, and why: [`ColumnReport::FAILURES_SHOWN`] at the most.
    pub failures: Vec<FailureReport>,
}

/// A row that became null.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FailureReport {
    /// The row of the file, from zero.
    pub row: u64,
    /// What was wrong with it.
    pub error: String,
}

impl ColumnReport {
    /// The most failures that are told one by one.
    pub const FAILURES_SHOWN: usize = 100;

    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            values: 0,
            nulls: 0,
            raw_bytes: 0,
            compressed_bytes: 0,
            failed: 0,
            failures: Vec::new(),
        }
    }

    /// Raw bytes for each compressed byte; 1 for a column without bytes.
    pub fn ratio(&self) -> f64 {
        ratio(self.raw_bytes, self.compressed_bytes)
    }

    fn add(&mut self, outcome: &Outcome, first_row: u64) {
        self.values += outcome.values;
        self.nulls += outcome.nulls;
        self.raw_bytes += outcome.raw_bytes;
        self.compressed_bytes += outcome.compressed_bytes;
        self.failed += outcome.failures.len() as u64;
        let room = Self::FAILURES_SHOWN - self.failures.len();
        self.failures.extend(outcome.failures.iter().take(room).map(
            |RowFailure { row, error }| FailureReport {
                row: first_row + *row as u64,
                error: error.to_string(),
            },
        ));
    }
}

/// Raw bytes for each compressed byte; 1 where there are none.
pub(crate) fn ratio(raw: u64, compressed: u64) -> f64 {
    if compressed == 0 { 1.0 } else { raw as f64 / compressed as f64 }
}

/// What a job did.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Rows of the file.
    pub rows: u64,
    /// The named columns, in the order of the file.
    pub columns: Vec<ColumnReport>,
    /// The dictionaries' ids.
    pub dictionary_ids: Vec<u32>,
}

/// Compresses named columns of a file, each with its compressor.
///
/// Their fields are marked ([`schema`]) and their dictionaries go into the schema's
/// metadata, so that [`decompress`] needs no argument. `-` as a path is standard input or output,
/// an IPC stream.
///
/// # Errors
///
/// [`Error::File`] with the path, around [`Error::NoSuchColumn`], [`Error::Column`] with the
/// failing column and row, or what the operating system or the format says. The target is as it
/// was.
pub fn compress(
    source: &Path,
    target: &Path,
    columns: &[(String, Compressor)],
    options: FileOptions<'_>,
) -> Result<Report> {
    run(source, target, options, |source| Plan::compress(&source.schema, columns))
}

/// Decompresses columns of a file: the named ones, or with `None` all that are marked.
///
/// Dictionaries come from the schema's metadata and from `codec.dictionaries`; the types of marked
/// columns are those they had before they were compressed.
///
/// # Errors
///
/// As [`compress`]; [`Error::Option`] if no column is named and none is marked.
pub fn decompress(
    source: &Path,
    target: &Path,
    columns: Option<&[String]>,
    codec: &DecompressOptions,
    options: FileOptions<'_>,
) -> Result<Report> {
    run(source, target, options, |source| Plan::decompress(&source.schema, columns, codec))
}

fn run(
    source_path: &Path,
    target_path: &Path,
    mut options: FileOptions<'_>,
    plan: impl FnOnce(&Source) -> Result<Plan>,
) -> Result<Report> {
    let in_source = |error: Error| error.of_file(source_path);
    let batch_rows = options.batch_rows;
    let cancel = options.cancel.as_ref();
    let mut source =
        pipeline::open(source_path, cancel, move |path| Source::open(path, batch_rows, None))?;
    let plan = plan(&source).map_err(in_source)?;
    let format =
        options.format.or_else(|| FileFormat::of_ending(target_path)).unwrap_or(source.format);
    if format == FileFormat::Parquet
        && let Some(file) = source.parquet.take_if(|file| chunks::takes(file, &plan))
    {
        return chunks::run(file, Target::create(target_path)?, &plan, options);
    }
    if let Some(problem) = source.not_kept.take() {
        return Err(Error::in_file(source_path, problem));
    }
    let target = Target::create(target_path)?;
    let sink = Sink::new(target, format, &source, &plan)?;
    let total_rows = source.total_rows;
    let mut reports: Vec<ColumnReport> = plan.names().map(ColumnReport::new).collect();
    let mut rows = 0_u64;
    pipeline::run(source_path, source, sink, cancel, |step, writer| {
        let Step::Batch(batch) = step else { return writer.write(step) };
        for piece in plan.pieces(batch).map_err(in_source)? {
            let first = usize::try_from(rows).unwrap_or(usize::MAX);
            let parts = plan.apply(&piece).map_err(|error| in_source(error.shift_row(first)))?;
            // Before the writer is waited for.
            drop(piece);
            for (out, outcomes) in parts {
                for (report, outcome) in reports.iter_mut().zip(&outcomes) {
                    report.add(outcome, rows);
                }
                rows += out.num_rows() as u64;
                writer.write(Step::Batch(out))?;
            }
        }
        match options.progress.as_mut().map(|tell| tell(Progress { rows, total_rows })) {
            Some(ControlFlow::Break(())) => Err(Error::Cancelled),
            _ => Ok(()),
        }
    })?;
    let dictionary_ids = plan.dictionary_ids();
    Ok(Report { rows, columns: reports, dictionary_ids })
}

/// Trains a dictionary of at most `size` bytes for each named column, on a sample of all its rows.
///
/// # Errors
///
/// [`Error::File`] around [`Error::NoSuchColumn`], [`Error::Column`] with what training says, or
/// what reading says.
pub fn train(
    source_path: &Path,
    columns: &[String],
    size: usize,
    mut options: FileOptions<'_>,
) -> Result<Vec<Dictionary>> {
    let in_source = |error: Error| error.of_file(source_path);
    let (batch_rows, names) = (options.batch_rows, columns.to_vec());
    let cancel = options.cancel.as_ref();
    let source = pipeline::open(source_path, cancel, move |path| {
        Source::open(path, batch_rows, Some(&names))
    })?;
    let paths: Vec<FieldPath> = columns
        .iter()
        .map(|name| path::find(&source.schema, name))
        .collect::<Result<_>>()
        .map_err(in_source)?;
    let mut trainers: Vec<Trainer> = columns.iter().map(|_| Trainer::new(size)).collect();
    let mut rows = 0;
    let total_rows = source.total_rows;
    pipeline::read_all(source_path, source, cancel, |step| {
        let Step::Batch(batch) = step else { return Ok(()) };
        for (trainer, path) in trainers.iter_mut().zip(&paths) {
            let values = Leaf::of(&batch, path).and_then(|leaf| leaf.values());
            let pushed = values.and_then(|values| trainer.push(&values));
            pushed.map_err(|error| in_source(error.in_column(&path.name)))?;
        }
        rows += batch.num_rows() as u64;
        match options.progress.as_mut().map(|tell| tell(Progress { rows, total_rows })) {
            Some(ControlFlow::Break(())) => Err(Error::Cancelled),
            _ => Ok(()),
        }
    })?;
    let trained = trainers.into_iter().zip(columns);
    trained
        .map(|(trainer, name)| trainer.finish().map_err(|error| in_source(error.in_column(name))))
        .collect()
}

/// The dictionaries that a file holds: a dictionary file's one, or those in the schema of a Parquet or
/// Arrow IPC file, which a copy of it may have lost.
///
/// # Errors
///
/// [`Error::File`] if the file cannot be read or has no dictionary.
pub fn read_dictionaries(path: &Path) -> Result<Vec<Dictionary>> {
    let of_file = |error: Error| error.of_file(path);
    if FileFormat::of_file(path)?.is_none() {
        let bytes = std::fs::read(path).map_err(|error| Error::in_file(path, error))?;
        return Ok(vec![Dictionary::from_bytes(bytes).map_err(of_file)?]);
    }
    let source = pipeline::open(path, None, |path| Source::open(path, DEFAULT_BATCH_ROWS, None))?;
    let found = schema::dictionaries(source.schema.metadata()).map_err(of_file)?;
    match found.is_empty() {
        true => Err(of_file(Error::Dictionary("the file's schema has none".to_owned()))),
        false => Ok(found),
    }
}

/// Writes a small file (a dictionary) as jobs write theirs: whole, or not at all.
///
/// # Errors
///
/// [`Error::File`] with what the operating system says.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut target = Target::create(path)?;
    target.write_all(bytes).map_err(|error| Error::in_file(path, error))?;
    target.commit()
}

/// The bytes of all values of a binary-like array; nulls, and rows that are not visible, left out.
pub(crate) fn value_bytes(array: &dyn Array, visible: Option<&NullBuffer>) -> u64 {
    if let Some(encoded) = crate::convert::Encoded::of(array) {
        let sizes = value_sizes(encoded.values());
        return encoded.runs_from().fold(0, |sum: u64, (row, place, rows)| {
            let size = place.map_or(0, |place| sizes[place]);
            sum.saturating_add(size.saturating_mul(visible_rows(visible, row, rows) as u64))
        });
    }
    let sizes = value_sizes(array).into_iter().enumerate();
    sizes.map(|(row, size)| size * visible_rows(visible, row, 1) as u64).sum()
}

/// How many of some rows can be seen.
fn visible_rows(visible: Option<&NullBuffer>, row: usize, rows: usize) -> usize {
    match visible {
        None => rows,
        Some(visible) => rows - visible.slice(row, rows).null_count(),
    }
}

fn value_sizes(array: &dyn Array) -> Vec<u64> {
    let Ok((collection, validity)) = crate::convert::from_array(array) else { return Vec::new() };
    let valid = |row: usize| validity.as_ref().is_none_or(|validity| validity.is_valid(row));
    collection
        .iter()
        .enumerate()
        .map(|(row, value)| if valid(row) { value.len() as u64 } else { 0 })
        .collect()
}
