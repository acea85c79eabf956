//! What there is to do for a frame, from its headers (RFC 8878, sections 3.1.1 and 3.1.1.3).

use std::ops::Range;

use crate::codec::batch::{MAX_CONTENT, literals, sequences};
use crate::codec::frame::{Format, MAX_BLOCK_SIZE, read_header};

/// A frame of one compressed block whose parts can be decoded beside those of other frames.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Bytes of content.
    pub(super) size: usize,
    pub(super) checksum: Option<u32>,
    pub(super) literals: Literals,
    /// The number of sequences, where their stream is in the frame, and whose tables it needs.
    /// Without any there is no stream.
    pub(super) sequences: usize,
    pub(super) stream: Range<usize>,
    pub(super) tables: Tables,
}

/// Literals, and where in the frame they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literals {
    /// As they are.
    Raw { bytes: Range<usize> },
    /// One byte, so many times.
    Rle { byte: u8, count: usize },
    /// One stream by the dictionary's code.
    Repeat { stream: Range<usize>, count: usize },
}

impl Literals {
    pub(super) fn count(&self) -> usize {
        match self {
            Literals::Raw { bytes } => bytes.len(),
            Literals::Rle { count, .. } | Literals::Repeat { count, .. } => *count,
        }
    }
}

/// Where a frame has the tables for its sequences from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tables {
    /// From the format.
    Predefined,
    /// From the dictionary.
    Repeat,
}

impl Plan {
    /// The plan for a value whose content has `size` bytes; `None` for one that is better left to
    /// libzstd, which also says what is wrong with it if something is.
    ///
    /// `entropy` is whether there is a dictionary with tables.
    #[inline]
    pub(super) fn read(value: &[u8], size: usize, format: Format, entropy: bool) -> Option<Self> {
        if size > MAX_CONTENT {
            return None;
        }
        let header = read_header(value, format).ok()?;
        if header.content_size.is_some_and(|claimed| claimed != size as u64) {
            return None;
        }
        // One block, the last one, compressed (section 3.1.1.2), of not more bytes than its content
        // may have.
        let [a, b, c, behind @ ..] = value.get(header.size..)? else { return None };
        let block = u32::from_le_bytes([*a, *b, *c, 0]);
        let body = (block >> 3) as usize;
        let limit = header.window_size.min(MAX_BLOCK_SIZE);
        if block & 7 != 0b101 || body as u64 > limit || size as u64 > limit {
            return None;
        }
        let checksum = match (header.checksum, behind.len().checked_sub(body)?) {
            (false, 0) => None,
            (true, 4) => Some(u32::from_le_bytes(*behind.last_chunk()?)),
            _ => return None,
        };
        let start = header.size + 3;
        let end = start + body;
        let (literals, used) = read_literals(value.get(start..end)?, start)?;
        if literals.count() > size || matches!(literals, Literals::Repeat { .. }) && !entropy {
            return None;
        }
        let at = start + used;
        let section = value.get(at..end)?;
        // The number of sequences (section 3.1.1.3.2.1): each is three bytes of content at least.
        let (sequences, used) = match *section {
            [0] => (0, 1),
            [count @ 1..128, ..] => (usize::from(count), 1),
            [high @ 128..=254, low, ..] => (usize::from(high - 128) << 8 | usize::from(low), 2),
            _ => return None,
        };
        let mut plan = Self {
            size,
            checksum,
            literals,
            sequences,
            stream: end..end,
            tables: Tables::Predefined,
        };
        if used == section.len() {
            return (section == [0] && plan.literals.count() == size).then_some(plan);
        }
        if sequences == 0 || sequences > size / 3 {
            return None;
        }
        plan.tables = match section[used] {
            0b00_00_00_00 => Tables::Predefined,
            0b11_11_11_00 if entropy => Tables::Repeat,
            _ => return None,
        };
        plan.stream = at + used + 1..end;
        let near = plan.stream.start < sequences::BEFORE_STREAM;
        (!near && !plan.stream.is_empty()).then_some(plan)
    }
}

/// The header of the literals section (section 3.1.1.3.1.1), and the bytes of the section, which
/// begins at `start` in the frame.
#[inline]
fn read_literals(body: &[u8], start: usize) -> Option<(Literals, usize)> {
    let first = *body.first()?;
    let four = match body.first_chunk() {
        Some(four) => u32::from_le_bytes(*four),
        None => u32::from_le_bytes(std::array::from_fn(|i| body.get(i).copied().unwrap_or(0))),
    };
    let format = (first >> 2) & 3;
    match first & 3 {
        kind @ (0 | 1) => {
            let (header, count) = match format {
                0 | 2 => (1, usize::from(first >> 3)),
                1 => (2, (four >> 4 & 0xfff) as usize),
                _ => (3, (four >> 4 & 0xf_ffff) as usize),
            };
            let taken = header + if kind == 0 { count } else { 1 };
            let bytes = body.get(header..taken)?;
            let literals = match kind {
                0 => Literals::Raw { bytes: start + header..start + taken },
                _ => Literals::Rle { byte: bytes[0], count },
            };
            Some((literals, taken))
        }
        3 if format == 0 => {
            let count = (four >> 4 & 0x3ff) as usize;
            let taken = 3 + (four >> 14 & 0x3ff) as usize;
            let stream = start + 3..start + taken;
            let usable = count > 0
                && !stream.is_empty()
                && stream.start >= literals::BEFORE_STREAM
                && body.len() >= taken;
            usable.then_some((Literals::Repeat { stream, count }, taken))
        }
        _ => None,
    }
}
