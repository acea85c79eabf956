//! What the engine gives, against what the crate gives.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use datafusion::arrow::compute::concat_batches;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionConfig;
use zstd_arrow::sql::FunctionError;

use crate::tables::{ROWS, Tables, value};

/// A trained dictionary as a literal, over several batches in two partitions.
#[tokio::test]
async fn a_trained_dictionary_as_a_literal() {
    let tables = Tables::write();
    let ctx = tables.session().await;
    let literal: String =
        tables.dictionary.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let sql = format!("SELECT zstd_decompress(payload, X'{literal}') FROM unmarked ORDER BY id");
    let batches = ctx.sql(&sql).await.unwrap().collect().await.unwrap();
    let all = concat_batches(&batches[0].schema(), &batches).unwrap();
    let values = all.column(0).as_binary_view();
    assert_eq!(values.len(), ROWS as usize);
    for (id, found) in (0..ROWS).zip(values) {
        assert_eq!(found, value(id).as_ref().map(String::as_bytes), "row {id}");
    }
}

/// A table whose metadata the engine was told to pass over: the frames say what is missing.
#[tokio::test]
async fn without_metadata_the_dictionary_is_missed() {
    let tables = Tables::write();
    let ctx = tables.session_with(SessionConfig::new()).await;
    let path = tables.path().join("marked.parquet");
    ctx.register_parquet("bare", path.to_str().unwrap(), Default::default()).await.unwrap();
    let query = ctx.sql("SELECT zstd_decompress(payload) FROM bare").await.unwrap();
    let error = query.collect().await.unwrap_err();
    let id = tables.dictionary.id();
    let expected = format!("the frame needs dictionary {id}, and no dictionary was given");
    assert!(error.to_string().ends_with(&expected), "{error}");
}

/// The settings that bring the marks, in SQL alone, through a view too.
#[tokio::test]
async fn an_external_table_and_a_view() {
    let tables = Tables::write();
    let ctx = tables.session().await;
    let path = tables.path().join("marked.parquet");
    let create = format!(
        "CREATE EXTERNAL TABLE external STORED AS PARQUET LOCATION '{}' \
         OPTIONS ('format.skip_metadata' 'false')",
        path.display()
    );
    ctx.sql(&create).await.unwrap().collect().await.unwrap();
    let create = "CREATE VIEW plain AS SELECT id, zstd_decompress(payload) AS value FROM external";
    ctx.sql(create).await.unwrap().collect().await.unwrap();
    let query = ctx.sql("SELECT count(value) FROM plain").await.unwrap();
    let batches = query.collect().await.unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<arrow_array::types::Int64Type>().value(0), 2700);
}

/// The error can be taken apart: the function, and the row.
#[tokio::test]
async fn errors_are_typed() {
    let tables = Tables::write();
    let ctx = tables.session().await;
    let query = ctx.sql("SELECT zstd_decompress(payload) FROM bad").await.unwrap();
    let error = query.collect().await.unwrap_err();
    let DataFusionError::External(inner) = error.find_root() else { panic!("{error}") };
    let error = inner.downcast_ref::<FunctionError>().unwrap();
    assert_eq!(error.function, "zstd_decompress");
    assert_eq!(error.source.row(), Some(5));
}

/// A column has the name that was written, whatever the plan puts into the call.
#[tokio::test]
async fn columns_keep_their_names() {
    let tables = Tables::write();
    let ctx = tables.session().await;
    let query = ctx.sql("SELECT zstd_decompress(payload) FROM marked").await.unwrap();
    let batches = query.collect().await.unwrap();
    assert_eq!(batches[0].schema().field(0).name(), "zstd_decompress(marked.payload)");
}
