//! What was written goes to the disk while more is made.
//!
//! A job ends when its output is on the disk. The system by itself would begin with that when it is
//! told to wait for it, at the end, with all of it still to do; so it is asked to begin with each piece.

use std::fs::File;
use std::io;

use tempfile::NamedTempFile;

/// Bytes that are asked for together.
const PIECE: u64 = 2 << 20;

/// A file that is written from front to back.
pub(super) struct Written {
    file: NamedTempFile,
    /// Bytes so far, and those of them that the system was asked to bring to the disk.
    bytes: u64,
    begun: u64,
}

impl Written {
    /// Of a file in which nothing is.
    pub(super) fn new(file: NamedTempFile) -> Self {
        Self { file, bytes: 0, begun: 0 }
    }

    /// The file; it is not on the disk before it is synced.
    pub(super) fn into_file(self) -> NamedTempFile {
        self.file
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        if self.bytes - self.begun >= PIECE {
            begin(self.file.as_file(), self.begun, self.bytes - self.begun);
            self.begun = self.bytes;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Has the system begin to bring some bytes to the disk, and waits for nothing. Only advice: what comes of it
/// the sync at the end says.
#[cfg(target_os = "linux")]
fn begin(file: &File, from: u64, bytes: u64) {
    use std::os::fd::AsRawFd;
    let (Ok(from), Ok(bytes)) = (from.try_into(), bytes.try_into()) else { return };
    // SAFETY: the descriptor is that of an open file; the call takes numbers alone.
    unsafe { libc::sync_file_range(file.as_raw_fd(), from, bytes, libc::SYNC_FILE_RANGE_WRITE) };
}

#[cfg(not(target_os = "linux"))]
fn begin(_file: &File, _from: u64, _bytes: u64) {}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Whatever sizes it is written in; and less than a piece waits to be asked for.
    #[test]
    fn the_file_has_what_was_written() {
        let mut written = Written::new(NamedTempFile::new().unwrap());
        let mut expected = Vec::new();
        for size in [1, 100, 5 << 20, 0, 2 << 20, (2 << 20) - 1, 1, 7] {
            let bytes: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
            written.write_all(&bytes).unwrap();
            expected.extend_from_slice(&bytes);
            assert!(written.bytes - written.begun < PIECE);
        }
        assert_eq!(written.bytes, expected.len() as u64);
        let file = written.into_file();
        assert!(std::fs::read(file.path()).unwrap() == expected);
    }
}
