//! Many items at once, as python-zstandard takes them: for the drop-in.
//!
//! What is different from the column functions is what that library does: the messages, the order in
//! which things are looked at, and that a size must be known before an item is decoded.

use std::sync::Arc;

use arrow_buffer::Buffer;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::codec::{
    CancelFlag, CompressOptions, Compressor, DecompressOptions, Dictionary, FirstFrame, Format,
    SearchParameters, Strategy, TrainOptions, decompress_first_frame, read_header, train,
    without_skippable,
};
use crate::error::{Error, ValueError};
use crate::python::buffers::{bytes_of, to_bytes};
use crate::python::codec::PyDictionary;
use crate::python::errors::zstd_error;
use crate::python::segments::{PyBufferWithSegments, PyBufferWithSegmentsCollection};
use crate::python::{foreign, prepared, work};
use crate::segments::{BufferWithSegments, BufferWithSegmentsCollection};

/// The largest window that libzstd takes unless it is told otherwise, in bytes.
const DEFAULT_MAX_WINDOW: u64 = 1 << 27;

/// What is worked on.
enum Items {
    /// A list's items: bytes that are held, or copies of what can be written to.
    List(Vec<Item>),
    One(BufferWithSegments),
    Collection(BufferWithSegmentsCollection),
}

enum Item {
    /// Cannot change; the reference keeps it alive.
    Bytes(Py<PyBytes>),
    Other(Buffer),
}

impl Items {
    /// `None` if the object is none of what is taken.
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if let Ok(buffer) = object.cast::<PyBufferWithSegments>() {
            return Ok(Some(Items::One(buffer.get().0.clone())));
        }
        if let Ok(collection) = object.cast::<PyBufferWithSegmentsCollection>() {
            return Ok(Some(Items::Collection(collection.get().0.clone())));
        }
        if let Ok(list) = object.cast::<PyList>() {
            let items = list.iter().enumerate().map(|(i, item)| Item::of(i, &item));
            return Ok(Some(Items::List(items.collect::<PyResult<_>>()?)));
        }
        Ok(foreign::segments_of(object)?.map(|collection| match collection.members() {
            [_] => Items::One(collection.into_members().remove(0)),
            _ => Items::Collection(collection),
        }))
    }

    /// The bytes of each item.
    fn into_slices(self, py: Python<'_>) -> Slices {
        let slices: Vec<&[u8]> = match &self {
            Items::List(items) => items.iter().map(|item| item.as_slice(py)).collect(),
            Items::One(buffer) => (0..buffer.len()).map(|i| buffer.value(i)).collect(),
            Items::Collection(collection) => {
                collection.iter().map(|segment| segment.as_slice()).collect()
            }
        };
        // SAFETY: only the lifetimes change, which `Slices` takes back. The bytes are those of
        // `bytes` objects and buffers that `self` holds: they do not move with it, and nobody
        // writes to them.
        let slices = unsafe { std::mem::transmute::<Vec<&[u8]>, Vec<&'static [u8]>>(slices) };
        Slices { slices, _held: self }
    }
}

/// The bytes of items, with what keeps them alive: to be handed to another thread.
struct Slices {
    /// For as long as `_held` is.
    slices: Vec<&'static [u8]>,
    _held: Items,
}

impl Slices {
    fn get(&self) -> &[&[u8]] {
        &self.slices
    }
}

impl Item {
    fn of(i: usize, object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            return Ok(Item::Bytes(bytes.clone().unbind()));
        }
        let not_bytes = |_| PyTypeError::new_err(format!("item {i} not a bytes like object"));
        bytes_of(object).map(Item::Other).map_err(not_bytes)
    }

    fn as_slice<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match self {
            Item::Bytes(bytes) => bytes.as_bytes(py),
            Item::Other(bytes) => bytes,
        }
    }
}

/// python-zstandard's number of threads: none or one is this one, less than none is all there are.
fn threads_for(threads: i32, items: usize) -> usize {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    match threads {
        ..0 => all.min(items).max(1),
        0 | 1 => 1,
        // More than there are cores would only wait for each other.
        more => (more as usize).min(items).min(all).max(1),
    }
}

/// The options of a dictionary of python-zstandard's parameters, in which 0 is "left to libzstd".
fn compress_options(
    parameters: &Bound<'_, PyDict>,
    dictionary: Option<&Bound<'_, PyDictionary>>,
    digest: Option<[u32; 7]>,
) -> PyResult<CompressOptions> {
    let number = |name: &str| -> PyResult<i64> {
        match parameters.get_item(name)? {
            Some(value) => value.extract(),
            None => Err(PyValueError::new_err(format!("parameter {name} is missing"))),
        }
    };
    let given = |name: &str| -> PyResult<Option<u32>> {
        let value = number(name)?;
        let value = u32::try_from(value)
            .map_err(|_| PyValueError::new_err(format!("parameter {name} is {value}")))?;
        Ok(Some(value).filter(|value| *value > 0))
    };
    let on = |name: &str| -> PyResult<bool> { Ok(number(name)? != 0) };
    let too_large = |_| PyValueError::new_err("compression_level is too large");
    Ok(CompressOptions {
        level: i32::try_from(number("compression_level")?).map_err(too_large)?,
        format: format(on("format")?),
        window_log: given("window_log")?,
        hash_log: given("hash_log")?,
        chain_log: given("chain_log")?,
        search_log: given("search_log")?,
        min_match: given("min_match")?,
        target_length: given("target_length")?,
        strategy: given("strategy")?.map(Strategy::try_from).transpose()?,
        content_size: on("write_content_size")?,
        checksum: on("write_checksum")?,
        dictionary_id: on("write_dict_id")?,
        workers: given("threads")?,
        job_size: given("job_size")?,
        overlap_log: given("overlap_log")?,
        force_max_window: on("force_max_window")?,
        long_distance: given("enable_ldm")?.map(|switch| switch == 1),
        ldm_hash_log: given("ldm_hash_log")?,
        ldm_min_match: given("ldm_min_match")?,
        ldm_bucket_size_log: given("ldm_bucket_size_log")?,
        ldm_hash_rate_log: given("ldm_hash_rate_log")?,
        dictionary: dictionary.map(|dictionary| dictionary.get().0.clone()),
        digest: digest.map(SearchParameters::from),
        ..CompressOptions::default()
    })
}

fn format(magicless: bool) -> Format {
    if magicless { Format::Magicless } else { Format::Zstd }
}

/// What libzstd said of a value that it could not compress, behind python-zstandard's words.
fn compress_error(error: Error, words: impl Fn(usize) -> String) -> PyErr {
    match error {
        Error::Row { row, error: ValueError::Compress(text) } => {
            zstd_error(format!("{}: {text}", words(row)), Some(row))
        }
        error => error.into(),
    }
}

/// The parameters that libzstd makes of a level.
#[pyfunction]
pub(super) fn parameters_of_level(
    level: i32,
    source_size: u64,
    dict_size: usize,
) -> (u32, u32, u32, u32, u32, u32, u32) {
    <[u32; 7]>::from(SearchParameters::of_level(level, source_size, dict_size)).into()
}

/// What a context with these parameters takes, in bytes.
#[pyfunction]
pub(super) fn estimate_context_size(parameters: &Bound<'_, PyDict>) -> PyResult<usize> {
    let options = compress_options(parameters, None, None)?;
    options.context_size().map_err(|error| match error {
        Error::Option { name: "workers", problem } => {
            zstd_error(format!("cannot estimate a context with threads: {problem}"), None)
        }
        error => error.into(),
    })
}

#[pyfunction]
#[pyo3(signature = (
    dict_size, samples, *, k, d, f, split_point, accel, notifications, dict_id, level, steps, threads
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments")]
pub(super) fn train_on_items<'py>(
    py: Python<'py>,
    dict_size: usize,
    samples: &Bound<'py, PyList>,
    k: u32,
    d: u32,
    f: u32,
    split_point: f64,
    accel: u32,
    notifications: u32,
    dict_id: u32,
    level: i32,
    steps: u32,
    threads: u32,
) -> PyResult<(Bound<'py, PyBytes>, u32, u32)> {
    let (mut bytes, mut sizes) = (Vec::new(), Vec::with_capacity(samples.len()));
    for sample in samples {
        let Ok(sample) = sample.cast::<PyBytes>() else {
            return Err(PyValueError::new_err("samples must be bytes"));
        };
        bytes.extend_from_slice(sample.as_bytes());
        sizes.push(sample.as_bytes().len());
    }
    let options = TrainOptions {
        size: dict_size,
        level,
        dictionary_id: dict_id,
        k,
        d,
        f,
        steps,
        split_point,
        accel,
        threads,
        verbosity: notifications,
    };
    let weight = bytes.len();
    let trained =
        work::run(py, weight, &CancelFlag::new(), move || train(&bytes, &sizes, &options))?;
    match trained {
        Ok(trained) => Ok((to_bytes(py, &trained.bytes), trained.k, trained.d)),
        Err(Error::Training { reason, .. }) => {
            Err(zstd_error(format!("cannot train dict: {reason}"), None))
        }
        Err(error) => Err(error.into()),
    }
}

/// A compressor of items, made once of python-zstandard's parameters.
#[pyclass(module = "zstd_arrow", name = "ItemCompressor", frozen)]
pub(super) struct ItemCompressor {
    options: CompressOptions,
    /// The one that works on the caller's thread.
    single: Compressor,
}

#[pymethods]
impl ItemCompressor {
    #[new]
    #[pyo3(signature = (parameters, dictionary = None, digest = None))]
    fn new(
        parameters: &Bound<'_, PyDict>,
        dictionary: Option<&Bound<'_, PyDictionary>>,
        digest: Option<[u32; 7]>,
    ) -> PyResult<Self> {
        let options = compress_options(parameters, dictionary, digest)?;
        let single = Compressor::with_options(CompressOptions { threads: 1, ..options.clone() })?;
        Ok(Self { options, single })
    }

    fn compress<'py>(
        &self,
        py: Python<'py>,
        data: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let data = bytes_of(data)?;
        let cancel = CancelFlag::new();
        let compressor = self.single.with_cancel(cancel.clone());
        let frame =
            work::run(py, data.len(), &cancel, move || compressor.compress_slices(&[&data]))?;
        let words = |_| "cannot compress".to_owned();
        Ok(to_bytes(py, frame.map_err(|error| compress_error(error, words))?.as_slice()))
    }

    fn compress_items(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        threads: i32,
    ) -> PyResult<PyBufferWithSegmentsCollection> {
        let Some(items) = Items::of(data)? else {
            return Err(PyTypeError::new_err("argument must be list of BufferWithSegments"));
        };
        let items = items.into_slices(py);
        if items.get().is_empty() {
            return Err(PyValueError::new_err("no source elements found"));
        }
        let bytes = items.get().iter().map(|item| item.len()).sum();
        if bytes == 0 {
            return Err(PyValueError::new_err("source elements are empty"));
        }
        let cancel = CancelFlag::new();
        let compressor = match threads_for(threads, items.get().len()) {
            1 => self.single.clone(),
            threads => prepared::compressor(CompressOptions { threads, ..self.options.clone() })?,
        };
        let compressor = compressor.with_cancel(cancel.clone());
        let frames =
            work::run(py, bytes, &cancel, move || compressor.compress_slices(items.get()))?;
        let words = |row| format!("error compressing item {row}");
        let frames = frames.map_err(|error| compress_error(error, words))?;
        Ok(PyBufferWithSegmentsCollection(frames.into()))
    }
}

#[pyfunction]
pub(super) fn decompress_item<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    dictionary: Option<&Bound<'py, PyDictionary>>,
    max_output_size: i64,
    allow_extra_data: bool,
    magicless: bool,
    max_window_size: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    let failed = |text: String| Err(zstd_error(text, None));
    let format = format(magicless);
    let data = bytes_of(data)?;
    let frame = without_skippable(&data, format);
    if frame.is_empty() && !data.is_empty() {
        return Ok(to_bytes(py, &[]));
    }
    let Ok(header) = read_header(frame, format) else {
        return failed("error determining content size from frame header".to_owned());
    };
    let size = match (header.content_size, u64::try_from(max_output_size)) {
        (Some(size), _) => size,
        (None, Ok(1..)) => max_output_size.unsigned_abs(),
        (None, Ok(_)) => {
            return failed("could not determine content size in frame header".to_owned());
        }
        (None, Err(_)) => {
            return Err(PyValueError::new_err("max_output_size must not be negative"));
        }
    };
    if size > isize::MAX as u64 {
        return failed("frame is too large to decompress on this platform".to_owned());
    }
    let dictionary = dictionary.map(|dictionary| dictionary.get().0.clone());
    let window = Some(max_window_size).filter(|bytes| *bytes > 0);
    let (frame_size, frame) = (frame.len(), data.slice(data.len() - frame.len()));
    let done = work::run(py, frame_size, &CancelFlag::new(), move || {
        decompress_first_frame(&frame, size, dictionary.as_ref(), format, window)
    })??;
    let FirstFrame { content, read, .. } = &done;
    if let Some(text) = done.refused {
        return failed(format!("decompression error: {text}"));
    }
    if !done.finished {
        return failed("decompression error: did not decompress full frame".to_owned());
    }
    if header.content_size.is_some_and(|size| size != content.len() as u64) {
        let found = content.len();
        return failed(format!("decompression error: decompressed {found} bytes; expected {size}"));
    }
    let unused = frame_size - read;
    if unused > 0 && !allow_extra_data {
        return failed(format!(
            "compressed input contains {unused} bytes of unused data, which is disallowed"
        ));
    }
    Ok(to_bytes(py, content))
}

#[pyfunction]
pub(super) fn decompress_items(
    py: Python<'_>,
    frames: &Bound<'_, PyAny>,
    sizes: Option<&Bound<'_, PyAny>>,
    dictionary: Option<&Bound<'_, PyDictionary>>,
    magicless: bool,
    max_window_size: usize,
    threads: i32,
) -> PyResult<PyBufferWithSegmentsCollection> {
    let sizes = sizes.map(bytes_of).transpose()?;
    if let (Some(sizes), Ok(list)) = (&sizes, frames.cast::<PyList>()) {
        // Before an item is looked at.
        check_sizes(sizes, list.len(), ",")?;
    }
    let Some(items) = Items::of(frames)? else {
        return Err(PyTypeError::new_err("argument must be list or BufferWithSegments"));
    };
    let separator = if matches!(items, Items::Collection(_)) { ";" } else { "," };
    let slices = Arc::new(items.into_slices(py));
    let items = slices.get();
    if let Some(sizes) = &sizes {
        check_sizes(sizes, items.len(), separator)?;
    }
    // A size of 0 says nothing.
    let entries = sizes.iter().flat_map(|sizes| sizes.as_chunks().0);
    let given: Vec<Option<u64>> =
        entries.map(|entry| Some(u64::from_ne_bytes(*entry)).filter(|size| *size > 0)).collect();
    let dictionary = dictionary.map(|dictionary| dictionary.get().0.clone());
    let format = format(magicless);
    let plan = Plan { format, max_window_size, dictionary: dictionary.as_ref() };
    let end = plan.end(items, &given)?;

    let options = DecompressOptions {
        dictionaries: dictionary.iter().cloned().collect(),
        format,
        threads: threads_for(threads, items.len()),
        ..DecompressOptions::default()
    };
    let cancel = CancelFlag::new();
    let decompressor = prepared::decompressor(options)?.with_cancel(cancel.clone());
    let bytes = items.iter().map(|item| item.len()).sum();
    let (theirs, promised) = (slices.clone(), sizes.is_some().then(|| given[..end].to_vec()));
    let values = work::run(py, bytes, &cancel, move || {
        decompressor.decompress_slices(&theirs.get()[..end], promised.as_deref())
    })?;
    let size = |i: usize| given.get(i).copied().flatten();
    match values {
        Err(Error::Row { row, error }) if !matches!(error, ValueError::OutOfMemory { .. }) => {
            Err(plan.say(row, items[row], size(row), Some(&error)))
        }
        Err(error) => Err(error.into()),
        Ok(_) if end < items.len() => Err(plan.say(end, items[end], size(end), None)),
        Ok(values) => Ok(PyBufferWithSegmentsCollection(values.into())),
    }
}

fn check_sizes(sizes: &Buffer, items: usize, separator: &str) -> PyResult<()> {
    let (expected, got) = (items * size_of::<u64>(), sizes.len());
    if expected == got {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "decompressed_sizes size mismatch; expected {expected}{separator} got {got}"
    )))
}

/// How a batch of frames is read.
struct Plan<'a> {
    format: Format,
    max_window_size: usize,
    dictionary: Option<&'a Dictionary>,
}

impl Plan<'_> {
    /// One above the last item to decode: all of them, unless one needs too large a window. Each must
    /// have a size, given or in its header.
    fn end(&self, items: &[&[u8]], given: &[Option<u64>]) -> PyResult<usize> {
        let limit = match self.max_window_size {
            0 => DEFAULT_MAX_WINDOW,
            bytes => bytes as u64,
        };
        let mut end = items.len();
        for (i, item) in items.iter().enumerate() {
            let frame = without_skippable(item, self.format);
            if frame.is_empty() && !item.is_empty() {
                continue;
            }
            let header = read_header(frame, self.format).ok();
            let content_size = header.and_then(|header| header.content_size);
            if content_size.is_none() && given.get(i).copied().flatten().is_none() {
                return Err(PyValueError::new_err(format!(
                    "could not determine decompressed size of item {i}"
                )));
            }
            if content_size.is_none() && header.is_some_and(|header| header.window_size > limit) {
                end = end.min(i);
            }
        }
        Ok(end)
    }

    /// What python-zstandard says of an item that does not decode: libzstd's words, or how much came
    /// out. What that library does not mind (bytes behind the first frame) is said in ours.
    fn say(&self, i: usize, item: &[u8], given: Option<u64>, ours: Option<&ValueError>) -> PyErr {
        let frame = without_skippable(item, self.format);
        let claimed = read_header(frame, self.format).ok().and_then(|header| header.content_size);
        let size = given.or(claimed).unwrap_or(0);
        let window = Some(self.max_window_size).filter(|bytes| *bytes > 0);
        let second = decompress_first_frame(frame, size, self.dictionary, self.format, window);
        let text = match (second, ours) {
            (Err(error), _) => return error.into(),
            // A claim that the blocks cannot hold: as large a memory as it says is not taken, so
            // there is no second look that says the same.
            (_, Some(error @ ValueError::ContentSizeClaim { .. })) => error.to_string(),
            (Ok(FirstFrame { refused: Some(text), .. }), _) => text.to_owned(),
            (Ok(FirstFrame { content, finished, .. }), ours) => match ours {
                Some(error) if finished && content.len() as u64 == size => error.to_string(),
                _ => format!("decompressed {} bytes; expected {size}", content.len()),
            },
        };
        zstd_error(format!("error decompressing item {i}: {text}"), Some(i))
    }
}
