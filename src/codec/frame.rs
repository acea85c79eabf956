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
const SKIPPABLE_HEADER_SIZE: u64 = 8;
const BLOCK_HEADER_SIZE: u64 = 3;
const CHECKSUM_SIZE: u64 = 4;
/// The most that one compressed block can hold (section 3.1.1.2.4).
pub(crate) const MAX_BLOCK_SIZE: u64 = 128 << 10;
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

/// Reads the header of the frame that `bytes` begins with.
///
/// # Errors
///
/// The [`ValueError`] that says what the headers lack: the magic number, bytes, or truth.
pub fn read_header(bytes: &[u8], format: Format) -> Result<FrameHeader, ValueError> {
    let mut reader = Reader { bytes, at: 0 };
    if format == Format::Zstd {
        let magic = reader.number(4, "the magic number");
        if !magic.is_ok_and(|magic| magic == u64::from(MAGIC)) {
            return Err(wrong_magic(bytes));
        }
    }
    // Section 3.1.1.1.1: content size flag (2 bits), single segment, unused, reserved, checksum,
    // dictionary id flag (2 bits).
    let descriptor = reader.number(1, "the frame header")?;
    let single_segment = descriptor & 0x20 != 0;
    if descriptor & 0x08 != 0 {
        return Err(ValueError::Reserved("a bit of the frame header"));
    }
    let mut window_size = 0;
    if !single_segment {
        let window = reader.number(1, "the frame header")?;
        let log = 10 + (window >> 3) as u32;
        window_size = (1_u64 << log) + ((1_u64 << log) >> 3) * (window & 7);
        if log > MAX_WINDOW_LOG {
            let limit = 1 << MAX_WINDOW_LOG;
            return Err(ValueError::WindowTooLarge { window: window_size, limit });
        }
    }
    let id_size = [0, 1, 2, 4][(descriptor & 3) as usize];
    let dictionary_id = reader.number(id_size, "the frame header")? as u32;
    let content_size = match (descriptor >> 6, single_segment) {
        (0, false) => None,
        (0, true) => Some(reader.number(1, "the frame header")?),
        // Two bytes hold sizes from 256 on.
        (1, _) => Some(reader.number(2, "the frame header")? + 256),
        (2, _) => Some(reader.number(4, "the frame header")?),
        (_, _) => Some(reader.number(8, "the frame header")?),
    };
    Ok(FrameHeader {
        size: reader.at,
        window_size: if single_segment { content_size.unwrap_or_default() } else { window_size },
        content_size,
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
pub fn read_frame(bytes: &[u8], format: Format) -> Result<Frame, ValueError> {
    let header = read_header(bytes, format)?;
    let block_bound = header.window_size.min(MAX_BLOCK_SIZE);
    let mut reader = Reader { bytes, at: header.size };
    let mut blocks = 0;
    let mut content_bound = 0_u64;
    loop {
        // Section 3.1.1.2: last block (1 bit), type (2 bits), size (21 bits).
        let block = reader.number(BLOCK_HEADER_SIZE as usize, "a block header")?;
        let size = block >> 3;
        // What the block takes here, and what it holds. Neither a raw nor an RLE block is held
        // to the block size limit: libzstd decodes larger ones too.
        let (body, content) = match (block >> 1) & 3 {
            0 => (size, size),
            1 => (1, size),
            2 => (size, block_bound),
            _ => return Err(ValueError::Reserved("a block type")),
        };
        reader.skip(body, "a block")?;
        blocks += 1;
        // At most 2 MiB for each 4 bytes of input: no sum of these reaches 2^64.
        content_bound += content;
        if block & 1 != 0 {
            break;
        }
    }
    if header.checksum {
        reader.skip(CHECKSUM_SIZE, "the checksum")?;
    }
    match header.content_size {
        Some(claimed) if claimed > content_bound => {
            Err(ValueError::ContentSizeClaim { claimed, possible: content_bound })
        }
        _ => Ok(Frame { header, compressed_size: reader.at, blocks, content_bound }),
    }
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
    pub(crate) fn next_frame(&mut self) -> Result<Option<(&'a [u8], Frame)>, ValueError> {
        while !self.rest.is_empty() {
            let skipped = match self.format {
                Format::Zstd => self.skippable_size()?,
                Format::Magicless => None,
            };
            if let Some(size) = skipped {
                self.rest = &self.rest[size..];
                self.started = true;
                continue;
            }
            let frame = match read_frame(self.rest, self.format) {
                Err(ValueError::BadMagic { .. }) if self.started => {
                    return Err(ValueError::TrailingBytes { count: self.rest.len() });
                }
                other => other?,
            };
            let (bytes, rest) = self.rest.split_at(frame.compressed_size);
            self.rest = rest;
            self.started = true;
            return Ok(Some((bytes, frame)));
        }
        Ok(None)
    }

    /// The size of the skippable frame that comes next, if one does (section 3.1.2).
    fn skippable_size(&self) -> Result<Option<usize>, ValueError> {
        let mut reader = Reader { bytes: self.rest, at: 0 };
        match reader.number(4, "the magic number") {
            Ok(magic) if magic as u32 & SKIPPABLE_MASK == SKIPPABLE_MAGIC => {
                let size = reader.number(4, "a skippable frame's header")?;
                reader.skip(size, "a skippable frame")?;
                debug_assert_eq!(reader.at as u64, SKIPPABLE_HEADER_SIZE + size);
                Ok(Some(reader.at))
            }
            _ => Ok(None),
        }
    }
}

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

/// Little-endian numbers out of bytes, none past the end.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    #[inline]
    fn number(&mut self, size: usize, part: &'static str) -> Result<u64, ValueError> {
        let rest = &self.bytes[self.at..];
        let mut number = [0; 8];
        match rest.get(..size) {
            Some(bytes) => number[..size].copy_from_slice(bytes),
            None => {
                return Err(ValueError::Truncated {
                    part,
                    needed: size as u64,
                    left: rest.len() as u64,
                });
            }
        }
        self.at += size;
        Ok(u64::from_le_bytes(number))
    }

    #[inline]
    fn skip(&mut self, size: u64, part: &'static str) -> Result<(), ValueError> {
        let left = (self.bytes.len() - self.at) as u64;
        if size > left {
            return Err(ValueError::Truncated { part, needed: size, left });
        }
        // Not more than the length of a slice.
        self.at += size as usize;
        Ok(())
    }
}
