//! Parquet files.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_schema_by_columns};
use parquet::basic::{Compression, Type, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData, RowGroupMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::SchemaDescriptor;

use crate::convert::is_encoded;
use crate::error::{Error, Result};
use crate::files::batch::Plan;
use crate::files::path;
use crate::files::source::{FileFormat, Source, Step};
use crate::files::target::Target;
use crate::schema::DICTIONARY_PREFIX;

/// A Parquet file, and what its end says.
pub(super) struct ParquetFile {
    pub(super) path: Arc<Path>,
    pub(super) file: File,
    pub(super) metadata: Arc<ParquetMetaData>,
}

impl ParquetFile {
    pub(super) fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }

    /// Whether a column's bytes are those that the file says: parquet-cpp before 1.2.9 left the header
    /// of the dictionary page out of a column's size (PARQUET-816).
    pub(super) fn copies_are_whole(&self) -> bool {
        let made_by = self.metadata.file_metadata().created_by();
        let Some(version) = made_by.and_then(|by| by.strip_prefix("parquet-cpp version ")) else {
            return true;
        };
        let numbers = version.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
        let numbers: Vec<u32> = numbers.map_while(Result::ok).take(3).collect();
        numbers.as_slice() >= [1, 2, 9].as_slice()
    }
}

/// Opens a Parquet file: row group by row group, each in batches of at most `batch_rows` rows.
pub(super) fn open(
    path: &Path,
    file: File,
    batch_rows: usize,
    columns: Option<&[String]>,
) -> Result<Source> {
    let path: Arc<Path> = path.into();
    let in_file = {
        let path = path.clone();
        move |error| Error::in_file(&path, error)
    };
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(&in_file)?;
    // Where a name is that of no field without children, all are read: the caller will say what
    // there is.
    let wanted = columns.and_then(|names| path::numbers(metadata.schema(), names));
    let file_metadata = metadata.metadata().file_metadata();
    let columns = file_metadata.schema_descr();
    let (mask, schema) = match wanted {
        None => (ProjectionMask::all(), metadata.schema().clone()),
        Some(numbers) => {
            let there = numbers.into_iter().filter(|number| *number < columns.num_columns());
            let mask = ProjectionMask::leaves(columns, there);
            let entries = file_metadata.key_value_metadata();
            let schema = parquet_to_arrow_schema_by_columns(columns, mask.clone(), entries);
            (mask, Arc::new(schema.map_err(&in_file)?))
        }
    };
    let not_kept = not_kept(metadata.parquet_schema());
    let rows = metadata.metadata().file_metadata().num_rows();
    let groups = metadata.metadata().num_row_groups();
    let whole = ParquetFile {
        path: path.clone(),
        file: file.try_clone().map_err(|error| in_file(error.into()))?,
        metadata: metadata.metadata().clone(),
    };
    let groups_of = Arc::new(Groups { path, file, metadata, mask, batch_rows });
    let steps =
        (0..groups).flat_map(move |group| -> Box<dyn Iterator<Item = Result<Step>> + Send> {
            let all = groups_of.clone();
            match all.read(group, all.mask.clone()) {
                Err(error) => Box::new(std::iter::once(Err(all.blame(group, error)))),
                Ok(batches) => Box::new(all.steps(group, batches)),
            }
        });
    let total = u64::try_from(rows).ok();
    let source = Source::new(schema, FileFormat::Parquet, total, Box::new(steps));
    Ok(Source { not_kept, parquet: Some(whole), ..source })
}

/// The row groups of a file.
struct Groups {
    path: Arc<Path>,
    file: File,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    batch_rows: usize,
}

impl Groups {
    /// The batches of one row group.
    fn read(
        &self,
        group: usize,
        mask: ProjectionMask,
    ) -> Result<ParquetRecordBatchReader, ParquetError> {
        let rows = rows_within(self.metadata.metadata().row_group(group));
        let file = self.file.try_clone()?;
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(self.batch_rows.min(rows))
            .build()
    }

    /// The batches of one row group as steps, and its end: with as many rows as the footer says, or it
    /// is an error.
    fn steps(
        self: Arc<Self>,
        group: usize,
        mut batches: ParquetRecordBatchReader,
    ) -> impl Iterator<Item = Result<Step>> {
        let expected = self.metadata.metadata().row_group(group).num_rows();
        let mut found = 0;
        let mut ended = false;
        std::iter::from_fn(move || match batches.next() {
            _ if ended => None,
            Some(Ok(batch)) => {
                found += batch.num_rows() as i64;
                Some(Ok(Step::Batch(batch)))
            }
            Some(Err(error)) => {
                ended = true;
                Some(Err(self.blame(group, error.into())))
            }
            None => {
                ended = true;
                let problem = format!(
                    "the file is damaged: row group {group} has {found} rows, not {expected}"
                );
                match found == expected {
                    true => Some(Ok(Step::EndOfGroup)),
                    false => Some(Err(Error::in_file(&self.path, problem))),
                }
            }
        })
    }

    /// The error of a row group, said of the first column that cannot be read by itself: what the
    /// Parquet crate says does not name it.
    fn blame(&self, group: usize, error: ParquetError) -> Error {
        let columns = self.metadata.parquet_schema();
        let fails = |leaf: &usize| {
            let mask = ProjectionMask::leaves(columns, [*leaf]);
            let read = || {
                let rows = self
                    .read(group, mask)
                    .ok()?
                    .try_fold(0, |rows, batch| Some(rows + batch.ok()?.num_rows() as i64));
                Some(rows? == self.metadata.metadata().row_group(group).num_rows())
            };
            // A panic is a failure as well.
            !catch_unwind(AssertUnwindSafe(read)).is_ok_and(|read| read == Some(true))
        };
        let read = (0..columns.num_columns()).filter(|leaf| self.mask.leaf_included(*leaf));
        let error = Error::Arrow(error.into());
        match read.into_iter().find(fails) {
            Some(leaf) => error.in_column(&columns.column(leaf).path().string()),
            None => error,
        }
        .of_file(&self.path)
    }
}

/// Why the columns of a file would not come out as they went in, if so.
///
/// INT96 timestamps are read as 64-bit nanoseconds, which end in 2262: a later one (9999-12-31 is
/// a common stand-in for "never") would wrap without a word.
fn not_kept(schema: &SchemaDescriptor) -> Option<String> {
    let int96 = schema.columns().iter().find(|column| column.physical_type() == Type::INT96)?;
    let column = int96.path().string();
    Some(format!(
        "column {column:?} has INT96 timestamps, which cannot be kept exactly: write it with \
         TIMESTAMP first"
    ))
}

/// Where the source has no row groups, the most bytes of one, about.
const ROW_GROUP_BYTES: usize = 256 << 20;
/// Bytes of a batch, about: a batch of fewer rows is read where values are large.
const BATCH_BYTES: u64 = 32 << 20;

/// Rows of a row group that have about [`BATCH_BYTES`], by its metadata.
fn rows_within(group: &RowGroupMetaData) -> usize {
    let number = |number: i64| u64::try_from(number).unwrap_or(0).max(1);
    let row = number(group.total_byte_size()).div_ceil(number(group.num_rows()));
    usize::try_from(BATCH_BYTES / row).unwrap_or(usize::MAX).max(1)
}

/// The file's own key-value list.
///
/// Arrow readers take the schema's metadata from the encoded Arrow schema, others from this list: it
/// goes into both, but for dictionaries, which are large and of use to Arrow readers alone.
pub(super) fn key_values(plan: &Plan) -> Vec<KeyValue> {
    let mut entries: Vec<_> = plan.schema.metadata().iter().collect();
    entries.retain(|(key, _)| !key.starts_with(DICTIONARY_PREFIX));
    entries.sort();
    let entry = |(key, value): (&String, &String)| KeyValue::new(key.clone(), value.clone());
    entries.into_iter().map(entry).collect()
}

/// A Parquet writer for the planned schema.
///
/// With `keep_groups` a row group ends only where the caller says; without, after as many rows as
/// the Parquet crate thinks fit.
pub(super) fn writer(
    target: Target,
    plan: &Plan,
    keep_groups: bool,
) -> Result<ArrowWriter<Target>, parquet::errors::ParquetError> {
    // Parquet's own names of the columns, as the writer will make them.
    let names = ArrowSchemaConverter::new().convert(&plan.schema)?;
    let mut properties = WriterProperties::builder()
        .set_key_value_metadata(Some(key_values(plan)))
        .set_compression(Compression::ZSTD(ZstdLevel::default()));
    properties = match keep_groups {
        true => properties.set_max_row_group_row_count(None).set_max_row_group_bytes(None),
        false => properties.set_max_row_group_bytes(Some(ROW_GROUP_BYTES)),
    };
    for frames in plan.frames() {
        let Some(column) = names.columns().get(frames.number) else { continue };
        let path = || column.path().clone();
        // Frames do not shrink a second time, and their order says nothing.
        properties = properties
            .set_column_compression(path(), Compression::UNCOMPRESSED)
            .set_column_statistics_enabled(path(), EnabledStatistics::None);
        // Nor do they repeat, but where an encoding says that they do.
        if !is_encoded(frames.field.data_type()) {
            properties = properties.set_column_dictionary_enabled(path(), false);
        }
    }
    ArrowWriter::try_new(target, plan.schema.clone(), Some(properties.build()))
}
