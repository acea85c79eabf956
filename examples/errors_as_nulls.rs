//! Frames from outside, some of them bad: an error that names the row, or nulls and a list of what was
//! wrong; and limits for values that would be too large.
//!
//! ```text
//! cargo run --example errors_as_nulls
//! ```

use arrow_array::cast::AsArray;
use arrow_array::{Array, LargeBinaryArray};
use zstd_arrow::{Compressor, Decompressor, OnError, Result};

fn main() -> Result<()> {
    let values =
        LargeBinaryArray::from_iter_values((0..1_000).map(|i| format!("event {i} ").repeat(9)));
    let frames = Compressor::builder().checksum(true).build()?.compress_array(&values)?;

    // What happens to bytes on their way: text, a cut frame, a flipped bit, a value of 64 MiB of zeros.
    let mut column: Vec<Vec<u8>> =
        frames.as_binary::<i64>().iter().flatten().map(<[u8]>::to_vec).collect();
    column[10] = b"<html>404</html>".to_vec();
    column[20].truncate(15);
    if let Some(last) = column[30].last_mut() {
        *last ^= 1;
    }
    let zeros = LargeBinaryArray::from_iter_values([vec![0; 64 << 20]]);
    column[40] = Compressor::new(3)?.compress_array(&zeros)?.as_binary::<i64>().value(0).to_vec();
    let column = LargeBinaryArray::from_iter_values(column);

    // By default the first bad row ends the call, whichever thread met it.
    match Decompressor::new()?.decompress_array(&column) {
        Ok(_) => unreachable!("four rows are bad"),
        Err(error) => {
            assert_eq!(error.row(), Some(10));
            println!("{error}\n");
        }
    }

    // Or bad rows become null, and are told one by one.
    let codec = Decompressor::builder().on_error(OnError::Null).max_value_size(1 << 20).build()?;
    let done = codec.decompress_array_with(&column, None)?;
    for failure in &done.failures {
        println!("row {}: {}", failure.row, failure.error);
    }
    let bad: Vec<usize> = done.failures.iter().map(|failure| failure.row).collect();
    assert_eq!(bad, [10, 20, 30, 40]);
    assert_eq!(done.array.null_count(), 4);
    assert_eq!(done.array.as_binary::<i64>().value(999), values.value(999));
    println!("\n{} values, {} nulls", done.array.len() - bad.len(), done.array.null_count());
    Ok(())
}
