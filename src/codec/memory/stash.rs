//! Values on their way to an output, until their places are known.

use std::mem::MaybeUninit;

use crate::codec::memory::pages::{Fill, Pages};
use crate::error::ValueError;

/// Values of sizes not known before, one after the other, in blocks that go back to the system as
/// soon as they are dropped.
///
/// A value lies wholly in one block. Blocks are address space until they are written to, so a
/// generous bound on a value's size costs nothing (but for a huge page that is begun).
#[derive(Default)]
pub(in crate::codec) struct Stash {
    blocks: Vec<Block>,
}

/// The size of a block, in bytes; a value with a larger bound has one for itself.
const BLOCK_SIZE: usize = 4 << 20;
/// Blocks up to this size come from the heap, which keeps them for the next run: mapping pages and
/// touching them for the first time takes longer than using them.
const HEAP_BLOCK_SIZE: usize = 2 << 20;

enum Block {
    Heap(Vec<u8>),
    /// Its own pages, of which the first `filled` bytes hold values. The heap would keep them for
    /// later instead, and peak memory would be the output twice.
    Pages {
        pages: Pages,
        filled: usize,
    },
}

impl Block {
    fn new(size: usize) -> Option<Self> {
        if size <= HEAP_BLOCK_SIZE {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(size).ok()?;
            return Some(Block::Heap(bytes));
        }
        Some(Block::Pages { pages: Pages::map(size, Fill::AtMost, size)?, filled: 0 })
    }

    fn left(&self) -> usize {
        match self {
            Block::Heap(bytes) => bytes.capacity() - bytes.len(),
            Block::Pages { pages, filled } => pages.len() - filled,
        }
    }

    fn spare(&mut self) -> &mut [MaybeUninit<u8>] {
        match self {
            Block::Heap(bytes) => bytes.spare_capacity_mut(),
            Block::Pages { pages, filled } => &mut pages.bytes()[*filled..],
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Block::Heap(bytes) => bytes,
            Block::Pages { pages, filled } => &pages.initialised()[..*filled],
        }
    }
}

impl Stash {
    /// Room for a value of at most `bound` bytes. `more` is the most bytes that this value and
    /// those after it can take: a block is not made larger than that.
    pub(in crate::codec) fn spare(
        &mut self,
        bound: usize,
        more: usize,
    ) -> Result<&mut [MaybeUninit<u8>], ValueError> {
        if self.blocks.last().is_none_or(|block| block.left() < bound) {
            let size = bound.max(more.min(BLOCK_SIZE));
            let block = Block::new(size).ok_or(ValueError::OutOfMemory { bytes: size as u64 })?;
            self.blocks.push(block);
        }
        match self.blocks.last_mut() {
            Some(block) => Ok(&mut block.spare()[..bound]),
            None => Ok(&mut []),
        }
    }

    /// Counts the first `size` bytes of what [`Self::spare`] gave as a value.
    ///
    /// # Safety
    ///
    /// Each of them has been initialised, and they were asked for.
    pub(in crate::codec) unsafe fn advance(&mut self, size: usize) {
        match self.blocks.last_mut() {
            // SAFETY: by this function's contract, `size` more bytes of capacity are initialised.
            Some(Block::Heap(bytes)) => unsafe { bytes.set_len(bytes.len() + size) },
            Some(Block::Pages { filled, .. }) => *filled += size,
            None => debug_assert_eq!(size, 0),
        }
    }

    /// All values, without the seams between blocks.
    pub(in crate::codec) fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks.iter().map(Block::bytes)
    }

    /// The values one by one, for someone who knows their sizes.
    pub(in crate::codec) fn reader(&self) -> StashReader<'_> {
        StashReader { blocks: &self.blocks, at: 0 }
    }
}

/// Takes values out of a [`Stash`] in the order in which they went in.
pub(in crate::codec) struct StashReader<'a> {
    blocks: &'a [Block],
    at: usize,
}

impl<'a> StashReader<'a> {
    /// The next value, of `size` bytes.
    pub(in crate::codec) fn take(&mut self, size: usize) -> &'a [u8] {
        if size == 0 {
            return &[];
        }
        while self.at == self.blocks[0].bytes().len() {
            self.blocks = &self.blocks[1..];
            self.at = 0;
        }
        let value = &self.blocks[0].bytes()[self.at..self.at + size];
        self.at += size;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values come out as they went in, over heap blocks, page blocks and a block of their own.
    #[test]
    fn stash_gives_back_what_it_got() {
        for (bound, size) in
            [(100, 30), (100_000, 70_000), (3 << 20, 1000), (5 << 20, 1000), (10, 0)]
        {
            let mut stash = Stash::default();
            let values: Vec<Vec<u8>> = (0..100_u8).map(|i| vec![i; size]).collect();
            for (i, value) in values.iter().enumerate() {
                let spare = stash.spare(bound, bound * (100 - i)).unwrap();
                assert_eq!(spare.len(), bound);
                spare[..size].write_copy_of_slice(value);
                // SAFETY: written by the line above.
                unsafe { stash.advance(size) };
            }
            let mut reader = stash.reader();
            for value in &values {
                assert_eq!(reader.take(size), value);
            }
            assert_eq!(stash.blocks().flatten().count(), 100 * size);
        }
    }
}
