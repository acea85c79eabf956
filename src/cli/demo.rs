//! `zstd-arrow demo`: the main job from end to end, on a table that it makes itself.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int64Array, LargeBinaryArray, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;

use super::args::DemoArgs;
use super::interrupt::Interrupt;
use crate::codec::{
    CompressOptions, Compressor, DEFAULT_DICTIONARY_SIZE, DecompressOptions, Decompressor,
    Dictionary,
};
use crate::error::{Error, Result};
use crate::files::{self, FileOptions, value_bytes};

/// Rows of the table that are made and written at once.
const BATCH: usize = 16_384;
const COLUMN: &str = "payload";

/// One line of the table that the demonstration ends with.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) what: &'static str,
    pub(super) rows: u64,
    pub(super) raw_bytes: u64,
    pub(super) compressed_bytes: u64,
    pub(super) ratio: f64,
    /// 10^6 raw bytes a second.
    pub(super) compress_mb_s: f64,
    pub(super) decompress_mb_s: f64,
    pub(super) equal: bool,
}

pub(super) fn run(args: &DemoArgs, threads: usize, interrupt: &Interrupt) -> Result<Vec<Figures>> {
    let folder = tempfile::Builder::new()
        .prefix("zstd-arrow-demo-")
        .tempdir()
        .map_err(|error| Error::in_file(&std::env::temp_dir(), error))?;
    let events = folder.path().join("events.parquet");
    write_events(&events, args.rows)?;
    if let Some(path) = &args.save {
        let bytes = std::fs::read(&events).map_err(|error| Error::in_file(&events, error))?;
        files::write_whole(path, &bytes)?;
    }
    let column = read_column(&events)?;

    let compressor = |dictionary: Option<&Dictionary>| {
        Compressor::with_options(CompressOptions {
            level: args.level,
            dictionary: dictionary.cloned(),
            threads,
            cancel: Some(interrupt.flag()),
            ..CompressOptions::default()
        })
    };
    let codec = |dictionary: Option<&Dictionary>| DecompressOptions {
        dictionaries: dictionary.cloned().into_iter().collect(),
        threads,
        cancel: Some(interrupt.flag()),
        ..DecompressOptions::default()
    };

    let names = [COLUMN.to_owned()];
    let trained = files::train(&events, &names, DEFAULT_DICTIONARY_SIZE, FileOptions::default())?;
    let mut figures = Vec::new();
    for (what, dictionary) in [("in memory", None), ("dictionary", trained.first())] {
        let compressor = compressor(dictionary)?;
        let decompressor = Decompressor::with_options(codec(dictionary))?;
        let (frames, compress) = timed(|| compressor.compress_chunks(&column))?;
        let (values, decompress) = timed(|| decompressor.decompress_chunks(&frames))?;
        figures.push(figure(what, &column, bytes_of(&frames), compress, decompress, &values));
    }

    let (small, back) = (folder.path().join("small.parquet"), folder.path().join("back.parquet"));
    let columns = [(COLUMN.to_owned(), compressor(trained.first())?)];
    let (report, compress) =
        timed(|| files::compress(&events, &small, &columns, FileOptions::default()))?;
    let (_, decompress) =
        timed(|| files::decompress(&small, &back, None, &codec(None), FileOptions::default()))?;
    let compressed = report.columns.iter().map(|column| column.compressed_bytes).sum();
    let values = read_column(&back)?;
    let what = "in a file";
    figures.push(figure(what, &column, compressed, compress, decompress, &values));

    match figures.iter().find(|figure| !figure.equal) {
        None => Ok(figures),
        Some(bad) => Err(Error::in_file(&events, format!("{}: bytes did not come back", bad.what))),
    }
}

fn figure(
    what: &'static str,
    column: &[ArrayRef],
    compressed_bytes: u64,
    compress: f64,
    decompress: f64,
    values: &[ArrayRef],
) -> Figures {
    let raw_bytes = bytes_of(column);
    let bytes = |chunks: &[ArrayRef]| -> Vec<Option<Vec<u8>>> {
        chunks
            .iter()
            .flat_map(|chunk| chunk.as_binary::<i64>().iter().map(|v| v.map(<[u8]>::to_vec)))
            .collect()
    };
    Figures {
        what,
        rows: column.iter().map(|chunk| chunk.len() as u64).sum(),
        raw_bytes,
        compressed_bytes,
        ratio: files::ratio(raw_bytes, compressed_bytes),
        compress_mb_s: raw_bytes as f64 / compress / 1e6,
        decompress_mb_s: raw_bytes as f64 / decompress / 1e6,
        equal: bytes(column) == bytes(values),
    }
}

fn bytes_of(chunks: &[ArrayRef]) -> u64 {
    chunks.iter().map(|chunk| value_bytes(chunk, None)).sum()
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let start = Instant::now();
    let done = work()?;
    Ok((done, start.elapsed().as_secs_f64()))
}

fn read_column(path: &Path) -> Result<Vec<ArrayRef>> {
    let in_file = |error: Box<dyn std::error::Error + Send + Sync>| Error::in_file(path, error);
    let file = File::open(path).map_err(|error| in_file(error.into()))?;
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH).build())
        .map_err(|error| in_file(error.into()))?;
    batches
        .map(|batch| {
            let batch = batch.map_err(|error| in_file(error.into()))?;
            batch.column_by_name(COLUMN).cloned().ok_or_else(|| in_file("no payload".into()))
        })
        .collect()
}

fn write_events(path: &Path, rows: usize) -> Result<()> {
    let in_file = |error: Box<dyn std::error::Error + Send + Sync>| Error::in_file(path, error);
    let file = File::create(path).map_err(|error| in_file(error.into()))?;
    let mut random = Random(7);
    let schema = events(0..0, &mut random)?.schema();
    let mut writer =
        ArrowWriter::try_new(file, schema, None).map_err(|error| in_file(error.into()))?;
    for start in (0..rows).step_by(BATCH) {
        let batch = events(start..rows.min(start + BATCH), &mut random)?;
        writer.write(&batch).map_err(|error| in_file(error.into()))?;
    }
    writer.close().map_err(|error| in_file(error.into()))?;
    Ok(())
}

/// Events as a web shop would log them: JSON of some 600 bytes, a few of them missing.
fn events(ids: std::ops::Range<usize>, random: &mut Random) -> Result<RecordBatch> {
    const KINDS: [&str; 5] = ["page_view", "search", "add_to_cart", "checkout", "error"];
    const PLACES: [&str; 6] = ["Lisboa", "Berlin", "Nairobi", "Osaka", "Montréal", "Lima"];
    const AGENTS: [&str; 3] = [
        "Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 20_1 like Mac OS X) AppleWebKit/605.1.15",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/155.0.0.0",
    ];
    let mut event = |id: usize| {
        if random.below(50) == 0 {
            return None;
        }
        let mut text = format!(
            "{{\"id\":{id},\"kind\":\"{}\",\"time\":{},\"session\":\"{:016x}\",\"user\":{{\"id\":{},\"city\":\"{}\",\"agent\":\"{}\"}},\"url\":\"https://shop.example/c/{}/p/{}?ref={:06x}\",\"items\":[",
            KINDS[random.below(5)],
            1_790_000_000_000_u64 + id as u64 * 37 + random.below(37) as u64,
            random.next(),
            random.below(50_000),
            PLACES[random.below(6)],
            AGENTS[random.below(3)],
            random.below(40),
            random.below(9_000),
            random.below(1 << 24),
        );
        for item in 0..random.below(5) {
            if item > 0 {
                text.push(',');
            }
            text.push_str(&format!(
                "{{\"sku\":\"SKU-{:05}\",\"price\":{}.{:02},\"quantity\":{},\"in_stock\":{}}}",
                random.below(9_000),
                random.below(200),
                random.below(100),
                1 + random.below(4),
                random.below(9) > 0,
            ));
        }
        text.push_str("],\"experiment\":null}");
        Some(text)
    };
    let payload: Vec<Option<String>> = ids.clone().map(&mut event).collect();
    let payload = LargeBinaryArray::from_iter(payload.iter().map(|text| text.as_ref()));
    let ids = Int64Array::from_iter_values(ids.map(|id| id as i64));
    let columns: [(&str, ArrayRef, bool); 2] =
        [("id", Arc::new(ids), false), (COLUMN, Arc::new(payload), true)];
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

/// splitmix64: the same events on every machine.
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
