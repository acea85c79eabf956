//! SQL over a Parquet file with a column of frames, in DataFusion.
//!
//! ```text
//! cargo run --example sql --features datafusion
//! ```

use std::error::Error;
use std::fs::File;
use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use parquet::arrow::ArrowWriter;
use zstd_arrow::Compressor;
use zstd_arrow::files::{self, FileOptions};

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    // A file as `zstd-arrow compress --train` writes it: frames, marked as such, and their dictionary.
    let folder = tempfile::tempdir()?;
    let (plain, small) = (folder.path().join("plain.parquet"), folder.path().join("small.parquet"));
    let rows = 0..20_000;
    let kinds = StringArray::from_iter_values(rows.clone().map(|i| ["view", "click"][i % 2]));
    let payloads = rows.map(|i| format!("{{\"page\":\"/item/{}\",\"user\":{i}}}", i * 7919 % 5003));
    let payloads = StringArray::from_iter_values(payloads);
    let batch = RecordBatch::try_from_iter([
        ("kind", Arc::new(kinds) as _),
        ("payload", Arc::new(payloads) as _),
    ])?;
    let mut writer = ArrowWriter::try_new(File::create(&plain)?, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    let names = ["payload".to_owned()];
    let dictionary = files::train(&plain, &names, 8 << 10, FileOptions::default())?.remove(0);
    let compressor = Compressor::builder().dictionary(dictionary).build()?;
    let [name] = names;
    files::compress(&plain, &small, &[(name, compressor)], FileOptions::default())?;

    // Registered once; without `skip_metadata(false)` the marks and the dictionary are not seen.
    let ctx = SessionContext::new();
    zstd_arrow::sql::register(&ctx);
    let options = ParquetReadOptions::default().skip_metadata(false);
    ctx.register_parquet("events", small.to_string_lossy(), options).await?;

    let queries = [
        "SELECT kind, CAST(zstd_decompress(payload) AS VARCHAR) AS payload FROM events LIMIT 2",
        "SELECT kind, count(*) AS events, sum(zstd_decompressed_size(payload)) AS bytes,
            sum(zstd_frame_info(payload)['compressed_size']) AS compressed
         FROM events GROUP BY kind ORDER BY kind",
        "SELECT count(*) AS found FROM events
         WHERE zstd_decompress(payload) LIKE '%\"/item/7\"%'",
    ];
    for query in queries {
        let batches = ctx.sql(query).await?.collect().await?;
        println!("{}", pretty_format_batches(&batches)?);
    }
    Ok(())
}
