//! Frames as the format allows them: read here as libzstd reads them.

use arrow_array::{Array, ArrayRef};
use rstest::rstest;
use zstd::zstd_safe;
use zstd_arrow::codec::{levels, read_frame, read_header, read_value};
use zstd_arrow::{Compressor, Decompressor, Dictionary, Format, OnError, Strategy, ValueError};

use crate::arrays::{Layout, Row, row, rows};

fn skippable(size: usize) -> Vec<u8> {
    let mut frame = 0x184D_2A5B_u32.to_le_bytes().to_vec();
    frame.extend((size as u32).to_le_bytes());
    frame.extend(vec![0xAA; size]);
    frame
}

fn decompress(values: &[Row]) -> Vec<Row> {
    let column = Layout::LargeBinary.array(values);
    rows(&Decompressor::builder().threads(2).build().unwrap().decompress_array(&column).unwrap())
}

fn text(size: usize) -> Vec<u8> {
    (0..size).map(|i| b"the quick brown fox "[(i * i / 7) % 20]).collect()
}

/// Values from nothing to 64 MiB, around a block's size, with and without content size.
#[rstest]
fn values_of_any_size(#[values(true, false)] content_size: bool) {
    let sizes =
        [0, 1, 255, 256, 65_791, 65_792, (128 << 10) - 1, 128 << 10, (128 << 10) + 1, 64 << 20];
    let all: Vec<Row> = sizes.into_iter().map(|size| Some(text(size))).collect();
    let column = Layout::LargeBinary.array(&all);
    let compressor = Compressor::builder().level(1).content_size(content_size).build().unwrap();
    let frames = compressor.compress_array(&column).unwrap();
    assert_eq!(&Decompressor::new().unwrap().decompress_array(&frames).unwrap(), &column);
}

#[test]
fn all_levels() {
    let all: Vec<Row> = (0..200).map(|i| Some(text(i * 13))).collect();
    let column = Layout::LargeBinary.array(&all);
    for level in -7..=22 {
        let frames = Compressor::new(level).unwrap().compress_array(&column).unwrap();
        assert_eq!(&Decompressor::new().unwrap().decompress_array(&frames).unwrap(), &column);
    }
    assert!(levels().contains(&-7) && levels().contains(&22) && !levels().contains(&23));
}

/// Each advanced option goes through to libzstd: it changes the frames, or is seen in them.
#[test]
fn advanced_options() {
    let mut state = 1_u32;
    let mut word = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("{:x} ", (state >> 20) % 700)
    };
    let mut words = |count: usize| (0..count).map(|_| word()).collect::<String>();
    let all: Vec<Row> = (0..50).map(|i| row(words(500 + i * 90))).collect();
    let column = Layout::LargeBinary.array(&all);
    let plain = Compressor::new(3).unwrap().compress_array(&column).unwrap();
    let builder = Compressor::builder;
    let changed = [
        builder().strategy(Strategy::BtUltra2),
        builder().min_match(7),
        builder().window_log(10),
        builder().hash_log(6),
        builder().level(9).chain_log(6).search_log(1),
        builder().level(18).target_length(4).search_log(1),
        builder().checksum(true),
        builder().content_size(false),
        builder().format(Format::Magicless),
        builder()
            .long_distance(true)
            .ldm_min_match(4)
            .ldm_hash_log(6)
            .ldm_bucket_size_log(1)
            .ldm_hash_rate_log(0),
        builder().target_block_size(1340),
    ];
    for (i, builder) in changed.into_iter().enumerate() {
        let magicless = i == 8;
        let frames = builder.build().unwrap().compress_array(&column).unwrap();
        assert_ne!(&frames, &plain, "option {i}");
        let format = if magicless { Format::Magicless } else { Format::Zstd };
        let decompressor = Decompressor::builder().format(format).build().unwrap();
        assert_eq!(&decompressor.decompress_array(&frames).unwrap(), &column, "option {i}");
    }
}

#[rstest]
#[case::level(Compressor::builder().level(23), "option level: 23 is not a level; they go from -131072 to 22")]
#[case::window(Compressor::builder().window_log(9), "option window_log: 9 is outside its range of 10 to 31")]
#[case::window(Compressor::builder().window_log(u32::MAX), "option window_log: 4294967295 is outside its range of 10 to 31")]
#[case::min_match(Compressor::builder().min_match(8), "option min_match: 8 is outside its range of 3 to 7")]
#[case::search(Compressor::builder().search_log(0), "option search_log: 0 is outside its range of 1 to 30")]
fn options_outside_their_range(
    #[case] builder: zstd_arrow::CompressorBuilder,
    #[case] message: &str,
) {
    assert_eq!(builder.build().err().unwrap().to_string(), message);
}

#[test]
fn decompress_options_outside_their_range() {
    let window = Decompressor::builder().max_window_log(9).build().err().unwrap();
    assert_eq!(window.to_string(), "option max_window_log: 9 is outside its range of 10 to 31");
    let raw = |bytes: &[u8]| Dictionary::raw_content(bytes).unwrap();
    let twice = Decompressor::builder().dictionary(raw(b"one")).dictionary(raw(b"two"));
    assert_eq!(
        twice.build().err().unwrap().to_string(),
        "option dictionaries: more than one raw content dictionary: no frame says which it needs"
    );
}

/// All frames of a value are decoded, skippable ones passed over, in any order.
#[test]
fn several_frames_in_a_value() {
    let frame = |value: &[u8]| zstd::bulk::compress(value, 3).unwrap();
    let unsized_frame = |value: &[u8]| zstd::stream::encode_all(value, 3).unwrap();
    let values = vec![
        Some([frame(b"one "), frame(b"two")].concat()),
        Some([skippable(0), frame(b"after"), skippable(9)].concat()),
        Some([frame(b"a"), skippable(3), skippable(1), frame(b""), frame(b"b")].concat()),
        Some(skippable(5)),
        None,
        Some([unsized_frame(b"no size, "), frame(b"size")].concat()),
        Some([frame(&text(300_000)), unsized_frame(&text(200_000))].concat()),
    ];
    let expected = vec![
        row("one two"),
        row("after"),
        row("ab"),
        row(""),
        None,
        row("no size, size"),
        Some([text(300_000), text(200_000)].concat()),
    ];
    assert_eq!(decompress(&values), expected);
}

#[test]
fn magicless_frames() {
    let all = vec![row("a value"), None, row(""), Some(text(1000))];
    let column = Layout::LargeBinary.array(&all);
    let with = Compressor::new(3).unwrap().compress_array(&column).unwrap();
    let without = Compressor::builder().format(Format::Magicless).build().unwrap();
    let without = without.compress_array(&column).unwrap();
    for (with, without) in rows(&with).into_iter().zip(rows(&without)) {
        assert_eq!(with.map(|frame| frame[4..].to_vec()), without);
    }
    let decompressor = Decompressor::builder().format(Format::Magicless).build().unwrap();
    assert_eq!(&decompressor.decompress_array(&without).unwrap(), &column);
    // Two frames without magic numbers in one value.
    let two: Vec<Row> =
        rows(&without).into_iter().map(|frame| frame.map(|f| [f.clone(), f].concat())).collect();
    let twice: Vec<Row> =
        all.iter().map(|row| row.as_ref().map(|row| [row.clone(), row.clone()].concat())).collect();
    let values = decompressor.decompress_array(&Layout::Binary.array(&two)).unwrap();
    assert_eq!(rows(&values), twice);
}

/// A word for each dictionary, in frames that carry its id, another's, or none.
#[test]
fn several_dictionaries_by_id() {
    let train = |word: &str| {
        let rows: Vec<Row> =
            (0..2000).map(|i| row(format!("{word} {i} {word} {} {word}", i * 7919))).collect();
        Dictionary::train(&Layout::LargeBinary.array(&rows), 1024).unwrap()
    };
    let (one, two) = (train("first dictionary"), train("another one"));
    assert_ne!(one.id(), two.id());
    let raw = Dictionary::raw_content(b"raw content that values refer to".as_slice()).unwrap();
    assert_eq!(raw.id(), 0);
    let compress = |dictionary: Option<&Dictionary>, value: &str| -> Vec<u8> {
        let builder = Compressor::builder();
        let builder = match dictionary {
            Some(dictionary) => builder.dictionary(dictionary.clone()),
            None => builder,
        };
        let column = Layout::LargeBinary.array(&[row(value)]);
        rows(&builder.build().unwrap().compress_array(&column).unwrap()).remove(0).unwrap()
    };
    let a = compress(Some(&one), "first dictionary 17 first dictionary");
    let b = compress(Some(&two), "another one 12 another one");
    let c = compress(Some(&raw), "raw content that values refer to, twice");
    let d = compress(None, "no dictionary at all");
    let both = [a.clone(), b.clone()].concat();
    let column = Layout::LargeBinary.array(&[Some(a), Some(b), Some(c.clone()), Some(both)]);
    let given = vec![one.clone(), raw.clone(), two.clone()];
    let decompressor = Decompressor::builder().dictionaries(given).build().unwrap();
    assert_eq!(
        rows(&decompressor.decompress_array(&column).unwrap()),
        [
            row("first dictionary 17 first dictionary"),
            row("another one 12 another one"),
            row("raw content that values refer to, twice"),
            row("first dictionary 17 first dictionaryanother one 12 another one"),
        ]
    );
    // Of several trained ones, none is for a frame that names none.
    let column = Layout::LargeBinary.array(&[Some(d)]);
    let decompressor = Decompressor::builder().dictionaries(vec![one, two]).build().unwrap();
    assert_eq!(
        rows(&decompressor.decompress_array(&column).unwrap()),
        [row("no dictionary at all")]
    );
}

/// The dictionary's id can be left out of frames; the one dictionary given is then used.
#[test]
fn dictionary_without_its_id() {
    let rows_of: Vec<Row> = (0..2000).map(|i| row(format!("word {i} word {}", i * 31))).collect();
    let column = Layout::LargeBinary.array(&rows_of);
    let dictionary = Dictionary::train(&column, 1024).unwrap();
    let compressor =
        Compressor::builder().dictionary(dictionary.clone()).dictionary_id(false).build().unwrap();
    let frames = compressor.compress_array(&column).unwrap();
    for frame in rows(&frames) {
        assert_eq!(read_header(&frame.unwrap(), Format::Zstd).unwrap().dictionary_id, None);
    }
    let decompressor = Decompressor::builder().dictionary(dictionary).build().unwrap();
    assert_eq!(&decompressor.decompress_array(&frames).unwrap(), &column);
}

/// Headers as libzstd reads them, over frames of many sizes and options.
#[test]
fn headers_are_what_libzstd_reads() {
    for size in [0, 1, 100, 255, 256, 257, 65_791, 65_792, 200_000] {
        for checksum in [false, true] {
            for content_size in [false, true] {
                let mut bulk = zstd::bulk::Compressor::new(3).unwrap();
                bulk.include_checksum(checksum).unwrap();
                bulk.include_contentsize(content_size).unwrap();
                let bytes = bulk.compress(&text(size)).unwrap();
                let frame = read_frame(&bytes, Format::Zstd).unwrap();
                assert_eq!(frame.compressed_size, bytes.len());
                assert_eq!(
                    frame.compressed_size,
                    zstd_safe::find_frame_compressed_size(&bytes).unwrap()
                );
                assert_eq!(
                    frame.header.content_size,
                    zstd_safe::get_frame_content_size(&bytes).unwrap()
                );
                assert_eq!(frame.header.checksum, checksum);
                assert!(frame.content_bound >= size as u64);
                let twice = [bytes.clone(), bytes].concat();
                let info = read_value(&twice, Format::Zstd).unwrap();
                assert_eq!(info.frames, 2);
                assert_eq!(info.content_size, content_size.then_some(2 * size as u64));
                assert_eq!(info.checksum, checksum);
            }
        }
    }
}

/// Each field of a header, by hand after RFC 8878, section 3.1.1.1; with bytes behind it and cut
/// short before each of its bytes.
#[rstest]
// Single segment, one byte of content size.
#[case(&[0x20, 7], 0, Some(7), 7, None, false)]
// A window of 2^10 * (1 + 3/8), no content size, checksum.
#[case(&[0x04, 0x03], 2, None, 1024 + 384, None, true)]
// Two bytes of content size hold sizes from 256 on; one byte of dictionary id.
#[case(&[0x61, 9, 1, 0], 0, Some(257), 257, Some(9), false)]
// Four bytes of each, and a window of 2^20.
#[case(&[0x83, 0x50, 1, 2, 3, 4, 0, 0, 1, 0], 0, Some(65536), 1 << 20, Some(0x0403_0201), false)]
// Eight bytes, two of dictionary id.
#[case(&[0xE2, 0xFF, 0xFF, 0, 0, 0, 0, 1, 0, 0, 0], 0, Some(1 << 32), 1 << 32, Some(0xFFFF), false)]
// A dictionary id of 0 is none.
#[case(&[0x21, 0, 5], 0, Some(5), 5, None, false)]
fn header_fields(
    #[case] fields: &[u8],
    #[case] _blocks: usize,
    #[case] content_size: Option<u64>,
    #[case] window_size: u64,
    #[case] dictionary_id: Option<u32>,
    #[case] checksum: bool,
) {
    let magicless = fields.to_vec();
    let whole = [&[0x28, 0xB5, 0x2F, 0xFD], fields].concat();
    for (bytes, format) in [(whole, Format::Zstd), (magicless, Format::Magicless)] {
        let padded = [bytes.clone(), vec![0xEE; 40]].concat();
        for input in [&bytes, &padded] {
            let header = read_header(input, format).unwrap();
            assert_eq!(header.size, bytes.len());
            assert_eq!(header.content_size, content_size);
            assert_eq!(header.window_size, window_size);
            assert_eq!(header.dictionary_id, dictionary_id);
            assert_eq!(header.checksum, checksum);
        }
        for cut in 0..bytes.len() {
            let error = read_header(&bytes[..cut], format).unwrap_err();
            let truncated = matches!(error, ValueError::Truncated { .. });
            assert!(truncated || (cut == 0 && error == ValueError::Empty), "{cut}: {error}");
        }
    }
}

/// What a value's frames need more window than is allowed is said before it is decoded.
#[test]
fn windows_are_limited() {
    let value = text(3 << 20);
    let compressor = Compressor::builder().window_log(20).content_size(false).build().unwrap();
    let column = compressor.compress_array(&Layout::LargeBinary.array(&[Some(value)])).unwrap();
    let allowed = Decompressor::builder().max_window_log(20).build().unwrap();
    assert_eq!(allowed.decompress_array(&column).unwrap().len(), 1);
    let refused = Decompressor::builder().max_window_log(19).build().unwrap();
    assert_eq!(
        refused.decompress_array(&column).unwrap_err().to_string(),
        "row 0: the frame's window of 1048576 bytes is over the limit of 524288"
    );
}

/// The caller's sizes are used, and held to.
#[rstest]
fn promised_sizes(#[values(true, false)] content_size: bool, #[values(1, 2)] threads: usize) {
    use arrow_array::UInt64Array;
    let all = vec![row("five5"), None, row(""), row("seventeen letters")];
    let compressor = Compressor::builder().content_size(content_size).build().unwrap();
    let frames: ArrayRef = compressor.compress_array(&Layout::LargeBinary.array(&all)).unwrap();
    let decompressor = Decompressor::builder().threads(threads).build().unwrap();
    let with = |sizes: Vec<Option<u64>>| {
        decompressor
            .decompress_array_with(&frames, Some(&UInt64Array::from(sizes)))
            .map(|done| rows(&done.array))
            .map_err(|error| error.to_string())
    };
    assert_eq!(with(vec![Some(5), None, Some(0), Some(17)]), Ok(all.clone()));
    assert_eq!(with(vec![None, Some(99), None, Some(17)]), Ok(all.clone()));
    let says = |found: &str| Err(format!("row 3: size mismatch: {found}"));
    assert_eq!(
        with(vec![None, None, None, Some(18)]),
        says("18 bytes were promised, the content has 17")
    );
    let less = with(vec![None, None, None, Some(16)]);
    match content_size {
        true => assert_eq!(less, says("16 bytes were promised, the content has 17")),
        false => assert_eq!(less, says("16 bytes were promised, the content has more")),
    }
    // More than the frame's blocks can hold: nothing is allocated for it.
    assert_eq!(
        with(vec![None, None, None, Some(1 << 60)]),
        says("1152921504606846976 bytes were promised, the content has 17")
    );
    assert_eq!(with(vec![None]), Err("sizes has 1 entries for 4 rows".to_owned()));
    // With nulls for errors, only the broken promise is lost.
    let null = Decompressor::builder().on_error(OnError::Null).build().unwrap();
    let sizes = UInt64Array::from(vec![Some(4), None, None, None]);
    let done = null.decompress_array_with(&frames, Some(&sizes)).unwrap();
    assert_eq!(rows(&done.array), [None, None, row(""), row("seventeen letters")]);
    assert_eq!(done.failures.len(), 1);
}
