//! The SQL functions of `zstd_arrow` for `datafusion`, DataFusion's Python package.
//!
//! That package is a library of its own, and calls those of others through structs with a stable
//! layout (`datafusion_ffi`). Here are objects with the methods by which it asks for them. It is
//! `zstd_arrow.datafusion.register` of the main package that hands them over.

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion_ffi::udaf::FFI_AggregateUDF;
use datafusion_ffi::udf::FFI_ScalarUDF;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

mod handed;

use handed::{Dictionaries, Handed};

/// A function of columns.
#[pyclass(frozen, module = "zstd_arrow_datafusion")]
struct ScalarFunction(Arc<ScalarUDF>);

#[pymethods]
impl ScalarFunction {
    /// The name in SQL.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    fn __datafusion_scalar_udf__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let function = FFI_ScalarUDF::from(Arc::clone(&self.0));
        PyCapsule::new_with_value(py, function, c"datafusion_scalar_udf")
    }

    fn __repr__(&self) -> String {
        format!("ScalarFunction({})", self.name())
    }
}

/// A function of groups.
#[pyclass(frozen, module = "zstd_arrow_datafusion")]
struct AggregateFunction(Arc<AggregateUDF>);

#[pymethods]
impl AggregateFunction {
    /// The name in SQL.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    fn __datafusion_aggregate_udf__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let function = FFI_AggregateUDF::from(Arc::clone(&self.0));
        PyCapsule::new_with_value(py, function, c"datafusion_aggregate_udf")
    }

    fn __repr__(&self) -> String {
        format!("AggregateFunction({})", self.name())
    }
}

/// The scalar functions. Columns that are marked with the id of one of the dictionaries need none
/// as an argument.
#[pyfunction]
fn scalar_functions(dictionaries: Dictionaries) -> Vec<ScalarFunction> {
    let dictionaries = Arc::new(dictionaries);
    zstd_arrow::sql::scalar_functions()
        .into_iter()
        .map(|function| {
            let handed = Handed::new(function, Arc::clone(&dictionaries));
            ScalarFunction(Arc::new(ScalarUDF::new_from_impl(handed)))
        })
        .collect()
}

/// The aggregate functions.
#[pyfunction]
fn aggregate_functions() -> Vec<AggregateFunction> {
    zstd_arrow::sql::aggregate_functions().into_iter().map(AggregateFunction).collect()
}

#[pymodule]
fn zstd_arrow_datafusion(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    // The layout of what is handed over is that of one major version.
    module.add("DATAFUSION_MAJOR", datafusion_ffi::version())?;
    module.add_class::<ScalarFunction>()?;
    module.add_class::<AggregateFunction>()?;
    module.add_function(wrap_pyfunction!(scalar_functions, module)?)?;
    module.add_function(wrap_pyfunction!(aggregate_functions, module)?)
}
