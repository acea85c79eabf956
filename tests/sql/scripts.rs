//! Runs the `.slt` files, each in a session of its own.

use std::path::Path;

use rstest::rstest;

use crate::script;
use crate::tables::Tables;

#[rstest]
#[case::functions("functions")]
#[case::types("types")]
#[case::errors("errors")]
#[case::dictionaries("dictionaries")]
#[tokio::test]
async fn queries(#[case] name: &str) {
    let tables = Tables::write();
    let ctx = tables.session().await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql").join(name);
    let records = script::parse(&std::fs::read_to_string(file.with_extension("slt")).unwrap());
    assert!(!records.is_empty());
    let mut wrong = String::new();
    for record in records {
        if let Err(problem) = record.check(&ctx).await {
            wrong += &format!("{name}.slt, line {}: {problem}\n\n", record.line);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
