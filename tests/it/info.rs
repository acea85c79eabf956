//! What frames say of themselves, as columns.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{UInt32Type, UInt64Type};
use rstest::rstest;
use zstd_arrow::{Compressor, Dictionary, Format, decompressed_size, frame_info};

use crate::arrays::{Layout, Row, row};

#[rstest]
fn sizes_and_info(
    #[values(Layout::LargeBinary, Layout::BinaryView, Layout::Dictionary, Layout::RunEnd)]
    layout: Layout,
) {
    let samples: Vec<Row> = (0..2000).map(|i| row(format!("word {i} word {}", i * 31))).collect();
    let dictionary = Dictionary::train(&Layout::LargeBinary.array(&samples), 1024).unwrap();
    let one = |compressor: zstd_arrow::CompressorBuilder, value: &[u8]| -> Vec<u8> {
        let column = Layout::LargeBinary.array(&[row(value)]);
        let frames = compressor.build().unwrap().compress_array(&column).unwrap();
        frames.as_binary::<i64>().value(0).to_vec()
    };
    let plain = one(Compressor::builder(), &[7; 300]);
    let all = [
        Some(plain.clone()),
        None,
        Some(one(Compressor::builder().content_size(false).checksum(true), b"unsized")),
        Some(one(Compressor::builder().dictionary(dictionary.clone()), b"word 1 word")),
        Some([plain.clone(), plain.clone()].concat()),
        Some(plain.clone()),
    ];
    let column = layout.array(&all);
    let sizes = decompressed_size(&column, Format::Zstd).unwrap();
    let expected = [Some(300), None, None, Some(11), Some(600), Some(300)];
    assert_eq!(sizes.iter().collect::<Vec<_>>(), expected);

    let info = frame_info(&column, Format::Zstd).unwrap();
    assert_eq!(info.len(), 6);
    assert_eq!(info.nulls().map(|nulls| nulls.null_count()), Some(1));
    assert!(info.is_null(1));
    let wide = |name: &str| {
        let column = info.column_by_name(name).unwrap().as_primitive::<UInt64Type>().clone();
        column.iter().collect::<Vec<_>>()
    };
    let narrow = |name: &str| {
        let column = info.column_by_name(name).unwrap().as_primitive::<UInt32Type>().clone();
        column.iter().collect::<Vec<_>>()
    };
    assert_eq!(wide("content_size"), expected);
    let stored: Vec<Option<u64>> =
        all.iter().map(|row| row.as_ref().map(|row| row.len() as u64)).collect();
    assert_eq!(wide("compressed_size"), stored);
    assert_eq!(wide("window_size")[0], Some(300));
    assert_eq!(narrow("dictionary_id"), [None, None, None, Some(dictionary.id()), None, None]);
    assert_eq!(narrow("frames"), [Some(1), None, Some(1), Some(1), Some(2), Some(1)]);
    let checksums = info.column_by_name("checksum").unwrap().as_boolean().clone();
    let checksums: Vec<Option<bool>> = checksums.iter().collect();
    assert_eq!(checksums, [Some(false), None, Some(true), Some(false), Some(false), Some(false)]);
}

#[test]
fn no_frame_is_an_error() {
    for layout in [Layout::LargeBinary, Layout::Dictionary] {
        let column = layout.array(&[None, row("no frame")]);
        assert_eq!(
            decompressed_size(&column, Format::Zstd).unwrap_err().to_string(),
            "row 1: bad magic number 6e 6f 20 66: not a zstd frame (28 b5 2f fd)"
        );
        assert!(frame_info(&column, Format::Zstd).is_err());
    }
    let empty = Layout::LargeBinary.array(&[]);
    assert_eq!(frame_info(&empty, Format::Zstd).unwrap().len(), 0);
}
