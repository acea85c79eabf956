//! Arrow IPC files and streams.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;

use crate::error::{Error, Result};
use crate::files::source::{FileFormat, Source, Step, Steps};

pub(super) fn open_file(path: &Path, file: File) -> Result<Source> {
    let reader =
        FileReader::try_new_buffered(file, None).map_err(|error| Error::in_file(path, error))?;
    let schema = reader.schema();
    Ok(Source::new(schema, FileFormat::Ipc, None, steps(path, reader)))
}

pub(super) fn open_stream(path: &Path, input: Box<dyn Read + Send>) -> Result<Source> {
    let reader =
        StreamReader::try_new_buffered(input, None).map_err(|error| Error::in_file(path, error))?;
    let schema = reader.schema();
    Ok(Source::new(schema, FileFormat::IpcStream, None, steps(path, reader)))
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
