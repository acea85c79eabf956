//! A column as the codec reads it: bytes or null for each row, whatever layout they lie in.

use std::ops::Range;
use std::sync::Arc;

use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};

use crate::segments::BufferWithSegments;

/// The rows of one or several pieces, in order.
pub(super) struct Rows {
    parts: Vec<Part>,
    /// The row that each part begins with, and the total.
    starts: Vec<usize>,
}

/// One piece: its bytes and which rows of it are null.
pub(super) struct Part {
    pub(super) bytes: Bytes,
    pub(super) validity: Option<NullBuffer>,
}

/// Where the bytes of a piece lie.
pub(super) enum Bytes {
    Segments(BufferWithSegments),
    /// Arrow views, read as they are.
    Views {
        views: ScalarBuffer<u128>,
        buffers: Arc<[Buffer]>,
    },
}

impl Part {
    fn len(&self) -> usize {
        match &self.bytes {
            Bytes::Segments(segments) => segments.len(),
            Bytes::Views { views, .. } => views.len(),
        }
    }

    #[inline]
    fn row(&self, i: usize) -> Option<&[u8]> {
        if self.validity.as_ref().is_some_and(|validity| validity.is_null(i)) {
            return None;
        }
        Some(match &self.bytes {
            Bytes::Segments(segments) => segments.value(i),
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

impl Rows {
    pub(super) fn new(parts: Vec<Part>) -> Self {
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
    #[inline]
    pub(super) fn range(
        &self,
        rows: Range<usize>,
    ) -> impl Iterator<Item = (usize, Option<&[u8]>)> + '_ {
        // The first part that ends after the range begins.
        let first = self.starts[1..].partition_point(|end| *end <= rows.start);
        self.parts[first.min(self.parts.len())..]
            .iter()
            .zip(&self.starts[first.min(self.parts.len())..])
            .take_while({
                let end = rows.end;
                move |(_, start)| **start < end
            })
            .flat_map(move |(part, start)| {
                let here = rows.start.max(*start)..rows.end.min(start + part.len());
                here.map(move |row| (row, part.row(row - start)))
            })
    }

    /// All rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, Option<&[u8]>)> + '_ {
        self.range(0..self.len())
    }
}
