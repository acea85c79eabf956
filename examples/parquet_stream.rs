//! A Parquet file that is larger than the memory one wants to give: compressed file to file, and read
//! back one batch at a time.
//!
//! ```text
//! cargo run --example parquet_stream
//! ```

use std::error::Error;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use zstd_arrow::files::{self, FileOptions};
use zstd_arrow::{Compressor, Decompressor, schema};

const BATCHES: usize = 8;
const ROWS: usize = 5_000;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (plain, small) = (folder.path().join("plain.parquet"), folder.path().join("small.parquet"));
    write(&plain)?;

    // File to file: a dictionary from a first look at the column, then all of it. Memory is that of a
    // few pieces of some MiB for each thread; other columns are copied as they are.
    let names = ["payload".to_owned()];
    let dictionary = files::train(&plain, &names, 16 << 10, FileOptions::default())?.remove(0);
    let compressor = Compressor::builder().dictionary(dictionary).build()?;
    let mut told = 0;
    let mut progress = |progress: files::Progress| {
        told = progress.rows;
        ControlFlow::Continue(())
    };
    let options = FileOptions::default().progress(&mut progress);
    let report = files::compress(&plain, &small, &[("payload".to_owned(), compressor)], options)?;
    println!("{told} rows, {:.1} times smaller", report.columns[0].ratio());

    // A batch at a time: any reader of Parquet gives the frames, and the schema has their dictionary.
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&small)?)?;
    let dictionaries = schema::dictionaries(reader.schema().metadata())?;
    let decompressor = Decompressor::builder().dictionary(dictionaries[0].clone()).build()?;
    let (mut rows, mut bytes) = (0, 0);
    for batch in reader.with_batch_size(ROWS).build()? {
        let batch = batch?;
        let ids = batch["id"].as_primitive::<arrow_array::types::Int64Type>();
        let payloads = decompressor.decompress_array(&batch["payload"])?;
        let payloads = payloads.as_binary::<i64>();
        assert_eq!(payloads.value(0), payload(ids.value(0)).as_bytes());
        rows += batch.num_rows();
        bytes += payloads.values().len();
    }
    assert_eq!(rows, BATCHES * ROWS);
    println!("{rows} rows read back in batches of {ROWS}: {bytes} bytes of values");
    Ok(())
}

fn payload(id: i64) -> String {
    format!("{{\"id\":{id},\"kind\":\"page_view\",\"path\":\"/item/{}\"}}", id * 7919 % 5003)
}

/// A file of some batches, of which one is in memory at a time.
fn write(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut writer = None;
    for batch in 0..BATCHES {
        let ids: Vec<i64> = (batch * ROWS..(batch + 1) * ROWS).map(|id| id as i64).collect();
        let payloads = StringArray::from_iter_values(ids.iter().map(|id| payload(*id)));
        let ids = Int64Array::from(ids);
        let batch = RecordBatch::try_from_iter([
            ("id", Arc::new(ids) as _),
            ("payload", Arc::new(payloads) as _),
        ])?;
        let writer = match &mut writer {
            Some(writer) => writer,
            None => writer.insert(ArrowWriter::try_new(File::create(path)?, batch.schema(), None)?),
        };
        writer.write(&batch)?;
    }
    writer.map(ArrowWriter::close).transpose()?;
    Ok(())
}
