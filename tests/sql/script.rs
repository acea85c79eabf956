//! Files of queries and what they must give, in the format of sqllogictest:
//!
//! ```text
//! query TI                  a letter for each column; then the query,
//! SELECT kind, id FROM t    a line, and the rows, with a space between values
//! ----
//! view 7
//!
//! statement error text      the query fails, and its error has this text in it,
//! SELECT no_column FROM t   where * stands for any text
//! ```
//!
//! A null is `NULL`, an empty value `(empty)`. Rows are in the order of the query.

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;

/// One query of a file.
pub(crate) struct Record {
    /// The line of the file that it begins at.
    pub(crate) line: usize,
    sql: String,
    expected: Expected,
}

enum Expected {
    Rows { columns: usize, rows: Vec<String> },
    Error(String),
}

/// The queries of a file.
pub(crate) fn parse(text: &str) -> Vec<Record> {
    let lines: Vec<&str> = text.lines().collect();
    let mut records = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let head = lines[at];
        if head.is_empty() || head.starts_with('#') {
            at += 1;
            continue;
        }
        let line = at + 1;
        let end = lines[at..].iter().position(|line| line.is_empty());
        let body = &lines[line..end.map_or(lines.len(), |end| at + end)];
        let (sql, expected) = if let Some(types) = head.strip_prefix("query ") {
            let rule = body.iter().position(|line| *line == "----");
            let rule = rule.unwrap_or_else(|| panic!("line {line}: no ---- follows"));
            let rows = body[rule + 1..].iter().map(|row| (*row).to_owned()).collect();
            (&body[..rule], Expected::Rows { columns: types.len(), rows })
        } else if let Some(error) = head.strip_prefix("statement error ") {
            (body, Expected::Error(error.to_owned()))
        } else {
            panic!("line {line}: neither a query nor a statement error: {head}");
        };
        records.push(Record { line, sql: sql.join("\n"), expected });
        at = line + body.len();
    }
    records
}

impl Record {
    /// Runs the query; what is wrong with its answer, if anything.
    pub(crate) async fn check(&self, ctx: &SessionContext) -> Result<(), String> {
        match (&self.expected, rows(ctx, &self.sql).await) {
            (Expected::Rows { columns, rows }, Ok((width, found))) => {
                if *rows != found || *columns != width {
                    let (rows, found) = (rows.join("\n"), found.join("\n"));
                    return Err(format!(
                        "expected {columns} columns\n{rows}\nfound {width}\n{found}"
                    ));
                }
                Ok(())
            }
            (Expected::Error(expected), Err(error)) => match contains(&error.to_string(), expected)
            {
                true => Ok(()),
                false => Err(format!("expected the error\n{expected}\nfound\n{error}")),
            },
            (Expected::Error(expected), Ok(_)) => Err(format!("no error, expected\n{expected}")),
            (Expected::Rows { .. }, Err(error)) => Err(error.to_string()),
        }
    }
}

/// Whether the parts of a pattern, between its `*`, stand in a text, one after the other.
fn contains(mut text: &str, pattern: &str) -> bool {
    pattern.split('*').all(|part| match text.find(part) {
        Some(at) => {
            text = &text[at + part.len()..];
            true
        }
        None => false,
    })
}

/// The number of columns, and each row as text.
async fn rows(ctx: &SessionContext, sql: &str) -> Result<(usize, Vec<String>), DataFusionError> {
    let query = ctx.sql(sql).await?;
    let width = query.schema().fields().len();
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in query.collect().await? {
        let columns = batch.columns().iter();
        let columns: Vec<_> = columns
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<_, _>>()?;
        rows.extend((0..batch.num_rows()).map(|row| {
            let values = columns.iter().map(|column| match column.value(row).to_string() {
                empty if empty.is_empty() => "(empty)".to_owned(),
                value => value,
            });
            values.collect::<Vec<_>>().join(" ")
        }));
    }
    Ok((width, rows))
}

/// What the tests rest on finds what is wrong.
#[tokio::test]
async fn wrong_answers_are_found() {
    let ctx = SessionContext::new();
    let text = "query I\nSELECT 1\n----\n2\n\n# A comment.\nquery II\nSELECT 1\n----\n1\n\n\
                statement error no*such\nSELECT 1\n\nstatement error not*there\nSELECT no_column\n\n\
                statement error No*no_column\nSELECT no_column\n\nquery TT\nSELECT '', NULL\n----\n(empty) NULL\n";
    let records = parse(text);
    let lines: Vec<usize> = records.iter().map(|record| record.line).collect();
    assert_eq!(lines, [1, 7, 12, 15, 18, 21]);
    for (record, right) in records.iter().zip([false, false, false, false, true, true]) {
        let checked = record.check(&ctx).await;
        assert_eq!(checked.is_ok(), right, "line {}: {checked:?}", record.line);
    }
}
