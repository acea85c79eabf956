//! Plans: what runs before decompression.

use datafusion::physical_plan::displayable;

use crate::tables::Tables;

/// The physical plan of a query, as text.
async fn plan(sql: &str) -> String {
    let tables = Tables::write();
    let ctx = tables.session().await;
    let plan = ctx.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    displayable(plan.as_ref()).indent(true).to_string()
}

/// Where a word first stands in a plan. The root comes first, what feeds it below.
fn place(plan: &str, word: &str) -> usize {
    plan.find(word).unwrap_or_else(|| panic!("no {word} in\n{plan}"))
}

#[tokio::test]
async fn filters_on_other_columns_run_first() {
    let plan =
        plan("SELECT zstd_decompress(payload) FROM frames WHERE kind = 'click' AND id < 100").await;
    assert!(place(&plan, "zstd_decompress") < place(&plan, "FilterExec: "), "{plan}");
    assert_eq!(plan.matches("zstd_decompress(").count(), 2, "the call and its name\n{plan}");
}

/// Also where the decompressed value is filtered, in a query around the one that decompresses.
#[tokio::test]
async fn a_filter_from_outside_is_pushed_below() {
    let plan = plan(
        "SELECT value FROM (SELECT id, zstd_decompress(payload) AS value FROM marked) WHERE id = 7",
    )
    .await;
    assert!(place(&plan, "zstd_decompress") < place(&plan, "FilterExec: id"), "{plan}");
}

/// Only the columns that are needed are read, and a column that is not asked for is not decompressed.
#[tokio::test]
async fn projections_reach_the_file() {
    let plan = plan(
        "SELECT count(*), sum(id) FROM (SELECT id, zstd_decompress(payload) AS value FROM marked)",
    )
    .await;
    assert!(!plan.contains("zstd_decompress") && !plan.contains("payload"), "{plan}");
    place(&plan, "projection=[id]");
}

/// A constant is worked on while the query is planned.
#[tokio::test]
async fn constants_are_folded() {
    let plan =
        plan("SELECT id FROM events WHERE id = zstd_decompressed_size(zstd_compress('four'))")
            .await;
    assert!(!plan.contains("zstd_"), "{plan}");
    place(&plan, "id@0 = 4");
}

/// A plan shows the beginning of a dictionary, not all of its bytes.
#[tokio::test]
async fn the_dictionary_of_a_marked_column_is_in_the_plan() {
    let plan = plan("SELECT zstd_decompress(payload) AS value FROM marked").await;
    // The magic number of a trained dictionary.
    place(&plan, "37A430EC");
    assert!(plan.len() < 1000, "{plan}");
}
