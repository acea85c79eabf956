//! What can go wrong, in one type.
//!
//! Two levels. [`ValueError`] says what is wrong with *one value* and knows nothing of its place.
//! [`Error`] is what every public function returns: a [`ValueError`] with the row it belongs to
//! ([`Error::Row`]), or a failure of the call as a whole. The files layer adds the column
//! ([`Error::Column`]) and the path ([`Error::File`]) around it.
//!
//! Rows are counted from zero, in the array, segments or file that the caller passed in.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

use arrow_schema::{ArrowError, DataType};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why one value could not be compressed or decompressed.
///
/// The format's terms (frame, block, window, content size) are those of RFC 8878.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// A value of no bytes holds no frame.
    #[error("empty value where a zstd frame was expected")]
    Empty,

    /// The first four bytes are neither a zstd frame's nor a skippable frame's.
    #[error("bad magic number {}: not a zstd frame (28 b5 2f fd)", Hex(.found))]
    BadMagic {
        /// The value's first bytes, four at most.
        found: Vec<u8>,
    },

    /// The value ends before the frame does.
    #[error("truncated frame: {part} needs {needed} bytes, {left} are left")]
    Truncated {
        /// The part of the frame that was being read.
        part: &'static str,
        /// Bytes that this part takes.
        needed: u64,
        /// Bytes that the value still has.
        left: u64,
    },

    /// A bit or a block type that the format keeps for later is set.
    #[error("corrupt frame: {0} is reserved")]
    Reserved(&'static str),

    /// libzstd found the frame to be damaged.
    #[error("corrupt frame: {0}")]
    Corrupt(&'static str),

    /// The content does not have the checksum that the frame carries.
    #[error("checksum mismatch: the content is not what was compressed")]
    Checksum,

    /// Bytes follow the last frame that belong to no frame.
    #[error("{count} trailing bytes after the last frame")]
    TrailingBytes {
        /// How many bytes follow.
        count: usize,
    },

    /// A header claims more content than the frame's blocks can hold.
    #[error(
        "the header claims {claimed} bytes of content, but the frame's blocks hold {possible} at the most"
    )]
    ContentSizeClaim {
        /// The header's content size.
        claimed: u64,
        /// The sum of what each block can hold.
        possible: u64,
    },

    /// The content has another size than the header or the caller said.
    #[error("size mismatch: {expected} bytes were promised, the content has {found}")]
    SizeMismatch {
        /// Bytes promised.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },

    /// The content is larger than the header or the caller said.
    #[error("size mismatch: {expected} bytes were promised, the content has more")]
    SizeExceeded {
        /// Bytes promised.
        expected: u64,
    },

    /// The value is larger than `max_value_size`.
    #[error("the value has {} bytes or more, over the limit of {limit} a value", .size)]
    ValueTooLarge {
        /// The value's size, or the least that it is known to have.
        size: u64,
        /// `max_value_size`.
        limit: u64,
    },

    /// With this value the column is larger than `max_output_size`.
    #[error("the output up to this row has {size} bytes or more, over the limit of {limit} a call")]
    OutputTooLarge {
        /// Bytes of all values up to this one, or the least they are known to have.
        size: u64,
        /// `max_output_size`.
        limit: u64,
    },

    /// The frame's window is larger than `max_window_log` or than this libzstd takes.
    #[error("the frame's window of {window} bytes is over the limit of {limit}")]
    WindowTooLarge {
        /// The window size in bytes.
        window: u64,
        /// The largest window in bytes.
        limit: u64,
    },

    /// The frame was made with a dictionary and none was given.
    #[error("the frame needs dictionary {needed}, and no dictionary was given")]
    DictionaryMissing {
        /// The frame's dictionary id.
        needed: u32,
    },

    /// The frame was made with a dictionary that is not among those given.
    #[error("the frame needs dictionary {needed}, given: {}", Ids(.given))]
    DictionaryMismatch {
        /// The frame's dictionary id.
        needed: u32,
        /// The ids of the dictionaries given; 0 is a raw content dictionary.
        given: Vec<u32>,
    },

    /// The content is not UTF-8, and text was asked for.
    #[error("invalid UTF-8 at byte {at} of the value")]
    NotUtf8 {
        /// The first byte, in the value, that is not part of valid UTF-8.
        at: usize,
    },

    /// libzstd could not compress the value.
    #[error("compression failed: {0}")]
    Compress(&'static str),

    /// Memory for this value could not be had.
    #[error("no memory for {bytes} bytes")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: u64,
    },
}

/// What a function of this crate can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value is bad; `row` says which.
    #[error("row {row}: {error}")]
    Row {
        /// The row, from zero.
        row: usize,
        /// What is wrong with it.
        error: ValueError,
    },

    /// A segment does not lie inside its buffer.
    #[error(
        "segment {index} (offset {offset}, length {length}) is outside the buffer of {size} bytes"
    )]
    SegmentOutOfBounds {
        /// The segment's place in the index.
        index: usize,
        /// Its offset in bytes.
        offset: u64,
        /// Its length in bytes.
        length: u64,
        /// The buffer's size in bytes.
        size: usize,
    },

    /// An index of (offset, length) pairs is not made of whole pairs.
    #[error("an index of (u64, u64) pairs has a multiple of 16 bytes, this one has {bytes}")]
    IndexLength {
        /// The index's size in bytes.
        bytes: usize,
    },

    /// Arrow offsets that are no offsets: none at all, negative, or falling.
    #[error("invalid offsets: {0}")]
    Offsets(String),

    /// Segments that have another layout than the conversion needs.
    #[error("segment {index} {problem}")]
    SegmentLayout {
        /// The first segment that does not fit.
        index: usize,
        /// Why it does not.
        problem: String,
    },

    /// Segments that end too far for the offsets that the conversion makes.
    #[error("segment {index} ends beyond 2^31 - 1, too far for 32-bit offsets")]
    BeyondOffsets {
        /// The first such segment.
        index: usize,
    },

    /// A validity mask or a list of sizes of another length than the column.
    #[error("{what} has {found} entries for {expected} rows")]
    LengthMismatch {
        /// What it is that has the wrong length.
        what: &'static str,
        /// The number of rows.
        expected: usize,
        /// The number of entries.
        found: usize,
    },

    /// The array's type holds no bytes.
    #[error(
        "{0} is not a binary column (Binary, LargeBinary, BinaryView, FixedSizeBinary, Utf8, LargeUtf8, Utf8View, or a dictionary or run-end encoding of one)"
    )]
    UnsupportedType(DataType),

    /// An option has a value outside its range, or does not go with another.
    #[error("option {name}: {problem}")]
    Option {
        /// The option's name.
        name: &'static str,
        /// What is wrong with its value.
        problem: String,
    },

    /// A dictionary could not be read, made or trained.
    #[error("dictionary: {0}")]
    Dictionary(String),

    /// A dictionary could not be trained.
    #[error(
        "dictionary: cannot train {size} bytes on {samples} samples of {bytes} bytes in all: {reason}"
    )]
    Training {
        /// The most bytes that the dictionary was to have.
        size: usize,
        /// The number of samples.
        samples: usize,
        /// Bytes of all samples.
        bytes: usize,
        /// libzstd's answer.
        reason: &'static str,
    },

    /// Memory for the whole output, or for a context, could not be had.
    #[error("no memory for {bytes} bytes of {what}")]
    OutOfMemory {
        /// What the memory was for.
        what: &'static str,
        /// Bytes asked for; 0 where libzstd does not say.
        bytes: u64,
    },

    /// The thread pool could not be started.
    #[error("cannot start {threads} threads: {reason}")]
    Threads {
        /// Threads asked for.
        threads: usize,
        /// The system's answer.
        reason: String,
    },

    /// A worker panicked: a bug of this crate, or of one below it. The call ends, other calls do not.
    #[error("a worker panicked, which is a bug: {message}")]
    Panicked {
        /// What it panicked with.
        message: String,
    },

    /// The caller's cancel flag was raised.
    #[error("cancelled")]
    Cancelled,

    /// The table has no such column.
    #[error("no column {name:?}; there are: {}", Names(.columns))]
    NoSuchColumn {
        /// The name asked for.
        name: String,
        /// The names there are.
        columns: Vec<String>,
    },

    /// A column of a table or file failed.
    #[error("column {column:?}: {source}")]
    Column {
        /// The column's name.
        column: String,
        /// What failed.
        source: Box<Error>,
    },

    /// A file could not be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file's path.
        path: PathBuf,
        /// What failed.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// Arrow refused something.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

impl Error {
    /// The failing row, where the error has one.
    pub fn row(&self) -> Option<usize> {
        match self {
            Error::Row { row, .. } => Some(*row),
            Error::Column { source, .. } => source.row(),
            Error::File { source, .. } => source.downcast_ref::<Error>()?.row(),
            _ => None,
        }
    }

    /// What is wrong with the failing row, where the error has one.
    pub fn value_error(&self) -> Option<&ValueError> {
        match self {
            Error::Row { error, .. } => Some(error),
            Error::Column { source, .. } => source.value_error(),
            Error::File { source, .. } => source.downcast_ref::<Error>()?.value_error(),
            _ => None,
        }
    }

    /// The same error for a batch that begins at row `first` of a longer column.
    pub fn shift_row(mut self, first: usize) -> Self {
        match &mut self {
            Error::Row { row, .. } => *row += first,
            Error::Column { source, .. } => {
                let inner = std::mem::replace(&mut **source, Error::Cancelled);
                **source = inner.shift_row(first);
            }
            _ => {}
        }
        self
    }

    /// The same error, said of `column`. A cancelled call is nobody's fault and stays what it is.
    pub fn in_column(self, column: &str) -> Self {
        match self {
            Error::Cancelled => self,
            error => Error::Column { column: column.to_owned(), source: Box::new(error) },
        }
    }

    /// The same error, said of the file at `path`. A cancelled call stays what it is.
    pub fn of_file(self, path: &Path) -> Self {
        match self {
            Error::Cancelled => self,
            error => Error::in_file(path, error),
        }
    }

    /// `source`, said of the file at `path`.
    pub fn in_file(path: &Path, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error::File { path: path.to_owned(), source: source.into() }
    }
}

/// A conversion that did not take place, and the input it gives back.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Rejected<T> {
    /// Why.
    pub error: Error,
    /// The input, as it was.
    pub input: T,
}

impl<T> From<Rejected<T>> for Error {
    fn from(rejected: Rejected<T>) -> Self {
        rejected.error
    }
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

struct Ids<'a>(&'a [u32]);

impl std::fmt::Display for Ids<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, id) in self.0.iter().enumerate() {
            write!(f, "{}{id}", if i == 0 { "" } else { ", " })?;
            if *id == 0 {
                write!(f, " (raw content)")?;
            }
        }
        Ok(())
    }
}

struct Names<'a>(&'a [String]);

impl std::fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 20;
        f.write_str(&self.0[..self.0.len().min(SHOWN)].join(", "))?;
        match self.0.len().checked_sub(SHOWN) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}
