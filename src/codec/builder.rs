//! The builders: options one by one, checked when all are there.

use crate::codec::cancel::CancelFlag;
use crate::codec::dictionary::Dictionary;
use crate::codec::frame::Format;
use crate::codec::options::{
    CompressOptions, Decoder, DecompressOptions, OnError, SearchParameters, Strategy,
};
use crate::codec::{Compressor, Decompressor};
use crate::error::Result;

/// A method for each option; what it means is said where the option is.
macro_rules! setters {
    ($options:ident: $($name:ident: $type:ty as $value:ident => $set:expr,)*) => {$(
        #[doc = concat!("Sets [`", stringify!($options), "::", stringify!($name), "`].")]
        #[must_use]
        pub fn $name(mut self, $value: $type) -> Self {
            self.options.$name = $set;
            self
        }
    )*};
}

/// Makes a [`Compressor`].
#[derive(Debug, Clone, Default)]
pub struct CompressorBuilder {
    options: CompressOptions,
}

impl CompressorBuilder {
    setters! {CompressOptions:
        level: i32 as level => level,
        dictionary: Dictionary as dictionary => Some(dictionary),
        checksum: bool as on => on,
        content_size: bool as on => on,
        dictionary_id: bool as on => on,
        format: Format as format => format,
        window_log: u32 as log => Some(log),
        hash_log: u32 as log => Some(log),
        chain_log: u32 as log => Some(log),
        search_log: u32 as log => Some(log),
        min_match: u32 as bytes => Some(bytes),
        target_length: u32 as bytes => Some(bytes),
        strategy: Strategy as strategy => Some(strategy),
        long_distance: bool as on => Some(on),
        ldm_hash_log: u32 as log => Some(log),
        ldm_min_match: u32 as bytes => Some(bytes),
        ldm_bucket_size_log: u32 as log => Some(log),
        ldm_hash_rate_log: u32 as log => Some(log),
        target_block_size: u32 as bytes => Some(bytes),
        workers: u32 as workers => Some(workers),
        job_size: u32 as bytes => Some(bytes),
        overlap_log: u32 as log => Some(log),
        force_max_window: bool as on => on,
        digest: SearchParameters as parameters => Some(parameters),
        threads: usize as threads => threads,
        cancel: CancelFlag as flag => Some(flag),
    }

    /// The compressor.
    ///
    /// # Errors
    ///
    /// [`Error::Option`](crate::Error::Option) names an option that is outside its range;
    /// [`Error::Threads`](crate::Error::Threads) if the thread pool could not be started;
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if libzstd had no memory for the
    /// dictionary.
    pub fn build(self) -> Result<Compressor> {
        Compressor::with_options(self.options)
    }
}

/// Makes a [`Decompressor`].
#[derive(Debug, Clone, Default)]
pub struct DecompressorBuilder {
    options: DecompressOptions,
}

impl DecompressorBuilder {
    setters! {DecompressOptions:
        dictionaries: Vec<Dictionary> as dictionaries => dictionaries,
        utf8: bool as on => on,
        on_error: OnError as on_error => on_error,
        max_value_size: u64 as bytes => Some(bytes),
        max_output_size: u64 as bytes => Some(bytes),
        max_window_log: u32 as log => Some(log),
        format: Format as format => format,
        decoder: Decoder as decoder => decoder,
        threads: usize as threads => threads,
        cancel: CancelFlag as flag => Some(flag),
    }

    /// Adds a dictionary to [`DecompressOptions::dictionaries`].
    #[must_use]
    pub fn dictionary(mut self, dictionary: Dictionary) -> Self {
        self.options.dictionaries.push(dictionary);
        self
    }

    /// The decompressor.
    ///
    /// # Errors
    ///
    /// [`Error::Option`](crate::Error::Option) if two dictionaries have the same id, or the window
    /// log is outside its range; [`Error::Threads`](crate::Error::Threads) if the thread pool
    /// could not be started.
    pub fn build(self) -> Result<Decompressor> {
        Decompressor::with_options(self.options)
    }
}
