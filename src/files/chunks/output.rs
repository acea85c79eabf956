//! The file that is written: chunk after chunk, and what it says of them at its end.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema};
use parquet::basic::{Encoding, PageType};
use parquet::column::page::PageWriter;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, PageEncodingStats, ParquetMetaDataBuilder,
    ParquetMetaDataWriter, RowGroupMetaData, SortingColumn,
};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor};

use crate::codec::CancelFlag;
use crate::error::{Error, Result};
use crate::files::batch::Plan;
use crate::files::chunks::input::{Column, Input};
use crate::files::chunks::pages::{Encoded, Encoder};
use crate::files::chunks::schema::{NewLeaf, replaced};
use crate::files::parquet::key_values;
use crate::files::target::Target;
use crate::schema::ValueType;

const MAGIC: &[u8; 4] = b"PAR1";
/// Bytes that are copied at once.
const COPY_BYTES: usize = 1 << 20;

/// A Parquet file that is being written; nothing stands under its name before [`Self::finish`].
pub(super) struct Output {
    path: PathBuf,
    target: Shared,
    sink: TrackedWrite<Shared>,
    schema: SchemaDescPtr,
    groups: Vec<RowGroupMetaData>,
    indexes: Option<Indexes>,
    /// The chunks of the row group at hand that are whole, and that at hand.
    chunks: Vec<ColumnChunkMetaData>,
    chunk: Chunk,
    buffer: Vec<u8>,
}

/// What the end of the file says of pages, by row group and column.
#[derive(Default)]
struct Indexes {
    columns: Vec<Vec<ColumnIndexMetaData>>,
    offsets: Vec<Vec<OffsetIndexMetaData>>,
}

/// What is known of the chunk at hand.
#[derive(Default)]
struct Chunk {
    rows: i64,
    entries: i64,
    nulls: u64,
    compressed: i64,
    uncompressed: i64,
    /// Bytes of the values alone.
    content: i64,
    range: Range,
    locations: Vec<PageLocation>,
}

/// The least and the greatest value.
#[derive(Default)]
enum Range {
    /// There is no value yet.
    #[default]
    Empty,
    Known {
        least: Vec<u8>,
        greatest: Vec<u8>,
    },
    /// Not kept for all values.
    Unknown,
}

impl Output {
    pub(super) fn create(target: Target, input: &Input, plan: &Plan) -> Result<Self> {
        let path = target.path().to_owned();
        let of_file = |error: Box<dyn StdError + Send + Sync>| Error::in_file(&path, error);
        let leaves: HashMap<usize, NewLeaf> = plan
            .columns()
            .map(|column| {
                let text = ValueType::of(column.field.data_type()).is_ok_and(ValueType::is_text);
                (column.path.number, NewLeaf { text, optional: column.field.is_nullable() })
            })
            .collect();
        let schema = replaced(input.metadata().file_metadata().schema_descr(), &leaves)
            .map_err(|error| of_file(error.into()))?;
        let target = Shared::new(target);
        let mut sink = TrackedWrite::new(target.clone());
        sink.write_all(MAGIC).map_err(|error| of_file(error.into()))?;
        Ok(Self {
            path: path.clone(),
            target,
            sink,
            schema: Arc::new(SchemaDescriptor::new(schema)),
            groups: Vec::new(),
            indexes: input.has_indexes().then(Indexes::default),
            chunks: Vec::new(),
            chunk: Chunk::default(),
            buffer: Vec::new(),
        })
    }

    /// Parquet's schema of the file.
    pub(super) fn schema(&self) -> &SchemaDescriptor {
        &self.schema
    }

    /// Writes pages of the chunk at hand.
    pub(super) fn write(&mut self, encoded: Encoded) -> Result<()> {
        let chunk = &mut self.chunk;
        for (page, rows) in encoded.pages {
            let spec = SerializedPageWriter::new(&mut self.sink)
                .write_page(page)
                .map_err(|error| Error::in_file(&self.path, error))?;
            let size = i32::try_from(spec.compressed_size);
            chunk.locations.push(PageLocation {
                offset: spec.offset as i64,
                compressed_page_size: size.map_err(|error| Error::in_file(&self.path, error))?,
                first_row_index: chunk.rows,
            });
            chunk.rows += rows as i64;
            chunk.compressed += spec.compressed_size as i64;
            chunk.uncompressed += spec.uncompressed_size as i64;
        }
        chunk.entries += encoded.entries as i64;
        chunk.nulls +=
            encoded.entries - encoded.outcome.values + encoded.outcome.failures.len() as u64;
        chunk.content += encoded.content as i64;
        if encoded.outcome.values > encoded.outcome.failures.len() as u64 {
            chunk.range = match (std::mem::take(&mut chunk.range), encoded.range) {
                (_, None) | (Range::Unknown, _) => Range::Unknown,
                (Range::Empty, Some((least, greatest))) => Range::Known { least, greatest },
                (Range::Known { least: a, greatest: b }, Some((c, d))) => {
                    Range::Known { least: a.min(c), greatest: b.max(d) }
                }
            };
        }
        Ok(())
    }

    /// The chunk at hand is whole: that of `column`, which `encoder` made the pages of.
    pub(super) fn end_chunk(&mut self, column: &Column, encoder: &Encoder) -> Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        let pages = PageEncodingStats {
            page_type: PageType::DATA_PAGE,
            encoding: Encoding::PLAIN,
            count: i32::try_from(chunk.locations.len()).unwrap_or(i32::MAX),
        };
        let here = self.sink.bytes_written() as i64;
        let start = chunk.locations.first().map_or(here, |first| first.offset);
        let mut metadata = ColumnChunkMetaData::builder(self.schema.column(column.leaf))
            .set_compression(encoder.compression())
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE])
            .set_page_encoding_stats(vec![pages])
            .set_num_values(chunk.entries)
            .set_total_compressed_size(chunk.compressed)
            .set_total_uncompressed_size(chunk.uncompressed)
            .set_unencoded_byte_array_data_bytes(Some(chunk.content))
            .set_data_page_offset(start);
        if encoder.makes_values() {
            let (least, greatest) = match chunk.range {
                Range::Known { least, greatest } => (Some(least.into()), Some(greatest.into())),
                Range::Empty | Range::Unknown => (None, None),
            };
            let values = ValueStatistics::new(least, greatest, None, Some(chunk.nulls), false);
            metadata = metadata.set_statistics(Statistics::ByteArray(values));
        }
        self.chunks.push(metadata.build().map_err(|error| Error::in_file(&self.path, error))?);
        if let Some(indexes) = &mut self.indexes {
            let offsets = OffsetIndexMetaData {
                page_locations: chunk.locations,
                unencoded_byte_array_data_bytes: None,
            };
            indexes.push(ColumnIndexMetaData::NONE, offsets, self.chunks.len() == 1);
        }
        Ok(())
    }

    /// Copies a column chunk of the row group at hand, with all that the file says of it.
    pub(super) fn copy(
        &mut self,
        input: &Input,
        leaf: usize,
        cancel: Option<&CancelFlag>,
    ) -> Result<()> {
        let group = self.groups.len();
        let chunk = input.metadata().row_group(group).column(leaf);
        let name = || chunk.column_path().string();
        let (from, length) =
            input.range(chunk).map_err(|error| error.in_column(&name()).of_file(input.path()))?;
        let moved = self.sink.bytes_written() as i64 - from as i64;
        self.copy_bytes(input, from, length, cancel)?;
        let mut metadata = chunk
            .clone()
            .into_builder()
            .set_data_page_offset(chunk.data_page_offset() + moved)
            .set_dictionary_page_offset(chunk.dictionary_page_offset().map(|at| at + moved))
            .set_index_page_offset(chunk.index_page_offset().map(|at| at + moved))
            .set_bloom_filter_offset(None)
            .set_bloom_filter_length(None)
            .set_column_index_offset(None)
            .set_column_index_length(None)
            .set_offset_index_offset(None)
            .set_offset_index_length(None);
        if let (Some(from), Some(length)) =
            (chunk.bloom_filter_offset(), chunk.bloom_filter_length())
            && let (Ok(from), Ok(bytes)) = (u64::try_from(from), u64::try_from(length))
        {
            let at = self.sink.bytes_written() as i64;
            self.copy_bytes(input, from, bytes, cancel)?;
            metadata =
                metadata.set_bloom_filter_offset(Some(at)).set_bloom_filter_length(Some(length));
        }
        self.chunks.push(metadata.build().map_err(|error| Error::in_file(&self.path, error))?);
        if let Some(indexes) = &mut self.indexes {
            let of = input.metadata();
            let column = of.column_index().map(|all| all[group][leaf].clone());
            let mut offsets = of.offset_index().map(|all| all[group][leaf].clone());
            offsets
                .iter_mut()
                .flat_map(|index| &mut index.page_locations)
                .for_each(|location| location.offset += moved);
            if let Some(offsets) = offsets {
                let first = self.chunks.len() == 1;
                indexes.push(column.unwrap_or(ColumnIndexMetaData::NONE), offsets, first);
            }
        }
        Ok(())
    }

    fn copy_bytes(
        &mut self,
        input: &Input,
        from: u64,
        length: u64,
        cancel: Option<&CancelFlag>,
    ) -> Result<()> {
        let mut done = 0;
        while done < length {
            if cancel.is_some_and(CancelFlag::is_raised) {
                return Err(Error::Cancelled);
            }
            let size = (length - done).min(COPY_BYTES as u64) as usize;
            self.buffer.resize(size, 0);
            input
                .read_exact(from + done, &mut self.buffer)
                .map_err(|error| Error::in_file(input.path(), error))?;
            self.sink.write_all(&self.buffer).map_err(|error| Error::in_file(&self.path, error))?;
            done += size as u64;
        }
        Ok(())
    }

    /// All chunks of the row group at hand are there.
    pub(super) fn end_group(&mut self, input: &Input) -> Result<()> {
        let source = input.metadata().row_group(self.groups.len());
        let chunks = std::mem::take(&mut self.chunks);
        let size = chunks.iter().map(ColumnChunkMetaData::uncompressed_size).sum();
        let start = chunks.first().map(|chunk| chunk.byte_range().0 as i64);
        let mut group = RowGroupMetaData::builder(self.schema.clone())
            .set_num_rows(source.num_rows())
            .set_sorting_columns(still_sorted(source, input))
            .set_total_byte_size(size)
            .set_column_metadata(chunks);
        if let Some(ordinal) = source.ordinal() {
            group = group.set_ordinal(ordinal);
        }
        if let Some(start) = start {
            group = group.set_file_offset(start);
        }
        self.groups.push(group.build().map_err(|error| Error::in_file(&self.path, error))?);
        Ok(())
    }

    /// Writes the end of the file and gives it its name.
    pub(super) fn finish(self, input: &Input, plan: &Plan) -> Result<()> {
        let Self { path, target, sink, schema, groups, indexes, .. } = self;
        let source = input.metadata().file_metadata();
        let mut entries = key_values(plan);
        entries.push(KeyValue::new(
            ARROW_SCHEMA_META_KEY.to_owned(),
            encode_arrow_schema(&plan.schema),
        ));
        // Whoever made the statistics that were copied: readers know which makers' are wrong.
        let created_by = source.created_by().map(str::to_owned);
        let metadata = FileMetaData::new(
            source.version(),
            source.num_rows(),
            created_by,
            Some(entries),
            schema,
            source.column_orders().cloned(),
        );
        let (columns, offsets) = indexes.map(|all| (all.columns, all.offsets)).unzip();
        let metadata = ParquetMetaDataBuilder::new(metadata)
            .set_row_groups(groups)
            .set_column_index(columns)
            .set_offset_index(offsets)
            .build();
        ParquetMetaDataWriter::new_with_tracked(sink, &metadata)
            .finish()
            .map_err(|error| Error::in_file(&path, error))?;
        target.into_target().map_err(|error| Error::in_file(&path, error))?.commit()
    }
}

/// The columns that rows are still sorted by: up to the first that is not what it was.
fn still_sorted(group: &RowGroupMetaData, input: &Input) -> Option<Vec<SortingColumn>> {
    let changed =
        |leaf: i32| input.columns.iter().any(|column| column.leaf as i64 == i64::from(leaf));
    let sorted = group.sorting_columns()?;
    let kept: Vec<SortingColumn> =
        sorted.iter().take_while(|column| !changed(column.column_idx)).cloned().collect();
    (!kept.is_empty()).then_some(kept)
}

impl Indexes {
    fn push(&mut self, column: ColumnIndexMetaData, offsets: OffsetIndexMetaData, first: bool) {
        if first {
            self.columns.push(Vec::new());
            self.offsets.push(Vec::new());
        }
        if let (Some(columns), Some(all)) = (self.columns.last_mut(), self.offsets.last_mut()) {
            columns.push(column);
            all.push(offsets);
        }
    }
}

/// A target that is still there when a writer that was given it is gone.
///
/// It keeps the first error: the Parquet crate's writers drop what they could not write when they
/// are dropped themselves.
#[derive(Clone)]
struct Shared(Arc<Mutex<(Target, Option<io::Error>)>>);

impl Shared {
    fn new(target: Target) -> Self {
        Self(Arc::new(Mutex::new((target, None))))
    }

    fn into_target(self) -> io::Result<Target> {
        let shared = Arc::into_inner(self.0)
            .ok_or_else(|| io::Error::other("the file is still being written"))?;
        match shared.into_inner().unwrap_or_else(PoisonError::into_inner) {
            (_, Some(error)) => Err(error),
            (target, None) => Ok(target),
        }
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (target, failed) = &mut *shared;
        target.write(bytes).inspect_err(|error| {
            // An interrupted write is tried again.
            if error.kind() != io::ErrorKind::Interrupted && failed.is_none() {
                *failed = Some(io::Error::new(error.kind(), error.to_string()));
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        // Once, when it is whole: `Target::commit` does.
        Ok(())
    }
}
