//! A column through the codec with the dictionary of the call, or with that of each row.

use std::collections::HashMap;

use arrow_array::{Array, ArrayRef, BinaryViewArray, UInt64Array};
use datafusion::arrow::compute::{interleave, take};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

use super::arguments::{self, DictionaryOf};
use super::error::failed;
use crate::error::{Error, ValueError};

/// Works on a column of `rows` rows; `codec` is called with some of it and the dictionary for that.
pub(super) fn apply(
    function: &'static str,
    value: &ColumnarValue,
    rows: usize,
    dictionary: &DictionaryOf,
    codec: impl Fn(&ArrayRef, Option<&[u8]>) -> crate::error::Result<ArrayRef>,
) -> Result<ColumnarValue> {
    match dictionary {
        DictionaryOf::Call(dictionary) => {
            arguments::map(function, value, |array| codec(array, dictionary.as_deref()))
        }
        DictionaryOf::Rows(dictionaries) => {
            let array = arguments::rows(value, rows)?;
            let done = by_row(&array, dictionaries, codec).map_err(failed(function))?;
            Ok(ColumnarValue::Array(done))
        }
    }
}

/// Rows that have their dictionary at the same address, as they do behind the views that a join
/// makes, are worked on together. The lowest row that fails is the one that is named.
fn by_row(
    array: &ArrayRef,
    dictionaries: &BinaryViewArray,
    codec: impl Fn(&ArrayRef, Option<&[u8]>) -> crate::error::Result<ArrayRef>,
) -> crate::error::Result<ArrayRef> {
    let mut groups: Vec<(Option<&[u8]>, Vec<usize>)> = Vec::new();
    let mut places = HashMap::new();
    let mut origin = Vec::with_capacity(array.len());
    for (row, dictionary) in dictionaries.iter().enumerate() {
        let address = dictionary.map(|bytes| (bytes.as_ptr(), bytes.len()));
        let group = *places.entry(address).or_insert_with(|| {
            groups.push((dictionary, Vec::new()));
            groups.len() - 1
        });
        origin.push((group, groups[group].1.len()));
        groups[group].1.push(row);
    }
    if let [(dictionary, _)] = groups.as_slice() {
        return codec(array, *dictionary);
    }
    let mut done = Vec::with_capacity(groups.len());
    let mut lowest: Option<(usize, ValueError)> = None;
    for (dictionary, rows) in groups {
        let places: UInt64Array = rows.iter().map(|row| *row as u64).collect();
        let part = take(array, &places, None)?;
        match codec(&part, dictionary) {
            Ok(part) => done.push(part),
            Err(Error::Row { row, error }) => {
                let row = rows[row];
                if lowest.as_ref().is_none_or(|(lowest, _)| row < *lowest) {
                    lowest = Some((row, error));
                }
            }
            Err(other) => return Err(other),
        }
    }
    if let Some((row, error)) = lowest {
        return Err(Error::Row { row, error });
    }
    if done.is_empty() {
        // No rows at all.
        return codec(array, None);
    }
    let parts: Vec<&dyn Array> = done.iter().map(AsRef::as_ref).collect();
    Ok(interleave(&parts, &origin)?)
}
