use arrow_array::cast::AsArray;
use arrow_array::{Array, LargeBinaryArray};
use zstd_arrow::{Compressor, Decompressor};

#[test]
fn smoke() {
    let rows: Vec<Vec<u8>> =
        (0..20000).map(|i| format!("row {i} {}", "abc".repeat(i % 50)).into_bytes()).collect();
    let column = LargeBinaryArray::from_iter_values(&rows);
    for threads in [1, 2, 7] {
        let frames = Compressor::builder()
            .threads(threads)
            .build()
            .unwrap()
            .compress_array(&column)
            .unwrap();
        let values = Decompressor::builder()
            .threads(threads)
            .build()
            .unwrap()
            .decompress_array(&frames)
            .unwrap();
        assert_eq!(values.as_binary::<i64>(), &column);
        let frames = Compressor::builder()
            .threads(threads)
            .content_size(false)
            .build()
            .unwrap()
            .compress_array(&column)
            .unwrap();
        let values = Decompressor::builder()
            .threads(threads)
            .build()
            .unwrap()
            .decompress_array(&frames)
            .unwrap();
        assert_eq!(values.as_binary::<i64>(), &column);
    }
}
