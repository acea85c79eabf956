//! Tables in memory, as files are: columns that are marked, dictionaries in the schema's metadata.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use crate::codec::{Compressor, DecompressOptions, Dictionary, Trainer};
use crate::error::Result;
use crate::files::batch::Plan;
use crate::files::leaf::Leaf;
use crate::files::path;
use crate::files::{ColumnReport, Report};

/// A table whose columns went through the codec.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Table {
    /// The schema, with its columns marked or no longer marked.
    pub schema: SchemaRef,
    /// The batches, with the boundaries they had.
    pub batches: Vec<RecordBatch>,
    /// What was done.
    pub report: Report,
}

/// Compresses named columns of a table, each with its compressor: as [`compress`](super::compress)
/// does for a file.
///
/// # Errors
///
/// [`Error::NoSuchColumn`](crate::Error::NoSuchColumn); [`Error::Column`](crate::Error::Column) with
/// the failing column, and the row counted over all batches.
pub fn compress_batches(
    schema: &Schema,
    batches: &[RecordBatch],
    columns: &[(String, Compressor)],
) -> Result<Table> {
    apply(&Plan::compress(schema, columns)?, batches)
}

/// Decompresses columns of a table: the named ones, or with `None` all that are marked, as
/// [`decompress`](super::decompress) does for a file.
///
/// # Errors
///
/// As [`compress_batches`]; [`Error::Option`](crate::Error::Option) if no column is named and none is
/// marked.
pub fn decompress_batches(
    schema: &Schema,
    batches: &[RecordBatch],
    columns: Option<&[String]>,
    codec: &DecompressOptions,
) -> Result<Table> {
    apply(&Plan::decompress(schema, columns, codec)?, batches)
}

fn apply(plan: &Plan, batches: &[RecordBatch]) -> Result<Table> {
    let mut columns: Vec<ColumnReport> = plan.names().map(ColumnReport::new).collect();
    let mut done = Vec::with_capacity(batches.len());
    let mut rows = 0;
    for batch in batches {
        let parts = plan.apply(batch).map_err(|error| error.shift_row(rows))?;
        for (out, outcomes) in parts {
            for (report, outcome) in columns.iter_mut().zip(&outcomes) {
                report.add(outcome, rows as u64);
            }
            rows += out.num_rows();
            done.push(out);
        }
    }
    let report = Report { rows: rows as u64, columns, dictionary_ids: plan.dictionary_ids() };
    Ok(Table { schema: plan.schema.clone(), batches: done, report })
}

/// Trains a dictionary of at most `size` bytes for each named column, on a sample of all its rows.
///
/// # Errors
///
/// [`Error::NoSuchColumn`](crate::Error::NoSuchColumn); [`Error::Column`](crate::Error::Column) with
/// what training says.
pub fn train_batches(
    schema: &Schema,
    batches: &[RecordBatch],
    columns: &[String],
    size: usize,
) -> Result<Vec<Dictionary>> {
    let train = |name: &String| {
        let path = path::find(schema, name)?;
        let mut trainer = Trainer::new(size);
        let mut push = |batch| trainer.push(&Leaf::of(batch, &path)?.values()?);
        let pushed = batches.iter().try_for_each(&mut push);
        pushed.and_then(|()| trainer.finish()).map_err(|error| error.in_column(name))
    };
    columns.iter().map(train).collect()
}
