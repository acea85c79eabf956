//! Sizes that a file claims, held against what there is.

use std::io::{self, Read};

use arrow_buffer::MutableBuffer;
use arrow_ipc::CompressionType;
use arrow_schema::ArrowError;

use super::damaged;
use super::kept::batch_of;
use crate::codec::{Format, read_value};

/// As much is believed at once.
const STEP: usize = 64 << 20;
/// In the place of the size of a buffer's content: the buffer is not compressed.
const NOT_COMPRESSED: i64 = -1;
/// The most content that a byte of LZ4 can stand for.
const LZ4_RATIO: u64 = 255;

/// Reads as many bytes as were claimed. Memory is taken for those that are known to be there, or for
/// [`STEP`], then for as much again as has come.
pub(super) fn read_claimed(
    input: &mut impl Read,
    size: u64,
    known: u64,
) -> Result<MutableBuffer, ArrowError> {
    let mut bytes = MutableBuffer::new(0);
    let mut left = size;
    while left > 0 {
        let have = bytes.len();
        // Not more than `left`, which is then a size of memory that is there.
        let next = left.min(known.max(STEP.max(have) as u64)) as usize;
        bytes.resize(have + next, 0);
        input.read_exact(&mut bytes[have..]).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                damaged(format!("it ends before {size} bytes that it has to have"))
            }
            _ => error.into(),
        })?;
        left -= next as u64;
    }
    Ok(bytes)
}

/// Holds the sizes that the compressed buffers of a message claim against what they can hold, and
/// sees whether there is memory for them: arrow-ipc takes it without a question.
pub(super) fn check_compressed(
    message: &arrow_ipc::Message<'_>,
    body: &[u8],
) -> Result<(), ArrowError> {
    let batch = batch_of(message);
    let Some((batch, compression)) = batch.and_then(|batch| Some((batch, batch.compression()?)))
    else {
        return Ok(());
    };
    for buffer in batch.buffers().iter().flatten() {
        let range =
            usize::try_from(buffer.offset()).ok().zip(usize::try_from(buffer.length()).ok());
        let bytes = range.and_then(|(start, size)| body.get(start..start.checked_add(size)?));
        let bytes = bytes.ok_or_else(|| damaged("a buffer lies outside its message"))?;
        // A buffer of no bytes has no size in front either.
        let Some((size, content)) = bytes.split_first_chunk() else { continue };
        let Some(claimed) = claim(i64::from_le_bytes(*size))? else { continue };
        let possible = match compression.codec() {
            CompressionType::ZSTD => {
                read_value(content, Format::Zstd)
                    .map_err(|error| damaged(format!("a compressed buffer: {error}")))?
                    .content_bound
            }
            CompressionType::LZ4_FRAME => (content.len() as u64).saturating_mul(LZ4_RATIO),
            other => return Err(damaged(format!("buffers are compressed by {other:?}"))),
        };
        if claimed > possible {
            return Err(damaged(format!(
                "a compressed buffer claims {claimed} bytes and can hold {possible} at the most"
            )));
        }
        check_memory(claimed)?;
    }
    Ok(())
}

fn claim(size: i64) -> Result<Option<u64>, ArrowError> {
    match size {
        NOT_COMPRESSED | 0 => Ok(None),
        size => match u64::try_from(size) {
            Ok(size) => Ok(Some(size)),
            Err(_) => Err(damaged(format!("a compressed buffer of {size} bytes"))),
        },
    }
}

/// Whether there is memory for so many bytes.
fn check_memory(bytes: u64) -> Result<(), ArrowError> {
    let mut room: Vec<u8> = Vec::new();
    match usize::try_from(bytes).map(|bytes| room.try_reserve_exact(bytes)) {
        Ok(Ok(())) => Ok(()),
        _ => Err(ArrowError::MemoryError(format!("no memory for a buffer of {bytes} bytes"))),
    }
}
