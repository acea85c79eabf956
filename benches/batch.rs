//! The batch decoder against libzstd, side by side.
//!
//! ```text
//! cargo bench --bench batch [-- --rounds 15 --megabytes 32 --level 3 --only lines
//!                               --parquet FILE COLUMN --lines FILE COLUMN]
//! ```
//!
//! Columns: log lines of about 85 bytes and records of about 1 KB, made here from a seed, and the
//! binary columns of Parquet files that are named, or (`--lines`) the lines of their values; each with a dictionary of 110 KiB, trained on it,
//! and without. Contenders:
//!
//! - `loop`: what one would write by hand: one libzstd context and one digested dictionary a
//!   thread, memory that was touched before, the rows cut in halves by bytes for two threads. It
//!   reads no headers, makes no offsets, checks nothing.
//! - `libzstd`: the codec with that decoder; its memory is idle memory of the call before.
//! - `batch`: the codec with the batch decoder.
//!
//! Each round runs every contender once, in turn; figures are medians over the rounds in MB/s of
//! content (MB are 10^6), ratios are of those.

#[allow(dead_code, reason = "the other benchmark uses all of it")]
mod corpus;

use std::fs::File;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use zstd::zstd_safe::{DCtx, DDict};
use zstd_arrow::codec::DEFAULT_DICTIONARY_SIZE;
use zstd_arrow::{Compressor, Decoder, Decompressor, Dictionary};

struct Settings {
    rounds: usize,
    bytes: usize,
    level: i32,
    only: Option<String>,
    files: Vec<NamedColumn>,
}

/// A column of a Parquet file, of whose values each line is a row if `lines` is set.
struct NamedColumn {
    path: String,
    column: String,
    lines: bool,
}

impl Settings {
    fn from_args() -> Self {
        let mut settings =
            Self { rounds: 11, bytes: 32_000_000, level: 3, only: None, files: Vec::new() };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} takes a value"));
            match arg.as_str() {
                "--rounds" => settings.rounds = value().parse().expect("a number of rounds"),
                "--megabytes" => {
                    settings.bytes = value().parse::<usize>().expect("a number") * 1_000_000;
                }
                "--level" => settings.level = value().parse().expect("a level"),
                "--only" => settings.only = Some(value()),
                "--parquet" | "--lines" => {
                    let (path, column) = (value(), value());
                    settings.files.push(NamedColumn { path, column, lines: arg == "--lines" });
                }
                // What `cargo bench` itself passes.
                "--bench" => {}
                other => panic!("no option {other}"),
            }
        }
        settings
    }
}

fn main() {
    let settings = Settings::from_args();
    println!(
        "level {}, {} rounds, up to {} MB a column; MB/s of content, medians",
        settings.level,
        settings.rounds,
        settings.bytes / 1_000_000
    );
    println!(
        "{:<28} {:>1} {:>7} {:>7} {:>7} {:>11} {:>14}",
        "column", "t", "loop", "libzstd", "batch", "batch/loop", "batch/libzstd"
    );
    let mut columns = vec![
        ("lines".to_owned(), corpus::rows(85, settings.bytes)),
        ("1KB".to_owned(), corpus::rows(1000, settings.bytes)),
        ("16KB".to_owned(), corpus::rows(16_000, settings.bytes)),
    ];
    for named in &settings.files {
        let name = named.path.rsplit('/').next().unwrap_or(&named.path);
        let name = if named.lines { format!("{name}, lines") } else { name.to_owned() };
        columns.push((name, read(named, settings.bytes)));
    }
    for (name, rows) in columns {
        if settings.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let column: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values(&rows));
        let dictionary = Dictionary::train(&*column, DEFAULT_DICTIONARY_SIZE).expect("trains");
        for (kind, dictionary) in [("dictionary", Some(dictionary)), ("none", None)] {
            Bench::new(&column, dictionary, &settings).print(&format!("{name}, {kind}"));
        }
    }
}

/// The first values of a binary or text column, or their lines.
fn read(named: &NamedColumn, bytes: usize) -> Vec<Vec<u8>> {
    let NamedColumn { path, column, lines } = named;
    let file = File::open(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let only = ProjectionMask::columns(reader.parquet_schema(), [column.as_str()]);
    let mut rows: Vec<Vec<u8>> = Vec::new();
    let mut total = 0;
    for batch in reader.with_projection(only).build().expect("readable") {
        let batch = batch.expect("readable");
        let segments = zstd_arrow::convert::from_array(batch.column(0)).expect("a binary column").0;
        for value in segments.iter() {
            if total >= bytes {
                return rows;
            }
            total += value.len();
            let end = |byte: &u8| *lines && *byte == b'\n';
            rows.extend(value.split_inclusive(end).map(<[u8]>::to_vec));
        }
    }
    rows
}

#[derive(Clone, Copy, PartialEq)]
enum Contender {
    Loop,
    Codec(Decoder),
}

const CONTENDERS: [Contender; 3] =
    [Contender::Loop, Contender::Codec(Decoder::Libzstd), Contender::Codec(Decoder::Batch)];

struct Bench {
    column: ArrayRef,
    frames: ArrayRef,
    dictionary: Option<Dictionary>,
    rounds: usize,
}

impl Bench {
    fn new(column: &ArrayRef, dictionary: Option<Dictionary>, settings: &Settings) -> Self {
        let builder = Compressor::builder().level(settings.level);
        let compressor = match &dictionary {
            Some(dictionary) => builder.dictionary(dictionary.clone()).build(),
            None => builder.build(),
        };
        let frames = compressor.expect("valid").compress_array(column).expect("compresses");
        Self { column: column.clone(), frames, dictionary, rounds: settings.rounds }
    }

    fn print(&self, name: &str) {
        for threads in [1, 2] {
            let mut memory = vec![0_u8; self.column.as_binary::<i64>().value_data().len()];
            let decompressors = CONTENDERS.map(|contender| {
                let decoder = match contender {
                    Contender::Loop => Decoder::Libzstd,
                    Contender::Codec(decoder) => decoder,
                };
                Decompressor::builder()
                    .dictionaries(self.dictionary.iter().cloned().collect())
                    .decoder(decoder)
                    .threads(threads)
                    .build()
                    .expect("valid")
            });
            let mut times = [const { Vec::new() }; CONTENDERS.len()];
            for round in 0..=self.rounds {
                for turn in 0..CONTENDERS.len() {
                    let i = (turn + round) % CONTENDERS.len();
                    let start = Instant::now();
                    match CONTENDERS[i] {
                        Contender::Loop => self.by_loop(&mut memory, threads),
                        Contender::Codec(_) => {
                            let values = decompressors[i].decompress_array(&self.frames);
                            black_box(values.expect("valid"));
                        }
                    }
                    let time = start.elapsed().as_secs_f64();
                    // The first round only warms up, and checks.
                    match round {
                        0 => {
                            let values = decompressors[i].decompress_array(&self.frames);
                            assert!(*values.expect("valid") == *self.column);
                            assert!(memory == *self.column.as_binary::<i64>().value_data());
                        }
                        _ => times[i].push(time),
                    }
                }
            }
            let bytes = memory.len() as f64;
            let [plain, libzstd, batch] = times.map(|times| bytes / median(times) / 1e6);
            println!(
                "{name:<28} {threads} {plain:>7.0} {libzstd:>7.0} {batch:>7.0} {:>11.2} {:>14.2}",
                batch / plain,
                batch / libzstd
            );
        }
    }

    fn by_loop(&self, memory: &mut [u8], threads: usize) {
        let values = self.column.as_binary::<i64>();
        let frames = self.frames.as_binary::<i64>();
        let digested = self.dictionary.as_ref().map(|one| DDict::create(one.as_bytes()));
        let work = |rows: Range<usize>, mut rest: &mut [u8]| {
            let mut context = DCtx::create();
            for row in rows {
                let frame = frames.value(row);
                let done = match &digested {
                    Some(digested) => context.decompress_using_ddict(rest, frame, digested),
                    None => context.decompress(rest, frame),
                };
                rest = &mut rest[done.expect("a valid frame")..];
            }
        };
        let offsets = values.value_offsets();
        let middle = match threads {
            1 => values.len(),
            _ => offsets.partition_point(|offset| *offset < offsets[values.len()] / 2),
        };
        let (front, back) = memory.split_at_mut(offsets[middle] as usize);
        std::thread::scope(|scope| {
            if threads > 1 {
                scope.spawn(|| work(middle..values.len(), back));
            }
            work(0..middle, front);
        });
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
