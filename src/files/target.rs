//! Where output goes: a temporary file that takes the target's name only when it is whole.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};
use crate::files::writeback::Written;

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
    Temporary(Written, PathBuf),
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
        clear_leftovers(folder);
        let file = locked_file(folder)?;
        if let Some(permissions) = permissions {
            // As they are, not less what the user's mask takes off.
            file.as_file().set_permissions(permissions)?;
        }
        Ok(Output::Temporary(Written::new(file), place))
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
                Output::Temporary(written, place) => {
                    let file = written.into_file();
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

/// What temporary files are called, before and behind what makes each name its own.
const NAME: (&str, &str) = (".zstd-arrow-", ".tmp");

/// A new temporary file, locked for as long as it is open: so nobody takes it for a leftover.
fn locked_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(NAME.0).suffix(NAME.1);
    if let Some(permissions) = default_permissions() {
        builder.permissions(permissions);
    }
    loop {
        let file = builder.tempfile_in(folder)?;
        match file.as_file().lock() {
            // Someone who clears up can have come in between.
            Ok(()) if !file.path().exists() => {}
            // Without locks on this file system, nothing is ever taken for a leftover either.
            Ok(()) | Err(_) => return Ok(file),
        }
    }
}

/// Removes the temporary files of jobs that are not there any more: theirs are not locked. What
/// cannot be looked at stays.
fn clear_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours =
            name.to_str().is_some_and(|name| name.starts_with(NAME.0) && name.ends_with(NAME.1));
        if !ours {
            continue;
        }
        let Ok(file) = OpenOptions::new().write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            // Gone already, or not ours to remove: then it is someone else's to clear up.
            let _ = fs::remove_file(entry.path());
        }
        // Locked until here: who has just made the file waits, and finds it gone.
        drop(file);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What a crash left goes; what another job is writing, and what is not ours, stays.
    #[test]
    fn leftovers_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in [".zstd-arrow-aBcDeF.tmp", ".zstd-arrow-notes", "other.tmp"] {
            fs::write(place(name), "x").unwrap();
        }
        let mut first = Target::create(&place("first")).unwrap();
        let second = Target::create(&place("second")).unwrap();
        assert_eq!(names(folder.path()).len(), 4, "two of ours, two of others");
        first.write_all(b"whole").unwrap();
        first.commit().unwrap();
        drop(second);
        assert_eq!(names(folder.path()), [".zstd-arrow-notes", "first", "other.tmp"]);
        assert_eq!(fs::read(place("first")).unwrap(), b"whole");
    }
}
