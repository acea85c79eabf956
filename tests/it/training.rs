//! Training dictionaries on columns.

use rstest::rstest;
use zstd_arrow::{Compressor, Dictionary, Trainer};

use crate::arrays::{Layout, Row, row, rows};

fn records() -> Vec<Row> {
    (0..5000)
        .map(|i| match i % 50 {
            0 => None,
            1 => row(""),
            _ => row(format!(
                "{{\"id\":{i},\"kind\":\"page_view\",\"path\":\"/item/{}\"}}",
                i * 7919
            )),
        })
        .collect()
}

fn compressed_size(dictionary: Option<Dictionary>) -> usize {
    let builder = Compressor::builder();
    let builder = match dictionary {
        Some(dictionary) => builder.dictionary(dictionary),
        None => builder,
    };
    let column = Layout::LargeBinary.array(&records());
    let frames = builder.build().unwrap().compress_array(&column).unwrap();
    rows(&frames).into_iter().flatten().map(|frame| frame.len()).sum()
}

/// The same rows give the same dictionary, whatever layout they lie in and however they come; and
/// it does what it is for.
#[rstest]
fn the_same_rows_the_same_dictionary(
    #[values(Layout::LargeBinary, Layout::Binary, Layout::BinaryView, Layout::SplitView)]
    layout: Layout,
) {
    let whole = Dictionary::train(&Layout::LargeBinary.array(&records()), 4096).unwrap();
    assert!(whole.as_bytes().len() <= 4096);
    assert_ne!(whole.id(), 0);
    let mut trainer = Trainer::new(4096);
    for part in records().chunks(777) {
        trainer.push(&layout.array(part)).unwrap();
    }
    let parts = trainer.finish().unwrap();
    assert_eq!(parts, whole);
    assert_eq!(Dictionary::from_bytes(whole.as_bytes()).unwrap(), whole);
    assert!(compressed_size(Some(whole)) * 2 < compressed_size(None));
}

/// Of a dictionary-encoded column each distinct value is looked at once.
#[test]
fn encoded_columns_teach_their_values() {
    let values = records();
    let doubled: Vec<Row> = values.iter().chain(&values).cloned().collect();
    let mut distinct: Vec<Row> = values.into_iter().flatten().map(Some).collect();
    let mut seen = std::collections::HashSet::new();
    distinct.retain(|row| seen.insert(row.clone()));
    let encoded = Dictionary::train(&*Layout::Dictionary.array(&doubled), 4096).unwrap();
    let plain = Dictionary::train(&*Layout::LargeBinary.array(&distinct), 4096).unwrap();
    assert_eq!(encoded, plain);
}

#[rstest]
#[case::nothing(vec![], 4096, "cannot train 4096 bytes on 0 samples of 0 bytes in all: ")]
#[case::only_nulls(vec![None; 100], 4096, "cannot train 4096 bytes on 0 samples of 0 bytes in all: ")]
#[case::too_few(vec![row("abc"); 3], 4096, "cannot train 4096 bytes on 3 samples of 9 bytes in all: ")]
#[case::too_small(records(), 10, "cannot train 10 bytes on ")]
fn too_little_to_learn(#[case] rows: Vec<Row>, #[case] size: usize, #[case] message: &str) {
    let error = Dictionary::train(&Layout::LargeBinary.array(&rows), size).unwrap_err().to_string();
    assert!(error.starts_with(&format!("dictionary: {message}")), "{error}");
}
