//! Sound frames of records, changed: each is an error of its own row, or has the value that libzstd has.
//!
//! `ZSTD_ARROW_MUTATED` is how many frames are made, `ZSTD_ARROW_CORPORA` a folder whose `deb.parquet`
//! has the records, and `ZSTD_ARROW_MUTATED_FILE` a file to write the frames to, with what libzstd
//! makes of them, for the same test through Python.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray, RecordBatch};
use arrow_ipc::writer::StreamWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use zstd_arrow::{Compressor, Decoder, Decompressor, Dictionary, OnError};

use crate::arrays::{Row, rows};

/// Frames that are looked at together.
const BATCH: usize = 5000;
/// The most content that a value is decoded to.
const MOST: u64 = 1 << 20;

fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Records: those of a Parquet file's column `value`, or made ones.
fn records(random: &mut Random) -> Vec<Vec<u8>> {
    let Some(folder) = setting("ZSTD_ARROW_CORPORA") else {
        let names = ["libc6", "python3", "zlib1g", "perl-base", "debconf", "gcc-12-base"];
        let record = |i: usize| {
            let (a, b) = (names[random.below(6)], names[random.below(6)]);
            let words = "Multi-Arch: same\n".repeat(random.below(4));
            format!("Package: {a}{i}\nDepends: {b} (>= {}.{})\n{words}", i % 17, random.below(90))
                .into_bytes()
        };
        return (0..3000).map(record).collect();
    };
    let file = File::open(Path::new(&folder).join("deb.parquet")).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let mut batches = builder.with_batch_size(1 << 20).build().unwrap();
    let batch = batches.next().unwrap().unwrap();
    rows(batch.column_by_name("value").unwrap()).into_iter().flatten().collect()
}

/// A change of one of the kinds that there are.
fn change(random: &mut Random, frame: &mut Vec<u8>, other: &[u8]) {
    if frame.is_empty() {
        return;
    }
    let at = random.below(frame.len());
    match random.below(10) {
        0..3 => frame[at] ^= 1 << random.below(8),
        3 => frame.truncate(at),
        4 => frame.extend_from_slice(&other[..random.below(other.len())]),
        5 => {
            // This frame's beginning, that one's end.
            frame.truncate(at);
            frame.extend_from_slice(&other[random.below(other.len())..]);
        }
        6 => {
            // Bytes of another frame.
            let from = random.below(other.len());
            let size = random.below(24).min(other.len() - from).min(frame.len() - at);
            frame[at..at + size].copy_from_slice(&other[from..from + size]);
        }
        7 => drop(frame.remove(at)),
        8 => {
            // A field of the header, or the first block's header.
            let at = 4 + random.below(14).min(frame.len().saturating_sub(5));
            if let Some(byte) = frame.get_mut(at) {
                *byte = random.next() as u8;
            }
        }
        _ => {
            // The checksum, or what is in front of it.
            let end = frame.len();
            frame[end - 1 - random.below(8.min(end))] = random.next() as u8;
        }
    }
}

/// How the frames are made: with and without dictionary and checksum, and other settings.
struct Kind {
    dictionary: Option<Dictionary>,
    frames: Vec<Vec<u8>>,
}

fn kinds(records: &[Vec<u8>], dictionary: &Dictionary) -> Vec<Kind> {
    let column = LargeBinaryArray::from_iter_values(records);
    let mut kinds = Vec::new();
    for (with, checksum, content_size, level) in [
        (true, true, true, 3),
        (true, false, true, 3),
        (true, true, false, 12),
        (false, true, true, 3),
    ] {
        let dictionary = with.then(|| dictionary.clone());
        let builder = Compressor::builder().level(level).checksum(checksum);
        let builder = builder.content_size(content_size);
        let builder = match &dictionary {
            Some(dictionary) => builder.dictionary(dictionary.clone()),
            None => builder,
        };
        let frames = builder.build().unwrap().compress_array(&column).unwrap();
        kinds.push(Kind { dictionary, frames: rows(&frames).into_iter().flatten().collect() });
    }
    kinds
}

/// One plain call a frame.
fn by_libzstd(frames: &[Vec<u8>], dictionary: Option<&Dictionary>) -> Vec<Row> {
    let mut plain = match dictionary {
        Some(dictionary) => zstd::bulk::Decompressor::with_dictionary(dictionary.as_bytes()),
        None => zstd::bulk::Decompressor::new(),
    }
    .unwrap();
    let mut decompress = |frame: &Vec<u8>| {
        // A value of no bytes is no frame here; libzstd makes an empty value of it.
        (!frame.is_empty()).then(|| plain.decompress(frame, MOST as usize).ok()).flatten()
    };
    frames.iter().map(&mut decompress).collect()
}

#[test]
fn mutated_frames() {
    let wanted: usize =
        setting("ZSTD_ARROW_MUTATED").map_or(20_000, |count| count.parse().unwrap());
    let seed = setting("ZSTD_ARROW_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let records = records(&mut random);
    let size = if records.len() > 10_000 { 110 << 10 } else { 2 << 10 };
    let dictionary =
        Dictionary::train(&LargeBinaryArray::from_iter_values(&records), size).unwrap();
    let kinds = kinds(&records, &dictionary);
    let mut file = setting("ZSTD_ARROW_MUTATED_FILE")
        .map(|path| Expected::create(&PathBuf::from(path), &dictionary));
    let (mut done, mut decoded, mut different) = (0, 0, 0);
    while done < wanted {
        for kind in &kinds {
            let mut from = Vec::new();
            let frames: Vec<Vec<u8>> = (0..BATCH.min(wanted.div_ceil(kinds.len())))
                .map(|_| {
                    let i = random.below(kind.frames.len());
                    let mut frame = kind.frames[i].clone();
                    for _ in 0..1 + random.below(3) {
                        let other = &kind.frames[random.below(kind.frames.len())];
                        change(&mut random, &mut frame, other);
                    }
                    from.push(i);
                    frame
                })
                .collect();
            let expected = by_libzstd(&frames, kind.dictionary.as_ref());
            check(&frames, &expected, kind.dictionary.as_ref());
            for (value, i) in expected.iter().zip(from) {
                decoded += usize::from(value.is_some());
                different += usize::from(value.as_ref().is_some_and(|v| *v != records[i]));
            }
            if let Some(file) = &mut file {
                file.write(&frames, &expected, kind.dictionary.is_some());
            }
            done += frames.len();
        }
    }
    if let Some(file) = file {
        file.end();
    }
    eprintln!("{done} frames, {decoded} decode, {different} of them to another value");
    assert!(decoded > done / 100 && different > 0 && decoded < done / 2);
}

/// Each decoder, on one thread and on two: the values that are expected, and no other row fails.
fn check(frames: &[Vec<u8>], expected: &[Row], dictionary: Option<&Dictionary>) {
    let column: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values(frames));
    let failed: Vec<usize> = (0..expected.len()).filter(|row| expected[*row].is_none()).collect();
    for (decoder, threads) in [(Decoder::Auto, 2), (Decoder::Libzstd, 1), (Decoder::Batch, 1)] {
        let decompressor = |on_error| {
            let builder = Decompressor::builder().threads(threads).max_value_size(MOST);
            let builder = builder.dictionaries(dictionary.into_iter().cloned().collect());
            builder.decoder(decoder).on_error(on_error).build().unwrap()
        };
        let done = decompressor(OnError::Null).decompress_array_with(&column, None).unwrap();
        let values = done.array.as_binary::<i64>();
        for (row, value) in expected.iter().enumerate() {
            let found = values.is_valid(row).then(|| values.value(row));
            assert!(found == value.as_deref(), "{decoder:?}: {:x?}", frames[row]);
        }
        assert_eq!(done.failures.iter().map(|failure| failure.row).collect::<Vec<_>>(), failed);
        // The first of them is what the call ends with, and what is in front of it is sound.
        let outcome = decompressor(OnError::Fail).decompress_array(&column);
        assert_eq!(outcome.err().and_then(|error| error.row()), failed.first().copied());
    }
}

/// Frames, what libzstd makes of them, and whether it had the dictionary, which is in the metadata.
struct Expected(StreamWriter<File>);

impl Expected {
    fn batch(frames: &[Vec<u8>], expected: &[Row], with: bool) -> RecordBatch {
        let with = arrow_array::BooleanArray::from(vec![with; frames.len()]);
        let columns: [(&str, ArrayRef, bool); 3] = [
            ("frame", Arc::new(LargeBinaryArray::from_iter_values(frames)), true),
            (
                "value",
                Arc::new(expected.iter().map(|row| row.as_deref()).collect::<LargeBinaryArray>()),
                true,
            ),
            ("dictionary", Arc::new(with), true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    fn create(path: &Path, dictionary: &Dictionary) -> Self {
        let mut metadata = std::collections::HashMap::new();
        zstd_arrow::schema::add_dictionary(&mut metadata, dictionary).unwrap();
        let schema = Self::batch(&[], &[], true).schema().as_ref().clone().with_metadata(metadata);
        Self(StreamWriter::try_new(File::create(path).unwrap(), &schema).unwrap())
    }

    fn write(&mut self, frames: &[Vec<u8>], expected: &[Row], with: bool) {
        self.0.write(&Self::batch(frames, expected, with)).unwrap();
    }

    fn end(mut self) {
        self.0.finish().unwrap();
    }
}
