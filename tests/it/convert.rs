//! Segments to Arrow and back: the same values, and the same memory where that is promised.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, Int32Array, Int64Array, LargeBinaryArray, RunArray,
    StringViewArray,
};
use arrow_buffer::{Buffer, NullBuffer};
use rstest::rstest;
use zstd_arrow::convert::{self, Encoded, MAX_VIEW_BUFFER};
use zstd_arrow::{
    BufferSegments, BufferWithSegments, BufferWithSegmentsCollection, Error, Rejected,
};

use crate::arrays::{Layout, Row, places, row, rows, sample, small_dictionary};

fn one(array: &dyn Array) -> (BufferWithSegments, Option<NullBuffer>) {
    let (collection, validity) = convert::from_array(array).unwrap();
    assert_eq!(collection.members().len(), 1);
    (collection.into_members().remove(0), validity)
}

fn fixed() -> Vec<Row> {
    vec![row("abcd"), None, row("efgh"), row("ijkl"), row("mnop")]
}

/// Every layout gives its rows, whole and sliced (a slice begins at a non-zero offset).
#[rstest]
fn every_layout_gives_its_rows(
    #[values(
        Layout::LargeBinary,
        Layout::Binary,
        Layout::BinaryView,
        Layout::SplitView,
        Layout::LargeUtf8,
        Layout::Utf8,
        Layout::Utf8View,
        Layout::FixedSizeBinary,
        Layout::Dictionary,
        Layout::RunEnd
    )]
    layout: Layout,
) {
    let expected = if layout == Layout::FixedSizeBinary { fixed() } else { sample() };
    let array = layout.array(&expected);
    assert_eq!(rows(&array), expected);
    for (start, length) in [(0, 3), (1, 4), (3, 2), (expected.len(), 0), (2, 0)] {
        let slice = array.slice(start, length);
        assert_eq!(rows(&slice), expected[start..start + length], "{start} {length}");
    }
    assert_eq!(rows(&array.slice(1, 4).slice(1, 2)), expected[2..4]);
    assert!(convert::is_binary_like(array.data_type()));
}

#[test]
fn other_types_are_refused() {
    let error = convert::from_array(&Int64Array::from(vec![1])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Int64 is not a binary column (Binary, LargeBinary, BinaryView, FixedSizeBinary, Utf8, \
         LargeUtf8, Utf8View, or a dictionary or run-end encoding of one)"
    );
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    assert!(!convert::is_binary_like(numbers.data_type()));
}

/// LargeBinary and LargeUtf8: both buffers are the very same, there and back, sliced too.
#[rstest]
#[case(Layout::LargeBinary)]
#[case(Layout::LargeUtf8)]
fn no_copy_with_64_bit_offsets(#[case] layout: Layout, #[values(0, 3)] start: usize) {
    let whole = layout.array(&sample());
    let array = whole.slice(start, 5);
    let data = array.to_data();
    let (segments, validity) = one(&array);
    assert_eq!(segments.as_slice().as_ptr(), data.buffers()[1].as_ptr());
    let offsets = segments.segments().to_offsets().unwrap();
    let of_array = &data.buffers()[0].typed_data::<i64>()[data.offset()..];
    assert_eq!(offsets.as_ptr(), of_array.as_ptr());

    let back: ArrayRef = match layout {
        Layout::LargeUtf8 => Arc::new(convert::to_large_utf8(segments, validity).unwrap()),
        _ => Arc::new(convert::to_large_binary(segments, validity).unwrap()),
    };
    assert_eq!(&back, &array);
    let back = back.to_data();
    assert_eq!(back.buffers()[1].as_ptr(), data.buffers()[1].as_ptr());
    let of_back = &back.buffers()[0].typed_data::<i64>()[back.offset()..];
    assert_eq!(of_back.as_ptr(), of_array.as_ptr());
}

/// Binary and Utf8: the same with 32-bit offsets.
#[rstest]
#[case(Layout::Binary)]
#[case(Layout::Utf8)]
fn no_copy_with_32_bit_offsets(#[case] layout: Layout, #[values(0, 3)] start: usize) {
    let array = layout.array(&sample()).slice(start, 5);
    let data = array.to_data();
    let (segments, validity) = one(&array);
    assert_eq!(segments.as_slice().as_ptr(), data.buffers()[1].as_ptr());
    let offsets = segments.segments().to_offsets_i32().unwrap();
    let of_array = &data.buffers()[0].typed_data::<i32>()[data.offset()..];
    assert_eq!(offsets.as_ptr(), of_array.as_ptr());

    let back: ArrayRef = match layout {
        Layout::Utf8 => Arc::new(convert::to_utf8(segments.clone(), validity.clone()).unwrap()),
        _ => Arc::new(convert::to_binary(segments.clone(), validity.clone()).unwrap()),
    };
    assert_eq!(&back, &array);
    assert_eq!(back.to_data().buffers()[1].as_ptr(), data.buffers()[1].as_ptr());
    let of_back = back.to_data();
    let of_back = &of_back.buffers()[0].typed_data::<i32>()[of_back.offset()..];
    assert_eq!(of_back.as_ptr(), of_array.as_ptr());

    // To 64-bit offsets the values are shared still, and the offsets are built.
    let wide = convert::to_large_binary(segments, validity).unwrap();
    assert_eq!(wide.values().as_ptr(), data.buffers()[1].as_ptr());
    assert_eq!(rows(&wide), rows(&array));
}

/// FixedSizeBinary: values shared both ways.
#[test]
fn no_copy_with_a_fixed_size() {
    let array = Layout::FixedSizeBinary.array(&fixed()).slice(1, 3);
    let values = array.as_fixed_size_binary().values().as_ptr();
    let (segments, validity) = one(&array);
    assert_eq!(segments.as_slice().as_ptr(), values);
    let back = convert::to_fixed_size_binary(segments, 4, validity).unwrap();
    assert_eq!(back.values().as_ptr(), values);
    assert_eq!(&back as &dyn Array, &*array);
}

/// Pairs become a LargeBinary over the same values if they are gapless, wherever they begin.
#[test]
fn no_copy_from_gapless_pairs() {
    let data = Buffer::from(b"..hello, world");
    let segments: BufferSegments = [(2, 5), (7, 0), (7, 7)].into_iter().collect();
    let buffer = BufferWithSegments::new(data.clone(), segments);
    let array = convert::to_large_binary(buffer.clone(), None).unwrap();
    assert_eq!(array.values().as_ptr(), data.as_ptr());
    assert_eq!(rows(&array), [row("hello"), row(""), row(", world")]);
    let array = convert::to_binary(buffer, None).unwrap();
    assert_eq!(array.values().as_ptr(), data.as_ptr());
    assert_eq!(rows(&array), [row("hello"), row(""), row(", world")]);
}

/// Views over one data buffer are one member over that very buffer.
#[test]
fn no_copy_from_views_over_one_buffer() {
    let long = |i: usize| row(format!("value {i} is longer than twelve bytes"));
    let expected = [long(0), None, long(1), long(2)];
    let array = Layout::BinaryView.array(&expected);
    let views = array.as_binary_view();
    let (segments, validity) = one(&array);
    assert_eq!(segments.as_slice().as_ptr(), views.data_buffers()[0].as_ptr());
    let back = convert::to_binary_view(segments.into(), validity, MAX_VIEW_BUFFER).unwrap();
    assert_eq!(back.data_buffers().len(), 1);
    assert_eq!(back.data_buffers()[0].as_ptr(), views.data_buffers()[0].as_ptr());
    assert_eq!(rows(&back), expected);
}

/// Otherwise each run of rows in the same buffer is a member over that buffer; short values lie in
/// the views.
#[test]
fn no_copy_from_views_over_several_buffers() {
    let array = Layout::SplitView.array(&sample());
    let views = array.as_binary_view();
    assert!(views.data_buffers().len() > 2);
    let (collection, validity) = convert::from_array(&array).unwrap();
    let homes: Vec<*const u8> = views
        .data_buffers()
        .iter()
        .map(|buffer| buffer.as_ptr())
        .chain([views.views().inner().as_ptr()])
        .collect();
    for member in collection.members() {
        assert!(homes.contains(&member.as_slice().as_ptr()));
    }
    for pair in collection.members().windows(2) {
        assert_ne!(pair[0].as_slice().as_ptr(), pair[1].as_slice().as_ptr());
    }
    let back = convert::to_binary_view(collection, validity, MAX_VIEW_BUFFER).unwrap();
    assert_eq!(rows(&back), sample());
    for buffer in back.data_buffers() {
        assert!(homes.contains(&buffer.as_ptr()));
    }
}

/// Scattered and overlapping segments become views over the same memory.
#[test]
fn views_take_any_segments() {
    let text = b"the quick brown fox jumps over the lazy dog";
    let index: BufferSegments = [(4, 30), (0, 20), (4, 30), (0, 3), (40, 3)].into_iter().collect();
    let buffer = BufferWithSegments::new(Buffer::from(text), index);
    let expected: Vec<Row> = buffer.iter().map(|segment| row(&*segment)).collect();
    let array = convert::to_binary_view(buffer.clone().into(), None, MAX_VIEW_BUFFER).unwrap();
    assert_eq!(array.data_buffers()[0].as_ptr(), buffer.as_slice().as_ptr());
    assert_eq!(rows(&array), expected);
    // The checked constructor agrees with what was built without it.
    let (views, buffers, nulls) = array.into_parts();
    BinaryViewArray::try_new(views, buffers.to_vec(), nulls).unwrap();

    let text = convert::to_utf8_view(buffer.into(), None, MAX_VIEW_BUFFER).unwrap();
    assert_eq!(rows(&text), expected);
    let (views, buffers, nulls) = text.into_parts();
    StringViewArray::try_new(views, buffers.to_vec(), nulls).unwrap();
}

/// A backing buffer beyond the limit (2 GiB in earnest, 64 bytes here) is shared as several.
#[rstest]
fn a_large_buffer_is_shared_as_several(#[values(13, 16, 31, 64, 1000)] limit: usize) {
    let bytes: Vec<u8> = (0..=255).collect();
    let buffer = Buffer::from(bytes);
    let index: BufferSegments = (0..240).map(|i| (i, 1 + (i * 7) % limit.min(16) as u64)).collect();
    let segments = BufferWithSegments::new(buffer.clone(), index);
    let expected: Vec<Row> = segments.iter().map(|segment| row(&*segment)).collect();
    let array = convert::to_binary_view(segments.into(), None, limit).unwrap();
    assert_eq!(rows(&array), expected);
    let inside = buffer.as_ptr_range();
    for data in array.data_buffers() {
        assert!(data.len() <= limit);
        assert!(inside.contains(&data.as_ptr()));
    }
    let (views, buffers, nulls) = array.into_parts();
    BinaryViewArray::try_new(views, buffers.to_vec(), nulls).unwrap();
}

#[test]
fn a_segment_beyond_the_limit_is_given_back() {
    let segments: BufferSegments = [(0, 10), (0, 65)].into_iter().collect();
    let buffer = BufferWithSegments::new(Buffer::from(vec![0_u8; 100]), segments);
    let Rejected { error, input } =
        convert::to_binary_view(buffer.clone().into(), None, 64).unwrap_err();
    assert_eq!(error.to_string(), "segment 1 has 65 bytes, a view's buffer 64 at the most");
    assert!(input.members()[0].ptr_eq(&buffer));
}

/// A conversion that fails gives its input back, and says which segment is in the way.
#[rstest]
#[case::gap(&[(0, 2), (3, 2)], 1)]
#[case::overlap(&[(0, 3), (3, 2), (4, 2)], 2)]
#[case::order(&[(5, 2), (0, 2)], 1)]
fn scattered_segments_are_given_back(#[case] index: &[(u64, u64)], #[case] at: usize) {
    let buffer =
        BufferWithSegments::new(Buffer::from(b"hello, world"), index.iter().copied().collect());
    let expected = format!(
        "segment {at} does not begin where the one before ends; to_large_binary_compact copies \
         such segments together"
    );
    let rejected = convert::to_large_binary(buffer.clone(), None).unwrap_err();
    assert_eq!(rejected.error.to_string(), expected);
    assert!(rejected.input.ptr_eq(&buffer));
    let rejected = convert::to_binary(rejected.input, None).unwrap_err();
    assert_eq!(rejected.error.to_string(), expected);
    let rejected = convert::to_utf8(rejected.input, None).unwrap_err();
    assert_eq!(rejected.error.to_string(), expected);

    // The named copy takes them.
    let array = convert::to_large_binary_compact(&rejected.input, None).unwrap();
    let values: Vec<Row> = buffer.iter().map(|segment| row(&*segment)).collect();
    assert_eq!(rows(&array), values);
    assert_eq!(
        array.values().len(),
        index.iter().map(|(_, length)| *length as usize).sum::<usize>()
    );
}

/// What lies under a null is not copied by the compact form.
#[test]
fn compact_leaves_nulls_out() {
    let buffer = BufferWithSegments::new(
        Buffer::from(b"hello, world"),
        [(0, 5), (0, 12), (7, 5)].into_iter().collect(),
    );
    let validity = NullBuffer::from(vec![true, false, true]);
    let array = convert::to_large_binary_compact(&buffer, Some(validity)).unwrap();
    assert_eq!(rows(&array), [row("hello"), None, row("world")]);
    assert_eq!(array.value_data(), b"helloworld");
}

/// Overlapping segments can stand for more than there is memory: 2^48 bytes here, more than a
/// process can address. (The buffer of 1 GiB is never touched.)
#[test]
#[cfg_attr(miri, ignore = "to fill a gibibyte takes Miri an hour")]
fn compact_says_when_there_is_no_memory() {
    let size = 1_u64 << 30;
    let buffer = Buffer::from(vec![0_u8; size as usize]);
    let index: BufferSegments = (0..1 << 18).map(|_| (0, size)).collect();
    let error = convert::to_large_binary_compact(&BufferWithSegments::new(buffer, index), None)
        .unwrap_err();
    assert_eq!(error.to_string(), "no memory for 281474976710656 bytes of values");
}

#[rstest]
fn a_validity_has_a_bit_a_row(#[values(0, 1, 4)] bits: usize) {
    let buffer = BufferWithSegments::new(
        Buffer::from(b"abc"),
        [(0, 1), (1, 1), (2, 1)].into_iter().collect(),
    );
    let validity = || Some(NullBuffer::new_valid(bits));
    let expected = format!("validity has {bits} entries for 3 rows");
    let fails = [
        convert::to_large_binary(buffer.clone(), validity()).unwrap_err().error,
        convert::to_binary(buffer.clone(), validity()).unwrap_err().error,
        convert::to_utf8(buffer.clone(), validity()).unwrap_err().error,
        convert::to_fixed_size_binary(buffer.clone(), 1, validity()).unwrap_err().error,
        convert::to_binary_view(buffer.clone().into(), validity(), 64).unwrap_err().error,
        convert::to_chunks(buffer.clone().into(), validity()).unwrap_err().error,
        convert::to_large_binary_compact(&buffer, validity()).unwrap_err(),
    ];
    for error in fails {
        assert_eq!(error.to_string(), expected);
    }
}

#[rstest]
#[case::length(&[(0, 2), (2, 3)], 2, "segment 1 has 3 bytes, all must have 2")]
#[case::negative(&[(0, 2)], -1, "option width: -1 is negative")]
#[case::gap(&[(0, 2), (3, 2)], 2, "segment 1 does not begin where the one before ends; to_large_binary_compact copies such segments together")]
fn not_of_a_fixed_size(#[case] index: &[(u64, u64)], #[case] width: i32, #[case] message: &str) {
    let buffer = BufferWithSegments::new(Buffer::from(b"abcdef"), index.iter().copied().collect());
    let rejected = convert::to_fixed_size_binary(buffer, width, None).unwrap_err();
    assert_eq!(rejected.error.to_string(), message);
    assert_eq!(rejected.input.len(), index.len());
}

/// Values of no bytes still are as many as there are.
#[test]
fn fixed_size_of_zero() {
    let array = arrow_array::FixedSizeBinaryArray::try_new_with_len(0, Buffer::from(&[]), None, 3);
    let (segments, _) = one(&array.unwrap());
    assert_eq!(segments.len(), 3);
    let back = convert::to_fixed_size_binary(segments, 0, None).unwrap();
    assert_eq!(back.len(), 3);
}

/// Text is checked value by value: also where the whole is UTF-8 and a boundary cuts a character.
#[rstest]
#[case::bad_byte(b"ab\xFFcd", &[(0, 2), (2, 3)], 1, 0)]
#[case::cut_character("aé".as_bytes(), &[(0, 2), (2, 1)], 0, 1)]
#[case::cut_at_the_end("é".as_bytes(), &[(0, 1)], 0, 0)]
fn text_is_checked(
    #[case] data: &[u8],
    #[case] index: &[(u64, u64)],
    #[case] bad_row: usize,
    #[case] at: usize,
) {
    let buffer = BufferWithSegments::new(Buffer::from(data), index.iter().copied().collect());
    let expected = format!("row {bad_row}: invalid UTF-8 at byte {at} of the value");
    let errors: [Error; 3] = [
        convert::to_utf8(buffer.clone(), None).unwrap_err().error,
        convert::to_large_utf8(buffer.clone(), None).unwrap_err().error,
        convert::to_utf8_view(buffer.into(), None, 64).unwrap_err().error,
    ];
    for error in errors {
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn text_over_members_counts_rows_over_all() {
    let good = BufferWithSegments::new(Buffer::from(b"ab"), [(0, 1), (1, 1)].into_iter().collect());
    let bad = BufferWithSegments::new(Buffer::from(b"\xFF"), [(0, 1)].into_iter().collect());
    let collection = BufferWithSegmentsCollection::new(vec![good, bad]);
    let rejected = convert::to_utf8_view(collection, None, 64).unwrap_err();
    assert_eq!(rejected.error.to_string(), "row 2: invalid UTF-8 at byte 0 of the value");
    assert_eq!(rejected.input.len(), 3);
}

#[test]
fn beyond_32_bit_offsets_is_given_back() {
    // No memory is needed to see that these offsets do not fit: no value lies there.
    let far = (1_u64 << 31) - 1;
    let index: BufferSegments = [(far, 0), (far, 0)].into_iter().collect();
    assert!(index.to_offsets_i32().is_some());
    let index: BufferSegments = [(far, 0), (far, 1)].into_iter().collect();
    assert!(index.to_offsets_i32().is_none());
}

/// Dictionary and run-end encoded: the values once, and the same keys around new values.
#[test]
fn encoded_arrays_are_rewrapped() {
    for layout in [Layout::Dictionary, Layout::RunEnd] {
        let array = layout.array(&sample());
        let encoded = Encoded::of(&array).unwrap();
        assert!(encoded.values().len() < array.len());
        let (segments, validity) = one(encoded.values());
        let shouted: LargeBinaryArray = segments
            .iter()
            .enumerate()
            .map(|(i, value)| {
                let valid = validity.as_ref().is_none_or(|validity| validity.is_valid(i));
                valid.then(|| value.to_ascii_uppercase())
            })
            .collect();
        let back = encoded.rewrap(Arc::new(shouted)).unwrap();
        let expected: Vec<Row> =
            sample().into_iter().map(|row| row.map(|row| row.to_ascii_uppercase())).collect();
        assert_eq!(rows(&back), expected);
        let error = encoded.rewrap(Arc::new(LargeBinaryArray::from_vec(vec![]))).unwrap_err();
        assert!(error.to_string().starts_with("values has 0 entries for "), "{error}");
    }
    assert!(Encoded::of(&*Layout::Binary.array(&sample())).is_none());
}

/// The keys' memory is the same before and after.
#[test]
fn no_copy_of_keys_and_run_ends() {
    let array = Layout::Dictionary.array(&sample());
    let encoded = Encoded::of(&array).unwrap();
    let back = encoded.rewrap(encoded.values().clone()).unwrap();
    let keys = |array: &ArrayRef| array.as_dictionary::<Int32Type>().keys().values().as_ptr();
    assert_eq!(keys(&back), keys(&array));

    let array = Layout::RunEnd.array(&sample());
    let encoded = Encoded::of(&array).unwrap();
    let back = encoded.rewrap(encoded.values().clone()).unwrap();
    let ends = |array: &ArrayRef| array.as_run::<Int32Type>().run_ends().values().as_ptr();
    assert_eq!(ends(&back), ends(&array));
}

#[test]
fn places_and_use_of_encoded_values() {
    let values = [row("a"), None, row("unused"), row("b")];
    let array = small_dictionary(vec![Some(0), Some(3), None, Some(1), Some(0)], &values);
    let encoded = Encoded::of(&array).unwrap();
    assert_eq!(places(&encoded), [Some(0), Some(3), None, Some(1), Some(0)]);
    assert_eq!(encoded.used().iter().collect::<Vec<_>>(), [true, true, false, true]);
    let slice = array.slice(1, 2);
    let encoded = Encoded::of(&slice).unwrap();
    assert_eq!(places(&encoded), [Some(3), None]);
    assert_eq!(encoded.used().iter().collect::<Vec<_>>(), [false, false, false, true]);

    let lost = encoded.rewrap_without(encoded.values().clone(), &[0]).unwrap();
    assert_eq!(rows(&lost), [None, None]);
    assert!(lost.is_null(0), "the key says so");

    let ends = Int32Array::from(vec![2, 5, 9]);
    let values = LargeBinaryArray::from_vec(vec![b"a", b"b", b"c"]);
    let runs: ArrayRef = Arc::new(RunArray::<Int32Type>::try_new(&ends, &values).unwrap());
    let slice = runs.slice(3, 3);
    let encoded = Encoded::of(&slice).unwrap();
    assert_eq!(places(&encoded), [Some(1), Some(1), Some(2)]);
    assert_eq!(encoded.used().iter().collect::<Vec<_>>(), [false, true, true]);
    let empty = Encoded::of(&runs.slice(4, 0)).unwrap();
    assert_eq!(places(&empty), []);
    assert_eq!(empty.used().count_set_bits(), 0);
}

/// A dictionary without values, all its rows null.
#[test]
fn empty_dictionary() {
    let array = small_dictionary(vec![None, None], &[]);
    let encoded = Encoded::of(&array).unwrap();
    assert_eq!(places(&encoded), [None, None]);
    let back = encoded.rewrap_without(encoded.values().clone(), &[1]).unwrap();
    assert_eq!(back.as_dictionary::<Int8Type>().null_count(), 2);
}

/// Chunks become members over their own buffers, and come back as chunks.
#[test]
fn chunks_are_a_collection() {
    let parts = [&sample()[..4], &[], &sample()[4..], &[row("no nulls here")]];
    let chunks: Vec<ArrayRef> = parts.iter().map(|part| Layout::LargeBinary.array(part)).collect();
    let (collection, validity) = convert::from_chunks(&chunks).unwrap();
    assert_eq!(collection.members().len(), 4);
    assert_eq!(collection.len(), 13);
    let back = convert::to_chunks(collection, validity).unwrap();
    for (chunk, (back, part)) in chunks.iter().zip(back.iter().zip(parts)) {
        assert_eq!(rows(back), part);
        assert_eq!(back.values().as_ptr(), chunk.as_binary::<i64>().values().as_ptr());
    }
    let (none, validity) = convert::from_chunks(&[]).unwrap();
    assert_eq!((none.len(), validity), (0, None));
}

/// Arrow wants the whole buffer of a text array to be text, also what no row stands for.
#[test]
fn what_lies_around_text_is_cut_off() {
    for index in [[(1, 1), (2, 1)].as_slice(), &[]] {
        let segments: BufferSegments = index.iter().copied().collect();
        let buffer = BufferWithSegments::new(Buffer::from(b"\xFFab\xFE"), segments);
        let array = convert::to_large_utf8(buffer.clone(), None).unwrap();
        assert_eq!(array.len(), index.len());
        let (offsets, values, nulls) = array.into_parts();
        arrow_array::LargeStringArray::try_new(offsets, values, nulls).unwrap();
        let array = convert::to_utf8(buffer, None).unwrap();
        let (offsets, values, nulls) = array.into_parts();
        arrow_array::StringArray::try_new(offsets, values, nulls).unwrap();
    }
}
