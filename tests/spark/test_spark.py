"""`zstd_arrow.spark` on a real Spark in local mode.

    make test-spark

With ZSTD_ARROW_CORPORA, a folder with `deb.parquet` (columns key and value), the test of a file
runs on that; without it on a generated one of the same kind.
"""

from __future__ import annotations

import doctest
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
import zstd_arrow as za
import zstd_arrow.spark
from pyspark.errors import PythonException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.types import (
    BinaryType,
    IntegerType,
    StringType,
    StructField,
    StructType,
)

# Spark would take the python3 that it finds.
os.environ["PYSPARK_PYTHON"] = sys.executable

A, B = b"some text, some more text, and some text again", b"x" * 5000
VALUES = [A, None, b"", B, b"\x00\xff", A * 100]
COMMENT = {"comment": "what came in"}
SCHEMA = StructType(
    [
        StructField("id", IntegerType(), nullable=False),
        StructField("payload", BinaryType(), metadata=COMMENT),
        StructField("note", StringType()),
    ]
)
ROWS = [(i, value, None if value is None else f"grüße {i}") for i, value in enumerate(VALUES)]


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    """Two threads, and batches so small that a partition has several."""
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "2g")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "500")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def df(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, SCHEMA)


def column(df: DataFrame, name: str = "payload") -> list[Any]:
    """The values of a column, in the order of the ids."""
    values = [row[name] for row in df.orderBy("id").select(name).collect()]
    return [bytes(value) if isinstance(value, bytearray) else value for value in values]


def test_round_trip(df: DataFrame) -> None:
    """python-zstandard reads the frames; nulls, other columns and the schema stay."""
    frames = zstd_arrow.spark.compress(df, "payload", level=9, checksum=True)
    assert frames.schema == SCHEMA
    assert frames.schema["payload"].metadata == COMMENT
    compressor = zstandard.ZstdCompressor(level=9, write_checksum=True)
    expected = [None if value is None else compressor.compress(value) for value in VALUES]
    assert column(frames) == expected
    back = zstd_arrow.spark.decompress(frames, ["payload"])
    assert back.schema == SCHEMA
    assert column(back) == VALUES
    assert column(back, "note") == column(df, "note")


def test_text_and_several_columns(df: DataFrame) -> None:
    """Text becomes binary, and with `utf8` text again."""
    frames = zstd_arrow.spark.compress(df, ["note", "payload"])
    assert frames.columns == df.columns
    assert frames.schema["note"].dataType == BinaryType()
    half = zstd_arrow.spark.decompress(frames, "note", utf8=True)
    assert half.schema["note"] == SCHEMA["note"]
    assert column(zstd_arrow.spark.decompress(half, "payload")) == VALUES
    assert column(half, "note") == column(df, "note")


@pytest.mark.parametrize("raw", [False, True])
def test_dictionary(spark: SparkSession, raw: bool) -> None:
    """A dictionary goes to the workers, and the frames need it."""
    events = [f'{{"user": {i * 31}, "kind": "view"}}' for i in range(3000)]
    df = spark.createDataFrame(list(enumerate(events)), "id int, payload string").repartition(4)
    given: Any = za.train_dictionary(pa.array(events), 1024)
    if raw:
        given = za.Dictionary(events[0].encode(), raw_content=True)
    plain = zstd_arrow.spark.compress(df, "payload")
    frames = zstd_arrow.spark.compress(df, "payload", dictionary=given)
    size = "sum(octet_length(payload)) as size"
    assert frames.selectExpr(size).first()["size"] < plain.selectExpr(size).first()["size"]
    back = zstd_arrow.spark.decompress(frames, "payload", dictionary=[given], utf8=True)
    assert column(back) == events
    if not raw:
        with pytest.raises(PythonException, match=f"dictionary.* {given.id}"):
            zstd_arrow.spark.decompress(frames, "payload").collect()


def test_bad_row(spark: SparkSession) -> None:
    """An error names partition, column and row, beyond the first batch too; or it is a null."""
    (frame,) = za.compress(pa.array([A])).to_pylist()
    rows = [(i, b"text" if i == 1700 else frame) for i in range(2000)]
    df = spark.createDataFrame(rows, StructType([SCHEMA[0], StructField("payload", BinaryType())]))
    one = df.coalesce(1)
    message = "partition 0, column 'payload', row 1700: bad magic number 74 65 78 74: not a zstd"
    with pytest.raises(PythonException, match=message):
        zstd_arrow.spark.decompress(one, "payload").collect()
    found = column(zstd_arrow.spark.decompress(df, "payload", on_error="null"))
    assert found == [None if i == 1700 else A for i in range(2000)]
    with pytest.raises(PythonException, match="row 0: "):
        zstd_arrow.spark.decompress(one, "payload", max_value_size=len(A) - 1).collect()


def test_never_null_becomes_null(spark: SparkSession) -> None:
    """With `on_error="null"` a column that had no nulls may have some."""
    schema = StructType([StructField("payload", BinaryType(), nullable=False)])
    df = spark.createDataFrame([(b"text",)], schema)
    found = zstd_arrow.spark.decompress(df, "payload", on_error="null")
    assert found.schema["payload"].nullable
    assert found.collect() == [Row(payload=None)]
    assert not zstd_arrow.spark.compress(df, "payload").schema["payload"].nullable


def test_wrong_arguments(df: DataFrame) -> None:
    """What is wrong is said at once, and not in the middle of a job."""
    compress, decompress = zstd_arrow.spark.compress, zstd_arrow.spark.decompress
    with pytest.raises(ValueError, match="^there is no column 'page' among id, payload, note$"):
        compress(df, "page")
    with pytest.raises(TypeError, match="^column 'id' is integer, not binary or string$"):
        compress(df, ["payload", "id"])
    with pytest.raises(TypeError, match="^column 'note' is string, not binary$"):
        decompress(df, "note")
    with pytest.raises(ValueError, match="99 is not a level"):
        compress(df, "payload", level=99)
    twice = df.select("payload", "payload")
    with pytest.raises(ValueError, match="^there is more than one column 'payload'"):
        compress(twice, "payload")


def test_no_rows_and_no_partition(spark: SparkSession) -> None:
    """No rows stay no rows, of the right type."""
    empty = zstd_arrow.spark.decompress(spark.createDataFrame([], SCHEMA), "payload", utf8=True)
    assert empty.schema["payload"].dataType == StringType()
    assert empty.collect() == []


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
@pytest.mark.parametrize("most", [1, 100, 1 << 20])
def test_batches_that_fit(monkeypatch: pytest.MonkeyPatch, kind: pa.DataType, most: int) -> None:
    """Values that are too many for 32 bits of offsets become several batches, in order.

    Guards against a batch of 10,000 rows of 300 KB, which fail as one Arrow array.
    """
    monkeypatch.setattr(zstd_arrow.spark, "_MOST_BYTES", most)
    batch = pa.record_batch({"id": range(len(VALUES)), "payload": pa.array(VALUES, kind)})
    made = zstd_arrow.spark._batches(iter([batch]), ["payload"], lambda column: column, False)
    found = list(made)
    assert pa.Table.from_batches(found).equals(pa.Table.from_batches([batch]))
    split = most < batch.column("payload").nbytes and kind == pa.binary()
    assert (len(found) > 1) == split


def deb(folder: Path) -> pa.Table:
    """Texts of a few kilobytes that have much in common, or the real ones."""
    corpora = os.environ.get("ZSTD_ARROW_CORPORA")
    if corpora:
        return pq.read_table(Path(corpora) / "deb.parquet")
    words = random.Random(1).choices([f"word{i}" for i in range(900)], k=100_000)
    starts = [random.Random(i).randrange(90_000) for i in range(5000)]
    values = [" ".join(words[start : start + 400]).encode() for start in starts]
    return pa.table({"key": [f"package{i}" for i in range(5000)], "value": values})


def test_file(spark: SparkSession, tmp_path: Path) -> None:
    """A Parquet file of frames, made by this package and read by Spark, and the other way."""
    table = deb(tmp_path)
    dictionary = za.train_dictionary(table["value"])
    frames = za.compress(table["value"], dictionary=dictionary)
    pq.write_table(table.set_column(1, "value", frames), tmp_path / "frames.parquet")
    df = spark.read.parquet(str(tmp_path / "frames.parquet"))
    values = zstd_arrow.spark.decompress(df, "value", dictionary=dictionary)
    values.write.parquet(str(tmp_path / "values"))
    found = pq.read_table(tmp_path / "values").select(table.column_names)
    expected = table.cast(found.schema)
    assert found.sort_by("key").equals(expected.sort_by("key"))
    again = zstd_arrow.spark.compress(values, "value", dictionary=dictionary)
    again.write.parquet(str(tmp_path / "again"))
    found = pq.read_table(tmp_path / "again").sort_by("key")
    expected = pq.read_table(tmp_path / "frames.parquet").sort_by("key")
    assert found["value"].cast(pa.large_binary()).equals(expected["value"].cast(pa.large_binary()))


def test_examples(spark: SparkSession) -> None:
    """The examples of the module hold."""
    found = doctest.testmod(zstd_arrow.spark)
    assert found.failed == 0 and found.attempted > 0
