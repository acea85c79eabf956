//! No memory is taken on a header's word: the largest allocation of a thread is watched.

use std::alloc::{GlobalAlloc, Layout as MemoryLayout, System};
use std::cell::Cell;

use zstd_arrow::{Decompressor, OnError};

use crate::arrays::{Layout, Row};

/// The system's allocator, which notes the largest allocation of each thread.
struct Watched;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: hands every call on to the system's allocator as it came.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: MemoryLayout) -> *mut u8 {
        // A thread that is ending has no such variable any more; its allocations do not matter.
        let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: by this function's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: MemoryLayout) {
        // SAFETY: by this function's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn largest_allocation(work: impl FnOnce()) -> usize {
    LARGEST.set(0);
    work();
    LARGEST.get()
}

/// A frame of one block of 5 raw bytes that claims another content size.
fn claiming(claimed: u64) -> Vec<u8> {
    let mut bytes = vec![0x28, 0xB5, 0x2F, 0xFD, 0xE0];
    bytes.extend(claimed.to_le_bytes());
    bytes.extend([5 << 3 | 1, 0, 0]);
    bytes.extend(b"hello");
    bytes
}

#[test]
fn no_allocation_on_a_claim() {
    let claims = [1 << 62, u64::MAX - 1, 1 << 40, 1 << 31, 1 << 20];
    let all: Vec<Row> = claims.into_iter().map(|claim| Some(claiming(claim))).collect();
    let column = Layout::LargeBinary.array(&all);
    let null = Decompressor::builder().on_error(OnError::Null).threads(1).build().unwrap();
    let largest = largest_allocation(|| {
        let done = null.decompress_array_with(&column, None).unwrap();
        assert_eq!(done.failures.len(), claims.len());
    });
    assert!(largest < 4096, "{largest} bytes were allocated at once");
    // The watch sees what it is to see.
    let honest = Layout::LargeBinary.array(&[Some(zstd::bulk::compress(&[1; 50_000], 3).unwrap())]);
    let largest = largest_allocation(|| {
        null.decompress_array(&honest).unwrap();
    });
    assert_eq!(largest, 50_000);
}

/// A promise that the frame's blocks cannot keep is no reason to allocate either.
#[test]
fn no_allocation_on_a_promise() {
    let mut bulk = zstd::bulk::Compressor::new(3).unwrap();
    bulk.include_contentsize(false).unwrap();
    let column = Layout::LargeBinary.array(&[Some(bulk.compress(b"small").unwrap())]);
    let sizes = arrow_array::UInt64Array::from(vec![1_u64 << 50]);
    let decompressor = Decompressor::builder().threads(1).build().unwrap();
    let largest = largest_allocation(|| {
        let error = decompressor.decompress_array_with(&column, Some(&sizes)).unwrap_err();
        assert!(error.to_string().starts_with("row 0: size mismatch: "), "{error}");
    });
    assert!(largest < 4096, "{largest} bytes were allocated at once");
}

/// Bombs: blocks that hold 128 KiB in 4 bytes are legal. The limits stop them, with sizes known
/// and unknown.
#[test]
fn bombs_meet_the_limits() {
    let blocks = 8192_usize;
    for known in [true, false] {
        // A window of 1 MiB and no content size, or a single segment with its size.
        let mut bomb = vec![0x28, 0xB5, 0x2F, 0xFD];
        match known {
            true => {
                bomb.push(0xE0);
                bomb.extend(((blocks as u64) << 17).to_le_bytes());
            }
            false => bomb.extend([0x00, 0x50]),
        }
        for block in 0..blocks {
            let last = u32::from(block + 1 == blocks);
            let header = (128_u32 << 10) << 3 | 1 << 1 | last;
            bomb.extend(&header.to_le_bytes()[..3]);
            bomb.push(0);
        }
        let column = Layout::LargeBinary.array(&[Some(bomb)]);
        let limit = 1 << 20;
        let value = Decompressor::builder().max_value_size(limit).threads(1).build().unwrap();
        let output = Decompressor::builder().max_output_size(limit).threads(1).build().unwrap();
        for decompressor in [value, output] {
            let largest = largest_allocation(|| {
                let error = decompressor.decompress_array(&column).unwrap_err().to_string();
                assert!(error.starts_with("row 0: the "), "{error}");
                assert!(error.contains("over the limit of 1048576 a "), "{error}");
            });
            assert!(largest <= limit as usize, "{largest} bytes were allocated at once");
        }
    }
}
