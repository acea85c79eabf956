//! The four buffer types.

use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use rstest::rstest;
use zstd_arrow::{BufferSegments, BufferWithSegments, BufferWithSegmentsCollection, Error};

fn pairs(pairs: &[(u64, u64)]) -> BufferSegments {
    pairs.iter().copied().collect()
}

fn offsets64(offsets: &[i64]) -> BufferSegments {
    OffsetBuffer::new(offsets.to_vec().into()).into()
}

fn offsets32(offsets: &[i32]) -> BufferSegments {
    OffsetBuffer::new(offsets.to_vec().into()).into()
}

const DATA: &[u8] = b"hello, world";

fn over_data(segments: BufferSegments) -> BufferWithSegments {
    BufferWithSegments::try_new(Buffer::from(DATA), segments).unwrap()
}

fn values(buffer: &BufferWithSegments) -> Vec<&[u8]> {
    (0..buffer.len()).map(|i| buffer.value(i)).collect()
}

#[rstest]
#[case::pairs(pairs(&[(0, 5), (5, 1), (6, 6)]))]
#[case::offsets64(offsets64(&[0, 5, 6, 12]))]
#[case::offsets32(offsets32(&[0, 5, 6, 12]))]
fn three_layouts_one_type(#[case] segments: BufferSegments) {
    assert_eq!(segments.len(), 3);
    assert!(!segments.is_empty());
    assert_eq!(segments.get(1), Some((5, 1)));
    assert_eq!(segments.get(3), None);
    assert_eq!(segments.iter().collect::<Vec<_>>(), [(0, 5), (5, 1), (6, 6)]);
    assert!(segments.is_gapless());
    assert_eq!(&*segments.to_offsets().unwrap(), [0, 5, 6, 12]);
    assert_eq!(&*segments.to_offsets_i32().unwrap(), [0, 5, 6, 12]);
    assert_eq!(segments.to_pairs().typed_data::<u64>(), [0, 5, 5, 1, 6, 6]);
    assert_eq!(segments, pairs(&[(0, 5), (5, 1), (6, 6)]));
    assert_ne!(segments, pairs(&[(0, 5), (5, 1), (6, 5)]));

    let slice = segments.slice(1, 2);
    assert_eq!(slice.iter().collect::<Vec<_>>(), [(5, 1), (6, 6)]);
    assert_eq!(&*slice.to_offsets().unwrap(), [5, 6, 12]);
    assert_eq!(slice.slice(2, 0).len(), 0);

    let buffer = over_data(segments);
    assert_eq!(values(&buffer), [&b"hello"[..], b",", b" world"]);
    assert_eq!(values(&buffer.slice(1, 2)), [&b","[..], b" world"]);
    assert!(buffer.slice(1, 2).ptr_eq(&buffer));
    assert_eq!(buffer.size(), 12);
    assert_eq!(buffer.as_slice(), DATA);
    assert_eq!(buffer.get(2).unwrap().offset(), 6);
    assert_eq!(buffer.get(3), None);
    assert_eq!(buffer.iter().map(|segment| segment.len()).collect::<Vec<_>>(), [5, 1, 6]);
}

#[rstest]
#[case::gapped(&[(0, 2), (4, 2)], &["he", "o,"], false)]
#[case::overlapping(&[(0, 5), (2, 5)], &["hello", "llo, "], false)]
#[case::out_of_order(&[(7, 5), (0, 5)], &["world", "hello"], false)]
#[case::empty_segments(&[(0, 0), (0, 0), (12, 0)], &["", "", ""], false)]
#[case::empty_between(&[(0, 5), (5, 0), (5, 7)], &["hello", "", ", world"], true)]
#[case::no_segments(&[], &[], true)]
fn segments_lie_as_they_like(
    #[case] index: &[(u64, u64)],
    #[case] expected: &[&str],
    #[case] gapless: bool,
) {
    let buffer = over_data(pairs(index));
    let text: Vec<&str> =
        values(&buffer).into_iter().map(|v| std::str::from_utf8(v).unwrap()).collect();
    assert_eq!(text, expected);
    assert_eq!(buffer.segments().is_gapless(), gapless);
    assert_eq!(buffer.segments().to_offsets().is_some(), gapless);
}

/// An index takes its memory over, in each layout, and gives it back; so does a buffer.
#[test]
fn nothing_is_copied_on_the_way_in() {
    let list: ScalarBuffer<u64> = vec![0, 5, 6, 6].into();
    let index = BufferSegments::from_pairs(list.clone()).unwrap();
    assert_eq!(index.to_pairs().as_ptr(), list.inner().as_ptr());
    assert_eq!(index.slice(1, 1).to_pairs().as_ptr(), list.inner()[16..].as_ptr());

    let wide = OffsetBuffer::new(vec![0_i64, 5, 12].into());
    let index = BufferSegments::from(wide.clone());
    assert!(index.to_offsets().unwrap().ptr_eq(&wide));

    let narrow = OffsetBuffer::new(vec![0_i32, 5, 12].into());
    let index = BufferSegments::from(narrow.clone());
    assert!(index.to_offsets_i32().unwrap().ptr_eq(&narrow));

    let data = Buffer::from(DATA);
    let buffer = BufferWithSegments::new(data.clone(), index);
    assert_eq!(buffer.as_slice().as_ptr(), data.as_ptr());
    assert_eq!(buffer.get(1).unwrap().as_ptr(), data[5..].as_ptr());
    let (back, index) = buffer.into_parts();
    assert!(back.ptr_eq(&data));
    assert!(index.to_offsets_i32().unwrap().ptr_eq(&narrow));
}

/// Pairs that come from outside at an odd address are read where they lie.
#[test]
fn pairs_need_no_alignment() {
    let mut bytes = vec![0_u8];
    for number in [0_u64, 5, 7, 5] {
        bytes.extend(number.to_ne_bytes());
    }
    let odd = Buffer::from(bytes).slice(1);
    let index = BufferSegments::from_pair_bytes(odd.clone()).unwrap();
    assert_eq!(index.to_pairs().as_ptr(), odd.as_ptr());
    assert_eq!(values(&over_data(index)), [b"hello", b"world"]);
}

#[rstest]
#[case(1)]
#[case(15)]
#[case(24)]
fn an_index_is_whole_pairs(#[case] size: usize) {
    let error = BufferSegments::from_pair_bytes(vec![0_u8; size].into()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("an index of (u64, u64) pairs has a multiple of 16 bytes, this one has {size}")
    );
}

#[rstest]
#[case::past_the_end(pairs(&[(0, 5), (7, 6)]), "segment 1 (offset 7, length 6)")]
#[case::begins_past_the_end(pairs(&[(13, 0)]), "segment 0 (offset 13, length 0)")]
// An unchecked `offset + length` is this structure's best-known bug: it wraps to 4 here.
#[case::wraps(pairs(&[(0, 1), (u64::MAX - 5, 10)]), "segment 1 (offset 18446744073709551610, length 10)")]
#[case::all_ones(pairs(&[(u64::MAX, u64::MAX)]), "segment 0 (offset 18446744073709551615, length 18446744073709551615)")]
#[case::offsets64(offsets64(&[0, 5, 13]), "segment 1 (offset 5, length 8)")]
#[case::offsets32(offsets32(&[0, 12, 12, 14]), "segment 2 (offset 12, length 2)")]
// Arrow arrays made of these offsets would point outside, though there is no row.
#[case::offset_of_no_segment(offsets64(&[13]), "segment 0 (offset 13, length 0)")]
fn a_segment_outside_is_refused(#[case] segments: BufferSegments, #[case] which: &str) {
    let error = BufferWithSegments::try_new(Buffer::from(DATA), segments).unwrap_err();
    assert_eq!(error.to_string(), format!("{which} is outside the buffer of 12 bytes"));
}

#[test]
#[should_panic(expected = "segment 0 (offset 0, length 13) is outside the buffer of 12 bytes")]
fn new_panics_where_try_new_fails() {
    BufferWithSegments::new(Buffer::from(DATA), pairs(&[(0, 13)]));
}

#[rstest]
#[case::none(&[], "n segments take n + 1 offsets, there are none")]
#[case::negative(&[-1, 5], "offset 0 is negative (-1)")]
#[case::falling(&[0, 5, 4], "offset 2 (4) is less than the one before (5)")]
fn offsets_from_outside_are_checked(#[case] offsets: &[i64], #[case] expected: &str) {
    let error = BufferSegments::try_from_offsets(offsets.to_vec().into()).unwrap_err();
    assert!(matches!(&error, Error::Offsets(text) if text == expected), "{error}");
}

#[test]
fn good_offsets_from_outside_are_shared() {
    let offsets: ScalarBuffer<i64> = vec![2, 2, 7].into();
    let index = BufferSegments::try_from_offsets(offsets.clone()).unwrap();
    assert_eq!(index.iter().collect::<Vec<_>>(), [(2, 0), (2, 5)]);
    assert_eq!(index.to_offsets().unwrap().inner().inner().as_ptr(), offsets.inner().as_ptr());
}

#[rstest]
#[case(2, 2)]
#[case(usize::MAX, 2)]
#[case(4, 0)]
#[should_panic(expected = "outside 3 segments")]
fn a_slice_lies_inside(#[case] offset: usize, #[case] length: usize) {
    offsets64(&[0, 1, 2, 3]).slice(offset, length);
}

#[test]
fn offsets_beyond_32_bits() {
    let far = pairs(&[(1 << 40, 10), ((1 << 40) + 10, 0)]);
    assert_eq!(&*far.to_offsets().unwrap(), [1 << 40, (1 << 40) + 10, (1 << 40) + 10]);
    assert_eq!(far.to_offsets_i32(), None);
    // Beyond Arrow's signed offsets, and beyond 64 bits.
    assert_eq!(pairs(&[(1 << 63, 0)]).to_offsets(), None);
    assert_eq!(pairs(&[(u64::MAX, 1)]).to_offsets(), None);
    assert!(!pairs(&[(u64::MAX, 1)]).is_gapless());
}

#[test]
fn empty_things_are_legal() {
    let nothing = BufferWithSegments::try_new(Buffer::from(&[]), pairs(&[])).unwrap();
    assert!(nothing.is_empty());
    assert_eq!(nothing.size(), 0);
    let empty_value = BufferWithSegments::try_new(Buffer::from(&[]), pairs(&[(0, 0)])).unwrap();
    assert_eq!(values(&empty_value), [b""]);
    let collection = BufferWithSegmentsCollection::new(vec![]);
    assert!(collection.is_empty());
    assert_eq!(collection.get(0), None);
    assert_eq!(collection.size(), 0);
}

/// The seed's own example: two segments and three, found by their number in the whole; with
/// members in between that have none.
#[test]
fn a_collection_is_one_sequence() {
    let none = over_data(pairs(&[]));
    let two = over_data(pairs(&[(0, 5), (7, 5)]));
    let three = over_data(offsets64(&[0, 1, 2, 3]));
    let collection: BufferWithSegmentsCollection =
        [none.clone(), two, none.clone(), none.clone(), three, none].into_iter().collect();
    assert_eq!(collection.len(), 5);
    assert_eq!(collection.size(), 6 * DATA.len());
    let expected: [&[u8]; 5] = [b"hello", b"world", b"h", b"e", b"l"];
    for (i, expected) in expected.iter().enumerate() {
        assert_eq!(&*collection.get(i).unwrap(), *expected);
    }
    assert_eq!(collection.get(5), None);
    assert_eq!(collection.get(usize::MAX), None);
    assert_eq!(collection.iter().map(|s| s.as_slice()).collect::<Vec<_>>(), expected);
    assert_eq!(collection.members().len(), 6);
    assert_eq!(collection.clone().into_members().len(), 6);
}

#[test]
fn equal_where_the_values_are() {
    let a = over_data(pairs(&[(0, 1), (2, 1), (3, 1)]));
    let b = over_data(pairs(&[(0, 1), (3, 1), (10, 1)]));
    assert_eq!(a, b);
    assert!(!a.ptr_eq(&b));
    assert_ne!(a, a.slice(0, 2));
}
