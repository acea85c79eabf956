"""zstd in the SQL and the expressions of DataFusion's Python package.

>>> from datafusion import SessionContext
>>> import zstd_arrow.datafusion
>>> ctx = SessionContext()
>>> zstd_arrow.datafusion.register(ctx)
>>> query = "select zstd_decompressed_size(zstd_compress('a value', 9)) as size"
>>> ctx.sql(query).to_pydict()
{'size': [7]}

The functions are those that `zstd_arrow` has for DataFusion in Rust, as they are: DataFusion calls
them with its own Arrow memory, on its own threads, and Python takes no part in it. They are in a
package of their own, `zstd-arrow-datafusion`, because they are made for one major version of
DataFusion.

| function | gives |
| --- | --- |
| ``zstd_compress(value[, level[, dictionary]])`` | a frame for each value |
| ``zstd_decompress(value[, dictionary])`` | the values; a bad row ends the query |
| ``try_zstd_decompress(value[, dictionary])`` | the values, null for a bad row |
| ``zstd_decompressed_size(value)`` | bytes, null where a frame does not say |
| ``zstd_frame_info(value)`` | a struct with the fields of `zstd_arrow.frame_info` |
| ``zstd_train_dictionary(value[, size])`` | aggregate: a dictionary for each group |

Values are binary or text, null gives null. An error names the function, and the row in the batch
that it was called with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zstd_arrow._dictionary import Dictionary
from zstd_arrow._engines import all_digested

if TYPE_CHECKING:
    from datafusion import SessionContext as _SessionContext  # type: ignore[import-not-found, unused-ignore]

    from zstd_arrow._dictionary import _AnyDictionary

__all__ = ["register"]


def register(
    ctx: _SessionContext,
    dictionaries: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
) -> None:
    """Makes the functions of this module known to a session.

    In SQL they have their names; in expressions they are ``ctx.udf("zstd_decompress")`` and the
    like, and ``ctx.udaf("zstd_train_dictionary")``. A second call for a session replaces them.

    Parameters
    ----------
    ctx : datafusion.SessionContext
    dictionaries : zstd_arrow.Dictionary, bytes-like, or a sequence of them, optional
        For columns that are marked with the dictionary they need, as `zstd_arrow.compress_parquet`
        marks them: with these, a call with such a column needs no dictionary argument. DataFusion
        passes the marks of a Parquet file on with ``skip_metadata=False``. The dictionaries of a
        file are `zstd_arrow.read_dictionaries` of its path.

    Raises
    ------
    ValueError
        If two different dictionaries have the same id (raw content dictionaries have 0).
    ImportError
        If there is no `zstd-arrow-datafusion`, or it is for another major version of DataFusion.

    Examples
    --------
    >>> from datafusion import SessionContext, col, literal
    >>> import zstd_arrow.datafusion
    >>> ctx = SessionContext()
    >>> zstd_arrow.datafusion.register(ctx)
    >>> compress, size = ctx.udf("zstd_compress"), ctx.udf("zstd_decompressed_size")
    >>> df = ctx.from_pydict({"value": ["four", "", None]})
    >>> df.select(size(compress(col("value"), literal(19))).alias("size")).to_pydict()
    {'size': [4, 0, None]}
    """
    from datafusion import AggregateUDF, ScalarUDF  # type: ignore[import-not-found, unused-ignore]

    functions = _functions()
    by_id = _by_id(all_digested(dictionaries))
    for function in functions.scalar_functions(by_id):
        ctx.register_udf(ScalarUDF.from_pycapsule(function))
    for function in functions.aggregate_functions():
        ctx.register_udaf(AggregateUDF.from_pycapsule(function))


def _functions() -> Any:
    """The package with the functions, if it is there and fits the DataFusion that is."""
    from datafusion import __version__ as installed  # type: ignore[import-not-found, unused-ignore]

    try:
        import zstd_arrow_datafusion  # type: ignore[import-not-found, unused-ignore]
    except ModuleNotFoundError as error:
        if error.name != "zstd_arrow_datafusion":
            raise
        raise ModuleNotFoundError(
            "the functions for DataFusion are in the package zstd-arrow-datafusion: "
            "install zstd-arrow[datafusion]",
            name=error.name,
        ) from None
    # The two libraries call each other through structs whose layout is that of a major version.
    made_for = zstd_arrow_datafusion.DATAFUSION_MAJOR
    if installed.partition(".")[0] != str(made_for):
        raise ImportError(
            f"zstd-arrow-datafusion {zstd_arrow_datafusion.__version__} is for datafusion "
            f"{made_for}, and {installed} is installed"
        )
    return zstd_arrow_datafusion


def _by_id(dictionaries: list[Dictionary]) -> dict[int, bytes]:
    found: dict[int, Dictionary] = {}
    for dictionary in dictionaries:
        if found.setdefault(dictionary.id, dictionary) != dictionary:
            raise ValueError(f"two different dictionaries have the id {dictionary.id}")
    return {number: bytes(dictionary) for number, dictionary in found.items()}
