//! Dictionaries: what is common to many small values, kept once.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::codec::libzstd::{self, Content, DecompressDictionary};
use crate::codec::sample::Sample;
use crate::error::{Error, Result};

/// The size of a trained dictionary where none is said, in bytes: 110 KiB, as the `zstd` command.
pub const DEFAULT_DICTIONARY_SIZE: usize = 112_640;
/// The first bytes of a trained dictionary (RFC 8878, section 5).
const MAGIC: [u8; 4] = 0xEC30_A437_u32.to_le_bytes();

/// A zstd dictionary: trained (with an id and entropy tables) or raw content.
///
/// Cheap to clone. It is digested for decompression once, when first needed, and then shared by
/// all clones and threads; for compression once a [`Compressor`](crate::Compressor).
#[derive(Clone)]
pub struct Dictionary {
    inner: Arc<Inner>,
}

struct Inner {
    bytes: Vec<u8>,
    content: Content,
    id: u32,
    digested: OnceLock<Option<DecompressDictionary>>,
}

impl Dictionary {
    /// A dictionary from its bytes: trained if they begin with the magic number `37 a4 30 ec`,
    /// else raw content.
    ///
    /// # Errors
    ///
    /// [`Error::Dictionary`] if the bytes are none, or a trained dictionary that is damaged.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        Self::new(bytes.into(), Content::Auto)
    }

    /// A dictionary of raw content, whatever its bytes begin with.
    ///
    /// # Errors
    ///
    /// [`Error::Dictionary`] if there are no bytes.
    pub fn raw_content(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        Self::new(bytes.into(), Content::Raw)
    }

    fn new(bytes: Vec<u8>, content: Content) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::Dictionary("it has no bytes".into()));
        }
        let id = match content {
            Content::Auto => libzstd::dictionary_id(&bytes),
            Content::Raw => 0,
        };
        let trained = content == Content::Auto && bytes.starts_with(&MAGIC);
        let inner = Inner { bytes, content, id, digested: OnceLock::new() };
        let dictionary = Self { inner: Arc::new(inner) };
        if trained && id == 0 {
            // 0 means "no id" in frames and raw content here.
            return Err(Error::Dictionary("a trained dictionary has an id, this one has 0".into()));
        }
        if trained && dictionary.digested().is_err() {
            return Err(Error::Dictionary(
                "it begins as a trained dictionary does, but it is damaged".into(),
            ));
        }
        Ok(dictionary)
    }

    /// The id that frames made with this dictionary carry; 0 for raw content.
    pub fn id(&self) -> u32 {
        self.inner.id
    }

    /// The bytes, as they are stored in a file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    pub(super) fn content(&self) -> Content {
        self.inner.content
    }

    /// The form that decompression wants, made on first use.
    pub(super) fn digested(&self) -> Result<&DecompressDictionary> {
        self.inner
            .digested
            .get_or_init(|| DecompressDictionary::new(&self.inner.bytes, self.inner.content))
            .as_ref()
            .ok_or(Error::OutOfMemory { what: "a digested dictionary", bytes: 0 })
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("id", &self.inner.id)
            .field("size", &self.inner.bytes.len())
            .field("content", &self.inner.content)
            .finish()
    }
}

impl PartialEq for Dictionary {
    fn eq(&self, other: &Self) -> bool {
        self.inner.content == other.inner.content && self.inner.bytes == other.inner.bytes
    }
}

impl Eq for Dictionary {}

/// Trains a dictionary on a column that comes in parts, in bounded memory.
///
/// ```
/// use arrow_array::LargeBinaryArray;
/// use zstd_arrow::Trainer;
///
/// let mut trainer = Trainer::new(4096);
/// for batch in 0..20 {
///     let rows: Vec<String> =
///         (0..100).map(|i| format!("{{\"id\": {i}, \"batch\": {batch}, \"kind\": \"view\"}}")).collect();
///     trainer.push(&LargeBinaryArray::from_iter_values(&rows))?;
/// }
/// let dictionary = trainer.finish()?;
/// assert_ne!(dictionary.id(), 0);
/// # Ok::<(), zstd_arrow::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    size: usize,
    sample: Sample,
}

impl Trainer {
    /// Bytes of samples for each byte of dictionary, as libzstd's documentation advises.
    const SAMPLES_PER_BYTE: usize = 100;
    /// The least that is kept for a small dictionary, in bytes.
    const LEAST_SAMPLES: usize = 4 << 20;

    /// A trainer for a dictionary of at most `size` bytes.
    pub fn new(size: usize) -> Self {
        let budget = size.saturating_mul(Self::SAMPLES_PER_BYTE).max(Self::LEAST_SAMPLES);
        Self { size, sample: Sample::new(budget) }
    }

    /// Looks at the next value.
    pub(super) fn push_value(&mut self, value: &[u8]) {
        self.sample.push(value);
    }

    /// Trains on the sample.
    ///
    /// # Errors
    ///
    /// [`Error::Dictionary`] if there is too little to learn from, or `size` is below libzstd's
    /// least (256 bytes).
    pub fn finish(self) -> Result<Dictionary> {
        let (samples, sizes) = self.sample.into_parts();
        let bytes = libzstd::train(&samples, &sizes, self.size).map_err(|reason| {
            Error::Dictionary(format!(
                "cannot train {} bytes on {} samples of {} bytes in all: {reason}",
                self.size,
                sizes.len(),
                samples.len()
            ))
        })?;
        Dictionary::from_bytes(bytes)
    }
}
