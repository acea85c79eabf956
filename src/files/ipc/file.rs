//! Arrow IPC files: a footer at the end says where the batches are.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::vec::IntoIter;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, Message, root_as_footer, root_as_message};
use arrow_schema::{ArrowError, SchemaRef};

use super::claims::{check_compressed, read_claimed};
use super::kept::Kept;
use super::{damaged, not_a_message, read_schema};

/// Behind the footer: its size, and the magic number.
const TRAILER: u64 = 10;
/// In front of a message: the continuation marker and the message's size, or, before Arrow 0.15,
/// the size alone.
const PREFIX: [usize; 2] = [8, 4];

/// The batches of a file.
pub(super) struct Batches {
    file: File,
    size: u64,
    schema: SchemaRef,
    decoder: FileDecoder,
    blocks: IntoIter<Block>,
    kept: Kept,
}

impl Batches {
    /// Reads the footer and the dictionaries.
    pub(super) fn open(mut file: File) -> Result<Self, ArrowError> {
        let size = file.metadata()?.len();
        let outside = || damaged("the footer lies outside the file");
        let trailer_at = size.checked_sub(TRAILER).ok_or_else(outside)?;
        let mut trailer = [0; TRAILER as usize];
        file.seek(SeekFrom::Start(trailer_at))?;
        file.read_exact(&mut trailer)?;
        let footer_size = read_footer_length(trailer)? as u64;
        let footer_at = trailer_at.checked_sub(footer_size).ok_or_else(outside)?;
        file.seek(SeekFrom::Start(footer_at))?;
        let bytes = read_claimed(&mut file, footer_size, footer_size)?;
        let footer = root_as_footer(&bytes)
            .map_err(|error| damaged(format!("a footer that is none: {error}")))?;
        let schema = read_schema(footer.schema())?;
        let batches =
            footer.recordBatches().ok_or_else(|| damaged("the footer lists no batches"))?;
        let mut read = Self {
            file,
            size,
            decoder: FileDecoder::new(schema.clone(), footer.version()),
            schema,
            blocks: batches.iter().copied().collect::<Vec<_>>().into_iter(),
            kept: Kept::default().with_footer(footer.custom_metadata().iter().flatten()),
        };
        if let Some(first) = batches.iter().next() {
            let (start, metadata, _) = read.place(first)?;
            let whole = read.bytes(start, metadata as u64)?;
            read.kept = read.kept.compressed_as(&message(&whole)?);
        }
        for block in footer.dictionaries().iter().flatten() {
            let bytes = read.block(block)?;
            read.decoder.read_dictionary(block, &bytes)?;
        }
        Ok(read)
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// What a copy of the file is to say too.
    pub(super) fn kept(&self) -> Kept {
        self.kept.clone()
    }

    /// Where a message is: its start, the bytes of its metadata, and those with its body.
    fn place(&self, block: &Block) -> Result<(u64, usize, u64), ArrowError> {
        let number = |number: i64| u64::try_from(number).ok();
        let place = || {
            let start = number(block.offset())?;
            let metadata = number(block.metaDataLength().into())?;
            let bytes = metadata.checked_add(number(block.bodyLength())?)?;
            let inside = start.checked_add(bytes)? <= self.size;
            inside.then_some((start, metadata as usize, bytes))
        };
        place().ok_or_else(|| damaged("a batch lies outside the file"))
    }

    /// Bytes that are there.
    fn bytes(&mut self, start: u64, bytes: u64) -> Result<Buffer, ArrowError> {
        self.file.seek(SeekFrom::Start(start))?;
        Ok(read_claimed(&mut self.file, bytes, bytes)?.into())
    }

    /// The bytes of a message, with its body.
    fn block(&mut self, block: &Block) -> Result<Buffer, ArrowError> {
        let (start, metadata, bytes) = self.place(block)?;
        let bytes = self.bytes(start, bytes)?;
        check_compressed(&message(&bytes[..metadata])?, &bytes[metadata..])?;
        Ok(bytes)
    }
}

/// A message by its metadata, with what stands in front of that.
fn message(whole: &[u8]) -> Result<Message<'_>, ArrowError> {
    let prefix = PREFIX[usize::from(!whole.starts_with(&[0xFF; 4]))];
    let message = whole.get(prefix..).ok_or_else(|| damaged("a message of no bytes"))?;
    root_as_message(message).map_err(not_a_message)
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let block = self.blocks.next()?;
            let read = self.block(&block);
            let batch = read.and_then(|bytes| self.decoder.read_record_batch(&block, &bytes));
            // A message that is none (`NONE`) is passed over, as arrow-ipc does.
            if let Some(batch) = batch.transpose() {
                return Some(batch);
            }
        }
    }
}
