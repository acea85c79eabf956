//! Memory for one output: from the heap where it is small, else pages of its own.

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_buffer::Buffer;
use memmap2::{MmapMut, MmapOptions};

use crate::codec::memory::idle;

/// Outputs from this size on get pages of their own.
const WORTH_PAGES: usize = 1 << 20;
/// The first touch of each page is a fault, and with pages of 2 MiB instead of 4 KiB there are 512 times
/// fewer. But one byte takes a whole page.
const HUGE_PAGE: usize = 2 << 20;
/// Outputs that may stay far below their bound are asked to be of huge pages from this bound on.
#[cfg(target_os = "linux")]
const WORTH_HUGE_PAGES: usize = 4 << 20;
/// The end of an output that is filled gets a huge page too, if what it leaves unused of it is no more
/// than this fraction of the output.
#[cfg(target_os = "linux")]
const UNUSED: usize = 16;
/// Pages have room for a quarter more than they were made for, up to this. It takes up nothing but
/// addresses, and lets the next output of a stream live in them that is somewhat larger.
const MOST_ROOM: usize = 16 << 20;

/// How much of an output will be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    /// All of its size.
    Whole,
    /// Its size is only a bound.
    AtMost,
}

/// Memory for one output, not yet initialised.
pub(super) enum Memory {
    Heap(Vec<u8>, usize),
    Pages(Recycled),
}

impl Memory {
    /// Memory for `size` bytes: pages that an earlier output left behind, or fresh ones, which take
    /// up nothing before they are written to.
    pub(super) fn new(size: usize, fill: Fill) -> Option<Self> {
        if size < WORTH_PAGES {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(size).ok()?;
            return Some(Memory::Heap(bytes, size));
        }
        let pages = idle::take(size)
            .or_else(|| Pages::map(size, fill, size.saturating_add((size / 4).min(MOST_ROOM))))
            .or_else(|| Pages::map(size, fill, size))?;
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
    /// How many bytes from the front are asked to be in huge pages: whole ones.
    huge: usize,
    /// How many bytes from the front have been written to at some time, at most.
    written: usize,
}

impl Pages {
    /// Fresh pages for `size` bytes with room for `len`, huge ones where that is worth it. Address
    /// space, until written to.
    pub(super) fn map(size: usize, fill: Fill, len: usize) -> Option<Self> {
        // Beyond it there are no slices; so nothing below overflows, and the system refuses the rest.
        if isize::try_from(size.max(len)).is_err() {
            return None;
        }
        let huge = in_huge_pages(size, fill);
        let mapped = match huge > 0 {
            true => len.next_multiple_of(HUGE_PAGE) + HUGE_PAGE,
            false => len,
        };
        let mut map = MmapOptions::new().len(mapped).no_reserve_swap().map_anon().ok()?;
        let start =
            if huge > 0 { map.as_mut_ptr().align_offset(HUGE_PAGE).min(HUGE_PAGE) } else { 0 };
        let pages = Self { map, start, len, huge, written: 0 };
        if huge > 0 {
            pages.prefer_huge_pages();
        }
        Some(pages)
    }

    /// It is only advice: a system that has no huge pages to give goes on with small ones.
    #[cfg(target_os = "linux")]
    fn prefer_huge_pages(&self) {
        let _ = self.map.advise_range(memmap2::Advice::HugePage, self.start, self.huge);
    }

    #[cfg(not(target_os = "linux"))]
    fn prefer_huge_pages(&self) {}

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many bytes they take up, at most.
    pub(super) fn touched(&self) -> usize {
        match self.written <= self.huge {
            true => self.written.next_multiple_of(HUGE_PAGE),
            false => self.written,
        }
    }

    /// Says that the first `size` bytes are written to, at least.
    pub(super) fn touch(&mut self, size: usize) {
        self.written = self.written.max(size.min(self.len));
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

/// How many bytes from the front of an output are to be in huge pages: whole ones.
#[cfg(target_os = "linux")]
fn in_huge_pages(size: usize, fill: Fill) -> usize {
    let whole = size / HUGE_PAGE * HUGE_PAGE;
    let end = size - whole;
    match fill {
        Fill::Whole if whole > 0 && end > 0 && HUGE_PAGE - end <= size / UNUSED => {
            whole + HUGE_PAGE
        }
        Fill::AtMost if size < WORTH_HUGE_PAGES => 0,
        _ => whole,
    }
}

#[cfg(not(target_os = "linux"))]
fn in_huge_pages(_: usize, _: Fill) -> usize {
    0
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// The end is in small pages unless it nearly fills a huge one, and so is all that may stay nearly
    /// empty; whatever is asked for lies within the mapping.
    #[test]
    fn what_is_in_huge_pages() {
        for (size, whole, at_most) in [
            (MIB, 0, 0),
            (2 * MIB - 1, 0, 0),
            (2 * MIB, 2 * MIB, 0),
            (3 * MIB, 2 * MIB, 0),
            (4 * MIB - 1, 4 * MIB, 0),
            (5 * MIB, 4 * MIB, 4 * MIB),
            (15 * MIB, 14 * MIB, 14 * MIB),
            (17 * MIB, 18 * MIB, 16 * MIB),
            (64 * MIB, 64 * MIB, 64 * MIB),
            (64 * MIB + 1, 66 * MIB, 64 * MIB),
        ] {
            for (fill, expected) in [(Fill::Whole, whole), (Fill::AtMost, at_most)] {
                for len in [size, size + size / 4] {
                    let pages = Pages::map(size, fill, len).unwrap();
                    assert_eq!(pages.huge, expected, "{size} {fill:?}");
                    let begin = pages.map.as_ptr() as usize + pages.start;
                    assert!(expected == 0 || begin.is_multiple_of(HUGE_PAGE), "{size} {fill:?}");
                    assert!(pages.start + expected.max(len) <= pages.map.len(), "{size} {fill:?}");
                }
            }
        }
        assert!(Pages::map(usize::MAX, Fill::Whole, usize::MAX).is_none());
        assert!(Pages::map(isize::MAX as usize, Fill::Whole, isize::MAX as usize).is_none());
    }

    #[test]
    fn a_huge_page_counts_whole() {
        let mut pages = Pages::map(9 * MIB, Fill::Whole, 11 * MIB).unwrap();
        for (written, expected) in
            [(0, 0), (1, 2 * MIB), (3 * MIB, 4 * MIB), (9 * MIB, 9 * MIB), (20 * MIB, 11 * MIB)]
        {
            pages.touch(written);
            assert_eq!(pages.touched(), expected, "{written}");
        }
    }
}
