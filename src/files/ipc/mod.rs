//! Arrow IPC files and streams.
//!
//! Messages are found and read here, not by arrow-ipc's own readers: those take memory for as many
//! bytes as a message says that it has, and the process ends where a damaged one says too many. Here
//! memory grows with the bytes that are there (`claims.rs`). What is in a message is arrow-ipc's
//! to decode, and to check.

mod claims;
mod file;
mod kept;
mod stream;

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::convert::fb_to_schema;
use arrow_schema::{ArrowError, SchemaRef};

pub(super) use kept::Kept;

use crate::error::{Error, Result};
use crate::files::source::{FileFormat, Source, Step, Steps};

pub(super) fn open_file(path: &Path, file: File) -> Result<Source> {
    let batches = file::Batches::open(file).map_err(|error| Error::in_file(path, error))?;
    let (schema, ipc) = (batches.schema(), batches.kept());
    let source = Source::new(schema, FileFormat::Ipc, None, steps(path, batches));
    Ok(Source { ipc, ..source })
}

pub(super) fn open_stream(path: &Path, input: Box<dyn Read + Send>) -> Result<Source> {
    let batches = stream::Batches::open(input).map_err(|error| Error::in_file(path, error))?;
    let (schema, ipc) = (batches.schema(), batches.kept());
    let source = Source::new(schema, FileFormat::IpcStream, None, steps(path, batches));
    Ok(Source { ipc, ..source })
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

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use arrow_array::{ArrayRef, Int64Array, LargeBinaryArray};
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
    use arrow_ipc::{CompressionType, root_as_message};

    use super::*;

    fn batch() -> RecordBatch {
        let values: ArrayRef = Arc::new(LargeBinaryArray::from_iter_values(vec![[7; 300]; 40]));
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values((0..40).map(|_| 9)));
        RecordBatch::try_from_iter([("value", values), ("id", ids)]).unwrap()
    }

    fn written(compression: Option<CompressionType>, stream: bool) -> Vec<u8> {
        let (batch, mut bytes) = (batch(), Vec::new());
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        if stream {
            let mut writer =
                StreamWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
            writer.write(&batch).and_then(|()| writer.finish()).unwrap();
        } else {
            let mut writer =
                FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
            writer.write(&batch).and_then(|()| writer.finish()).unwrap();
        }
        bytes
    }

    fn read(bytes: &[u8], stream: bool) -> Result<Vec<RecordBatch>, ArrowError> {
        if stream {
            return stream::Batches::open(bytes)?.collect();
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).and_then(|()| file.rewind()).unwrap();
        file::Batches::open(file)?.collect()
    }

    /// The places of the messages' metadata, and their size.
    fn messages(bytes: &[u8]) -> Vec<(usize, usize)> {
        let marked = (0..bytes.len() - 8).filter(|at| bytes[*at..].starts_with(&[0xFF; 4]));
        let sized = marked
            .map(|at| (at + 8, i32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap())));
        sized.filter(|(_, size)| *size > 0).map(|(at, size)| (at, size as usize)).collect()
    }

    #[test]
    fn batches_come_back() {
        let kinds = [None, Some(CompressionType::ZSTD), Some(CompressionType::LZ4_FRAME)];
        for (kind, stream) in kinds.into_iter().flat_map(|kind| [(kind, true), (kind, false)]) {
            let bytes = written(kind, stream);
            assert_eq!(read(&bytes, stream).unwrap(), [batch()]);
            // Cut anywhere it is an error, but for a stream between two messages.
            for cut in (0..bytes.len()).step_by(7) {
                let outcome = read(&bytes[..cut], stream);
                let between = stream && outcome.as_ref().is_ok_and(|read| read.len() <= 1);
                assert!(outcome.is_err() || between, "{cut}: {outcome:?}");
            }
        }
    }

    /// Sizes of metadata, of bodies and of places in a file that are not there.
    #[test]
    fn claims_take_no_memory() {
        let error = claims::read_claimed(&mut &b"a few bytes"[..], 1 << 60, 0).unwrap_err();
        assert!(error.to_string().contains("ends before 1152921504606846976 bytes"), "{error}");
        let bytes = written(None, true);
        for (at, size) in messages(&bytes) {
            let mut claiming = bytes.clone();
            claiming[at - 4..at].copy_from_slice(&i32::MAX.to_le_bytes());
            assert!(read(&claiming, true).is_err());
            let body = root_as_message(&bytes[at..at + size]).unwrap().bodyLength();
            let place = (at..at + size).find(|at| bytes[*at..].starts_with(&body.to_le_bytes()));
            if let (Some(place), 1..) = (place, body) {
                for claim in [i64::MAX, -1, 1 << 42] {
                    claiming.clone_from(&bytes);
                    claiming[place..place + 8].copy_from_slice(&claim.to_le_bytes());
                    assert!(read(&claiming, true).is_err());
                }
            }
        }
        let bytes = written(None, false);
        for at in (bytes.len().saturating_sub(400)..bytes.len()).step_by(8) {
            let mut claiming = bytes.clone();
            let end = bytes.len().min(at + 8);
            claiming[at..end].copy_from_slice(&(1_i64 << 42).to_le_bytes()[..end - at]);
            // Not all of it matters; what does is an error and no more.
            let _ = std::panic::catch_unwind(|| read(&claiming, false));
        }
    }

    /// The size in front of a compressed buffer is believed where the buffer can hold as much.
    #[test]
    fn compressed_claims_are_checked() {
        for kind in [CompressionType::ZSTD, CompressionType::LZ4_FRAME] {
            for stream in [true, false] {
                let bytes = written(Some(kind), stream);
                let size = (40_i64 * 300).to_le_bytes();
                // The last: an offset can be the same number.
                let at = (0..bytes.len()).rfind(|at| bytes[*at..].starts_with(&size)).unwrap();
                for (claim, says) in [
                    (1_i64 << 45, "claims 35184372088832 bytes and can hold"),
                    (-2, "a compressed buffer of -2 bytes"),
                ] {
                    let mut claiming = bytes.clone();
                    claiming[at..at + 8].copy_from_slice(&claim.to_le_bytes());
                    let error = read(&claiming, stream).unwrap_err().to_string();
                    assert!(error.contains(says), "{error}");
                }
            }
        }
    }
}
