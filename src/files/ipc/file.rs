//! Arrow IPC files: a footer at the end says where the batches are.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::vec::IntoIter;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, root_as_footer, root_as_message};
use arrow_schema::{ArrowError, SchemaRef};

use super::claims::{check_compressed, read_claimed};
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
        };
        for block in footer.dictionaries().iter().flatten() {
            let bytes = read.block(block)?;
            read.decoder.read_dictionary(block, &bytes)?;
        }
        Ok(read)
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The bytes of a message, with its body.
    fn block(&mut self, block: &Block) -> Result<Buffer, ArrowError> {
        let number = |number: i64| u64::try_from(number).ok();
        let place = || {
            let start = number(block.offset())?;
            let metadata = number(block.metaDataLength().into())?;
            let bytes = metadata.checked_add(number(block.bodyLength())?)?;
            let inside = start.checked_add(bytes)? <= self.size;
            inside.then_some((start, metadata as usize, bytes))
        };
        let (start, metadata, bytes) =
            place().ok_or_else(|| damaged("a batch lies outside the file"))?;
        self.file.seek(SeekFrom::Start(start))?;
        let bytes: Buffer = read_claimed(&mut self.file, bytes, bytes)?.into();
        let [whole, body] = [&bytes[..metadata], &bytes[metadata..]];
        let prefix = PREFIX[usize::from(!whole.starts_with(&[0xFF; 4]))];
        let message = whole.get(prefix..).ok_or_else(|| damaged("a message of no bytes"))?;
        check_compressed(&root_as_message(message).map_err(not_a_message)?, body)?;
        Ok(bytes)
    }
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
