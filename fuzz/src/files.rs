//! Whole files through the files layer.

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;
use zstd_arrow::files::{self, FileOptions, READER_THREAD};
use zstd_arrow::{Compressor, DecompressOptions, Error, OnError};

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fn path() -> PathBuf {
    FOLDER.path().join("input")
}

/// Panics of the crates that read the formats are errors of the job, as in the command: only ours
/// end the process.
pub fn forgive_readers() {
    let fatal = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let theirs = info.location().is_some_and(|at| {
            let name = at.file();
            ["/arrow-", "/parquet-", "/flatbuffers-", "/snap-", "/bytes-"]
                .iter()
                .any(|crate_| name.contains(crate_))
        });
        let reader = std::thread::current().name() == Some(READER_THREAD);
        if !(theirs || reader) {
            fatal(info);
        }
    }));
}

/// One of the entry points on one file, by a number that its bytes give; whether it comes out or not,
/// nothing else may happen.
pub fn run(bytes: &[u8]) {
    let path = path();
    fs::write(&path, bytes).expect("room for a small file");
    let nowhere = Path::new("/dev/null");
    let number =
        bytes.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    let options = || FileOptions::default().batch_rows(100);
    let columns = ["payload".to_owned(), "page".to_owned()];
    let mut codec = DecompressOptions::default();
    codec.threads = 1;
    codec.on_error = if number & 64 == 0 { OnError::Null } else { OnError::Fail };
    codec.max_value_size = Some(1 << 20);
    codec.max_output_size = Some(1 << 24);
    match number % 5 {
        0 => sensible(files::inspect(&path)),
        1 => sensible(files::read_dictionaries(&path)),
        2 => sensible(files::decompress(&path, nowhere, None, &codec, options())),
        3 => sensible(files::decompress(&path, nowhere, Some(&columns[..1]), &codec, options())),
        _ => {
            let compressor = Compressor::builder().level(1).threads(1).build().expect("a level");
            let each = columns.map(|name| (name, compressor.clone()));
            sensible(files::compress(&path, nowhere, &each, options()));
        }
    }
}

/// An error has words, and is not that somebody interrupted it.
fn sensible<T>(outcome: Result<T, Error>) {
    if let Err(error) = outcome {
        assert!(!matches!(error, Error::Cancelled), "nobody cancelled it");
        assert!(!error.to_string().is_empty());
    }
}
