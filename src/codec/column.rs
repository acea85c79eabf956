//! Arrow arrays at the codec's door: in as [`Rows`], out as arrays of the type that goes with the
//! input's. Besides `mod.rs` the only file here that sees an array.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::ByteViewType;
use arrow_array::{
    Array, ArrayRef, BooleanArray, GenericByteViewArray, StructArray, UInt32Array, UInt64Array,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Fields};

use crate::codec::frame::{Format, ValueInfo, read_value};
use crate::codec::rows::{Bytes, Part, Rows};
use crate::convert::{self, Encoded, MAX_VIEW_BUFFER};
use crate::error::{Error, Result};
use crate::segments::{BufferWithSegments, BufferWithSegmentsCollection};

impl Part<'_> {
    /// A plain array as it lies in memory. Where `used` says no, a row is null.
    fn of(array: &dyn Array, used: Option<&NullBuffer>) -> Result<Self> {
        fn views<T: ByteViewType>(array: &GenericByteViewArray<T>) -> Bytes<'static> {
            let (views, buffers, _) = array.clone().into_parts();
            Bytes::Views { views, buffers }
        }
        let validity = NullBuffer::union(array.nulls(), used);
        let bytes = match array.data_type() {
            DataType::BinaryView => views(array.as_binary_view()),
            DataType::Utf8View => views(array.as_string_view()),
            _ => {
                let mut members = convert::from_array(array)?.0.into_members();
                // One member for every layout but views.
                members
                    .pop()
                    .map(Bytes::Segments)
                    .ok_or_else(|| Error::UnsupportedType(array.data_type().clone()))?
            }
        };
        Ok(Part { bytes, validity })
    }
}

impl Rows<'_> {
    /// A plain array. Where `used` says no, a row is null.
    pub(super) fn of(array: &dyn Array, used: Option<&NullBuffer>) -> Result<Self> {
        Ok(Self::new(vec![Part::of(array, used)?]))
    }

    /// Several plain arrays as one column.
    pub(super) fn of_chunks(chunks: &[ArrayRef]) -> Result<Self> {
        let parts = chunks.iter().map(|chunk| Part::of(chunk, None));
        Ok(Self::new(parts.collect::<Result<_>>()?))
    }

    pub(super) fn of_segments(members: &[BufferWithSegments]) -> Self {
        let part = |member: &BufferWithSegments| Part {
            bytes: Bytes::Segments(member.clone()),
            validity: None,
        };
        Self::new(members.iter().map(part).collect())
    }
}

/// Whether the values of a plain type lie behind views.
fn is_view(data_type: &DataType) -> bool {
    matches!(data_type, DataType::BinaryView | DataType::Utf8View)
}

/// Values as an array: views for a view type, else offsets; text if asked for.
pub(super) fn to_array(
    values: BufferWithSegments,
    validity: Option<NullBuffer>,
    input: &DataType,
    utf8: bool,
) -> Result<ArrayRef> {
    let collection = BufferWithSegmentsCollection::from;
    Ok(match (is_view(input), utf8) {
        (false, false) => Arc::new(convert::to_large_binary(values, validity)?),
        (false, true) => Arc::new(convert::to_large_utf8(values, validity)?),
        (true, false) => {
            Arc::new(convert::to_binary_view(collection(values), validity, MAX_VIEW_BUFFER)?)
        }
        (true, true) => {
            Arc::new(convert::to_utf8_view(collection(values), validity, MAX_VIEW_BUFFER)?)
        }
    })
}

/// Checks that chunks are one column: all of one type, and that a binary-like one.
pub(super) fn check_chunks(chunks: &[ArrayRef]) -> Result<()> {
    let Some(first) = chunks.first() else { return Ok(()) };
    for chunk in chunks {
        if !convert::is_binary_like(chunk.data_type()) || chunk.data_type() != first.data_type() {
            return Err(Error::UnsupportedType(chunk.data_type().clone()));
        }
    }
    Ok(())
}

/// The content size of each row, from its headers alone.
///
/// The result has a row for each of the column's; it is null for a null and for a value with a
/// frame that does not say its content size. A content size is the header's claim, held against
/// what the frame's blocks can hold, not more.
///
/// # Errors
///
/// [`Error::UnsupportedType`] if the column is not binary; [`Error::Row`] for the first value that
/// is not made of frames.
///
/// ```
/// use arrow_array::LargeBinaryArray;
/// use zstd_arrow::{Compressor, Format, decompressed_size};
///
/// let values = LargeBinaryArray::from_opt_vec(vec![Some(b"four".as_ref()), None]);
/// let frames = Compressor::new(3)?.compress_array(&values)?;
/// let sizes = decompressed_size(&frames, Format::Zstd)?;
/// assert_eq!(sizes.iter().collect::<Vec<_>>(), [Some(4), None]);
/// # Ok::<(), zstd_arrow::Error>(())
/// ```
pub fn decompressed_size(column: &dyn Array, format: Format) -> Result<UInt64Array> {
    let rows = read_rows(column, format)?;
    Ok(rows.into_iter().map(|row| row.and_then(|(info, _)| info.content_size)).collect())
}

/// What the frames of each row say of themselves, as a struct column.
///
/// | field | type | |
/// | --- | --- | --- |
/// | `content_size` | UInt64 | bytes of content; null if a frame does not say |
/// | `compressed_size` | UInt64 | bytes of the value |
/// | `window_size` | UInt64 | the largest window in bytes |
/// | `dictionary_id` | UInt32 | of the first frame that has one; null if none has |
/// | `checksum` | Boolean | whether each frame carries one |
/// | `frames` | UInt32 | the number of frames, skippable ones not counted |
///
/// A null stays null. Nothing is decoded.
///
/// # Errors
///
/// As [`decompressed_size`].
pub fn frame_info(column: &dyn Array, format: Format) -> Result<StructArray> {
    let rows = read_rows(column, format)?;
    let of = |row: &Option<(ValueInfo, u64)>, get: fn(&ValueInfo, u64) -> Option<u64>| {
        row.as_ref().and_then(|(info, size)| get(info, *size))
    };
    let wide = |get: fn(&ValueInfo, u64) -> Option<u64>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| of(row, get)).collect::<UInt64Array>())
    };
    let narrow = |get: fn(&ValueInfo) -> Option<u32>| -> ArrayRef {
        let numbers = rows.iter().map(|row| row.as_ref().and_then(|(info, _)| get(info)));
        Arc::new(numbers.collect::<UInt32Array>())
    };
    let checksums: BooleanArray =
        rows.iter().map(|row| row.as_ref().map(|(info, _)| info.checksum)).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("content_size", wide(|info, _| info.content_size)),
        ("compressed_size", wide(|_, size| Some(size))),
        ("window_size", wide(|info, _| Some(info.window_size))),
        ("dictionary_id", narrow(|info| info.dictionary_id)),
        ("checksum", Arc::new(checksums)),
        ("frames", narrow(|info| Some(info.frames))),
    ];
    let fields: Fields = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let validity = rows.iter().map(Option::is_some).collect::<NullBuffer>();
    let validity = Some(validity).filter(|validity| validity.null_count() > 0);
    Ok(StructArray::try_new_with_length(fields, columns, validity, rows.len())?)
}

/// The headers of each row, and the size of its value.
fn read_rows(column: &dyn Array, format: Format) -> Result<Vec<Option<(ValueInfo, u64)>>> {
    let read = |value: &[u8]| read_value(value, format).map(|info| (info, value.len() as u64));
    let in_row = |row: usize| move |error| Error::Row { row, error };
    let Some(encoded) = Encoded::of(column) else {
        let rows = Rows::of(column, None)?;
        return rows
            .iter()
            .map(|(row, value)| value.map(read).transpose().map_err(in_row(row)))
            .collect();
    };
    let values = Rows::of(encoded.values(), Some(&encoded.used().into()))?;
    let read: Vec<_> = values.iter().map(|(_, value)| value.map(read).transpose()).collect();
    let mut rows = Vec::new();
    let bytes = (column.len() as u64).saturating_mul(size_of::<Option<(ValueInfo, u64)>>() as u64);
    rows.try_reserve_exact(column.len())
        .map_err(|_| Error::OutOfMemory { what: "rows of an encoded column", bytes })?;
    for (row, place, count) in encoded.runs_from() {
        let info = match place {
            None => None,
            Some(place) => read[place].clone().map_err(in_row(row))?,
        };
        rows.resize(rows.len() + count, info);
    }
    Ok(rows)
}
