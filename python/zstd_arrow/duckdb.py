"""zstd in DuckDB's SQL: functions over Arrow vectors, with no Python object for a value.

>>> import duckdb
>>> import zstd_arrow.duckdb
>>> connection = duckdb.connect()
>>> zstd_arrow.duckdb.register(connection)
>>> query = "select decode(zstd_decompress(page)) from (select zstd_compress('a value') as page)"
>>> connection.execute(query).fetchall()
[('a value',)]

| function | gives |
| --- | --- |
| ``zstd_compress(value[, level[, dictionary]])`` | BLOB: one frame |
| ``zstd_decompress(value[, dictionary])`` | BLOB: the value |
| ``try_zstd_decompress(value[, dictionary])`` | BLOB: the value, NULL where the row is bad |
| ``zstd_decompressed_size(value)`` | UBIGINT: bytes, NULL where a frame does not say |
| ``zstd_frame_info(value)`` | a STRUCT with the fields of `zstd_arrow.frame_info` |

Values are BLOB or VARCHAR; NULL gives NULL. Level and dictionary are the same for all rows of a
query, and NULL stands for none said. A bad row, a wrong type and a wrong level end the query with
an error that names the function; its row counts in the vector of at most 2,048 rows that DuckDB
hands over at a time. All calls share this package's one pool, of as many threads as there are
cores: a scan of one row group keeps them busy, several at a time have no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa  # type: ignore[import-not-found, import-untyped, unused-ignore]

from zstd_arrow import _columns
from zstd_arrow._dictionary import Dictionary
from zstd_arrow.errors import ZstdError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection  # type: ignore[import-not-found, unused-ignore]

    _Vector = pa.ChunkedArray[Any]

__all__ = ["register"]

_FRAME_INFO = (
    "STRUCT(content_size UBIGINT, compressed_size UBIGINT, window_size UBIGINT, "
    "dictionary_id UINTEGER, checksum BOOLEAN, frames UINTEGER)"
)

# What is called in SQL are macros over functions, for two reasons. A function of Python's has one
# number of arguments. And a constant argument comes as often as there are rows, which for a
# dictionary of 110 KiB is 220 MiB a vector: so a function of the dictionary alone, which DuckDB
# calls once when it plans the query, gives a number that stands for it.
_MACROS = {
    "zstd_compress": (
        "(value) AS __zstd_compress(value, NULL, NULL), "
        "(value, level) AS __zstd_compress(value, level, NULL), "
        "(value, level, dictionary) AS "
        "__zstd_compress(value, level, __zstd_dictionary(dictionary))"
    ),
    "zstd_decompress": (
        "(value) AS __zstd_decompress(value, NULL), "
        "(value, dictionary) AS __zstd_decompress(value, __zstd_dictionary(dictionary))"
    ),
    "try_zstd_decompress": (
        "(value) AS __try_zstd_decompress(value, NULL), "
        "(value, dictionary) AS __try_zstd_decompress(value, __zstd_dictionary(dictionary))"
    ),
    "zstd_decompressed_size": "(value) AS __zstd_decompressed_size(value)",
    "zstd_frame_info": "(value) AS __zstd_frame_info(value)",
}


def register(connection: DuckDBPyConnection) -> None:
    """Makes the functions of this module known to a connection.

    They are temporary: nothing is written to the database. A cursor or another connection to the
    same database needs a call of its own; a second call for the same one changes nothing.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection

    Examples
    --------
    >>> import duckdb
    >>> import zstd_arrow.duckdb
    >>> connection = duckdb.connect()
    >>> zstd_arrow.duckdb.register(connection)
    >>> connection.execute(
    ...     "select zstd_decompressed_size(zstd_compress(value, 19)) "
    ...     "from (values ('four'), (''), (null)) as t(value)"
    ... ).fetchall()
    [(4,), (0,), (None,)]
    """
    _create_functions(connection)
    for name, definition in _MACROS.items():
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {name}{definition}")


def _create_functions(connection: DuckDBPyConnection) -> None:
    """The functions that the macros call, unless the database has them."""
    known = connection.execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    for name, (function, result) in _functions().items():
        if (name,) not in known:
            connection.create_function(  # type: ignore[call-overload, unused-ignore]
                name, function, return_type=result, type="arrow", null_handling="special"
            )


def _functions() -> dict[str, tuple[Callable[..., _Vector], str]]:
    """By name: the function, and the type of its result."""
    given = _Dictionaries()
    # Lambdas, because DuckDB reads annotations: without any, an argument may be of any type. Text
    # has to come as it is, and would be cast to BLOB by its escapes.
    return {
        "__zstd_dictionary": (lambda data: given.numbers(data), "UINTEGER"),
        "__zstd_compress": (
            lambda value, level, number: _compress(value, level, given, number),
            "BLOB",
        ),
        "__zstd_decompress": (
            lambda value, number: _decompress("zstd_decompress", "raise", value, given, number),
            "BLOB",
        ),
        "__try_zstd_decompress": (
            lambda value, number: _decompress("try_zstd_decompress", "null", value, given, number),
            "BLOB",
        ),
        "__zstd_decompressed_size": (lambda value: _decompressed_size(value), "UBIGINT"),
        "__zstd_frame_info": (lambda value: _frame_info(value), _FRAME_INFO),
    }


class _Dictionaries:
    """The dictionaries that queries have named, each with a number.

    A plan may be kept and run at any time, so none is forgotten.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers: dict[Dictionary, int] = {}
        self._all: list[Dictionary] = []

    def numbers(self, data: _Vector) -> _Vector:
        """The number of each dictionary."""
        if not pa.types.is_null(data.type) and not pa.types.is_binary(data.type):
            if not pa.types.is_large_binary(data.type) and not pa.types.is_binary_view(data.type):
                raise TypeError(f"the dictionary is a BLOB, not {data.type}")
        one = _constant("dictionary", data)
        number = None if one is None else self._number(Dictionary(one))
        return pa.chunked_array([pa.repeat(pa.scalar(number, pa.uint32()), len(data))])

    def _number(self, dictionary: Dictionary) -> int:
        with self._lock:
            number = self._numbers.setdefault(dictionary, len(self._all))
            if number == len(self._all):
                self._all.append(dictionary)
        return number

    def of(self, number: _Vector) -> Dictionary | None:
        """The dictionary of a vector of numbers."""
        one = _constant("dictionary", number)
        return None if one is None else self._all[one]


def _constant(what: str, vector: _Vector) -> Any:
    """What all rows of a vector are; None where it has none."""
    distinct = vector.unique().to_pylist()
    if len(distinct) > 1:
        raise ValueError(f"the {what} has to be the same for all rows of a query")
    return distinct[0] if distinct else None


@contextmanager
def _named(function: str) -> Iterator[None]:
    """Says in errors which function they are of."""
    try:
        yield
    except ZstdError as error:
        raise ZstdError(f"{function}: {error}", error.row) from None
    except (TypeError, ValueError) as error:
        raise type(error)(f"{function}: {error}") from None


def _bytes(value: _Vector) -> _Vector:
    """A vector, also that of a bare NULL."""
    return value.cast(pa.binary()) if pa.types.is_null(value.type) else value


def _compress(value: _Vector, level: _Vector, given: _Dictionaries, number: _Vector) -> _Vector:
    with _named("zstd_compress"):
        dictionary, one = given.of(number), _constant("level", level)
        if one is None:
            return _columns.compress(_bytes(value), dictionary=dictionary)
        if not isinstance(one, int):
            raise TypeError(f"the level is an integer, not {level.type}")
        return _columns.compress(_bytes(value), level=one, dictionary=dictionary)


def _decompress(
    function: str,
    on_error: Literal["raise", "null"],
    value: _Vector,
    given: _Dictionaries,
    number: _Vector,
) -> _Vector:
    with _named(function):
        return _columns.decompress(_bytes(value), dictionary=given.of(number), on_error=on_error)


def _decompressed_size(value: _Vector) -> _Vector:
    with _named("zstd_decompressed_size"):
        return _columns.decompressed_size(_bytes(value))


def _frame_info(value: _Vector) -> _Vector:
    with _named("zstd_frame_info"):
        return _columns.frame_info(_bytes(value))
