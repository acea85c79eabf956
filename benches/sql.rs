//! Decompression in DataFusion against the crate's own, two threads each, side by side.
//!
//! ```text
//! cargo bench --bench sql --features datafusion [-- --rounds 9 --file PATH.parquet --column value]
//! ```
//!
//! The query is `SELECT sum(octet_length(zstd_decompress(value))) FROM t` in two partitions. (The
//! engine's own `octet_length` wants text, so the bench brings one for bytes.) Each column is
//! measured twice:
//!
//! - `memory`: frames in memory, against one call of a `Decompressor` with two threads
//! - `file`: frames in a Parquet file, against reading the file and one such call
//!
//! Each round runs every contender once, in turn; a figure is the median over the rounds in MB/s of
//! raw bytes (MB are 10^6), and a ratio is one of medians: more than 1 says that the query is
//! faster.

mod corpus;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::compute::kernels::length::length;
use datafusion::arrow::compute::{cast, concat};
use datafusion::common::cast::as_int64_array;
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use tokio::runtime::Runtime;
use zstd_arrow::{Compressor, Decompressor, sql};

const THREADS: usize = 2;
/// Batches of a column, and row groups of its file: enough for each thread to have its half.
const PARTS: usize = 32;
const BYTES: usize = 64_000_000;

fn main() {
    let (mut rounds, mut file, mut name) = (9, None, "value".to_owned());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| panic!("{arg} takes a value"));
        match arg.as_str() {
            "--rounds" => rounds = value().parse().expect("a number of rounds"),
            "--file" => file = Some(value()),
            "--column" => name = value(),
            // What `cargo bench` itself passes.
            "--bench" => {}
            other => panic!("no option {other}; there are --rounds, --file, --column"),
        }
    }
    println!("level 3, {rounds} rounds, {THREADS} threads; MB/s of raw bytes, medians");
    println!(
        "{:<20} {:>8} {:>8} {:>7} {:>13} {:>8} {:>7}",
        "column", "memory", "query", "ratio", "file", "query", "ratio"
    );
    match file {
        Some(path) => {
            let column = read(Path::new(&path), &name);
            let stem = Path::new(&path).file_stem().expect("a file has a name");
            measure(&stem.to_string_lossy(), &column, rounds);
        }
        None => {
            for corpus in corpus::all(BYTES) {
                let column: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values(&corpus.rows));
                measure(corpus.name, &column, rounds);
            }
        }
    }
}

/// A column of a Parquet file.
fn read(path: &Path, name: &str) -> ArrayRef {
    let batches: Vec<RecordBatch> = reader(path).map(|batch| batch.expect("reads")).collect();
    let chunks: Vec<ArrayRef> = batches
        .iter()
        .map(|batch| {
            let column = batch.column_by_name(name).expect("the column is there");
            cast(column, &DataType::LargeBinary).expect("the column is binary")
        })
        .collect();
    concat(&chunks.iter().map(AsRef::as_ref).collect::<Vec<_>>()).expect("one column")
}

fn reader(path: &Path) -> parquet::arrow::arrow_reader::ParquetRecordBatchReader {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    builder.with_batch_size(8192).build().expect("a reader")
}

fn measure(name: &str, column: &ArrayRef, rounds: usize) {
    let frames = Compressor::new(3).and_then(|codec| codec.compress_array(column)).expect("frames");
    let bytes = i64::try_from(column.as_binary::<i64>().values().len()).expect("fits");
    let batches = batches(&frames);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frames.parquet");
    write(&path, &batches);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .expect("a runtime");
    let memory = session(&runtime);
    let table = MemTable::try_new(batches[0].schema(), partitions(&batches, column.as_binary()))
        .expect("a table");
    memory.register_table("t", Arc::new(table)).expect("registers");
    let file = session(&runtime);
    let location = path.to_str().expect("a path of text");
    runtime
        .block_on(file.register_parquet("t", location, ParquetReadOptions::default()))
        .expect("registers");

    let codec = Decompressor::builder().threads(THREADS).build().expect("a decompressor");
    let own = || total(&[codec.decompress_array(&frames).expect("decompresses")]);
    let own_file = || {
        let chunks: Vec<ArrayRef> =
            reader(&path).map(|batch| batch.expect("reads").column(0).clone()).collect();
        total(&codec.decompress_chunks(&chunks).expect("decompresses"))
    };
    let contenders: [&dyn Fn() -> i64; 4] =
        [&own, &|| query(&runtime, &memory), &own_file, &|| query(&runtime, &file)];
    let mut times = vec![Vec::new(); contenders.len()];
    for round in 0..=rounds {
        for (contender, times) in contenders.iter().zip(&mut times) {
            let start = Instant::now();
            assert_eq!(contender(), bytes, "every byte came back");
            // The first round warms up.
            if round > 0 {
                times.push(start.elapsed().as_secs_f64());
            }
        }
    }
    let speed: Vec<f64> = times
        .iter_mut()
        .map(|times| {
            times.sort_by(f64::total_cmp);
            bytes as f64 / 1e6 / times[times.len() / 2]
        })
        .collect();
    println!(
        "{:<20} {:>8.0} {:>8.0} {:>7.2} {:>13.0} {:>8.0} {:>7.2}",
        name,
        speed[0],
        speed[1],
        speed[1] / speed[0],
        speed[2],
        speed[3],
        speed[3] / speed[2]
    );
}

/// Bytes of all values.
fn total(chunks: &[ArrayRef]) -> i64 {
    let bytes = |chunk: &ArrayRef| {
        let offsets = chunk.as_binary::<i64>().value_offsets();
        offsets[offsets.len() - 1] - offsets[0]
    };
    chunks.iter().map(bytes).sum()
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("value", DataType::LargeBinary, true)]))
}

fn batches(frames: &ArrayRef) -> Vec<RecordBatch> {
    let start = |part: usize| frames.len() * part / PARTS;
    (0..PARTS)
        .map(|part| frames.slice(start(part), start(part + 1) - start(part)))
        .map(|part| RecordBatch::try_new(schema(), vec![part]).expect("a batch"))
        .collect()
}

/// Each batch to the partition that has the fewest bytes yet: halves of a column by rows may differ
/// much in bytes, and the engine's partitions do not take work from each other.
fn partitions(batches: &[RecordBatch], raw: &LargeBinaryArray) -> Vec<Vec<RecordBatch>> {
    let mut partitions = vec![(0, Vec::new()); THREADS];
    let mut row = 0;
    for batch in batches {
        let end = row + batch.num_rows();
        let lightest = partitions.iter_mut().min_by_key(|(bytes, _)| *bytes);
        let (bytes, mine) = lightest.expect("there are partitions");
        *bytes += raw.value_offsets()[end] - raw.value_offsets()[row];
        mine.push(batch.clone());
        row = end;
    }
    partitions.into_iter().map(|(_, batches)| batches).collect()
}

fn write(path: &Path, batches: &[RecordBatch]) {
    let rows = batches.iter().map(RecordBatch::num_rows).max().unwrap_or(1).max(1);
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows))
        .set_dictionary_enabled(false)
        .build();
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, schema(), Some(properties)).expect("a writer");
    for batch in batches {
        writer.write(batch).expect("writes");
    }
    writer.close().expect("closes");
}

fn session(runtime: &Runtime) -> SessionContext {
    let _guard = runtime.enter();
    let ctx = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(THREADS));
    sql::register(&ctx);
    ctx.register_udf(ScalarUDF::new_from_impl(OctetLength {
        signature: Signature::any(1, Volatility::Immutable),
    }));
    ctx
}

/// `octet_length` of bytes in any layout.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OctetLength {
    signature: Signature,
}

impl ScalarUDFImpl for OctetLength {
    fn name(&self) -> &str {
        "octet_length"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        Ok(ColumnarValue::Array(cast(&length(&arrays[0])?, &DataType::Int64)?))
    }
}

fn query(runtime: &Runtime, ctx: &SessionContext) -> i64 {
    let sql = "SELECT sum(octet_length(zstd_decompress(value))) FROM t";
    let batches = runtime
        .block_on(async { ctx.sql(sql).await?.collect().await })
        .unwrap_or_else(|error| panic!("{error}"));
    as_int64_array(batches[0].column(0)).expect("a sum").value(0)
}
