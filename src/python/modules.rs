//! Other people's modules, which are never imported here: who has an object of one, has imported it.

use pyo3::intern;
use pyo3::prelude::*;

/// Whether an object is of one of a module's classes; a module that is not imported has no objects.
pub(super) fn is_instance(
    object: &Bound<'_, PyAny>,
    module: &str,
    classes: &[&str],
) -> PyResult<bool> {
    let modules = object.py().import(intern!(object.py(), "sys"))?.getattr("modules")?;
    let module = modules.call_method1("get", (module,))?;
    if module.is_none() {
        return Ok(false);
    }
    for class in classes {
        // A module that is half imported, or a fake one, may lack the class.
        if let Some(class) = module.getattr_opt(*class)?
            && object.is_instance(&class)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}
