//! Arrow IPC streams: message after message, from an input that is read once.

use std::collections::HashMap;
use std::io::{BufReader, Read};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_ipc::{MessageHeader, root_as_message};
use arrow_schema::{ArrowError, SchemaRef};

use super::claims::{check_compressed, read_claimed};
use super::kept::Kept;
use super::{damaged, not_a_message, read_schema};

/// What stands in front of the size of a message; streams of before Arrow 0.15 do not have it.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// The batches of a stream.
pub(super) struct Batches<R> {
    input: BufReader<R>,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    /// The message behind the schema, before its turn.
    first: Option<Message>,
    kept: Kept,
    ended: bool,
}

/// A message: what it says, and the bytes that it is about.
struct Message {
    metadata: Buffer,
    body: Buffer,
}

impl<R: Read> Batches<R> {
    /// Reads the schema, and the message behind it.
    pub(super) fn open(input: R) -> Result<Self, ArrowError> {
        let mut input = BufReader::new(input);
        let Some(first) = next_message(&mut input)? else {
            return Err(damaged("a stream without a schema"));
        };
        let message = root_as_message(&first.metadata).map_err(not_a_message)?;
        let schema = read_schema(message.header_as_schema())?;
        let mut kept = Kept::default();
        let first = next_message(&mut input)?;
        if let Some(Message { metadata, .. }) = &first {
            kept = kept.compressed_as(&root_as_message(metadata).map_err(not_a_message)?);
        }
        let ended = first.is_none();
        Ok(Self { input, schema, dictionaries: HashMap::new(), first, kept, ended })
    }

    /// What a copy of the stream is to say too.
    pub(super) fn kept(&self) -> Kept {
        self.kept.clone()
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn next_message(&mut self) -> Result<Option<Message>, ArrowError> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => next_message(&mut self.input),
        }
    }

    /// The next batch, with all dictionaries in front of it; `None` at the end.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        while let Some(Message { metadata, body }) = self.next_message()? {
            let message = root_as_message(&metadata).map_err(not_a_message)?;
            check_compressed(&message, &body)?;
            let (version, dictionaries) = (message.version(), &mut self.dictionaries);
            let unreadable = || damaged("a message that is not what it says");
            match message.header_type() {
                MessageHeader::RecordBatch => {
                    let batch = message.header_as_record_batch().ok_or_else(unreadable)?;
                    let schema = self.schema.clone();
                    let read =
                        read_record_batch(&body, batch, schema, dictionaries, None, &version)?;
                    return Ok(Some(read));
                }
                MessageHeader::DictionaryBatch => {
                    let batch = message.header_as_dictionary_batch().ok_or_else(unreadable)?;
                    read_dictionary(&body, batch, &self.schema, dictionaries, &version)?;
                }
                other => {
                    let what = other.variant_name().unwrap_or("something unknown");
                    return Err(damaged(format!("{what} where a batch has to be")));
                }
            }
        }
        Ok(None)
    }
}

impl<R: Read> Iterator for Batches<R> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_batch().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// The next message; `None` at the end, which a stream may say or not.
fn next_message(input: &mut impl Read) -> Result<Option<Message>, ArrowError> {
    let mut start = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut start)?;
    if start.is_empty() {
        return Ok(None);
    }
    let mut size = [0; 4];
    match <[u8; 4]>::try_from(start) {
        Ok(CONTINUATION) => input.read_exact(&mut size)?,
        Ok(old) => size = old,
        Err(short) => return Err(damaged(format!("it ends after {} bytes", short.len()))),
    }
    let size = i32::from_le_bytes(size);
    let size = u64::try_from(size).map_err(|_| damaged(format!("a message of {size} bytes")))?;
    if size == 0 {
        return Ok(None);
    }
    let metadata: Buffer = read_claimed(input, size, 0)?.into();
    let length = root_as_message(&metadata).map_err(not_a_message)?.bodyLength();
    let length = u64::try_from(length)
        .map_err(|_| damaged(format!("a message with a body of {length} bytes")))?;
    Ok(Some(Message { body: read_claimed(input, length, 0)?.into(), metadata }))
}
