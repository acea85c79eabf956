//! Arrow columns in and out.
//!
//! A column goes back to where it came from: pyarrow gets pyarrow, Polars gets Polars, pandas gets
//! pandas over pyarrow memory, everything else an arro3 object. None of these packages is imported
//! here unless the caller's object is one of theirs, so that it is imported already.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait, new_empty_array};
use arrow_schema::{DataType, Field, FieldRef};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::error::PyArrowError;
use pyo3_arrow::{PyArray, PyChunkedArray};

use crate::convert;
use crate::error::Result;
use crate::python::calls::{attribute, attribute_opt, call, call_with, method};
use crate::python::capsules::Capsules;
use crate::python::foreign;
use crate::python::modules::{import, is_instance};
use crate::segments::BufferWithSegmentsCollection;

/// A column as it came in.
pub(super) struct Column {
    pub(super) values: Values,
    pub(super) origin: Origin,
}

/// The rows of a column.
pub(super) struct Values {
    pub(super) chunks: Vec<ArrayRef>,
    data_type: DataType,
}

/// Where a column came from, and what it was there.
pub(super) struct Origin {
    home: Home,
    name: String,
    chunked: bool,
}

enum Home {
    PyArrow,
    Polars,
    /// A Series, whose index and name the result takes over.
    Pandas(Py<PyAny>),
    Other,
}

/// Bytes of an array's own rows, more or less: a slice shares buffers that may have far more.
pub(super) fn weight(array: &ArrayRef) -> usize {
    fn of_offsets<O: OffsetSizeTrait>(offsets: &[O]) -> usize {
        let first = offsets.first().map_or(0, |first| first.as_usize());
        let last = offsets.last().map_or(0, |last| last.as_usize());
        last.saturating_sub(first) + size_of_val(offsets)
    }
    match array.data_type() {
        DataType::Binary => return of_offsets(array.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => return of_offsets(array.as_binary::<i64>().value_offsets()),
        DataType::Utf8 => return of_offsets(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => return of_offsets(array.as_string::<i64>().value_offsets()),
        _ => {}
    }
    let lengths = match array.data_type() {
        DataType::BinaryView => {
            array.as_binary_view().lengths().map(|length| length as usize).sum()
        }
        DataType::Utf8View => array.as_string_view().lengths().map(|length| length as usize).sum(),
        _ => 0,
    };
    let own = array.to_data().get_slice_memory_size();
    own.map_or_else(|_| array.get_array_memory_size(), |own| own.saturating_add(lengths))
}

impl Values {
    /// Bytes of the values, more or less: what there is to do.
    pub(super) fn weight(&self) -> usize {
        self.chunks.iter().map(weight).sum()
    }

    /// Applies `work` to the chunks; a column without chunks is one empty chunk, which the result
    /// does not have either.
    pub(super) fn map_chunks(
        &self,
        work: impl FnOnce(&[ArrayRef]) -> Result<Vec<ArrayRef>>,
    ) -> Result<(Vec<ArrayRef>, DataType)> {
        let empty = self.chunks.is_empty();
        let chunks = match empty {
            true => work(&[new_empty_array(&self.data_type)])?,
            false => work(&self.chunks)?,
        };
        let data_type = chunks[0].data_type().clone();
        Ok((if empty { Vec::new() } else { chunks }, data_type))
    }
}

impl<'py> FromPyObject<'_, 'py> for Column {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let home = Home::of(&object)?;
        if let Home::Other = home
            && let Some(collection) = foreign::segments_of(&object)?
        {
            return Ok(Self::of_segments(collection)?);
        }
        let Some(capsules) = Capsules::of(&object)? else {
            return Err(PyTypeError::new_err(format!(
                "an Arrow column is needed (an object with __arrow_c_array__ or __arrow_c_stream__: \
                 of pyarrow, Polars, DuckDB, pandas, nanoarrow, arro3), not {}",
                object.get_type().fully_qualified_name()?
            )));
        };
        let is_array = capsules.is_array();
        let (mut chunks, mut field) = capsules.into_chunks()?;
        if let DataType::Struct(fields) = field.data_type() {
            let [only] = &fields[..] else {
                return Err(PyTypeError::new_err(format!(
                    "one column is needed, not a table or struct of {}: take the column out of it",
                    fields.len()
                )));
            };
            let only = only.clone();
            for chunk in &mut chunks {
                let inner = chunk.as_struct();
                if inner.null_count() > 0 {
                    return Err(PyTypeError::new_err("a struct with nulls is not a column"));
                }
                *chunk = inner.column(0).clone();
            }
            field = only;
        }
        let name = match home {
            Home::Polars => attribute(&object, intern!(py, "name"))?.extract()?,
            _ => field.name().clone(),
        };
        let data_type = field.data_type().clone();
        let origin = Origin { home, name, chunked: !is_array };
        Ok(Self { values: Values { chunks, data_type }, origin })
    }
}

impl Column {
    /// Segments that are no Arrow column.
    fn of_segments(collection: BufferWithSegmentsCollection) -> Result<Self> {
        let chunks = convert::to_arrays(&collection)?;
        let data_type = convert::array_type(collection.members());
        let origin = Origin { home: Home::Other, name: String::new(), chunked: chunks.len() != 1 };
        Ok(Self { values: Values { chunks, data_type }, origin })
    }
}

impl Home {
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let classes = [intern!(py, "Array"), intern!(py, "ChunkedArray")];
        if is_instance(object, intern!(py, "pyarrow"), &classes)? {
            return Ok(Home::PyArrow);
        }
        if is_instance(object, intern!(py, "pandas"), &[intern!(py, "Series")])? {
            return Ok(Home::Pandas(object.clone().unbind()));
        }
        Ok(match is_instance(object, intern!(py, "polars"), &[intern!(py, "Series")])? {
            true => Home::Polars,
            false => Home::Other,
        })
    }
}

impl Origin {
    /// A result, as what the input was.
    pub(super) fn wrap<'py>(
        &self,
        py: Python<'py>,
        chunks: Vec<ArrayRef>,
        data_type: DataType,
    ) -> PyResult<Bound<'py, PyAny>> {
        let field: FieldRef = Arc::new(Field::new(&self.name, data_type, true));
        match (&self.home, self.chunked) {
            (Home::Polars, _) => {
                let chunked = PyChunkedArray::try_new(chunks, field)?;
                let polars = import(py, intern!(py, "polars"))?;
                method(&polars, intern!(py, "Series"), (&self.name, chunked))
            }
            (Home::Pandas(series), _) => {
                let chunked = PyChunkedArray::try_new(chunks, field)?;
                let pyarrow = import(py, intern!(py, "pyarrow"))?;
                let values = method(&pyarrow, intern!(py, "chunked_array"), (chunked,))?;
                like_pandas(series.bind(py), &values)
            }
            (Home::PyArrow, true) => {
                let chunked = PyChunkedArray::try_new(chunks, field)?;
                let pyarrow = import(py, intern!(py, "pyarrow"))?;
                method(&pyarrow, intern!(py, "chunked_array"), (chunked,))
            }
            (Home::Other, true) => {
                let chunked = PyChunkedArray::try_new(chunks, field)?;
                let class = attribute(
                    &import(py, intern!(py, "arro3.core"))?,
                    intern!(py, "ChunkedArray"),
                )?;
                method(&class, intern!(py, "from_arrow"), (chunked,))
            }
            (home, false) => {
                let [array] = <[ArrayRef; 1]>::try_from(chunks).map_err(|chunks| {
                    PyTypeError::new_err(format!("one array became {}", chunks.len()))
                })?;
                match home {
                    Home::PyArrow => to_pyarrow(py, array, field),
                    _ => {
                        let arro3 = import(py, intern!(py, "arro3.core"))?;
                        let class = attribute(&arro3, intern!(py, "Array"))?;
                        method(&class, intern!(py, "from_arrow"), (PyArray::new(array, field),))
                    }
                }
            }
        }
    }
}

/// An array of pyarrow's: by the method that Arrow implementations hand arrays over with.
/// `pyarrow.array` takes longer: it first looks for all else that it could be given.
fn to_pyarrow(py: Python<'_>, array: ArrayRef, field: FieldRef) -> PyResult<Bound<'_, PyAny>> {
    let pyarrow = import(py, intern!(py, "pyarrow"))?;
    let class = attribute(&pyarrow, intern!(py, "Array"))?;
    let Some(import) = attribute_opt(&class, intern!(py, "_import_from_c"))? else {
        return method(&pyarrow, intern!(py, "array"), (PyArray::new(array, field),));
    };
    // What pyarrow takes over it moves out; what it leaves is dropped here.
    let mut moved = FFI_ArrowArray::new(&array.to_data());
    let address = (&raw mut moved).expose_provenance();
    if let DataType::LargeBinary = array.data_type() {
        // A type by its name, which need not be told in C.
        let large_binary = method(&pyarrow, intern!(py, "large_binary"), ())?;
        return call(&import, (address, large_binary));
    }
    let mut schema = FFI_ArrowSchema::try_from(&*field).map_err(PyArrowError::from)?;
    call(&import, (address, (&raw mut schema).expose_provenance()))
}

/// A pandas Series of a pyarrow array, with the index and the name of another Series.
fn like_pandas<'py>(
    series: &Bound<'py, PyAny>,
    values: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = series.py();
    let pandas = import(py, intern!(py, "pandas"))?;
    let arrays = attribute(&pandas, intern!(py, "arrays"))?;
    let values = method(&arrays, intern!(py, "ArrowExtensionArray"), (values,))?;
    let options = PyDict::new(py);
    for name in [intern!(py, "index"), intern!(py, "name")] {
        options.set_item(name, attribute(series, name)?)?;
    }
    call_with(&attribute(&pandas, intern!(py, "Series"))?, (values,), Some(&options))
}
