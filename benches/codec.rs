//! The codec against the plain loop over libzstd, side by side.
//!
//! ```text
//! cargo bench --bench codec [-- --rounds 15 --megabytes 64 --only 1KB]
//! ```
//!
//! Four sizes of values, each with and without a dictionary, at level 3. The plain loop is what a
//! careful person would write by hand: one libzstd context and one digested dictionary a thread,
//! one exact allocation of fresh memory for the values (decompress; sizes known beforehand) or one
//! of the bound for each value (compress), and for two threads the rows cut in two halves by bytes.
//! It makes no offsets, reads no headers and checks nothing.
//!
//! Each round runs every contender once, in turn; a figure is the median over the rounds, and a
//! ratio is one of medians of the same run. MB are 10^6 raw bytes.

mod corpus;

use std::hint::black_box;
use std::time::Instant;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use zstd::zstd_safe::{CCtx, CDict, CParameter, DCtx, DDict};
use zstd_arrow::{Compressor, Decompressor, Dictionary};

const LEVEL: i32 = 3;
/// About 110 KB, as `zstd --train` makes.
const DICTIONARY_SIZE: usize = zstd_arrow::codec::DEFAULT_DICTIONARY_SIZE;

struct Settings {
    rounds: usize,
    bytes: usize,
    only: Option<String>,
}

impl Settings {
    fn from_args() -> Self {
        let mut settings = Self { rounds: 9, bytes: 32_000_000, only: None };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} takes a value"));
            match arg.as_str() {
                "--rounds" => settings.rounds = value().parse().expect("a number of rounds"),
                "--megabytes" => {
                    settings.bytes = value().parse::<usize>().expect("a number") * 1_000_000;
                }
                "--only" => settings.only = Some(value()),
                // What `cargo bench` itself passes.
                "--bench" => {}
                other => panic!("no option {other}; there are --rounds, --megabytes, --only"),
            }
        }
        settings
    }
}

fn main() {
    let settings = Settings::from_args();
    println!(
        "level {LEVEL}, {} rounds, {} MB a column, {} cores; MB/s of raw bytes, medians",
        settings.rounds,
        settings.bytes / 1_000_000,
        std::thread::available_parallelism().map_or(0, usize::from),
    );
    println!(
        "{:<5} {:<25} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>8} {:>8}",
        "", "", "loop 1", "ours 1", "ratio", "loop 2", "ours 2", "ratio", "loop 2/1", "ours 2/1"
    );
    for corpus in corpus::all(settings.bytes) {
        if settings.only.as_ref().is_some_and(|only| only != corpus.name) {
            continue;
        }
        let column: ArrayRef =
            std::sync::Arc::new(LargeBinaryArray::from_iter_values(&corpus.rows));
        let dictionary = Dictionary::train(&*column, DICTIONARY_SIZE).expect("trains");
        for (kind, dictionary) in [("no dictionary", None), ("dictionary", Some(dictionary))] {
            let bench = Bench::new(column.clone(), dictionary, settings.rounds);
            bench.row(corpus.name, "decompress", kind, Bench::decompress);
            bench.row(corpus.name, "compress", kind, Bench::compress);
        }
    }
}

struct Bench {
    column: ArrayRef,
    frames: ArrayRef,
    raw_bytes: usize,
    dictionary: Option<Dictionary>,
    rounds: usize,
    compressors: [Compressor; 2],
    decompressors: [Decompressor; 2],
}

impl Bench {
    fn new(column: ArrayRef, dictionary: Option<Dictionary>, rounds: usize) -> Self {
        let compressor = |threads| {
            let builder = Compressor::builder().level(LEVEL).threads(threads);
            match &dictionary {
                Some(dictionary) => builder.dictionary(dictionary.clone()),
                None => builder,
            }
            .build()
            .expect("valid options")
        };
        let decompressor = |threads| {
            Decompressor::builder()
                .dictionaries(dictionary.iter().cloned().collect())
                .threads(threads)
                .build()
                .expect("valid options")
        };
        let compressors = [compressor(1), compressor(2)];
        let frames = compressors[1].compress_array(&column).expect("compresses");
        let raw_bytes = column.as_binary::<i64>().values().len();
        let decompressors = [decompressor(1), decompressor(2)];
        Self { column, frames, raw_bytes, dictionary, rounds, compressors, decompressors }
    }

    /// One line of the table: `work(threads, ours)` for each of the four contenders.
    fn row(&self, corpus: &str, direction: &str, kind: &str, work: fn(&Self, usize, bool)) {
        let contenders = [(1, false), (1, true), (2, false), (2, true)];
        let mut times: [Vec<f64>; 4] = Default::default();
        for round in 0..=self.rounds {
            // Each of them comes first, second, third and fourth: what ran before tells on a
            // machine whose clock depends on the load.
            for turn in 0..contenders.len() {
                let i = (turn + round) % contenders.len();
                let (threads, ours) = contenders[i];
                let start = Instant::now();
                work(self, threads, ours);
                // The first round only warms up.
                if round > 0 {
                    times[i].push(start.elapsed().as_secs_f64());
                }
            }
        }
        let [loop1, ours1, loop2, ours2] = times.map(median);
        let speed = |time: f64| self.raw_bytes as f64 / time / 1e6;
        println!(
            "{corpus:<5} {:<25} {:>6.0} {:>6.0} {:>6.2} {:>6.0} {:>6.0} {:>6.2} {:>8.2} {:>8.2}",
            format!("{direction}, {kind}"),
            speed(loop1),
            speed(ours1),
            loop1 / ours1,
            speed(loop2),
            speed(ours2),
            loop2 / ours2,
            loop1 / loop2,
            ours1 / ours2,
        );
    }

    fn decompress(&self, threads: usize, ours: bool) {
        if ours {
            black_box(
                self.decompressors[threads - 1].decompress_array(&self.frames).expect("valid"),
            );
            return;
        }
        let frames = self.frames.as_binary::<i64>();
        let values = self.column.as_binary::<i64>();
        let digested =
            self.dictionary.as_ref().map(|dictionary| DDict::create(dictionary.as_bytes()));
        in_halves(values, threads, |rows| {
            let size = values.value_offsets()[rows.end] - values.value_offsets()[rows.start];
            let mut context = DCtx::create();
            let mut out: Vec<u8> = Vec::with_capacity(size as usize);
            let mut one = Spare(&mut out);
            for row in rows {
                let done = match &digested {
                    Some(digested) => {
                        context.decompress_using_ddict(&mut one, frames.value(row), digested)
                    }
                    None => context.decompress(&mut one, frames.value(row)),
                };
                done.expect("a valid frame");
            }
            black_box(out);
        });
    }

    fn compress(&self, threads: usize, ours: bool) {
        if ours {
            black_box(
                self.compressors[threads - 1].compress_array(&self.column).expect("compresses"),
            );
            return;
        }
        let values = self.column.as_binary::<i64>();
        let digested =
            self.dictionary.as_ref().map(|dictionary| CDict::create(dictionary.as_bytes(), LEVEL));
        in_halves(values, threads, |rows| {
            let mut context = CCtx::create();
            context.set_parameter(CParameter::CompressionLevel(LEVEL)).expect("a valid level");
            if let Some(digested) = &digested {
                context.ref_cdict(digested).expect("a fresh context");
            }
            let mut out: Vec<u8> = Vec::new();
            for row in rows {
                let value = values.value(row);
                out.reserve(zstd::zstd_safe::compress_bound(value.len()));
                context.compress2(&mut Spare(&mut out), value).expect("compresses");
            }
            black_box(out);
        });
    }
}

/// Runs `work` on all rows, or on two halves of about the same bytes on two threads.
fn in_halves(
    values: &LargeBinaryArray,
    threads: usize,
    work: impl Fn(std::ops::Range<usize>) + Sync,
) {
    if threads == 1 {
        return work(0..values.len());
    }
    let half = values.value_offsets()[values.len()] / 2;
    let middle = values.value_offsets().partition_point(|offset| *offset < half).min(values.len());
    std::thread::scope(|scope| {
        scope.spawn(|| work(0..middle));
        work(middle..values.len());
    });
}

/// All of a vector's capacity that is left, for libzstd to write to; written bytes are appended.
struct Spare<'a>(&'a mut Vec<u8>);

// SAFETY: the pointer is to `capacity` bytes of the vector's own spare capacity, and the length is
// only moved on over bytes that libzstd has written.
unsafe impl zstd::zstd_safe::WriteBuf for Spare<'_> {
    fn as_slice(&self) -> &[u8] {
        &[]
    }

    fn capacity(&self) -> usize {
        self.0.capacity() - self.0.len()
    }

    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.spare_capacity_mut().as_mut_ptr().cast()
    }

    unsafe fn filled_until(&mut self, n: usize) {
        // SAFETY: by this method's contract, n more bytes are initialised.
        unsafe { self.0.set_len(self.0.len() + n) };
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
