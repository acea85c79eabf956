//! What there is to do for a frame, from its headers (RFC 8878, sections 3.1.1 and 3.1.1.3).

use std::ops::Range;

use crate::codec::batch::starts::{Own, OwnStart, Start, Starts};
use crate::codec::batch::{MAX_BRINGING, MAX_CONTENT, literals, sequences};
use crate::codec::frame::{BlockKind, Simple};

/// Bytes of a checksum (section 3.1.1).
pub(super) const CHECKSUM_SIZE: usize = 4;

/// The fewest literals that libzstd takes in four streams.
const MIN_FOUR: u32 = 6;

/// Where the block of a frame is, as its headers say, if it is the only one, compressed or raw, and
/// small enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::codec) struct Outline(u8);

impl Outline {
    /// Any other frame.
    pub(in crate::codec) const NONE: Self = Self(0);
    /// Above where the block begins, which is not 0.
    pub(super) const CHECKSUM: u8 = 0x80;
    pub(super) const RAW: u8 = 0x40;

    /// The content of a frame of this outline, of `size` bytes, if that stands in it as it is. (One with
    /// a checksum is to be held against that.)
    #[inline(always)]
    pub(in crate::codec) fn raw(self, frame: &[u8], size: usize) -> Option<&[u8]> {
        let content = match self.0 & (Self::RAW | Self::CHECKSUM) {
            Self::RAW => frame.get(self.block()..)?,
            _ => return None,
        };
        (content.len() == size).then_some(content)
    }

    /// Where the content of the block is.
    #[inline(always)]
    fn block(self) -> usize {
        usize::from(self.0 & !(Self::CHECKSUM | Self::RAW))
    }

    #[inline(always)]
    pub(super) fn packed(self) -> u8 {
        self.0
    }

    #[inline(always)]
    pub(super) fn unpacked(packed: u8) -> Self {
        Self(packed)
    }

    #[inline(always)]
    pub(super) fn has_checksum(self) -> bool {
        self.0 & Self::CHECKSUM != 0
    }

    /// Of a frame whose content has `size` bytes.
    #[inline(always)]
    pub(in crate::codec) fn of(frame: &Simple, size: u64) -> Self {
        let known = frame.header.content_size.is_none_or(|claimed| claimed == size);
        // The block has not more bytes than its content may have (section 3.1.1.2).
        let fits = frame.body as u64 <= frame.content_bound && size <= frame.content_bound;
        let kind = match frame.kind {
            BlockKind::Compressed => 0,
            BlockKind::Raw if frame.body as u64 == size => Self::RAW,
            BlockKind::Raw | BlockKind::Rle => return Self::NONE,
        };
        if !known || !fits || size > MAX_CONTENT as u64 {
            return Self::NONE;
        }
        // Headers have 21 bytes at the most.
        Self(frame.start() as u8 | kind | if frame.header.checksum { Self::CHECKSUM } else { 0 })
    }
}

/// A frame of one block whose parts can be decoded beside those of other frames.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// What the literals are made of, where that is in the frame, and how many there are.
    pub(super) kind: Literals,
    pub(super) literal_bytes: Range<usize>,
    /// Of those in streams: whether there are four, and not one.
    pub(super) four: bool,
    pub(super) literals: usize,
    /// The number of sequences, where their stream is in the frame, and where their states begin.
    /// Without any there is no stream.
    pub(super) sequences: usize,
    pub(super) stream: Range<usize>,
    pub(super) start: Start,
    /// And how far that is from there, for tables of the frame's own.
    pub(super) own: OwnStart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literals {
    /// Themselves.
    Raw,
    /// One byte, again and again.
    Rle,
    /// Streams by the dictionary's code.
    Repeat,
    /// A code, and streams by that.
    Own,
}

/// What frames may have that are taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Takes {
    /// Literals by the dictionary's code: there is one.
    pub(super) repeat: bool,
    /// Literals in four streams.
    pub(super) four: bool,
    /// Codes and tables of their own.
    pub(super) own: bool,
}

impl Takes {
    /// With a dictionary's code or not; `own` is whether the instructions are for what frames bring.
    #[inline(always)]
    pub(super) fn new(repeat: bool, own: bool, size: usize) -> Self {
        Self { repeat, four: own, own: own && size <= MAX_BRINGING }
    }
}

impl Plan {
    /// The plan for a value of this outline whose content has `size` bytes; `None` for one that is
    /// better left to libzstd, which also says what is wrong with it if something is.
    ///
    /// `starts` are of the dictionary, if there is one, and `own` reads a table of the frame's own
    /// (`Starts::read`). Only with `BRINGING` are frames looked at that bring tables, or have literals in
    /// four streams: what few frames of a column have is not to make the others slower.
    #[inline(always)]
    pub(super) fn read<const BRINGING: bool>(
        value: &[u8],
        outline: Outline,
        size: usize,
        starts: &Starts,
        takes: Takes,
        own: impl FnMut(usize, &[u8]) -> Option<Own>,
    ) -> Option<Self> {
        if outline == Outline::NONE || size > MAX_CONTENT {
            return None;
        }
        let start = outline.block();
        let end = match outline.has_checksum() {
            false => value.len(),
            true => value.len().checked_sub(CHECKSUM_SIZE)?,
        };
        if outline.0 & Outline::RAW != 0 {
            let (literal_bytes, stream, start) = (start..end, end..end, Start::default());
            let whole = literal_bytes.len() == size;
            let kind = Literals::Raw;
            return whole.then_some(Self {
                kind,
                literal_bytes,
                four: false,
                literals: size,
                sequences: 0,
                stream,
                start,
                own: OwnStart::default(),
            });
        }
        let (kind, four, literal_bytes, literals) =
            read_literals::<BRINGING>(value.get(start..end)?)?;
        let has_code = match kind {
            Literals::Raw | Literals::Rle => true,
            Literals::Repeat => takes.repeat,
            Literals::Own => takes.own,
        };
        if literals > size || !has_code || four && !takes.four {
            return None;
        }
        let used = literal_bytes.end;
        let literal_bytes = start + literal_bytes.start..start + used;
        if kind == Literals::Repeat && literal_bytes.start < literals::BEFORE_STREAM {
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
        let (mut first, mut own_start) = (Start::default(), OwnStart::default());
        let mut stream = end..end;
        if used == section.len() {
            if section != [0] || literals != size {
                return None;
            }
        } else {
            let (start, own, single) =
                starts.read::<BRINGING>(section[used], &section[used + 1..], own)?;
            let used = used + 1 + single;
            (first, own_start) = (start, own);
            stream.start = at + used;
            let near = stream.start < sequences::BEFORE_STREAM;
            if sequences == 0 || sequences > size / 3 || near || stream.is_empty() {
                return None;
            }
        }
        Some(Self {
            kind,
            literal_bytes,
            four,
            literals,
            sequences,
            stream,
            start: first,
            own: own_start,
        })
    }
}

/// The kind of the literals, whether they are in four streams, the bytes of their section behind its
/// header (section 3.1.1.3.1.1), and how many literals these are.
#[inline(always)]
fn read_literals<const BRINGING: bool>(
    body: &[u8],
) -> Option<(Literals, bool, Range<usize>, usize)> {
    let first = *body.first()?;
    let start = match body.first_chunk() {
        Some(start) => u32::from_le_bytes(*start),
        None => u32::from_le_bytes(std::array::from_fn(|i| body.get(i).copied().unwrap_or(0))),
    };
    let format = (first >> 2) & 3;
    let (kind, four, header, size, count) = match first & 3 {
        kind @ (0 | 1) => {
            let (header, count) = match format {
                0 | 2 => (1, first as usize >> 3),
                1 => (2, (start >> 4 & 0xfff) as usize),
                _ => (3, (start >> 4 & 0xf_ffff) as usize),
            };
            match kind {
                0 => (Literals::Raw, false, header, count, count),
                _ => (Literals::Rle, false, header, 1, count),
            }
        }
        3 if format == 0 => {
            let (count, size) = ((start >> 4 & 0x3ff) as usize, (start >> 14 & 0x3ff) as usize);
            if count == 0 || size == 0 {
                return None;
            }
            (Literals::Repeat, false, 3, size, count)
        }
        kind if BRINGING => {
            let (header, count, size) = match format {
                0 | 1 => (3, start >> 4 & 0x3ff, start >> 14 & 0x3ff),
                2 => (4, start >> 4 & 0x3fff, start >> 18),
                // So many literals are not taken.
                _ => return None,
            };
            if count == 0 || size == 0 || format > 0 && count < MIN_FOUR {
                return None;
            }
            let kind = if kind == 2 { Literals::Own } else { Literals::Repeat };
            (kind, format > 0, header, size as usize, count as usize)
        }
        _ => return None,
    };
    (header + size <= body.len()).then_some((kind, four, header..header + size, count))
}
