//! A buffer with its segments.

use std::ops::Deref;

use arrow_buffer::Buffer;

use crate::error::Result;
use crate::segments::BufferSegments;

/// A backing buffer and an index of segments in it.
///
/// ```text
/// data       |h e l l o , _ w o r l d|
/// segments    (0, 5)        (7, 5)
/// ```
///
/// Each segment lies inside the buffer; this is checked once, when the value is made. Nothing else
/// is promised of them: they may overlap, leave gaps, come in any order and be empty.
///
/// A clone or a slice shares the buffer. Two values are equal where their segments hold the same
/// bytes in the same order.
#[derive(Debug, Clone)]
pub struct BufferWithSegments {
    data: Buffer,
    segments: BufferSegments,
}

impl BufferWithSegments {
    /// A buffer with its segments, after a check that each lies inside it.
    ///
    /// # Errors
    ///
    /// [`Error::SegmentOutOfBounds`](crate::Error::SegmentOutOfBounds) names the first segment
    /// whose `offset + length` wraps or goes past the end of `data`.
    pub fn try_new(data: Buffer, segments: BufferSegments) -> Result<Self> {
        segments.check_within(data.len())?;
        Ok(Self { data, segments })
    }

    /// [`Self::try_new`] for segments known to be right.
    ///
    /// # Panics
    ///
    /// If [`Self::try_new`] returns an error.
    pub fn new(data: Buffer, segments: BufferSegments) -> Self {
        Self::try_new(data, segments).unwrap_or_else(|error| panic!("{error}"))
    }

    /// [`Self::try_new`] without the check, for an index that was checked before.
    ///
    /// # Safety
    ///
    /// Sound if [`Self::try_new`] would not return an error: each segment lies inside `data`.
    pub unsafe fn new_unchecked(data: Buffer, segments: BufferSegments) -> Self {
        debug_assert!(segments.check_within(data.len()).is_ok());
        Self { data, segments }
    }

    /// The number of segments.
    pub fn len(&self) -> usize {
        self.segments.len()
    }

    /// Whether there is no segment.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Segment `i`, or `None` past the end.
    pub fn get(&self, i: usize) -> Option<BufferSegment<'_>> {
        (i < self.len())
            .then(|| BufferSegment { bytes: self.value(i), offset: self.segments.at(i).0 })
    }

    /// The bytes of segment `i`.
    ///
    /// # Panics
    ///
    /// If `i` is not less than `len`.
    #[inline(always)]
    pub fn value(&self, i: usize) -> &[u8] {
        let (offset, length) = self.segments.at(i);
        // Inside the buffer by `try_new`, so neither the sum nor the conversion loses anything.
        &self.data.as_slice()[offset as usize..(offset + length) as usize]
    }

    /// All segments in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = BufferSegment<'_>> {
        (0..self.len())
            .map(|i| BufferSegment { bytes: self.value(i), offset: self.segments.at(i).0 })
    }

    /// The size of the backing buffer in bytes.
    pub fn size(&self) -> usize {
        self.data.len()
    }

    /// The whole backing buffer.
    pub fn as_slice(&self) -> &[u8] {
        self.data.as_slice()
    }

    /// The backing buffer.
    pub fn data(&self) -> &Buffer {
        &self.data
    }

    /// The index.
    pub fn segments(&self) -> &BufferSegments {
        &self.segments
    }

    /// `length` segments from `offset` on, over the same buffer.
    ///
    /// # Panics
    ///
    /// If `offset + length` is more than `len`.
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self { data: self.data.clone(), segments: self.segments.slice(offset, length) }
    }

    /// The backing buffer and the index.
    pub fn into_parts(self) -> (Buffer, BufferSegments) {
        (self.data, self.segments)
    }

    /// Whether both are over the very same buffer (not only equal bytes).
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.data.ptr_eq(&other.data)
    }
}

impl PartialEq for BufferWithSegments {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|i| self.value(i) == other.value(i))
    }
}

impl Eq for BufferWithSegments {}

/// One segment: its bytes, and where in the backing buffer they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferSegment<'a> {
    bytes: &'a [u8],
    offset: u64,
}

impl<'a> BufferSegment<'a> {
    /// Where the segment begins in its buffer, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes, for as long as the buffer lives.
    pub fn as_slice(&self) -> &'a [u8] {
        self.bytes
    }
}

impl Deref for BufferSegment<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl AsRef<[u8]> for BufferSegment<'_> {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}
