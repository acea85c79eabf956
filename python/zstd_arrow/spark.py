"""zstd in Spark: columns of a DataFrame, worked on as Arrow batches by Spark's Python workers.

>>> from pyspark.sql import SparkSession
>>> import zstd_arrow.spark
>>> spark = SparkSession.builder.getOrCreate()
>>> events = spark.createDataFrame([(1, "a value"), (2, None)], "id int, payload string")
>>> frames = zstd_arrow.spark.compress(events, "payload", level=9)
>>> frames.schema["payload"].dataType
BinaryType()
>>> zstd_arrow.spark.decompress(frames, "payload", utf8=True).collect()
[Row(id=1, payload='a value'), Row(id=2, payload=None)]

A dictionary is broadcast: each executor fetches it once. The package has to be installed where the
executors' Python is. Nothing is computed before the DataFrame is.

**Threads.** Spark runs as many tasks at a time as an executor has cores, so a task's work is done
on one thread. More are of use where ``spark.task.cpus`` is more than 1.

**Errors.** A bad row fails its task; the text names the partition, the column and the row in the
partition.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa  # type: ignore[import-not-found, import-untyped, unused-ignore]

from zstd_arrow import _columns
from zstd_arrow._engines import all_digested, digested
from zstd_arrow.errors import ZstdError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as _DataFrame  # type: ignore[import-not-found, unused-ignore]

    from zstd_arrow._dictionary import _AnyDictionary
    from zstd_arrow._typing import _Decoder

    _Work = Callable[[pa.Array[Any]], pa.Array[Any]]
    _Plan = dict[int, tuple[str, pa.DataType]]

__all__ = ["compress", "decompress"]

# The most bytes of values in an Arrow array with offsets of 32 bits, which is what Spark reads.
_MOST_BYTES = (1 << 31) - 1


def compress(
    df: _DataFrame,
    columns: str | Sequence[str],
    *,
    level: int = 3,
    dictionary: _AnyDictionary | None = None,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = 1,
) -> _DataFrame:
    """Each value of some columns as one zstd frame.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    columns : str or sequence of str
        Names of columns of binary or string.
    level, dictionary, checksum, content_size, dict_id, threads
        As of `zstd_arrow.compress`; the default is one thread for each task of Spark's.

    Returns
    -------
    pyspark.sql.DataFrame
        The same rows and columns; the columns named are binary. Nulls stay null.

    Raises
    ------
    TypeError, ValueError
        An option is wrong, there is no such column, or it is neither binary nor string.

    Examples
    --------
    >>> from pyspark.sql import SparkSession
    >>> import zstd_arrow as za
    >>> import zstd_arrow.spark
    >>> spark = SparkSession.builder.getOrCreate()
    >>> events = spark.createDataFrame([("a value",)], "payload string")
    >>> dictionary = za.Dictionary(b"what the values have in common")
    >>> frames = zstd_arrow.spark.compress(events, "payload", dictionary=dictionary)
    >>> back = zstd_arrow.spark.decompress(frames, "payload", dictionary=dictionary, utf8=True)
    >>> back.collect()
    [Row(payload='a value')]
    """
    options = {
        "level": level,
        "checksum": checksum,
        "content_size": content_size,
        "dict_id": dict_id,
        "threads": threads,
    }
    given = None if dictionary is None else digested(dictionary)
    return _mapped(df, columns, _columns.compress, options, given, ("binary", "string"), "binary")


def decompress(
    df: _DataFrame,
    columns: str | Sequence[str],
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    max_value_size: int | None = None,
    threads: int | None = 1,
    decoder: _Decoder = "auto",
) -> _DataFrame:
    """The values in the frames of some columns.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    columns : str or sequence of str
        Names of columns of binary.
    dictionary, utf8, on_error, max_value_size, threads, decoder
        As of `zstd_arrow.decompress`; the default is one thread for each task of Spark's.

    Returns
    -------
    pyspark.sql.DataFrame
        The same rows and columns; the columns named are binary, or string with `utf8`. Nulls stay
        null.

    Raises
    ------
    TypeError, ValueError
        An option is wrong, there is no such column, or it is not binary.
    pyspark.errors.PythonException
        In the run: a row holds no frames, or damaged ones.

    Examples
    --------
    >>> from pyspark.sql import SparkSession
    >>> import zstd_arrow.spark
    >>> spark = SparkSession.builder.getOrCreate()
    >>> damaged = spark.createDataFrame([(b"no frame",)], "payload binary")
    >>> zstd_arrow.spark.decompress(damaged, ["payload"], on_error="null").collect()
    [Row(payload=None)]
    """
    options = {
        "utf8": utf8,
        "on_error": on_error,
        "max_value_size": max_value_size,
        "threads": threads,
        "decoder": decoder,
    }
    result = "string" if utf8 else "binary"
    # A bad row is a null, whatever the column says of nulls.
    nullable = on_error == "null"
    given = all_digested(dictionary)
    return _mapped(
        df, columns, _columns.decompress, options, given, ("binary",), result, nullable=nullable
    )


def _mapped(
    df: _DataFrame,
    columns: str | Sequence[str],
    function: Callable[..., Any],
    options: dict[str, Any],
    dictionary: object,
    accepted: tuple[str, ...],
    result: str,
    *,
    nullable: bool = False,
) -> _DataFrame:
    """A DataFrame with `function` applied to some columns."""
    from pyspark.sql.types import (  # type: ignore[import-not-found, unused-ignore]
        BinaryType,
        StringType,
    )

    # A wrong option is an error where it is written, and not in the middle of a job.
    function(pa.array([], pa.binary()), dictionary=dictionary, **options)
    schema = copy.deepcopy(df.schema)
    names = [columns] if isinstance(columns, str) else list(columns)
    for name in names:
        if schema.names.count(name) != 1:
            found = "no column" if name not in schema.names else "more than one column"
            raise ValueError(f"there is {found} {name!r} among {', '.join(schema.names)}")
        field = schema[name]
        if field.dataType.typeName() not in accepted:
            needed = " or ".join(accepted)
            raise TypeError(f"column {name!r} is {field.dataType.typeName()}, not {needed}")
        field.dataType = StringType() if result == "string" else BinaryType()
        field.nullable = field.nullable or nullable
    shared = _broadcast(df, dictionary)

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        call = partial(function, dictionary=shared(), **options)
        return _batches(batches, names, call, result == "string")

    return df.mapInArrow(work, schema)


def _broadcast(df: _DataFrame, dictionary: object) -> Callable[[], object]:
    """What gives a dictionary on the executors."""
    # Spark Connect has no broadcasts of its own: it sends the function with what is in it.
    if not dictionary or type(df).__module__.startswith("pyspark.sql.connect"):
        return lambda: dictionary
    variable = df.sparkSession.sparkContext.broadcast(dictionary)
    return lambda: variable.value


def _batches(
    batches: Iterator[pa.RecordBatch], names: list[str], work: _Work, text: bool
) -> Iterator[pa.RecordBatch]:
    """The batches of one partition."""
    row = 0
    for batch in batches:
        plan: _Plan = {}
        done = batch
        for name in names:
            place = batch.schema.get_field_index(name)
            found = _worked(work, batch.column(place), name, row)
            plan[place] = (name, _target(batch.schema.field(place).type, text))
            done = done.set_column(place, name, found)
        row += len(batch)
        for part in _parts(done, plan, _MOST_BYTES):
            yield _narrowed(part, plan)


def _worked(work: _Work, column: pa.Array[Any], name: str, first_row: int) -> pa.Array[Any]:
    """One column of a batch that begins at a row of its partition."""
    try:
        return work(column)
    except ZstdError as error:
        if error.row is None:
            raise
        from pyspark import TaskContext  # type: ignore[import-not-found, unused-ignore]

        context = TaskContext.get()
        partition = "" if context is None else f"partition {context.partitionId()}, "
        row = first_row + error.row
        why = str(error).removeprefix(f"row {error.row}: ")
        raise ZstdError(f"{partition}column {name!r}, row {row}: {why}", row) from None


def _target(data_type: pa.DataType, text: bool) -> pa.DataType:
    """The type of a result, with offsets as wide as those of what Spark sent."""
    if pa.types.is_large_binary(data_type) or pa.types.is_large_string(data_type):
        return pa.large_string() if text else pa.large_binary()
    return pa.string() if text else pa.binary()


def _parts(batch: pa.RecordBatch, plan: _Plan, most: int) -> Iterator[pa.RecordBatch]:
    """The rows of a batch, in batches of at most `most` bytes a column, or of one row."""
    narrow = [place for place, (_, kind) in plan.items() if kind in (pa.binary(), pa.string())]
    sizes = [batch.column(place).nbytes for place in narrow]
    if len(batch) < 2 or max(sizes, default=0) <= most:
        yield batch
        return
    half = len(batch) // 2
    yield from _parts(batch.slice(0, half), plan, most)
    yield from _parts(batch.slice(half), plan, most)


def _narrowed(batch: pa.RecordBatch, plan: _Plan) -> pa.RecordBatch:
    """A batch with its results in the types that Spark reads."""
    for place, (name, kind) in plan.items():
        batch = batch.set_column(place, name, batch.column(place).cast(kind))
    return batch
