//! Frame and block headers, read here and not by libzstd, after RFC 8878, section 3.
//!
//! ```text
//! value  = frame | skippable frame, one or more
//! frame  = magic 4 | header 2..14 | block 1.. | checksum 0 or 4
//! block  = header 3 | body
//! ```
//!
//! This is what lets a whole column be planned before a byte of it is decoded: how large each
//! value will be, whether its headers can be believed, and which dictionary it needs. Nothing here
//! decodes, and nothing allocates.

use crate::error::ValueError;

/// Frames with or without the four bytes of magic number in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Frames as RFC 8878 has them.
    #[default]
    Zstd,
    /// Frames without the magic number: 4 bytes less a value, no skippable frames, and nothing to
    /// tell them from other bytes.
    Magicless,
}

const MAGIC: u32 = 0xFD2F_B528;
const SKIPPABLE_MAGIC: u32 = 0x184D_2A50;
/// The low four bits of a skippable frame's magic number are free (section 3.1.2).
const SKIPPABLE_MASK: u32 = 0xFFFF_FFF0;
const BLOCK_HEADER_SIZE: u64 = 3;
const CHECKSUM_SIZE: u64 = 4;
/// The most that one compressed block can hold (section 3.1.1.2.4).
pub(crate) const MAX_BLOCK_SIZE: u64 = 128 << 10;
/// The least bytes of a compressed block's body: libzstd refuses a smaller one.
const MIN_COMPRESSED_BLOCK: u64 = 2;
/// A content size of all ones is libzstd's own mark for one that is not known.
const UNKNOWN_SIZE: u64 = u64::MAX;
/// The largest window that libzstd decodes on a 64-bit machine: 2 GiB.
const MAX_WINDOW_LOG: u32 = 31;

/// What a frame's header says (RFC 8878, section 3.1.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes of the header, the magic number included.
    pub size: usize,
    /// The window in bytes; the content size for a single-segment frame.
    pub window_size: u64,
    /// The content size in bytes, if it is there. A claim until the frame is decoded.
    pub content_size: Option<u64>,
    /// The id of the dictionary that the frame was made with, if it is there.
    pub dictionary_id: Option<u32>,
    /// Whether a checksum of the content follows the last block.
    pub checksum: bool,
}

/// One frame, from its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// What the header says.
    pub header: FrameHeader,
    /// Bytes of the whole frame, from magic number to checksum.
    pub compressed_size: usize,
    /// The number of blocks.
    pub blocks: u64,
    /// The most content that the blocks can hold, in bytes.
    pub content_bound: u64,
}

/// All frames of one value, from their headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValueInfo {
    /// The content size in bytes, if each frame says it.
    pub content_size: Option<u64>,
    /// The most content that the value's blocks can hold, in bytes.
    pub content_bound: u64,
    /// The largest window in bytes.
    pub window_size: u64,
    /// The dictionary id of the first frame that has one.
    pub dictionary_id: Option<u32>,
    /// Whether each frame carries a checksum.
    pub checksum: bool,
    /// The number of frames, skippable ones not counted.
    pub frames: u32,
}

/// The most bytes that a header takes (section 3.1.1.1): magic number 4, descriptor 1, window 1,
/// dictionary id 4, content size 8.
const MAX_HEADER_SIZE: usize = 18;
/// So many bytes that each field can be read as eight, with those behind it masked off.
const READ_AHEAD: usize = MAX_HEADER_SIZE + 8;

/// Reads the header of the frame that `bytes` begins with.
///
/// # Errors
///
/// The [`ValueError`] that says what the header lacks: the magic number, bytes, or sense.
#[inline(always)]
pub fn read_header(bytes: &[u8], format: Format) -> Result<FrameHeader, ValueError> {
    let magic_size = match format {
        Format::Zstd if !bytes.starts_with(&MAGIC.to_le_bytes()) => return Err(wrong_magic(bytes)),
        Format::Zstd => 4,
        Format::Magicless => 0,
    };
    match bytes.first_chunk() {
        Some(whole) => match parse_header(whole, magic_size) {
            Ok(header) => Ok(header),
            Err(broken) => Err(broken.into_error()),
        },
        None => read_short_header(bytes, magic_size),
    }
}

/// What can be wrong with a header that is all there. Smaller than a [`ValueError`]: a header that
/// shares its place with one of those is written to memory in pieces and read back in others, and
/// waits for that.
#[derive(Clone, Copy)]
enum BrokenHeader {
    ReservedBit,
    Window(u64),
}

impl BrokenHeader {
    #[cold]
    fn into_error(self) -> ValueError {
        match self {
            BrokenHeader::ReservedBit => ValueError::Reserved("a bit of the frame header"),
            BrokenHeader::Window(window) => {
                ValueError::WindowTooLarge { window, limit: 1 << MAX_WINDOW_LOG }
            }
        }
    }
}

/// [`read_header`] where the value ends too soon to read ahead: with zeros behind it, and a look
/// at whether the header went into them.
#[cold]
fn read_short_header(bytes: &[u8], magic_size: usize) -> Result<FrameHeader, ValueError> {
    let mut padded = [0; READ_AHEAD];
    padded[..bytes.len()].copy_from_slice(bytes);
    let header = parse_header(&padded, magic_size).map_err(BrokenHeader::into_error);
    // Of a header that is not there to its end, nothing can be said but that. The descriptor
    // tells the size, whatever else is wrong.
    let size = usize::from(Fields::of(padded[magic_size]).size) + magic_size;
    match bytes.len() > magic_size && bytes.len() >= size {
        true => header,
        false => Err(ValueError::Truncated {
            part: "the frame header",
            needed: if bytes.len() > magic_size { size as u64 } else { magic_size as u64 + 2 },
            left: bytes.len() as u64,
        }),
    }
}

/// Where a header's fields are, which its descriptor says: bytes behind the magic number, and bytes.
#[derive(Clone, Copy)]
struct Fields {
    /// Of the header, the descriptor included.
    size: u8,
    /// Of the window: 0 for a single segment.
    window_bytes: u8,
    id_at: u8,
    id_bytes: u8,
    content_at: u8,
    content_bytes: u8,
    /// What a content size counts from.
    content_from: u16,
}

impl Fields {
    /// Section 3.1.1.1.1: content size flag (2 bits), single segment, unused, reserved, checksum,
    /// dictionary id flag (2 bits).
    const fn of(descriptor: u8) -> Self {
        let single_segment = descriptor >> 5 & 1;
        let window_bytes = 1 - single_segment;
        let id_bytes = [0, 1, 2, 4][(descriptor & 3) as usize];
        let content_bytes = [single_segment, 2, 4, 8][(descriptor >> 6) as usize];
        let id_at = 1 + window_bytes;
        let content_at = id_at + id_bytes;
        Self {
            size: content_at + content_bytes,
            window_bytes,
            id_at,
            id_bytes,
            content_at,
            content_bytes,
            // Two bytes hold sizes from 256 on.
            content_from: if content_bytes == 2 { 256 } else { 0 },
        }
    }
}

/// [`Fields::of`] each descriptor.
static FIELDS: [Fields; 256] = {
    let mut fields = [Fields::of(0); 256];
    let mut descriptor = 0;
    while descriptor < 256 {
        fields[descriptor] = Fields::of(descriptor as u8);
        descriptor += 1;
    }
    fields
};

/// Numbers of so many bytes, of eight that were read.
static MASKS: [u64; 9] = [0, 0xff, 0xffff, 0, 0xffff_ffff, 0, 0, 0, u64::MAX];

/// The header behind a magic number of `start` bytes.
#[inline(always)]
fn parse_header(bytes: &[u8; READ_AHEAD], start: usize) -> Result<FrameHeader, BrokenHeader> {
    let descriptor = bytes[start];
    if descriptor & 0x08 != 0 {
        return Err(BrokenHeader::ReservedBit);
    }
    let fields = &FIELDS[usize::from(descriptor)];
    let field = |at: u8, size: u8| {
        let at = start + usize::from(at);
        let mut eight = [0; 8];
        eight.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(eight) & MASKS[usize::from(size)]
    };
    let dictionary_id = field(fields.id_at, fields.id_bytes) as u32;
    let content = field(fields.content_at, fields.content_bytes);
    let content_size = content.wrapping_add(u64::from(fields.content_from));
    let window_size = match fields.window_bytes {
        0 => content_size,
        _ => {
            let (exponent, mantissa) = (bytes[start + 1] >> 3, u64::from(bytes[start + 1] & 7));
            let base = 1_u64 << (10 + exponent);
            let window = base + (base >> 3) * mantissa;
            if 10 + u32::from(exponent) > MAX_WINDOW_LOG {
                return Err(BrokenHeader::Window(window));
            }
            window
        }
    };
    let has_content_size = fields.content_bytes > 0 && content_size != UNKNOWN_SIZE;
    Ok(FrameHeader {
        size: start + usize::from(fields.size),
        window_size,
        content_size: has_content_size.then_some(content_size),
        dictionary_id: (dictionary_id != 0).then_some(dictionary_id),
        checksum: descriptor & 0x04 != 0,
    })
}

/// Reads the header of the frame that `bytes` begins with and walks its blocks.
///
/// A content size larger than what the blocks can hold is an error, so that no memory is taken on
/// a header's word. How each compressed block uses its bytes is not looked at.
///
/// # Errors
///
/// As [`read_header`]; [`ValueError::ContentSizeClaim`].
#[inline(always)]
pub fn read_frame(bytes: &[u8], format: Format) -> Result<Frame, ValueError> {
    let header = read_header(bytes, format)?;
    let block_bound = header.window_size.min(MAX_BLOCK_SIZE);
    let mut rest = &bytes[header.size..];
    let mut blocks = 0;
    let mut content_bound = 0_u64;
    loop {
        // Section 3.1.1.2: last block (1 bit), type (2 bits), size (21 bits).
        let [a, b, c] = *split(&mut rest, BLOCK_HEADER_SIZE, "a block header")? else {
            unreachable!("split gives as many bytes as it was asked for")
        };
        let block = u32::from_le_bytes([a, b, c, 0]);
        let size = u64::from(block >> 3);
        // What the block takes here, and what it holds. Neither a raw nor an RLE block is held
        // to the block size limit: libzstd decodes larger ones too.
        let (body, content) = match (block >> 1) & 3 {
            0 => (size, size),
            1 => (1, size),
            // No compressed block has less than a literals and a sequences header.
            2 => (size, if size < MIN_COMPRESSED_BLOCK { 0 } else { block_bound }),
            _ => return Err(ValueError::Reserved("a block type")),
        };
        split(&mut rest, body, "a block")?;
        blocks += 1;
        // At most 2 MiB for each 4 bytes of input: no sum of these reaches 2^64.
        content_bound += content;
        if block & 1 != 0 {
            break;
        }
    }
    if header.checksum {
        split(&mut rest, CHECKSUM_SIZE, "the checksum")?;
    }
    let compressed_size = bytes.len() - rest.len();
    match header.content_size {
        Some(claimed) if claimed > content_bound => {
            Err(ValueError::ContentSizeClaim { claimed, possible: content_bound })
        }
        _ => Ok(Frame { header, compressed_size, blocks, content_bound }),
    }
}

/// What a block is (section 3.1.1.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// Its content.
    Raw,
    /// One byte of it, which it repeats.
    Rle,
    Compressed,
}

/// A value that is one frame of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Simple {
    pub(crate) header: FrameHeader,
    pub(crate) content_bound: u64,
    pub(crate) kind: BlockKind,
    /// Bytes of the block's body, which lies behind the frame's header and its own.
    pub(crate) body: usize,
}

impl Simple {
    /// Where in the frame the block's body begins.
    pub(crate) fn start(&self) -> usize {
        self.header.size + BLOCK_HEADER_SIZE as usize
    }
}

/// Reads a value that is one frame of one block and nothing else, as nearly all small values are;
/// `None` says nothing of any other. [`Frames`] has to be ready for everything, which takes longer
/// than such a value is worth.
#[inline(always)]
pub(crate) fn read_simple(bytes: &[u8], format: Format) -> Option<Simple> {
    let start = match format {
        Format::Zstd if !bytes.starts_with(&MAGIC.to_le_bytes()) => return None,
        Format::Zstd => 4,
        Format::Magicless => 0,
    };
    let mut padded = [0; READ_AHEAD];
    let front = match bytes.first_chunk() {
        Some(front) => front,
        None => {
            padded[..bytes.len()].copy_from_slice(bytes);
            &padded
        }
    };
    let Ok(header) = parse_header(front, start) else { return None };
    read_only_block(bytes, header)
}

/// The rest of a value that begins with this header, if that is one block and nothing else.
#[inline(always)]
fn read_only_block(bytes: &[u8], header: FrameHeader) -> Option<Simple> {
    let [a, b, c, behind @ ..] = bytes.get(header.size..)? else { return None };
    let block = u32::from_le_bytes([*a, *b, *c, 0]);
    let size = u64::from(block >> 3);
    let (kind, body, content_bound) = match (block >> 1) & 3 {
        0 => (BlockKind::Raw, size, size),
        1 => (BlockKind::Rle, 1, size),
        2 if size >= MIN_COMPRESSED_BLOCK => {
            (BlockKind::Compressed, size, header.window_size.min(MAX_BLOCK_SIZE))
        }
        _ => return None,
    };
    let rest = body + if header.checksum { CHECKSUM_SIZE } else { 0 };
    let whole = block & 1 != 0 && rest == behind.len() as u64;
    let believable = header.content_size.is_none_or(|claimed| claimed <= content_bound);
    (whole && believable).then_some(Simple {
        header,
        content_bound,
        kind,
        // Not more than there are.
        body: body as usize,
    })
}

/// [`read_simple`] for one value after the other. Headers of a column are alike up to their content
/// sizes, as a rule; then what the one before said is not taken apart again.
pub(crate) struct SimpleReader {
    format: Format,
    seen: Option<SeenHeader>,
}

/// Bytes that are looked at of a header that may be like the one before: up to ten before the content
/// size, and eight.
const ALIKE: usize = 18;

/// A header, and what others have to be like to be the same up to their content sizes.
struct SeenHeader {
    header: FrameHeader,
    /// Its bytes up to the content size, and all bits of these.
    front: u128,
    mask: u128,
    /// Where the content size is, its bits, and what it counts from.
    content_at: usize,
    content_mask: u64,
    content_from: u64,
    single_segment: bool,
}

impl SimpleReader {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, seen: None }
    }

    #[inline(always)]
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Option<Simple> {
        if let Some(seen) = &self.seen
            && let Some(front) = bytes.first_chunk::<ALIKE>()
            && let Some(sixteen) = front.first_chunk()
            && (u128::from_le_bytes(*sixteen) ^ seen.front) & seen.mask == 0
            && let Some(eight) = front[seen.content_at..].first_chunk()
        {
            let size = (u64::from_le_bytes(*eight) & seen.content_mask) + seen.content_from;
            let window_size = if seen.single_segment { size } else { seen.header.window_size };
            let header = FrameHeader { content_size: Some(size), window_size, ..seen.header };
            return read_only_block(bytes, header);
        }
        let simple = read_simple(bytes, self.format)?;
        if bytes.len() >= ALIKE {
            self.remember(bytes, simple.header);
        }
        Some(simple)
    }

    #[cold]
    fn remember(&mut self, bytes: &[u8], header: FrameHeader) {
        let start = match self.format {
            Format::Zstd => 4,
            Format::Magicless => 0,
        };
        let fields = Fields::of(bytes[start]);
        // Sizes of eight bytes have a number that says there is none.
        if !(1..8).contains(&fields.content_bytes) {
            return;
        }
        let content_at = start + usize::from(fields.content_at);
        let mut front = [0; 16];
        front[..content_at].copy_from_slice(&bytes[..content_at]);
        self.seen = Some(SeenHeader {
            header,
            front: u128::from_le_bytes(front),
            mask: (1 << (8 * content_at)) - 1,
            content_at,
            content_mask: MASKS[usize::from(fields.content_bytes)],
            content_from: u64::from(fields.content_from),
            single_segment: fields.window_bytes == 0,
        });
    }
}

/// The value from its first frame on that is not skippable: empty if there is none.
pub fn without_skippable(bytes: &[u8], format: Format) -> &[u8] {
    let mut rest = bytes;
    while format == Format::Zstd && !rest.is_empty() {
        let frames = Frames { rest, format, started: true };
        match frames.skippable_size() {
            Ok(Some(size)) => rest = &rest[size..],
            // What is damaged or no frame at all is for the next reader to say.
            Ok(None) | Err(_) => break,
        }
    }
    rest
}

/// Reads all frames of a value, to its last byte.
///
/// # Errors
///
/// As [`read_frame`]; [`ValueError::Empty`]; [`ValueError::TrailingBytes`].
pub fn read_value(bytes: &[u8], format: Format) -> Result<ValueInfo, ValueError> {
    let mut frames = Frames::new(bytes, format)?;
    let mut value = ValueInfo { content_size: Some(0), checksum: true, ..ValueInfo::default() };
    while let Some((_, frame)) = frames.next_frame()? {
        value.content_size = value
            .content_size
            .zip(frame.header.content_size)
            .and_then(|(sum, size)| sum.checked_add(size));
        value.content_bound += frame.content_bound;
        value.window_size = value.window_size.max(frame.header.window_size);
        value.dictionary_id = value.dictionary_id.or(frame.header.dictionary_id);
        value.checksum &= frame.header.checksum;
        value.frames += 1;
    }
    value.checksum &= value.frames > 0;
    Ok(value)
}

/// The frames of a value, one after the other; skippable ones are passed over.
pub(crate) struct Frames<'a> {
    rest: &'a [u8],
    format: Format,
    /// Whether anything was read; what follows that is no frame is then a trailing byte.
    started: bool,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(bytes: &'a [u8], format: Format) -> Result<Self, ValueError> {
        if bytes.is_empty() {
            return Err(ValueError::Empty);
        }
        Ok(Self { rest: bytes, format, started: false })
    }

    /// The next frame and its bytes, or `None` after the last.
    #[inline]
    pub(crate) fn next_frame(&mut self) -> Result<Option<(&'a [u8], Frame)>, ValueError> {
        while !self.rest.is_empty() {
            if self.format == Format::Zstd && !self.rest.starts_with(&MAGIC.to_le_bytes()) {
                if let Some(size) = self.skippable_size()? {
                    self.rest = &self.rest[size..];
                    self.started = true;
                    continue;
                }
                return Err(match self.started {
                    true => ValueError::TrailingBytes { count: self.rest.len() },
                    false => wrong_magic(self.rest),
                });
            }
            let frame = read_frame(self.rest, self.format)?;
            let (bytes, rest) = self.rest.split_at(frame.compressed_size);
            self.rest = rest;
            self.started = true;
            return Ok(Some((bytes, frame)));
        }
        Ok(None)
    }

    /// The size of the skippable frame that comes next, if one does (section 3.1.2).
    #[cold]
    fn skippable_size(&self) -> Result<Option<usize>, ValueError> {
        let mut rest = self.rest;
        let Some(magic) = rest.split_off(..4) else { return Ok(None) };
        if le_u32(magic) & SKIPPABLE_MASK != SKIPPABLE_MAGIC {
            return Ok(None);
        }
        let size = le_u32(split(&mut rest, 4, "a skippable frame's header")?);
        split(&mut rest, u64::from(size), "a skippable frame")?;
        Ok(Some(self.rest.len() - rest.len()))
    }
}

#[cold]
fn wrong_magic(bytes: &[u8]) -> ValueError {
    let magic = MAGIC.to_le_bytes();
    match bytes.len() {
        0 => ValueError::Empty,
        // Too short to say, and so far nothing speaks against it.
        left @ 1..=3 if bytes == &magic[..left] => {
            ValueError::Truncated { part: "the magic number", needed: 4, left: left as u64 }
        }
        len => ValueError::BadMagic { found: bytes[..len.min(4)].to_vec() },
    }
}

fn le_u32(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Takes the next `size` bytes off the front of `rest`.
#[inline(always)]
fn split<'a>(rest: &mut &'a [u8], size: u64, part: &'static str) -> Result<&'a [u8], ValueError> {
    let left = rest.len() as u64;
    if size > left {
        return Err(ValueError::Truncated { part, needed: size, left });
    }
    // Not more than the length of a slice.
    let (front, behind) = rest.split_at(size as usize);
    *rest = behind;
    Ok(front)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

        /// The quick reader says what the general one says, or nothing: over bytes that begin as
        /// frames do, and are sound or not.
        #[test]
        fn simple_is_what_the_general_reader_says(
            descriptor in any::<u8>(),
            fields in proptest::collection::vec(0..4_u8, 0..14),
            other_fields in proptest::collection::vec(0..2_u8, 0..14),
            kind in 0..4_u32,
            size in 0..40_u32,
            body in proptest::collection::vec(any::<u8>(), 0..60),
            last in any::<bool>(),
            exact in any::<bool>(),
            magicless in any::<bool>(),
        ) {
            let mut bytes = if magicless { vec![] } else { MAGIC.to_le_bytes().to_vec() };
            bytes.push(descriptor);
            let wanted = usize::from(Fields::of(descriptor).size) - 1;
            let mut before = bytes.clone();
            // An empty last block behind the other fields.
            let padded = |fields: &[u8]| fields.iter().copied().chain(std::iter::repeat(0)).take(wanted).collect::<Vec<_>>();
            before.extend(padded(&other_fields).iter().chain(&[1; 3]).chain(&[0; 40]));
            bytes.extend(padded(&fields));
            bytes.extend(&(size << 3 | kind << 1 | u32::from(last)).to_le_bytes()[..3]);
            bytes.extend(&body);
            if exact {
                let checksum = usize::from(descriptor & 4 != 0) * 4;
                let body = if kind == 1 { 1 } else { size as usize };
                let before = if magicless { 0 } else { 4 } + 1 + wanted + 3;
                bytes.truncate(before + body + checksum);
            }
            let format = if magicless { Format::Magicless } else { Format::Zstd };
            let general = read_value(&bytes, format);
            // With the header of a value like this one, and of another, in mind.
            let mut reader = SimpleReader::new(format);
            for other in [&before[..], &bytes, &bytes] {
                prop_assert_eq!(reader.read(other), read_simple(other, format));
            }
            if let Some(simple) = read_simple(&bytes, format) {
                let general = general.unwrap();
                prop_assert_eq!(general.frames, 1);
                prop_assert_eq!(Ok(simple.header), read_header(&bytes, format));
                prop_assert_eq!(simple.header.content_size, general.content_size);
                prop_assert_eq!(simple.content_bound, general.content_bound);
                prop_assert_eq!(simple.header.window_size, general.window_size);
                prop_assert_eq!(simple.header.dictionary_id, general.dictionary_id);
                let kinds = [BlockKind::Raw, BlockKind::Rle, BlockKind::Compressed];
                prop_assert_eq!(Some(&simple.kind), kinds.get(kind as usize));
                let behind = simple.body + if simple.header.checksum { 4 } else { 0 };
                prop_assert_eq!(simple.start() + behind, bytes.len());
            }
        }
    }

    /// It does take what it is made for.
    #[test]
    fn simple_takes_small_frames() {
        for size in [3, 40, 300, 5000] {
            let value: Vec<u8> = (0..size).map(|i| (i % 7) as u8).collect();
            for level in [1, 3, 19] {
                let frame = zstd::bulk::compress(&value, level).unwrap();
                let simple = read_simple(&frame, Format::Zstd).unwrap();
                assert_eq!(simple.header.content_size, Some(size));
            }
        }
    }
}
