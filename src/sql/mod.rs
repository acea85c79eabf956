//! SQL functions for DataFusion: columns of zstd frames in queries.
//!
//! [`register`] adds them to a session; `docs/sql.md` tells more of each.
//!
//! | function | gives |
//! | --- | --- |
//! | `zstd_compress(value[, level[, dictionary]])` | a frame for each value |
//! | `zstd_decompress(value[, dictionary])` | the values; a bad row ends the query |
//! | `try_zstd_decompress(value[, dictionary])` | the values, null for a bad row |
//! | `zstd_decompressed_size(value)` | the size of each value in bytes, from the headers |
//! | `zstd_frame_info(value)` | what the headers say, as a struct |
//! | `zstd_train_dictionary(value[, size])` | aggregate: a dictionary for each group |
//!
//! - Values are binary or text in any layout, columns or constants. Types are those of
//!   [`codec`](crate::codec): `LargeBinary`, `BinaryView` for views, encoded columns stay encoded.
//! - The level is a constant. The dictionary is one for the query, or a column; null is as if it were
//!   not given.
//! - A column that is marked as frames ([`schema`](crate::schema)) needs no dictionary argument,
//!   where the table's schema has its metadata (for Parquet: the option `skip_metadata` is off).
//! - A codec is made once for the constants of a query, not for each batch. It works on the thread
//!   that the engine calls it on: the engine's partitions share the work.
//! - An error names the function, and the row in the batch.
//!
//! ```
//! use arrow_array::cast::AsArray;
//! use datafusion::prelude::SessionContext;
//!
//! # #[tokio::main]
//! # async fn main() -> datafusion::error::Result<()> {
//! let ctx = SessionContext::new();
//! zstd_arrow::sql::register(&ctx);
//! let query = "SELECT zstd_decompress(zstd_compress('a value', 19)) AS value";
//! let batches = ctx.sql(query).await?.collect().await?;
//! assert_eq!(batches[0].column(0).as_binary::<i64>().value(0), b"a value");
//! # Ok(())
//! # }
//! ```

mod arguments;
#[cfg(feature = "ballista")]
pub mod cluster;
mod compress;
mod decompress;
mod dictionaries;
mod documentation;
mod error;
mod headers;
mod marked;
mod prepared;
mod train;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::optimizer::AnalyzerRule;
use datafusion::prelude::SessionContext;

pub use error::FunctionError;

/// Adds the functions to a session, and the rule by which marked columns bring their dictionary.
pub fn register(ctx: &SessionContext) {
    for function in scalar_functions() {
        ctx.register_udf(function.as_ref().clone());
    }
    for function in aggregate_functions() {
        ctx.register_udaf(function.as_ref().clone());
    }
    ctx.add_analyzer_rule(analyzer_rule());
}

/// The scalar functions, for a registry that is no session.
pub fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::new_from_impl(compress::ZstdCompress::new())),
        Arc::new(ScalarUDF::new_from_impl(decompress::ZstdDecompress::strict())),
        Arc::new(ScalarUDF::new_from_impl(decompress::ZstdDecompress::lenient())),
        Arc::new(ScalarUDF::new_from_impl(headers::Headers::size())),
        Arc::new(ScalarUDF::new_from_impl(headers::Headers::info())),
    ]
}

/// The aggregate functions, for a registry that is no session.
pub fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    vec![Arc::new(AggregateUDF::new_from_impl(train::ZstdTrainDictionary::new()))]
}

/// The rule that gives a call with a marked column the dictionary from the table's schema. Without it
/// the functions work, but want the dictionary as an argument.
pub fn analyzer_rule() -> Arc<dyn AnalyzerRule + Send + Sync> {
    Arc::new(marked::MarkedDictionaries)
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionConfig;

    use super::compress::ZstdCompress;
    use super::decompress::ZstdDecompress;
    use super::*;

    /// Twenty batches in two partitions, planned and run twice: the constants are worked on once.
    #[tokio::test]
    async fn constants_are_prepared_once() {
        let config = SessionConfig::new().with_batch_size(100).with_target_partitions(2);
        let ctx = SessionContext::new_with_config(config);
        register(&ctx);
        let table =
            "CREATE TABLE t AS SELECT CAST(value AS VARCHAR) AS v FROM generate_series(1, 2000)";
        ctx.sql(table).await.unwrap().collect().await.unwrap();
        assert!(ctx.table("t").await.unwrap().collect().await.unwrap().len() >= 20);
        let query =
            "SELECT zstd_decompress(zstd_compress(v, 5, X'3132333435'), X'3132333435') FROM t";
        for _ in 0..2 {
            let batches = ctx.sql(query).await.unwrap().collect().await.unwrap();
            assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 2000);
        }
        let state = ctx.state();
        let function = |name: &str| state.scalar_functions()[name].clone();
        let compress = function("zstd_compress");
        assert_eq!(compress.inner().downcast_ref::<ZstdCompress>().unwrap().prepared.made(), 1);
        let decompress = function("zstd_decompress");
        assert_eq!(decompress.inner().downcast_ref::<ZstdDecompress>().unwrap().prepared.made(), 1);
    }

    /// More codecs than are kept: each is made again when its turn comes, and none is mixed up.
    #[test]
    fn few_codecs_are_kept() {
        let prepared = prepared::Prepared::new();
        for level in (1..=10).chain([10, 3, 1]) {
            assert_eq!(prepared.compressor(level, None).unwrap().options().level, level);
        }
        assert_eq!(prepared.made(), 11, "10 and 3 were still there, 1 was not");
    }
}
