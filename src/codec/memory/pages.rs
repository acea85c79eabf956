//! Memory for one output: from the heap where it is small, else pages of its own.

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_buffer::Buffer;
use memmap2::{MmapMut, MmapOptions};

use crate::codec::memory::idle;

/// Outputs from this size on get pages of their own.
const WORTH_PAGES: usize = 1 << 20;
/// Outputs from this size on are asked to be of huge pages: the first touch of each page is a
/// fault, and with 2 MiB a page instead of 4 KiB there are 512 times fewer.
const WORTH_HUGE_PAGES: usize = HUGE_PAGE;
const HUGE_PAGE: usize = 2 << 20;
/// The end of an output gets a huge page too if what is not used of it is at most this part of the
/// output: it may be of as many small pages as several whole ones take time to fault.
const MOST_UNUSED: usize = 16;
/// Pages have room for a quarter more than they were made for, up to this. It takes up nothing but
/// addresses, and lets the next output of a stream live in them that is somewhat larger.
const MOST_ROOM: usize = 16 << 20;

/// Memory for one output, not yet initialised.
pub(super) enum Memory {
    Heap(Vec<u8>, usize),
    Pages(Recycled),
}

impl Memory {
    /// Memory for `size` bytes: pages that an earlier output left behind, or fresh ones, which take
    /// up nothing before they are written to.
    pub(super) fn new(size: usize) -> Option<Self> {
        if size < WORTH_PAGES {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(size).ok()?;
            return Some(Memory::Heap(bytes, size));
        }
        let pages = idle::take(size)
            .or_else(|| Pages::map(size, size.saturating_add((size / 4).min(MOST_ROOM))))
            .or_else(|| Pages::map(size, size))?;
        Some(Memory::Pages(Recycled { pages: Some(pages), size }))
    }

    /// All of it, in its present state.
    pub(super) fn bytes(&mut self) -> &mut [MaybeUninit<u8>] {
        match self {
            Memory::Heap(bytes, size) => &mut bytes.spare_capacity_mut()[..*size],
            Memory::Pages(pages) => pages.bytes(),
        }
    }

    /// Says that the first `size` bytes will be written to, at least.
    pub(super) fn touch(&mut self, size: usize) {
        if let Memory::Pages(Recycled { pages: Some(pages), .. }) = self {
            pages.touch(size);
        }
    }

    /// The first `size` bytes, for Arrow. The rest is freed, or comes back with them when the last
    /// buffer is dropped.
    ///
    /// # Safety
    ///
    /// The first `size` bytes are initialised.
    pub(super) unsafe fn into_buffer(self, size: usize) -> Buffer {
        match self {
            Memory::Heap(mut bytes, all) => {
                assert!(size <= all, "more bytes than there are");
                // SAFETY: within the capacity, and initialised by this function's contract.
                unsafe { bytes.set_len(size) };
                bytes.shrink_to_fit();
                Buffer::from_vec(bytes)
            }
            Memory::Pages(mut pages) => {
                assert!(size <= pages.size, "more bytes than there are");
                let start = NonNull::from(pages.bytes()).cast();
                // SAFETY: `size` bytes from `start` are the owner's, which stays in one place: the
                // mapping does not move with the value that owns it. Initialised by this
                // function's contract. Nobody writes to them before the owner is dropped.
                unsafe { Buffer::from_custom_allocation(start, size, Arc::new(pages)) }
            }
        }
    }
}

/// Pages that go to the idle ones when they are dropped, from whatever thread.
pub(super) struct Recycled {
    /// `None` only while it is being dropped.
    pages: Option<Pages>,
    size: usize,
}

impl Recycled {
    fn bytes(&mut self) -> &mut [MaybeUninit<u8>] {
        match &mut self.pages {
            Some(pages) => &mut pages.bytes()[..self.size],
            None => &mut [],
        }
    }
}

impl Drop for Recycled {
    fn drop(&mut self) {
        if let Some(pages) = self.pages.take() {
            idle::keep(pages);
        }
    }
}

/// Whole pages from the system; they go back to it when dropped.
pub(super) struct Pages {
    map: MmapMut,
    start: usize,
    len: usize,
    /// How many bytes from the front have been written to at some time, at most.
    touched: usize,
}

impl Pages {
    /// Fresh pages for `size` bytes with room for `len`, on whole huge pages where that is worth
    /// it. Address space, until written to.
    pub(super) fn map(size: usize, len: usize) -> Option<Self> {
        let aligned = size >= WORTH_HUGE_PAGES;
        let mapped = match aligned {
            true => len.checked_next_multiple_of(HUGE_PAGE)?.checked_add(HUGE_PAGE)?,
            false => len,
        };
        if isize::try_from(mapped).is_err() {
            return None;
        }
        let mut map = MmapOptions::new().len(mapped).no_reserve_swap().map_anon().ok()?;
        let start =
            if aligned { map.as_mut_ptr().align_offset(HUGE_PAGE).min(HUGE_PAGE) } else { 0 };
        let mut pages = Self { map, start, len, touched: 0 };
        if aligned {
            pages.prefer_huge_pages(size);
        }
        Some(pages)
    }

    /// It is only advice: a system that has no huge pages to give goes on with small ones.
    #[cfg(target_os = "linux")]
    fn prefer_huge_pages(&mut self, size: usize) {
        let _ = self.map.advise_range(memmap2::Advice::HugePage, self.start, in_huge_pages(size));
    }

    #[cfg(not(target_os = "linux"))]
    fn prefer_huge_pages(&mut self, _size: usize) {}

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn touched(&self) -> usize {
        self.touched
    }

    pub(super) fn touch(&mut self, size: usize) {
        self.touched = self.touched.max(size.min(self.len));
    }

    pub(super) fn bytes(&mut self) -> &mut [MaybeUninit<u8>] {
        let bytes = &mut self.map[self.start..self.start + self.len];
        // SAFETY: the same bytes under a type of the same layout. They are initialised, and stay
        // so: nobody writes uninitialised bytes, libzstd least of all.
        unsafe { &mut *(std::ptr::from_mut(bytes) as *mut [MaybeUninit<u8>]) }
    }

    /// As fresh pages are, or as they were written to.
    pub(super) fn initialised(&self) -> &[u8] {
        &self.map[self.start..self.start + self.len]
    }
}

/// How many bytes from the front of an output of `size` bytes are to be in huge pages: whole ones.
#[cfg(target_os = "linux")]
fn in_huge_pages(size: usize) -> usize {
    let whole = size / HUGE_PAGE * HUGE_PAGE;
    let end = size - whole;
    match end > 0 && HUGE_PAGE - end <= size / MOST_UNUSED {
        true => whole + HUGE_PAGE,
        false => whole,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The end is in small pages unless it nearly fills a huge one; and whatever is asked for lies
    /// within the mapping.
    #[test]
    fn ends_of_outputs() {
        const MIB: usize = 1 << 20;
        for (size, expected) in [
            (2 * MIB, 2 * MIB),
            (3 * MIB, 2 * MIB),
            (4 * MIB - 1, 4 * MIB),
            (15 * MIB, 14 * MIB),
            (16 * MIB, 16 * MIB),
            (17 * MIB, 18 * MIB),
            (64 * MIB, 64 * MIB),
            (64 * MIB + 1, 66 * MIB),
        ] {
            assert_eq!(in_huge_pages(size), expected, "{size}");
            let pages = Pages::map(size, size).unwrap();
            assert_eq!((pages.map.as_ptr() as usize + pages.start) % HUGE_PAGE, 0);
            assert!(pages.start + expected <= pages.map.len(), "{size}");
        }
    }
}
