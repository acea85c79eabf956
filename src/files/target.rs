//! Where output goes: a temporary file that takes the target's name only when it is whole.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};

/// An output that nobody sees before [`Self::commit`].
///
/// Dropped before that, it leaves no trace. A target that is no regular file (a pipe, a device,
/// standard output) is written to as it comes.
pub(super) struct Target {
    path: PathBuf,
    writer: BufWriter<Output>,
}

enum Output {
    /// Beside the target, and its name.
    Temporary(NamedTempFile, PathBuf),
    Direct(Box<dyn Write + Send>),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::Temporary(file, _) => file.write(bytes),
            Output::Direct(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Output::Temporary(file, _) => file.flush(),
            Output::Direct(output) => output.flush(),
        }
    }
}

impl Target {
    /// Bytes that are gathered before they are written.
    const BUFFER: usize = 1 << 20;

    /// Prepares to write to `path`; `-` is standard output.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let output = Self::open(path).map_err(|error| Error::in_file(path, error))?;
        let writer = BufWriter::with_capacity(Self::BUFFER, output);
        Ok(Self { path: path.to_owned(), writer })
    }

    fn open(path: &Path) -> io::Result<Output> {
        if path.as_os_str() == "-" {
            return Ok(Output::Direct(Box::new(io::stdout())));
        }
        let mut permissions = None;
        let mut place = path.to_owned();
        match fs::metadata(path) {
            Ok(existing) if existing.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(existing) if !existing.is_file() => {
                let file = OpenOptions::new().write(true).open(path)?;
                return Ok(Output::Direct(Box::new(file)));
            }
            Ok(existing) => {
                // Opened for writing and left alone: a file that may not be changed stays.
                OpenOptions::new().write(true).open(path)?;
                permissions = Some(existing.permissions());
                // A link stays a link: what it points to is replaced.
                place = path.canonicalize()?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A link to nothing: the file that it names is made.
                if let Ok(named) = fs::read_link(path) {
                    place = path.parent().unwrap_or(Path::new("")).join(named);
                }
            }
            Err(error) => return Err(error),
        }
        let folder = match place.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Said of the folder, before anything is said of a temporary file in it.
        fs::metadata(folder)?;
        let mut builder = Builder::new();
        builder.prefix(".zstd-arrow-").suffix(".tmp");
        if let Some(permissions) = default_permissions() {
            builder.permissions(permissions);
        }
        let file = builder.tempfile_in(folder)?;
        if let Some(permissions) = permissions {
            // As they are, not less what the user's mask takes off.
            file.as_file().set_permissions(permissions)?;
        }
        Ok(Output::Temporary(file, place))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is left, sees to it that it is on the disk, and gives the file its name.
    pub(super) fn commit(self) -> Result<()> {
        let Self { path, writer } = self;
        let commit = || -> io::Result<()> {
            match writer.into_inner().map_err(io::IntoInnerError::into_error)? {
                Output::Direct(mut output) => output.flush(),
                Output::Temporary(file, place) => {
                    file.as_file().sync_all()?;
                    file.persist(&place).map_err(|error| error.error)?;
                    sync_folder(&place)
                }
            }
        };
        commit().map_err(|error| Error::in_file(&path, error))
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// What a new file may be, before the user's mask is taken off.
#[cfg(unix)]
fn default_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn default_permissions() -> Option<Permissions> {
    None
}

/// Makes a rename last: it is the folder that holds the name.
#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(not(unix))]
fn sync_folder(_file: &Path) -> io::Result<()> {
    Ok(())
}
