//! What a thread compresses with.

use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::codec::encode::{Encoder, Start};
use crate::codec::libzstd::{CompressContext, ContextDictionary, Failure, NoMemory, Parameters};

/// What all contexts of a compressor are made of.
pub(super) struct Shared {
    pub(super) parameters: Parameters,
    pub(super) dictionary: Option<ContextDictionary>,
    /// Where small values are compressed here.
    pub(super) start: Option<Arc<Start>>,
}

/// A compression context: libzstd's, and before it one for small values.
pub(super) struct Context {
    encoder: Option<Encoder>,
    libzstd: CompressContext,
}

impl Context {
    pub(super) fn new(shared: &Shared) -> Result<Self, NoMemory> {
        let Shared { parameters, dictionary, start } = shared;
        let libzstd = CompressContext::new(parameters, dictionary.clone())?;
        Ok(Self { encoder: start.clone().map(Encoder::new).transpose()?, libzstd })
    }

    /// Compresses `source` into one frame at the front of `target`; returns the frame's size.
    #[inline]
    pub(super) fn compress(
        &mut self,
        target: &mut [MaybeUninit<u8>],
        source: &[u8],
    ) -> Result<usize, Failure> {
        match self.encoder.as_mut().and_then(|encoder| encoder.compress(target, source)) {
            Some(size) => Ok(size),
            None => self.libzstd.compress(target, source),
        }
    }
}
