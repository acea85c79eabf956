//! Values through the codec, and what comes out as pages.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow_buffer::Buffer;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page};
use parquet::data_type::ByteArray;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};

use crate::codec::{Compressor, Decompressor, RowFailure};
use crate::error::{Error, Result};
use crate::files::batch::{Outcome, PlannedColumn, Work};
use crate::files::chunks::broken;
use crate::files::chunks::input::Column;
use crate::files::chunks::plain::{put_levels, put_value};
use crate::files::chunks::records::Piece;
use crate::segments::BufferWithSegments;

/// About the most bytes of a page, before it is compressed.
const PAGE_BYTES: usize = 1 << 20;
/// The most memory that is kept for the next page, for each thread.
const SCRATCH_BYTES: usize = 4 * PAGE_BYTES;
/// The longest value that the file's statistics have.
const STATISTICS_BYTES: usize = 64;

/// Does what is planned for a column, on the thread that calls it.
pub(super) struct Encoder {
    codec: Codec,
    /// For pages of values. Pages of frames do not shrink a second time.
    page_codec: Option<Compressor>,
    /// The column of the output.
    descriptor: ColumnDescPtr,
    /// The definition level of an entry with a value, in the input.
    value_level: i16,
    slot_level: i16,
    /// Memory to put pages together in, one for each thread at work.
    scratch: Mutex<Vec<Vec<u8>>>,
}

enum Codec {
    Compress(Compressor),
    Decompress(Decompressor),
}

/// A piece of the output.
pub(super) struct Encoded {
    pub(super) outcome: Outcome,
    pub(super) rows: u64,
    /// Pages, and how many rows each has.
    pub(super) pages: Vec<(CompressedPage, u64)>,
    /// Entries, be they values or nulls.
    pub(super) entries: u64,
    /// Bytes of the values alone.
    pub(super) content: u64,
    /// The least and the greatest value, where values are what the file is about; `None` too if one
    /// of them is longer than statistics should be.
    pub(super) range: Option<(Vec<u8>, Vec<u8>)>,
}

impl Encoder {
    pub(super) fn new(
        planned: &PlannedColumn,
        column: &Column,
        output: &SchemaDescriptor,
    ) -> Result<Self> {
        let (codec, page_codec) = match &planned.work {
            Work::Compress(compressor) => (Codec::Compress(compressor.with_threads(1)?), None),
            Work::Decompress(decompressor, _) => {
                let level = ZstdLevel::default().compression_level();
                let pages = Compressor::builder().level(level).threads(1).build()?;
                (Codec::Decompress(decompressor.with_threads(1)?), Some(pages))
            }
        };
        Ok(Self {
            codec,
            page_codec,
            descriptor: output.column(column.leaf),
            value_level: column.value_level,
            slot_level: column.slot_level,
            scratch: Mutex::default(),
        })
    }

    /// The page compression of the output.
    pub(super) fn compression(&self) -> Compression {
        match self.page_codec {
            None => Compression::UNCOMPRESSED,
            Some(_) => Compression::ZSTD(ZstdLevel::default()),
        }
    }

    /// Whether the output is values, and not frames, whose order says nothing.
    pub(super) fn makes_values(&self) -> bool {
        matches!(self.codec, Codec::Decompress(_))
    }

    pub(super) fn encode(&self, mut piece: Piece) -> Result<Encoded> {
        let slices: Vec<&[u8]> = piece.values.iter().map(ByteArray::data).collect();
        let (made, mut failures) = self.convert(&slices).map_err(|error| match error {
            Error::Row { row, error } => Error::Row { row: self.row(&piece, row), error },
            other => other,
        })?;
        let before: u64 = slices.iter().map(|value| value.len() as u64).sum();
        let outcome = self.outcome(&piece, before, made.size() as u64);
        let lost: Vec<usize> = failures.iter().map(|failure| failure.row).collect();
        failures.iter_mut().for_each(|failure| failure.row = self.row(&piece, failure.row));

        self.adjust_levels(&mut piece, &lost);
        let mut lost = lost.into_iter().peekable();
        let kept = made.iter().enumerate().filter(|(row, _)| lost.next_if_eq(row).is_none());
        let values: Vec<&[u8]> = kept.map(|(_, value)| value.as_slice()).collect();
        let pages = self.pages(&piece, &values)?;
        Ok(Encoded {
            outcome: Outcome { failures, ..outcome },
            rows: piece.rows,
            pages,
            entries: piece.definition.len().max(values.len()) as u64,
            content: values.iter().map(|value| value.len() as u64).sum(),
            range: if self.makes_values() { range(&values) } else { None },
        })
    }

    /// Pages of about [`PAGE_BYTES`], each of whole records; one without values if there are none, since
    /// readers take a column without pages for damaged.
    fn pages(&self, piece: &Piece, values: &[&[u8]]) -> Result<Vec<(CompressedPage, u64)>> {
        let level = self.descriptor.max_def_level();
        let has_value = |entry: usize| level == 0 || piece.definition[entry] == level;
        let starts_record =
            |entry: usize| piece.repetition.get(entry).is_none_or(|level| *level == 0);
        let entries = piece.definition.len().max(values.len());
        let mut pages = Vec::new();
        // The page at hand: from which entry and value on, its records and bytes.
        let (mut first, mut first_value, mut records, mut bytes) = (0, 0, 0, 0);
        let mut value = 0;
        for entry in 0..=entries {
            if entry == entries || (bytes >= PAGE_BYTES && starts_record(entry)) {
                if entry > first || entries == 0 {
                    let part = &values[first_value..value];
                    pages.push((self.page(piece, first..entry, part, bytes)?, records));
                }
                (first, first_value, records, bytes) = (entry, value, 0, 0);
            }
            if entry < entries {
                records += u64::from(starts_record(entry));
                if has_value(entry) {
                    bytes += size_of::<i32>() + values[value].len();
                    value += 1;
                }
            }
        }
        Ok(pages)
    }

    /// The page of some entries, and of their values, which have `bytes` bytes with their lengths.
    fn page(
        &self,
        piece: &Piece,
        entries: Range<usize>,
        values: &[&[u8]],
        bytes: usize,
    ) -> Result<CompressedPage> {
        let mut page = match self.page_codec {
            None => Vec::with_capacity(bytes + entries.len() / 4 + 64),
            Some(_) => self.scratch().pop().unwrap_or_default(),
        };
        page.clear();
        let part =
            |range: Range<usize>, all: &[i16]| range.start.min(all.len())..range.end.min(all.len());
        let repetition = &piece.repetition[part(entries.clone(), &piece.repetition)];
        let definition = &piece.definition[part(entries.clone(), &piece.definition)];
        put_levels(&mut page, repetition, self.descriptor.max_rep_level());
        put_levels(&mut page, definition, self.descriptor.max_def_level());
        for value in values {
            put_value(&mut page, value).ok_or_else(too_large)?;
        }
        let size = page.len();
        if i32::try_from(size).is_err() {
            return Err(too_large());
        }
        let buf = match &self.page_codec {
            None => Bytes::from(page),
            Some(codec) => {
                let packed = codec.compress_slices(&[&page])?;
                if page.capacity() <= SCRATCH_BYTES {
                    self.scratch().push(page);
                }
                let (buffer, segments) = packed.into_parts();
                let length = segments.get(0).map_or(0, |(_, length)| length as usize);
                Bytes::from_owner(Owned(buffer)).slice(..length)
            }
        };
        let page = Page::DataPage {
            buf,
            num_values: entries.len() as u32,
            encoding: Encoding::PLAIN,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        Ok(CompressedPage::new(page, size))
    }

    fn scratch(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn convert(&self, values: &[&[u8]]) -> Result<(BufferWithSegments, Vec<RowFailure>)> {
        match &self.codec {
            Codec::Compress(compressor) => Ok((compressor.compress_slices(values)?, Vec::new())),
            Codec::Decompress(decompressor) => decompressor.decompress_slices_with(values),
        }
    }

    fn row(&self, piece: &Piece, value: usize) -> usize {
        let row = piece.row(value, |level| level == self.value_level);
        usize::try_from(row).unwrap_or(usize::MAX)
    }

    fn outcome(&self, piece: &Piece, before: u64, after: u64) -> Outcome {
        let (raw_bytes, compressed_bytes) = match &self.codec {
            Codec::Compress(_) => (before, after),
            Codec::Decompress(_) => (after, before),
        };
        let values = piece.values.len() as u64;
        let slots =
            piece.definition.iter().filter(|level| **level >= self.slot_level).count() as u64;
        let nulls = slots.saturating_sub(values);
        Outcome { values, nulls, raw_bytes, compressed_bytes, failures: Vec::new() }
    }

    /// Levels as the output has them: with a level more where the column may have nulls now, and
    /// without the values that were lost.
    fn adjust_levels(&self, piece: &mut Piece, lost: &[usize]) {
        let level = self.descriptor.max_def_level();
        if level == self.value_level && lost.is_empty() {
            return;
        }
        if piece.definition.is_empty() {
            piece.definition =
                vec![self.value_level; piece.values.len().max(piece.repetition.len())];
        }
        let (mut value, mut lost) = (0, lost.iter().peekable());
        for entry in piece.definition.iter_mut().filter(|entry| **entry == self.value_level) {
            *entry = match lost.next_if_eq(&&value) {
                Some(_) => level - 1,
                None => level,
            };
            value += 1;
        }
    }
}

/// The least and the greatest value, if neither is too long.
fn range(values: &[&[u8]]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (least, greatest) = (values.iter().min()?, values.iter().max()?);
    let short = least.len().max(greatest.len()) <= STATISTICS_BYTES;
    short.then(|| (least.to_vec(), greatest.to_vec()))
}

fn too_large() -> Error {
    broken("a value is larger than a Parquet page can be (2 GiB)".to_owned())
}

/// Arrow memory as the Parquet crate's.
struct Owned(Buffer);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
