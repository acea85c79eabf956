"""`zstd_arrow.polars`: the namespace `.zstd`, in every kind of query, against python-zstandard."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import larger
import polars as pl
import pyarrow as pa
import pytest
import zstandard
import zstd_arrow as za
import zstd_arrow.polars
from polars.testing import assert_frame_equal, assert_series_equal

A, B = b"some text, some more text, and some text again", b"x" * 5000
VALUES = [A, None, b"", B, b"\x00\xff", A * 100, b"exactly twelv", A]
FRAMES = [None if v is None else zstandard.ZstdCompressor().compress(v) for v in VALUES]
DF = pl.DataFrame({"group": [0, 1] * 4, "value": VALUES, "frames": FRAMES})
VALUE, FRAME = pl.col("value").zstd, pl.col("frames").zstd

Run = Callable[[pl.LazyFrame], pl.DataFrame]
ENGINES: dict[str, Run] = {
    "in-memory": lambda query: query.collect(engine="in-memory"),
    "streaming": lambda query: query.collect(engine="streaming"),
}
every_engine = pytest.mark.parametrize("run", ENGINES.values(), ids=ENGINES.keys())


# ---------------------------------------------------------------------------------------- queries


@every_engine
def test_select(run: Run) -> None:
    """Frames are python-zstandard's, and become the values; names, nulls and order stay."""
    query = DF.lazy().select(
        VALUE.compress(),
        FRAME.decompress().alias("back"),
        pl.col("frames").zstd.decompressed_size(),
    )
    expected = pl.DataFrame(
        {
            "value": FRAMES,
            "back": VALUES,
            "frames": pl.Series([v if v is None else len(v) for v in VALUES], dtype=pl.UInt64),
        }
    )
    assert_frame_equal(run(query), expected)


RESULTS: dict[str, tuple[pl.Expr, Any]] = {
    "compress": (VALUE.compress(), pl.Binary),
    "decompress": (FRAME.decompress(), pl.Binary),
    "decompress-text": (
        FRAME.decompress(utf8=True, on_error="null"),
        pl.String,
    ),
    "decompressed-size": (FRAME.decompressed_size(), pl.UInt64),
    "frame-info": (FRAME.frame_info(), zstd_arrow.polars.FRAME_INFO),
    "train": (VALUE.train_dictionary(256), pl.Binary),
}


@pytest.mark.parametrize("name", RESULTS)
def test_schema_before_the_run(name: str) -> None:
    """The dtype is known without a run, and is that of the run's result."""
    expression, dtype = RESULTS[name]
    query = pl.concat([DF] * 100).lazy().select(expression.alias("result"))
    assert query.collect_schema() == {"result": dtype}
    assert query.collect().schema == {"result": dtype}
    if name != "train":
        empty = query.filter(False).collect()
        assert (empty.schema, len(empty)) == ({"result": dtype}, 0)


def test_schema_needs_no_call() -> None:
    """Planning does not touch the data: a column of bad frames has a schema too."""
    query = pl.LazyFrame({"frames": [b"text"]}).with_columns(FRAME.decompress().alias("value"))
    assert query.collect_schema()["value"] == pl.Binary
    with pytest.raises(za.ZstdError, match="row 0: bad magic number"):
        query.collect()


@every_engine
def test_group_by(run: Run) -> None:
    """In a group-by: values of groups, what aggregates give, and a dictionary for each group."""
    query = (
        DF.lazy()
        .group_by("group")
        .agg(
            VALUE.compress(),
            pl.col("frames").first().zstd.decompress().alias("first"),
            pl.col("frames").zstd.decompress().bin.size().sum().alias("bytes"),
        )
    )
    found = run(query.sort("group"))
    assert found["value"].to_list() == [FRAMES[0::2], FRAMES[1::2]]
    assert found["first"].to_list() == [VALUES[0], VALUES[1]]
    sizes = [0 if value is None else len(value) for value in VALUES]
    assert found["bytes"].to_list() == [sum(sizes[0::2]), sum(sizes[1::2])]


@every_engine
def test_dictionary_for_each_group(run: Run) -> None:
    """The aggregate gives the dictionary that the function gives for the group's values."""
    events = [f'{{"shop": {i % 2}, "user": {i * 31}, "kind": "view"}}' for i in range(4000)]
    df = pl.DataFrame({"shop": [i % 2 for i in range(4000)], "value": events})
    train = VALUE.train_dictionary(1024, 9).alias("dictionary")
    found = run(df.lazy().group_by("shop").agg(train).sort("shop"))
    for shop, given in found.rows():
        part = df.filter(pl.col("shop") == shop)["value"]
        assert given == bytes(za.train_dictionary(part, 1024, 9))
        frames = part.to_frame().select(VALUE.compress(dictionary=given))
        back = frames.select(VALUE.decompress(dictionary=given, utf8=True))
        assert_series_equal(back["value"], part)


@every_engine
def test_over_and_lists(run: Run) -> None:
    """In a window, and for the elements of lists."""
    found = run(DF.lazy().with_columns(FRAME.decompress().over("group").alias("back")))
    assert found["back"].to_list() == VALUES
    lists = DF.lazy().select(pl.col("frames").implode())
    element = zstd_arrow.polars.ZstdExpr(pl.element())
    found = run(lists.select(pl.col("frames").list.eval(element.decompress())))
    assert found["frames"].to_list() == [VALUES]


def test_filters_run_first() -> None:
    """A filter on another column runs before decompression, and what is not used not at all."""
    frames = pl.Series([b"bad", *FRAMES[1:]])
    query = DF.lazy().with_columns(frames=frames).with_columns(FRAME.decompress().alias("back"))
    assert query.filter(pl.col("group") == 1).collect()["back"].to_list() == VALUES[1::2]
    plan = query.filter(pl.col("group") == 1).explain()
    assert plan.index("python_udf") < plan.index("FILTER"), plan
    assert "python_udf" not in query.select("group").explain()


def test_batches_side_by_side() -> None:
    """Several batches at a time, on several threads, give the rows in order."""
    df = pl.DataFrame({"value": [f"the value of row {i}" for i in range(700_000)]})
    frames = df.lazy().select(VALUE.compress(level=1))
    found = frames.select(VALUE.decompress(utf8=True)).collect(engine="streaming")
    assert_frame_equal(found, df)


def test_literals() -> None:
    """A literal stays one value, and is spread over rows."""
    literal = zstd_arrow.polars.ZstdExpr(pl.lit(A)).compress().alias("frame")
    assert pl.select(literal).item() == FRAMES[0]
    assert DF.with_columns(literal)["frame"].to_list() == [FRAMES[0]] * len(DF)


# ------------------------------------------------------------------------------- options, errors


def test_options() -> None:
    """Options are those of the functions."""
    dictionary = za.Dictionary(A, raw_content=True)
    column = DF["value"]
    for options in ({"level": 19}, {"checksum": True, "content_size": False}, {"threads": 1}):
        found = DF.select(VALUE.compress(**options))["value"]
        assert_series_equal(found, za.compress(column, **options))
    frames = DF.select(VALUE.compress(dictionary=dictionary))
    assert_series_equal(frames["value"], za.compress(column, dictionary=dictionary))
    with pytest.raises(za.ZstdError):
        frames.select(VALUE.decompress())
    for given in (dictionary, [dictionary], (zstandard.ZstdCompressionDict(A),), [A]):
        assert_series_equal(frames.select(VALUE.decompress(dictionary=given))["value"], column)
    kept = DF.select(FRAME.decompress(on_error="null", max_value_size=46))["frames"].to_list()
    assert kept == [value if value is None or len(value) <= 46 else None for value in VALUES]


def test_series() -> None:
    """The namespace of Series does what the functions do."""
    values, frames = DF["value"], DF["frames"]
    assert_series_equal(values.zstd.compress(level=9, checksum=True),
                        za.compress(values, level=9, checksum=True))  # fmt: skip
    assert_series_equal(frames.zstd.decompress(threads=2).rename("value"), values)
    assert frames.zstd.decompress(max_value_size=1, on_error="null").null_count() == 7
    assert_series_equal(frames.zstd.decompressed_size(), za.decompressed_size(frames))
    assert_series_equal(frames.zstd.frame_info(), za.frame_info(frames))
    assert frames.zstd.frame_info().dtype == zstd_arrow.polars.FRAME_INFO
    events = pl.Series([f'{{"user": {i * 31}, "kind": "view"}}' for i in range(4000)])
    dictionary = events.zstd.train_dictionary(1024, 5)
    assert dictionary == za.train_dictionary(events, 1024, 5)
    small = events.zstd.compress(dictionary=dictionary)
    assert_series_equal(small.zstd.decompress(dictionary=dictionary, utf8=True), events)


@every_engine
def test_bad_row(run: Run) -> None:
    """A bad row ends the query with this package's exception, which has the row of its batch."""
    bad = DF.lazy().with_columns(frames=pl.Series([*FRAMES[:5], b"text", *FRAMES[6:]]))
    with pytest.raises(za.ZstdError, match="^row [0-5]: bad magic number 74 65 78 74") as caught:
        run(bad.select(FRAME.decompress()))
    assert str(caught.value).startswith(f"row {caught.value.row}: ")
    if run is ENGINES["in-memory"]:
        assert caught.value.row == 5
    assert run(bad.select(FRAME.decompress(on_error="null")))["frames"][5] is None
    with pytest.raises(TypeError, match="^Int64 is not a binary column"):
        run(DF.lazy().select(pl.col("group").zstd.compress()))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: VALUE.compress(level=99), ValueError, "99 is not a level"),
        (lambda: VALUE.compress(threads=0), ValueError, "threads is a positive number"),
        (lambda: VALUE.decompress(on_error="ignore"), ValueError, 'on_error is "raise" or "null"'),
        (lambda: VALUE.decompress(dictionary=b""), ValueError, "it has no bytes"),
        (
            lambda: VALUE.decompress(dictionary=3),
            TypeError,
            "a dictionary is a zstd_arrow.Dictionary or",
        ),
    ],
)
def test_wrong_options(make: Callable[[], pl.Expr], error: type[Exception], message: str) -> None:
    """A wrong option is an error where it is written."""
    with pytest.raises(error, match=message):
        make()


# ------------------------------------------------------------------------------- memory, imports


def test_no_copy_at_the_border() -> None:
    """A Series lends its buffers, and takes over those that it is given: nothing is copied."""
    values = pl.Series([b"a value that is too long to lie in a view: %d" % i for i in range(100)])
    lent = pa.chunked_array(values).chunk(0)
    own = values.to_arrow(compat_level=pl.CompatLevel.newest())
    assert lent.type == pa.binary_view()
    addresses = [buffer and buffer.address for buffer in own.buffers()]
    assert [buffer and buffer.address for buffer in lent.buffers()] == addresses
    taken = pl.Series(lent).to_arrow(compat_level=pl.CompatLevel.newest())
    assert [buffer and buffer.address for buffer in taken.buffers()] == addresses


IMPORTS = """
import sys
import zstd_arrow
assert not {"polars", "duckdb", "pyspark", "pandas", "pyarrow"} & set(sys.modules)
import zstd_arrow.polars
assert not {"duckdb", "pyspark", "pyarrow"} & set(sys.modules), set(sys.modules)
import zstd_arrow.duckdb
import zstd_arrow.spark
assert not {"duckdb", "pyspark"} & set(sys.modules)
"""


def test_what_is_imported() -> None:
    """No engine is imported but the one that is asked for."""
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, timeout=60)


# ------------------------------------------------------------------------ more than memory holds

# Of which Polars itself takes 220 to write what it reads.
LIMIT_MB = 380
STREAMED = """
import polars as pl
import zstd_arrow.polars

value = pl.col("value").zstd.decompress()
scan = pl.scan_parquet(source)
# Threads and code are there before the count begins.
scan.head(100).with_columns(value).collect(engine="streaming")
limit_growth()
query = scan.with_columns(value)
query.sink_parquet(target, compression="uncompressed", row_group_size=500)
"""
AT_ONCE = """
import polars as pl
import zstd_arrow.polars

limit_growth()
frames = pl.read_parquet(source)
frames.with_columns(pl.col("value").zstd.decompress()).write_parquet(target)
"""


def test_larger_than_memory(larger_file: Path, folder: Path) -> None:
    """A streaming query over a file that is larger than its memory gives what pyarrow gives."""
    target = folder / "values.parquet"
    ended = larger.run(STREAMED, larger_file, target, LIMIT_MB)
    assert ended.returncode == 0, ended.stderr[-3000:]
    larger.check(larger_file, target)
    # The limit is one: all at once does not fit.
    assert larger.run(AT_ONCE, larger_file, folder / "other.parquet", LIMIT_MB).returncode != 0
