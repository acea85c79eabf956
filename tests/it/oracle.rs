//! The naive loop, one `zstd::bulk` call a row, is the oracle: the parallel path equals it byte
//! for byte, for any column, any options and any number of threads.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use zstd_arrow::{
    BufferSegments, BufferWithSegments, Compressor, Decoder, Decompressor, Dictionary, OnError,
};

use crate::arrays::{Layout, Row, rows};

const THREADS: [usize; 3] = [1, 2, 7];

/// A dictionary for the words that values are made of.
fn dictionary() -> Dictionary {
    use std::sync::OnceLock;
    static TRAINED: OnceLock<Dictionary> = OnceLock::new();
    let train = || {
        let rows: Vec<String> = (0..3000)
            .map(|i| format!("{{\"id\":{i},\"kind\":\"view\",\"to\":{}}}", i * 31))
            .collect();
        Dictionary::train(&LargeBinaryArray::from_iter_values(&rows), 2048).unwrap()
    };
    TRAINED.get_or_init(train).clone()
}

/// A value: nothing, noise, text that compresses, or one long run.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => Just(Vec::new()),
        3 => vec(any::<u8>(), 0..40),
        4 => (0..1000_u32, 0..9_usize).prop_map(|(id, times)| {
            format!("{{\"id\":{id},\"kind\":\"view\",\"to\":7}}").repeat(times).into_bytes()
        }),
        1 => (any::<u8>(), 0..5000_usize).prop_map(|(byte, size)| vec![byte; size]),
        1 => vec(any::<u8>(), 200..3000),
    ]
}

fn column() -> impl Strategy<Value = Vec<Row>> {
    vec(prop_oneof![1 => Just(None), 6 => value().prop_map(Some)], 0..60)
}

/// Options of compression that the plain loop has too, and what decodes.
#[derive(Debug, Clone)]
struct Options {
    level: i32,
    checksum: bool,
    content_size: bool,
    dictionary: bool,
    decoder: Decoder,
}

fn options() -> impl Strategy<Value = Options> {
    let decoders = vec![Decoder::Auto, Decoder::Libzstd, Decoder::Batch];
    let flags = [any::<bool>(), any::<bool>(), any::<bool>()];
    (select(vec![-5, 1, 3, 6, 12]), flags, select(decoders)).prop_map(
        |(level, [checksum, content_size, dictionary], decoder)| Options {
            level,
            checksum,
            content_size,
            dictionary,
            decoder,
        },
    )
}

impl Options {
    fn compressor(&self, threads: usize) -> Compressor {
        let builder = Compressor::builder()
            .level(self.level)
            .checksum(self.checksum)
            .content_size(self.content_size)
            .threads(threads);
        match self.dictionary {
            true => builder.dictionary(dictionary()).build().unwrap(),
            false => builder.build().unwrap(),
        }
    }

    fn decompressor(&self, threads: usize) -> Decompressor {
        let dictionaries = if self.dictionary { vec![dictionary()] } else { vec![] };
        Decompressor::builder()
            .dictionaries(dictionaries)
            .decoder(self.decoder)
            .threads(threads)
            .build()
            .unwrap()
    }

    /// One `zstd::bulk` call a row.
    fn naive(&self, rows: &[Row]) -> Vec<Row> {
        let trained = dictionary();
        let mut bulk = match self.dictionary {
            true => zstd::bulk::Compressor::with_dictionary(self.level, trained.as_bytes()),
            false => zstd::bulk::Compressor::new(self.level),
        }
        .unwrap();
        bulk.include_checksum(self.checksum).unwrap();
        bulk.include_contentsize(self.content_size).unwrap();
        rows.iter().map(|row| row.as_ref().map(|row| bulk.compress(row).unwrap())).collect()
    }

    /// The same the other way.
    fn naive_back(&self, frames: &[Row]) -> Vec<Result<Row, String>> {
        let trained = dictionary();
        let mut bulk = match self.dictionary {
            true => zstd::bulk::Decompressor::with_dictionary(trained.as_bytes()),
            false => zstd::bulk::Decompressor::new(),
        }
        .unwrap();
        let one = |frame: &Vec<u8>| bulk.decompress(frame, 1 << 20).map_err(|e| e.to_string());
        let mut one = one;
        frames.iter().map(|frame| frame.as_ref().map(&mut one).transpose()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Every layout, whole and sliced: the frames are the naive loop's, and come back.
    #[test]
    fn columns_equal_the_naive_loop(
        all in column(),
        options in options(),
        layout in select(Layout::ANY.to_vec()),
        threads in select(THREADS.to_vec()),
        cut in (0..10_usize, 0..10_usize),
    ) {
        let start = cut.0.min(all.len());
        let length = (all.len() - start).saturating_sub(cut.1);
        let column = layout.array(&all).slice(start, length);
        let expected = &all[start..start + length];

        let frames = options.compressor(threads).compress_array(&column).unwrap();
        prop_assert_eq!(rows(&frames), options.naive(expected));
        let values = options.decompressor(threads).decompress_array(&frames).unwrap();
        prop_assert_eq!(&rows(&values), expected);
        prop_assert_eq!(values.logical_null_count(), column.logical_null_count());
    }

    /// The layouts that hold only text, or values of one size.
    #[test]
    fn text_and_fixed_columns_equal_the_naive_loop(
        text in vec(prop_oneof![1 => Just(None), 6 => "[a-zé✓]{0,30}".prop_map(Some)], 0..40),
        fixed in vec(prop_oneof![1 => Just(None), 6 => vec(any::<u8>(), 5).prop_map(Some)], 0..40),
        options in options(),
        layout in select(vec![Layout::LargeUtf8, Layout::Utf8, Layout::Utf8View, Layout::FixedSizeBinary]),
        threads in select(THREADS.to_vec()),
        cut in (0..10_usize, 0..10_usize),
    ) {
        let all: Vec<Row> = match layout {
            Layout::FixedSizeBinary => fixed,
            _ => text.into_iter().map(|text| text.map(String::into_bytes)).collect(),
        };
        let start = cut.0.min(all.len());
        let length = (all.len() - start).saturating_sub(cut.1);
        let column = layout.array(&all).slice(start, length);
        let expected = &all[start..start + length];
        let frames = options.compressor(threads).compress_array(&column).unwrap();
        prop_assert_eq!(rows(&frames), options.naive(expected));
        let values = options.decompressor(threads).decompress_array(&frames).unwrap();
        prop_assert_eq!(&rows(&values), expected);
    }

    /// Frames that are no frames: each row fails or not as in the naive loop, the good ones have
    /// its values, and `Fail` names the first.
    #[test]
    fn damaged_columns_equal_the_naive_loop(
        mut all in column(),
        options in options(),
        layout in select(Layout::ANY.to_vec()),
        threads in select(THREADS.to_vec()),
        damage in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        all.truncate(30);
        let mut frames = options.naive(&all);
        for (row, byte, with) in damage {
            if frames.is_empty() {
                break;
            }
            let len = frames.len();
            if let Some(frame) = &mut frames[row.index(len)] {
                match frame.len() {
                    0 => {}
                    len if with % 5 == 0 => frame.truncate(byte.index(len)),
                    len => frame[byte.index(len)] ^= with,
                }
            }
        }
        let naive = options.naive_back(&frames);
        let column = layout.array(&frames);
        let dictionaries = if options.dictionary { vec![dictionary()] } else { vec![] };
        let null = Decompressor::builder()
            .dictionaries(dictionaries)
            .on_error(OnError::Null)
            .decoder(options.decoder)
            .threads(threads)
            .build()
            .unwrap();
        let done = null.decompress_array_with(&column, None).unwrap();
        // An empty value is no frame here; the naive loop makes an empty value of it.
        let expected: Vec<Row> = naive
            .iter()
            .zip(&frames)
            .map(|(value, frame)| match frame {
                Some(frame) if frame.is_empty() => None,
                _ => value.clone().unwrap_or(None),
            })
            .collect();
        prop_assert_eq!(rows(&done.array), expected.clone());
        let failed: Vec<usize> = (0..frames.len())
            .filter(|row| frames[*row].is_some() && expected[*row].is_none())
            .collect();
        prop_assert_eq!(done.failures.iter().map(|f| f.row).collect::<Vec<_>>(), failed.clone());
        prop_assert_eq!(done.array.logical_null_count(), expected.iter().filter(|r| r.is_none()).count());

        let outcome = options.decompressor(threads).decompress_array(&column);
        match failed.first() {
            None => prop_assert_eq!(rows(&outcome.unwrap()), expected),
            Some(row) => {
                let error = outcome.unwrap_err();
                prop_assert_eq!(error.row(), Some(*row));
                prop_assert_eq!(error.to_string(), format!("row {row}: {}", done.failures[0].error));
            }
        }
    }

    /// Segments in any order, overlapping, over one buffer.
    #[test]
    fn segments_equal_the_naive_loop(
        data in vec(any::<u8>(), 1..2000),
        places in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..40),
        options in options(),
        threads in select(THREADS.to_vec()),
    ) {
        let index: BufferSegments = places
            .iter()
            .map(|(a, b)| {
                let (a, b) = (a.index(data.len() + 1), b.index(data.len() + 1));
                (a.min(b) as u64, a.abs_diff(b) as u64)
            })
            .collect();
        let segments = BufferWithSegments::try_new(data.into(), index).unwrap();
        let values: Vec<Row> = segments.iter().map(|segment| Some(segment.to_vec())).collect();
        let frames = options.compressor(threads).compress_segments(&segments).unwrap();
        let got: Vec<Row> = frames.iter().map(|segment| Some(segment.to_vec())).collect();
        prop_assert_eq!(got, options.naive(&values));
        let back = options.decompressor(threads).decompress_segments(&frames, None).unwrap();
        prop_assert_eq!(&back, &segments);
        let sizes: Vec<u64> = segments.iter().map(|segment| segment.len() as u64).collect();
        let back = options.decompressor(threads).decompress_segments(&frames, Some(&sizes)).unwrap();
        prop_assert_eq!(&back, &segments);
    }

    /// A chunked column is one column: the same frames, in as many chunks.
    #[test]
    fn chunks_equal_the_naive_loop(
        chunks in vec(column(), 0..5),
        options in options(),
        layout in select(Layout::ANY.to_vec()),
        threads in select(THREADS.to_vec()),
    ) {
        let arrays: Vec<ArrayRef> = chunks.iter().map(|rows| layout.array(rows)).collect();
        let frames = options.compressor(threads).compress_chunks(&arrays).unwrap();
        prop_assert_eq!(frames.len(), chunks.len());
        for (frames, chunk) in frames.iter().zip(&chunks) {
            prop_assert_eq!(rows(frames), options.naive(chunk));
        }
        let values = options.decompressor(threads).decompress_chunks(&frames).unwrap();
        for (values, chunk) in values.iter().zip(&chunks) {
            prop_assert_eq!(&rows(values), chunk);
        }
    }
}

/// A column large enough to be shared out in many runs, of very unequal values, with and without
/// content sizes: all threads give the naive loop's bytes.
#[test]
fn large_columns_equal_the_naive_loop() {
    let value = |i: usize| match i % 11 {
        0 => None,
        1 => Some(Vec::new()),
        5 if i % 1100 == 5 => Some(format!("huge {i} ").repeat(60_000).into_bytes()),
        _ => Some(format!("{{\"id\":{i},\"text\":\"{}\"}}", "ab".repeat(i % 97)).into_bytes()),
    };
    let all: Vec<Row> = (0..6000).map(value).collect();
    let column: ArrayRef = Layout::LargeBinary.array(&all);
    for content_size in [true, false] {
        let options = Options {
            level: 1,
            checksum: true,
            content_size,
            dictionary: false,
            decoder: Decoder::Batch,
        };
        let naive = options.naive(&all);
        for threads in [0, 1, 2, 7] {
            let frames = options.compressor(threads).compress_array(&column).unwrap();
            assert_eq!(rows(&frames), naive, "{threads} threads");
            let values = options.decompressor(threads).decompress_array(&frames).unwrap();
            assert_eq!(&values, &column, "{threads} threads");
            // The same column as one of views.
            let views = Layout::BinaryView.array(&naive);
            let values = options.decompressor(threads).decompress_array(&views).unwrap();
            assert_eq!(rows(&values), all, "{threads} threads");
        }
    }
}

/// One compressor and one decompressor for many threads of the caller's own.
#[test]
fn shared_by_threads() {
    let all: Vec<Row> = (0..2000).map(|i| Some(format!("row {i}").into_bytes())).collect();
    let column = Layout::LargeBinary.array(&all);
    let (compressor, decompressor) = (Compressor::new(3).unwrap(), Decompressor::new().unwrap());
    let expected: Arc<dyn Array> = compressor.compress_array(&column).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let frames = compressor.clone().compress_array(&column).unwrap();
                    assert_eq!(&frames, &expected);
                    assert_eq!(&decompressor.decompress_array(&frames).unwrap(), &column);
                }
            });
        }
    });
}

/// Small records with a dictionary, some of them damaged, null, large, or without their size: both
/// decoders give the same values and the same errors, for any number of threads, as binary and as
/// text.
#[test]
fn both_decoders_give_the_same_column() {
    let value = |i: usize| match i % 13 {
        0 => None,
        1 => Some(Vec::new()),
        6 if i % 1300 == 6 => Some(format!("large {i} ").repeat(9000).into_bytes()),
        7 if i % 650 == 7 => Some(vec![0xff; 300]),
        _ => {
            let words = i.to_string().repeat(i % 40);
            Some(format!("{{\"id\":{i},\"kind\":\"view\",\"{words}\":{}}}", i * 31).into_bytes())
        }
    };
    let all: Vec<Row> = (0..9000).map(value).collect();
    for (content_size, checksum, damaged) in
        [(true, false, false), (true, true, true), (true, false, true), (false, false, true)]
    {
        let options =
            Options { level: 3, checksum, content_size, dictionary: true, decoder: Decoder::Auto };
        let mut frames = options.naive(&all);
        if damaged {
            for (i, frame) in frames.iter_mut().flatten().enumerate().filter(|(i, _)| i % 7 == 0) {
                let at = i * 31 % frame.len();
                frame[at] ^= 1 << (i % 8);
            }
        }
        let column = Layout::LargeBinary.array(&frames);
        for utf8 in [false, true] {
            let decode = |decoder, threads, on_error| {
                Decompressor::builder()
                    .dictionary(dictionary())
                    .decoder(decoder)
                    .threads(threads)
                    .on_error(on_error)
                    .utf8(utf8)
                    .build()
                    .unwrap()
                    .decompress_array_with(&column, None)
            };
            let expected = decode(Decoder::Libzstd, 1, OnError::Null).unwrap();
            let error = decode(Decoder::Libzstd, 1, OnError::Fail).err().map(|e| e.to_string());
            assert_eq!(error.is_some(), damaged || utf8);
            for threads in THREADS {
                for decoder in [Decoder::Auto, Decoder::Batch] {
                    let done = decode(decoder, threads, OnError::Null).unwrap();
                    assert_eq!(&done.array, &expected.array);
                    assert_eq!(done.failures, expected.failures);
                    let failed = decode(decoder, threads, OnError::Fail).err();
                    assert_eq!(failed.map(|e| e.to_string()), error);
                }
            }
        }
    }
}
