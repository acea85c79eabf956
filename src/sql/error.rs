//! What goes wrong in a query, said of the function it went wrong in.

use datafusion::error::DataFusionError;

use crate::error::Error;

/// A function's failure: rows are counted in the batch that the function was called with.
#[derive(Debug, thiserror::Error)]
#[error("{function}: {source}")]
pub struct FunctionError {
    /// The function's name in SQL.
    pub function: &'static str,
    /// What failed.
    pub source: Error,
}

/// A failure while a query runs.
pub(super) fn failed(function: &'static str) -> impl Fn(Error) -> DataFusionError {
    move |source| DataFusionError::External(Box::new(FunctionError { function, source }))
}

/// A query that cannot be planned.
pub(super) fn refused(function: &str, problem: impl std::fmt::Display) -> DataFusionError {
    DataFusionError::Plan(format!("{function}: {problem}"))
}
