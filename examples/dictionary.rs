//! Small values and a dictionary: trained on the column, used for it, kept beside it.
//!
//! ```text
//! cargo run --example dictionary
//! ```

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use zstd_arrow::{Compressor, Decompressor, Dictionary, Result};

fn main() -> Result<()> {
    let event = |i: usize| {
        format!(
            "{{\"id\":{i},\"kind\":\"page_view\",\"path\":\"/item/{}\",\"user\":{}}}",
            i * 7919 % 5003,
            i * 31 % 977
        )
    };
    let column = LargeBinaryArray::from_iter_values((0..20_000).map(event));
    let raw = column.values().len();
    let size = |frames: &ArrayRef| frames.as_binary::<i64>().values().len();

    // Each value alone has little to repeat.
    let alone = Compressor::new(3)?.compress_array(&column)?;
    println!("no dictionary: {raw} -> {} bytes", size(&alone));

    // What all of them have in common goes into a dictionary.
    let dictionary = Dictionary::train(&column, 16 << 10)?;
    let compressor = Compressor::builder().dictionary(dictionary.clone()).build()?;
    let frames = compressor.compress_array(&column)?;
    println!("dictionary {}: {raw} -> {} bytes", dictionary.id(), size(&frames));
    assert!(size(&frames) * 2 < size(&alone));

    // Without it the frames say which one they need; its bytes are all that has to be kept.
    match Decompressor::new()?.decompress_array(&frames) {
        Ok(_) => unreachable!("the frames need the dictionary"),
        Err(error) => println!("{error}"),
    }
    let kept: Vec<u8> = dictionary.as_bytes().to_vec();
    let again = Dictionary::from_bytes(kept)?;
    let values = Decompressor::builder().dictionary(again).build()?.decompress_array(&frames)?;
    assert_eq!(values.as_binary::<i64>(), &column);
    println!("{} rows there and back", values.len());
    Ok(())
}
