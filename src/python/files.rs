//! Parquet and Arrow IPC files, by path.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::intern;
use pyo3::prelude::*;

use crate::codec::{CancelFlag, CompressOptions, DecompressOptions};
use crate::error::Result;
use crate::files::{self, FileOptions, Progress, Report};
use crate::python::calls::{call, method};
use crate::python::codec::{PyDictionary, dictionaries, parse_decoder, parse_on_error, threads};
use crate::python::modules::import;
use crate::python::table::{Compression, Names};
use crate::python::work;

/// Compresses named columns of a Parquet or Arrow IPC file into another file.
///
/// In bounded memory, batch by batch, on three threads and those of the codec. The columns are
/// marked as by `compress_table`; other columns, metadata and row groups stay as they are. The
/// target is written beside its place and renamed when it is whole: after an error, Ctrl-C or a
/// crash the old file is there.
///
/// Parameters
/// ----------
/// src, dst : str or path
///     The files; they may be the same. The ending of `dst` says its format.
/// columns : str or list of str
///     The columns to compress.
/// dictionary, level, checksum, content_size, dict_id, threads
///     As in `compress_table`.
/// train : int, optional
///     Bytes of a dictionary to train for each column: on a sample of all rows, in a pass of its
///     own.
/// progress : callable, optional
///     Called with the number of rows done since the last call; ``tqdm.update`` fits.
///
/// Returns
/// -------
/// dict
///     ``rows``, ``columns`` (for each its ``name``, ``values``, ``nulls``, ``raw_bytes``,
///     ``compressed_bytes``) and ``dictionary_ids``.
///
/// Raises
/// ------
/// OSError
///     A file cannot be read or written.
/// KeyError
///     There is no such column.
/// TypeError, ValueError
///     It is not of binary or text, or an option is outside its range.
///
/// Examples
/// --------
/// >>> import pyarrow as pa, pyarrow.parquet as pq, tempfile
/// >>> import zstd_arrow as za
/// >>> table = pa.table({"id": [1, 2], "page": ["first page", None]})
/// >>> with tempfile.TemporaryDirectory() as folder:
/// ...     pq.write_table(table, f"{folder}/a.parquet")
/// ...     report = za.compress_parquet(f"{folder}/a.parquet", f"{folder}/b.parquet", "page")
/// ...     _ = za.decompress_parquet(f"{folder}/b.parquet", f"{folder}/c.parquet")
/// ...     pq.read_table(f"{folder}/c.parquet").equals(table), report["rows"]
/// (True, 2)
#[pyfunction]
#[pyo3(signature = (
    src, dst, columns, *, dictionary = None, train = None, level = 3, checksum = false,
    content_size = true, dict_id = true, threads = None, progress = None
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments")]
pub(super) fn compress_parquet<'py>(
    py: Python<'py>,
    src: PathBuf,
    dst: PathBuf,
    columns: Names,
    dictionary: Option<&Bound<'py, PyAny>>,
    train: Option<usize>,
    level: i32,
    checksum: bool,
    content_size: bool,
    dict_id: bool,
    threads: Option<isize>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = CompressOptions {
        level,
        checksum,
        content_size,
        dictionary_id: dict_id,
        threads: self::threads(threads)?,
        ..CompressOptions::default()
    };
    let compression = Compression::new(columns, dictionary, train, options)?;
    job(py, progress, move |cancel, tell| {
        let trained = match compression.train {
            Some(size) => {
                let mut go_on = |_: Progress| flow(cancel);
                let options = FileOptions::default().progress(&mut go_on).cancel(cancel.clone());
                files::train(&src, &compression.names, size, options)?
            }
            None => Vec::new(),
        };
        let compressors = compression.compressors(trained, cancel)?;
        files::compress(
            &src,
            &dst,
            &compressors,
            FileOptions::default().progress(tell).cancel(cancel.clone()),
        )
    })
}

/// Reads the dictionaries that a file holds.
///
/// Those of a table's schema are there to decompress another table, whose schema has lost them.
///
/// Parameters
/// ----------
/// path : str or path
///     A dictionary file, or a Parquet or Arrow IPC file with marked columns.
///
/// Returns
/// -------
/// list of Dictionary
///     By id.
///
/// Raises
/// ------
/// OSError
///     The file cannot be read.
/// ZstdError
///     It has no dictionary, or one that cannot be read.
///
/// Examples
/// --------
/// >>> import pyarrow as pa, tempfile
/// >>> import zstd_arrow as za
/// >>> shared = za.Dictionary(b"what the values have in common")
/// >>> table = pa.table({"page": ["first page", None]})
/// >>> with tempfile.TemporaryDirectory() as folder:
/// ...     small = za.compress_table(table, "page", dictionary=shared)
/// ...     with pa.OSFile(f"{folder}/small.arrow", "wb") as file:
/// ...         with pa.ipc.new_file(file, small.schema) as writer:
/// ...             writer.write_table(small)
/// ...     [bytes(one) for one in za.read_dictionaries(f"{folder}/small.arrow")]
/// [b'what the values have in common']
#[pyfunction]
pub(super) fn read_dictionaries(py: Python<'_>, path: PathBuf) -> PyResult<Vec<PyDictionary>> {
    let found = py.detach(|| files::read_dictionaries(&path))?;
    Ok(found.into_iter().map(PyDictionary).collect())
}

/// Decompresses columns of a Parquet or Arrow IPC file into another file.
///
/// As `compress_parquet`, the other way round.
///
/// Parameters
/// ----------
/// src, dst : str or path
///     The files; they may be the same.
/// columns : str or list of str, optional
///     The columns; all marked ones if none is named.
/// dictionary, utf8, on_error, max_value_size, threads, decoder
///     As in `decompress_table`.
/// progress : callable, optional
///     Called with the number of rows done since the last call; ``tqdm.update`` fits.
///
/// Returns
/// -------
/// dict
///     As of `compress_parquet`; for each column ``failed`` and ``failures`` too.
///
/// Raises
/// ------
/// ZstdError
///     A row holds no frames, or damaged ones, or its dictionary is not there.
/// OSError
///     A file cannot be read or written.
/// KeyError
///     There is no such column.
/// ValueError
///     None is named and none is marked; an option is outside its range.
///
/// Examples
/// --------
/// >>> import pyarrow as pa, pyarrow.parquet as pq, tempfile
/// >>> import zstd_arrow as za
/// >>> with tempfile.TemporaryDirectory() as folder:
/// ...     pq.write_table(pa.table({"page": ["a page", None]}), f"{folder}/pages.parquet")
/// ...     _ = za.compress_parquet(f"{folder}/pages.parquet", f"{folder}/small.parquet", ["page"])
/// ...     report = za.decompress_parquet(f"{folder}/small.parquet", f"{folder}/pages.parquet")
/// >>> report["columns"][0]["values"], report["columns"][0]["nulls"]
/// (1, 1)
#[pyfunction]
#[pyo3(signature = (
    src, dst, columns = None, *, dictionary = None, utf8 = false, on_error = "raise",
    max_value_size = None, threads = None, decoder = "auto", progress = None
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments")]
pub(super) fn decompress_parquet<'py>(
    py: Python<'py>,
    src: PathBuf,
    dst: PathBuf,
    columns: Option<Names>,
    dictionary: Option<&Bound<'py, PyAny>>,
    utf8: bool,
    on_error: &str,
    max_value_size: Option<u64>,
    threads: Option<isize>,
    decoder: &str,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = DecompressOptions {
        dictionaries: dictionaries(dictionary)?,
        utf8,
        on_error: parse_on_error(on_error)?,
        max_value_size,
        threads: self::threads(threads)?,
        decoder: parse_decoder(decoder)?,
        ..DecompressOptions::default()
    };
    let names = columns.map(Names::into_vec);
    job(py, progress, move |cancel, tell| {
        let options = DecompressOptions { cancel: Some(cancel.clone()), ..options };
        let files = FileOptions::default().progress(tell).cancel(cancel.clone());
        files::decompress(&src, &dst, names.as_deref(), &options, files)
    })
}

type Tell<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

fn flow(cancel: &CancelFlag) -> ControlFlow<()> {
    match cancel.is_raised() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    }
}

/// Runs a file job and tells `progress` of it; its report, as a dict.
fn job<'py>(
    py: Python<'py>,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(&CancelFlag, Tell<'_>) -> Result<Report> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let cancel = CancelFlag::new();
    let flag = cancel.clone();
    // What `progress` itself raised ends the job, and is what the call ends with.
    let raised: Arc<Mutex<Option<PyErr>>> = Arc::default();
    let theirs = raised.clone();
    let done = work::run(py, usize::MAX, &cancel, move || {
        let mut told = 0;
        let mut tell = |now: Progress| {
            if let Some(progress) = &progress {
                let new = now.rows - told;
                told = now.rows;
                if let Err(error) = Python::attach(|py| call(progress.bind(py), (new,)).map(drop)) {
                    *theirs.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return ControlFlow::Break(());
                }
            }
            flow(&flag)
        };
        work(&flag, &mut tell)
    })?;
    if let Some(error) = raised.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error);
    }
    let report = serde_json::to_string(&done?).map_err(|error| {
        pyo3::exceptions::PyValueError::new_err(format!("a report that is no JSON: {error}"))
    })?;
    method(&import(py, intern!(py, "json"))?, intern!(py, "loads"), (report,))
}
