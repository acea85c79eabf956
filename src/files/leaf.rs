//! The values of a field at any depth: out of their column, and back into it.
//!
//! ```text
//! column    lists  [a b] null [c d]      structs  {a} null {c}
//! values    a b - c d                    values   a - c
//! ```
//!
//! What lies under a null is hidden: in a list or a struct that is null, or between the rows of
//! list views. It may be anything, so the codec is given a null in its place.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, GenericListViewArray, MapArray,
    OffsetSizeTrait, RecordBatch, StructArray, make_array,
};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, FieldRef};

use crate::codec::RowFailure;
use crate::convert::{Encoded, is_encoded};
use crate::error::{Error, Result};
use crate::files::path::FieldPath;

/// The values of a field, all rows of a batch after one another.
pub(super) struct Leaf {
    array: ArrayRef,
    /// Which of them can be seen; `None` if all can.
    pub(super) visible: Option<NullBuffer>,
    /// How many of them there are to a reader, nulls too: those in lists that are null, and those
    /// in no list, are not.
    pub(super) rows: usize,
    /// The lists on the way: for each, where its items are.
    lists: Vec<Vec<Range<usize>>>,
}

impl Leaf {
    /// A column that is no part of another.
    pub(super) fn column(array: ArrayRef) -> Self {
        Self { visible: None, rows: array.len(), lists: Vec::new(), array }
    }

    /// The values at a path.
    pub(super) fn of(batch: &RecordBatch, path: &FieldPath) -> Result<Self> {
        Self::take(batch.column(path.column), &path.steps)
    }

    /// The values to which the steps of a [`FieldPath`] lead.
    pub(super) fn take(column: &ArrayRef, steps: &[usize]) -> Result<Self> {
        let mut leaf = Self::column(column.clone());
        let mut steps = steps.iter();
        loop {
            if let Some(lists) = Lists::open(&leaf.array) {
                leaf.go_down(lists);
            } else if let Some(parent) = leaf.array.as_struct_opt() {
                let child = steps.next().and_then(|step| parent.columns().get(*step));
                let child = child.ok_or_else(|| unsupported(&leaf.array))?.clone();
                leaf.visible = NullBuffer::union(leaf.visible.as_ref(), parent.nulls());
                leaf.array = child;
            } else {
                return Ok(leaf);
            }
        }
    }

    fn go_down(&mut self, mut lists: Lists) {
        if let Some(nulls) = NullBuffer::union(self.visible.as_ref(), self.array.nulls()) {
            for (row, range) in lists.ranges.iter_mut().enumerate() {
                if nulls.is_null(row) {
                    *range = 0..0;
                }
            }
        }
        self.visible = covered(&lists.ranges, lists.items.len());
        let hidden = self.visible.as_ref().map_or(0, NullBuffer::null_count);
        self.rows = lists.items.len() - hidden;
        self.array = lists.items;
        self.lists.push(lists.ranges);
    }

    /// The values with a null for each that is hidden.
    pub(super) fn values(&self) -> Result<ArrayRef> {
        let Some(visible) = &self.visible else { return Ok(self.array.clone()) };
        if matches!(self.array.data_type(), DataType::RunEndEncoded(..)) {
            return self.hidden_runs(visible);
        }
        match self.array.nulls() {
            Some(nulls) if nulls.contains(visible) => Ok(self.array.clone()),
            nulls => with_nulls(&self.array, NullBuffer::union(nulls, Some(visible))),
        }
    }

    /// A run is null if no row of it can be seen.
    fn hidden_runs(&self, visible: &NullBuffer) -> Result<ArrayRef> {
        let Some(encoded) = Encoded::of(&self.array) else { return Ok(self.array.clone()) };
        let mut seen = BooleanBufferBuilder::new(encoded.values().len());
        seen.append_n(encoded.values().len(), false);
        for (row, place, rows) in encoded.runs_from() {
            if let Some(place) = place
                && visible.slice(row, rows).null_count() < rows
            {
                seen.set_bit(place, true);
            }
        }
        let seen = NullBuffer::new(seen.finish());
        let nulls = NullBuffer::union(encoded.values().nulls(), Some(&seen));
        encoded.rewrap(with_nulls(encoded.values(), nulls)?)
    }

    /// How many of the rows are null: by themselves, or by a struct around them.
    pub(super) fn nulls(&self) -> usize {
        let own = self.array.logical_nulls();
        let nulls = NullBuffer::union(self.visible.as_ref(), own.as_ref());
        let hidden = self.array.len() - self.rows;
        nulls.map_or(0, |nulls| nulls.null_count()).saturating_sub(hidden)
    }

    /// The row of the batch that each value belongs to, the first where there are several; `None`
    /// where a value is a row.
    fn batch_rows(&self) -> Option<Vec<usize>> {
        let (inner, outer) = self.lists.split_last()?;
        let mut rows = owners(inner, self.array.len());
        for (depth, ranges) in outer.iter().enumerate().rev() {
            let items = self.lists.get(depth + 1).map_or(0, Vec::len);
            let above = owners(ranges, items);
            rows.iter_mut().for_each(|row| *row = above.get(*row).copied().unwrap_or(*row));
        }
        Some(rows)
    }

    /// An error of the codec, said of the row of the batch.
    pub(super) fn of_row(&self, error: Error) -> Error {
        match (error, self.batch_rows()) {
            (Error::Row { row, error }, Some(rows)) => {
                Error::Row { row: rows.get(row).copied().unwrap_or(row), error }
            }
            (error, _) => error,
        }
    }

    /// Failures of the codec, said of rows of the batch.
    pub(super) fn of_rows(&self, failures: Vec<RowFailure>) -> Vec<RowFailure> {
        if failures.is_empty() {
            return failures;
        }
        let Some(rows) = self.batch_rows() else { return failures };
        let of_row = |RowFailure { row, error }| RowFailure {
            row: rows.get(row).copied().unwrap_or(row),
            error,
        };
        failures.into_iter().map(of_row).collect()
    }

    /// What became of [`Self::values`], with the nulls that the values had before the hidden ones
    /// were made null: for a field that has none.
    pub(super) fn without_hidden_nulls(&self, output: ArrayRef) -> Result<ArrayRef> {
        let own = |array: &ArrayRef| array.nulls().cloned();
        if self.visible.is_none() {
            return Ok(output);
        }
        let (Some(before), Some(after)) = (Encoded::of(&self.array), Encoded::of(&output)) else {
            return with_nulls(&output, own(&self.array));
        };
        let output = after.rewrap(with_nulls(after.values(), own(before.values()))?)?;
        match output.as_any_dictionary_opt() {
            Some(_) => with_nulls(&output, own(&self.array)),
            None => Ok(output),
        }
    }
}

/// The column with other values in place of those that [`Leaf::take`] takes out with these steps,
/// and with `field` in place of their field.
pub(super) fn put(
    column: &ArrayRef,
    steps: &[usize],
    values: &ArrayRef,
    field: &FieldRef,
) -> Result<ArrayRef> {
    put_below(column, steps, values, field, None)
}

/// [`put`], for an array of which not all need be visible.
fn put_below(
    array: &ArrayRef,
    steps: &[usize],
    values: &ArrayRef,
    field: &FieldRef,
    visible: Option<&NullBuffer>,
) -> Result<ArrayRef> {
    // Some writers make null what a null further up hides, in fields without nulls too. Arrow lets
    // only the null of the parent itself excuse that: then the parent is given it.
    let masked = NullBuffer::union(array.nulls(), visible);
    if let Some(lists) = Lists::open(array) {
        let visible = match (array.data_type(), &masked) {
            (DataType::FixedSizeList(_, size), Some(masked)) => {
                usize::try_from(*size).ok().map(|size| masked.expand(size))
            }
            _ => None,
        };
        let items = put_below(&lists.items, steps, values, field, visible.as_ref())?;
        let close = |nulls| lists.close(array, &items, field, nulls);
        return close(array.nulls().cloned()).or_else(|_| close(masked));
    }
    let Some(parent) = array.as_struct_opt() else { return Ok(values.clone()) };
    let (Some((step, steps)), DataType::Struct(fields)) = (steps.split_first(), array.data_type())
    else {
        return Err(unsupported(array));
    };
    let mut children = parent.columns().to_vec();
    let mut fields: Vec<FieldRef> = fields.iter().cloned().collect();
    if let (Some(child), Some(old)) = (children.get_mut(*step), fields.get_mut(*step)) {
        *child = put_below(child, steps, values, field, masked.as_ref())?;
        *old = renewed(old, child, field);
    }
    let build = |nulls: Option<NullBuffer>| {
        let (fields, children) = (fields.clone().into(), children.clone());
        StructArray::try_new_with_length(fields, children, nulls, parent.len())
    };
    Ok(Arc::new(build(parent.nulls().cloned()).or_else(|_| build(masked))?))
}

/// The field of a child that is another now: `field` if it is the one that was replaced.
fn renewed(old: &FieldRef, child: &ArrayRef, field: &FieldRef) -> FieldRef {
    match child.data_type() {
        data_type if data_type.is_nested() && !is_encoded(data_type) => {
            Arc::new(Field::clone(old).with_data_type(data_type.clone()))
        }
        _ => field.clone(),
    }
}

/// An array of lists, opened.
struct Lists {
    /// Their items: no more than those from the first to the last list.
    items: ArrayRef,
    /// Where the items of each are.
    ranges: Vec<Range<usize>>,
}

impl Lists {
    /// The lists of an array, if it is one of lists.
    fn open(array: &ArrayRef) -> Option<Self> {
        let (items, ranges) = match array.data_type() {
            DataType::List(_) => by_offsets(array.as_list::<i32>()),
            DataType::LargeList(_) => by_offsets(array.as_list::<i64>()),
            DataType::ListView(_) => by_views(array.as_list_view::<i32>()),
            DataType::LargeListView(_) => by_views(array.as_list_view::<i64>()),
            DataType::Map(..) => {
                let map = array.as_map();
                let entries: ArrayRef = Arc::new(map.entries().clone());
                within(&entries, map.offsets())
            }
            DataType::FixedSizeList(_, size) => {
                let size = usize::try_from(*size).ok()?;
                let ranges = (0..array.len()).map(|row| row * size..(row + 1) * size);
                (array.as_fixed_size_list().values().clone(), ranges.collect())
            }
            _ => return None,
        };
        Some(Self { items, ranges })
    }

    /// The same lists of other items.
    fn close(
        &self,
        array: &ArrayRef,
        items: &ArrayRef,
        field: &FieldRef,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef> {
        let renewed = |old: &FieldRef| renewed(old, items, field);
        let items = items.clone();
        Ok(match array.data_type() {
            DataType::List(old) => {
                let offsets = self.offsets::<i32>()?;
                Arc::new(GenericListArray::try_new(renewed(old), offsets, items, nulls)?)
            }
            DataType::LargeList(old) => {
                let offsets = self.offsets::<i64>()?;
                Arc::new(GenericListArray::try_new(renewed(old), offsets, items, nulls)?)
            }
            DataType::ListView(old) => {
                let (offsets, sizes) = self.views::<i32>()?;
                Arc::new(GenericListViewArray::try_new(renewed(old), offsets, sizes, items, nulls)?)
            }
            DataType::LargeListView(old) => {
                let (offsets, sizes) = self.views::<i64>()?;
                Arc::new(GenericListViewArray::try_new(renewed(old), offsets, sizes, items, nulls)?)
            }
            DataType::Map(old, ordered) => {
                let old = renewed(old);
                let entries = items.as_struct_opt().ok_or_else(|| unsupported(&items))?.clone();
                Arc::new(MapArray::try_new(old, self.offsets()?, entries, nulls, *ordered)?)
            }
            DataType::FixedSizeList(old, size) => {
                let (old, rows) = (renewed(old), self.ranges.len());
                Arc::new(FixedSizeListArray::try_new_with_length(old, *size, items, nulls, rows)?)
            }
            _ => return Err(unsupported(array)),
        })
    }

    fn offsets<O: OffsetSizeTrait>(&self) -> Result<OffsetBuffer<O>> {
        let ends = self.ranges.iter().map(|range| range.end);
        let offsets = std::iter::once(0).chain(ends).map(narrow).collect::<Result<Vec<O>>>()?;
        // Ends that were offsets before do not fall.
        Ok(OffsetBuffer::new(offsets.into()))
    }

    fn views<O: OffsetSizeTrait>(&self) -> Result<(ScalarBuffer<O>, ScalarBuffer<O>)> {
        let offsets = self.ranges.iter().map(|range| narrow(range.start));
        let sizes = self.ranges.iter().map(|range| narrow(range.len()));
        let offsets: Vec<O> = offsets.collect::<Result<_>>()?;
        let sizes: Vec<O> = sizes.collect::<Result<_>>()?;
        Ok((offsets.into(), sizes.into()))
    }
}

fn narrow<O: OffsetSizeTrait>(place: usize) -> Result<O> {
    O::from_usize(place).ok_or(Error::BeyondOffsets { index: place })
}

fn by_offsets<O: OffsetSizeTrait>(array: &GenericListArray<O>) -> (ArrayRef, Vec<Range<usize>>) {
    within(array.values(), array.offsets())
}

/// The items between the first offset and the last, and where in these the offsets lead.
fn within<O: OffsetSizeTrait>(
    items: &ArrayRef,
    offsets: &OffsetBuffer<O>,
) -> (ArrayRef, Vec<Range<usize>>) {
    let first = offsets[0].as_usize();
    let ends =
        offsets.windows(2).map(|pair| pair[0].as_usize() - first..pair[1].as_usize() - first);
    let ranges: Vec<_> = ends.collect();
    let len = ranges.last().map_or(0, |range| range.end);
    (items.slice(first, len), ranges)
}

/// The items from the first that a view needs to the last, and where in these the views lead.
fn by_views<O: OffsetSizeTrait>(array: &GenericListViewArray<O>) -> (ArrayRef, Vec<Range<usize>>) {
    let views = array.offsets().iter().zip(array.sizes());
    let views = views.map(|(offset, size)| (offset.as_usize(), size.as_usize()));
    let used = views.clone().filter(|(_, size)| *size > 0);
    let first = used.clone().map(|(offset, _)| offset).min().unwrap_or(0);
    let end = used.map(|(offset, size)| offset + size).max().unwrap_or(first);
    let range = |(offset, size): (usize, usize)| match size {
        0 => 0..0,
        size => offset - first..offset - first + size,
    };
    (array.values().slice(first, end - first), views.map(range).collect())
}

/// Which of some items lie in a range; `None` if all do.
fn covered(ranges: &[Range<usize>], items: usize) -> Option<NullBuffer> {
    let mut end = 0;
    let mut in_order = ranges.iter().filter(|range| !range.is_empty());
    if in_order.all(|range| std::mem::replace(&mut end, range.end) == range.start) && end == items {
        return None;
    }
    let mut mask = BooleanBufferBuilder::new(items);
    mask.append_n(items, false);
    for item in ranges.iter().cloned().flatten() {
        mask.set_bit(item, true);
    }
    Some(NullBuffer::new(mask.finish())).filter(|mask| mask.null_count() > 0)
}

/// For each item, the first list that has it; for those that none has, 0.
fn owners(ranges: &[Range<usize>], items: usize) -> Vec<usize> {
    let mut owners = vec![0; items];
    for (list, range) in ranges.iter().enumerate().rev() {
        owners[range.clone()].fill(list);
    }
    owners
}

/// The same array with another validity mask; a dictionary's is that of its keys.
fn with_nulls(array: &ArrayRef, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    // Checked, for what was null can be anything.
    let data = array.to_data().into_builder().nulls(nulls).build();
    Ok(make_array(data.map_err(|error: ArrowError| Error::from(error))?))
}

fn unsupported(array: &ArrayRef) -> Error {
    Error::UnsupportedType(array.data_type().clone())
}

#[cfg(test)]
mod tests {
    use arrow_array::BinaryArray;

    use super::*;

    /// A field without nulls that has one where the struct around its parent is null.
    #[test]
    fn nulls_that_only_a_null_further_up_excuses() {
        let nulls = NullBuffer::from(vec![true, false, true]);
        let fields = |array: &ArrayRef| vec![Field::new("f", array.data_type().clone(), false)];
        let in_struct = |array: ArrayRef, nulls| -> ArrayRef {
            // SAFETY: the lengths and the types are right; only `nullable` is not kept to.
            let array =
                unsafe { StructArray::new_unchecked(fields(&array).into(), vec![array], nulls) };
            Arc::new(array)
        };
        let bytes = |items: &[Option<&[u8]>]| -> ArrayRef {
            Arc::new(items.iter().collect::<BinaryArray>())
        };
        let values = bytes(&[Some(b"a"), None, Some(b"c")]);
        let structs = in_struct(in_struct(values.clone(), None), Some(nulls.clone()));

        let field = Arc::new(Field::new("f", DataType::Binary, false));
        let leaf = Leaf::take(&structs, &[0, 0]).unwrap();
        assert_eq!((leaf.rows, leaf.nulls()), (3, 1));
        let other = bytes(&[Some(b"x"), None, Some(b"z")]);
        let put_back = put(&structs, &[0, 0], &other, &field).unwrap();
        assert_eq!(put_back.nulls(), Some(&nulls));
        let leaf = Leaf::take(&put_back, &[0, 0]).unwrap();
        assert_eq!(&leaf.values().unwrap(), &other);

        let items = bytes(&[Some(b"a"), Some(b"b"), None, None, Some(b"e"), Some(b"f")]);
        let nullable = Arc::new(Field::new("item", DataType::Binary, true));
        let pairs = FixedSizeListArray::new(nullable, 2, items.clone(), None);
        let item = Arc::new(Field::new("item", DataType::Binary, false));
        let data = pairs.into_data().into_builder();
        let data = data.data_type(DataType::FixedSizeList(item.clone(), 2));
        // SAFETY: as above.
        let pairs = make_array(unsafe { data.build_unchecked() });
        let pairs = in_struct(pairs, Some(nulls.clone()));
        let put_back = put(&pairs, &[0], &items, &item).unwrap();
        assert_eq!(put_back.nulls(), Some(&nulls));
        assert_eq!(&Leaf::take(&put_back, &[0]).unwrap().values().unwrap(), &items);
    }
}
