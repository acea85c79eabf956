//! Small values, compressed here: to the frames that libzstd makes, byte for byte.
//!
//! Of the time that libzstd takes for a value of a hundred bytes, the search for matches is the lesser part: the
//! larger one makes ready what a large value would want, and the tables of the format's default distributions,
//! anew for each frame. Here those are made by the compiler, and what values have in common is kept.
//!
//! ```text
//! value -> search -> literals and matches -> literals section, sequences section -> one block -> frame
//! ```
//!
//! What is taken: values of up to [`MOST`] bytes, without a dictionary or with one, where the level stands for "fast"
//! or "double fast": up to level 3, and 4 with a dictionary of some size. All else is left to libzstd, as are
//! single values whose frames rest on what is not done here ([`Unknown`]).
//!
//! That frames are the same is not a wish for its own sake: so a caller can not tell who made them, and each test
//! has libzstd itself for its twin.

mod bits;
mod dictionary;
mod fse;
mod huffman;
mod literals;
mod search;
mod sequences;
mod start;
#[cfg(test)]
mod tests;

use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::codec::encode::bits::Output;
use crate::codec::encode::search::Search;
use crate::codec::encode::sequences::Sequences;
pub(super) use crate::codec::encode::start::{Plain, Start};
use crate::codec::libzstd::{NoMemory, compress_bound};

/// The largest value that is ever taken.
pub(super) const MOST_LOG: u32 = 12;
const MOST: usize = 1 << MOST_LOG;
/// Shorter values are kept as they are.
const LEAST: usize = 7;

/// What is left to libzstd.
#[derive(Debug)]
struct Unknown;

/// What bytes must be less by to be worth compressing.
fn gain(size: usize) -> usize {
    (size >> 6) + 2
}

#[cfg(target_arch = "x86_64")]
fn has_wide() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
}

/// Compresses one value after the other.
pub(super) struct Encoder {
    start: Arc<Start>,
    search: Search,
    sequences: Sequences,
    literals: literals::Scratch,
    output: Output,
    #[cfg(target_arch = "x86_64")]
    has_wide: bool,
}

impl Encoder {
    pub(super) fn new(start: Arc<Start>) -> Result<Self, NoMemory> {
        Ok(Self {
            start,
            search: Search::new()?,
            sequences: Sequences::new()?,
            literals: literals::Scratch::new()?,
            output: Output::new()?,
            #[cfg(target_arch = "x86_64")]
            has_wide: has_wide(),
        })
    }

    /// Compresses `value` into one frame at the front of `target`, and returns the frame's size; `None` if that
    /// is left to libzstd.
    pub(super) fn compress(
        &mut self,
        target: &mut [MaybeUninit<u8>],
        value: &[u8],
    ) -> Option<usize> {
        if value.is_empty()
            || value.len() > self.start.most
            || target.len() < compress_bound(value.len())
        {
            return None;
        }
        self.make(value).ok()?;
        let frame = self.output.as_bytes();
        target.get_mut(..frame.len())?.write_copy_of_slice(frame);
        Some(frame.len())
    }

    fn make(&mut self, value: &[u8]) -> Result<(), Unknown> {
        #[cfg(target_arch = "x86_64")]
        if self.has_wide {
            // SAFETY: the processor has been asked for these instructions.
            return unsafe { self.make_wide(value) };
        }
        self.frame(value)
    }

    /// The same with instructions for bits that not all processors have.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
    fn make_wide(&mut self, value: &[u8]) -> Result<(), Unknown> {
        self.frame(value)
    }

    #[inline(always)]
    fn frame(&mut self, value: &[u8]) -> Result<(), Unknown> {
        let size = value.len();
        self.output.len = 0;
        self.start.head(size, &mut self.output);
        let begin = self.output.len;
        self.output.len += 3;
        let compressed = size >= LEAST;
        if compressed {
            self.block(value)?;
        }
        let block = begin + 3;
        let used = self.output.len - block;
        // The last block of the frame, and its kind.
        let (kind, number) = if compressed && used < size - gain(size) {
            (2, used)
        } else {
            self.output.len = block;
            self.output.put(value);
            (0, size)
        };
        let [a, b, c, _] = (1 | kind << 1 | (number as u32) << 3).to_le_bytes();
        self.output.set(begin, [a, b, c]);
        self.start.foot(value, &mut self.output);
        Ok(())
    }

    /// Writes the content of a compressed block.
    #[inline(always)]
    fn block(&mut self, value: &[u8]) -> Result<(), Unknown> {
        let Self { start, search, sequences, literals, output, .. } = self;
        sequences.clear();
        search.run(value, start.hashes(value.len()), start.dictionary.as_ref(), sequences);
        match start.raw_literals {
            true => literals::raw(sequences.literals(), output),
            false => {
                literals::write(sequences.literals(), start.literals.as_ref(), literals, output)?;
            }
        }
        sequences.write(start.sequences.as_ref(), start.strategy, output)
    }
}
