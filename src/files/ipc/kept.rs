//! What a file says beside its batches, which a copy is to say too.

use arrow_ipc::writer::IpcWriteOptions;
use arrow_ipc::{CompressionType, KeyValue, Message, RecordBatch};
use arrow_schema::ArrowError;

/// How an Arrow IPC file or stream is written, and what an IPC file has in its footer.
#[derive(Debug, Default, Clone)]
pub(in crate::files) struct Kept {
    /// Of the buffers of its batches, by the first of them.
    compression: Option<CompressionType>,
    /// The footer's own key-value pairs. (Those of the schema are the schema's.)
    pub(in crate::files) footer: Vec<(String, String)>,
}

impl Kept {
    /// Notes the compression of a message, if that is a batch or a dictionary.
    pub(super) fn compressed_as(mut self, message: &Message<'_>) -> Self {
        let compression = batch_of(message).and_then(|batch| batch.compression());
        self.compression = compression.map(|compression| compression.codec());
        self
    }

    pub(super) fn with_footer<'a>(mut self, pairs: impl Iterator<Item = KeyValue<'a>>) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        self.footer = pairs.map(|pair| (text(pair.key()), text(pair.value()))).collect();
        self
    }

    /// What a writer is to be made with.
    pub(in crate::files) fn options(&self) -> Result<IpcWriteOptions, ArrowError> {
        IpcWriteOptions::default().try_with_compression(self.compression)
    }
}

/// The batch that a message has: its own, or a dictionary's.
pub(super) fn batch_of<'a>(message: &Message<'a>) -> Option<RecordBatch<'a>> {
    match message.header_as_record_batch() {
        Some(batch) => Some(batch),
        None => message.header_as_dictionary_batch().and_then(|batch| batch.data()),
    }
}
