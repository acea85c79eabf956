//! One frame by libzstd's streaming decoder, which tells how far it came.
//!
//! The column path does not need it: a value is all there, and its size is known. It is for callers
//! who want the first frame of a value and what follows left alone, and for a second look at a value
//! that failed.

use std::sync::Mutex;

use crate::codec::dictionary::Dictionary;
use crate::codec::frame::Format;
use crate::codec::libzstd::{DecompressContext, Failure, Streamed};
use crate::codec::options::out_of_memory;
use crate::codec::workers::lock;
use crate::error::{Error, Result};

/// What one block can hold at the most (RFC 8878, section 3.1.1.2.4), in bytes.
const MAX_BLOCK: usize = 128 << 10;
/// What one block takes at the least, in bytes: its header and a byte.
const LEAST_BLOCK: usize = 4;

/// What decoding the first frame of a value gave.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FirstFrame {
    /// The content, or what there is of it.
    pub content: Vec<u8>,
    /// Bytes of the value that were read.
    pub read: usize,
    /// Whether the frame was read and written to its end.
    pub finished: bool,
    /// What libzstd refused it for.
    pub refused: Option<&'static str>,
}

/// Decodes the first frame of a value: at most `size` bytes of content, whatever is behind the frame.
///
/// Memory is taken for what the value's blocks can hold, not for what `size` says. `max_window` is the
/// largest window in bytes that is taken; `None` is libzstd's own limit of 128 MiB.
///
/// # Errors
///
/// [`Error::OutOfMemory`]; [`Error::Option`] if `max_window` is outside its range. A frame that is bad is
/// no error but said in the result.
pub fn decompress_first_frame(
    value: &[u8],
    size: u64,
    dictionary: Option<&Dictionary>,
    format: Format,
    max_window: Option<usize>,
) -> Result<FirstFrame> {
    let possible = (value.len() / LEAST_BLOCK + 1).saturating_mul(MAX_BLOCK);
    let room = usize::try_from(size).map_or(possible, |size| size.min(possible));
    let mut content: Vec<u8> = Vec::new();
    let no_memory = |_| Error::OutOfMemory { what: "a value", bytes: room as u64 };
    content.try_reserve_exact(room).map_err(no_memory)?;
    let digested = dictionary.map(Dictionary::digested).transpose()?;
    let mut context = take_context(format)?;
    let target = &mut content.spare_capacity_mut()[..room];
    let outcome = context.stream(target, value, digested, max_window);
    if max_window.is_none() {
        keep_context(format, context);
    }
    Ok(match outcome {
        Ok(Streamed { written, read, finished }) => {
            // SAFETY: libzstd has written this many bytes to the front.
            unsafe { content.set_len(written) };
            FirstFrame { content, read, finished, refused: None }
        }
        Err(failure) if failure.is_out_of_memory() => {
            return Err(Error::OutOfMemory { what: "a window", bytes: 0 });
        }
        Err(failure) => {
            let refused = Some(Failure::text(failure));
            FirstFrame { content: Vec::new(), read: 0, finished: false, refused }
        }
    })
}

/// Contexts that wait for the next call, by format: making one takes longer than a small frame.
static IDLE: [Mutex<Vec<DecompressContext>>; 2] = [Mutex::new(Vec::new()), Mutex::new(Vec::new())];
/// How many wait at the most, for each format, and with how much memory: a frame that did not fit in
/// its place leaves a window behind.
const KEPT: usize = 4;
const KEPT_SIZE: usize = 1 << 20;

fn take_context(format: Format) -> Result<DecompressContext> {
    let magicless = format == Format::Magicless;
    let idle = lock(&IDLE[usize::from(magicless)]).pop();
    idle.map_or_else(|| DecompressContext::new(magicless).map_err(out_of_memory), Ok)
}

fn keep_context(format: Format, context: DecompressContext) {
    let mut idle = lock(&IDLE[usize::from(format == Format::Magicless)]);
    if idle.len() < KEPT && context.size() <= KEPT_SIZE {
        idle.push(context);
    }
}
