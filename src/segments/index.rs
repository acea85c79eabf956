//! The index: where each segment begins and how long it is.

use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};

use crate::error::{Error, Result};

/// Bytes of one (offset, length) pair.
pub(crate) const PAIR_SIZE: usize = 16;

/// An array of (offset, length) in bytes: the index of a [`BufferWithSegments`].
///
/// Three layouts lie behind the one type; none is copied on the way in.
///
/// ```text
/// Arrow offsets, i64   | 0 | 3 | 5 | 9 |             n + 1 numbers; segment i is [i] .. [i + 1]
/// Arrow offsets, i32   | 0 | 3 | 5 | 9 |             the same in 4 bytes each
/// pairs of u64         | 0 3 | 3 2 | 5 4 |           n (offset, length), native-endian
/// ```
///
/// Arrow offsets never fall and are never negative ([`OffsetBuffer`] sees to that), so their
/// segments come in order and without gaps. Pairs hold whatever they were made from: any order,
/// gaps, overlaps, and even an `offset + length` beyond 2^64. An index by itself says nothing of a
/// buffer; [`BufferWithSegments::try_new`] is where each segment is checked against one.
///
/// [`BufferWithSegments`]: crate::BufferWithSegments
/// [`BufferWithSegments::try_new`]: crate::BufferWithSegments::try_new
#[derive(Debug, Clone)]
pub struct BufferSegments {
    layout: Layout,
}

#[derive(Debug, Clone)]
enum Layout {
    Offsets64(OffsetBuffer<i64>),
    Offsets32(OffsetBuffer<i32>),
    /// Whole pairs; read byte-wise, so any alignment will do.
    Pairs(Buffer),
}

/// Two indexes are equal where their segments are, whatever their layouts.
impl PartialEq for BufferSegments {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for BufferSegments {}

impl BufferSegments {
    /// An index over (offset, length) pairs, without a copy: offset, length, offset, length, ...
    ///
    /// Takes a `Vec<u64>` or a [`ScalarBuffer<u64>`]. (offset, length) tuples can be collected;
    /// bytes from outside go through [`Self::from_pair_bytes`].
    ///
    /// # Errors
    ///
    /// [`Error::IndexLength`] if the last offset has no length.
    pub fn from_pairs(pairs: impl Into<ScalarBuffer<u64>>) -> Result<Self> {
        Self::from_pair_bytes(pairs.into().into_inner())
    }

    /// An index over the bytes of native-endian (u64 offset, u64 length) pairs, without a copy.
    ///
    /// The bytes need no alignment.
    ///
    /// # Errors
    ///
    /// [`Error::IndexLength`] if the size is not a multiple of 16 bytes.
    pub fn from_pair_bytes(pairs: Buffer) -> Result<Self> {
        if !pairs.len().is_multiple_of(PAIR_SIZE) {
            return Err(Error::IndexLength { bytes: pairs.len() });
        }
        Ok(Self { layout: Layout::Pairs(pairs) })
    }

    /// An index over Arrow `i64` offsets that come from outside, without a copy.
    ///
    /// # Errors
    ///
    /// [`Error::Offsets`] if there is no offset at all, one is negative, or one is less than the
    /// one before. (An [`OffsetBuffer`] is known to be right: use `From`.)
    pub fn try_from_offsets(offsets: ScalarBuffer<i64>) -> Result<Self> {
        match offsets.first() {
            None => {
                return Err(Error::Offsets("n segments take n + 1 offsets, there are none".into()));
            }
            Some(first) if *first < 0 => {
                return Err(Error::Offsets(format!("offset 0 is negative ({first})")));
            }
            Some(_) => {}
        }
        if let Some(i) = offsets.windows(2).position(|pair| pair[1] < pair[0]) {
            return Err(Error::Offsets(format!(
                "offset {} ({}) is less than the one before ({})",
                i + 1,
                offsets[i + 1],
                offsets[i]
            )));
        }
        Ok(OffsetBuffer::new(offsets).into())
    }

    /// The number of segments.
    pub fn len(&self) -> usize {
        match &self.layout {
            Layout::Offsets64(offsets) => offsets.len() - 1,
            Layout::Offsets32(offsets) => offsets.len() - 1,
            Layout::Pairs(pairs) => pairs.len() / PAIR_SIZE,
        }
    }

    /// Whether there is no segment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Segment `i` as (offset, length) in bytes, or `None` past the end.
    pub fn get(&self, i: usize) -> Option<(u64, u64)> {
        (i < self.len()).then(|| self.at(i))
    }

    /// Segment `i`.
    ///
    /// # Panics
    ///
    /// If `i` is not less than `len`.
    #[inline(always)]
    pub(crate) fn at(&self, i: usize) -> (u64, u64) {
        match &self.layout {
            // Offsets are never negative and never fall, so neither conversion loses anything.
            Layout::Offsets64(offsets) => (offsets[i] as u64, (offsets[i + 1] - offsets[i]) as u64),
            Layout::Offsets32(offsets) => (offsets[i] as u64, (offsets[i + 1] - offsets[i]) as u64),
            Layout::Pairs(pairs) => {
                let (offset, length) = pairs[i * PAIR_SIZE..][..PAIR_SIZE].split_at(8);
                (
                    u64::from_ne_bytes(offset.try_into().expect("half a pair has 8 bytes")),
                    u64::from_ne_bytes(length.try_into().expect("half a pair has 8 bytes")),
                )
            }
        }
    }

    /// The sum of the lengths of some segments; at once for Arrow offsets.
    ///
    /// # Panics
    ///
    /// If the range goes past the end.
    pub(crate) fn bytes(&self, range: std::ops::Range<usize>) -> u64 {
        match &self.layout {
            Layout::Offsets64(offsets) => (offsets[range.end] - offsets[range.start]) as u64,
            Layout::Offsets32(offsets) => (offsets[range.end] - offsets[range.start]) as u64,
            Layout::Pairs(_) => {
                range.map(|i| self.at(i).1).fold(0, |sum: u64, length| sum.saturating_add(length))
            }
        }
    }

    /// All segments in order, as (offset, length).
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u64, u64)> + '_ {
        (0..self.len()).map(|i| self.at(i))
    }

    /// Whether each segment begins where the one before ends: in order, no gap, no overlap.
    ///
    /// At once for Arrow offsets, one look at each pair otherwise.
    pub fn is_gapless(&self) -> bool {
        self.first_break().is_none()
    }

    /// The first segment that does not begin where the one before ends, or that wraps.
    pub(crate) fn first_break(&self) -> Option<usize> {
        if !matches!(self.layout, Layout::Pairs(_)) {
            return None;
        }
        let mut end = None;
        for (i, (offset, length)) in self.iter().enumerate() {
            if end.is_some_and(|end| end != offset) {
                return Some(i);
            }
            end = offset.checked_add(length);
            if end.is_none() {
                return Some(i);
            }
        }
        None
    }

    /// The segments as native-endian (offset, length) pairs.
    ///
    /// Shared where they are pairs already, else built: 16 bytes a segment.
    pub fn to_pairs(&self) -> Buffer {
        match &self.layout {
            Layout::Pairs(pairs) => pairs.clone(),
            _ => {
                self.iter().flat_map(|(offset, length)| [offset, length]).collect::<Vec<_>>().into()
            }
        }
    }

    /// The segments as Arrow `i64` offsets, or `None` if they are not gapless or go past
    /// `i64::MAX`.
    ///
    /// Shared where they are `i64` offsets already, else built: 8 bytes a segment. The first
    /// offset is that of the first segment, which need not be zero.
    pub fn to_offsets(&self) -> Option<OffsetBuffer<i64>> {
        if let Layout::Offsets64(offsets) = &self.layout {
            return Some(offsets.clone());
        }
        if !self.is_gapless() {
            return None;
        }
        let mut offsets = Vec::with_capacity(self.len() + 1);
        offsets.push(i64::try_from(self.get(0).map_or(0, |(offset, _)| offset)).ok()?);
        for (offset, length) in self.iter() {
            offsets.push(i64::try_from(offset.checked_add(length)?).ok()?);
        }
        Some(OffsetBuffer::new(offsets.into()))
    }

    /// The segments as Arrow `i32` offsets, or `None` if they are not gapless or go past
    /// `i32::MAX`. Shared where they are `i32` offsets already, else built: 4 bytes a segment.
    pub fn to_offsets_i32(&self) -> Option<OffsetBuffer<i32>> {
        if let Layout::Offsets32(offsets) = &self.layout {
            return Some(offsets.clone());
        }
        let wide = self.to_offsets()?;
        let narrow: Option<Vec<i32>> =
            wide.iter().map(|offset| i32::try_from(*offset).ok()).collect();
        Some(OffsetBuffer::new(narrow?.into()))
    }

    /// An index of the same layout with no segment, over no bytes.
    pub(crate) fn to_empty(&self) -> Self {
        match &self.layout {
            Layout::Offsets64(_) => OffsetBuffer::<i64>::new_empty().into(),
            Layout::Offsets32(_) => OffsetBuffer::<i32>::new_empty().into(),
            Layout::Pairs(_) => std::iter::empty().collect(),
        }
    }

    /// `length` segments from `offset` on, without a copy.
    ///
    /// # Panics
    ///
    /// If `offset + length` is more than `len`.
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        let end = offset.checked_add(length);
        assert!(
            end.is_some_and(|end| end <= self.len()),
            "a slice of {length} segments from {offset} is outside {} segments",
            self.len()
        );
        let layout = match &self.layout {
            Layout::Offsets64(offsets) => Layout::Offsets64(offsets.slice(offset, length)),
            Layout::Offsets32(offsets) => Layout::Offsets32(offsets.slice(offset, length)),
            Layout::Pairs(pairs) => {
                Layout::Pairs(pairs.slice_with_length(offset * PAIR_SIZE, length * PAIR_SIZE))
            }
        };
        Self { layout }
    }

    /// The first segment that does not lie inside a buffer of `size` bytes, as an error.
    ///
    /// At once for Arrow offsets: since they never fall, the last one decides.
    pub(crate) fn check_within(&self, size: usize) -> Result<()> {
        let fits = |(offset, length): (u64, u64)| {
            offset.checked_add(length).is_some_and(|end| end <= size as u64)
        };
        let all_fit = match &self.layout {
            // The offsets of an index without segments are not looked at by anyone, but they
            // become an Arrow array's offsets: those too must lie inside.
            Layout::Offsets64(offsets) => offsets[offsets.len() - 1] as u64 <= size as u64,
            Layout::Offsets32(offsets) => offsets[offsets.len() - 1] as u64 <= size as u64,
            Layout::Pairs(_) => self.iter().all(fits),
        };
        if all_fit {
            return Ok(());
        }
        let index = self.iter().position(|segment| !fits(segment)).unwrap_or(0);
        let (offset, length) = match &self.layout {
            Layout::Offsets64(offsets) if self.is_empty() => (offsets[0] as u64, 0),
            Layout::Offsets32(offsets) if self.is_empty() => (offsets[0] as u64, 0),
            _ => self.at(index),
        };
        Err(Error::SegmentOutOfBounds { index, offset, length, size })
    }
}

impl From<OffsetBuffer<i64>> for BufferSegments {
    fn from(offsets: OffsetBuffer<i64>) -> Self {
        Self { layout: Layout::Offsets64(offsets) }
    }
}

impl From<OffsetBuffer<i32>> for BufferSegments {
    fn from(offsets: OffsetBuffer<i32>) -> Self {
        Self { layout: Layout::Offsets32(offsets) }
    }
}

/// (offset, length) pairs, copied into an index of their own.
impl FromIterator<(u64, u64)> for BufferSegments {
    fn from_iter<I: IntoIterator<Item = (u64, u64)>>(pairs: I) -> Self {
        let flat: Vec<u64> =
            pairs.into_iter().flat_map(|(offset, length)| [offset, length]).collect();
        Self { layout: Layout::Pairs(flat.into()) }
    }
}
