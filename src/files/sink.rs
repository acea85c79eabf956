//! Files to write.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

use ::parquet::arrow::ArrowWriter;
use arrow_array::RecordBatch;
use arrow_ipc::writer::{FileWriter, StreamWriter};

use crate::error::{Error, Result};
use crate::files::batch::Plan;
use crate::files::parquet;
use crate::files::source::{FileFormat, Source};
use crate::files::target::Target;

/// A file that is being written; nothing stands under its name before [`Self::finish`].
pub(super) struct Sink {
    path: PathBuf,
    writer: Writer,
}

enum Writer {
    Parquet(Box<ArrowWriter<Target>>),
    Ipc(FileWriter<Target>),
    IpcStream(StreamWriter<Target>),
}

impl Sink {
    pub(super) fn new(
        target: Target,
        format: FileFormat,
        source: &Source,
        plan: &Plan,
    ) -> Result<Self> {
        let path = target.path().to_owned();
        let writer = match format {
            FileFormat::Parquet => {
                parquet::writer(target, plan, source.format == FileFormat::Parquet)
                    .map(|writer| Writer::Parquet(Box::new(writer)))
                    .map_err(|error| Error::in_file(&path, error))?
            }
            FileFormat::Ipc => {
                let writer = source.ipc.options().and_then(|options| {
                    FileWriter::try_new_with_options(target, &plan.schema, options)
                });
                let mut writer = in_path(&path, writer)?;
                for (key, value) in &source.ipc.footer {
                    writer.write_metadata(key, value);
                }
                Writer::Ipc(writer)
            }
            FileFormat::IpcStream => {
                let writer = source.ipc.options().and_then(|options| {
                    StreamWriter::try_new_with_options(target, &plan.schema, options)
                });
                Writer::IpcStream(in_path(&path, writer)?)
            }
        };
        Ok(Self { path, writer })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.writer {
            Writer::Parquet(writer) => in_path(&self.path, writer.write(batch)),
            Writer::Ipc(writer) => in_path(&self.path, writer.write(batch)),
            Writer::IpcStream(writer) => in_path(&self.path, writer.write(batch)),
        }
    }

    /// A row group of the source ends here.
    pub(super) fn end_group(&mut self) -> Result<()> {
        match &mut self.writer {
            Writer::Parquet(writer) => in_path(&self.path, writer.flush()),
            Writer::Ipc(_) | Writer::IpcStream(_) => Ok(()),
        }
    }

    /// Writes the end of the file and gives it its name.
    pub(super) fn finish(self) -> Result<()> {
        let target = match self.writer {
            Writer::Parquet(writer) => in_path(&self.path, writer.into_inner()),
            Writer::Ipc(mut writer) => in_path(&self.path, writer.finish())
                .and_then(|()| in_path(&self.path, writer.into_inner())),
            Writer::IpcStream(mut writer) => in_path(&self.path, writer.finish())
                .and_then(|()| in_path(&self.path, writer.into_inner())),
        };
        target?.commit()
    }
}

fn in_path<T, E: StdError + Send + Sync + 'static>(path: &Path, result: Result<T, E>) -> Result<T> {
    result.map_err(|error| Error::in_file(path, error))
}
