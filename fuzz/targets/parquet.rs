//! A Parquet file of any bytes through every entry point of the files layer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zstd_arrow_fuzz::files;

fuzz_target!(init: files::forgive_readers(), |data: &[u8]| files::run(data));
