//! Columns of anything against the plain loop: the same values, or both fail.
#![no_main]

use std::sync::Arc;

use arrow_array::builder::BinaryViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, LargeBinaryArray};
use libfuzzer_sys::fuzz_target;
use zstd_arrow::{Decoder, Decompressor, Dictionary, Format, OnError};
use zstd_arrow_fuzz::dictionary;
use zstd_arrow_fuzz::libzstd::{MOST, Plain};
use zstd_arrow_fuzz::rows::Input;

fn column(rows: &[Option<Vec<u8>>], layout: u8) -> ArrayRef {
    let rows = rows.iter().map(|row| row.as_deref());
    match layout % 4 {
        0 => Arc::new(rows.collect::<LargeBinaryArray>()),
        1 => Arc::new(rows.collect::<BinaryArray>()),
        2 => {
            let mut builder = BinaryViewBuilder::new().with_fixed_block_size(64);
            rows.for_each(|row| builder.append_option(row));
            Arc::new(builder.finish())
        }
        _ => {
            // A slice from the middle.
            let more: LargeBinaryArray =
                [Some(&b"no frame"[..]), None].into_iter().chain(rows).collect();
            Arc::new(more.slice(2, more.len() - 2))
        }
    }
}

fn values(array: &ArrayRef) -> Vec<Option<Vec<u8>>> {
    match array.as_binary_opt::<i64>() {
        Some(plain) => plain.iter().map(|row| row.map(<[u8]>::to_vec)).collect(),
        None => array.as_binary_view().iter().map(|row| row.map(<[u8]>::to_vec)).collect(),
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let (how, layout) = (input.byte(), input.byte());
    let magicless = how & 4 != 0;
    let given: Option<Dictionary> = match how & 3 {
        0 => None,
        1 => Dictionary::raw_content(&b"raw content that frames may refer to"[..]).ok(),
        _ => Some(dictionary()),
    };
    let bytes = given.as_ref().map(Dictionary::as_bytes);
    let rows = input.rows(40, bytes);
    let mut plain = Plain::new(bytes, magicless);
    let expected: Vec<Option<Vec<u8>>> =
        rows.iter().map(|row| row.as_ref().and_then(|row| plain.decompress(row, MOST))).collect();
    let failed: Vec<usize> =
        (0..rows.len()).filter(|i| rows[*i].is_some() && expected[*i].is_none()).collect();

    let column = column(&rows, layout);
    let decompressor = |on_error| {
        Decompressor::builder()
            .dictionaries(given.iter().cloned().collect())
            .format(if magicless { Format::Magicless } else { Format::Zstd })
            .decoder([Decoder::Auto, Decoder::Libzstd, Decoder::Batch][usize::from(how >> 3) % 3])
            .threads(if how & 0x80 != 0 { 2 } else { 1 })
            .max_value_size(MOST as u64)
            .on_error(on_error)
            .build()
            .expect("sound options")
    };
    let done = decompressor(OnError::Null).decompress_array_with(&column, None).expect("nulls");
    assert_eq!(values(&done.array), expected);
    assert_eq!(done.failures.iter().map(|failure| failure.row).collect::<Vec<_>>(), failed);
    match (decompressor(OnError::Fail).decompress_array(&column), failed.first()) {
        (Ok(array), None) => assert_eq!(values(&array), expected),
        (Err(error), Some(row)) => assert_eq!(error.row(), Some(*row), "{error}"),
        (outcome, row) => panic!("{outcome:?}, {row:?}"),
    }
});
