//! Memory that is kept for later calls. In a process of its own, with one test: it is the process's,
//! and any other call may take it or give it back.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use zstd_arrow::{Compressor, Decompressor, codec};

/// Pages of a dropped output are used again, show nothing of it, and go back when nothing may be
/// kept.
#[test]
fn idle_memory_is_used_again() {
    let size = 70 << 20;
    let column = |byte: u8| -> ArrayRef {
        let value = vec![byte; size];
        Arc::new(LargeBinaryArray::from_opt_vec(vec![Some(&value[..]), None, Some(b"")]))
    };
    let compressor = Compressor::builder().threads(1).build().unwrap();
    let decompressor = Decompressor::builder().threads(1).build().unwrap();
    let frames = [1, 2].map(|byte| compressor.compress_array(&column(byte)).unwrap());
    let values = |frames: &ArrayRef| {
        let values = decompressor.decompress_array(frames).unwrap();
        let address = values.to_data().buffers()[1].as_ptr() as usize;
        (values, address)
    };
    let (first, first_at) = values(&frames[0]);
    let (second, second_at) = values(&frames[1]);
    assert_ne!(first_at, second_at, "both are alive");
    assert_eq!((&first, &second), (&column(1), &column(2)));
    // A slice keeps all of it, and the last one to go gives it back, on whatever thread.
    let slice = first.slice(0, 1);
    drop(first);
    std::thread::spawn(move || drop(slice)).join().unwrap();
    assert!(codec::idle_memory() >= size, "{} bytes are idle", codec::idle_memory());
    let (third, third_at) = values(&frames[1]);
    assert_eq!(third_at, first_at);
    assert_eq!(&third, &second);
    drop((second, third));
    assert!(codec::idle_memory() <= codec::DEFAULT_IDLE_LIMIT);
    codec::set_idle_limit(0);
    assert_eq!(codec::idle_memory(), 0);
    drop(values(&frames[0]).0);
    assert_eq!(codec::idle_memory(), 0);
    codec::set_idle_limit(codec::DEFAULT_IDLE_LIMIT);
}
