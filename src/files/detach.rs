//! Columns that let go of memory which is mostly others'.

use arrow_array::{ArrayRef, make_array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_schema::DataType;

/// The column, with copies of those of its buffers that are less than half of the memory they are in.
///
/// All columns of an IPC message are parts of one allocation. A small one beside the frames would
/// otherwise keep those in memory until it is written. (Values of a dictionary stay where they are:
/// many batches share them.)
pub(super) fn detached(column: &ArrayRef) -> ArrayRef {
    let data = column.to_data();
    match is_detached(&data) {
        true => column.clone(),
        false => make_array(detached_data(data)),
    }
}

fn is_small_part(buffer: &Buffer) -> bool {
    buffer.len() < buffer.capacity() / 2
}

/// The buffer of a column's validity.
fn validity(data: &ArrayData) -> Option<&Buffer> {
    data.nulls().map(|nulls| nulls.inner().inner())
}

fn children(data: &ArrayData) -> &[ArrayData] {
    match data.data_type() {
        DataType::Dictionary(..) => &[],
        _ => data.child_data(),
    }
}

fn is_detached(data: &ArrayData) -> bool {
    !data.buffers().iter().chain(validity(data)).any(is_small_part)
        && children(data).iter().all(is_detached)
}

fn detached_data(data: ArrayData) -> ArrayData {
    let copied = |buffer: &Buffer| match is_small_part(buffer) {
        true => Buffer::from(buffer.as_slice()),
        false => buffer.clone(),
    };
    let nulls = data.nulls().map(|nulls| {
        let bits = nulls.inner();
        let bits = BooleanBuffer::new(copied(bits.inner()), bits.offset(), bits.len());
        // SAFETY: the same bits, so as many of them are zero.
        unsafe { NullBuffer::new_unchecked(bits, nulls.null_count()) }
    });
    let buffers = data.buffers().iter().map(copied).collect();
    let keeps_children = children(&data).is_empty();
    let mut builder = data.clone().into_builder().nulls(nulls).buffers(buffers);
    if !keeps_children {
        builder = builder.child_data(children(&data).iter().cloned().map(detached_data).collect());
    }
    // SAFETY: the same bytes in other places, which `Buffer` aligns for any type.
    unsafe { builder.build_unchecked() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::StringDictionaryBuilder;
    use arrow_array::types::Int32Type;
    use arrow_array::{Array, ArrayRef, Int64Array, ListArray, RecordBatch, StringArray};
    use arrow_ipc::reader::StreamReader;
    use arrow_ipc::writer::StreamWriter;

    use super::{detached, is_detached};

    /// Columns as an IPC message has them: parts of one allocation, which a large one fills.
    fn message() -> RecordBatch {
        let rows = 1000;
        let numbers = Int64Array::from_iter((0..rows).map(|i| (i % 3 > 0).then_some(i)));
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(
            (0..rows).map(|i| (i % 5 > 0).then(|| vec![Some(i as i32), None])),
        );
        let mut words = StringDictionaryBuilder::<Int32Type>::new();
        words.extend((0..rows).map(|i| (i % 7 > 0).then_some(["one", "two"][i as usize % 2])));
        let large = StringArray::from_iter_values((0..rows).map(|_| "x".repeat(1000)));
        let batch = RecordBatch::try_from_iter([
            ("numbers", Arc::new(numbers) as ArrayRef),
            ("lists", Arc::new(lists)),
            ("words", Arc::new(words.finish())),
            ("large", Arc::new(large)),
        ])
        .unwrap();
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        StreamReader::try_new(bytes.as_slice(), None).unwrap().next().unwrap().unwrap()
    }

    #[test]
    fn small_columns_of_a_message_let_go_of_it() {
        for batch in [message(), message().slice(300, 400)] {
            for (name, column) in ["numbers", "lists", "words"].iter().zip(batch.columns()) {
                assert!(!is_detached(&column.to_data()), "{name} is a part of the message");
                let own = detached(column);
                assert!(is_detached(&own.to_data()), "{name}");
                own.to_data().validate_full().unwrap();
                assert_eq!(&own, column, "{name}");
            }
        }
    }

    #[test]
    fn most_of_a_message_stays_where_it_is() {
        let large = message().column(3).clone();
        let values = |column: &ArrayRef| column.to_data().buffers()[1].as_ptr();
        assert_eq!(values(&detached(&large)), values(&large));
    }

    #[test]
    fn what_is_alone_stays_where_it_is() {
        let alone: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1024));
        let place = |column: &ArrayRef| column.to_data().buffers()[0].as_ptr();
        assert_eq!(place(&detached(&alone)), place(&alone));
    }
}
