//! Compressors and decompressors that wait for the next call with the same options.
//!
//! Making one digests its dictionary and takes libzstd's contexts, which costs more than a small
//! column; Python functions take options, not objects, so the last few are kept here.

use std::sync::{Mutex, PoisonError};

use crate::codec::{CompressOptions, Compressor, DecompressOptions, Decompressor};
use crate::error::Result;

/// How many of each kind are kept.
const KEPT: usize = 8;

static COMPRESSORS: Mutex<Vec<Compressor>> = Mutex::new(Vec::new());
static DECOMPRESSORS: Mutex<Vec<Decompressor>> = Mutex::new(Vec::new());

/// A compressor with these options.
pub(super) fn compressor(options: CompressOptions) -> Result<Compressor> {
    find(&COMPRESSORS, |kept| *kept.options() == options)
        .map_or_else(|| keep(&COMPRESSORS, Compressor::with_options(options.clone())?), Ok)
}

/// A decompressor with these options.
pub(super) fn decompressor(options: DecompressOptions) -> Result<Decompressor> {
    find(&DECOMPRESSORS, |kept| *kept.options() == options)
        .map_or_else(|| keep(&DECOMPRESSORS, Decompressor::with_options(options.clone())?), Ok)
}

/// The one that fits, which is the newest from now on.
fn find<T: Clone>(all: &Mutex<Vec<T>>, fits: impl Fn(&T) -> bool) -> Option<T> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    let place = all.iter().rposition(fits)?;
    let found = all.remove(place);
    all.push(found.clone());
    Some(found)
}

fn keep<T: Clone>(all: &Mutex<Vec<T>>, made: T) -> Result<T> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() == KEPT {
        all.remove(0);
    }
    all.push(made.clone());
    Ok(made)
}
