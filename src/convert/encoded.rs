//! The encodings that store each distinct value once: dictionary and run-end.
//!
//! Work on such a column is work on its values; the keys or run ends stay as they are.
//!
//! ```text
//! Dictionary      keys 0 1 0 - 1      values  A B          rows A B A - B
//! RunEndEncoded   ends 3 4            values  A B          rows A A A B
//! ```

use std::sync::Arc;

use crate::convert::is_encoded;
use crate::error::{Error, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, PrimitiveArray, downcast_dictionary_array,
    downcast_run_array, make_array,
};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, NullBuffer};

/// A dictionary or run-end encoded array, opened: its values, and the way back.
#[derive(Debug, Clone)]
pub struct Encoded {
    array: ArrayRef,
}

impl Encoded {
    /// The array, opened, if it is encoded; `None` if it is not.
    pub fn of(array: &dyn Array) -> Option<Self> {
        is_encoded(array.data_type()).then(|| Self { array: make_array(array.to_data()) })
    }

    /// The values, each distinct one once: a plain array.
    pub fn values(&self) -> &ArrayRef {
        match self.array.as_any_dictionary_opt() {
            Some(dictionary) => dictionary.values(),
            None => self.array.as_any_ree().values(),
        }
    }

    /// What each row stands for, in order: the place of a value among [`Self::values`], or `None`
    /// for a null key, and for how many rows. A dictionary has a run a row.
    ///
    /// A run can be of any length, whatever the array's memory: do not take one apart.
    pub fn runs(&self) -> Box<dyn Iterator<Item = (Option<usize>, usize)> + '_> {
        let array = &self.array;
        downcast_dictionary_array!(
            array => Box::new(array.keys().iter().map(|key| (key.map(|key| key.as_usize()), 1))),
            _ => downcast_run_array!(
                array => {
                    let ends = array.run_ends();
                    let first = ends.get_start_physical_index();
                    let mut start = 0;
                    Box::new(ends.sliced_values().enumerate().map(move |(run, end)| {
                        let end = end.as_usize();
                        let rows = end - std::mem::replace(&mut start, end);
                        (Some(first + run), rows)
                    }))
                },
                other => unreachable!("Encoded::of takes no {other}")
            )
        )
    }

    /// [`Self::runs`] with the row that each begins with.
    pub(crate) fn runs_from(&self) -> impl Iterator<Item = (usize, Option<usize>, usize)> + '_ {
        self.runs().scan(0, |start, (place, rows)| {
            let first = *start;
            *start += rows;
            Some((first, place, rows))
        })
    }

    /// Which of the values some row stands for.
    ///
    /// A sliced array, or one whose dictionary is shared with others, need not use them all; what
    /// no row uses is not worth work, nor an error.
    pub fn used(&self) -> BooleanBuffer {
        let array = &self.array;
        downcast_dictionary_array!(
            array => array.occupancy(),
            _ => downcast_run_array!(
                array => {
                    let runs = array.get_start_physical_index()..array.get_end_physical_index() + 1;
                    let runs = if array.is_empty() { 0..0 } else { runs };
                    BooleanBuffer::collect_bool(array.values().len(), |place| runs.contains(&place))
                },
                other => unreachable!("Encoded::of takes no {other}")
            )
        )
    }

    /// Which of the values are worth work: all of a dictionary's, for arrays that share one to go
    /// on sharing it, but of a run-end encoded array those that its slice covers.
    pub(crate) fn worked_on(&self) -> BooleanBuffer {
        match self.array.as_any_dictionary_opt() {
            Some(dictionary) => BooleanBuffer::new_set(dictionary.values().len()),
            None => self.used(),
        }
    }

    /// The same keys or run ends over other values.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] if there are not as many values as before.
    pub fn rewrap(&self, values: ArrayRef) -> Result<ArrayRef> {
        let expected = self.values().len();
        if values.len() != expected {
            return Err(Error::LengthMismatch { what: "values", expected, found: values.len() });
        }
        Ok(match self.array.as_any_dictionary_opt() {
            Some(dictionary) => dictionary.with_values(values),
            None => self.array.as_any_ree().with_values(values),
        })
    }

    /// [`Self::rewrap`] with some rows made null.
    ///
    /// A dictionary's keys become null there, so that `is_null` tells it of the row; run ends have
    /// no validity, their rows are null by their value.
    ///
    /// # Errors
    ///
    /// As [`Self::rewrap`].
    pub fn rewrap_without(&self, values: ArrayRef, lost_rows: &[usize]) -> Result<ArrayRef> {
        let whole = self.rewrap(values)?;
        if lost_rows.is_empty() {
            return Ok(whole);
        }
        let array = &whole;
        Ok(downcast_dictionary_array!(
            array => Arc::new(with_null_keys(array, lost_rows)),
            _ => whole
        ))
    }
}

fn with_null_keys<K: ArrowDictionaryKeyType>(
    array: &DictionaryArray<K>,
    lost: &[usize],
) -> DictionaryArray<K> {
    let keys = array.keys();
    let nulls = without(keys.nulls(), keys.len(), lost);
    let keys = PrimitiveArray::<K>::new(keys.values().clone(), Some(nulls));
    DictionaryArray::new(keys, array.values().clone())
}

/// A mask of `rows` bits with more rows made null. `lost` never falls.
pub(crate) fn without(nulls: Option<&NullBuffer>, rows: usize, lost: &[usize]) -> NullBuffer {
    let mut mask = arrow_buffer::BooleanBufferBuilder::new(rows);
    match nulls {
        Some(nulls) => mask.append_buffer(nulls.inner()),
        None => mask.append_n(rows, true),
    }
    for row in lost {
        mask.set_bit(*row, false);
    }
    NullBuffer::new(mask.finish())
}
