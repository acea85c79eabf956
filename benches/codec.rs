//! The codec against the plain loop over libzstd, side by side.
//!
//! ```text
//! cargo bench --bench codec [-- --rounds 15 --megabytes 64 --only 1KB --json FILE]
//! ```
//!
//! Four sizes of values, each with and without a dictionary, at level 3. The plain loop is what a
//! careful person would write by hand: one libzstd context and one digested dictionary a thread,
//! one allocation for the values (of the exact size, known beforehand, to decompress; of the most
//! that frames can take to compress), and for two threads the rows cut in two halves by bytes. It
//! makes no offsets, reads no headers and checks nothing. It comes in three kinds of memory:
//!
//! - `fresh`: from the system, for each call
//! - `huge`: the same, with huge pages asked for
//! - `touched`: memory of an earlier call, which is never given back
//!
//! and the codec in two: `first`, with no idle memory to take, and `again`, as when calls are
//! repeated and their results dropped.
//!
//! Each round runs every contender once, in turn; a figure is the median over the rounds in MB/s of
//! raw bytes (MB are 10^6), and a ratio is one of medians of the same run: of speeds, so that more
//! than 1 says that the codec is faster. `2/1` is two threads over one.

mod corpus;

use std::hint::black_box;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use memmap2::{Advice, MmapMut};
use zstd::zstd_safe::{CCtx, CDict, CParameter, DCtx, DDict};
use zstd_arrow::codec::{DEFAULT_DICTIONARY_SIZE, DEFAULT_IDLE_LIMIT, set_idle_limit};
use zstd_arrow::{Compressor, Decompressor, Dictionary};

const LEVEL: i32 = 3;

struct Settings {
    rounds: usize,
    bytes: usize,
    only: Option<String>,
    json: Option<String>,
}

impl Settings {
    fn from_args() -> Self {
        let mut settings = Self { rounds: 9, bytes: 32_000_000, only: None, json: None };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} takes a value"));
            match arg.as_str() {
                "--rounds" => settings.rounds = value().parse().expect("a number of rounds"),
                "--megabytes" => {
                    settings.bytes = value().parse::<usize>().expect("a number") * 1_000_000;
                }
                "--only" => settings.only = Some(value()),
                "--json" => settings.json = Some(value()),
                // What `cargo bench` itself passes.
                "--bench" => {}
                other => {
                    panic!("no option {other}; there are --rounds, --megabytes, --only, --json")
                }
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
        "{:<36} {:>23} {:>15} {:>35} {:>13}",
        "", "libzstd loop", "zstd-arrow", "ratios", "2/1"
    );
    println!(
        "{:<34} {:>1} {:>7} {:>7} {:>7} {:>7} {:>7} {:>11} {:>10} {:>12} {:>6} {:>6}",
        "column",
        "t",
        "fresh",
        "huge",
        "touched",
        "first",
        "again",
        "first/fresh",
        "first/huge",
        "again/touch.",
        "loop",
        "again"
    );
    let mut lines = Vec::new();
    for corpus in corpus::all(settings.bytes) {
        if settings.only.as_ref().is_some_and(|only| only != corpus.name) {
            continue;
        }
        let column: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values(&corpus.rows));
        let dictionary = Dictionary::train(&*column, DEFAULT_DICTIONARY_SIZE).expect("trains");
        for (kind, dictionary) in [("no dictionary", None), ("dictionary", Some(dictionary))] {
            let bench = Bench::new(column.clone(), dictionary, settings.rounds);
            let name = |direction| format!("{} {direction}, {kind}", corpus.name);
            lines.extend(bench.lines(&name("decompress"), Bench::decompress));
            lines.extend(bench.lines(&name("compress"), Bench::compress));
        }
    }
    if let Some(path) = settings.json {
        std::fs::write(&path, serde_json::to_string_pretty(&lines).expect("plain data"))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

/// What a contender writes to.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Fresh,
    Huge,
    Touched,
    First,
    Again,
}

const KINDS: [Kind; 5] = [Kind::Fresh, Kind::Huge, Kind::Touched, Kind::First, Kind::Again];

/// One line of the table: speeds in MB/s, by `KINDS`.
#[derive(serde::Serialize)]
struct Line {
    column: String,
    threads: usize,
    fresh: f64,
    huge: f64,
    touched: f64,
    first: f64,
    again: f64,
}

impl Line {
    fn print(&self, one_thread: &Line) {
        println!(
            "{:<34} {:>1} {:>7.0} {:>7.0} {:>7.0} {:>7.0} {:>7.0} {:>11.2} {:>10.2} {:>12.2} {:>6.2} {:>6.2}",
            self.column,
            self.threads,
            self.fresh,
            self.huge,
            self.touched,
            self.first,
            self.again,
            self.first / self.fresh,
            self.first / self.huge,
            self.again / self.touched,
            self.touched / one_thread.touched,
            self.again / one_thread.again,
        );
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
    /// The memory of `Kind::Touched`, one for each thread of the loop.
    touched: [Mutex<Option<MmapMut>>; 2],
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
        let touched = Default::default();
        Self { column, frames, raw_bytes, dictionary, rounds, compressors, decompressors, touched }
    }

    /// The lines for one thread and two of `work(threads, kind)`.
    fn lines(&self, column: &str, work: fn(&Self, usize, Kind)) -> [Line; 2] {
        let contenders: Vec<(usize, Kind)> =
            [1, 2].into_iter().flat_map(|threads| KINDS.map(|kind| (threads, kind))).collect();
        let mut times = vec![Vec::new(); contenders.len()];
        for round in 0..=self.rounds {
            // Each of them comes first, second, and so on: what ran before tells on a machine whose
            // clock depends on the load.
            for turn in 0..contenders.len() {
                let i = (turn + round) % contenders.len();
                let (threads, kind) = contenders[i];
                set_idle_limit(0);
                if kind == Kind::Again {
                    // What an earlier call leaves behind.
                    set_idle_limit(DEFAULT_IDLE_LIMIT);
                    work(self, threads, kind);
                }
                let start = Instant::now();
                work(self, threads, kind);
                // The first round only warms up.
                if round > 0 {
                    times[i].push(start.elapsed().as_secs_f64());
                }
            }
        }
        self.touched.iter().for_each(|memory| *memory.lock().expect("no panic") = None);
        let speeds: Vec<f64> =
            times.into_iter().map(|times| self.raw_bytes as f64 / median(times) / 1e6).collect();
        let line = |threads, speeds: &[f64]| {
            let &[fresh, huge, touched, first, again] = speeds else { unreachable!("five kinds") };
            Line { column: column.to_owned(), threads, fresh, huge, touched, first, again }
        };
        let lines = [line(1, &speeds[..KINDS.len()]), line(2, &speeds[KINDS.len()..])];
        lines.iter().for_each(|line| line.print(&lines[0]));
        lines
    }

    fn decompress(&self, threads: usize, kind: Kind) {
        if matches!(kind, Kind::First | Kind::Again) {
            black_box(
                self.decompressors[threads - 1].decompress_array(&self.frames).expect("valid"),
            );
            return;
        }
        let frames = self.frames.as_binary::<i64>();
        let values = self.column.as_binary::<i64>();
        let digested =
            self.dictionary.as_ref().map(|dictionary| DDict::create(dictionary.as_bytes()));
        in_halves(values, threads, |half, rows| {
            let size = values.value_offsets()[rows.end] - values.value_offsets()[rows.start];
            let mut context = DCtx::create();
            self.with_memory(kind, half, size as usize, |mut rest| {
                for row in rows {
                    let done = match &digested {
                        Some(digested) => {
                            context.decompress_using_ddict(rest, frames.value(row), digested)
                        }
                        None => context.decompress(rest, frames.value(row)),
                    };
                    rest = &mut rest[done.expect("a valid frame")..];
                }
            });
        });
    }

    fn compress(&self, threads: usize, kind: Kind) {
        if matches!(kind, Kind::First | Kind::Again) {
            black_box(
                self.compressors[threads - 1].compress_array(&self.column).expect("compresses"),
            );
            return;
        }
        let values = self.column.as_binary::<i64>();
        let digested =
            self.dictionary.as_ref().map(|dictionary| CDict::create(dictionary.as_bytes(), LEVEL));
        in_halves(values, threads, |half, rows| {
            let mut context = CCtx::create();
            context.set_parameter(CParameter::CompressionLevel(LEVEL)).expect("a valid level");
            if let Some(digested) = &digested {
                context.ref_cdict(digested).expect("a fresh context");
            }
            let size = |row| zstd::zstd_safe::compress_bound(values.value(row).len());
            self.with_memory(kind, half, rows.clone().map(size).sum(), |mut rest| {
                for row in rows {
                    let done = context.compress2(rest, values.value(row));
                    rest = &mut rest[done.expect("compresses")..];
                }
            });
        });
    }

    /// Memory of a kind, for one half of the rows.
    fn with_memory(&self, kind: Kind, half: usize, size: usize, work: impl FnOnce(&mut [u8])) {
        const HUGE_PAGE: usize = 2 << 20;
        let touched = |memory: &mut MmapMut| kind == Kind::Touched && memory.len() >= size;
        let kept = self.touched[half].lock().expect("no panic").take_if(touched);
        let mut memory =
            kept.unwrap_or_else(|| MmapMut::map_anon(size + HUGE_PAGE).expect("memory"));
        let start = memory.as_ptr().align_offset(HUGE_PAGE);
        if kind == Kind::Huge {
            memory
                .advise_range(Advice::HugePage, start, size / HUGE_PAGE * HUGE_PAGE)
                .expect("huge pages can be asked for");
        }
        work(&mut memory[start..start + size]);
        if kind == Kind::Touched {
            *self.touched[half].lock().expect("no panic") = Some(memory);
        }
    }
}

/// Runs `work` on all rows, or on two halves of about the same bytes on two threads.
fn in_halves(values: &LargeBinaryArray, threads: usize, work: impl Fn(usize, Range<usize>) + Sync) {
    if threads == 1 {
        return work(0, 0..values.len());
    }
    let half = values.value_offsets()[values.len()] / 2;
    let middle = values.value_offsets().partition_point(|offset| *offset < half).min(values.len());
    std::thread::scope(|scope| {
        scope.spawn(|| work(1, 0..middle));
        work(0, middle..values.len());
    });
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
