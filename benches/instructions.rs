//! One hot path, called some number of times: what `instructions.py` runs under callgrind.
//!
//! ```text
//! cargo bench --bench instructions -- PATH CALLS
//! cargo bench --bench instructions            # the paths, and the rows of a call
//! ```
//!
//! Everything is on one thread, with data that is the same each time.

#[allow(dead_code, reason = "other benchmarks use the rest")]
mod corpus;

use std::hint::black_box;
use std::sync::Arc;

use arrow_array::{ArrayRef, LargeBinaryArray};
use zstd_arrow::codec::DEFAULT_DICTIONARY_SIZE;
use zstd_arrow::{Compressor, Decoder, Decompressor, Dictionary, Format, convert};

const BYTES: usize = 1_000_000;

/// A path: which values, whether with a dictionary, what is done.
struct Path {
    name: &'static str,
    size: usize,
    dictionary: bool,
    job: Job,
}

#[derive(Clone, Copy)]
enum Job {
    Compress,
    Decompress(Decoder),
    Sizes,
    ToSegments,
}

const PATHS: [Path; 12] = {
    use Job::{Compress, Decompress, Sizes, ToSegments};
    const fn path(name: &'static str, size: usize, dictionary: bool, job: Job) -> Path {
        Path { name, size, dictionary, job }
    }
    [
        path("compress-100B", 100, false, Compress),
        path("compress-100B-dictionary", 100, true, Compress),
        path("compress-1KB-dictionary", 1000, true, Compress),
        path("decompress-100B", 100, false, Decompress(Decoder::Libzstd)),
        path("decompress-100B-dictionary-libzstd", 100, true, Decompress(Decoder::Libzstd)),
        path("decompress-100B-dictionary-batch", 100, true, Decompress(Decoder::Batch)),
        path("decompress-1KB", 1000, false, Decompress(Decoder::Libzstd)),
        path("decompress-1KB-dictionary-libzstd", 1000, true, Decompress(Decoder::Libzstd)),
        path("decompress-1KB-dictionary-batch", 1000, true, Decompress(Decoder::Batch)),
        path("decompress-16KB", 16_000, false, Decompress(Decoder::Libzstd)),
        path("decompressed-size-100B", 100, false, Sizes),
        path("to-segments-100B", 100, false, ToSegments),
    ]
};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [name, calls] = &args[..] else {
        for path in &PATHS {
            println!("{} {}", path.name, corpus::rows(path.size, BYTES).len());
        }
        return;
    };
    let path = PATHS.iter().find(|path| path.name == name).expect("a path");
    let calls: usize = calls.parse().expect("a number of calls");
    let column: ArrayRef =
        Arc::new(LargeBinaryArray::from_iter_values(corpus::rows(path.size, BYTES)));
    let dictionary = path
        .dictionary
        .then(|| Dictionary::train(&*column, DEFAULT_DICTIONARY_SIZE).expect("trains"));
    let builder = Compressor::builder().threads(1);
    let compressor = match dictionary.clone() {
        Some(dictionary) => builder.dictionary(dictionary),
        None => builder,
    };
    let compressor = compressor.build().expect("valid");
    let frames = compressor.compress_array(&column).expect("compresses");
    let decompressor = |decoder| {
        let builder = Decompressor::builder().threads(1).decoder(decoder);
        builder.dictionaries(dictionary.iter().cloned().collect()).build().expect("valid")
    };
    match path.job {
        Job::Compress => repeat(calls, || compressor.compress_array(&column)),
        Job::Decompress(decoder) => {
            let decompressor = decompressor(decoder);
            repeat(calls, || decompressor.decompress_array(&frames));
        }
        Job::Sizes => repeat(calls, || zstd_arrow::decompressed_size(&frames, Format::Zstd)),
        Job::ToSegments => repeat(calls, || convert::from_array(&frames)),
    }
}

fn repeat<T>(calls: usize, mut work: impl FnMut() -> T) {
    for _ in 0..calls {
        black_box(work());
    }
}
