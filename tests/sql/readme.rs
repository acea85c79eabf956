//! The SQL that the README shows, over a file as the command writes it there.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use datafusion::prelude::SessionContext;
use parquet::arrow::ArrowWriter;
use zstd_arrow::Compressor;
use zstd_arrow::files::{self, FileOptions};

/// `small.parquet` with the columns that `zstd-arrow demo --save` has.
fn write(folder: &Path) {
    let ids = Int64Array::from_iter_values(0..3000);
    let event =
        |id: i64| format!("{{\"id\":{id},\"kind\":\"page_view\",\"user\":{}}}", id * 31 % 977);
    let payloads = StringArray::from_iter_values((0..3000).map(event));
    let columns = [("id", Arc::new(ids) as _), ("payload", Arc::new(payloads) as _)];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let plain = folder.join("events.parquet");
    let mut writer =
        ArrowWriter::try_new(File::create(&plain).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let names = ["payload".to_owned()];
    let dictionary =
        files::train(&plain, &names, 4 << 10, FileOptions::default()).unwrap().remove(0);
    let codec = Compressor::builder().dictionary(dictionary).build().unwrap();
    let [name] = names;
    let small = folder.join("small.parquet");
    files::compress(&plain, &small, &[(name, codec)], FileOptions::default()).unwrap();
}

/// Each statement runs, in its order, and gives rows where it is a query. (Only the path of the file
/// is another one: the tests of a process share one current folder.)
#[tokio::test]
async fn statements_of_the_readme() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let small = folder.path().join("small.parquet");
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let text: String = blocks.collect();
    let text = text.replace("'small.parquet'", &format!("'{}'", small.display()));
    let ctx = SessionContext::new();
    zstd_arrow::sql::register(&ctx);
    let mut queries = 0;
    for statement in text.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        let done = ctx.sql(statement).await.unwrap().collect().await.unwrap();
        if statement.starts_with("SELECT") {
            queries += 1;
            assert!(done.iter().any(|batch| batch.num_rows() > 0), "{statement}");
        }
    }
    assert!(queries >= 4, "{text}");
}
