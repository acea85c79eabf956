//! This crate's errors as Python exceptions.
//!
//! Bad data is `ZstdError` with the row, misuse is `TypeError` or `ValueError`, no memory is
//! `MemoryError`, a file that cannot be read or written is `OSError`.

use pyo3::exceptions::{
    PyKeyError, PyKeyboardInterrupt, PyMemoryError, PyOSError, PyTypeError, PyValueError,
};
use pyo3::intern;
use pyo3::prelude::*;

use crate::error::{Error, ValueError};
use crate::python::calls::method;
use crate::python::modules::import;

/// A `ZstdError` of a row. It is made here and not when the call has ended: its class is one of
/// Python's own.
pub(super) fn zstd_error(message: String, row: Option<usize>) -> PyErr {
    Python::attach(|py| {
        let make = || {
            let errors = import(py, intern!(py, "zstd_arrow.errors"))?;
            method(&errors, intern!(py, "ZstdError"), (message, row))
        };
        make().map_or_else(|error| error, PyErr::from_value)
    })
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let (message, row) = (error.to_string(), error.row());
        match root(&error) {
            Error::Row { error: ValueError::OutOfMemory { .. }, .. }
            | Error::OutOfMemory { .. } => PyMemoryError::new_err(message),
            Error::UnsupportedType(_) => PyTypeError::new_err(message),
            Error::NoSuchColumn { .. } => PyKeyError::new_err(message),
            Error::SegmentOutOfBounds { .. }
            | Error::IndexLength { .. }
            | Error::Offsets(_)
            | Error::SegmentLayout { .. }
            | Error::BeyondOffsets { .. }
            | Error::LengthMismatch { .. }
            | Error::Option { .. } => PyValueError::new_err(message),
            Error::Threads { .. } | Error::File { .. } => PyOSError::new_err(message),
            Error::Cancelled => PyKeyboardInterrupt::new_err(()),
            _ => zstd_error(message, row),
        }
    }
}

/// The error inside what the layer of files says of its place.
fn root(error: &Error) -> &Error {
    match error {
        Error::Column { source, .. } => root(source),
        Error::File { source, .. } => source.downcast_ref().map_or(error, root),
        error => error,
    }
}
