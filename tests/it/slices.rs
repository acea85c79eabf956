//! Values that lie anywhere, the first frame of a value, and what compressors are made with.

use arrow_array::cast::AsArray;
use rstest::rstest;
use zstd_arrow::codec::{
    SearchParameters, TrainOptions, decompress_first_frame, read_header, train, without_skippable,
};
use zstd_arrow::{
    CancelFlag, CompressOptions, Compressor, Decompressor, Dictionary, Format, Strategy, Trainer,
};

use crate::arrays::Layout;

const SKIPPABLE: &[u8] = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc";

fn frame(value: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(value, 3).unwrap()
}

fn streamed(value: &[u8]) -> Vec<u8> {
    let mut bulk = zstd::bulk::Compressor::new(3).unwrap();
    bulk.include_contentsize(false).unwrap();
    bulk.compress(value).unwrap()
}

/// Of small records.
fn dictionary() -> Dictionary {
    let rows: Vec<String> =
        (0..3000).map(|i| format!("{{\"id\": {i}, \"kind\": \"view\"}}")).collect();
    Dictionary::train(&arrow_array::LargeBinaryArray::from_iter_values(&rows), 4096).unwrap()
}

/// Slices give what an array of the same values gives.
#[rstest]
fn slices_are_as_arrays(#[values(1, 2)] threads: usize) {
    let values: Vec<Vec<u8>> = (0..3000_usize).map(|i| vec![i as u8; i % 700]).collect();
    let slices: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    let all: Vec<_> = values.iter().cloned().map(Some).collect();
    let compressor = Compressor::builder().threads(threads).build().unwrap();
    let frames = compressor.compress_slices(&slices).unwrap();
    let array = compressor.compress_array(&Layout::LargeBinary.array(&all)).unwrap();
    assert_eq!(frames.as_slice(), array.as_binary::<i64>().value_data());

    let frames: Vec<&[u8]> = (0..frames.len()).map(|i| frames.value(i)).collect();
    let decompressor = Decompressor::builder().threads(threads).build().unwrap();
    let back = decompressor.decompress_slices(&frames, None).unwrap();
    assert!((0..back.len()).map(|i| back.value(i)).eq(slices.iter().copied()));
}

/// A size for some of the slices: a promise for those, nothing for the others.
#[test]
fn sizes_of_slices() {
    let frames = [streamed(b"three"), frame(b"four"), streamed(b"")];
    let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    let decompressor = Decompressor::builder().threads(1).build().unwrap();
    let run = |sizes: &[Option<u64>]| {
        let done = decompressor.decompress_slices(&slices, Some(sizes));
        done.map(|done| done.as_slice().to_vec()).map_err(|error| error.to_string())
    };
    assert_eq!(run(&[Some(5), None, None]), Ok(b"threefour".to_vec()));
    assert_eq!(run(&[None, Some(4), Some(0)]), Ok(b"threefour".to_vec()));
    assert_eq!(
        run(&[None, Some(5), None]).unwrap_err(),
        "row 1: size mismatch: 5 bytes were promised, the content has 4"
    );
    assert_eq!(run(&[None]).unwrap_err(), "sizes has 1 entries for 3 rows");
}

/// The first frame alone, how far it went, and what is wrong with it.
#[test]
fn the_first_frame() {
    let decode =
        |value: &[u8], size| decompress_first_frame(value, size, None, Format::Zstd, None).unwrap();
    let two = [frame(b"first"), frame(b"second")].concat();
    let done = decode(&two, 5);
    assert_eq!((&done.content[..], done.read, done.finished), (&b"first"[..], two.len() / 2, true));
    // Less room than content, and more.
    let done = decode(&streamed(&[7; 1000]), 10);
    assert_eq!((done.content.len(), done.finished), (10, false));
    let done = decode(&streamed(&[7; 1000]), 1 << 60);
    assert_eq!((done.content.len(), done.finished), (1000, true));
    // Cut, damaged, and no frame.
    let cut = frame(b"first");
    assert!(!decode(&cut[..cut.len() - 1], 5).finished);
    let mut damaged = streamed(&(0..200).collect::<Vec<u8>>());
    damaged[6] |= 6;
    assert_eq!(decode(&damaged, 200).refused, Some("Data corruption detected"));
    assert_eq!(decode(b"no frame", 5).refused, Some("Unknown frame descriptor"));
    // By a dictionary, and by none.
    let dictionary = dictionary();
    let compressor = Compressor::builder().dictionary(dictionary.clone()).build().unwrap();
    let made = compressor.compress_slices(&[b"{\"id\": 17, \"kind\": \"view\"}"]).unwrap();
    let with = |dictionary| {
        decompress_first_frame(made.as_slice(), 100, dictionary, Format::Zstd, None).unwrap()
    };
    assert_eq!(with(Some(&dictionary)).content, b"{\"id\": 17, \"kind\": \"view\"}");
    assert_eq!(with(None).refused, Some("Dictionary mismatch"));
}

#[test]
fn skippable_frames_are_passed_over() {
    let frame = frame(b"value");
    let value = [SKIPPABLE, SKIPPABLE, &frame].concat();
    assert_eq!(without_skippable(&value, Format::Zstd), frame);
    assert_eq!(read_header(&frame, Format::Zstd).unwrap().content_size, Some(5));
    assert_eq!(without_skippable(SKIPPABLE, Format::Zstd), b"");
    // One that is cut stays, for the next reader to say so.
    assert_eq!(without_skippable(&SKIPPABLE[..9], Format::Zstd), &SKIPPABLE[..9]);
    assert_eq!(without_skippable(&value, Format::Magicless), value);
}

/// A compressor with a flag of its own shares everything else with the one it comes from.
#[test]
fn a_flag_for_some_calls() {
    let flag = CancelFlag::new();
    let compressor = Compressor::new(3).unwrap();
    let cancelled = compressor.with_cancel(flag.clone());
    assert!(cancelled.compress_slices(&[b"value"]).is_ok());
    assert!(!flag.raise());
    assert_eq!(cancelled.compress_slices(&[b"value"]).unwrap_err().to_string(), "cancelled");
    assert!(compressor.compress_slices(&[b"value"]).is_ok());
    flag.lower();
    assert!(cancelled.compress_slices(&[b"value"]).is_ok());
    assert_eq!(flag, flag.clone());
    assert_ne!(flag, CancelFlag::new());
}

/// A level holds for large values beside a dictionary too: the same frames as by libzstd's own
/// loading of the dictionary.
#[rstest]
fn the_level_holds_beside_a_dictionary(#[values(-5, 1, 3, 12, 19)] level: i32) {
    let dictionary = dictionary();
    let words = [&b"view "[..], b"click ", b"{\"id\": ", b"17", b"\n"];
    let large: Vec<u8> =
        (0..60_000_usize).flat_map(|i| words[i * i % 7 % words.len()].to_vec()).collect();
    let builder = Compressor::builder().level(level).dictionary(dictionary.clone());
    let frames = builder.build().unwrap().compress_slices(&[&large, b"small"]).unwrap();

    let mut context = zstd::zstd_safe::CCtx::create();
    context.set_parameter(zstd::zstd_safe::CParameter::CompressionLevel(level)).unwrap();
    context.load_dictionary(dictionary.as_bytes()).unwrap();
    for (i, value) in [&large[..], b"small"].into_iter().enumerate() {
        let mut expected = vec![0; zstd::zstd_safe::compress_bound(value.len())];
        let size = context.compress2(&mut expected[..], value).unwrap();
        assert_eq!(frames.value(i), &expected[..size]);
    }
}

/// What the dictionary is digested with is the level's, or what is said.
#[test]
fn digested_by_other_parameters() {
    let dictionary = dictionary();
    let values: Vec<Vec<u8>> =
        (0..50).map(|i| format!("{{\"id\": {i}, \"kind\": \"view\"}}").repeat(4).into()).collect();
    let slices: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    let options = |digest| {
        let mut options = CompressOptions::default();
        options.dictionary = Some(dictionary.clone());
        options.digest = digest;
        options
    };
    let size = |options| {
        let frames = Compressor::with_options(options).unwrap().compress_slices(&slices).unwrap();
        let decompressor = Decompressor::builder().dictionary(dictionary.clone()).build().unwrap();
        let back = decompressor.decompress_segments(&frames, None).unwrap();
        assert!((0..back.len()).map(|i| back.value(i)).eq(slices.iter().copied()));
        frames.size()
    };
    let of_level = |level| SearchParameters::of_level(level, 0, dictionary.as_bytes().len());
    assert!(size(options(Some(of_level(19)))) <= size(options(Some(of_level(-50)))));
    assert_eq!(of_level(3).strategy, Strategy::DFast as u32);
    assert_eq!(SearchParameters::from(<[u32; 7]>::from(of_level(9))), of_level(9));
    let wrong = SearchParameters { window_log: 99, ..of_level(3) };
    let error = Compressor::with_options(options(Some(wrong))).err().unwrap();
    assert!(error.to_string().starts_with("option digest: "), "{error}");
}

/// An estimate for any options but libzstd's own threads; with long-distance matching too, which
/// libzstd's function would divide by zero for.
#[test]
fn context_sizes() {
    let size = |change: fn(&mut CompressOptions)| {
        let mut options = CompressOptions::default();
        change(&mut options);
        options.context_size().map_err(|error| error.to_string())
    };
    let plain = size(|_| {}).unwrap();
    assert!(size(|options| options.level = 19).unwrap() > plain);
    assert!(size(|options| options.long_distance = Some(true)).unwrap() > plain);
    assert!(size(|options| options.workers = Some(2)).unwrap_err().starts_with("option workers: "));
}

#[test]
fn too_many_threads() {
    let error = Compressor::builder().threads(1_000_000).build().err().unwrap();
    assert_eq!(error.to_string(), "option threads: 1000000 is over the limit of 1024");
}

#[test]
fn strategies_by_number() {
    assert_eq!(Strategy::try_from(9).unwrap(), Strategy::BtUltra2);
    let error = Strategy::try_from(10).unwrap_err();
    assert_eq!(error.to_string(), "option strategy: 10 is outside its range of 1 to 9");
}

/// An id that is asked for, the numbers that were chosen, and too little to train on.
#[test]
fn training_by_options() {
    let rows: Vec<String> = (0..3000)
        .map(|i| format!("{{\"id\": {i}, \"kind\": \"view\", \"n\": {}}}", i % 13))
        .collect();
    let (bytes, sizes) =
        (rows.concat().into_bytes(), rows.iter().map(String::len).collect::<Vec<_>>());
    let options = TrainOptions { size: 2048, dictionary_id: 4711, ..TrainOptions::default() };
    let trained = train(&bytes, &sizes, &options).unwrap();
    assert_eq!(Dictionary::from_bytes(trained.bytes).unwrap().id(), 4711);
    assert!(trained.k > 0 && trained.d == 8, "{} {}", trained.k, trained.d);
    let other = TrainOptions { size: 2048, k: 64, d: 6, ..TrainOptions::default() };
    let trained = train(&bytes, &sizes, &other).unwrap();
    assert_eq!((trained.k, trained.d), (64, 6));
    assert_eq!(
        Trainer::new(2048).finish().unwrap_err().to_string(),
        "dictionary: cannot train 2048 bytes on 0 samples of 0 bytes in all: Src size is incorrect"
    );
}
