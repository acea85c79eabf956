//! The view layouts: `BinaryView` and `Utf8View`.
//!
//! A view has 16 bytes. Up to 12 bytes of value lie in the view itself; a longer value lies in one
//! of the array's data buffers (Arrow columnar format, "Variable-size Binary View Layout"):
//!
//! ```text
//! short   | length u32 | up to 12 bytes, then zeros              |
//! long    | length u32 | first 4 bytes | buffer u32 | offset u32 |
//! ```

use arrow_array::types::{BinaryViewType, ByteViewType, StringViewType};
use arrow_array::{Array, BinaryViewArray, GenericByteViewArray, StringViewArray};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};

use crate::convert::check_validity;
use crate::convert::offsets::check_text;
use crate::error::{Error, Rejected, Result};
use crate::segments::{BufferSegments, BufferWithSegments, BufferWithSegmentsCollection};

/// The largest data buffer of a view array, in bytes: offsets in it are signed 32-bit numbers.
pub const MAX_VIEW_BUFFER: usize = i32::MAX as usize;

/// Bytes of one view.
const VIEW_SIZE: usize = 16;
/// Where in a view the bytes of a short value begin.
const INLINE_START: usize = 4;

/// A view array as segments, with its validity; no value is copied.
///
/// Each run of rows whose bytes lie in the same buffer becomes one member: a data buffer, or the
/// views buffer for values of 12 bytes and less. A column whose values all lie in one data buffer
/// is one member. Nulls are empty segments of the member around them.
pub fn from_views<T: ByteViewType>(
    array: &GenericByteViewArray<T>,
) -> (BufferWithSegmentsCollection, Option<NullBuffer>) {
    /// Which buffer a run of rows lies in.
    #[derive(Clone, Copy, PartialEq)]
    enum Home {
        Views,
        Data(u32),
    }
    let views = array.views();
    let buffer_of = |home: Home| match home {
        Home::Views => views.inner().clone(),
        Home::Data(index) => array.data_buffers()[index as usize].clone(),
    };
    let mut members = Vec::new();
    let mut run: Vec<(u64, u64)> = Vec::new();
    let mut home: Option<Home> = None;
    let mut close = |home: Option<Home>, run: &mut Vec<(u64, u64)>| {
        let buffer = home.map_or_else(|| Buffer::from(&[]), buffer_of);
        let segments: BufferSegments = std::mem::take(run).into_iter().collect();
        members.push(BufferWithSegments::new(buffer, segments));
    };
    for (i, view) in views.iter().enumerate() {
        if array.is_null(i) {
            run.push((0, 0));
            continue;
        }
        let length = *view as u32;
        let (next, offset) = if length <= MAX_INLINE_VIEW_LEN {
            (Home::Views, (i * VIEW_SIZE + INLINE_START) as u64)
        } else {
            let view = ByteView::from(*view);
            (Home::Data(view.buffer_index), u64::from(view.offset))
        };
        if home.is_some_and(|home| home != next) {
            close(home, &mut run);
        }
        home = Some(next);
        run.push((offset, u64::from(length)));
    }
    if !run.is_empty() {
        close(home, &mut run);
    }
    (BufferWithSegmentsCollection::new(members), array.nulls().cloned())
}

/// Any segments as a `BinaryView` array: values shared, views built (16 bytes a row).
///
/// `max_buffer` is the size of the largest data buffer, at most [`MAX_VIEW_BUFFER`]: a larger
/// backing buffer is shared as several data buffers, which may overlap.
///
/// # Errors
///
/// [`Error::SegmentLayout`] for a segment larger than `max_buffer`; [`Error::LengthMismatch`] if
/// the validity is of another length. The segments are given back.
pub fn to_binary_view(
    segments: BufferWithSegmentsCollection,
    validity: Option<NullBuffer>,
    max_buffer: usize,
) -> Result<BinaryViewArray, Rejected<BufferWithSegmentsCollection>> {
    to_views::<BinaryViewType>(segments, validity, max_buffer)
}

/// Any segments as a `Utf8View` array: [`to_binary_view`] after a check that each is UTF-8.
///
/// # Errors
///
/// As [`to_binary_view`], and [`Error::Row`] with
/// [`ValueError::NotUtf8`](crate::ValueError::NotUtf8) for the first segment that is not text.
pub fn to_utf8_view(
    segments: BufferWithSegmentsCollection,
    validity: Option<NullBuffer>,
    max_buffer: usize,
) -> Result<StringViewArray, Rejected<BufferWithSegmentsCollection>> {
    let mut start = 0;
    for member in segments.members() {
        if let Err(Rejected { error, .. }) = check_text(member.clone()) {
            return Err(Rejected { error: error.shift_row(start), input: segments });
        }
        start += member.len();
    }
    to_views::<StringViewType>(segments, validity, max_buffer)
}

fn to_views<T: ByteViewType>(
    segments: BufferWithSegmentsCollection,
    validity: Option<NullBuffer>,
    max_buffer: usize,
) -> Result<GenericByteViewArray<T>, Rejected<BufferWithSegmentsCollection>> {
    if let Err(error) = check_validity(segments.len(), validity.as_ref()) {
        return Err(Rejected { error, input: segments });
    }
    let mut builder = ViewBuilder {
        views: Vec::with_capacity(segments.len()),
        buffers: Vec::new(),
        max_buffer: max_buffer.min(MAX_VIEW_BUFFER),
    };
    for member in segments.members() {
        if let Err(error) = builder.push_member(member, validity.as_ref()) {
            return Err(Rejected { error, input: segments });
        }
    }
    let ViewBuilder { views, buffers, .. } = builder;
    // SAFETY: each view was built from the bytes it stands for (length, prefix or inlined bytes)
    // and each long one names a buffer and an offset at which those bytes lie (`DataBuffers::
    // place` returns no other); the validity has a bit a row; `to_utf8_view` has checked the text.
    Ok(unsafe { GenericByteViewArray::new_unchecked(ScalarBuffer::from(views), buffers, validity) })
}

struct ViewBuilder {
    views: Vec<u128>,
    buffers: Vec<Buffer>,
    max_buffer: usize,
}

impl ViewBuilder {
    fn push_member(
        &mut self,
        member: &BufferWithSegments,
        validity: Option<&NullBuffer>,
    ) -> Result<()> {
        let mut data = DataBuffers::new(member.data(), self.max_buffer);
        for (offset, length) in member.segments().iter() {
            let row = self.views.len();
            if validity.is_some_and(|mask| mask.is_null(row)) {
                self.views.push(0);
                continue;
            }
            // A checked segment: both numbers are at most the buffer's size.
            let (offset, length) = (offset as usize, length as usize);
            let bytes = &member.as_slice()[offset..offset + length];
            if length <= MAX_INLINE_VIEW_LEN as usize {
                let mut view = [0; VIEW_SIZE];
                view[..INLINE_START].copy_from_slice(&(length as u32).to_le_bytes());
                view[INLINE_START..INLINE_START + length].copy_from_slice(bytes);
                self.views.push(u128::from_le_bytes(view));
                continue;
            }
            let Some((buffer, within)) = data.place(offset, length, &mut self.buffers) else {
                let problem =
                    format!("has {length} bytes, a view's buffer {} at the most", self.max_buffer);
                return Err(Error::SegmentLayout { index: row, problem });
            };
            let view = ByteView::new(length as u32, &bytes[..INLINE_START])
                .with_buffer_index(buffer)
                .with_offset(within);
            self.views.push(view.as_u128());
        }
        Ok(())
    }
}

/// One backing buffer as data buffers of a limited size.
///
/// ```text
/// backing     |--------------------------------------|
/// windows     [ 0           ]                            max_buffer each,
///                    [ 1           ]                     one begins every half of it,
///                           [ 2            ]             made when first needed
/// ```
///
/// A segment of up to half the limit lies wholly in the window that begins in its half; a longer
/// one gets a buffer of its own.
struct DataBuffers<'a> {
    backing: &'a Buffer,
    max_buffer: usize,
    half: usize,
    /// The data buffer that each window became.
    windows: Vec<Option<u32>>,
}

impl<'a> DataBuffers<'a> {
    fn new(backing: &'a Buffer, max_buffer: usize) -> Self {
        let half = (max_buffer / 2).max(1);
        let windows = if backing.len() <= max_buffer { 1 } else { backing.len().div_ceil(half) };
        Self { backing, max_buffer, half, windows: vec![None; windows] }
    }

    /// The data buffer that holds these bytes, and where in it they begin; `None` if no buffer of
    /// the allowed size can hold them.
    fn place(
        &mut self,
        offset: usize,
        length: usize,
        buffers: &mut Vec<Buffer>,
    ) -> Option<(u32, u32)> {
        if length > self.max_buffer {
            return None;
        }
        let mut add = |start: usize, length: usize| {
            let index = u32::try_from(buffers.len()).ok()?;
            buffers.push(self.backing.slice_with_length(start, length));
            Some(index)
        };
        let window = if self.windows.len() == 1 { 0 } else { offset / self.half };
        let start = window * self.half;
        if offset + length - start > self.max_buffer {
            return Some((add(offset, length)?, 0));
        }
        let buffer = match self.windows[window] {
            Some(buffer) => buffer,
            None => {
                let buffer = add(start, self.max_buffer.min(self.backing.len() - start))?;
                self.windows[window] = Some(buffer);
                buffer
            }
        };
        // At most max_buffer, which fits in 31 bits.
        Some((buffer, (offset - start) as u32))
    }
}
