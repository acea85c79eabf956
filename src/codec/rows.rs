//! A column as the codec reads it: bytes or null for each row, whatever layout they lie in.

use std::ops::Range;
use std::sync::Arc;

use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};

use crate::segments::BufferWithSegments;

/// The rows of one or several pieces, in order.
pub(super) struct Rows<'a> {
    parts: Vec<Part<'a>>,
    /// The row that each part begins with, and the total.
    starts: Vec<usize>,
}

/// One piece: its bytes and which rows of it are null.
pub(super) struct Part<'a> {
    pub(super) bytes: Bytes<'a>,
    pub(super) validity: Option<NullBuffer>,
}

/// Where the bytes of a piece lie.
pub(super) enum Bytes<'a> {
    Segments(BufferWithSegments),
    /// Anywhere.
    Slices(&'a [&'a [u8]]),
    /// Arrow views, read as they are.
    Views {
        views: ScalarBuffer<u128>,
        buffers: Arc<[Buffer]>,
    },
}

impl Part<'_> {
    fn len(&self) -> usize {
        match &self.bytes {
            Bytes::Segments(segments) => segments.len(),
            Bytes::Slices(slices) => slices.len(),
            Bytes::Views { views, .. } => views.len(),
        }
    }

    fn bytes(&self, range: Range<usize>) -> u64 {
        match &self.bytes {
            Bytes::Segments(segments) => segments.segments().bytes(range),
            Bytes::Slices(slices) => {
                slices[range].iter().fold(0, |sum, one| sum.saturating_add(one.len() as u64))
            }
            Bytes::Views { views, .. } => {
                views[range].iter().map(|view| u64::from(*view as u32)).sum()
            }
        }
    }

    #[inline(always)]
    fn row(&self, i: usize) -> Option<&[u8]> {
        if self.validity.as_ref().is_some_and(|validity| validity.is_null(i)) {
            return None;
        }
        Some(match &self.bytes {
            Bytes::Segments(segments) => segments.value(i),
            Bytes::Slices(slices) => slices[i],
            Bytes::Views { views, buffers } => view(views, buffers, i),
        })
    }
}

/// The bytes that view `i` stands for.
#[inline]
fn view<'a>(views: &'a ScalarBuffer<u128>, buffers: &'a [Buffer], i: usize) -> &'a [u8] {
    let length = views[i] as u32;
    if length <= MAX_INLINE_VIEW_LEN {
        let start = i * size_of::<u128>() + size_of::<u32>();
        return &views.inner().as_slice()[start..start + length as usize];
    }
    let view = ByteView::from(views[i]);
    let start = view.offset as usize;
    &buffers[view.buffer_index as usize].as_slice()[start..start + length as usize]
}

impl<'a> Rows<'a> {
    /// Values that lie anywhere, none of them null.
    pub(super) fn of_slices(values: &'a [&'a [u8]]) -> Self {
        Self::new(vec![Part { bytes: Bytes::Slices(values), validity: None }])
    }

    pub(super) fn new(parts: Vec<Part<'a>>) -> Self {
        let mut starts = Vec::with_capacity(parts.len() + 1);
        starts.push(0);
        for part in &parts {
            starts.push(starts[starts.len() - 1] + part.len());
        }
        Self { parts, starts }
    }

    pub(super) fn len(&self) -> usize {
        self.starts[self.parts.len()]
    }

    /// The rows of a range, each with its number; `None` for a null.
    pub(super) fn range(&self, rows: Range<usize>) -> RowIter<'_> {
        RowIter { rows: self, part: None, start: 0, stop: 0, next: rows.start, end: rows.end }
    }

    /// Bytes of the rows of a range, with what lies under nulls: a weight, not a size.
    pub(super) fn bytes(&self, rows: Range<usize>) -> u64 {
        let first = self.starts.partition_point(|start| *start <= rows.start) - 1;
        let mut sum = 0_u64;
        for (part, start) in self.parts.iter().zip(&self.starts).skip(first) {
            if *start >= rows.end {
                break;
            }
            let here = rows.start.max(*start) - start..rows.end.min(start + part.len()) - start;
            sum = sum.saturating_add(part.bytes(here));
        }
        sum
    }

    /// All rows.
    pub(super) fn iter(&self) -> RowIter<'_> {
        self.range(0..self.len())
    }
}

/// Rows in order. The part is looked up where one begins, not for each row.
pub(super) struct RowIter<'a> {
    rows: &'a Rows<'a>,
    part: Option<&'a Part<'a>>,
    /// The row that `part` begins with, and one above the last of it for this iterator.
    start: usize,
    stop: usize,
    next: usize,
    end: usize,
}

impl<'a> Iterator for RowIter<'a> {
    type Item = (usize, Option<&'a [u8]>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.stop {
            self.enter_part()?;
        }
        let row = self.next;
        self.next += 1;
        Some((row, self.part?.row(row - self.start)))
    }
}

impl<'a> RowIter<'a> {
    /// The value `ahead` rows behind the next one, if that lies in the same part; for what is to be
    /// there in time.
    #[inline(always)]
    pub(super) fn ahead(&self, ahead: usize) -> Option<&'a [u8]> {
        let row = self.next + ahead;
        if row >= self.stop {
            return None;
        }
        self.part?.row(row - self.start)
    }

    /// Goes to the part that the next row lies in: the last to begin at or before it.
    #[cold]
    fn enter_part(&mut self) -> Option<()> {
        if self.next >= self.end {
            return None;
        }
        let starts = &self.rows.starts;
        let place = starts.partition_point(|start| *start <= self.next) - 1;
        self.part = self.rows.parts.get(place);
        (self.start, self.stop) = (starts[place], starts[place + 1].min(self.end));
        Some(())
    }
}
