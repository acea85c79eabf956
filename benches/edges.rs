//! The codec at its edges: very few rows, one huge row, very many rows, much output.
//!
//! ```text
//! cargo bench --bench edges [-- --rounds 9 --only peak]
//! ```
//!
//! - `ten`: 10 rows of 100 B, on one thread, against a loop over libzstd with a context that is
//!   there; microseconds a call, the least of the rounds.
//! - `huge`: one value of 256 MB among 100,000 of 1 KB, on two threads, against the best split that
//!   there is: a frame cannot be shared, so it is the huge one's own time, or half of all if that is
//!   more; both by the codec on one thread, in the same round, and each call in fresh memory. Medians.
//!   And against that split made by hand: two threads at once, one with a call for the huge value, one
//!   with a call for all others. (Two cores that share what they have are slower together.)
//! - `rows`: LargeBinary to BufferWithSegments and back, 10 rows and 10 million; nanoseconds a call,
//!   the least of the rounds.
//! - `peak` (Linux): the most memory while a column of 1 GB is decompressed, above what the process
//!   has before the call, which has the input in it.

#[allow(dead_code, reason = "other benchmarks use the rest")]
mod corpus;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray};
use arrow_buffer::{Buffer, OffsetBuffer};
use zstd::zstd_safe::{CCtx, CParameter, DCtx, compress_bound};
use zstd_arrow::codec::set_idle_limit;
use zstd_arrow::{Compressor, Decompressor, convert};

const LEVEL: i32 = 3;

fn main() {
    let (mut rounds, mut only) = (9, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| panic!("{arg} takes a value"));
        match arg.as_str() {
            "--rounds" => rounds = value().parse().expect("a number of rounds"),
            "--only" => only = Some(value()),
            // What `cargo bench` itself passes.
            "--bench" => {}
            other => panic!("no option {other}; there are --rounds, --only"),
        }
    }
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    if wanted("ten") {
        ten(rounds);
    }
    if wanted("huge") {
        huge(rounds);
    }
    if wanted("rows") {
        conversions(rounds);
    }
    if wanted("peak") {
        peak();
    }
}

fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64()
}

/// The least time of a call, over rounds of many.
fn least<T>(rounds: usize, calls: usize, mut work: impl FnMut() -> T) -> f64 {
    let mut round = || {
        seconds(|| {
            for _ in 0..calls {
                black_box(work());
            }
        })
    };
    (0..=rounds).map(|_| round()).fold(f64::INFINITY, f64::min) / calls as f64
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn ten(rounds: usize) {
    const CALLS: usize = 20_000;
    let rows = corpus::rows(100, 1000);
    let column = LargeBinaryArray::from_iter_values(&rows[..10]);
    let compressor = Compressor::builder().level(LEVEL).threads(1).build().expect("valid");
    let decompressor = Decompressor::builder().threads(1).build().expect("valid");
    let frames = compressor.compress_array(&column).expect("compresses");
    let frames = frames.as_binary::<i64>();

    let mut context = CCtx::create();
    context.set_parameter(CParameter::CompressionLevel(LEVEL)).expect("a level");
    let mut memory =
        vec![0; column.iter().flatten().map(|value| compress_bound(value.len())).sum()];
    let plain = least(rounds, CALLS, || {
        let mut at = 0;
        for value in column.iter().flatten() {
            at += context.compress2(&mut memory[at..], value).expect("compresses");
        }
    });
    let ours = least(rounds, CALLS, || compressor.compress_array(&column));
    say_ten("compress", plain, ours);

    let mut context = DCtx::create();
    let mut memory = vec![0; column.values().len()];
    let plain = least(rounds, CALLS, || {
        let mut at = 0;
        for frame in frames.iter().flatten() {
            at += context.decompress(&mut memory[at..], frame).expect("a frame");
        }
    });
    let ours = least(rounds, CALLS, || decompressor.decompress_array(frames));
    say_ten("decompress", plain, ours);
}

fn say_ten(job: &str, plain: f64, ours: f64) {
    println!(
        "ten   {job:<12} loop {:>6.2} us, codec {:>6.2} us: {:.2} us over it",
        plain * 1e6,
        ours * 1e6,
        (ours - plain) * 1e6
    );
}

fn huge(rounds: usize) {
    set_idle_limit(0);
    let small = corpus::rows(1000, 100_000_000);
    let huge = corpus::rows(1_000_000, 256_000_000).concat();
    let alone: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values([&huge]));
    let others: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values(&small));
    // In the midst of them, where a split by rows would find it late.
    let middle = small.len() / 2;
    let all = small[..middle].iter().chain([&huge]).chain(&small[middle..]);
    let all: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values(all));
    let rows = all.len();
    drop((small, huge));
    let codec = |threads| {
        let compressor = Compressor::builder().level(LEVEL).threads(threads).build();
        let decompressor = Decompressor::builder().threads(threads).build();
        (compressor.expect("valid"), decompressor.expect("valid"))
    };
    let (one, two) = (codec(1), codec(2));
    let frames = two.0.compress_array(&all).expect("compresses");
    let frame = two.0.compress_array(&alone).expect("compresses");
    let other_frames = two.0.compress_array(&others).expect("compresses");
    for (job, all, alone, others) in
        [("compress", &all, &alone, &others), ("decompress", &frames, &frame, &other_frames)]
    {
        let run = |codec: &(Compressor, Decompressor), column: &ArrayRef| {
            seconds(|| match job {
                "compress" => codec.0.compress_array(column).expect("compresses"),
                _ => codec.1.decompress_array(column).expect("frames"),
            })
        };
        let by_hand = || {
            seconds(|| {
                std::thread::scope(|scope| {
                    let other = scope.spawn(|| run(&one, others));
                    run(&one, alone);
                    other.join().expect("no panic");
                });
            })
        };
        let mut times = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for round in 0..=rounds {
            let found = [run(&one, alone), run(&one, all), by_hand(), run(&two, all)];
            if round > 0 {
                times.iter_mut().zip(found).for_each(|(all, one)| all.push(one));
            }
        }
        let [alone, one, by_hand, two] = times.map(median);
        let best = alone.max(one / 2.0);
        println!(
            "huge  {job:<12} {rows} rows: the huge one {:.0} ms, all on one thread {:.0} ms, best split \
             {:.0} ms, by hand {:.0} ms; two threads {:.0} ms, {:.2} and {:.2} of them",
            alone * 1e3,
            one * 1e3,
            best * 1e3,
            by_hand * 1e3,
            two * 1e3,
            two / best,
            two / by_hand
        );
    }
}

fn conversions(rounds: usize) {
    const CALLS: usize = 100_000;
    for rows in [10, 10_000_000] {
        let values = Buffer::from(vec![b'x'; rows * 4]);
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(4, rows));
        let array: ArrayRef = Arc::new(LargeBinaryArray::new(offsets, values, None));
        let (collection, _) = convert::from_array(&array).expect("binary");
        let segments = collection.members()[0].clone();
        let there = least(rounds, CALLS, || convert::from_array(&array));
        let back = least(rounds, CALLS, || convert::to_array(segments.clone(), None));
        println!(
            "rows  {rows:>10} rows: LargeBinary to segments {:.0} ns, back {:.0} ns",
            there * 1e9,
            back * 1e9
        );
    }
}

fn peak() {
    let rows = corpus::rows(16_000, 10_000_000);
    let repeated = rows.iter().cycle().take(rows.len() * 100);
    let column = LargeBinaryArray::from_iter_values(repeated);
    let output = column.values().len() + (column.len() + 1) * 8;
    let compressor = Compressor::builder().level(LEVEL).build().expect("valid");
    let frames = compressor.compress_array(&column).expect("compresses");
    drop(column);
    set_idle_limit(0);
    for threads in [1, 2] {
        let decompressor = Decompressor::builder().threads(threads).build().expect("valid");
        let Some(before) = memory(true) else {
            println!("peak  not known on this system");
            return;
        };
        let values = decompressor.decompress_array(&frames).expect("frames");
        let most = memory(false).expect("as before");
        println!(
            "peak  decompress, {threads} threads: result {:.1} MiB, most above the input {:.1} MiB: \
             {:.1} MiB over it",
            mib(output),
            mib(most - before),
            mib(most) - mib(before) - mib(output)
        );
        drop(values);
    }
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The most resident memory since it was reset, in bytes; resets it first if it is told to.
fn memory(reset: bool) -> Option<usize> {
    if reset {
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
    }
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}
