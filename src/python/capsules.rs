//! Arrow data in, by the PyCapsule interface.

use arrow_array::ArrayRef;
use arrow_schema::FieldRef;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::error::PyArrowResult;
use pyo3_arrow::input::{AnyArray, AnyRecordBatch};
use pyo3_arrow::{PyArray, PyArrayReader, PyRecordBatch, PyRecordBatchReader, PyTable};

use crate::python::calls::{attribute_opt, call};

/// What an object gives.
pub(super) enum Capsules<'py> {
    /// The schema and the array.
    Array(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>),
    Stream(Bound<'py, PyCapsule>),
}

impl<'py> Capsules<'py> {
    /// `None` if the object has no such interface. One array is preferred to a stream of them.
    pub(super) fn of(object: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        let py = object.py();
        if let Some(give) = attribute_opt(object, intern!(py, "__arrow_c_array__"))? {
            let given = call(&give, ())?;
            let (schema, array) = given.extract().map_err(|_| {
                PyTypeError::new_err("__arrow_c_array__ does not give two capsules")
            })?;
            return Ok(Some(Capsules::Array(schema, array)));
        }
        let Some(give) = attribute_opt(object, intern!(py, "__arrow_c_stream__"))? else {
            return Ok(None);
        };
        let stream = call(&give, ())?
            .cast_into()
            .map_err(|_| PyTypeError::new_err("__arrow_c_stream__ does not give a capsule"))?;
        Ok(Some(Capsules::Stream(stream)))
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self, Capsules::Array(..))
    }

    /// The arrays of a column, and their field.
    pub(super) fn into_chunks(self) -> PyArrowResult<(Vec<ArrayRef>, FieldRef)> {
        match self {
            Capsules::Array(schema, array) => {
                let (array, field) = PyArray::from_arrow_pycapsule(&schema, &array)?.into_inner();
                Ok((vec![array], field))
            }
            Capsules::Stream(stream) => {
                let reader = PyArrayReader::from_arrow_pycapsule(&stream)?;
                Ok(AnyArray::Stream(reader).into_chunked_array()?.into_inner())
            }
        }
    }

    pub(super) fn into_table(self) -> PyArrowResult<PyTable> {
        match self {
            Capsules::Array(schema, array) => {
                AnyRecordBatch::RecordBatch(PyRecordBatch::from_arrow_pycapsule(&schema, &array)?)
            }
            Capsules::Stream(stream) => {
                AnyRecordBatch::Stream(PyRecordBatchReader::from_arrow_pycapsule(&stream)?)
            }
        }
        .into_table()
    }
}
