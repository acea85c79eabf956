//! Runs the `.slt` files, each in a session of its own.

use std::path::Path;

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use rstest::rstest;
use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};
use tokio::runtime::Runtime;

use crate::tables::Tables;

struct Session<'a> {
    runtime: &'a Runtime,
    ctx: SessionContext,
}

impl DB for Session<'_> {
    type Error = DataFusionError;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<Self::ColumnType>, Self::Error> {
        let batches = self.runtime.block_on(async { self.ctx.sql(sql).await?.collect().await })?;
        let options = FormatOptions::default().with_null("NULL");
        let mut rows = Vec::new();
        let mut width = 0;
        for batch in &batches {
            width = batch.num_columns();
            let columns = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
                .collect::<Result<Vec<_>, _>>()?;
            for row in 0..batch.num_rows() {
                rows.push(columns.iter().map(|column| column.value(row).to_string()).collect());
            }
        }
        if width == 0 {
            return Ok(DBOutput::StatementComplete(0));
        }
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; width], rows })
    }
}

#[rstest]
#[case::functions("functions")]
#[case::types("types")]
#[case::errors("errors")]
#[case::dictionaries("dictionaries")]
fn script(#[case] name: &str) {
    let tables = Tables::write();
    let runtime = Runtime::new().unwrap();
    let ctx = runtime.block_on(tables.session());
    let mut runner = Runner::new(|| async { Ok(Session { runtime: &runtime, ctx: ctx.clone() }) });
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql").join(name);
    if let Err(error) = runner.run_file(file.with_extension("slt")) {
        panic!("{}", error.display(false));
    }
}
