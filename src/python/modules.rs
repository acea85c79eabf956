//! Other people's modules. Who has an object of one has imported it, so none is imported for a look.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use crate::python::calls::{self, attribute_opt};

/// A module if it is imported already.
fn imported<'py>(
    py: Python<'py>,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    // The dictionary itself is the interpreter's for as long as there is one.
    let modules = MODULES.get_or_try_init(py, || {
        PyResult::Ok(py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.unbind())
    })?;
    // A None in it forbids the import.
    Ok(modules.bind(py).get_item(name)?.filter(|module| !module.is_none()))
}

/// A module, which is imported if it is not yet.
pub(super) fn import<'py>(
    py: Python<'py>,
    name: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    match imported(py, name)? {
        Some(module) => Ok(module),
        None => calls::import(py, name),
    }
}

/// Whether an object is of one of a module's classes; a module that is not imported has no objects.
pub(super) fn is_instance(
    object: &Bound<'_, PyAny>,
    module: &Bound<'_, PyString>,
    classes: &[&Bound<'_, PyString>],
) -> PyResult<bool> {
    let Some(module) = imported(object.py(), module)? else { return Ok(false) };
    for class in classes {
        // A module that is half imported, or a fake one, may lack the class.
        if let Some(class) = attribute_opt(&module, class)?
            && object.is_instance(&class)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}
