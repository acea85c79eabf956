//! Codecs made ready once, for as many batches as a plan has.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use crate::codec::{Compressor, Decompressor, Dictionary, Format, OnError};
use crate::error::Result;

/// The most codecs that are kept ready: queries seldom have more dictionaries at once.
const KEPT: usize = 8;

/// The codecs that were used last, each with its contexts and its digested dictionary.
///
/// A function of the engine sees its arguments anew with each batch, on an executor of a cluster as
/// well as here, and has no place in the plan to keep what it made of them. So it is kept here,
/// beside the function, and found again by the arguments themselves.
pub(super) struct Prepared<C> {
    kept: Mutex<Kept<C>>,
}

struct Kept<C> {
    /// The last used one is the last.
    codecs: Vec<C>,
    made: usize,
}

impl<C: Clone> Prepared<C> {
    pub(super) fn new() -> Self {
        Self { kept: Mutex::new(Kept { codecs: Vec::new(), made: 0 }) }
    }

    /// The codec that fits, or a new one. Threads that ask for the same one at once wait for it.
    fn get(&self, fits: impl Fn(&C) -> bool, make: impl FnOnce() -> Result<C>) -> Result<C> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let codec = match kept.codecs.iter().rposition(fits) {
            Some(place) => kept.codecs.remove(place),
            None => {
                kept.made += 1;
                make()?
            }
        };
        if kept.codecs.len() == KEPT {
            kept.codecs.remove(0);
        }
        kept.codecs.push(codec.clone());
        Ok(codec)
    }

    /// How many codecs were made so far.
    #[cfg(test)]
    pub(super) fn made(&self) -> usize {
        self.kept.lock().unwrap().made
    }
}

impl<C> fmt::Debug for Prepared<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared")
    }
}

// Functions are compared by the engine; what one of them has kept ready makes no difference.
impl<C> PartialEq for Prepared<C> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<C> Eq for Prepared<C> {}

impl<C> Hash for Prepared<C> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Whether a dictionary is the one with these bytes.
fn is(dictionary: Option<&Dictionary>, bytes: Option<&[u8]>) -> bool {
    dictionary.map(Dictionary::as_bytes) == bytes
}

impl Prepared<Compressor> {
    /// A compressor that works on the calling thread: the engine has threads of its own.
    pub(super) fn compressor(&self, level: i32, dictionary: Option<&[u8]>) -> Result<Compressor> {
        let fits = |codec: &Compressor| {
            let options = codec.options();
            options.level == level && is(options.dictionary.as_ref(), dictionary)
        };
        self.get(fits, || {
            let dictionary = dictionary.map(Dictionary::from_bytes).transpose()?;
            let mut builder = Compressor::builder().level(level).threads(1);
            if let Some(dictionary) = dictionary {
                builder = builder.dictionary(dictionary);
            }
            builder.build()
        })
    }
}

/// How frames are to be read, beside their dictionary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) format: Format,
    /// The dictionary is raw content, whatever its bytes begin with.
    pub(super) raw_content: bool,
    pub(super) on_error: OnError,
}

impl Prepared<Decompressor> {
    /// A decompressor that works on the calling thread.
    pub(super) fn decompressor(
        &self,
        reading: Reading,
        dictionary: Option<&[u8]>,
    ) -> Result<Decompressor> {
        let Reading { format, raw_content, on_error } = reading;
        let fits = |codec: &Decompressor| {
            let options = codec.options();
            let first = options.dictionaries.first();
            options.format == format
                && options.on_error == on_error
                && is(first, dictionary)
                && first.is_none_or(|first| first.is_raw_content() == raw_content)
        };
        self.get(fits, || {
            let dictionary = match dictionary {
                None => None,
                Some(bytes) if raw_content => Some(Dictionary::raw_content(bytes)?),
                Some(bytes) => Some(Dictionary::from_bytes(bytes)?),
            };
            let mut builder = Decompressor::builder().format(format).on_error(on_error).threads(1);
            if let Some(dictionary) = dictionary {
                builder = builder.dictionary(dictionary);
            }
            builder.build()
        })
    }
}
