//! What happens to each batch: which columns (or fields inside of columns) go through the codec,
//! and what becomes of the schema.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, new_empty_array};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};

use crate::codec::{
    Compressor, DecompressOptions, Decompressor, Dictionary, Format, OnError, RowFailure,
    decompressed_size,
};
use crate::error::{Error, Result};
use crate::files::detach;
use crate::files::leaf::{self, Leaf};
use crate::files::path::{self, FieldPath};
use crate::files::value_bytes;
use crate::schema::{self, FramesMetadata, ValueType};

/// About the most bytes of values that come out of a batch at once.
const PIECE_BYTES: u64 = 32 << 20;

/// The work of a file job, known before the first batch.
pub(super) struct Plan {
    columns: Vec<PlannedColumn>,
    /// The schema of the output.
    pub(super) schema: SchemaRef,
    dictionaries: Vec<Dictionary>,
}

/// A column that goes through the codec.
pub(super) struct PlannedColumn {
    pub(super) path: FieldPath,
    /// What becomes of its field.
    pub(super) field: FieldRef,
    pub(super) work: Work,
}

pub(super) enum Work {
    Compress(Compressor),
    Decompress(Decompressor, ValueType),
}

/// What was done to one column of one batch.
pub(super) struct Outcome {
    pub(super) values: u64,
    pub(super) nulls: u64,
    pub(super) raw_bytes: u64,
    pub(super) compressed_bytes: u64,
    pub(super) failures: Vec<RowFailure>,
}

impl Plan {
    pub(super) fn compress(schema: &Schema, columns: &[(String, Compressor)]) -> Result<Self> {
        let mut plan = Self::new(schema);
        let mut metadata = schema.metadata().clone();
        // What is there already has to be sound, or the output could not be read.
        schema::dictionaries(&metadata)?;
        for (name, compressor) in columns {
            let path = path::find(schema, name)?;
            let field = path.field.as_ref();
            if schema::marked(field).map_err(|error| error.in_column(name))?.is_some() {
                let problem = format!("{name:?} holds zstd frames already");
                return Err(Error::Option { name: "columns", problem });
            }
            let work = Work::Compress(compressor.clone());
            let data_type = work.output_type(field.data_type())?;
            let marked = schema::mark(field, data_type, compressor.options())?;
            if let Some(dictionary) = &compressor.options().dictionary {
                schema::add_dictionary(&mut metadata, dictionary)?;
                plan.dictionaries.push(dictionary.clone());
            }
            plan.push(path, work, marked)?;
        }
        plan.set_metadata(metadata);
        Ok(plan)
    }

    pub(super) fn decompress(
        schema: &Schema,
        columns: Option<&[String]>,
        codec: &DecompressOptions,
    ) -> Result<Self> {
        let paths: Vec<FieldPath> = match columns {
            Some(names) => {
                names.iter().map(|name| path::find(schema, name)).collect::<Result<_>>()?
            }
            None => path::walk(schema).into_iter().filter(FieldPath::is_marked).collect(),
        };
        if paths.is_empty() {
            let problem = "none is named, and no column of the file is marked as zstd frames";
            return Err(Error::Option { name: "columns", problem: problem.to_owned() });
        }
        let mut plan = Self::new(schema);
        let mut metadata = schema.metadata().clone();
        let mut codec = codec.clone();
        for dictionary in schema::dictionaries(&metadata)? {
            if !codec.dictionaries.iter().any(|given| given.id() == dictionary.id()) {
                codec.dictionaries.push(dictionary);
            }
        }
        plan.dictionaries = codec.dictionaries.clone();
        let mut done: Vec<u32> = Vec::new();
        for path in paths {
            let (name, field) = (path.name.as_str(), path.field.as_ref());
            let marked = schema::marked(field).map_err(|error| error.in_column(name))?;
            let mut options = codec.clone();
            let value_type = match marked {
                // An unmarked column comes back in the layout it has now.
                None => unmarked_type(field.data_type(), codec.utf8)?,
                Some(marked) => {
                    options.dictionaries = marked_dictionary(&marked, &codec)
                        .map_err(|error| error.in_column(name))?;
                    options.format = match marked.magicless {
                        true => Format::Magicless,
                        false => Format::Zstd,
                    };
                    done.extend(marked.dictionary_id);
                    marked.value_type
                }
            };
            options.utf8 = value_type.is_text();
            let work = Work::Decompress(Decompressor::with_options(options)?, value_type);
            let data_type = work.output_type(field.data_type())?;
            let mut unmarked = schema::unmark(field, data_type);
            if codec.on_error == OnError::Null {
                unmarked = unmarked.with_nullable(true);
            }
            plan.push(path, work, unmarked)?;
        }
        for id in done {
            if !plan.may_need(id) {
                metadata.remove(&format!("{}{id}", schema::DICTIONARY_PREFIX));
            }
        }
        plan.set_metadata(metadata);
        Ok(plan)
    }

    /// Whether a column of the output may need a dictionary: one whose mark names it, or whose
    /// mark cannot be read.
    fn may_need(&self, id: u32) -> bool {
        self.schema.flattened_fields().into_iter().any(|field| match schema::marked(field) {
            Ok(None) => false,
            Ok(Some(marked)) => marked.dictionary_id == Some(id),
            Err(_) => true,
        })
    }

    fn new(schema: &Schema) -> Self {
        Self { columns: Vec::new(), schema: Arc::new(schema.clone()), dictionaries: Vec::new() }
    }

    fn push(&mut self, path: FieldPath, work: Work, field: Field) -> Result<()> {
        if self.columns.iter().any(|other| other.path.number == path.number) {
            let problem = format!("{:?} is named twice", path.name);
            return Err(Error::Option { name: "columns", problem });
        }
        let field = Arc::new(field);
        self.schema = Arc::new(Schema::new(path.replaced(self.schema.fields(), &field)));
        self.columns.push(PlannedColumn { path, field, work });
        self.columns.sort_by_key(|column| column.path.number);
        Ok(())
    }

    fn set_metadata(&mut self, metadata: HashMap<String, String>) {
        self.schema = Arc::new(self.schema.as_ref().clone().with_metadata(metadata));
    }

    /// The columns that go through the codec, in the order of the file.
    pub(super) fn columns(&self) -> impl Iterator<Item = &PlannedColumn> {
        self.columns.iter()
    }

    /// How many threads are to work.
    pub(super) fn threads(&self) -> usize {
        let threads = self.columns.iter().map(|column| match &column.work {
            Work::Compress(compressor) => compressor.options().threads,
            Work::Decompress(decompressor, _) => decompressor.options().threads,
        });
        match threads.max() {
            None | Some(0) => std::thread::available_parallelism().map_or(1, usize::from),
            Some(threads) => threads,
        }
    }

    /// The names of the columns that go through the codec, in the order of the file.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.path.name.as_str())
    }

    /// The output's columns of frames.
    pub(super) fn frames(&self) -> impl Iterator<Item = FieldPath> {
        path::leaves(&self.schema).filter(FieldPath::is_marked)
    }

    pub(super) fn dictionary_ids(&self) -> Vec<u32> {
        self.dictionaries.iter().map(Dictionary::id).collect()
    }

    /// The batch with its columns gone through the codec: one batch, or several where its values
    /// go beyond what the offsets of a column's type can say. Rows in errors count from the
    /// batch's first.
    pub(super) fn apply(&self, batch: &RecordBatch) -> Result<Vec<(RecordBatch, Vec<Outcome>)>> {
        let rows = batch.num_rows();
        match self.apply_whole(batch) {
            Err(Error::Column { source, .. })
                if rows > 1 && matches!(*source, Error::BeyondOffsets { .. }) =>
            {
                let half = rows / 2;
                let mut parts = self.apply(&batch.slice(0, half))?;
                let rest = self.apply(&batch.slice(half, rows - half));
                parts.extend(rest.map_err(|error| error.shift_row(half))?);
                Ok(parts)
            }
            done => Ok(vec![done?]),
        }
    }

    /// The batch in pieces whose decompressed values have about [`PIECE_BYTES`] each, as far as frame
    /// headers tell; a batch that is not decompressed stays whole. The columns that do not go through
    /// the codec let go of the others' memory, so that a piece's frames end with it.
    pub(super) fn pieces(&self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let batch = self.detached(batch)?;
        let rows = batch.num_rows();
        let bytes = self.columns.iter().fold(0_u64, |sum, planned| {
            sum.saturating_add(planned.decompressed_bytes(&batch).unwrap_or(0))
        });
        let pieces =
            usize::try_from(bytes.div_ceil(PIECE_BYTES)).unwrap_or(rows).clamp(1, rows.max(1));
        let start = |piece: usize| rows * piece / pieces;
        let piece = |i: usize| batch.slice(start(i), start(i + 1) - start(i));
        Ok((0..pieces).map(piece).collect())
    }

    fn detached(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let (schema, mut columns, _) = batch.into_parts();
        for (i, column) in columns.iter_mut().enumerate() {
            if self.columns.iter().all(|planned| planned.path.column != i) {
                *column = detach::detached(column);
            }
        }
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
    }

    fn apply_whole(&self, batch: &RecordBatch) -> Result<(RecordBatch, Vec<Outcome>)> {
        let mut columns = batch.columns().to_vec();
        let mut outcomes = Vec::with_capacity(self.columns.len());
        for planned in &self.columns {
            let path = &planned.path;
            let (column, outcome) = planned
                .apply(&columns[path.column])
                .map_err(|error| error.in_column(&path.name))?;
            columns[path.column] = column;
            outcomes.push(outcome);
        }
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        Ok((batch, outcomes))
    }
}

/// The dictionary that a marked column needs, and no other: its frames need not name it.
fn marked_dictionary(
    marked: &FramesMetadata,
    codec: &DecompressOptions,
) -> Result<Vec<Dictionary>> {
    let Some(id) = marked.dictionary_id else { return Ok(Vec::new()) };
    match codec.dictionaries.iter().find(|dictionary| dictionary.id() == id) {
        Some(dictionary) => Ok(vec![dictionary.clone()]),
        None => Err(Error::Dictionary(format!(
            "the frames need dictionary {id}, which is neither in the file's schema nor given"
        ))),
    }
}

/// What an unmarked column of frames decompresses to: text or bytes in its own layout.
fn unmarked_type(frames: &DataType, utf8: bool) -> Result<ValueType> {
    let value_type = ValueType::of(frames)?;
    Ok(match (value_type, utf8) {
        (ValueType::Utf8 | ValueType::Binary, true) => ValueType::Utf8,
        (ValueType::Utf8 | ValueType::Binary, false) => ValueType::Binary,
        (ValueType::Utf8View | ValueType::BinaryView, true) => ValueType::Utf8View,
        (ValueType::Utf8View | ValueType::BinaryView, false) => ValueType::BinaryView,
        (_, true) => ValueType::LargeUtf8,
        (_, false) => ValueType::LargeBinary,
    })
}

impl PlannedColumn {
    /// The format of the column's frames, if they are to be decompressed.
    pub(super) fn frames(&self) -> Option<Format> {
        match &self.work {
            Work::Compress(_) => None,
            Work::Decompress(decompressor, _) => Some(decompressor.options().format),
        }
    }

    /// Bytes of the values that come out of a batch; `None` if nothing is decompressed, or a bad frame
    /// is in the way, which will be found when it is decoded.
    fn decompressed_bytes(&self, batch: &RecordBatch) -> Option<u64> {
        let Work::Decompress(decompressor, _) = &self.work else { return None };
        let leaf = Leaf::take(&batch.columns()[self.path.column], &self.path.steps).ok()?;
        let sizes = decompressed_size(&leaf.values().ok()?, decompressor.options().format).ok()?;
        Some(sizes.iter().flatten().fold(0, u64::saturating_add))
    }

    /// The column with the values at its path gone through the codec.
    fn apply(&self, column: &ArrayRef) -> Result<(ArrayRef, Outcome)> {
        let steps = &self.path.steps;
        let leaf = Leaf::take(column, steps)?;
        let (mut output, outcome) = self.work.apply(&leaf)?;
        if !self.field.is_nullable() {
            output = leaf.without_hidden_nulls(output)?;
        }
        Ok((leaf::put(column, steps, &output, &self.field)?, outcome))
    }
}

impl Work {
    fn output_type(&self, input: &DataType) -> Result<DataType> {
        let (array, _) = self.apply(&Leaf::column(new_empty_array(input)))?;
        Ok(array.data_type().clone())
    }

    fn apply(&self, leaf: &Leaf) -> Result<(ArrayRef, Outcome)> {
        let input = leaf.values()?;
        let (output, failures) = self.apply_codec(&input).map_err(|error| leaf.of_row(error))?;
        let bytes = |array: &ArrayRef| value_bytes(array, leaf.visible.as_ref());
        let (raw_bytes, compressed_bytes) = match self {
            Work::Compress(_) => (bytes(&input), bytes(&output)),
            Work::Decompress(..) => (bytes(&output), bytes(&input)),
        };
        let nulls = leaf.nulls() as u64;
        let values = (leaf.rows as u64).saturating_sub(nulls);
        let failures = leaf.of_rows(failures);
        Ok((output, Outcome { values, nulls, raw_bytes, compressed_bytes, failures }))
    }

    fn apply_codec(&self, input: &ArrayRef) -> Result<(ArrayRef, Vec<RowFailure>)> {
        match self {
            Work::Compress(compressor) => Ok((compressor.compress_array(input)?, Vec::new())),
            Work::Decompress(decompressor, value_type) => {
                let done = decompressor.decompress_array_with(input, None)?;
                Ok((value_type.restore(&done.array)?, done.failures))
            }
        }
    }
}
