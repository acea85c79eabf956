//! The Python package's native half: `zstd_arrow._native`.
//!
//! | file | what |
//! | --- | --- |
//! | `column` | Arrow columns in and out |
//! | `capsules` | Arrow data in, by the PyCapsule interface |
//! | `buffers` | Python buffers as Arrow buffers, and back |
//! | `codec` | compress, decompress and what goes with them, on columns |
//! | `prepared` | compressors and decompressors that wait for the next call |
//! | `table`, `files` | tables and Parquet files with marked columns |
//! | `segments` | the four buffer types |
//! | `items` | many items at once, for the drop-in |
//! | `work` | long work: without the GIL, with an ear for Ctrl-C |
//! | `calls` | calls into Python code |
//! | `foreign`, `modules` | objects of other packages |
//! | `errors` | this crate's errors as Python exceptions |
//!
//! A function here extracts, detaches, and wraps; what it does is done in the layers above.

mod buffers;
mod calls;
mod capsules;
mod codec;
mod column;
mod errors;
mod files;
mod foreign;
mod items;
mod modules;
mod prepared;
mod segments;
mod table;
mod work;

use pyo3::prelude::*;

/// The native half of `zstd_arrow`.
#[pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::codec::{
        PyDictionary, compress, decompress, decompressed_size, frame_info, idle_memory,
        set_idle_limit, train_dictionary,
    };
    #[pymodule_export]
    use super::files::{compress_parquet, decompress_parquet, read_dictionaries};
    #[pymodule_export]
    use super::items::{
        ItemCompressor, decompress_item, decompress_items, estimate_context_size,
        parameters_of_level, train_on_items,
    };
    #[pymodule_export]
    use super::segments::{
        PyBufferSegment, PyBufferSegments, PyBufferWithSegments, PyBufferWithSegmentsCollection,
    };
    #[pymodule_export]
    use super::table::{compress_table, decompress_table};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::refuse_subinterpreters()?;
        // libzstd's version, as it is known when it runs.
        module.add("ZSTD_VERSION", crate::codec::zstd_version())
    }

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's names")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

/// Pools and classes belong to one interpreter. (Python itself looks at what a module says of this from
/// 3.12 on.)
fn refuse_subinterpreters() -> PyResult<()> {
    const MAIN: i64 = 0;
    // SAFETY: there is an interpreter, for a module is being imported into it.
    let id = unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
    match id {
        MAIN => Ok(()),
        _ => Err(pyo3::exceptions::PyImportError::new_err(
            "zstd_arrow does not work in a subinterpreter: import it in the main one",
        )),
    }
}
