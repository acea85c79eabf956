//! What the binary columns of a file hold, from headers alone.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::codec::{Dictionary, Format, read_value};
use crate::convert::{self, Encoded};
use crate::error::{Error, Result};
use crate::files::leaf::Leaf;
use crate::files::path::{self, FieldPath};
use crate::files::pipeline;
use crate::files::source::{FileFormat, Source, Step};
use crate::files::{DEFAULT_BATCH_ROWS, ratio, visible_rows};
use crate::schema;

/// What a file holds.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FileInfo {
    /// Rows of the file.
    pub rows: u64,
    /// Its binary-like columns, and such fields inside of columns, in order.
    pub columns: Vec<ColumnInfo>,
    /// The ids of the dictionaries in the schema's metadata.
    pub dictionary_ids: Vec<u32>,
}

/// What a binary-like column holds.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ColumnInfo {
    /// The column's name; of a field inside of a column its path, as in `payload.body`.
    pub name: String,
    /// Its Arrow type.
    pub data_type: String,
    /// Whether its field says that it holds frames.
    pub marked: bool,
    /// Rows; of a field in lists the items of all lists, those that list views share once.
    pub rows: u64,
    /// Nulls: also those of a struct around the value.
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
    fn new(path: &FieldPath, marked: bool) -> Self {
        Self {
            name: path.name.clone(),
            data_type: path.field.data_type().to_string(),
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
    fn add(&mut self, leaf: &Leaf) -> Result<()> {
        let array = leaf.values()?;
        let encoded = Encoded::of(&array);
        let plain = encoded.as_ref().map_or(&array, Encoded::values);
        let (values, validity) = convert::from_array(plain)?;
        let valid = |place: usize| validity.as_ref().is_none_or(|mask| mask.is_valid(place));
        self.rows += leaf.rows as u64;
        self.nulls += leaf.nulls() as u64;
        match &encoded {
            None => {
                for (place, value) in values.iter().enumerate() {
                    if valid(place) {
                        self.add_value(value.as_slice(), 1);
                    }
                }
            }
            Some(encoded) => {
                for (row, place, rows) in encoded.runs_from() {
                    let value = place.filter(|place| valid(*place)).and_then(|p| values.get(p));
                    let rows = visible_rows(leaf.visible.as_ref(), row, rows);
                    if let Some(value) = value {
                        self.add_value(value.as_slice(), rows as u64);
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks at a value that stands in several rows.
    fn add_value(&mut self, value: &[u8], rows: u64) {
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
    let mut source =
        pipeline::open(path, None, |path| Source::open(path, DEFAULT_BATCH_ROWS, None))?;
    let schema = source.schema.clone();
    let names: Vec<String> = path::leaves(&schema).map(|path| path.name).collect();
    let mut columns = Vec::new();
    for path in path::leaves(&schema) {
        let marked = schema::marked(&path.field);
        let marked = marked.map_err(|error| in_file(error.in_column(&path.name)))?;
        columns.push(ColumnInfo::new(&path, marked.is_some()));
    }
    let dictionaries = schema::dictionaries(schema.metadata()).map_err(in_file)?;
    if source.format == FileFormat::Parquet {
        // Only the columns that are looked at.
        source = pipeline::open(path, None, move |path| {
            Source::open(path, DEFAULT_BATCH_ROWS, Some(&names))
        })?;
    }
    let total = source.total_rows;
    let paths: Vec<FieldPath> = path::leaves(&source.schema).collect();
    let mut rows = 0;
    pipeline::read_all(path, source, None, |step| {
        let Step::Batch(batch) = step else { return Ok(()) };
        rows += batch.num_rows() as u64;
        for (column, path) in columns.iter_mut().zip(&paths) {
            let leaf = Leaf::of(&batch, path);
            let added = leaf.and_then(|leaf| column.add(&leaf));
            added.map_err(|error| in_file(error.in_column(&column.name)))?;
        }
        Ok(())
    })?;
    Ok(FileInfo {
        rows: total.unwrap_or(rows),
        columns,
        dictionary_ids: dictionaries.iter().map(Dictionary::id).collect(),
    })
}
