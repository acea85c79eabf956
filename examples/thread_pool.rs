//! Where the work is done: on all cores, on the caller's thread, on so many threads, or in a rayon pool
//! of one's own.
//!
//! ```text
//! cargo run --example thread_pool
//! ```

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::thread;

use arrow_array::{Array, LargeBinaryArray};
use rayon::ThreadPoolBuilder;
use zstd_arrow::{Compressor, Decompressor};

fn main() -> Result<(), Box<dyn Error>> {
    let values = LargeBinaryArray::from_iter_values(
        (0..20_000).map(|i| format!("event {i}: page viewed, page viewed").repeat(8)),
    );

    // 0, the default, is rayon's global pool: a thread for each core, shared with the rest of the
    // program. 1 is the caller's thread. Other numbers are pools that are made once in a process.
    let frames = Compressor::builder().threads(0).build()?.compress_array(&values)?;
    for threads in [1, 3] {
        let again = Compressor::builder().threads(threads).build()?.compress_array(&values)?;
        assert_eq!(&again, &frames);
    }
    println!("0, 1 and 3 threads: the same {} frames, byte for byte", frames.len());

    // Inside of a pool of one's own, a codec with `threads(0)` works on that one: so its size, its
    // threads' names, their priority or their cores are up to the program.
    let started = Arc::new(Mutex::new(BTreeSet::new()));
    let names = started.clone();
    let pool = ThreadPoolBuilder::new()
        .num_threads(2)
        .thread_name(|number| format!("zstd-{number}"))
        .start_handler(move |_| {
            let name = thread::current().name().unwrap_or_default().to_owned();
            names.lock().expect("no thread panics here").insert(name);
        })
        .build()?;
    let decompressor = Decompressor::new()?;
    let (back, workers) =
        pool.install(|| (decompressor.decompress_array(&frames), rayon::current_num_threads()));
    assert_eq!(&*back?, &values as &dyn Array);
    println!("decompressed in a pool of {workers}: {:?}", started.lock().expect("as above"));
    Ok(())
}
