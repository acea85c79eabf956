//! Segments to Arrow arrays and back, without copying values.
//!
//! | Arrow | to segments | from segments |
//! | --- | --- | --- |
//! | `LargeBinary`, `LargeUtf8`, `Binary`, `Utf8` | neither buffer is copied, sliced arrays included | gapless segments: values shared, offsets shared if they are Arrow offsets, else built |
//! | `BinaryView`, `Utf8View` | values shared: one member for each run of rows in the same buffer | any segments: values shared, views built |
//! | `FixedSizeBinary` | values shared, offsets built | gapless segments of one length: values shared |
//! | `Dictionary`, `RunEndEncoded` over the above | the values once | rewrapped: [`Encoded`] |
//! | several arrays | a collection | one array a member |
//!
//! Segments have no nulls: a column's validity is handed over beside them, and given back when an
//! array is made. A conversion that fails gives its input back, in [`Rejected`].
//!
//! ```
//! use arrow_array::{Array, LargeBinaryArray};
//! use zstd_arrow::convert;
//!
//! let array = LargeBinaryArray::from_opt_vec(vec![Some(b"one".as_ref()), None, Some(b"three")]);
//! let (segments, validity) = convert::from_bytes(&array);
//! assert_eq!(&*segments.get(2).unwrap(), b"three");
//!
//! let back = convert::to_large_binary(segments, validity).map_err(|rejected| rejected.error)?;
//! assert_eq!(back, array);
//! assert_eq!(back.values().as_ptr(), array.values().as_ptr()); // the same memory
//! # Ok::<(), zstd_arrow::Error>(())
//! ```

mod encoded;
mod offsets;
mod views;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

pub use encoded::Encoded;
pub(crate) use encoded::without;
pub use offsets::{
    from_bytes, from_fixed_size_binary, to_binary, to_fixed_size_binary, to_large_binary,
    to_large_binary_compact, to_large_utf8, to_utf8,
};
pub use views::{MAX_VIEW_BUFFER, from_views, to_binary_view, to_utf8_view};

use crate::error::{Error, Rejected, Result};
use crate::segments::{BufferWithSegments, BufferWithSegmentsCollection};

/// Whether a column of this type holds bytes that this crate can read.
///
/// True for the binary and text types in each layout, and for dictionary and run-end encodings of
/// one of them.
pub fn is_binary_like(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_plain(values),
        DataType::RunEndEncoded(_, values) => is_plain(values.data_type()),
        plain => is_plain(plain),
    }
}

/// Whether a type is a dictionary or run-end encoding.
pub(crate) fn is_encoded(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Dictionary(..) | DataType::RunEndEncoded(..))
}

fn is_plain(data_type: &DataType) -> bool {
    use DataType::*;
    matches!(
        data_type,
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) | Utf8 | LargeUtf8 | Utf8View
    )
}

/// A plain (not encoded) binary-like array as segments, with its validity; no value is copied.
///
/// The collection has one member for all layouts but views, which can have more. For an encoded
/// array take [`Encoded::of`] first and convert its values.
///
/// # Errors
///
/// [`Error::UnsupportedType`] for any other type.
pub fn from_array(array: &dyn Array) -> Result<(BufferWithSegmentsCollection, Option<NullBuffer>)> {
    fn one(
        (segments, validity): (BufferWithSegments, Option<NullBuffer>),
    ) -> (BufferWithSegmentsCollection, Option<NullBuffer>) {
        (segments.into(), validity)
    }
    Ok(match array.data_type() {
        DataType::LargeBinary => one(from_bytes(array.as_binary::<i64>())),
        DataType::Binary => one(from_bytes(array.as_binary::<i32>())),
        DataType::LargeUtf8 => one(from_bytes(array.as_string::<i64>())),
        DataType::Utf8 => one(from_bytes(array.as_string::<i32>())),
        DataType::FixedSizeBinary(_) => one(from_fixed_size_binary(array.as_fixed_size_binary())?),
        DataType::BinaryView => from_views(array.as_binary_view()),
        DataType::Utf8View => from_views(array.as_string_view()),
        other => return Err(Error::UnsupportedType(other.clone())),
    })
}

/// Segments as an array, in the layout that needs no copy of a value: `LargeBinary` where the
/// segments are gapless and in order, else `BinaryView`.
///
/// # Errors
///
/// As [`to_binary_view`].
pub fn to_array(segments: BufferWithSegments, validity: Option<NullBuffer>) -> Result<ArrayRef> {
    Ok(match segments.segments().is_gapless() {
        true => Arc::new(to_large_binary(segments, validity)?),
        false => Arc::new(to_binary_view(segments.into(), validity, MAX_VIEW_BUFFER)?),
    })
}

/// Several plain arrays (a chunked column) as one collection, with the validity of all of them.
///
/// # Errors
///
/// [`Error::UnsupportedType`] for the first array that [`from_array`] does not take.
pub fn from_chunks(
    chunks: &[ArrayRef],
) -> Result<(BufferWithSegmentsCollection, Option<NullBuffer>)> {
    let mut members = Vec::with_capacity(chunks.len());
    let mut masks = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let (collection, validity) = from_array(chunk)?;
        masks.push((collection.len(), validity));
        members.extend(collection.into_members());
    }
    let validity = masks.iter().any(|(_, mask)| mask.is_some()).then(|| {
        masks
            .iter()
            .flat_map(|(len, mask)| {
                (0..*len).map(move |i| mask.as_ref().is_none_or(|mask| mask.is_valid(i)))
            })
            .collect::<NullBuffer>()
    });
    Ok((BufferWithSegmentsCollection::new(members), validity))
}

/// A collection as the chunks of one column, one a member, in the layout that needs no copy of a
/// value: all of them `LargeBinary` where each member's segments are gapless and in order, else all
/// `BinaryView`.
///
/// # Errors
///
/// As [`to_binary_view`].
pub fn to_arrays(collection: &BufferWithSegmentsCollection) -> Result<Vec<ArrayRef>> {
    let views = array_type(collection.members()) == DataType::BinaryView;
    let chunks = collection.members().iter().map(|member| match views {
        true => Ok(Arc::new(to_binary_view(member.clone().into(), None, MAX_VIEW_BUFFER)?) as _),
        false => to_array(member.clone(), None),
    });
    chunks.collect()
}

/// The type of the arrays that [`to_arrays`] makes.
pub fn array_type(members: &[BufferWithSegments]) -> DataType {
    match members.iter().all(|member| member.segments().is_gapless()) {
        true => DataType::LargeBinary,
        false => DataType::BinaryView,
    }
}

/// Segments with those that are null made empty: what lies under a null is nobody's business. No value
/// is copied; a member with such segments gets an index of its own.
///
/// # Panics
///
/// If `validity` has another length than the collection.
pub fn nulls_to_empty(
    collection: BufferWithSegmentsCollection,
    validity: Option<&NullBuffer>,
) -> BufferWithSegmentsCollection {
    let Some(validity) = validity else { return collection };
    assert_eq!(validity.len(), collection.len(), "a bit for each segment");
    let mut start = 0;
    let emptied = collection.into_members().into_iter().map(|member| {
        let mask = validity.slice(start, member.len());
        start += member.len();
        let hides = |(i, (_, length)): (usize, (u64, u64))| mask.is_null(i) && length > 0;
        if !member.segments().iter().enumerate().any(hides) {
            return member;
        }
        let segments = member
            .segments()
            .iter()
            .enumerate()
            .map(|(i, (offset, length))| (offset, if mask.is_null(i) { 0 } else { length }));
        let segments = segments.collect();
        BufferWithSegments::new(member.into_parts().0, segments)
    });
    BufferWithSegmentsCollection::new(emptied.collect())
}

/// A collection as one `LargeBinary` array a member: the chunks of a chunked column.
///
/// # Errors
///
/// As [`to_large_binary`], for the first member that it does not take; the collection is given
/// back.
pub fn to_chunks(
    collection: BufferWithSegmentsCollection,
    validity: Option<NullBuffer>,
) -> Result<Vec<LargeBinaryArray>, Rejected<BufferWithSegmentsCollection>> {
    if let Err(error) = check_validity(collection.len(), validity.as_ref()) {
        return Err(Rejected { error, input: collection });
    }
    let mut start = 0;
    let mut chunks = Vec::with_capacity(collection.members().len());
    for member in collection.members() {
        let mask = validity.as_ref().map(|validity| validity.slice(start, member.len()));
        start += member.len();
        match to_large_binary(member.clone(), mask) {
            Ok(chunk) => chunks.push(chunk),
            Err(Rejected { error, .. }) => return Err(Rejected { error, input: collection }),
        }
    }
    Ok(chunks)
}

fn check_validity(rows: usize, validity: Option<&NullBuffer>) -> Result<()> {
    match validity {
        Some(mask) if mask.len() != rows => {
            Err(Error::LengthMismatch { what: "validity", expected: rows, found: mask.len() })
        }
        _ => Ok(()),
    }
}
