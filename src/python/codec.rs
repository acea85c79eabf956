//! Columns through zstd.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, UInt64Array};
use arrow_schema::DataType;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PySequence};

use crate::codec::{
    self, CancelFlag, CompressOptions, DEFAULT_DICTIONARY_SIZE, DEFAULT_LEVEL, Decoder,
    DecompressOptions, Dictionary, Format, OnError, RowFailure, TrainOptions, Trainer,
};
use crate::error::Error;
use crate::python::buffers::{bytes_of, to_bytes};
use crate::python::calls::{attribute_opt, call};
use crate::python::capsules::Capsules;
use crate::python::column::Column;
use crate::python::errors::zstd_error;
use crate::python::{prepared, work};

/// A zstd dictionary: trained, or raw content.
///
/// Digested once, and then shared by all calls and threads. Equal and of equal hash if its bytes and
/// its kind are; can be pickled; ``len`` and ``bytes`` give its bytes.
///
/// Parameters
/// ----------
/// data : bytes-like
///     A trained dictionary (it begins with 37 a4 30 ec), or any bytes as raw content.
/// raw_content : bool
///     Whether the bytes are raw content whatever they begin with.
///
/// Raises
/// ------
/// TypeError
///     `data` is not bytes-like.
/// ValueError
///     There are no bytes, or they begin as a trained dictionary does and are none.
///
/// Examples
/// --------
/// >>> import zstd_arrow as za
/// >>> dictionary = za.Dictionary(b"what the values have in common")
/// >>> dictionary
/// Dictionary(id=0, 30 bytes)
#[pyclass(module = "zstd_arrow", name = "Dictionary", frozen, eq, hash)]
#[derive(PartialEq, Eq)]
pub(super) struct PyDictionary(pub(super) Dictionary);

impl std::hash::Hash for PyDictionary {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.as_bytes().hash(state);
    }
}

#[pymethods]
impl PyDictionary {
    #[new]
    #[pyo3(signature = (data, *, raw_content = false))]
    fn new(data: &Bound<'_, PyAny>, raw_content: bool) -> PyResult<Self> {
        let bytes = bytes_of(data)?.to_vec();
        let dictionary = match raw_content {
            true => Dictionary::raw_content(bytes),
            false => Dictionary::from_bytes(bytes),
        };
        dictionary.map(Self).map_err(dictionary_error)
    }

    /// The id that frames made with it carry; 0 for raw content, which has none.
    #[getter]
    fn id(&self) -> u32 {
        self.0.id()
    }

    fn __len__(&self) -> usize {
        self.0.as_bytes().len()
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        to_bytes(py, self.0.as_bytes())
    }

    fn __repr__(&self) -> String {
        format!("Dictionary(id={}, {} bytes)", self.0.id(), self.0.as_bytes().len())
    }

    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<((Bound<'py, PyBytes>,), Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        keywords.set_item("raw_content", self.0.is_raw_content())?;
        Ok(((self.__bytes__(py),), keywords))
    }
}

/// Bytes that are no dictionary are a wrong argument.
pub(super) fn dictionary_error(error: Error) -> PyErr {
    match error {
        Error::Dictionary(_) | Error::Training { .. } => PyValueError::new_err(error.to_string()),
        error => error.into(),
    }
}

/// A dictionary argument: a `Dictionary`, or its bytes.
pub(super) struct AnyDictionary(pub(super) Dictionary);

impl<'py> FromPyObject<'_, 'py> for AnyDictionary {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(dictionary) = object.cast::<PyDictionary>() {
            return Ok(Self(dictionary.get().0.clone()));
        }
        // A dictionary of python-zstandard, or of the drop-in.
        let py = object.py();
        let bytes = match attribute_opt(&object, intern!(py, "as_bytes"))? {
            Some(give) => bytes_of(&call(&give, ())?)?,
            None => bytes_of(&object).map_err(|_| {
                PyTypeError::new_err("a dictionary is a zstd_arrow.Dictionary or its bytes")
            })?,
        };
        // The drop-in's says how it is to be read.
        let raw = attribute_opt(&object, intern!(py, "_dict_type"))?
            .is_some_and(|kind| kind.eq(RAW_CONTENT).unwrap_or(false));
        let dictionary = match raw {
            true => Dictionary::raw_content(bytes.to_vec()),
            false => Dictionary::from_bytes(bytes.to_vec()),
        };
        dictionary.map(Self).map_err(dictionary_error)
    }
}

// The signatures below say these as numbers, for Python to show them.
const _: () = assert!(DEFAULT_DICTIONARY_SIZE == 112_640 && DEFAULT_LEVEL == 3);

/// python-zstandard's `DICT_TYPE_RAWCONTENT`.
const RAW_CONTENT: u8 = 1;

/// One dictionary or several.
pub(super) fn dictionaries(argument: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Dictionary>> {
    let Some(argument) = argument else { return Ok(Vec::new()) };
    let several = argument.cast::<PySequence>().ok().filter(|_| !is_bytes_like(argument));
    match several {
        Some(all) => all.try_iter()?.map(|one| Ok(one?.extract::<AnyDictionary>()?.0)).collect(),
        None => Ok(vec![argument.extract::<AnyDictionary>()?.0]),
    }
}

fn is_bytes_like(object: &Bound<'_, PyAny>) -> bool {
    pyo3::buffer::PyUntypedBuffer::get(object).is_ok()
}

/// A number of threads as the codec counts them: none said is all there are.
pub(super) fn threads(argument: Option<isize>) -> PyResult<usize> {
    let problem =
        |threads| format!("threads is a positive number or None for all cores, not {threads}");
    match argument {
        None => Ok(0),
        Some(threads @ 1..) => Ok(threads.unsigned_abs()),
        Some(threads) => Err(PyValueError::new_err(problem(threads))),
    }
}

/// Compresses each value of a column to one zstd frame.
///
/// Parameters
/// ----------
/// column : Arrow column
///     Binary or text, in any layout, also dictionary or run-end encoded. Nulls stay null.
/// level : int
///     Of libzstd: -131072 to 22; 0 is its default, 3.
/// dictionary : Dictionary or bytes-like, optional
///     What the frames are made with, and will need. python-zstandard's ``ZstdCompressionDict`` is
///     taken too.
/// checksum : bool
///     Whether each frame ends with a checksum of its content, 4 bytes.
/// content_size : bool
///     Whether each frame says its content's size, which makes decompression faster.
/// dict_id : bool
///     Whether each frame says its dictionary's id.
/// threads : int, optional
///     None: all cores. 1: the caller's thread. The frames are the same for any number.
///
/// Returns
/// -------
/// column of frames
///     As many rows; of the package that the column is of (pyarrow, Polars, pandas, else arro3), chunked
///     as it is. LargeBinary, BinaryView for views, encoded if the column is.
///
/// Raises
/// ------
/// TypeError, ValueError
///     The column is not of binary or text; an option is outside its range.
///
/// Examples
/// --------
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> frames = za.compress(pa.array(["a value", None, "another value"]), checksum=True)
/// >>> frames.type, frames.null_count
/// (DataType(large_binary), 1)
#[pyfunction]
#[pyo3(signature = (
    column, *, level = 3, dictionary = None, checksum = false, content_size = true,
    dict_id = true, threads = None
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments")]
pub(super) fn compress<'py>(
    py: Python<'py>,
    column: Column,
    level: i32,
    dictionary: Option<AnyDictionary>,
    checksum: bool,
    content_size: bool,
    dict_id: bool,
    threads: Option<isize>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = CompressOptions {
        level,
        dictionary: dictionary.map(|dictionary| dictionary.0),
        checksum,
        content_size,
        dictionary_id: dict_id,
        threads: self::threads(threads)?,
        ..CompressOptions::default()
    };
    let cancel = CancelFlag::new();
    let compressor = prepared::compressor(options)?.with_cancel(cancel.clone());
    let Column { values, origin } = column;
    let (chunks, data_type) = work::run(py, values.weight(), &cancel, move || {
        values.map_chunks(|chunks| compressor.compress_chunks(chunks))
    })??;
    origin.wrap(py, chunks, data_type)
}

/// Decompresses each value of a column: all frames in it, one after the other.
///
/// Parameters
/// ----------
/// column : Arrow column
///     Binary, in any layout, also dictionary or run-end encoded. Nulls stay null.
/// dictionary : Dictionary or bytes-like, or a sequence of them, optional
///     Of several, each frame takes the one with its id; a frame without an id, one of raw content.
/// utf8 : bool
///     Gives text, each value checked to be UTF-8.
/// on_error : "raise" or "null"
///     What becomes of a bad row: an error that names the first one, or a null.
/// failed : list, optional
///     Gets a ZstdError, with its ``row``, for each row that became null.
/// sizes : Arrow column or sequence of int, optional
///     Bytes of each value, None where not known: for frames that do not say. Held against the content.
/// max_value_size, max_output_size : int, optional
///     The most bytes of one value (a larger one is a bad row) and of all (always an error).
/// threads : int, optional
///     None: all cores. 1: the caller's thread.
/// decoder : "auto", "libzstd" or "batch"
///     What decodes frames, to the same values and errors: libzstd alone, this package's decoder for
///     many small frames of one dictionary with libzstd for all others, or what is quickest.
///
/// Returns
/// -------
/// column of values
///     As `compress` gives it: LargeBinary or LargeUtf8, BinaryView or Utf8View for views.
///
/// Raises
/// ------
/// ZstdError
///     A row holds no frames, or damaged ones; ``row`` says which.
/// TypeError, ValueError
///     The column is not binary; an option is outside its range.
///
/// Examples
/// --------
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> frames = za.compress(pa.array(["a value", None]))
/// >>> za.decompress(frames, utf8=True).to_pylist()
/// ['a value', None]
#[pyfunction]
#[pyo3(signature = (
    column, *, dictionary = None, utf8 = false, on_error = "raise", failed = None, sizes = None,
    max_value_size = None, max_output_size = None, threads = None, decoder = "auto"
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments")]
pub(super) fn decompress<'py>(
    py: Python<'py>,
    column: Column,
    dictionary: Option<&Bound<'py, PyAny>>,
    utf8: bool,
    on_error: &str,
    failed: Option<&Bound<'py, PyList>>,
    sizes: Option<Sizes>,
    max_value_size: Option<u64>,
    max_output_size: Option<u64>,
    threads: Option<isize>,
    decoder: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let options = DecompressOptions {
        dictionaries: dictionaries(dictionary)?,
        utf8,
        on_error: parse_on_error(on_error)?,
        max_value_size,
        max_output_size,
        threads: self::threads(threads)?,
        decoder: parse_decoder(decoder)?,
        ..DecompressOptions::default()
    };
    let cancel = CancelFlag::new();
    let decompressor = prepared::decompressor(options)?.with_cancel(cancel.clone());
    let sizes = sizes.map(|sizes| sizes.0);
    let Column { values, origin } = column;
    let (done, failures) = work::run(py, values.weight(), &cancel, move || {
        let mut failures: Vec<RowFailure> = Vec::new();
        let done = values.map_chunks(|chunks| {
            let done = decompressor.decompress_chunks_with(chunks, sizes.as_ref())?.into_iter();
            Ok(done
                .map(|chunk| {
                    failures.extend(chunk.failures);
                    chunk.array
                })
                .collect())
        });
        (done, failures)
    })?;
    let (chunks, data_type) = done?;
    if let Some(failed) = failed {
        for RowFailure { row, error } in failures {
            let error = zstd_error(Error::Row { row, error }.to_string(), Some(row));
            failed.append(error.into_value(py))?;
        }
    }
    origin.wrap(py, chunks, data_type)
}

pub(super) fn parse_on_error(word: &str) -> PyResult<OnError> {
    match word {
        "raise" => Ok(OnError::Fail),
        "null" => Ok(OnError::Null),
        other => {
            Err(PyValueError::new_err(format!("on_error is \"raise\" or \"null\", not {other:?}")))
        }
    }
}

pub(super) fn parse_decoder(word: &str) -> PyResult<Decoder> {
    match word {
        "auto" => Ok(Decoder::Auto),
        "libzstd" => Ok(Decoder::Libzstd),
        "batch" => Ok(Decoder::Batch),
        other => Err(PyValueError::new_err(format!(
            "decoder is \"auto\", \"libzstd\" or \"batch\", not {other:?}"
        ))),
    }
}

/// Content sizes, an entry a row: an Arrow column of integers, or a sequence of `int` and `None`.
pub(super) struct Sizes(UInt64Array);

impl<'py> FromPyObject<'_, 'py> for Sizes {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let Some(capsules) = Capsules::of(&object)? else {
            let sizes: Vec<Option<u64>> = object.extract().map_err(|_| {
                PyTypeError::new_err("sizes is an Arrow column of integers, or a sequence of int")
            })?;
            return Ok(Self(sizes.into()));
        };
        let (chunks, _) = capsules.into_chunks()?;
        let mut sizes = Vec::with_capacity(chunks.iter().map(|chunk| chunk.len()).sum());
        for chunk in &chunks {
            extend_sizes(&mut sizes, chunk)?;
        }
        Ok(Self(sizes.into()))
    }
}

fn extend_sizes(sizes: &mut Vec<Option<u64>>, chunk: &ArrayRef) -> PyResult<()> {
    fn extend<T: ArrowPrimitiveType>(sizes: &mut Vec<Option<u64>>, chunk: &ArrayRef) -> PyResult<()>
    where
        T::Native: TryInto<u64>,
    {
        for size in chunk.as_primitive::<T>() {
            let size = size.map(TryInto::try_into).transpose();
            sizes.push(size.map_err(|_| PyValueError::new_err("a size is negative"))?);
        }
        Ok(())
    }
    match chunk.data_type() {
        DataType::UInt64 => extend::<UInt64Type>(sizes, chunk),
        DataType::UInt32 => extend::<UInt32Type>(sizes, chunk),
        DataType::UInt16 => extend::<UInt16Type>(sizes, chunk),
        DataType::UInt8 => extend::<UInt8Type>(sizes, chunk),
        DataType::Int64 => extend::<Int64Type>(sizes, chunk),
        DataType::Int32 => extend::<Int32Type>(sizes, chunk),
        DataType::Int16 => extend::<Int16Type>(sizes, chunk),
        DataType::Int8 => extend::<Int8Type>(sizes, chunk),
        other => Err(PyTypeError::new_err(format!("sizes are integers, not {other}"))),
    }
}

/// The content size of each row, from the frame headers alone.
///
/// Parameters
/// ----------
/// column : Arrow column
///     Binary, in any layout.
///
/// Returns
/// -------
/// column of UInt64
///     Bytes; null for a null, and for a value with a frame that does not say its size. A size is the
///     header's claim, held against what the frame's blocks can hold.
///
/// Raises
/// ------
/// ZstdError
///     A row is not made of frames; ``row`` says which.
/// TypeError
///     The column is not binary.
///
/// Examples
/// --------
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> za.decompressed_size(za.compress(pa.array([b"four", b"", None]))).to_pylist()
/// [4, 0, None]
#[pyfunction]
pub(super) fn decompressed_size<'py>(
    py: Python<'py>,
    column: Column,
) -> PyResult<Bound<'py, PyAny>> {
    from_headers(py, column, |chunk| Ok(Arc::new(codec::decompressed_size(chunk, Format::Zstd)?)))
}

/// What the frames of each row say of themselves; nothing is decoded.
///
/// Parameters
/// ----------
/// column : Arrow column
///     Binary, in any layout.
///
/// Returns
/// -------
/// column of structs
///     ``content_size`` (UInt64: bytes; null if a frame does not say), ``compressed_size`` (UInt64:
///     bytes of the value), ``window_size`` (UInt64: the largest, in bytes), ``dictionary_id`` (UInt32:
///     the first one; null if there is none), ``checksum`` (Boolean: whether each frame has one),
///     ``frames`` (UInt32: how many, skippable ones not counted). Null for a null.
///
/// Raises
/// ------
/// ZstdError
///     A row is not made of frames; ``row`` says which.
/// TypeError
///     The column is not binary.
///
/// Examples
/// --------
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> za.frame_info(za.compress(pa.array([b"four"]))).field("frames").to_pylist()
/// [1]
#[pyfunction]
pub(super) fn frame_info<'py>(py: Python<'py>, column: Column) -> PyResult<Bound<'py, PyAny>> {
    from_headers(py, column, |chunk| Ok(Arc::new(codec::frame_info(chunk, Format::Zstd)?)))
}

/// What the headers of each chunk say.
fn from_headers<'py>(
    py: Python<'py>,
    column: Column,
    read: impl Fn(&dyn Array) -> Result<ArrayRef, Error> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let Column { values, origin } = column;
    let (chunks, data_type) = work::run(py, values.weight(), &CancelFlag::new(), move || {
        values.map_chunks(|chunks| codec::by_chunk(chunks, read))
    })??;
    origin.wrap(py, chunks, data_type)
}

/// Trains a dictionary on a column: what its values have in common.
///
/// Parameters
/// ----------
/// column : Arrow column
///     Binary or text, in any layout. A sample of it is trained on: 100 bytes for each byte of
///     dictionary, 4 MiB at least.
/// size : int
///     The most bytes of the dictionary, 256 or more.
/// level : int
///     The level that the dictionary is meant for.
///
/// Returns
/// -------
/// Dictionary
///     The same one for the same column.
///
/// Raises
/// ------
/// TypeError
///     The column is not of binary or text.
/// ValueError
///     There is too little to learn from, or `size` is too small.
///
/// Examples
/// --------
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> events = pa.array([f'{{"user": {i * 31}, "kind": "view"}}' for i in range(2000)])
/// >>> dictionary = za.train_dictionary(events, size=1024)
/// >>> frames = za.compress(events, dictionary=dictionary)
/// >>> za.decompress(frames, dictionary=dictionary, utf8=True)[7].as_py()
/// '{"user": 217, "kind": "view"}'
#[pyfunction]
#[pyo3(signature = (column, size = 112_640, level = 3))]
pub(super) fn train_dictionary(
    py: Python<'_>,
    column: Column,
    size: usize,
    level: i32,
) -> PyResult<PyDictionary> {
    let mut trainer =
        Trainer::with_options(TrainOptions { size, level, ..TrainOptions::default() });
    let values = column.values;
    let trained = work::run(py, values.weight(), &CancelFlag::new(), move || {
        values.chunks.iter().try_for_each(|chunk| trainer.push(chunk))?;
        trainer.finish()
    })?;
    trained.map(PyDictionary).map_err(dictionary_error)
}

/// Bytes of output memory that wait for the next call.
///
/// Large results lie in memory that is kept when they are dropped, up to a limit: the next call takes
/// it instead of asking the system for more, which costs about as much as decompressing.
///
/// Returns
/// -------
/// int
///
/// Examples
/// --------
/// >>> import zstd_arrow as za
/// >>> za.set_idle_limit(0)
/// >>> za.idle_memory()
/// 0
/// >>> za.set_idle_limit(256 << 20)
#[pyfunction]
pub(super) fn idle_memory() -> usize {
    codec::idle_memory()
}

/// The most bytes of output memory that wait for the next call: 256 MiB at first, 0 keeps none.
///
/// What is over the limit is given back to the system.
///
/// Parameters
/// ----------
/// bytes : int
///
/// Raises
/// ------
/// OverflowError
///     `bytes` is negative or beyond 64 bits.
///
/// Examples
/// --------
/// See `idle_memory`.
#[pyfunction]
pub(super) fn set_idle_limit(bytes: usize) {
    codec::set_idle_limit(bytes);
}
