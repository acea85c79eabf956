//! Where output lives: one allocation of the exact size, written in place by many threads; and
//! the stash, for values whose size is known only once they are made.

use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::MmapMut;

use crate::error::{Error, Result, ValueError};

/// The values of a whole column: memory that is filled part by part, and only then readable.
///
/// ```text
/// |  slot 0      |  slot 1          |  slot 2  |      disjoint, each filled from its front
/// |xxxxxxx.......|xxxxxxxxxxxxxxxxxx|xxx.......|      filled counts the x of all of them
/// ```
pub(super) struct Output {
    bytes: Vec<u8>,
    size: usize,
    filled: AtomicUsize,
}

impl Output {
    /// Memory for `size` bytes, not yet touched.
    pub(super) fn new(size: u64) -> Result<Self> {
        let mut bytes = Vec::new();
        let wanted = usize::try_from(size).ok();
        match wanted.map(|size| (size, bytes.try_reserve_exact(size))) {
            Some((size, Ok(()))) => {
                prefer_huge_pages(bytes.spare_capacity_mut());
                Ok(Self { bytes, size, filled: AtomicUsize::new(0) })
            }
            _ => Err(Error::OutOfMemory { what: "values", bytes: size }),
        }
    }

    /// The memory as slots of the given sizes, one after the other, each behind a lock so that
    /// any one worker can take it.
    ///
    /// # Panics
    ///
    /// If the sizes do not sum up to the size of the output.
    pub(super) fn slots(&mut self, sizes: impl Iterator<Item = usize>) -> Vec<Mutex<Slot<'_>>> {
        let Self { bytes, size, filled } = self;
        let mut rest = &mut bytes.spare_capacity_mut()[..*size];
        let slots = sizes
            .map(|size| {
                let (slot, behind) = std::mem::take(&mut rest).split_at_mut(size);
                rest = behind;
                Mutex::new(Slot { rest: slot, filled: 0, total: filled })
            })
            .collect();
        assert!(rest.is_empty(), "slots leave {} bytes of the output", rest.len());
        slots
    }

    /// The values, now that each slot was filled to its end.
    ///
    /// # Panics
    ///
    /// If one was not.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let filled = self.filled.load(Ordering::Acquire);
        assert_eq!(filled, self.size, "the output is not filled");
        // SAFETY: slots are disjoint parts of the first `size` bytes of capacity and count a byte
        // only when it is initialised (`Slot::advance`), so `filled == size`, checked above, says
        // that all of them are.
        unsafe { self.bytes.set_len(self.size) };
        self.bytes
    }
}

/// Memory from this size on is asked to be of huge pages.
#[cfg(target_os = "linux")]
const WORTH_HUGE_PAGES: usize = 4 << 20;

/// Asks the system to back fresh memory by huge pages, where it lies on whole ones.
///
/// The first touch of each page is a fault; with 2 MiB a page instead of 4 KiB there are 512 times
/// fewer. It is only advice: a system that has none to give goes on with small ones.
#[cfg(target_os = "linux")]
fn prefer_huge_pages(memory: &mut [MaybeUninit<u8>]) {
    const PAGE: usize = 2 << 20;
    if memory.len() < WORTH_HUGE_PAGES {
        return;
    }
    let unaligned = memory.as_ptr().align_offset(PAGE).min(memory.len());
    let whole = (memory.len() - unaligned) / PAGE * PAGE;
    let inner = &mut memory[unaligned..unaligned + whole];
    // SAFETY: whole pages of memory that is borrowed for the call; MADV_HUGEPAGE changes how they
    // are backed and nothing of what they hold.
    unsafe { libc::madvise(inner.as_mut_ptr().cast(), inner.len(), libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn prefer_huge_pages(_memory: &mut [MaybeUninit<u8>]) {}

/// A part of an [`Output`] that one worker fills from front to end.
pub(super) struct Slot<'a> {
    rest: &'a mut [MaybeUninit<u8>],
    filled: usize,
    /// Where `filled` is added when the slot is done with. An atomic addition for each value
    /// instead makes threads wait for each other.
    total: &'a AtomicUsize,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.total.fetch_add(self.filled, Ordering::Release);
    }
}

impl Slot<'_> {
    /// The next `size` bytes, to be written.
    pub(super) fn spare(&mut self, size: usize) -> &mut [MaybeUninit<u8>] {
        &mut self.rest[..size]
    }

    /// The next `size` bytes, and up to `slack` more that belong to what comes behind, and will be
    /// written again.
    pub(super) fn spare_with_slack(&mut self, size: usize, slack: usize) -> &mut [MaybeUninit<u8>] {
        let end = self.rest.len().min(size + slack);
        &mut self.rest[..end]
    }

    /// Counts the next `size` bytes as written, and shows them.
    ///
    /// # Safety
    ///
    /// Each of them has been initialised.
    pub(super) unsafe fn advance(&mut self, size: usize) -> &[u8] {
        let (written, rest) = std::mem::take(&mut self.rest).split_at_mut(size);
        self.rest = rest;
        self.filled += size;
        // SAFETY: by this function's contract.
        unsafe { written.assume_init_ref() }
    }

    /// Copies `bytes` to the front.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.spare(bytes.len()).write_copy_of_slice(bytes);
        // SAFETY: the line above has written exactly these bytes.
        unsafe { self.advance(bytes.len()) };
    }

    /// Writes zeros to the front, in place of a value that could not be made.
    pub(super) fn push_zeros(&mut self, size: usize) {
        self.spare(size).fill(MaybeUninit::new(0));
        // SAFETY: the line above has written exactly these bytes.
        unsafe { self.advance(size) };
    }
}

/// Values of sizes not known before, one after the other, in blocks that go back to the system as
/// soon as they are dropped.
///
/// A value lies wholly in one block. Blocks are address space until they are written to, so a
/// generous bound on a value's size costs nothing.
#[derive(Default)]
pub(super) struct Stash {
    blocks: Vec<Block>,
}

/// The size of a block, in bytes; a value with a larger bound has one for itself.
const BLOCK_SIZE: usize = 4 << 20;
/// Blocks up to this size come from the heap: mapping pages would take longer than using them.
const HEAP_BLOCK_SIZE: usize = 64 << 10;

enum Block {
    Heap(Vec<u8>),
    /// Its own pages, of which the first `filled` bytes hold values. The heap would keep them for
    /// later instead, and peak memory would be the output twice.
    Pages {
        pages: MmapMut,
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
        Some(Block::Pages { pages: MmapMut::map_anon(size).ok()?, filled: 0 })
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
            Block::Pages { pages, filled } => {
                let spare = &mut pages[*filled..];
                // SAFETY: the same bytes under a type of the same layout. They are initialised,
                // and stay so: nobody writes uninitialised bytes, libzstd least of all.
                unsafe { &mut *(std::ptr::from_mut(spare) as *mut [MaybeUninit<u8>]) }
            }
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Block::Heap(bytes) => bytes,
            Block::Pages { pages, filled } => &pages[..*filled],
        }
    }
}

impl Stash {
    /// Room for a value of at most `bound` bytes. `more` is the most bytes that this value and
    /// those after it can take: a block is not made larger than that.
    pub(super) fn spare(
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
    pub(super) unsafe fn advance(&mut self, size: usize) {
        match self.blocks.last_mut() {
            // SAFETY: by this function's contract, `size` more bytes of capacity are initialised.
            Some(Block::Heap(bytes)) => unsafe { bytes.set_len(bytes.len() + size) },
            Some(Block::Pages { filled, .. }) => *filled += size,
            None => debug_assert_eq!(size, 0),
        }
    }

    /// All values, without the seams between blocks.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        self.blocks.iter().map(Block::bytes)
    }

    /// The values one by one, for someone who knows their sizes.
    pub(super) fn reader(&self) -> StashReader<'_> {
        StashReader { blocks: &self.blocks, at: 0 }
    }
}

/// Takes values out of a [`Stash`] in the order in which they went in.
pub(super) struct StashReader<'a> {
    blocks: &'a [Block],
    at: usize,
}

impl<'a> StashReader<'a> {
    /// The next value, of `size` bytes.
    pub(super) fn take(&mut self, size: usize) -> &'a [u8] {
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

    #[test]
    fn slots_are_the_output() {
        let mut output = Output::new(10).unwrap();
        let slots = output.slots([4, 0, 6].into_iter());
        lock_and(&slots[2], |slot| slot.push(b"456789"));
        lock_and(&slots[0], |slot| {
            slot.push(b"01");
            slot.push_zeros(2);
        });
        drop(slots);
        assert_eq!(output.finish(), b"01\0\x00456789");
    }

    fn lock_and<'a>(slot: &Mutex<Slot<'a>>, work: impl FnOnce(&mut Slot<'a>)) {
        work(&mut slot.lock().unwrap());
    }

    #[test]
    #[should_panic(expected = "the output is not filled")]
    fn unfilled_memory_is_not_handed_out() {
        let mut output = Output::new(10).unwrap();
        let slots = output.slots([10].into_iter());
        lock_and(&slots[0], |slot| slot.push(b"01234"));
        drop(slots);
        output.finish();
    }

    #[test]
    #[should_panic(expected = "slots leave 3 bytes")]
    fn slots_cover_the_output() {
        Output::new(10).unwrap().slots([4, 3].into_iter());
    }

    #[test]
    fn too_large_is_an_error() {
        let error = Output::new(u64::MAX).err().unwrap();
        assert_eq!(error.to_string(), "no memory for 18446744073709551615 bytes of values");
    }

    /// Values come out as they went in, over heap blocks, page blocks and a block of their own.
    #[test]
    fn stash_gives_back_what_it_got() {
        for (bound, size) in [(100, 30), (100_000, 70_000), (5 << 20, 1000), (10, 0)] {
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
