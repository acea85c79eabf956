//! From Parquet to Parquet, column chunk by column chunk.
//!
//! Neither rows nor other columns are put together: of a named column its values and its levels are
//! read, the values go through the codec, and pages are made of what comes out and of the levels; of
//! all other columns the bytes are copied, with their statistics, indexes and Bloom filters. So a
//! field of a struct in a list is no more than a column, and the memory is that of a few pieces of
//! about [`PIECE_BYTES`], however large the row groups are.
//!
//! ```text
//! reader  --[ values  ]-->  threads: codec, pages      --[ in order ]-->  the caller's thread writes
//!         --[ a chunk ]-->  threads: are its pages good? --[ in order ]-->                   copies
//! ```

mod input;
mod output;
mod pages;
mod plain;
mod records;
mod schema;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use parquet::basic::Type;
use parquet::errors::ParquetError;

use crate::codec::CancelFlag;
use crate::convert::is_encoded;
use crate::error::{Error, Result};
use crate::files::batch::Plan;
use crate::files::ordered::{Pending, Threads};
use crate::files::parquet::ParquetFile;
use crate::files::path::FieldPath;
use crate::files::pipeline::{self, READER_THREAD, damage};
use crate::files::target::Target;
use crate::files::{ColumnReport, FileOptions, Progress, Report};
use input::Input;
use output::Output;
use pages::{Encoded, Encoder};
use records::Records;

/// About the most bytes of values, compressed or not, that a thread has in hand.
const PIECE_BYTES: u64 = 2 << 20;

/// Whether a job can go chunk by chunk: if the named columns hold bytes of any length, and none has
/// an encoding of Arrow's, whose distinct values are worked on once.
pub(super) fn takes(file: &ParquetFile, plan: &Plan) -> bool {
    let columns = file.metadata().file_metadata().schema_descr().columns();
    let takes = |path: &FieldPath| {
        let there = columns.get(path.number);
        there.is_some_and(|there| there.physical_type() == Type::BYTE_ARRAY)
            && !is_encoded(path.field.data_type())
    };
    file.copies_are_whole() && plan.columns().all(|column| takes(&column.path))
}

/// What the reader has for the writer, in the order of the file.
enum Step {
    /// Values of a chunk of the named column with this place in the plan.
    Piece(usize, Pending<Result<Encoded>>),
    /// The chunk of that column ends.
    EndOfChunk(usize),
    /// The chunk of another column, which may be copied if it is good.
    Copy(usize, Pending<Result<()>>),
    /// The row group ends, and has all its columns.
    EndOfGroup,
    /// The file ends.
    End,
}

/// Runs a job from a Parquet file to a Parquet file.
pub(super) fn run(
    file: ParquetFile,
    target: Target,
    plan: &Plan,
    mut options: FileOptions<'_>,
) -> Result<Report> {
    let input = Arc::new(Input::open(file, plan)?);
    let of_source = |error: Error| error.of_file(input.path());
    let mut output = Output::create(target, &input, plan)?;
    let encoders = plan
        .columns()
        .zip(&input.columns)
        .map(|(planned, column)| Encoder::new(planned, column, output.schema()))
        .collect::<Result<Vec<_>>>()
        .map_err(of_source)?;
    let encoders = Arc::new(encoders);
    let threads = plan.threads();
    // So much waits at the most, beside what the threads and the writer have in hand.
    let (steps, taken) = sync_channel(threads);
    let reader = Reader {
        input: input.clone(),
        encoders: encoders.clone(),
        threads: Threads::start(threads)?,
        steps,
        batch_rows: options.batch_rows,
    };
    pipeline::spawn(READER_THREAD, move || reader.run())?;

    let cancel = options.cancel.clone();
    let cancel = cancel.as_ref();
    let mut reports: Vec<ColumnReport> = plan.names().map(ColumnReport::new).collect();
    let rows = u64::try_from(input.metadata().file_metadata().num_rows()).unwrap_or(0);
    // Rows that are done, of all columns.
    let mut done = 0;
    loop {
        match pipeline::next(&taken, cancel)? {
            None => return Err(panicked()),
            Some(Err(error)) => return Err(error),
            Some(Ok(Step::Piece(place, pending))) => {
                let name = &input.columns[place].name;
                let encoded =
                    result(&pending, cancel).map_err(|error| of_source(error.in_column(name)))?;
                reports[place].add(&encoded.outcome, 0);
                done += encoded.rows;
                output.write(encoded)?;
                let progress =
                    Progress { rows: done / input.columns.len() as u64, total_rows: Some(rows) };
                if let Some(tell) = &mut options.progress
                    && tell(progress) == ControlFlow::Break(())
                {
                    return Err(Error::Cancelled);
                }
            }
            Some(Ok(Step::EndOfChunk(place))) => {
                output.end_chunk(&input.columns[place], &encoders[place])?;
            }
            Some(Ok(Step::Copy(leaf, checked))) => {
                result(&checked, cancel).map_err(of_source)?;
                output.copy(&input, leaf, cancel)?;
            }
            Some(Ok(Step::EndOfGroup)) => output.end_group(&input)?,
            Some(Ok(Step::End)) => break,
        }
    }
    output.finish(&input, plan)?;
    Ok(Report { rows, columns: reports, dictionary_ids: plan.dictionary_ids() })
}

/// What is wrong with a file, in the words of its column or of this crate.
fn broken(problem: String) -> Error {
    Error::Arrow(ParquetError::General(problem).into())
}

/// Waits for what a thread is working on.
fn result<T>(pending: &Pending<Result<T>>, cancel: Option<&CancelFlag>) -> Result<T> {
    match pipeline::next(pending, cancel)? {
        Some(done) => done,
        None => Err(panicked()),
    }
}

/// A thread that is gone without a word.
fn panicked() -> Error {
    Error::Threads { threads: 1, reason: "one of them panicked".to_owned() }
}

/// Reads the columns that are named, and gives out the work.
struct Reader {
    input: Arc<Input>,
    encoders: Arc<Vec<Encoder>>,
    threads: Threads,
    steps: SyncSender<Result<Step>>,
    batch_rows: usize,
}

/// Nobody takes the steps any more.
struct Abandoned;

impl Reader {
    fn run(self) {
        // The crates that read formats can panic on damaged files; which column it was is said
        // where it is read.
        let _ = self.read_all();
    }

    fn read_all(&self) -> Result<(), Abandoned> {
        for group in 0..self.input.metadata().num_row_groups() {
            let mut named = self.input.columns.iter().enumerate().peekable();
            for leaf in 0..self.input.metadata().row_group(group).num_columns() {
                match named.next_if(|(_, column)| column.leaf == leaf) {
                    Some((place, _)) => self.read_chunk(group, place)?,
                    None => {
                        let input = self.input.clone();
                        let checked = self.threads.begin(move || input.check(group, leaf));
                        self.send(Step::Copy(leaf, checked))?;
                    }
                }
            }
            self.send(Step::EndOfGroup)?;
        }
        self.send(Step::End)
    }

    fn read_chunk(&self, group: usize, place: usize) -> Result<(), Abandoned> {
        let mut abandoned = false;
        let read = || -> Result<()> {
            let mut records = Records::open(&self.input, group, place, self.batch_rows)?;
            while let Some(piece) = records.next()? {
                let encoders = self.encoders.clone();
                let pending = self.threads.begin(move || encoders[place].encode(piece));
                if self.send(Step::Piece(place, pending)).is_err() {
                    abandoned = true;
                    return Ok(());
                }
            }
            Ok(())
        };
        let read = catch_unwind(AssertUnwindSafe(read))
            .unwrap_or_else(|panic| Err(broken(damage(&*panic))));
        match read {
            Ok(()) if abandoned => Err(Abandoned),
            Ok(()) => self.send(Step::EndOfChunk(place)),
            Err(error) => {
                let error = error.in_column(&self.input.columns[place].name);
                // The last that is sent, whether somebody takes it or not.
                drop(self.steps.send(Err(error.of_file(self.input.path()))));
                Err(Abandoned)
            }
        }
    }

    fn send(&self, step: Step) -> Result<(), Abandoned> {
        self.steps.send(Ok(step)).map_err(|_| Abandoned)
    }
}
