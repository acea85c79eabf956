//! Dictionaries: what is common to many small values, kept once.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::codec::batch::Prepared;
use crate::codec::libzstd::{self, Content, DecompressDictionary};
use crate::error::{Error, Result};

/// The size of a trained dictionary where none is said, in bytes: 110 KiB, as the `zstd` command.
pub const DEFAULT_DICTIONARY_SIZE: usize = 112_640;
/// The first bytes of a trained dictionary (RFC 8878, section 5).
const MAGIC: [u8; 4] = 0xEC30_A437_u32.to_le_bytes();

/// A zstd dictionary: trained (with an id and entropy tables) or raw content.
///
/// Cheap to clone. It is digested for decompression once, when first needed, and then shared by
/// all clones and threads; for compression once for each thread of a
/// [`Compressor`](crate::Compressor), and where that has small values once for all of its threads.
#[derive(Clone)]
pub struct Dictionary {
    inner: Arc<Inner>,
}

struct Inner {
    bytes: Arc<[u8]>,
    content: Content,
    id: u32,
    digested: OnceLock<Option<DecompressDictionary>>,
    prepared: OnceLock<Option<Prepared>>,
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
        let inner = Inner {
            bytes: bytes.into(),
            content,
            id,
            digested: OnceLock::new(),
            prepared: OnceLock::new(),
        };
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

    /// Whether the bytes are raw content by the caller's word ([`Self::raw_content`]), whatever they
    /// begin with.
    pub fn is_raw_content(&self) -> bool {
        self.inner.content == Content::Raw
    }

    /// The bytes, as they are stored in a file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// The bytes, shared.
    pub(super) fn shared_bytes(&self) -> Arc<[u8]> {
        self.inner.bytes.clone()
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

    /// The form that the batch decoder wants, made on first use; `None` if that cannot use it.
    pub(super) fn prepared(&self) -> Option<&Prepared> {
        let make = || match self.inner.id {
            0 => Some(Prepared::raw(&self.inner.bytes)),
            _ => Prepared::trained(&self.inner.bytes),
        };
        self.inner.prepared.get_or_init(make).as_ref()
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
        Arc::ptr_eq(&self.inner, &other.inner)
            || self.inner.content == other.inner.content && self.inner.bytes == other.inner.bytes
    }
}

impl Eq for Dictionary {}
