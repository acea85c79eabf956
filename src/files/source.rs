//! Files to read: which format they are in, and their batches one by one.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::error::{Error, Result};
use crate::files::ipc::Kept;
use crate::files::parquet::ParquetFile;
use crate::files::{ipc, parquet};

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Apache Parquet.
    Parquet,
    /// An Arrow IPC file, also known as Feather version 2.
    Ipc,
    /// An Arrow IPC stream.
    IpcStream,
}

impl FileFormat {
    /// The format that a file's ending says.
    pub fn of_ending(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "parquet" | "pq" => Some(FileFormat::Parquet),
            "arrow" | "feather" | "ipc" => Some(FileFormat::Ipc),
            "arrows" => Some(FileFormat::IpcStream),
            _ => None,
        }
    }

    /// The format that a file's content says.
    pub(super) fn of_file(path: &Path) -> Result<Option<Self>> {
        let mut start = Vec::new();
        let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut start));
        read.map_err(|error| Error::in_file(path, error))?;
        Ok(Self::of_content(&start))
    }

    /// The format that a file's first bytes say.
    fn of_content(start: &[u8]) -> Option<Self> {
        if start.starts_with(b"PAR1") || start.starts_with(b"PARE") {
            Some(FileFormat::Parquet)
        } else if start.starts_with(b"ARROW1") {
            Some(FileFormat::Ipc)
        } else if start.starts_with(&[0xFF; 4]) {
            // The continuation marker that each message of a stream begins with.
            Some(FileFormat::IpcStream)
        } else {
            None
        }
    }
}

/// What comes next out of a file.
pub(super) enum Step {
    Batch(RecordBatch),
    /// The row group ends here (Parquet).
    EndOfGroup,
}

pub(super) type Steps = Box<dyn Iterator<Item = Result<Step>> + Send>;

/// A file to read.
pub(super) struct Source {
    pub(super) schema: SchemaRef,
    pub(super) format: FileFormat,
    pub(super) total_rows: Option<u64>,
    /// Why a copy of the file would not have all it has, if so.
    pub(super) not_kept: Option<String>,
    /// The file itself, if it is a Parquet file.
    pub(super) parquet: Option<ParquetFile>,
    /// What an Arrow IPC file says beside its batches.
    pub(super) ipc: Kept,
    pub(super) steps: Steps,
}

impl Source {
    /// Opens a file; `-` is standard input. With `columns`, only those are read (those that are
    /// there: a missing one is for the caller to notice).
    pub(super) fn open(path: &Path, batch_rows: usize, columns: Option<&[String]>) -> Result<Self> {
        if batch_rows == 0 {
            let problem = "a batch has at least one row".to_owned();
            return Err(Error::Option { name: "batch_rows", problem });
        }
        if path.as_os_str() == "-" {
            let input: Box<dyn Read + Send> = Box::new(std::io::stdin());
            return ipc::open_stream(path, input);
        }
        let open = || -> std::io::Result<(File, Vec<u8>)> {
            let file = File::open(path)?;
            if file.metadata()?.is_dir() {
                return Err(std::io::ErrorKind::IsADirectory.into());
            }
            let mut start = Vec::new();
            (&file).take(8).read_to_end(&mut start)?;
            std::io::Seek::rewind(&mut &file)?;
            Ok((file, start))
        };
        let (file, start) = open().map_err(|error| Error::in_file(path, error))?;
        match FileFormat::of_content(&start) {
            Some(FileFormat::Parquet) => parquet::open(path, file, batch_rows, columns),
            Some(FileFormat::Ipc) => ipc::open_file(path, file),
            Some(FileFormat::IpcStream) => ipc::open_stream(path, Box::new(BufReader::new(file))),
            None => {
                let problem = "not a Parquet file, an Arrow IPC file or an Arrow IPC stream";
                Err(Error::in_file(path, problem))
            }
        }
    }

    pub(super) fn new(
        schema: SchemaRef,
        format: FileFormat,
        total_rows: Option<u64>,
        steps: Steps,
    ) -> Self {
        let (not_kept, parquet, ipc) = (None, None, Kept::default());
        Self { schema, format, total_rows, not_kept, parquet, ipc, steps }
    }
}
