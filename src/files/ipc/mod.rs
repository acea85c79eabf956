//! Arrow IPC files and streams.
//!
//! Messages are found and read here, not by arrow-ipc's own readers: those take memory for as many
//! bytes as a message says that it has, and the process ends where a damaged one says too many. Here
//! memory grows with the bytes that are there (`claims.rs`). What is in a message is arrow-ipc's
//! to decode, and to check.

mod claims;
mod file;
mod stream;

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::convert::fb_to_schema;
use arrow_schema::{ArrowError, SchemaRef};

use crate::error::{Error, Result};
use crate::files::source::{FileFormat, Source, Step, Steps};

pub(super) fn open_file(path: &Path, file: File) -> Result<Source> {
    let batches = file::Batches::open(file).map_err(|error| Error::in_file(path, error))?;
    let schema = batches.schema();
    Ok(Source::new(schema, FileFormat::Ipc, None, steps(path, batches)))
}

pub(super) fn open_stream(path: &Path, input: Box<dyn Read + Send>) -> Result<Source> {
    let batches = stream::Batches::open(input).map_err(|error| Error::in_file(path, error))?;
    let schema = batches.schema();
    Ok(Source::new(schema, FileFormat::IpcStream, None, steps(path, batches)))
}

fn steps(
    path: &Path,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
) -> Steps {
    let path: Arc<Path> = path.into();
    let step = move |batch: Result<RecordBatch, ArrowError>| match batch {
        Ok(batch) => Ok(Step::Batch(batch)),
        Err(error) => Err(Error::in_file(&path, error)),
    };
    Box::new(batches.map(step))
}

/// A schema as arrow-ipc has it, if it is one of this machine's byte order.
fn read_schema(schema: Option<arrow_ipc::Schema<'_>>) -> Result<SchemaRef, ArrowError> {
    let schema = schema.ok_or_else(|| damaged("there is no schema where one has to be"))?;
    match schema.endianness().equals_to_target_endianness() {
        true => Ok(Arc::new(fb_to_schema(schema))),
        false => Err(damaged("its byte order is not this machine's")),
    }
}

fn damaged(problem: impl Into<String>) -> ArrowError {
    ArrowError::IpcError(problem.into())
}

fn not_a_message(error: impl Display) -> ArrowError {
    damaged(format!("a message that is none: {error}"))
}
