//! The layouts with offsets: `Binary`, `LargeBinary`, `Utf8`, `LargeUtf8`; and `FixedSizeBinary`.
//!
//! The mapping of the Arrow columnar format's variable-size layout onto segments:
//!
//! ```text
//! LargeBinary   offsets  | 0 | 3 | 5 | 9 |    = BufferSegments
//!               values   |a a a|b b|c c c c|  = backing buffer
//!               validity | 1 1 0 |            handed over beside them
//! ```

use arrow_array::types::{BinaryType, ByteArrayType, LargeBinaryType, LargeUtf8Type, Utf8Type};
use arrow_array::{
    Array, BinaryArray, FixedSizeBinaryArray, GenericByteArray, LargeBinaryArray, LargeStringArray,
    StringArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};

use crate::convert::check_validity;
use crate::error::{Error, Rejected, Result, ValueError};
use crate::segments::{BufferSegments, BufferWithSegments};

/// A binary or text array with offsets as segments, with its validity.
///
/// Nothing is copied: the offsets buffer becomes the index, the values buffer the backing buffer.
/// A sliced array gives the slice's segments over the whole values buffer.
pub fn from_bytes<T>(array: &GenericByteArray<T>) -> (BufferWithSegments, Option<NullBuffer>)
where
    T: ByteArrayType,
    BufferSegments: From<OffsetBuffer<T::Offset>>,
{
    let offsets = match array.is_empty() {
        // An array without rows that was sliced and then came by the C data interface has its old
        // place in the offsets, and no values there.
        true => OffsetBuffer::new_empty(),
        false => array.offsets().clone(),
    };
    let segments = BufferSegments::from(offsets);
    (BufferWithSegments::new(array.values().clone(), segments), array.nulls().cloned())
}

/// A `FixedSizeBinary` array as segments, with its validity.
///
/// The values are shared; the offsets are built, 8 bytes a row.
///
/// # Errors
///
/// [`Error::OutOfMemory`] if there is no memory for the offsets: an array of values of no bytes can
/// be of any length.
pub fn from_fixed_size_binary(
    array: &FixedSizeBinaryArray,
) -> Result<(BufferWithSegments, Option<NullBuffer>)> {
    let count = array.len() + 1;
    let mut offsets: Vec<i64> = Vec::new();
    let bytes = (count as u64).saturating_mul(8);
    offsets.try_reserve_exact(count).map_err(|_| Error::OutOfMemory { what: "offsets", bytes })?;
    // The last is the size of the values buffer at the most.
    offsets.extend((0..count).map(|row| (row * array.value_size()) as i64));
    let segments = BufferSegments::from(OffsetBuffer::new(offsets.into()));
    Ok((BufferWithSegments::try_new(array.values().clone(), segments)?, array.nulls().cloned()))
}

/// Segments as a `LargeBinary` array, sharing the values.
///
/// The offsets are shared where they are Arrow `i64` offsets already, else built.
///
/// # Errors
///
/// [`Error::SegmentLayout`] if the segments are not gapless: [`to_large_binary_compact`] copies
/// them together, [`to_binary_view`](crate::convert::to_binary_view) takes them as they are.
/// [`Error::LengthMismatch`] if the validity is of another length. The segments are given back.
pub fn to_large_binary(
    segments: BufferWithSegments,
    validity: Option<NullBuffer>,
) -> Result<LargeBinaryArray, Rejected<BufferWithSegments>> {
    to_bytes::<LargeBinaryType>(segments, validity, BufferSegments::to_offsets)
}

/// Segments as a `Binary` array, sharing the values: [`to_large_binary`] with `i32` offsets.
///
/// # Errors
///
/// As [`to_large_binary`], and [`Error::BeyondOffsets`] for a segment that ends beyond 2^31 - 1.
pub fn to_binary(
    segments: BufferWithSegments,
    validity: Option<NullBuffer>,
) -> Result<BinaryArray, Rejected<BufferWithSegments>> {
    to_bytes::<BinaryType>(segments, validity, BufferSegments::to_offsets_i32)
}

/// Segments as a `LargeUtf8` array, sharing the values, after a check that each is UTF-8.
///
/// # Errors
///
/// As [`to_large_binary`], and [`Error::Row`] with
/// [`ValueError::NotUtf8`](crate::ValueError::NotUtf8) for the first segment that is not text.
pub fn to_large_utf8(
    segments: BufferWithSegments,
    validity: Option<NullBuffer>,
) -> Result<LargeStringArray, Rejected<BufferWithSegments>> {
    to_bytes::<LargeUtf8Type>(check_text_buffer(segments)?, validity, BufferSegments::to_offsets)
}

/// Segments as a `Utf8` array, sharing the values, after a check that each is UTF-8.
///
/// # Errors
///
/// As [`to_binary`] and [`to_large_utf8`].
pub fn to_utf8(
    segments: BufferWithSegments,
    validity: Option<NullBuffer>,
) -> Result<StringArray, Rejected<BufferWithSegments>> {
    to_bytes::<Utf8Type>(check_text_buffer(segments)?, validity, BufferSegments::to_offsets_i32)
}

/// Segments of one length as a `FixedSizeBinary` array of that width, sharing the values.
///
/// # Errors
///
/// [`Error::SegmentLayout`] if the segments are not gapless or one has not `width` bytes;
/// [`Error::LengthMismatch`] if the validity is of another length. The segments are given back.
pub fn to_fixed_size_binary(
    segments: BufferWithSegments,
    width: i32,
    validity: Option<NullBuffer>,
) -> Result<FixedSizeBinaryArray, Rejected<BufferWithSegments>> {
    let values = || {
        check_validity(segments.len(), validity.as_ref())?;
        let bytes = u64::try_from(width).map_err(|_| Error::Option {
            name: "width",
            problem: format!("{width} is negative"),
        })?;
        let index = segments.segments();
        if let Some((index, (_, length))) =
            index.iter().enumerate().find(|(_, (_, length))| *length != bytes)
        {
            let problem = format!("has {length} bytes, all must have {bytes}");
            return Err(Error::SegmentLayout { index, problem });
        }
        if let Some(index) = index.first_break() {
            return Err(not_gapless(index));
        }
        let start = index.get(0).map_or(0, |(offset, _)| offset as usize);
        Ok(segments.data().slice_with_length(start, segments.len() * bytes as usize))
    };
    values()
        .and_then(|values| {
            let rows = segments.len();
            Ok(FixedSizeBinaryArray::try_new_with_len(width, values, validity.clone(), rows)?)
        })
        .map_err(|error| Rejected { error, input: segments })
}

/// Segments in any layout as a `LargeBinary` array: the values are **copied** together, in
/// order, into a buffer of their exact size. What lies under a null is left out.
///
/// # Errors
///
/// [`Error::LengthMismatch`] if the validity is of another length; [`Error::OutOfMemory`] if the
/// memory for the copy, whose size overlapping segments can make larger than the buffer, cannot
/// be had.
pub fn to_large_binary_compact(
    segments: &BufferWithSegments,
    validity: Option<NullBuffer>,
) -> Result<LargeBinaryArray> {
    check_validity(segments.len(), validity.as_ref())?;
    let taken = |i: usize| validity.as_ref().is_none_or(|mask| mask.is_valid(i));
    let total = (0..segments.len())
        .filter(|i| taken(*i))
        .try_fold(0_u64, |total, i| total.checked_add(segments.segments().at(i).1))
        .filter(|total| i64::try_from(*total).is_ok())
        .ok_or(Error::OutOfMemory { what: "values", bytes: u64::MAX })?;
    let mut values: Vec<u8> = Vec::new();
    usize::try_from(total)
        .ok()
        .and_then(|total| values.try_reserve_exact(total).ok())
        .ok_or(Error::OutOfMemory { what: "values", bytes: total })?;
    let mut offsets = Vec::with_capacity(segments.len() + 1);
    offsets.push(0_i64);
    for i in 0..segments.len() {
        if taken(i) {
            values.extend_from_slice(segments.value(i));
        }
        // At most `total`, which fits.
        offsets.push(values.len() as i64);
    }
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(LargeBinaryArray::try_new(offsets, Buffer::from_vec(values), validity)?)
}

fn to_bytes<T: ByteArrayType>(
    segments: BufferWithSegments,
    validity: Option<NullBuffer>,
    to_offsets: fn(&BufferSegments) -> Option<OffsetBuffer<T::Offset>>,
) -> Result<GenericByteArray<T>, Rejected<BufferWithSegments>> {
    if let Err(error) = check_validity(segments.len(), validity.as_ref()) {
        return Err(Rejected { error, input: segments });
    }
    let Some(offsets) = to_offsets(segments.segments()) else {
        let error = match segments.segments().first_break() {
            Some(index) => not_gapless(index),
            None => beyond_offsets(segments.segments()),
        };
        return Err(Rejected { error, input: segments });
    };
    // SAFETY: `offsets` are the segments', which lie inside the buffer, and an `OffsetBuffer`
    // never falls; the validity has a bit a row (checked above); for the text types
    // `check_text_buffer` has found each segment and the whole buffer to be UTF-8. The checked constructor would look at all text again.
    Ok(unsafe { GenericByteArray::new_unchecked(offsets, segments.data().clone(), validity) })
}

fn not_gapless(index: usize) -> Error {
    let problem = "does not begin where the one before ends; \
                   to_large_binary_compact copies such segments together"
        .to_owned();
    Error::SegmentLayout { index, problem }
}

fn beyond_offsets(segments: &BufferSegments) -> Error {
    let beyond = |(offset, length): (u64, u64)| offset + length > i32::MAX as u64;
    Error::BeyondOffsets { index: segments.iter().position(beyond).unwrap_or_default() }
}

/// The segments, if each of them is UTF-8, over a buffer that is UTF-8 as a whole if they are
/// gapless, as Arrow's text arrays want it.
///
/// All bytes from the first segment to the last are checked in one go where the segments are
/// gapless; the boundaries then must not cut a character.
fn check_text_buffer(
    segments: BufferWithSegments,
) -> Result<BufferWithSegments, Rejected<BufferWithSegments>> {
    let segments = check_text(segments)?;
    let index = segments.segments();
    let (Some((start, _)), Some(last)) = (index.get(0), index.len().checked_sub(1)) else {
        return Ok(BufferWithSegments::new(Buffer::from(&[]), index.to_empty()));
    };
    let (offset, length) = index.at(last);
    let (start, end) = (start as usize, (offset + length) as usize);
    let outside = [segments.as_slice().get(..start), segments.as_slice().get(end..)];
    if outside.into_iter().flatten().all(|bytes| std::str::from_utf8(bytes).is_ok()) {
        return Ok(segments);
    }
    // Something else lies before or behind the text: it is cut off, and the index made anew.
    if !index.is_gapless() {
        return Ok(segments);
    }
    let cut: BufferSegments =
        index.iter().map(|(offset, length)| (offset - start as u64, length)).collect();
    Ok(BufferWithSegments::new(segments.data().slice_with_length(start, end - start), cut))
}

/// The segments, if each of them is UTF-8.
pub(super) fn check_text(
    segments: BufferWithSegments,
) -> Result<BufferWithSegments, Rejected<BufferWithSegments>> {
    let first = not_text(&segments).next();
    match first {
        None => Ok(segments),
        Some((row, at)) => {
            let error = ValueError::NotUtf8 { at };
            Err(Rejected { error: Error::Row { row, error }, input: segments })
        }
    }
}

/// The segments that are not UTF-8, and the byte in each where that shows.
fn not_text(segments: &BufferWithSegments) -> impl Iterator<Item = (usize, usize)> {
    let looked_at = if is_text_at_once(segments) { 0 } else { segments.len() };
    (0..looked_at).filter_map(|i| {
        std::str::from_utf8(segments.value(i)).err().map(|error| (i, error.valid_up_to()))
    })
}

fn is_text_at_once(segments: &BufferWithSegments) -> bool {
    let index = segments.segments();
    let (Some((start, _)), Some(last)) = (index.get(0), index.len().checked_sub(1)) else {
        return true;
    };
    if !index.is_gapless() {
        return false;
    }
    let (offset, length) = index.at(last);
    let (start, end) = (start as usize, (offset + length) as usize);
    match std::str::from_utf8(&segments.as_slice()[start..end]) {
        Ok(text) => index.iter().all(|(offset, _)| text.is_char_boundary(offset as usize - start)),
        Err(_) => false,
    }
}
