//! Arrays of every layout from the same rows, and rows from arrays of every layout.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryDictionaryBuilder, BinaryViewBuilder, FixedSizeBinaryBuilder, StringViewBuilder,
};
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, Int32Array, LargeBinaryArray, LargeStringArray,
    RunArray, StringArray,
};
use zstd_arrow::convert::{self, Encoded};

pub(crate) type Row = Option<Vec<u8>>;

/// The layouts that a column can lie in. Text and fixed sizes are only for rows that fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    LargeBinary,
    Binary,
    BinaryView,
    /// Views over several data buffers.
    SplitView,
    LargeUtf8,
    Utf8,
    Utf8View,
    FixedSizeBinary,
    Dictionary,
    RunEnd,
}

impl Layout {
    /// Those that take any rows.
    pub(crate) const ANY: [Layout; 6] = [
        Layout::LargeBinary,
        Layout::Binary,
        Layout::BinaryView,
        Layout::SplitView,
        Layout::Dictionary,
        Layout::RunEnd,
    ];

    pub(crate) fn array(self, rows: &[Row]) -> ArrayRef {
        let bytes = || rows.iter().map(|row| row.as_deref());
        let text = || bytes().map(|row| row.map(|row| std::str::from_utf8(row).unwrap()));
        match self {
            Layout::LargeBinary => Arc::new(bytes().collect::<LargeBinaryArray>()),
            Layout::Binary => Arc::new(bytes().collect::<BinaryArray>()),
            Layout::BinaryView => Arc::new(bytes().collect::<BinaryViewArray>()),
            Layout::SplitView => {
                let mut builder = BinaryViewBuilder::new().with_fixed_block_size(64);
                bytes().for_each(|row| builder.append_option(row));
                Arc::new(builder.finish())
            }
            Layout::LargeUtf8 => Arc::new(text().collect::<LargeStringArray>()),
            Layout::Utf8 => Arc::new(text().collect::<StringArray>()),
            Layout::Utf8View => {
                let mut builder = StringViewBuilder::new();
                text().for_each(|row| builder.append_option(row));
                Arc::new(builder.finish())
            }
            Layout::FixedSizeBinary => {
                let width = bytes().flatten().next().map_or(0, <[u8]>::len);
                let mut builder = FixedSizeBinaryBuilder::new(width as i32);
                for row in bytes() {
                    match row {
                        Some(row) => builder.append_value(row).unwrap(),
                        None => builder.append_null(),
                    }
                }
                Arc::new(builder.finish())
            }
            Layout::Dictionary => {
                let mut builder = BinaryDictionaryBuilder::<Int32Type>::new();
                bytes().for_each(|row| builder.append_option(row));
                Arc::new(builder.finish())
            }
            Layout::RunEnd => {
                let mut ends: Vec<i32> = Vec::new();
                let mut values: Vec<&Row> = Vec::new();
                for (i, row) in rows.iter().enumerate() {
                    if values.last() != Some(&row) {
                        values.push(row);
                        ends.push(0);
                    }
                    *ends.last_mut().unwrap() = i as i32 + 1;
                }
                let values: LargeBinaryArray = values.into_iter().map(|v| v.as_deref()).collect();
                Arc::new(RunArray::<Int32Type>::try_new(&Int32Array::from(ends), &values).unwrap())
            }
        }
    }
}

/// A dictionary array with small keys and a null among its values.
pub(crate) fn small_dictionary(keys: Vec<Option<i8>>, values: &[Row]) -> ArrayRef {
    let values: LargeBinaryArray = values.iter().map(|row| row.as_deref()).collect();
    let keys = arrow_array::PrimitiveArray::<Int8Type>::from(keys);
    Arc::new(arrow_array::DictionaryArray::new(keys, Arc::new(values)))
}

/// The rows of an array of any layout, by way of the crate's own conversions' slow twin: one
/// value at a time.
pub(crate) fn rows(array: &dyn Array) -> Vec<Row> {
    if let Some(encoded) = Encoded::of(array) {
        let values = rows(encoded.values());
        return places(&encoded).into_iter().map(|place| values[place?].clone()).collect();
    }
    let (segments, validity) = convert::from_array(array).unwrap();
    assert_eq!(segments.len(), array.len());
    (0..array.len())
        .map(|i| {
            let valid = validity.as_ref().is_none_or(|validity| validity.is_valid(i));
            valid.then(|| segments.get(i).unwrap().to_vec())
        })
        .collect()
}

pub(crate) fn row(bytes: impl AsRef<[u8]>) -> Row {
    Some(bytes.as_ref().to_vec())
}

/// Rows of several sizes around the inline limit of views, with nulls and repeats.
pub(crate) fn sample() -> Vec<Row> {
    vec![
        row("one"),
        None,
        row(""),
        row("exactly 12 b"),
        row("13 bytes here"),
        row("a value of some more bytes than a view holds"),
        row("a value of some more bytes than a view holds"),
        None,
        None,
        row("one"),
        row("another long value, in another data buffer if they are small"),
        row("x".repeat(300)),
    ]
}

/// The place of each row's value, one by one.
pub(crate) fn places(encoded: &Encoded) -> Vec<Option<usize>> {
    encoded.runs().flat_map(|(place, rows)| std::iter::repeat_n(place, rows)).collect()
}
