//! Tables with columns that say how they were compressed.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PyTable;

use crate::codec::{CancelFlag, CompressOptions, Compressor, DecompressOptions, Dictionary};
use crate::files::{self, Table};
use crate::python::calls::{attribute, method};
use crate::python::capsules::Capsules;
use crate::python::codec::{AnyDictionary, dictionaries, parse_decoder, parse_on_error, threads};
use crate::python::column::weight as column_weight;
use crate::python::modules::{import, is_instance};
use crate::python::work;

/// One column's name, or several.
#[derive(FromPyObject)]
pub(super) enum Names {
    #[pyo3(transparent)]
    One(String),
    #[pyo3(transparent)]
    Several(Vec<String>),
}

impl Names {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Names::One(name) => vec![name],
            Names::Several(names) => names,
        }
    }
}

/// How named columns are compressed: with what is given for all, and a dictionary for each.
pub(super) struct Compression {
    pub(super) names: Vec<String>,
    pub(super) dictionaries: HashMap<String, Dictionary>,
    /// Bytes of a dictionary to be trained for each column.
    pub(super) train: Option<usize>,
    pub(super) options: CompressOptions,
}

impl Compression {
    /// From arguments. `dictionary` is one for all columns, or a mapping by name.
    pub(super) fn new(
        columns: Names,
        dictionary: Option<&Bound<'_, PyAny>>,
        train: Option<usize>,
        options: CompressOptions,
    ) -> PyResult<Self> {
        let names = columns.into_vec();
        let mut dictionaries = HashMap::new();
        match dictionary {
            None => {}
            Some(_) if train.is_some() => {
                let problem = "either a dictionary is given or one is trained, not both";
                return Err(PyValueError::new_err(problem));
            }
            Some(given) => match given.cast::<PyDict>() {
                Ok(by_name) => {
                    for (name, one) in by_name {
                        dictionaries.insert(name.extract()?, one.extract::<AnyDictionary>()?.0);
                    }
                    if let Some(name) = dictionaries.keys().find(|name| !names.contains(name)) {
                        return Err(PyValueError::new_err(format!(
                            "a dictionary is given for {name:?}, which is not to be compressed"
                        )));
                    }
                }
                Err(_) => {
                    let one = given.extract::<AnyDictionary>()?.0;
                    dictionaries.extend(names.iter().map(|name| (name.clone(), one.clone())));
                }
            },
        }
        Ok(Self { names, dictionaries, train, options })
    }

    /// A compressor for each column. `trained` has a dictionary for each if some were trained.
    pub(super) fn compressors(
        &self,
        trained: Vec<Dictionary>,
        cancel: &CancelFlag,
    ) -> crate::error::Result<Vec<(String, Compressor)>> {
        let mut trained = trained.into_iter();
        let compressor = |name: &String| {
            let options = CompressOptions {
                dictionary: trained.next().or_else(|| self.dictionaries.get(name).cloned()),
                cancel: Some(cancel.clone()),
                ..self.options.clone()
            };
            Ok((name.clone(), Compressor::with_options(options)?))
        };
        self.names.iter().map(compressor).collect()
    }
}

/// A table as it came in, and what it was there.
pub(super) struct Input {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    home: Home,
}

enum Home {
    PyArrow,
    Polars,
    Other,
}

impl<'py> FromPyObject<'_, 'py> for Input {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let Some(capsules) = Capsules::of(&object)? else {
            return Err(PyTypeError::new_err(format!(
                "an Arrow table is needed (of pyarrow, Polars, DuckDB, pandas, arro3), not {}",
                object.get_type().fully_qualified_name()?
            )));
        };
        let (batches, schema) = capsules.into_table()?.into_inner();
        let tables = [intern!(py, "Table"), intern!(py, "RecordBatch")];
        let home = if is_instance(&object, intern!(py, "pyarrow"), &tables)? {
            Home::PyArrow
        } else if is_instance(&object, intern!(py, "polars"), &[intern!(py, "DataFrame")])? {
            Home::Polars
        } else {
            Home::Other
        };
        Ok(Self { schema, batches, home })
    }
}

impl Home {
    fn wrap(self, py: Python<'_>, table: Table) -> PyResult<Bound<'_, PyAny>> {
        let table = PyTable::try_new(table.batches, table.schema)?;
        match self {
            Home::PyArrow => {
                method(&import(py, intern!(py, "pyarrow"))?, intern!(py, "table"), (table,))
            }
            Home::Polars => {
                method(&import(py, intern!(py, "polars"))?, intern!(py, "DataFrame"), (table,))
            }
            Home::Other => {
                let arro3 = import(py, intern!(py, "arro3.core"))?;
                let class = attribute(&arro3, intern!(py, "Table"))?;
                method(&class, intern!(py, "from_arrow"), (table,))
            }
        }
    }
}

fn weight(batches: &[RecordBatch]) -> usize {
    batches.iter().flat_map(RecordBatch::columns).map(column_weight).sum()
}

/// Compresses named columns of a table; the table says so, and which dictionaries they need.
///
/// The columns' fields get the extension type ``zstd_arrow.frames``, and their dictionaries go into
/// the schema's metadata, so that `decompress_table` needs no argument. To who does not know the
/// type they are plain binary columns.
///
/// Parameters
/// ----------
/// table : Arrow table
///     Of pyarrow, Polars, DuckDB, pandas, arro3: an object with the Arrow PyCapsule interface.
/// columns : str or list of str
///     The columns to compress.
/// dictionary : Dictionary or bytes-like, or a dict of them by column, optional
///     What the frames are made with.
/// train : int, optional
///     Bytes of a dictionary to train for each column, on a sample of its rows.
/// level, checksum, content_size, dict_id, threads
///     As in `compress`.
///
/// Returns
/// -------
/// table
///     Of the package that the table is of: pyarrow, Polars, else arro3. Polars keeps the columns'
///     marks and not the schema's metadata: so `decompress_table` needs the dictionary there.
///
/// Raises
/// ------
/// KeyError
///     There is no such column.
/// TypeError, ValueError
///     It is not of binary or text, or an option is outside its range.
///
/// Examples
/// --------
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> table = pa.table({"id": [1, 2], "page": ["first page", None]})
/// >>> small = za.compress_table(table, "page")
/// >>> za.decompress_table(small).equals(table)
/// True
#[pyfunction]
#[pyo3(signature = (
    table, columns, *, dictionary = None, train = None, level = 3, checksum = false,
    content_size = true, dict_id = true, threads = None
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments")]
pub(super) fn compress_table<'py>(
    py: Python<'py>,
    table: Input,
    columns: Names,
    dictionary: Option<&Bound<'py, PyAny>>,
    train: Option<usize>,
    level: i32,
    checksum: bool,
    content_size: bool,
    dict_id: bool,
    threads: Option<isize>,
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
    let Input { schema, batches, home } = table;
    let cancel = CancelFlag::new();
    let flag = cancel.clone();
    let done = work::run(py, weight(&batches), &cancel, move || {
        let trained = match compression.train {
            Some(size) => files::train_batches(&schema, &batches, &compression.names, size)?,
            None => Vec::new(),
        };
        files::compress_batches(&schema, &batches, &compression.compressors(trained, &flag)?)
    })??;
    home.wrap(py, done)
}

/// Decompresses columns of a table: those that say what they are, or named ones.
///
/// A column that `compress_table` or the command made comes back with the type it had before. An
/// unmarked one has to be named, and keeps its layout.
///
/// Parameters
/// ----------
/// table : Arrow table
///     As in `compress_table`.
/// columns : str or list of str, optional
///     The columns; all marked ones if none is named.
/// dictionary : Dictionary or bytes-like, or a sequence of them, optional
///     What unmarked columns need, and marked ones whose table has lost its metadata.
/// utf8, on_error, max_value_size, threads, decoder
///     As in `decompress`; `utf8` is for unmarked columns.
///
/// Returns
/// -------
/// table
///     Of the package that the table is of: pyarrow, Polars, else arro3.
///
/// Raises
/// ------
/// ZstdError
///     A row holds no frames, or damaged ones, or its dictionary is not there.
/// KeyError
///     There is no such column.
/// ValueError
///     None is named and none is marked; an option is outside its range.
///
/// Examples
/// --------
/// >>> import pyarrow as pa
/// >>> import zstd_arrow as za
/// >>> table = pa.table({"id": [1, 2], "page": [b"first page", None]})
/// >>> small = za.compress_table(table, "page")
/// >>> za.decompress_table(small, ["page"]).column("page").to_pylist()
/// [b'first page', None]
#[pyfunction]
#[pyo3(signature = (
    table, columns = None, *, dictionary = None, utf8 = false, on_error = "raise",
    max_value_size = None, threads = None, decoder = "auto"
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments")]
pub(super) fn decompress_table<'py>(
    py: Python<'py>,
    table: Input,
    columns: Option<Names>,
    dictionary: Option<&Bound<'py, PyAny>>,
    utf8: bool,
    on_error: &str,
    max_value_size: Option<u64>,
    threads: Option<isize>,
    decoder: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let cancel = CancelFlag::new();
    let options = DecompressOptions {
        dictionaries: dictionaries(dictionary)?,
        utf8,
        on_error: parse_on_error(on_error)?,
        max_value_size,
        threads: self::threads(threads)?,
        decoder: parse_decoder(decoder)?,
        cancel: Some(cancel.clone()),
        ..DecompressOptions::default()
    };
    let names = columns.map(Names::into_vec);
    let Input { schema, batches, home } = table;
    let done = work::run(py, weight(&batches), &cancel, move || {
        files::decompress_batches(&schema, &batches, names.as_deref(), &options)
    })??;
    home.wrap(py, done)
}
