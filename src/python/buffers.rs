//! Python buffers as Arrow buffers, and back.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_buffer::Buffer;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

/// The bytes of an object with the buffer protocol.
///
/// Held, not copied, where nobody can change them; the object lives as long as the result does.
/// A writable buffer is copied now, while the GIL is held.
pub(super) fn bytes_of(object: &Bound<'_, PyAny>) -> PyResult<Buffer> {
    let held = match PyUntypedBuffer::get(object) {
        Ok(held) => held,
        // Some exporters leave out what follows from the shape; a memoryview puts it in.
        Err(error) if error.is_instance_of::<PyBufferError>(object.py()) => {
            PyUntypedBuffer::get(PyMemoryView::from(object)?.as_any())?
        }
        Err(error) => return Err(error),
    };
    if !held.is_c_contiguous() {
        return Err(PyBufferError::new_err("the buffer is not contiguous"));
    }
    let size = held.len_bytes();
    let Some(start) = NonNull::new(held.buf_ptr().cast::<u8>()).filter(|_| size > 0) else {
        return Ok(Buffer::from(&[]));
    };
    if held.readonly() && !is_view_of_writable(object)? {
        // SAFETY: `size` contiguous bytes from `start`, for as long as the buffer is held, which
        // the allocation's owner does. Nobody writes to them: the exporter says so, and where it
        // is a view of another object, so does that one.
        return Ok(unsafe { Buffer::from_custom_allocation(start, size, Arc::new(held)) });
    }
    // SAFETY: as above, for the time of this call; the GIL is held and no Python code runs in it.
    // A thread that writes without the GIL can tear the copy, which is of plain bytes.
    let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr(), size) };
    Ok(Buffer::from(bytes))
}

/// Whether an object is a read-only memoryview over something that can be written to.
fn is_view_of_writable(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Ok(view) = object.cast::<PyMemoryView>() else { return Ok(false) };
    let base = view.getattr("obj")?;
    if base.is_none() || base.is_instance_of::<PyBytes>() {
        // `None` is memory that no Python object owns: nothing is known of it.
        return Ok(base.is_none());
    }
    Ok(!PyUntypedBuffer::get(&base)?.readonly() || is_view_of_writable(&base)?)
}

/// Fills a view for `__getbuffer__` with read-only bytes that `owner` keeps alive.
///
/// # Safety
///
/// `view` is what Python gave to `__getbuffer__`; `bytes` live and stay in place for as long as
/// `owner` does.
pub(super) unsafe fn fill_view(
    owner: Bound<'_, PyAny>,
    bytes: &[u8],
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    let py = owner.py();
    let (start, size) = (bytes.as_ptr().cast_mut().cast::<c_void>(), bytes.len() as isize);
    // SAFETY: by this function's contract; the view takes a reference to the owner. It is filled as
    // read-only, so nobody writes through the pointer.
    match unsafe { ffi::PyBuffer_FillInfo(view, owner.as_ptr(), start, size, 1, flags) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(py)),
    }
}

/// A copy of some bytes, as `bytes`.
pub(super) fn to_bytes<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, bytes)
}
