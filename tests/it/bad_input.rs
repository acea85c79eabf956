//! Bad input, each case with the whole message; and what becomes of the rows around it.

use arrow_array::cast::AsArray;
use arrow_array::{Array, Int64Array};
use rstest::rstest;
use zstd_arrow::{
    BufferWithSegments, BufferWithSegmentsCollection, CancelFlag, Compressor, Decompressor,
    DecompressorBuilder, Dictionary, OnError,
};

use crate::arrays::{Layout, Row, row, rows, small_dictionary};

fn frame(value: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(value, 3).unwrap()
}

fn checksummed(value: &[u8]) -> Vec<u8> {
    let mut bulk = zstd::bulk::Compressor::new(3).unwrap();
    bulk.include_checksum(true).unwrap();
    bulk.compress(value).unwrap()
}

/// A frame without a content size.
fn streamed(value: &[u8]) -> Vec<u8> {
    let mut bulk = zstd::bulk::Compressor::new(3).unwrap();
    bulk.include_contentsize(false).unwrap();
    bulk.compress(value).unwrap()
}

fn fails(builder: DecompressorBuilder, value: Vec<u8>) -> String {
    let column = Layout::LargeBinary.array(&[Some(frame(b"good")), None, Some(value)]);
    builder.build().unwrap().decompress_array(&column).unwrap_err().to_string()
}

/// A frame that claims `claimed` bytes of content in an 8-byte field, over one raw block of 5.
pub(crate) fn claiming(claimed: u64) -> Vec<u8> {
    let mut bytes = vec![0x28, 0xB5, 0x2F, 0xFD, 0xE0];
    bytes.extend(claimed.to_le_bytes());
    bytes.extend([5 << 3 | 1, 0, 0]);
    bytes.extend(b"hello");
    bytes
}

#[rstest]
#[case::empty(vec![], "empty value where a zstd frame was expected")]
#[case::three_bytes(vec![0x28, 0xB5, 0x2F], "truncated frame: the magic number needs 4 bytes, 3 are left")]
#[case::three_other_bytes(b"abc".to_vec(), "bad magic number 61 62 63: not a zstd frame (28 b5 2f fd)")]
#[case::wrong_magic(b"PK\x03\x04 and so on".to_vec(), "bad magic number 50 4b 03 04: not a zstd frame (28 b5 2f fd)")]
#[case::legacy(vec![0x27, 0xB5, 0x2F, 0xFD, 0, 0, 0, 0, 0], "bad magic number 27 b5 2f fd: not a zstd frame (28 b5 2f fd)")]
#[case::magic_alone(vec![0x28, 0xB5, 0x2F, 0xFD], "truncated frame: the frame header needs 6 bytes, 4 are left")]
#[case::header_cut(frame(&[7; 3000])[..6].to_vec(), "truncated frame: the frame header needs 7 bytes, 6 are left")]
#[case::no_block(vec![0x28, 0xB5, 0x2F, 0xFD, 0x20, 5, 1], "truncated frame: a block header needs 3 bytes, 1 are left")]
#[case::block_cut(claiming(5)[..18].to_vec(), "truncated frame: a block needs 5 bytes, 2 are left")]
#[case::checksum_cut({ let mut f = checksummed(b"hello"); f.truncate(f.len() - 1); f }, "truncated frame: the checksum needs 4 bytes, 3 are left")]
#[case::reserved_bit(vec![0x28, 0xB5, 0x2F, 0xFD, 0x28, 5, 1, 0, 0], "corrupt frame: a bit of the frame header is reserved")]
#[case::reserved_block(vec![0x28, 0xB5, 0x2F, 0xFD, 0x20, 5, 0x2F, 0, 0, 1, 2, 3, 4, 5], "corrupt frame: a block type is reserved")]
#[case::window(vec![0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xF8, 1, 0, 0], "the frame's window of 2199023255552 bytes is over the limit of 2147483648")]
#[case::huge_claim(claiming(1 << 62), "the header claims 4611686018427387904 bytes of content, but the frame's blocks hold 5 at the most")]
#[case::claims_one_more(
    claiming(6),
    "the header claims 6 bytes of content, but the frame's blocks hold 5 at the most"
)]
#[case::claims_less(claiming(4), "size mismatch: 4 bytes were promised, the content has more")]
#[case::trailing(frame(b"hello").into_iter().chain(*b"junk!").collect(), "5 trailing bytes after the last frame")]
#[case::trailing_zero(frame(b"hello").into_iter().chain([0]).collect(), "1 trailing bytes after the last frame")]
#[case::second_frame_cut({ let f = frame(b"hello"); [f.clone(), f[..f.len() - 2].to_vec()].concat() }, "truncated frame: a block needs 5 bytes, 3 are left")]
#[case::skippable_cut(vec![0x50, 0x2A, 0x4D, 0x18, 9, 0, 0, 0, 1], "truncated frame: a skippable frame needs 9 bytes, 1 are left")]
#[case::skippable_header_cut(vec![0x50, 0x2A, 0x4D, 0x18, 9], "truncated frame: a skippable frame's header needs 4 bytes, 1 are left")]
#[case::checksum({ let mut f = checksummed(b"hello"); let last = f.len() - 1; f[last] ^= 1; f }, "checksum mismatch: the content is not what was compressed")]
fn bad_values(#[case] value: Vec<u8>, #[case] message: &str) {
    assert_eq!(
        fails(Decompressor::builder().threads(1), value.clone()),
        format!("row 2: {message}")
    );
    assert_eq!(fails(Decompressor::builder().threads(2), value), format!("row 2: {message}"));
}

/// A frame that ends early, wherever that is, is an error and never a shorter value.
#[rstest]
#[case::sized(frame(&b"some text, some more text, and some text again".repeat(20)))]
#[case::streamed(streamed(&b"some text, some more text, and some text again".repeat(20)))]
#[case::checksummed(checksummed(&[b'x'; 5000]))]
fn cut_at_every_byte(#[case] whole: Vec<u8>) {
    let cuts: Vec<Row> = (0..whole.len()).map(|end| Some(whole[..end].to_vec())).collect();
    let column = Layout::LargeBinary.array(&cuts);
    let null = Decompressor::builder().on_error(OnError::Null).threads(2).build().unwrap();
    let done = null.decompress_array_with(&column, None).unwrap();
    assert_eq!(done.array.null_count(), whole.len());
    assert_eq!(done.failures.len(), whole.len());
    assert_eq!(done.failures[0].error.to_string(), "empty value where a zstd frame was expected");
    for failure in &done.failures[1..] {
        let message = failure.error.to_string();
        assert!(message.starts_with("truncated frame: "), "{}: {message}", failure.row);
    }
}

/// One bit flipped, at every byte and bit of a frame with a checksum: an error, or (a bit that
/// says nothing) the same value.
#[test]
fn one_bit_flipped_anywhere() {
    let value = b"some text, some more text, and some text again".repeat(20);
    let whole = checksummed(&value);
    let mut flipped: Vec<Row> = Vec::new();
    for byte in 0..whole.len() {
        for bit in 0..8 {
            let mut frame = whole.clone();
            frame[byte] ^= 1 << bit;
            flipped.push(Some(frame));
        }
    }
    let column = Layout::LargeBinary.array(&flipped);
    let null = Decompressor::builder().on_error(OnError::Null).threads(2).build().unwrap();
    let done = null.decompress_array_with(&column, None).unwrap();
    let mut same = Vec::new();
    for (place, row) in rows(&done.array).into_iter().enumerate() {
        match row {
            None => {}
            Some(row) => {
                assert_eq!(row, value, "bit {place}");
                same.push(place);
            }
        }
    }
    // The header's one unused bit (bit 4 of byte 4), and window bits that leave it large enough.
    assert!(same.contains(&(4 * 8 + 4)), "{same:?}");
    assert!(same.len() <= 8, "{same:?}");
    assert_eq!(done.failures.len() + same.len(), flipped.len());
}

#[test]
fn dictionaries_are_named() {
    let samples: Vec<Row> = (0..2000).map(|i| row(format!("word {i} word {}", i * 31))).collect();
    let column = Layout::LargeBinary.array(&samples);
    let dictionary = Dictionary::train(&column, 1024).unwrap();
    let id = dictionary.id();
    let compressor = Compressor::builder().dictionary(dictionary).build().unwrap();
    let frames = compressor.compress_array(&column).unwrap();
    let says = |builder: DecompressorBuilder| {
        builder.build().unwrap().decompress_array(&frames).unwrap_err().to_string()
    };
    assert_eq!(
        says(Decompressor::builder()),
        format!("row 0: the frame needs dictionary {id}, and no dictionary was given")
    );
    let other: Vec<Row> = (0..2000).map(|i| row(format!("{i} else {}", i * 77))).collect();
    let other = Dictionary::train(&Layout::LargeBinary.array(&other), 1024).unwrap();
    assert_eq!(
        says(Decompressor::builder().dictionary(other.clone())),
        format!("row 0: the frame needs dictionary {id}, given: {}", other.id())
    );
    let raw = Dictionary::raw_content(b"raw".as_slice()).unwrap();
    assert_eq!(
        says(Decompressor::builder().dictionary(other.clone()).dictionary(raw)),
        format!("row 0: the frame needs dictionary {id}, given: 0 (raw content), {}", other.id())
    );
}

#[test]
fn dictionaries_are_checked() {
    let says = |bytes: &[u8]| Dictionary::from_bytes(bytes).unwrap_err().to_string();
    assert_eq!(says(b""), "dictionary: it has no bytes");
    assert_eq!(
        says(b"\x37\xA4\x30\xEC and then nothing that makes sense"),
        "dictionary: it begins as a trained dictionary does, but it is damaged"
    );
}

/// Limits: a known size is refused before it is decoded, an unknown one while it is.
#[rstest]
#[case::known(frame(&[7; 1000]), "1000")]
#[case::unknown(streamed(&[7; 1000]), "1000")]
fn a_value_over_the_limit(#[case] value: Vec<u8>, #[case] _size: &str) {
    let limit = |bytes| Decompressor::builder().max_value_size(bytes).build().unwrap();
    let column = Layout::LargeBinary.array(&[Some(frame(b"small")), Some(value)]);
    assert_eq!(limit(1000).decompress_array(&column).unwrap().len(), 2);
    assert_eq!(
        limit(999).decompress_array(&column).unwrap_err().to_string(),
        "row 1: the value has 1000 bytes or more, over the limit of 999 a value"
    );
}

#[rstest]
fn an_output_over_the_limit(#[values(true, false)] known: bool, #[values(1, 2, 7)] threads: usize) {
    let value = |i: usize| if known { frame(&[i as u8; 100]) } else { streamed(&[i as u8; 100]) };
    let all: Vec<Row> = (0..50).map(|i| Some(value(i))).collect();
    let column = Layout::LargeBinary.array(&all);
    for on_error in [OnError::Fail, OnError::Null] {
        let limit = |bytes| {
            let builder = Decompressor::builder().max_output_size(bytes).threads(threads);
            builder.on_error(on_error).build().unwrap()
        };
        assert_eq!(limit(5000).decompress_array(&column).unwrap().len(), 50);
        assert_eq!(
            limit(4999).decompress_array(&column).unwrap_err().to_string(),
            "row 49: the output up to this row has 5000 bytes or more, over the limit of 4999 a call"
        );
        assert_eq!(limit(150).decompress_array(&column).unwrap_err().row(), Some(1),);
        assert_eq!(limit(0).decompress_array(&column).unwrap_err().row(), Some(0));
    }
}

/// Whatever the threads do, and in whichever phase a row fails, the lowest one is named.
#[rstest]
fn the_lowest_row_is_named(
    #[values(1, 2, 7)] threads: usize,
    #[values(true, false)] known: bool,
    #[values(10, 2500, 4999)] first_bad: usize,
) {
    let mut all: Vec<Row> = (0..5000)
        .map(|i| {
            let value = format!("value {i} ").repeat(20);
            Some(if known { frame(value.as_bytes()) } else { streamed(value.as_bytes()) })
        })
        .collect();
    // Found while decoding.
    let mut corrupt = checksummed(&[3; 500]);
    let last = corrupt.len() - 1;
    corrupt[last] ^= 1;
    all[first_bad] = Some(corrupt);
    // Found while reading headers, at higher rows.
    for higher in (first_bad + 1..5000).step_by(7) {
        all[higher] = row("no frame");
    }
    let column = Layout::LargeBinary.array(&all);
    let decompressor = Decompressor::builder().threads(threads).build().unwrap();
    for _ in 0..5 {
        assert_eq!(
            decompressor.decompress_array(&column).unwrap_err().to_string(),
            format!("row {first_bad}: checksum mismatch: the content is not what was compressed")
        );
    }
}

/// `OnError::Null` makes exactly the bad rows null, says which and why, and leaves nothing of
/// them among the values.
#[rstest]
fn bad_rows_become_null(
    #[values(Layout::LargeBinary, Layout::BinaryView, Layout::Dictionary, Layout::RunEnd)]
    layout: Layout,
    #[values(1, 2)] threads: usize,
) {
    let mut corrupt = checksummed(&[3; 500]);
    let last = corrupt.len() - 1;
    corrupt[last] ^= 1;
    let all = vec![
        Some(frame(b"zero")),
        Some(corrupt.clone()),
        None,
        row("bad"),
        row("bad"),
        Some(streamed(b"five")),
        Some(streamed(&[1; 300])[..10].to_vec()),
        Some(corrupt),
        Some(frame(b"eight and more than twelve bytes")),
    ];
    let column = layout.array(&all);
    let null = Decompressor::builder().on_error(OnError::Null).threads(threads).build().unwrap();
    let done = null.decompress_array_with(&column, None).unwrap();
    let expected = [
        row("zero"),
        None,
        None,
        None,
        None,
        row("five"),
        None,
        None,
        row("eight and more than twelve bytes"),
    ];
    assert_eq!(rows(&done.array), expected);
    assert_eq!(done.array.logical_null_count(), 6);
    let said: Vec<(usize, String)> =
        done.failures.iter().map(|failure| (failure.row, failure.error.to_string())).collect();
    let checksum = "checksum mismatch: the content is not what was compressed";
    let magic = "bad magic number 62 61 64: not a zstd frame (28 b5 2f fd)";
    let mut expected: Vec<(usize, &str)> =
        vec![(1, checksum), (3, magic), (4, magic), (6, "truncated frame: "), (7, checksum)];
    if layout == Layout::RunEnd {
        // Rows 3 and 4 are one run, which is named by its first.
        expected.remove(2);
    }
    assert_eq!(said.len(), expected.len());
    for ((row, message), (expected_row, expected)) in said.iter().zip(expected) {
        assert_eq!(*row, expected_row);
        assert!(message.starts_with(expected), "{message}");
    }
    if let Some(plain) = done.array.as_binary_opt::<i64>() {
        assert_eq!(plain.values().as_slice(), b"zerofiveeight and more than twelve bytes");
    }
    if let Some(dictionary) = done.array.as_any_dictionary_opt() {
        assert_eq!(dictionary.keys().null_count(), 6, "keys tell it too");
    }
    // The first of them fails the call otherwise.
    let fail = Decompressor::builder().threads(threads).build().unwrap();
    assert_eq!(
        fail.decompress_array(&column).unwrap_err().to_string(),
        format!("row 1: {checksum}")
    );
}

/// What no row stands for is not looked at, and a row is named by its own number, not its value's.
#[test]
fn unused_and_shared_values_of_a_dictionary() {
    let values = [row("bad"), Some(frame(b"good")), row("worse"), None];
    let unused = small_dictionary(vec![Some(1), None, Some(3), Some(1)], &values);
    let decompressor = Decompressor::new().unwrap();
    let out = decompressor.decompress_array(&unused).unwrap();
    assert_eq!(rows(&out), [row("good"), None, None, row("good")]);

    let used = small_dictionary(vec![Some(1), Some(2), Some(0), Some(2)], &values);
    assert_eq!(
        decompressor.decompress_array(&used).unwrap_err().to_string(),
        "row 1: bad magic number 77 6f 72 73: not a zstd frame (28 b5 2f fd)"
    );
}

/// What lies under a null is never read as a frame.
#[test]
fn nulls_are_not_read() {
    use arrow_array::LargeBinaryArray;
    use arrow_buffer::NullBuffer;
    let good = frame(b"good");
    let array = LargeBinaryArray::from_vec(vec![b"rubbish", &good, b"more rubbish"]);
    let (offsets, values, _) = array.into_parts();
    let nulls = NullBuffer::from(vec![false, true, false]);
    let array = LargeBinaryArray::new(offsets, values, Some(nulls));
    let out = Decompressor::new().unwrap().decompress_array(&array).unwrap();
    assert_eq!(rows(&out), [None, row("good"), None]);
    let frames = Compressor::new(3).unwrap().compress_array(&array).unwrap();
    assert_eq!(rows(&frames)[0], None);
    assert_eq!(frames.as_binary::<i64>().value_length(0), 0);
}

#[rstest]
#[case::large(Layout::LargeBinary)]
#[case::views(Layout::BinaryView)]
#[case::dictionary(Layout::Dictionary)]
fn text_is_checked(#[case] layout: Layout) {
    let all = [
        Some(frame("é".as_bytes())),
        Some(frame(b"ok")),
        Some(frame(b"a\xC3")),
        Some(frame(b"\xA9")),
    ];
    let column = layout.array(&all);
    let fail = Decompressor::builder().utf8(true).build().unwrap();
    assert_eq!(
        fail.decompress_array(&column).unwrap_err().to_string(),
        "row 2: invalid UTF-8 at byte 1 of the value"
    );
    let null = Decompressor::builder().utf8(true).on_error(OnError::Null).build().unwrap();
    let done = null.decompress_array_with(&column, None).unwrap();
    assert_eq!(rows(&done.array), [row("é"), row("ok"), None, None]);
    assert_eq!(done.failures.iter().map(|f| f.row).collect::<Vec<_>>(), [2, 3]);
    let good = fail.decompress_array(&column.slice(0, 2)).unwrap();
    let values = match good.as_any_dictionary_opt() {
        Some(dictionary) => dictionary.values().clone(),
        None => good.clone(),
    };
    assert!(matches!(
        values.data_type(),
        arrow_schema::DataType::LargeUtf8 | arrow_schema::DataType::Utf8View
    ));
}

#[test]
fn rows_of_chunks_count_over_all() {
    for layout in [Layout::LargeBinary, Layout::BinaryView, Layout::Dictionary] {
        let good = || Some(frame(b"good"));
        let chunks = [
            layout.array(&[good(), None]),
            layout.array(&[]),
            layout.array(&[good(), row("bad"), good()]),
        ];
        let fail = Decompressor::new().unwrap();
        assert_eq!(
            fail.decompress_chunks(&chunks).unwrap_err().to_string(),
            "row 3: bad magic number 62 61 64: not a zstd frame (28 b5 2f fd)"
        );
        let null = Decompressor::builder().on_error(OnError::Null).build().unwrap();
        let done = null.decompress_chunks_with(&chunks, None).unwrap();
        assert_eq!(rows(&done[2].array), [row("good"), None, row("good")]);
        assert_eq!(done[2].failures[0].row, 3);
        assert!(done[0].failures.is_empty() && done[1].failures.is_empty());
        // Text that is none, in a later chunk.
        let chunks = [layout.array(&[good()]), layout.array(&[Some(frame(b"\xFF"))])];
        let text = Decompressor::builder().utf8(true).build().unwrap();
        assert_eq!(
            text.decompress_chunks(&chunks).unwrap_err().to_string(),
            "row 1: invalid UTF-8 at byte 0 of the value"
        );
    }
}

#[test]
fn columns_of_the_wrong_type() {
    let numbers = Int64Array::from(vec![1, 2]);
    let message = "Int64 is not a binary column (Binary, LargeBinary, BinaryView, \
                   FixedSizeBinary, Utf8, LargeUtf8, Utf8View, or a dictionary or run-end \
                   encoding of one)";
    let compressor = Compressor::new(3).unwrap();
    let decompressor = Decompressor::new().unwrap();
    assert_eq!(compressor.compress_array(&numbers).unwrap_err().to_string(), message);
    assert_eq!(decompressor.decompress_array(&numbers).unwrap_err().to_string(), message);
    assert_eq!(Dictionary::train(&numbers, 1000).unwrap_err().to_string(), message);
    let mixed = [Layout::LargeBinary.array(&[]), Layout::BinaryView.array(&[])];
    assert!(compressor.compress_chunks(&mixed).is_err());
    assert!(decompressor.decompress_chunks(&mixed).is_err());
}

#[test]
fn segments_have_no_nulls_to_become() {
    let segments = BufferWithSegments::new(frame(b"a").into(), std::iter::empty().collect());
    let null = Decompressor::builder().on_error(OnError::Null).build().unwrap();
    assert_eq!(
        null.decompress_segments(&segments, None).unwrap_err().to_string(),
        "option on_error: segments have no nulls: decompress an array instead"
    );
    let fail = Decompressor::new().unwrap();
    assert_eq!(
        fail.decompress_segments(&segments, Some(&[1])).unwrap_err().to_string(),
        "sizes has 1 entries for 0 rows"
    );
    let empty = BufferWithSegmentsCollection::new(vec![]);
    assert_eq!(fail.decompress_collection(&empty, None).unwrap().len(), 0);
    assert_eq!(Compressor::new(3).unwrap().compress_collection(&empty).unwrap().len(), 0);
}

/// A raised flag ends a call, on one thread and on several.
#[rstest]
fn cancelled(#[values(1, 2)] threads: usize) {
    let flag = CancelFlag::new();
    let column = Layout::LargeBinary.array(&vec![row("value"); 1000]);
    let compressor = Compressor::builder().threads(threads).cancel(flag.clone()).build().unwrap();
    let frames = compressor.compress_array(&column).unwrap();
    let decompressor =
        Decompressor::builder().threads(threads).cancel(flag.clone()).build().unwrap();
    assert_eq!(&decompressor.decompress_array(&frames).unwrap(), &column);
    flag.raise();
    assert_eq!(compressor.compress_array(&column).unwrap_err().to_string(), "cancelled");
    assert_eq!(decompressor.decompress_array(&frames).unwrap_err().to_string(), "cancelled");
}

/// Text that is none and a frame that is none: the lower row is named, in every layout.
#[rstest]
fn the_lowest_row_is_named_for_text(
    #[values(Layout::LargeBinary, Layout::BinaryView, Layout::Dictionary)] layout: Layout,
    #[values(1, 2)] threads: usize,
) {
    let mut corrupt = checksummed(b"corrupt");
    let last = corrupt.len() - 1;
    corrupt[last] ^= 1;
    for (not_text, bad_frame) in [(1, 3), (3, 1)] {
        let mut all = vec![Some(frame(b"ok")); 4];
        all[not_text] = Some(streamed(b"\xFF\xFE"));
        all[bad_frame] = Some(corrupt.clone());
        let text = Decompressor::builder().utf8(true).threads(threads).build().unwrap();
        let error = text.decompress_array(&layout.array(&all)).unwrap_err();
        assert_eq!(error.row(), Some(1), "{error}");
    }
}

/// libzstd's mark for a size that is not known, in the field of a header.
#[test]
fn a_size_of_all_ones_is_none() {
    let column = Layout::LargeBinary.array(&[Some(claiming(u64::MAX))]);
    assert_eq!(
        rows(&Decompressor::new().unwrap().decompress_array(&column).unwrap()),
        [row("hello")]
    );
}

#[test]
fn a_trained_dictionary_has_an_id() {
    let samples: Vec<Row> = (0..2000).map(|i| row(format!("word {i} word {}", i * 31))).collect();
    let trained = Dictionary::train(&Layout::LargeBinary.array(&samples), 1024).unwrap();
    let mut bytes = trained.as_bytes().to_vec();
    bytes[4..8].fill(0);
    assert_eq!(
        Dictionary::from_bytes(bytes).unwrap_err().to_string(),
        "dictionary: a trained dictionary has an id, this one has 0"
    );
}

#[test]
fn sizes_are_for_plain_columns() {
    let column = Layout::Dictionary.array(&[Some(frame(b"a"))]);
    let sizes = arrow_array::UInt64Array::from(vec![1]);
    assert_eq!(
        Decompressor::new()
            .unwrap()
            .decompress_array_with(&column, Some(&sizes))
            .unwrap_err()
            .to_string(),
        "option sizes: an encoded column has values and rows, and takes no sizes"
    );
}

/// A block of a window of 1 KiB may hold so much and no more (RFC 8878, section 3.1.1.2.4). libzstd
/// decodes one that holds up to 32 bytes more, if there is room for it; its streams do so only where
/// the content size is known. The codec takes memory by what the format lets a frame hold, and
/// refuses it.
#[rstest]
#[case::said(&[0x40, 0], &(1028_u16 - 256).to_le_bytes(), "the header claims 1028 bytes of content, but the frame's blocks hold 1024 at the most")]
#[case::not_said(&[0, 0], &[], "corrupt frame: the content is larger than its blocks can hold")]
fn a_block_that_holds_too_much(
    #[case] header: &[u8],
    #[case] content_size: &[u8],
    #[case] message: &str,
) {
    // One literal, and a match of 1,027 bytes with the offset 1, each code by a table of its own with
    // this code alone.
    let block = [0x4D, 0, 0, 0x08, b'n', 1, 0x54, 1, 2, 46, 0x00, 0x10];
    let value = [&[0x28, 0xB5, 0x2F, 0xFD], header, content_size, &block].concat();

    let mut whole = Vec::with_capacity(5000);
    zstd::zstd_safe::DCtx::create().decompress(&mut whole, &value).unwrap();
    assert_eq!(whole, [b'n'; 1028]);
    assert_eq!(zstd::stream::decode_all(&value[..]).is_ok(), !content_size.is_empty());

    assert_eq!(fails(Decompressor::builder(), value), format!("row 2: {message}"));
}
