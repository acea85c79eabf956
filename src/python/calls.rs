//! Calls into Python code: of pyarrow, of Polars, of the caller.
//!
//! Such code may give the GIL away and ask for it again. Python before 3.14 ends a daemon thread that
//! asks for it while the interpreter shuts down: by `pthread_exit`, which unwinds the thread's stack
//! through whatever frames there are. Frames of Rust do not let it through, and the process aborts at
//! its end ("FATAL: exception not rethrown"). So what may run Python code is called from here, where
//! such a thread waits for the process's end instead, as it does in Python 3.14, and in PyO3 where
//! that takes the GIL back itself.

use std::hint::black_box;
use std::mem::{self, transmute};
use std::thread;

use pyo3::exceptions::PyAttributeError;
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

type One = unsafe extern "C" fn(*mut PyObject) -> *mut PyObject;
type UnwindingOne = unsafe extern "C-unwind" fn(*mut PyObject) -> *mut PyObject;
type Two = unsafe extern "C" fn(*mut PyObject, *mut PyObject) -> *mut PyObject;
type UnwindingTwo = unsafe extern "C-unwind" fn(*mut PyObject, *mut PyObject) -> *mut PyObject;
type Three = unsafe extern "C" fn(*mut PyObject, *mut PyObject, *mut PyObject) -> *mut PyObject;
type UnwindingThree =
    unsafe extern "C-unwind" fn(*mut PyObject, *mut PyObject, *mut PyObject) -> *mut PyObject;

/// Waits for the process's end if it is dropped, which only unwinding does.
struct Wait;

impl Drop for Wait {
    fn drop(&mut self) {
        loop {
            thread::park();
        }
    }
}

/// `callable(*args)`.
pub(super) fn call<'py>(
    callable: &Bound<'py, PyAny>,
    args: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>,
) -> PyResult<Bound<'py, PyAny>> {
    call_with(callable, args, None)
}

/// `callable(*args, **options)`.
pub(super) fn call_with<'py>(
    callable: &Bound<'py, PyAny>,
    args: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = callable.py();
    let args = args.into_pyobject(py).map_err(Into::into)?;
    let options = options.map_or(std::ptr::null_mut(), |options| options.as_ptr());
    // SAFETY: the same function, by a type that says that it may unwind. PyO3 declares that it does
    // not, so the compiler must not see which it is.
    let call = unsafe { transmute::<Three, UnwindingThree>(black_box(ffi::PyObject_Call)) };
    let wait = Wait;
    // SAFETY: a callable, a tuple and a dictionary or none, alive and with the GIL held, as the
    // function needs them; the result is a new reference, or null and an exception.
    let done = unsafe { call(callable.as_ptr(), args.as_ptr(), options) };
    mem::forget(wait);
    // SAFETY: as said.
    unsafe { Bound::from_owned_ptr_or_err(py, done) }
}

/// `object.name`.
pub(super) fn attribute<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: as in `call_with`.
    let get = unsafe { transmute::<Two, UnwindingTwo>(black_box(ffi::PyObject_GetAttr)) };
    let wait = Wait;
    // SAFETY: as in `call_with`: an object and a string.
    let found = unsafe { get(object.as_ptr(), name.as_ptr()) };
    mem::forget(wait);
    // SAFETY: as in `call_with`.
    unsafe { Bound::from_owned_ptr_or_err(object.py(), found) }
}

/// `object.name`, if it has one.
pub(super) fn attribute_opt<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match attribute(object, name) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_instance_of::<PyAttributeError>(object.py()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `object.name(*args)`.
pub(super) fn method<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    args: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>,
) -> PyResult<Bound<'py, PyAny>> {
    call(&attribute(object, name)?, args)
}

/// A module, which is imported if it is not yet.
pub(super) fn import<'py>(
    py: Python<'py>,
    name: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: as in `call_with`.
    let import = unsafe { transmute::<One, UnwindingOne>(black_box(ffi::PyImport_Import)) };
    let wait = Wait;
    // SAFETY: as in `call_with`: a string.
    let found = unsafe { import(name.as_ptr()) };
    mem::forget(wait);
    // SAFETY: as in `call_with`.
    unsafe { Bound::from_owned_ptr_or_err(py, found) }
}
