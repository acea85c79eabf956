//! The four buffer types.
//!
//! The same classes are `zstd_arrow`'s and the drop-in's, so what they say is what python-zstandard
//! says.

use std::ffi::c_int;

use arrow_array::Array;
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field};
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyTuple, PyType};
use pyo3_arrow::ffi::{
    ArrayIterator, to_array_pycapsules, to_schema_pycapsule, to_stream_pycapsule,
};

use crate::convert;
use crate::error::Error;
use crate::python::buffers::{bytes_of, fill_view, to_bytes};
use crate::python::column::Column;
use crate::segments::{BufferSegments, BufferWithSegments, BufferWithSegmentsCollection};

/// One segment of a `BufferWithSegments`, which it keeps alive; made by indexing.
///
/// A Python buffer, read-only, over the segment's own bytes.
///
/// Examples
/// --------
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> segment = za.BufferWithSegments.from_arrow(pa.array([b"one", b"three"]))[1]
/// >>> len(segment), segment.offset, bytes(segment)
/// (5, 3, b'three')
#[pyclass(module = "zstd_arrow", name = "BufferSegment", frozen, sequence)]
pub(super) struct PyBufferSegment {
    bytes: Buffer,
    offset: u64,
}

impl PyBufferSegment {
    fn of(buffer: &BufferWithSegments, i: usize) -> Self {
        let (offset, length) = buffer.segments().get(i).unwrap_or_default();
        // Inside the buffer, so it fits.
        Self { bytes: buffer.data().slice_with_length(offset as usize, length as usize), offset }
    }
}

#[pymethods]
impl PyBufferSegment {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self { bytes: Buffer::from(&[]), offset: 0 }
    }

    /// Where it begins in the backing buffer, in bytes.
    #[getter]
    fn offset(&self) -> u64 {
        self.offset
    }

    fn __len__(&self) -> usize {
        self.bytes.len()
    }

    /// A copy of its bytes.
    fn tobytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        to_bytes(py, &self.bytes)
    }

    /// # Safety
    ///
    /// Called by Python, with a view to fill.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let bytes = slf.get().bytes.clone();
        // SAFETY: Python's view; the object owns the bytes and is frozen, and they do not move.
        unsafe { fill_view(slf.into_any(), &bytes, view, flags) }
    }
}

/// The index of a `BufferWithSegments`: (offset, length) pairs of native unsigned 64-bit integers.
///
/// A Python buffer, read-only, of 16 bytes a segment, and nothing else.
///
/// Examples
/// --------
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> buffer = za.BufferWithSegments.from_arrow(pa.array([b"one", b"three"]))
/// >>> memoryview(buffer.segments()).cast("Q").tolist()
/// [0, 3, 3, 5]
#[pyclass(module = "zstd_arrow", name = "BufferSegments", frozen)]
pub(super) struct PyBufferSegments {
    pairs: Buffer,
}

#[pymethods]
impl PyBufferSegments {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self { pairs: Buffer::from(&[]) }
    }

    /// # Safety
    ///
    /// Called by Python, with a view to fill.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let pairs = slf.get().pairs.clone();
        // SAFETY: Python's view; the object owns the bytes and is frozen, and they do not move.
        unsafe { fill_view(slf.into_any(), &pairs, view, flags) }
    }
}

/// Many values in one buffer: the bytes, and (offset, length) of each segment.
///
/// Segments may overlap, leave gaps, come in any order and be empty. As a Python buffer it is the whole
/// backing buffer, read-only; as an Arrow array a column with a row for each segment: LargeBinary if
/// the segments follow each other, else BinaryView, over the same memory.
///
/// Parameters
/// ----------
/// data : bytes-like
///     The backing buffer. Held, not copied, if nobody can write to it; copied else.
/// segments : bytes-like
///     Pairs of native unsigned 64-bit integers: offset and length in bytes.
///
/// Raises
/// ------
/// TypeError
///     One of them is not bytes-like.
/// ValueError
///     `segments` is not of whole pairs, or a segment does not lie in the buffer.
///
/// Examples
/// --------
/// >>> import struct
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> buffer = za.BufferWithSegments(b"onethree", struct.pack("=4Q", 0, 3, 3, 5))
/// >>> len(buffer), buffer.size, buffer[1].offset, buffer[1].tobytes()
/// (2, 8, 3, b'three')
/// >>> pa.array(buffer).to_pylist()
/// [b'one', b'three']
#[pyclass(module = "zstd_arrow", name = "BufferWithSegments", frozen, sequence)]
pub(super) struct PyBufferWithSegments(pub(super) BufferWithSegments);

#[pymethods]
impl PyBufferWithSegments {
    #[new]
    fn new(data: &Bound<'_, PyAny>, segments: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (data, pairs) = (bytes_of(data)?, bytes_of(segments)?);
        let index = BufferSegments::from_pair_bytes(pairs);
        index.and_then(|index| BufferWithSegments::try_new(data, index)).map(Self).map_err(
            |error| match error {
                Error::IndexLength { .. } => {
                    PyValueError::new_err("segments array size is not a multiple of 16")
                }
                Error::SegmentOutOfBounds { .. } => PyValueError::new_err(
                    "offset within segments array references memory outside buffer",
                ),
                error => error.into(),
            },
        )
    }

    /// The values of an Arrow array, over the array's own memory.
    ///
    /// Parameters
    /// ----------
    /// array : Arrow array
    ///     Binary or text, not encoded. No value is copied; of text, the UTF-8 bytes.
    /// nulls : "raise" or "empty"
    ///     What becomes of nulls, which segments cannot say: an error, or empty segments.
    ///
    /// Returns
    /// -------
    /// BufferWithSegments
    ///     A segment for each row.
    ///
    /// Raises
    /// ------
    /// TypeError
    ///     The array is not of binary or text.
    /// ValueError
    ///     It has nulls, or its values lie in several buffers: chunks, or views.
    ///
    /// Examples
    /// --------
    /// >>> import pyarrow as pa
    /// >>> import zstd_arrow as za
    /// >>> buffer = za.BufferWithSegments.from_arrow(pa.array([b"one", b"three"]))
    /// >>> len(buffer), buffer.tobytes()
    /// (2, b'onethree')
    #[classmethod]
    #[pyo3(signature = (array, *, nulls = "raise"))]
    fn from_arrow(_class: &Bound<'_, PyType>, array: Column, nulls: &str) -> PyResult<Self> {
        let mut members = without_nulls(&array, nulls)?.into_members();
        match (members.pop(), members.is_empty()) {
            (None, _) => Ok(Self(empty())),
            (Some(only), true) => Ok(Self(only)),
            (Some(_), false) => Err(PyValueError::new_err(format!(
                "the column's values lie in {} buffers: take BufferWithSegmentsCollection.from_arrow",
                members.len() + 1
            ))),
        }
    }

    /// Bytes of the whole backing buffer.
    #[getter]
    fn size(&self) -> usize {
        self.0.size()
    }

    /// The (offset, length) pairs, as a Python buffer.
    fn segments(&self) -> PyBufferSegments {
        PyBufferSegments { pairs: self.0.segments().to_pairs() }
    }

    /// A copy of the whole backing buffer.
    fn tobytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        to_bytes(py, self.0.as_slice())
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// Goes over the segments by index.
    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        sequence_iterator(slf)
    }

    fn __getitem__(&self, i: &Bound<'_, PyAny>) -> PyResult<PyBufferSegment> {
        Ok(PyBufferSegment::of(&self.0, index(i, self.0.len())?))
    }

    /// The type of the Arrow array (Arrow PyCapsule interface).
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, field(convert::array_type(std::slice::from_ref(&self.0))))?)
    }

    /// The segments as an Arrow array, over the same memory (Arrow PyCapsule interface).
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let array = convert::to_array(self.0.clone(), None)?;
        let field = field(array.data_type().clone()).into();
        Ok(to_array_pycapsules(py, field, &*array, requested_schema)?)
    }

    /// # Safety
    ///
    /// Called by Python, with a view to fill.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let data = slf.get().0.data().clone();
        // SAFETY: Python's view; the object owns the bytes and is frozen, and they do not move.
        unsafe { fill_view(slf.into_any(), &data, view, flags) }
    }
}

/// Several `BufferWithSegments` as one sequence of segments.
///
/// As an Arrow stream it is a chunked column: a chunk for each member, over the members' memory.
///
/// Parameters
/// ----------
/// *buffers : BufferWithSegments
///     One at least, each with one segment at least.
///
/// Raises
/// ------
/// TypeError
///     One of them is not a BufferWithSegments.
/// ValueError
///     There is none, or one has no segments.
///
/// Examples
/// --------
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> one = za.BufferWithSegments.from_arrow(pa.array([b"one", b"three"]))
/// >>> both = za.BufferWithSegmentsCollection(one, one)
/// >>> len(both), both.size(), both[2].tobytes()
/// (4, 16, b'one')
/// >>> pa.chunked_array(both).num_chunks
/// 2
#[pyclass(module = "zstd_arrow", name = "BufferWithSegmentsCollection", frozen, sequence)]
pub(super) struct PyBufferWithSegmentsCollection(pub(super) BufferWithSegmentsCollection);

#[pymethods]
impl PyBufferWithSegmentsCollection {
    #[new]
    #[pyo3(signature = (*buffers))]
    fn new(buffers: &Bound<'_, PyTuple>) -> PyResult<Self> {
        if buffers.is_empty() {
            return Err(PyValueError::new_err("must pass at least 1 argument"));
        }
        let members = buffers.iter().map(|buffer| {
            let Ok(buffer) = buffer.cast::<PyBufferWithSegments>() else {
                return Err(PyTypeError::new_err("arguments must be BufferWithSegments instances"));
            };
            match &buffer.get().0 {
                member if member.is_empty() => {
                    Err(PyValueError::new_err("ZstdBufferWithSegments cannot be empty"))
                }
                member => Ok(member.clone()),
            }
        });
        Ok(Self(BufferWithSegmentsCollection::new(members.collect::<PyResult<_>>()?)))
    }

    /// The values of an Arrow column, over the column's own memory.
    ///
    /// Parameters
    /// ----------
    /// column : Arrow column
    ///     Binary or text, not encoded, of one chunk or several. No value is copied.
    /// nulls : "raise" or "empty"
    ///     What becomes of nulls, which segments cannot say: an error, or empty segments.
    ///
    /// Returns
    /// -------
    /// BufferWithSegmentsCollection
    ///     A member for each chunk; for views, one for each run of rows in the same buffer.
    ///
    /// Raises
    /// ------
    /// TypeError
    ///     The column is not of binary or text.
    /// ValueError
    ///     It has nulls.
    ///
    /// Examples
    /// --------
    /// >>> import pyarrow as pa
    /// >>> import zstd_arrow as za
    /// >>> column = pa.chunked_array([[b"one"], [b"two", b"three"]])
    /// >>> za.BufferWithSegmentsCollection.from_arrow(column)[2].tobytes()
    /// b'three'
    #[classmethod]
    #[pyo3(signature = (column, *, nulls = "raise"))]
    fn from_arrow(_class: &Bound<'_, PyType>, column: Column, nulls: &str) -> PyResult<Self> {
        Ok(Self(without_nulls(&column, nulls)?))
    }

    /// Bytes of all segments together; what overlaps counts twice.
    fn size(&self) -> u64 {
        let lengths = |member: &BufferWithSegments| {
            member.segments().iter().map(|(_, length)| length).sum::<u64>()
        };
        self.0.members().iter().map(lengths).sum()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// Goes over the segments by index.
    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        sequence_iterator(slf)
    }

    fn __getitem__(&self, i: &Bound<'_, PyAny>) -> PyResult<PyBufferSegment> {
        let i = index(i, self.0.len())?;
        let (member, within) = self.0.locate(i).unwrap_or_default();
        Ok(PyBufferSegment::of(&self.0.members()[member], within))
    }

    /// The type of the Arrow arrays (Arrow PyCapsule interface).
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, field(convert::array_type(self.0.members())))?)
    }

    /// The segments as a stream of Arrow arrays, one a member, over the same memory (Arrow PyCapsule
    /// interface).
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let field = field(convert::array_type(self.0.members())).into();
        let chunks = convert::to_arrays(&self.0)?;
        let chunks = ArrayIterator::new(chunks.into_iter().map(Ok), field);
        Ok(to_stream_pycapsule(py, Box::new(chunks), requested_schema)?)
    }
}

/// No segments over no bytes.
fn empty() -> BufferWithSegments {
    BufferWithSegments::new(Buffer::from(&[]), std::iter::empty().collect())
}

/// The field that arrays of segments have.
fn field(data_type: DataType) -> Field {
    Field::new("", data_type, true)
}

/// A column as segments. `nulls` says what becomes of nulls, which segments do not have.
fn without_nulls(column: &Column, nulls: &str) -> PyResult<BufferWithSegmentsCollection> {
    let (collection, validity) = convert::from_chunks(&column.values.chunks)?;
    let count = validity.as_ref().map_or(0, |validity| validity.null_count());
    match nulls {
        "empty" if count > 0 => Ok(convert::nulls_to_empty(collection, validity.as_ref())),
        "raise" if count > 0 => Err(PyValueError::new_err(format!(
            "the column has {count} nulls, which segments cannot say: pass nulls=\"empty\" to read \
             them as empty"
        ))),
        "raise" | "empty" => Ok(collection),
        other => {
            Err(PyValueError::new_err(format!("nulls is \"raise\" or \"empty\", not {other:?}")))
        }
    }
}

/// An index from Python, negative ones counted from the end.
fn index(i: &Bound<'_, PyAny>, len: usize) -> PyResult<usize> {
    if !has_index(i) {
        let found = i.get_type().name()?;
        return Err(PyTypeError::new_err(format!("sequence index must be integer, not '{found}'")));
    }
    // SAFETY: the object lives; -1 can be an error, which is then set.
    let wanted = unsafe { ffi::PyNumber_AsSsize_t(i.as_ptr(), ffi::PyExc_IndexError) };
    if let (-1, Some(error)) = (wanted, PyErr::take(i.py())) {
        return Err(error);
    }
    let place = if wanted < 0 { wanted.saturating_add_unsigned(len) } else { wanted };
    match usize::try_from(place) {
        Err(_) => Err(PyIndexError::new_err("offset must be non-negative")),
        Ok(place) if place >= len => {
            Err(PyIndexError::new_err(format!("offset must be less than {len}")))
        }
        Ok(place) => Ok(place),
    }
}

/// Python's own iterator over a sequence.
fn sequence_iterator<'py>(sequence: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the object lives and is a sequence; the result is a new reference or null with an
    // exception set.
    unsafe { Bound::from_owned_ptr_or_err(sequence.py(), ffi::PySeqIter_New(sequence.as_ptr())) }
}

/// Whether an object can stand for an index.
fn has_index(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: only looks at the type of an object that lives.
    unsafe { ffi::PyIndex_Check(object.as_ptr()) != 0 }
}
