//! What the binary columns of a file hold, from headers alone.

use std::collections::BTreeSet;
use std::path::Path;

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use serde::Serialize;

use crate::codec::{Dictionary, Format, read_value};
use crate::convert::{self, Encoded, is_binary_like};
use crate::error::{Error, Result};
use crate::files::source::{FileFormat, Source, Step};
use crate::files::{DEFAULT_BATCH_ROWS, ratio};
use crate::schema;

/// What a file holds.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FileInfo {
    /// Rows of the file.
    pub rows: u64,
    /// Its binary-like columns, in order.
    pub columns: Vec<ColumnInfo>,
    /// The ids of the dictionaries in the schema's metadata.
    pub dictionary_ids: Vec<u32>,
}

/// What a binary-like column holds.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ColumnInfo {
    /// The column's name.
    pub name: String,
    /// Its Arrow type.
    pub data_type: String,
    /// Whether its field says that it holds frames.
    pub marked: bool,
    /// Rows.
    pub rows: u64,
    /// Nulls.
    pub nulls: u64,
    /// Values that are made of whole zstd frames, by their headers.
    pub frame_values: u64,
    /// Bytes of all values as they are stored.
    pub stored_bytes: u64,
    /// Bytes of the content of all values that say it.
    pub content_bytes: u64,
    /// Bytes stored of the values that say their content size.
    pub content_stored_bytes: u64,
    /// Values with a frame that does not say its content size.
    pub unknown_sizes: u64,
    /// Values whose every frame carries a checksum.
    pub checksums: u64,
    /// The dictionary ids that frames name.
    pub dictionary_ids: BTreeSet<u32>,
    /// The largest value as it is stored, in bytes.
    pub largest_stored: u64,
    /// The largest content size that a value says, in bytes.
    pub largest_content: u64,
}

impl ColumnInfo {
    fn new(name: &str, data_type: &DataType, marked: bool) -> Self {
        Self {
            name: name.to_owned(),
            data_type: data_type.to_string(),
            marked,
            rows: 0,
            nulls: 0,
            frame_values: 0,
            stored_bytes: 0,
            content_bytes: 0,
            content_stored_bytes: 0,
            unknown_sizes: 0,
            checksums: 0,
            dictionary_ids: BTreeSet::new(),
            largest_stored: 0,
            largest_content: 0,
        }
    }

    /// Looks at the column's next rows; of an encoded column at each row's value.
    fn add(&mut self, array: &ArrayRef) -> Result<()> {
        let encoded = Encoded::of(array);
        let plain = encoded.as_ref().map_or(array, Encoded::values);
        let (values, validity) = convert::from_array(plain)?;
        let valid = |place: usize| validity.as_ref().is_none_or(|mask| mask.is_valid(place));
        self.rows += array.len() as u64;
        match &encoded {
            None => {
                for (place, value) in values.iter().enumerate() {
                    self.add_value(valid(place).then(|| value.as_slice()), 1);
                }
            }
            Some(encoded) => {
                for (place, rows) in encoded.runs() {
                    let value = place.filter(|place| valid(*place)).and_then(|p| values.get(p));
                    self.add_value(value.map(|value| value.as_slice()), rows as u64);
                }
            }
        }
        Ok(())
    }

    /// Looks at a value that stands in several rows.
    fn add_value(&mut self, value: Option<&[u8]>, rows: u64) {
        let Some(value) = value else {
            self.nulls += rows;
            return;
        };
        let stored = value.len() as u64;
        let add = |sum: &mut u64, bytes: u64| {
            *sum = sum.saturating_add(bytes.saturating_mul(rows));
        };
        add(&mut self.stored_bytes, stored);
        self.largest_stored = self.largest_stored.max(stored);
        let Ok(info) = read_value(value, Format::Zstd) else { return };
        self.frame_values += rows;
        self.checksums += rows * u64::from(info.checksum);
        self.dictionary_ids.extend(info.dictionary_id);
        match info.content_size {
            None => self.unknown_sizes += rows,
            Some(size) => {
                add(&mut self.content_bytes, size);
                add(&mut self.content_stored_bytes, stored);
                self.largest_content = self.largest_content.max(size);
            }
        }
    }

    /// Whether all values are frames, and there is one.
    pub fn is_frames(&self) -> bool {
        self.frame_values > 0 && self.frame_values == self.rows - self.nulls
    }

    /// Content bytes for each stored byte, of the values that say their content size; 1 where
    /// there are none.
    pub fn ratio(&self) -> f64 {
        ratio(self.content_bytes, self.content_stored_bytes)
    }
}

/// Looks at all binary-like columns of a file without decoding a frame.
///
/// # Errors
///
/// [`Error::File`] with what opening or reading the file says.
pub fn inspect(path: &Path) -> Result<FileInfo> {
    let in_file = |error: Error| error.of_file(path);
    let mut source = Source::open(path, DEFAULT_BATCH_ROWS, None)?;
    let schema = source.schema.clone();
    let fields = schema.fields().iter().filter(|field| is_binary_like(field.data_type()));
    let names: Vec<String> = fields.clone().map(|field| field.name().clone()).collect();
    let mut columns = Vec::new();
    for field in fields {
        let marked =
            schema::marked(field).map_err(|error| in_file(error.in_column(field.name())))?;
        columns.push(ColumnInfo::new(field.name(), field.data_type(), marked.is_some()));
    }
    let dictionaries = schema::dictionaries(schema.metadata()).map_err(in_file)?;
    if source.format == FileFormat::Parquet {
        // Only the columns that are looked at.
        source = Source::open(path, DEFAULT_BATCH_ROWS, Some(&names))?;
    }
    let total = source.total_rows;
    let fields = source.schema.fields().iter().enumerate();
    let places: Vec<usize> = fields
        .filter(|(_, field)| is_binary_like(field.data_type()))
        .map(|(place, _)| place)
        .collect();
    let mut rows = 0;
    while let Some(step) = source.next_step().transpose()? {
        let Step::Batch(batch) = step else { continue };
        rows += batch.num_rows() as u64;
        for (column, place) in columns.iter_mut().zip(&places) {
            let added = column.add(batch.column(*place));
            added.map_err(|error| in_file(error.in_column(&column.name)))?;
        }
    }
    Ok(FileInfo {
        rows: total.unwrap_or(rows),
        columns,
        dictionary_ids: dictionaries.iter().map(Dictionary::id).collect(),
    })
}
