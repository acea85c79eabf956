//! Segments over one buffer, the Arrow array that they are, and a column through zstd and back.
//!
//! ```text
//! cargo run --example quickstart
//! ```

use arrow_array::cast::AsArray;
use arrow_array::{Array, LargeBinaryArray};
use arrow_buffer::Buffer;
use zstd_arrow::{
    BufferSegments, BufferWithSegments, Compressor, Decompressor, OnError, Result, convert,
};

fn main() -> Result<()> {
    // One buffer, three segments: (offset, length) in bytes.
    let data = Buffer::from(b"one buffer, many values");
    let segments: BufferSegments = [(0, 10), (10, 2), (12, 11)].into_iter().collect();
    let buffer = BufferWithSegments::try_new(data, segments)?;
    for segment in buffer.iter() {
        println!("{:>2}: {:?}", segment.offset(), String::from_utf8_lossy(&segment));
    }

    // The same memory as a LargeBinary array, and back.
    let address = buffer.as_slice().as_ptr();
    let array = convert::to_large_binary(buffer, None)?;
    assert_eq!(array.values().as_ptr(), address);
    let (buffer, _validity) = convert::from_bytes(&array);
    assert_eq!(buffer.as_slice().as_ptr(), address);
    println!("as an array: {} rows, no byte copied", array.len());

    // A column through zstd: one frame a value, nulls stay null.
    let column = LargeBinaryArray::from_iter(
        (0..10_000).map(|i| (i % 100 > 0).then(|| format!("event {i}: page viewed, page viewed"))),
    );
    let frames = Compressor::builder().level(3).checksum(true).build()?.compress_array(&column)?;
    let values = Decompressor::new()?.decompress_array(&frames)?;
    assert_eq!(values.as_binary::<i64>(), &column);
    println!("{} rows there and back, {} nulls", values.len(), values.null_count());

    // A row that is damaged: an error that names it, or a null.
    let mut damaged: Vec<Option<Vec<u8>>> =
        frames.as_binary::<i64>().iter().map(|frame| frame.map(<[u8]>::to_vec)).collect();
    damaged[4321] = Some(b"no frame".to_vec());
    let damaged = LargeBinaryArray::from_iter(damaged);
    match Decompressor::new()?.decompress_array(&damaged) {
        Ok(_) => unreachable!("row 4321 is no frame"),
        Err(error) => println!("{error}"),
    }
    let lenient = Decompressor::builder().on_error(OnError::Null).build()?;
    let done = lenient.decompress_array_with(&damaged, None)?;
    println!("{} row became null: row {}", done.failures.len(), done.failures[0].row);
    Ok(())
}
