//! Whole columns through zstd.
//!
//! [`Compressor`] and [`Decompressor`] turn a column of values into a column of zstd frames (one
//! frame a value, RFC 8878) and back, in one call: from Arrow memory to Arrow memory, in one
//! allocation, on all cores, with no object for a value.
//!
//! - Null in, null out; what lies under a null is not read. Order and length are kept.
//! - The output is `LargeBinary`; `BinaryView` for views; a dictionary or run-end encoded column
//!   stays encoded, and each distinct value is worked on once.
//! - The same input and options give the same bytes, for any number of threads.
//! - Bad data is an error that names the row, or a null: [`OnError`].
//!
//! ```
//! use arrow_array::LargeBinaryArray;
//! use arrow_array::cast::AsArray;
//! use zstd_arrow::{Compressor, Decompressor};
//!
//! let column = LargeBinaryArray::from_opt_vec(vec![Some(b"a value".as_ref()), None, Some(b"")]);
//! let frames = Compressor::new(3)?.compress_array(&column)?;
//! let values = Decompressor::new()?.decompress_array(&frames)?;
//! assert_eq!(values.as_binary::<i64>(), &column);
//! # Ok::<(), zstd_arrow::Error>(())
//! ```

// What the lanes of AVX-512 alone need is read nowhere else.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
mod batch;
mod builder;
mod cancel;
mod column;
mod compress;
mod context;
mod decompress;
mod dictionaries;
mod dictionary;
mod encode;
mod failures;
mod frame;
mod libzstd;
mod memory;
mod options;
mod prefetch;
mod rows;
mod sample;
mod stream;
mod training;
mod workers;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, UInt64Array};
use arrow_buffer::NullBuffer;

pub use builder::{CompressorBuilder, DecompressorBuilder};
pub use cancel::CancelFlag;
pub use column::{decompressed_size, frame_info};
pub use dictionary::{DEFAULT_DICTIONARY_SIZE, Dictionary};
pub use failures::RowFailure;
pub use frame::{
    Format, Frame, FrameHeader, ValueInfo, read_frame, read_header, read_value, without_skippable,
};
pub use libzstd::zstd_version;
pub use memory::{DEFAULT_IDLE_LIMIT, idle_memory, set_idle_limit};
pub use options::{
    CompressOptions, DEFAULT_LEVEL, Decoder, DecompressOptions, OnError, SearchParameters,
    Strategy, levels,
};
pub use stream::{FirstFrame, decompress_first_frame};
pub use training::{PartialSample, TrainOptions, Trained, Trainer, train};

use crate::convert::{Encoded, without};
use crate::error::{Error, Result};
use crate::segments::{BufferWithSegments, BufferWithSegmentsCollection};
use column::{check_chunks, to_array};
use context::{Context, Shared};
use decompress::{DecodeContext, Decoded, Promised};
use failures::Failures;
use options::out_of_memory;
use rows::Rows;
use workers::{Contexts, Workers};

/// Compresses columns: one frame a value.
///
/// Cheap to clone, `Send + Sync`; contexts and the digested dictionary are kept from call to call.
#[derive(Clone)]
pub struct Compressor {
    inner: Arc<CompressorInner>,
    cancel: Option<CancelFlag>,
}

struct CompressorInner {
    options: CompressOptions,
    workers: Workers,
    contexts: Contexts<Context>,
}

impl Compressor {
    /// A compressor with a level, and every other option at its default.
    ///
    /// # Errors
    ///
    /// [`Error::Option`] if the level is not one of [`levels`].
    pub fn new(level: i32) -> Result<Self> {
        Self::builder().level(level).build()
    }

    /// Options one by one.
    pub fn builder() -> CompressorBuilder {
        CompressorBuilder::default()
    }

    /// A compressor with these options.
    ///
    /// # Errors
    ///
    /// As [`CompressorBuilder::build`].
    pub fn with_options(options: CompressOptions) -> Result<Self> {
        let parameters = options.to_parameters()?;
        let start = options.start().map(Arc::new);
        let dictionary = options.context_dictionary()?;
        let shared = Shared { parameters, dictionary, start };
        let contexts = Contexts::new(move || Context::new(&shared).map_err(out_of_memory));
        let workers = Workers::new(options.threads)?;
        let cancel = options.cancel.clone();
        Ok(Self { inner: Arc::new(CompressorInner { options, workers, contexts }), cancel })
    }

    /// The options.
    pub fn options(&self) -> &CompressOptions {
        &self.inner.options
    }

    /// The same compressor, with its contexts, for calls that end when `flag` is raised.
    #[must_use]
    pub fn with_cancel(&self, flag: CancelFlag) -> Self {
        Self { inner: self.inner.clone(), cancel: Some(flag) }
    }

    /// The same compressor with another number of threads, and contexts of its own.
    ///
    /// # Errors
    ///
    /// As [`CompressorBuilder::build`].
    pub fn with_threads(&self, threads: usize) -> Result<Self> {
        let other = Self::with_options(CompressOptions { threads, ..self.options().clone() })?;
        Ok(Self { cancel: self.cancel.clone(), ..other })
    }

    /// Compresses each value of a column.
    ///
    /// Takes every binary-like type ([`is_binary_like`](crate::convert::is_binary_like)); gives
    /// `LargeBinary`, `BinaryView` for views, or an encoding of one of them.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedType`] for another type; [`Error::OutOfMemory`], or [`Error::Row`] with
    /// [`ValueError::OutOfMemory`](crate::ValueError::OutOfMemory); [`Error::Cancelled`].
    pub fn compress_array(&self, array: &dyn Array) -> Result<ArrayRef> {
        if let Some(encoded) = Encoded::of(array) {
            let values = encoded.values();
            let worked_on = NullBuffer::from(encoded.worked_on());
            let frames = self
                .compress_rows(&Rows::of(values, Some(&worked_on))?)
                .map_err(|error| row_of_value(error, &encoded))?;
            let nulls = NullBuffer::union(values.nulls(), Some(&worked_on));
            return encoded.rewrap(to_array(frames, nulls, values.data_type(), false)?);
        }
        let frames = self.compress_rows(&Rows::of(array, None)?)?;
        to_array(frames, array.nulls().cloned(), array.data_type(), false)
    }

    /// Compresses a chunked column as one; gives as many chunks, which share one allocation.
    ///
    /// # Errors
    ///
    /// As [`Self::compress_array`]; chunks of different types are [`Error::UnsupportedType`].
    /// Rows are counted over all chunks.
    pub fn compress_chunks(&self, chunks: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        check_chunks(chunks)?;
        if chunks.iter().any(|chunk| Encoded::of(chunk).is_some()) {
            return by_chunk(chunks, |chunk| self.compress_array(chunk));
        }
        let frames = self.compress_rows(&Rows::of_chunks(chunks)?)?;
        split_chunks(&frames, chunks, |frames, chunk| {
            to_array(frames, chunk.nulls().cloned(), chunk.data_type(), false)
        })
    }

    /// Compresses each segment: gapless segments over one buffer.
    ///
    /// # Errors
    ///
    /// As [`Self::compress_array`].
    pub fn compress_segments(&self, segments: &BufferWithSegments) -> Result<BufferWithSegments> {
        self.compress_rows(&Rows::of_segments(std::slice::from_ref(segments)))
    }

    /// Compresses each segment of a collection: gapless segments over one buffer.
    ///
    /// # Errors
    ///
    /// As [`Self::compress_array`].
    pub fn compress_collection(
        &self,
        collection: &BufferWithSegmentsCollection,
    ) -> Result<BufferWithSegments> {
        self.compress_rows(&Rows::of_segments(collection.members()))
    }

    /// Compresses each value: gapless segments over one buffer.
    ///
    /// # Errors
    ///
    /// As [`Self::compress_array`].
    pub fn compress_slices(&self, values: &[&[u8]]) -> Result<BufferWithSegments> {
        self.compress_rows(&Rows::of_slices(values))
    }

    fn compress_rows(&self, rows: &Rows) -> Result<BufferWithSegments> {
        let CompressorInner { workers, contexts, .. } = &*self.inner;
        let failures = Failures::new(OnError::Fail, self.cancel.clone());
        compress::compress(rows, workers, contexts, failures)
    }
}

/// Decompresses columns of frames.
///
/// Cheap to clone, `Send + Sync`; contexts and digested dictionaries are kept from call to call.
#[derive(Clone)]
pub struct Decompressor {
    inner: Arc<DecompressorInner>,
    cancel: Option<CancelFlag>,
}

struct DecompressorInner {
    options: DecompressOptions,
    workers: Workers,
    contexts: Arc<Contexts<DecodeContext>>,
}

/// A decompressed column, and the rows that became null for an error.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Decompressed {
    /// The values.
    pub array: ArrayRef,
    /// The failed rows, by row: none with [`OnError::Fail`], which fails instead.
    pub failures: Vec<RowFailure>,
}

impl Decompressor {
    /// A decompressor with every option at its default.
    ///
    /// # Errors
    ///
    /// As [`DecompressorBuilder::build`].
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Options one by one.
    pub fn builder() -> DecompressorBuilder {
        DecompressorBuilder::default()
    }

    /// A decompressor with these options.
    ///
    /// # Errors
    ///
    /// As [`DecompressorBuilder::build`].
    pub fn with_options(options: DecompressOptions) -> Result<Self> {
        options.check()?;
        let magicless = options.format == Format::Magicless;
        let contexts = Arc::new(Contexts::new(move || DecodeContext::new(magicless)));
        let workers = Workers::new(options.threads)?;
        let cancel = options.cancel.clone();
        Ok(Self { inner: Arc::new(DecompressorInner { options, workers, contexts }), cancel })
    }

    /// The options.
    pub fn options(&self) -> &DecompressOptions {
        &self.inner.options
    }

    /// The same decompressor, with its contexts, for calls that end when `flag` is raised.
    #[must_use]
    pub fn with_cancel(&self, flag: CancelFlag) -> Self {
        Self { inner: self.inner.clone(), cancel: Some(flag) }
    }

    /// The same decompressor with another number of threads, and contexts of its own.
    ///
    /// # Errors
    ///
    /// As [`DecompressorBuilder::build`].
    pub fn with_threads(&self, threads: usize) -> Result<Self> {
        let other = Self::with_options(DecompressOptions { threads, ..self.options().clone() })?;
        Ok(Self { cancel: self.cancel.clone(), ..other })
    }

    /// Decompresses each value of a column.
    ///
    /// Takes every binary-like type; gives `LargeBinary`, `BinaryView` for views, an encoding of
    /// one of them, or with [`DecompressOptions::utf8`] the text type in its place.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedType`] for another type. [`Error::Row`] with the lowest failing row,
    /// unless [`OnError::Null`] makes such rows null. [`Error::OutOfMemory`];
    /// [`Error::Cancelled`].
    pub fn decompress_array(&self, array: &dyn Array) -> Result<ArrayRef> {
        Ok(self.decompress_array_with(array, None)?.array)
    }

    /// [`Self::decompress_array`] that also says which rows became null, and takes content sizes.
    ///
    /// Of a run-end encoded column the first row of each failed run is listed, since a run can be
    /// of any length.
    ///
    /// `sizes` has an entry a row: the content size, or null where it is not known. Frames that do
    /// not say their content size are decoded once instead of being measured first. A size is a
    /// promise, and is checked.
    ///
    /// # Errors
    ///
    /// As [`Self::decompress_array`]; [`Error::LengthMismatch`] if there are more or fewer sizes
    /// than rows; a broken promise is [`Error::Row`]. [`Error::Option`] for sizes of an encoded
    /// column.
    pub fn decompress_array_with(
        &self,
        array: &dyn Array,
        sizes: Option<&UInt64Array>,
    ) -> Result<Decompressed> {
        check_sizes(sizes, array.len())?;
        if let Some(encoded) = Encoded::of(array) {
            refuse_sizes(sizes)?;
            return self.decompress_encoded(&encoded);
        }
        let decoded = self.decompress_promised(&Rows::of(array, None)?, sizes)?;
        self.assemble(decoded, array)
    }

    /// Decompresses a chunked column as one; gives as many chunks, which share one allocation.
    ///
    /// # Errors
    ///
    /// As [`Self::decompress_array`]; chunks of different types are [`Error::UnsupportedType`].
    /// Rows are counted over all chunks.
    pub fn decompress_chunks(&self, chunks: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        Ok(self
            .decompress_chunks_with(chunks, None)?
            .into_iter()
            .map(|chunk| chunk.array)
            .collect())
    }

    /// [`Self::decompress_chunks`] that also says which rows became null, and takes content sizes:
    /// as [`Self::decompress_array_with`], with rows counted over all chunks.
    ///
    /// # Errors
    ///
    /// As [`Self::decompress_chunks`] and [`Self::decompress_array_with`].
    pub fn decompress_chunks_with(
        &self,
        chunks: &[ArrayRef],
        sizes: Option<&UInt64Array>,
    ) -> Result<Vec<Decompressed>> {
        check_chunks(chunks)?;
        check_sizes(sizes, chunks.iter().map(|chunk| chunk.len()).sum())?;
        let mut start = 0;
        if chunks.iter().any(|chunk| Encoded::of(chunk).is_some()) {
            refuse_sizes(sizes)?;
            let mut decompressed =
                by_chunk(chunks, |chunk| self.decompress_array_with(chunk, None))?;
            for (chunk, out) in chunks.iter().zip(&mut decompressed) {
                out.failures.iter_mut().for_each(|failure| failure.row += start);
                start += chunk.len();
            }
            return Ok(decompressed);
        }
        let Decoded { values, failures } =
            self.decompress_promised(&Rows::of_chunks(chunks)?, sizes)?;
        let mut failures = failures.into_iter().peekable();
        split_chunks(&values, chunks, |values, chunk| {
            let end = start + chunk.len();
            let mut here = Vec::new();
            while let Some(mut failure) = failures.next_if(|failure| failure.row < end) {
                failure.row -= start;
                here.push(failure);
            }
            let mut out = self
                .assemble(Decoded { values, failures: here }, chunk)
                .map_err(|error| error.shift_row(start))?;
            out.failures.iter_mut().for_each(|failure| failure.row += start);
            start = end;
            Ok(out)
        })
    }

    /// Decompresses each segment: gapless segments over one buffer.
    ///
    /// `sizes`, if given, has the content size of each segment, as a promise that is checked.
    ///
    /// # Errors
    ///
    /// As [`Self::decompress_array_with`]. [`Error::Option`] with [`OnError::Null`]: segments have
    /// no nulls.
    pub fn decompress_segments(
        &self,
        segments: &BufferWithSegments,
        sizes: Option<&[u64]>,
    ) -> Result<BufferWithSegments> {
        self.decompress_members(std::slice::from_ref(segments), sizes)
    }

    /// Decompresses each segment of a collection: gapless segments over one buffer.
    ///
    /// # Errors
    ///
    /// As [`Self::decompress_segments`].
    pub fn decompress_collection(
        &self,
        collection: &BufferWithSegmentsCollection,
        sizes: Option<&[u64]>,
    ) -> Result<BufferWithSegments> {
        self.decompress_members(collection.members(), sizes)
    }

    /// Decompresses each value: gapless segments over one buffer.
    ///
    /// `sizes`, if given, has the content size of each value that it is known of, as a promise that
    /// is checked.
    ///
    /// # Errors
    ///
    /// As [`Self::decompress_segments`].
    pub fn decompress_slices(
        &self,
        frames: &[&[u8]],
        sizes: Option<&[Option<u64>]>,
    ) -> Result<BufferWithSegments> {
        let size = |row: usize| sizes.and_then(|sizes| sizes[row]);
        self.decompress_whole(&Rows::of_slices(frames), sizes.map(|all| (all.len(), &size as _)))
    }

    /// Decompresses each value: gapless segments over one buffer, and with [`OnError::Null`] the rows
    /// that failed, whose segments are empty.
    ///
    /// # Errors
    ///
    /// As [`Self::decompress_array`].
    pub fn decompress_slices_with(
        &self,
        frames: &[&[u8]],
    ) -> Result<(BufferWithSegments, Vec<RowFailure>)> {
        let Decoded { values, failures } = self.decompress_rows(&Rows::of_slices(frames), None)?;
        Ok((values, failures))
    }

    fn decompress_members(
        &self,
        members: &[BufferWithSegments],
        sizes: Option<&[u64]>,
    ) -> Result<BufferWithSegments> {
        let size = |row: usize| sizes.map(|sizes| sizes[row]);
        self.decompress_whole(&Rows::of_segments(members), sizes.map(|all| (all.len(), &size as _)))
    }

    /// Rows of which none may fail, with as many sizes as are said to be there.
    fn decompress_whole(
        &self,
        rows: &Rows,
        sizes: Option<(usize, &Promised<'_>)>,
    ) -> Result<BufferWithSegments> {
        if self.inner.options.on_error == OnError::Null {
            let problem = "segments have no nulls: decompress an array instead".to_owned();
            return Err(Error::Option { name: "on_error", problem });
        }
        match sizes {
            Some((found, _)) if found != rows.len() => {
                Err(Error::LengthMismatch { what: "sizes", expected: rows.len(), found })
            }
            _ => Ok(self.decompress_rows(rows, sizes.map(|(_, size)| size))?.values),
        }
    }

    fn decompress_promised(&self, rows: &Rows, sizes: Option<&UInt64Array>) -> Result<Decoded> {
        let size =
            |row: usize| sizes.filter(|sizes| sizes.is_valid(row)).map(|sizes| sizes.value(row));
        self.decompress_rows(rows, sizes.map(|_| &size as &Promised<'_>))
    }

    fn decompress_rows(&self, rows: &Rows, sizes: Option<&Promised<'_>>) -> Result<Decoded> {
        let DecompressorInner { options, workers, contexts } = &*self.inner;
        let failures = Failures::new(options.on_error, self.cancel.clone());
        decompress::decompress(rows, sizes, options, failures, workers, contexts)
    }

    /// Decoded values as an array of the type that goes with `input`'s, with nulls where `input`
    /// has them and where rows failed.
    fn assemble(&self, decoded: Decoded, input: &dyn Array) -> Result<Decompressed> {
        let Decoded { values, failures } = decoded;
        let lost: Vec<usize> = failures.iter().map(|failure| failure.row).collect();
        let validity = match lost.is_empty() {
            true => input.nulls().cloned(),
            false => Some(without(input.nulls(), input.len(), &lost)),
        };
        let utf8 = self.inner.options.utf8;
        Ok(Decompressed { array: to_array(values, validity, input.data_type(), utf8)?, failures })
    }

    /// Decompresses what an encoded column stands for: each value once. What no row uses may
    /// fail, and is null then.
    fn decompress_encoded(&self, encoded: &Encoded) -> Result<Decompressed> {
        let values = encoded.values();
        let worked_on = NullBuffer::from(encoded.worked_on());
        // The lowest failing row need not be that of the lowest failing value: all failures have
        // to be known before one can be named.
        let listing = Self {
            inner: Arc::new(DecompressorInner {
                options: DecompressOptions {
                    on_error: OnError::Null,
                    ..self.inner.options.clone()
                },
                workers: self.inner.workers.clone(),
                contexts: self.inner.contexts.clone(),
            }),
            cancel: self.cancel.clone(),
        };
        let decoded = listing
            .decompress_rows(&Rows::of(values, Some(&worked_on))?, None)
            .map_err(|error| row_of_value(error, encoded))?;
        let validity = NullBuffer::union(values.nulls(), Some(&worked_on));
        let (validity, failures) = match decoded.failures.is_empty() {
            true => (validity, Vec::new()),
            false => {
                let lost: Vec<usize> = decoded.failures.iter().map(|failure| failure.row).collect();
                let validity = without(validity.as_ref(), values.len(), &lost);
                (Some(validity), failures_of_rows(encoded, &decoded.failures))
            }
        };
        if self.inner.options.on_error == OnError::Fail
            && let Some(RowFailure { row, error }) = failures.first().cloned()
        {
            return Err(Error::Row { row, error });
        }
        let utf8 = self.inner.options.utf8;
        let values = to_array(decoded.values, validity, values.data_type(), utf8)?;
        let lost: Vec<usize> = failures.iter().map(|failure| failure.row).collect();
        Ok(Decompressed { array: encoded.rewrap_without(values, &lost)?, failures })
    }
}

/// The failures of distinct values, said of the rows that stand for them: each row of a
/// dictionary-encoded column, the first row of each run of a run-end encoded one.
fn failures_of_rows(encoded: &Encoded, failures: &[RowFailure]) -> Vec<RowFailure> {
    let of_place = |place: usize| {
        // Failures are in order of their places.
        let at = failures.binary_search_by_key(&place, |failure| failure.row).ok()?;
        Some(failures[at].error.clone())
    };
    encoded
        .runs_from()
        .filter_map(|(row, place, _)| Some(RowFailure { row, error: of_place(place?)? }))
        .collect()
}

/// An error of a distinct value, said of the first row that stands for it.
fn row_of_value(error: Error, encoded: &Encoded) -> Error {
    let Error::Row { row: value, error } = error else { return error };
    match encoded.runs_from().find(|(_, place, _)| *place == Some(value)) {
        Some((row, ..)) => Error::Row { row, error },
        None => Error::Dictionary(format!("value {value}, which no row uses: {error}")),
    }
}

/// Whether there are as many sizes as rows.
fn check_sizes(sizes: Option<&UInt64Array>, expected: usize) -> Result<()> {
    match sizes.map(Array::len) {
        Some(found) if found != expected => {
            Err(Error::LengthMismatch { what: "sizes", expected, found })
        }
        _ => Ok(()),
    }
}

/// An encoded column has values and rows, and a size could be meant for either.
fn refuse_sizes(sizes: Option<&UInt64Array>) -> Result<()> {
    match sizes {
        None => Ok(()),
        Some(_) => {
            let problem = "an encoded column has values and rows, and takes no sizes";
            Err(Error::Option { name: "sizes", problem: problem.to_owned() })
        }
    }
}

/// Works on chunks one by one, counting rows over all of them.
pub(crate) fn by_chunk<T>(
    chunks: &[ArrayRef],
    mut work: impl FnMut(&dyn Array) -> Result<T>,
) -> Result<Vec<T>> {
    let mut start = 0;
    chunks
        .iter()
        .map(|chunk| {
            let done = work(chunk).map_err(|error| error.shift_row(start));
            start += chunk.len();
            done
        })
        .collect()
}

/// Cuts segments of a whole column into those of its chunks, without a copy.
fn split_chunks<T>(
    whole: &BufferWithSegments,
    chunks: &[ArrayRef],
    mut work: impl FnMut(BufferWithSegments, &dyn Array) -> Result<T>,
) -> Result<Vec<T>> {
    let mut start = 0;
    chunks
        .iter()
        .map(|chunk| {
            let here = whole.slice(start, chunk.len());
            start += chunk.len();
            work(here, chunk)
        })
        .collect()
}

impl Dictionary {
    /// Trains a dictionary of at most `size` bytes on the values of a column.
    ///
    /// A sample of the values is used, spread evenly over the column and bounded in memory:
    /// see [`Trainer`], which also takes a column in several parts. The same column gives the same
    /// dictionary.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedType`] if the column is not binary; [`Error::Dictionary`] if there are
    /// too few values to learn from (about ten, and several times `size` in bytes, is the least).
    pub fn train(column: &dyn Array, size: usize) -> Result<Self> {
        let mut trainer = Trainer::new(size);
        trainer.push(column)?;
        trainer.finish()
    }
}

impl Trainer {
    /// Samples the values of the column's next part. Nulls and empty values are passed over; of
    /// an encoded column each distinct value counts once.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedType`] if the column is not binary.
    pub fn push(&mut self, column: &dyn Array) -> Result<()> {
        let encoded = Encoded::of(column);
        let values: &dyn Array = encoded.as_ref().map_or(column, |encoded| encoded.values());
        let used: Option<NullBuffer> = encoded.as_ref().map(|encoded| encoded.used().into());
        let rows = Rows::of(values, used.as_ref())?;
        rows.iter().for_each(|(_, value)| self.push_value(value.unwrap_or_default()));
        Ok(())
    }
}
