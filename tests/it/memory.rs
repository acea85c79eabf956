//! No memory is taken on a header's word: the largest allocation of a thread is watched.

use std::alloc::{GlobalAlloc, Layout as MemoryLayout, System};
use std::cell::Cell;

use std::sync::Arc;

use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, Int64Array, LargeBinaryArray, RunArray};
use arrow_buffer::Buffer;
use zstd_arrow::{Compressor, Decompressor, Format, OnError, decompressed_size};

use crate::arrays::{Layout, Row};
use crate::bad_input::claiming;

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

#[test]
fn no_allocation_on_a_claim() {
    // The last one is below what gets pages of its own, which the watch does not see.
    let claims = [1 << 62, u64::MAX - 1, 1 << 40, 1 << 31, 1 << 20, 900_000];
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

/// Compressed blocks too small to be any hold nothing, whatever their number.
#[test]
fn empty_blocks_hold_nothing() {
    let mut bytes = vec![0x28, 0xB5, 0x2F, 0xFD, 0xE0];
    bytes.extend((4_u64 << 30).to_le_bytes());
    for block in 0..32_768_u32 {
        bytes.extend([2 << 1 | u8::from(block == 32_767), 0, 0]);
    }
    let column = Layout::LargeBinary.array(&[Some(bytes)]);
    let decompressor = Decompressor::builder().threads(1).build().unwrap();
    let largest = largest_allocation(|| {
        assert_eq!(
            decompressor.decompress_array(&column).unwrap_err().to_string(),
            "row 0: the header claims 4294967296 bytes of content, but the frame's blocks hold 0 \
             at the most"
        );
    });
    assert!(largest < 4096, "{largest} bytes were allocated at once");
}

/// A stream that was flushed often has a block a flush, whose bound is far above its content: such
/// a value decodes, among others and without memory for the bound.
#[test]
fn flushed_streams_decode() {
    use std::io::Write;
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    let mut value = Vec::new();
    for i in 0..60_000 {
        let line = format!("line {i} of a log that is flushed\n");
        encoder.write_all(line.as_bytes()).unwrap();
        encoder.flush().unwrap();
        value.extend(line.into_bytes());
    }
    let frame = encoder.finish().unwrap();
    let column = Layout::LargeBinary.array(&[Some(frame), None]);
    for threads in [1, 2] {
        let decompressor = Decompressor::builder().threads(threads).build().unwrap();
        let values = decompressor.decompress_array(&column).unwrap();
        assert_eq!(crate::arrays::rows(&values), [Some(value.clone()), None]);
    }
}

/// A run of 2^40 rows over one value is as little work as one row.
#[test]
fn long_runs_cost_nothing() {
    let rows = 1_i64 << 40;
    let frame = zstd::bulk::compress(b"one value", 3).unwrap();
    let run = |value: &[u8]| -> ArrayRef {
        let values = LargeBinaryArray::from_vec(vec![value]);
        let ends = Int64Array::from(vec![rows]);
        Arc::new(RunArray::<Int64Type>::try_new(&ends, &values).unwrap())
    };
    let good = run(&frame);
    for on_error in [OnError::Fail, OnError::Null] {
        let decompressor = Decompressor::builder().on_error(on_error).threads(1).build().unwrap();
        let largest = largest_allocation(|| {
            let values = decompressor.decompress_array(&good).unwrap();
            assert_eq!(values.len() as i64, rows);
            let frames = Compressor::new(3).unwrap().compress_array(&values).unwrap();
            assert_eq!(frames.len() as i64, rows);
        });
        assert!(largest < 1 << 20, "{largest} bytes were allocated at once");
    }
    let null = Decompressor::builder().on_error(OnError::Null).build().unwrap();
    let done = null.decompress_array_with(&run(b"no frame"), None).unwrap();
    assert_eq!(done.failures.len(), 1);
    // An answer for each row is as long as there are rows.
    assert!(decompressed_size(&good, Format::Zstd).is_err());
}

/// Values of no bytes need no memory, and an array of them can be of any length.
#[test]
fn no_memory_for_offsets_is_an_error() {
    let huge = FixedSizeBinaryArray::try_new_with_len(0, Buffer::from(&[]), None, 1 << 46).unwrap();
    let message = "no memory for 562949953421320 bytes of offsets";
    let decompressor = Decompressor::new().unwrap();
    assert_eq!(decompressor.decompress_array(&huge).unwrap_err().to_string(), message);
    let compressor = Compressor::new(3).unwrap();
    assert_eq!(compressor.compress_array(&huge).unwrap_err().to_string(), message);
}

/// Long distances in small values, at a low rate (found by fuzzing: libzstd's table has 8 GiB then).
#[test]
fn long_distances_in_small_values() {
    let column = Layout::LargeBinary.array(&vec![Some(b"a small value".repeat(9)); 3]);
    for rate in [8, 11, 20, 25] {
        let builder = Compressor::builder().long_distance(true).ldm_hash_rate_log(rate).threads(1);
        let frames = builder.window_log(17).build().unwrap().compress_array(&column).unwrap();
        assert_eq!(&Decompressor::new().unwrap().decompress_array(&frames).unwrap(), &column);
    }
    let options = Compressor::builder().long_distance(true).ldm_hash_rate_log(20).window_log(17);
    let size = options.build().unwrap().options().context_size().unwrap();
    assert!(size < 32 << 20, "{size} bytes");
}
