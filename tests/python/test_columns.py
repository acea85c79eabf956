"""Columns of every package and layout through `compress` and `decompress`.

Frames that this package makes are read by python-zstandard, and frames that python-zstandard makes
are read by this package. Values are compared row by row, and with them what kind of object comes
back and which Arrow type it has.
"""

from __future__ import annotations

import pickle
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import arro3.core
import duckdb
import nanoarrow
import pandas
import polars
import pyarrow as pa
import pytest
import zstandard
import zstd_arrow as za
import zstd_arrow.polars
from pyarrow import parquet

Values = Sequence[bytes | None]

A, B = b"some text, some more text, and some text again", b"x" * 5000
NOISE = random.Random(1).randbytes(300)

MIXED: Values = [b"", b"a", None, A, B, None, NOISE, b"exactly twelv", b"twelve bytes", A * 100]
TEXT: Values = [b"", b"a", None, A, "grüße, ☃ und 𝄞".encode(), None, A * 100, b"twelve bytes"]
SHAPES: dict[str, Values] = {
    "mixed": MIXED,
    "no-nulls": [A, B, b"", NOISE],
    "one": [A],
    "all-empty": [b"", b"", b""],
    "all-null": [None, None, None],
    "empty": [],
}


# --------------------------------------------------------------------------------------- columns


def decoded(values: Values) -> list[str | None]:
    """Values as text."""
    return [None if value is None else value.decode() for value in values]


def of_pyarrow(data_type: pa.DataType) -> Callable[[Values], pa.Array]:
    """Arrays of a type."""
    is_text = data_type in (pa.string(), pa.large_string(), pa.string_view())
    return lambda values: pa.array(decoded(values) if is_text else values, data_type)


def sliced(values: Values) -> pa.Array:
    """An array that begins and ends inside its buffers, at no multiple of eight rows."""
    around = [b"before", None, b"behind"]
    return pa.array([*around, *values, *around], pa.binary()).slice(3, len(values))


def sliced_views(values: Values) -> pa.Array:
    """As `sliced`, for views."""
    around = [b"before, and long enough to lie in a buffer", None, b"behind"]
    column = pa.array([*around, *values, *around], pa.binary_view())
    return column.slice(3, len(values))


def dictionary(values: Values) -> pa.Array:
    """Rows that share values, among them a value that no row has, and one that is null."""
    distinct: list[bytes | None] = [b"no row has this", None]
    distinct += sorted({value for value in values if value is not None})
    keys = [None if value is None else distinct.index(value) for value in values]
    if None in keys:
        # A null can be that of the key or that of the value.
        keys[keys.index(None)] = 1
    stored = pa.array(distinct, pa.binary())
    return pa.DictionaryArray.from_arrays(pa.array(keys, pa.int16()), stored)


def run_ends(values: Values) -> pa.Array:
    """A run for each row, the first one cut."""
    ends = pa.array(range(2, len(values) + 2), pa.int32())
    column = pa.RunEndEncodedArray.from_arrays(ends, pa.array(values, pa.binary()))
    return column[1:] if values else column


def chunked(values: Values) -> pa.ChunkedArray:
    """Chunks of one row, none, and the rest, each with its own null buffer."""
    parts = [values[:1], [], values[1:4], values[4:]]
    return pa.chunked_array([pa.array(part, pa.binary()) for part in parts], pa.binary())


def no_chunk(values: Values) -> pa.ChunkedArray:
    """As `chunked`; a column of no rows has no chunk either."""
    return pa.chunked_array([values] if values else [], pa.large_binary())


def series(values: Values) -> polars.Series:
    """A Polars Series in two chunks."""
    first = polars.Series("payload", values[:2], polars.Binary)
    return first.append(polars.Series("payload", values[2:], polars.Binary))


def text_series(values: Values) -> polars.Series:
    """A Polars Series of text."""
    return polars.Series("payload", decoded(values), polars.String)


def of_nanoarrow(values: Values) -> nanoarrow.Array:
    """A nanoarrow array."""
    return nanoarrow.Array(values, nanoarrow.binary())


def of_arro3(values: Values) -> arro3.core.Array:
    """An arro3 array."""
    return arro3.core.Array(values, arro3.core.DataType.large_binary())


def arro3_chunks(values: Values) -> arro3.core.ChunkedArray:
    """A chunked array of arro3."""
    return arro3.core.ChunkedArray([of_arro3(values[:2]), of_arro3(values[2:])])


def relation(values: Values) -> duckdb.DuckDBPyRelation:
    """A DuckDB relation of one column."""
    connection = duckdb.connect()
    connection.execute("create table stored (row integer, payload blob)")
    for row, value in enumerate(values):
        connection.execute("insert into stored values (?, ?)", [row, value])
    return connection.sql("select payload from stored order by row")


def duckdb_reader(values: Values) -> pa.RecordBatchReader:
    """The result of a DuckDB query, as it is streamed."""
    return relation(values).to_arrow_reader()


def of_pandas(values: Values) -> pandas.Series:
    """A pandas Series over Arrow memory."""
    return pandas.Series(list(values), dtype=pandas.ArrowDtype(pa.binary()), name="payload")


LARGE = pa.large_binary()


@dataclass(frozen=True)
class Kind:
    """A kind of column, and what it becomes."""

    make: Callable[[Values], Any]
    result: type
    stored: pa.DataType = LARGE


ENCODED = pa.dictionary(pa.int16(), pa.large_binary())
RUNS = pa.run_end_encoded(pa.int32(), pa.large_binary())
VIEW = pa.binary_view()

BINARY = {
    "binary": Kind(of_pyarrow(pa.binary()), pa.Array),
    "large-binary": Kind(of_pyarrow(pa.large_binary()), pa.Array),
    "binary-view": Kind(of_pyarrow(pa.binary_view()), pa.Array, VIEW),
    "sliced": Kind(sliced, pa.Array),
    "sliced-view": Kind(sliced_views, pa.Array, VIEW),
    "dictionary": Kind(dictionary, pa.Array, ENCODED),
    "run-ends": Kind(run_ends, pa.Array, RUNS),
    "chunked": Kind(chunked, pa.ChunkedArray),
    "no-chunk": Kind(no_chunk, pa.ChunkedArray),
    "polars": Kind(series, polars.Series),
    "nanoarrow": Kind(of_nanoarrow, arro3.core.Array),
    "arro3": Kind(of_arro3, arro3.core.Array),
    "arro3-chunked": Kind(arro3_chunks, arro3.core.ChunkedArray),
    "duckdb-relation": Kind(relation, arro3.core.ChunkedArray),
    "duckdb-reader": Kind(duckdb_reader, arro3.core.ChunkedArray),
    "pandas": Kind(of_pandas, pandas.Series),
}
PLAIN_TEXT = {
    "string": Kind(of_pyarrow(pa.string()), pa.Array, pa.large_string()),
    "large-string": Kind(of_pyarrow(pa.large_string()), pa.Array, pa.large_string()),
    "string-view": Kind(of_pyarrow(pa.string_view()), pa.Array, pa.string_view()),
    "polars": Kind(text_series, polars.Series),
}
every_binary = pytest.mark.parametrize("kind", BINARY.values(), ids=BINARY.keys())
every_text = pytest.mark.parametrize("kind", PLAIN_TEXT.values(), ids=PLAIN_TEXT.keys())
every_shape = pytest.mark.parametrize("values", SHAPES.values(), ids=SHAPES.keys())
every_threads = pytest.mark.parametrize("threads", [None, 1, 2, 3])


def to_pyarrow(column: Any) -> pa.Array | pa.ChunkedArray:
    """A result, as pyarrow has it."""
    if isinstance(column, pa.Array | pa.ChunkedArray):
        return column
    if isinstance(column, pandas.Series):
        return pa.chunked_array(column.array.__arrow_array__())
    return pa.array(column) if hasattr(column, "__arrow_c_array__") else pa.chunked_array(column)


def listed(column: Any) -> list[Any]:
    """The rows of a result."""
    return to_pyarrow(column).to_pylist()


def check_kind(found: Any, kind: Kind) -> None:
    """Checks of what class and Arrow type a result is."""
    assert isinstance(found, kind.result)
    if isinstance(found, polars.Series):
        assert found.name == "payload"
        assert found.dtype == polars.Binary
    else:
        column = to_pyarrow(found)
        column.validate(full=True)
        assert column.type == kind.stored


# ----------------------------------------------------------------------------------- zstandard


def zstd(value: bytes, **options: Any) -> bytes:
    """A frame by python-zstandard."""
    return zstandard.ZstdCompressor(**options).compress(value)


def framed(values: Values, **options: Any) -> list[bytes | None]:
    """Frames by python-zstandard."""
    return [None if value is None else zstd(value, **options) for value in values]


def streamed(value: bytes) -> bytes:
    """A frame that does not say its content's size."""
    return zstd(value, write_content_size=False)


def read(frames: Values) -> list[bytes | None]:
    """The values in frames, by python-zstandard."""
    decompress = zstandard.ZstdDecompressor().decompress
    return [None if frame is None else decompress(frame) for frame in frames]


# ------------------------------------------------------------------------------------ the matrix


@every_binary
@every_shape
def test_compress(kind: Kind, values: Values) -> None:
    """Any column becomes frames that python-zstandard reads, and nulls stay where they are."""
    found = za.compress(kind.make(values))
    check_kind(found, kind)
    assert listed(found) == framed(values)
    assert read(listed(found)) == list(values)


@every_binary
@every_shape
def test_decompress(kind: Kind, values: Values) -> None:
    """Any column of python-zstandard's frames becomes its values."""
    found = za.decompress(kind.make(framed(values)))
    check_kind(found, kind)
    assert listed(found) == list(values)


@every_text
@pytest.mark.parametrize("values", [TEXT, [None, None], []], ids=["mixed", "all-null", "empty"])
def test_text(kind: Kind, values: Values) -> None:
    """Text becomes frames, and with `utf8` text again, of the same layout."""
    column = kind.make(values)
    frames = za.compress(column)
    back = za.decompress(frames, utf8=True)
    assert read(listed(frames)) == list(values)
    assert isinstance(back, kind.result)
    if isinstance(back, polars.Series):
        assert (frames.dtype, back.dtype) == (polars.Binary, polars.String)
        assert back.name == "payload"
        assert back.equals(column)
    else:
        is_view = kind.stored == pa.string_view()
        assert frames.type == (pa.binary_view() if is_view else pa.large_binary())
        assert back.type == kind.stored
        assert back.to_pylist() == column.to_pylist()
        back.validate(full=True)


@every_text
def test_text_is_no_frame(kind: Kind) -> None:
    """A text column can be looked at for frames; it has none, for their magic number is no text."""
    message = "row 1: bad magic number 74 65 78 74: not a zstd frame (28 b5 2f fd)"
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(kind.make([None, b"text"]))
    assert (str(caught.value), caught.value.row) == (message, 1)
    assert listed(za.decompress(kind.make([None]))) == [None]


def test_fixed_size_binary() -> None:
    """Values of one size become frames of any size; frames of one size become values."""
    values = [random.Random(seed).randbytes(64) if seed % 3 else None for seed in range(20)]
    frames = za.compress(pa.array(values, pa.binary(64)))
    assert frames.type == pa.large_binary()
    assert frames.to_pylist() == framed(values)
    (size,) = {len(frame) for frame in framed(values) if frame is not None}
    column = pa.array([None, *framed(values)], pa.binary(size)).slice(1)
    found = za.decompress(column)
    assert found.type == pa.large_binary()
    assert found.to_pylist() == values


@pytest.mark.parametrize("method", [True, False], ids=["by its method", "by pyarrow.array"])
def test_pyarrow_arrays(monkeypatch: pytest.MonkeyPatch, method: bool) -> None:
    """Arrays of pyarrow's, also of a pyarrow without the method that they are handed over with."""
    real = pa.Array

    class Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

    if not method:
        assert hasattr(real, "_import_from_c")
        monkeypatch.setattr(pa, "Array", Kind("Array", (), {}))
    values = [b"a value" * 20, None, b""]
    columns = {
        pa.binary(): pa.array(values, pa.binary()),
        pa.large_binary(): pa.array(values, pa.large_binary()),
        pa.binary_view(): pa.array(values, pa.binary_view()),
        pa.dictionary(pa.int8(), pa.binary()): pa.array(values).dictionary_encode().cast(
            pa.dictionary(pa.int8(), pa.binary())
        ),
    }
    for data_type, column in columns.items():
        frames = za.compress(column)
        back = za.decompress(frames)
        assert isinstance(frames, real) and isinstance(back, real), data_type
        frames.validate(full=True)
        back.validate(full=True)
        assert back.to_pylist() == values
        assert za.decompressed_size(frames).to_pylist() == [140, None, 0]
    assert za.compress(columns[pa.binary()]).type == pa.large_binary()
    assert za.compress(columns[pa.binary_view()]).type == pa.binary_view()


@pytest.mark.parametrize("values", SHAPES.values(), ids=SHAPES.keys())
def test_chunks_stay(values: Values) -> None:
    """A chunked column has the chunks that it had, empty ones too."""
    column = chunked(values)
    for found in (za.compress(column), za.decompress(za.compress(column))):
        assert [len(chunk) for chunk in found.chunks] == [len(chunk) for chunk in column.chunks]
    assert za.compress(pa.chunked_array([], pa.string())).num_chunks == 0


def test_dictionary_stays() -> None:
    """An encoded column keeps its keys, and works on each value once."""
    column = pa.array([A, B, None, A, A, B] * 100).dictionary_encode()
    frames = za.compress(column)
    assert frames.indices.equals(column.indices)
    assert frames.dictionary.to_pylist() == framed([A, B])
    assert za.decompress(frames).equals(column.cast(pa.dictionary(pa.int32(), pa.large_binary())))
    text = za.decompress(frames, utf8=True)
    assert text.type == pa.dictionary(pa.int32(), pa.large_string())


def test_polars_categorical() -> None:
    """Polars has text alone in its own dictionaries: what comes back is a plain column."""
    column = polars.Series("payload", ["a", "b", None, "a"], polars.Categorical)
    frames = za.compress(column)
    assert (frames.name, frames.dtype) == ("payload", polars.Binary)
    assert read(frames.to_list()) == [b"a", b"b", None, b"a"]


def test_polars_name_and_no_rows() -> None:
    """A Series keeps its name, an empty one is Binary too."""
    for rows in ([], [A]):
        found = za.compress(polars.Series("a name, with ünicode", rows, polars.Binary))
        assert (found.name, found.dtype, len(found)) == (
            "a name, with ünicode",
            polars.Binary,
            len(rows),
        )


def tables() -> Iterator[Any]:
    """Tables of one column, each of its package's kind."""
    table = pa.table({"payload": pa.array(MIXED, pa.binary())})
    yield table
    yield table.to_batches()[0]
    yield pa.array(table.to_batches()[0].to_struct_array())
    yield polars.DataFrame({"payload": MIXED})
    yield arro3.core.Table.from_arrow(table)


def test_table_of_one_column() -> None:
    """A table or struct array of one column counts as that column."""
    for table in tables():
        assert read(listed(za.compress(table))) == list(MIXED), type(table)


@pytest.mark.parametrize("make", [pa.array, chunked, series, arro3_chunks, of_nanoarrow])
def test_slices_of_results(make: Callable[[Values], Any]) -> None:
    """A result goes in again, whole or sliced."""
    frames = za.compress(make(MIXED))
    assert listed(za.decompress(frames)) == list(MIXED)
    part = frames.slice(2, 5) if hasattr(frames, "slice") else frames[2:7]
    assert listed(za.decompress(part)) == list(MIXED[2:7])


# --------------------------------------------------------------------------------------- options


@pytest.mark.parametrize("level", [-131072, -5, 0, 1, 3, 9, 19, 22])
def test_level(level: int) -> None:
    """Frames of each level are python-zstandard's of that level, byte for byte."""
    values = [A * 50, NOISE, b""]
    assert listed(za.compress(pa.array(values), level=level)) == framed(values, level=level)


@pytest.mark.parametrize("flag", [False, True])
def test_flags(flag: bool) -> None:
    """Checksum and content size are in the frame or not, as told."""
    (frame,) = listed(za.compress(pa.array([A]), checksum=flag, content_size=not flag))
    header = zstandard.get_frame_parameters(frame)
    assert header.has_checksum == flag
    assert header.content_size == (zstandard.CONTENTSIZE_UNKNOWN if flag else len(A))
    assert listed(za.decompress(pa.array([frame]))) == [A]


def test_defaults() -> None:
    """Level 3, content size, no checksum."""
    values = [A * 50, NOISE]
    assert listed(za.compress(pa.array(values))) == framed(values, level=3)
    header = zstandard.get_frame_parameters(listed(za.compress(pa.array(values)))[0])
    assert not header.has_checksum


def test_options_by_keyword_alone() -> None:
    """The column is the one argument by position."""
    for function in (za.compress, za.decompress):
        with pytest.raises(TypeError):
            function(pa.array(framed([A])), 3)
        with pytest.raises(TypeError):
            function(pa.array(framed([A])), unknown=3)


def test_threads() -> None:
    """The same bytes for any number of threads, at a size where all of them have work."""
    rng = random.Random(3)
    values = [A * rng.randrange(100) + rng.randbytes(rng.randrange(200)) for _ in range(5000)]
    column = pa.array(values)
    expected = za.compress(column, threads=1)
    assert listed(expected) == framed(values)
    for threads in (None, 2, 3, 8):
        frames = za.compress(column, threads=threads)
        assert frames.equals(expected)
        assert za.decompress(frames, threads=threads).to_pylist() == values


def test_large_values() -> None:
    """Values of megabytes, known and unknown in size."""
    values = [A * 50_000, None, random.Random(2).randbytes(3_000_000), b""]
    column = pa.array(values)
    for content_size in (True, False):
        frames = za.compress(column, content_size=content_size)
        assert read_streams(frames.to_pylist()) == values
        assert za.decompress(frames).to_pylist() == values


def read_streams(frames: Values) -> list[bytes | None]:
    """The values in frames of any kind, by python-zstandard."""
    new = zstandard.ZstdDecompressor().decompressobj
    return [None if frame is None else new().decompress(frame) for frame in frames]


def test_frames_of_all_kinds() -> None:
    """Several frames in a value, skippable ones, none that says its size."""
    skippable = struct.pack("<II", 0x184D2A5F, 4) + b"skip"
    values = {
        zstd(A) + zstd(B): A + B,
        skippable + zstd(A): A,
        zstd(A) + skippable: A,
        streamed(A) + zstd(B) + skippable + streamed(b""): A + B,
        skippable: b"",
        zstd(b""): b"",
    }
    assert listed(za.decompress(pa.array(values.keys()))) == list(values.values())


# ---------------------------------------------------------------------------------------- errors


def flipped(frame: bytes, place: int) -> bytes:
    """A frame with one bit changed."""
    return frame[:place] + bytes([frame[place] ^ 1]) + frame[place + 1 :]


GOOD = framed([A, None])
FRAME = zstd(A)
CLAIM = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 1 << 60) + b"\x21\x00\x00data"
BAD_ROWS = {
    "empty": (b"", "empty value where a zstd frame was expected"),
    "no-frame": (b"text", "bad magic number 74 65 78 74: not a zstd frame (28 b5 2f fd)"),
    "cut": (FRAME[:-1], "truncated frame: a block needs 35 bytes, 34 are left"),
    "cut-header": (FRAME[:4], "truncated frame: the frame header needs 6 bytes, 4 are left"),
    "trailing": (FRAME + b"junk!", "5 trailing bytes after the last frame"),
    "checksum": (
        flipped(zstd(A, write_checksum=True), -1),
        "checksum mismatch: the content is not what was compressed",
    ),
    "claim": (
        CLAIM,
        "the header claims 1152921504606846976 bytes of content, but the frame's blocks hold 4 at "
        "the most",
    ),
}
every_bad_row = pytest.mark.parametrize(("bad", "message"), BAD_ROWS.values(), ids=BAD_ROWS.keys())


@every_bad_row
@every_threads
def test_bad_row(bad: bytes, message: str, threads: int | None) -> None:
    """A bad row is a ZstdError that names the row, over all chunks, the lowest one of several."""
    column = pa.chunked_array([GOOD, [bad, None], [b"bad as well"]])
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(column, threads=threads)
    assert str(caught.value) == f"row 2: {message}"
    assert caught.value.row == 2
    assert type(caught.value) is za.ZstdError


@every_bad_row
def test_bad_row_becomes_null(bad: bytes, message: str) -> None:
    """With `on_error="null"` a bad row is null and `failed` gets its error; nulls are no errors."""
    column = pa.chunked_array([GOOD, [bad, None], [b"bad as well", FRAME]])
    failed: list[za.ZstdError] = []
    found = za.decompress(column, on_error="null", failed=failed)
    assert found.to_pylist() == [A, None, None, None, None, A]
    assert [error.row for error in failed] == [2, 4]
    assert str(failed[0]) == f"row 2: {message}"
    assert {type(error) for error in failed} == {za.ZstdError}
    assert za.decompress(column, on_error="null").equals(found)


@every_binary
def test_bad_row_of_every_kind(kind: Kind) -> None:
    """Rows are counted as the caller sees them: from the slice's start, over chunks, by row."""
    frames = framed(MIXED)
    frames[3] = frames[7] = b"bad"
    message = "row 3: bad magic number 62 61 64: not a zstd frame (28 b5 2f fd)"
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(kind.make(frames))
    assert (str(caught.value), caught.value.row) == (message, 3)
    failed: list[za.ZstdError] = []
    found = za.decompress(kind.make(frames), on_error="null", failed=failed)
    check_kind(found, kind)
    assert [error.row for error in failed] == [3, 7]
    expected = [None if row in (3, 7) else value for row, value in enumerate(MIXED)]
    assert listed(found) == expected


def test_failed_is_appended_to() -> None:
    """`failed` keeps what it has, and stays as it is when nothing fails or the call raises."""
    earlier = za.ZstdError("earlier")
    failed = [earlier]
    za.decompress(pa.array(GOOD), on_error="null", failed=failed)
    assert failed == [earlier]
    za.decompress(pa.array([b"bad"]), on_error="null", failed=failed)
    assert [error.row for error in failed] == [None, 0]
    with pytest.raises(za.ZstdError):
        za.decompress(pa.array([b"bad"]), failed=failed)
    assert len(failed) == 2


def test_text_that_is_none() -> None:
    """`utf8` finds the value that is no text, though its neighbours would complete it."""
    snowman = "☃".encode()
    frames = pa.array(framed([b"text", snowman[:1], snowman[1:], snowman]))
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(frames, utf8=True)
    message = "row 1: invalid UTF-8 at byte 0 of the value"
    assert (str(caught.value), caught.value.row) == (message, 1)
    found = za.decompress(frames, utf8=True, on_error="null")
    assert found.to_pylist() == ["text", None, None, "☃"]


WRONG = {
    "a list": (
        lambda: za.compress([b"x"]),
        TypeError,
        "an Arrow column is needed (an object with __arrow_c_array__ or "
        "__arrow_c_stream__: of pyarrow, Polars, DuckDB, pandas, nanoarrow, arro3), not list",
    ),
    "bytes": (
        lambda: za.decompress(b"x"),
        TypeError,
        "an Arrow column is needed (an object with __arrow_c_array__ or "
        "__arrow_c_stream__: of pyarrow, Polars, DuckDB, pandas, nanoarrow, arro3), not bytes",
    ),
    "integers": (
        lambda: za.compress(pa.array([1])),
        TypeError,
        "Int64 is not a binary column (Binary, LargeBinary, BinaryView, FixedSizeBinary, Utf8, "
        "LargeUtf8, Utf8View, or a dictionary or run-end encoding of one)",
    ),
    "integers in Polars": (
        lambda: za.decompressed_size(polars.Series([1])),
        TypeError,
        "Int64 is not a binary column (Binary, LargeBinary, BinaryView, FixedSizeBinary, Utf8, "
        "LargeUtf8, Utf8View, or a dictionary or run-end encoding of one)",
    ),
    "two columns": (
        lambda: za.compress(pa.table({"a": [b"x"], "b": [b"y"]})),
        TypeError,
        "one column is needed, not a table or struct of 2: take the column out of it",
    ),
    "no column": (
        lambda: za.compress(polars.DataFrame()),
        TypeError,
        "one column is needed, not a table or struct of 0: take the column out of it",
    ),
    "a level": (
        lambda: za.compress(pa.array([b"x"]), level=23),
        ValueError,
        "option level: 23 is not a level; they go from -131072 to 22",
    ),
    "no threads": (
        lambda: za.compress(pa.array([b"x"]), threads=0),
        ValueError,
        "threads is a positive number or None for all cores, not 0",
    ),
    "negative threads": (
        lambda: za.decompress(pa.array(GOOD), threads=-1),
        ValueError,
        "threads is a positive number or None for all cores, not -1",
    ),
    "on_error": (
        lambda: za.decompress(pa.array(GOOD), on_error="ignore"),
        ValueError,
        'on_error is "raise" or "null", not "ignore"',
    ),
    "decoder": (
        lambda: za.decompress(pa.array(GOOD), decoder="zstd"),
        ValueError,
        'decoder is "auto", "libzstd" or "batch", not "zstd"',
    ),
    "failed": (
        lambda: za.decompress(pa.array(GOOD), failed=()),
        TypeError,
        "'tuple' object is not an instance of 'list'",
    ),
    "too few sizes": (
        lambda: za.decompress(pa.array(GOOD), sizes=[46]),
        ValueError,
        "sizes has 1 entries for 2 rows",
    ),
    "sizes of text": (
        lambda: za.decompress(pa.array(GOOD), sizes=["46", None]),
        TypeError,
        "sizes is an Arrow column of integers, or a sequence of int",
    ),
    "a column of text as sizes": (
        lambda: za.decompress(pa.array(GOOD), sizes=pa.array(["46", None])),
        TypeError,
        "sizes are integers, not Utf8",
    ),
    "a negative size": (
        lambda: za.decompress(pa.array(GOOD), sizes=pa.array([-1, None])),
        ValueError,
        "a size is negative",
    ),
    "text as a dictionary": (
        lambda: za.compress(pa.array([b"x"]), dictionary="text"),
        TypeError,
        "a dictionary is a zstd_arrow.Dictionary or its bytes",
    ),
    "a number as a dictionary": (
        lambda: za.decompress(pa.array(GOOD), dictionary=3),
        TypeError,
        "a dictionary is a zstd_arrow.Dictionary or its bytes",
    ),
    "an empty dictionary": (
        lambda: za.compress(pa.array([b"x"]), dictionary=b""),
        ValueError,
        "dictionary: it has no bytes",
    ),
    "a dictionary twice": (
        lambda: za.decompress(pa.array(GOOD), dictionary=[b"a", b"b"]),
        ValueError,
        "option dictionaries: more than one raw content dictionary: no frame says which it needs",
    ),
    "too little to train on": (
        lambda: za.train_dictionary(pa.array([b"x", b"y"])),
        ValueError,
        "dictionary: cannot train 112640 bytes on 2 samples of 2 bytes in all: Src size is "
        "incorrect",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_argument(call: Callable[[], object], error: type, message: str) -> None:
    """Misuse is a TypeError or a ValueError, never a ZstdError, and says what would be right."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert str(caught.value) == message


def test_errors_of_the_column_pass() -> None:
    """What a column's own export raises is what the call raises."""

    class Broken:
        def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
            raise RuntimeError("no data today")

    with pytest.raises(RuntimeError) as caught:
        za.compress(Broken())
    assert str(caught.value) == "no data today"


def test_error_class() -> None:
    """A ZstdError is its message, and its row; both survive a pickle."""
    error = za.ZstdError("row 3: bad", 3)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.row, type(again)) == ("row 3: bad", 3, za.ZstdError)
    assert za.ZstdError("plain").row is None
    assert za.ZstdError.__bases__ == (Exception,)
    assert repr(error) == "ZstdError('row 3: bad')"


# --------------------------------------------------------------------------------- sizes, limits


SIZES = {
    "list": [46, None, 5000, 0],
    "tuple": (46, None, 5000, 0),
    "uint64": pa.array([46, None, 5000, 0], pa.uint64()),
    "int64": pa.array([46, None, 5000, 0], pa.int64()),
    "uint32": pa.array([46, None, 5000, 0], pa.uint32()),
    "int32": pa.array([46, None, 5000, 0], pa.int32()),
    "chunked": pa.chunked_array([[46], [None, 5000, 0]], pa.uint64()),
    "polars": polars.Series([46, None, 5000, 0], dtype=polars.UInt64),
    "some": [None, None, 5000, None],
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES.keys())
@pytest.mark.parametrize("content_size", [True, False])
def test_sizes(sizes: Any, content_size: bool) -> None:
    """Sizes come as any integers, for frames that say their own and for frames that do not."""
    values = [A, None, B, b""]
    frames = framed(values, write_content_size=content_size)
    assert za.decompress(pa.array(frames), sizes=sizes).to_pylist() == values
    halves = pa.chunked_array([frames[:2], frames[2:]], pa.binary())
    assert za.decompress(halves, sizes=sizes).to_pylist() == values


@pytest.mark.parametrize("content_size", [True, False])
@pytest.mark.parametrize(("size", "said"), [(5001, "has 5000"), (4999, "has more")])
def test_wrong_size(content_size: bool, size: int, said: str) -> None:
    """A size is a promise: content of another size is an error of its row."""
    frames = pa.array(framed([A, B], write_content_size=content_size))
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(frames, sizes=[None, size])
    said = "has 5000" if content_size else said
    message = f"row 1: size mismatch: {size} bytes were promised, the content {said}"
    assert (str(caught.value), caught.value.row) == (message, 1)
    assert za.decompress(frames, sizes=[None, size], on_error="null").to_pylist() == [A, None]


@pytest.mark.parametrize("content_size", [True, False])
def test_max_value_size(content_size: bool) -> None:
    """A value of just the limit passes; a larger one is a bad row."""
    frames = pa.array(framed([A, B, None, A], write_content_size=content_size))
    assert za.decompress(frames, max_value_size=5000).to_pylist() == [A, B, None, A]
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(frames, max_value_size=4999)
    message = "row 1: the value has 5000 bytes or more, over the limit of 4999 a value"
    assert (str(caught.value), caught.value.row) == (message, 1)
    failed: list[za.ZstdError] = []
    found = za.decompress(frames, max_value_size=4999, on_error="null", failed=failed)
    assert found.to_pylist() == [A, None, None, A]
    assert [(error.row, str(error)) for error in failed] == [(1, message)]


@pytest.mark.parametrize("content_size", [True, False])
@pytest.mark.parametrize("on_error", ["raise", "null"])
def test_max_output_size(content_size: bool, on_error: Any) -> None:
    """All values together may have just the limit; more is an error, also with nulls asked for."""
    frames = pa.array(framed([A, B, None, A], write_content_size=content_size))
    limit = len(A + B + A)
    found = za.decompress(frames, max_output_size=limit, on_error=on_error)
    assert found.to_pylist() == [A, B, None, A]
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(frames, max_output_size=limit - 1, on_error=on_error)
    message = (
        f"row 3: the output up to this row has {limit} bytes or more, "
        f"over the limit of {limit - 1} a call"
    )
    assert (str(caught.value), caught.value.row) == (message, 3)


def test_claim_takes_no_memory() -> None:
    """A header that claims an exbibyte is an error of its row, in no time and memory."""
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(pa.array([*GOOD, CLAIM] * 3))
    assert caught.value.row == 2


# ---------------------------------------------------------------------------------- dictionaries


def events(count: int = 2000, seed: int = 0) -> list[bytes]:
    """Small values that have much in common."""
    rng = random.Random(seed)
    return [
        f'{{"seed": {seed}, "id": {rng.randrange(10**9)}, "kind": "view", "ok": true}}'.encode()
        for _ in range(count)
    ]


EVENTS = events()
TRAINED = za.train_dictionary(pa.array(EVENTS), 4096)
OTHER = za.train_dictionary(pa.array(events(seed=1)), 4096)
RAW = b'{"seed": 0, "id": 123456789, "kind": "view", "ok": true}'


def foreign(dictionary: za.Dictionary | bytes) -> zstandard.ZstdCompressionDict:
    """A dictionary as python-zstandard has it."""
    return zstandard.ZstdCompressionDict(bytes(dictionary))


DICTIONARIES = {
    "trained": TRAINED,
    "trained-bytes": bytes(TRAINED),
    "trained-bytearray": bytearray(bytes(TRAINED)),
    "trained-memoryview": memoryview(bytes(TRAINED)),
    "trained-arrow-buffer": pa.py_buffer(bytes(TRAINED)),
    "trained-zstandard": foreign(TRAINED),
    "raw": za.Dictionary(RAW, raw_content=True),
    "raw-auto": za.Dictionary(RAW),
    "raw-bytes": RAW,
    "raw-zstandard": foreign(RAW),
}


def content(dictionary: Any) -> bytes:
    """The bytes of a dictionary in any form."""
    if isinstance(dictionary, zstandard.ZstdCompressionDict):
        return dictionary.as_bytes()
    return bytes(dictionary)


@pytest.mark.parametrize("dictionary", DICTIONARIES.values(), ids=DICTIONARIES.keys())
def test_dictionary(dictionary: Any) -> None:
    """A dictionary in any form makes frames that python-zstandard reads with it, and we too."""
    frames = za.compress(pa.array(EVENTS), dictionary=dictionary)
    decompress = zstandard.ZstdDecompressor(dict_data=foreign(content(dictionary))).decompress
    assert [decompress(frame) for frame in frames.to_pylist()] == EVENTS
    assert za.decompress(frames, dictionary=dictionary).to_pylist() == EVENTS
    assert za.decompress(frames, dictionary=[dictionary]).to_pylist() == EVENTS
    assert za.decompress(frames, dictionary=(dictionary, OTHER)).to_pylist() == EVENTS
    plain = za.compress(pa.array(EVENTS))
    assert frames.nbytes < plain.nbytes * 0.8


@pytest.mark.parametrize("decoder", ["auto", "libzstd", "batch"])
def test_decoder(decoder: Any, tmp_path: Path) -> None:
    """Each decoder gives the same values and the same errors, wherever it can be named."""
    table = za.compress_table(pa.table({"a": EVENTS}), "a", dictionary=TRAINED)
    frames = table["a"]
    assert za.decompress(frames, dictionary=TRAINED, decoder=decoder).to_pylist() == EVENTS
    assert za.decompress_table(table, decoder=decoder)["a"].to_pylist() == EVENTS
    series = polars.Series(frames.combine_chunks())
    found = zstd_arrow.polars.ZstdSeries(series).decompress(dictionary=TRAINED, decoder=decoder)
    assert found.to_list() == EVENTS
    parquet.write_table(table, tmp_path / "in.parquet")
    za.decompress_parquet(tmp_path / "in.parquet", tmp_path / "out.parquet", decoder=decoder)
    assert parquet.read_table(tmp_path / "out.parquet")["a"].to_pylist() == EVENTS
    damaged = frames.to_pylist()
    damaged[7] = damaged[7][:-1]
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(pa.array(damaged), dictionary=TRAINED, decoder=decoder)
    assert caught.value.row == 7
    with pytest.raises(za.ZstdError) as libzstd:
        za.decompress(pa.array(damaged), dictionary=TRAINED, decoder="libzstd")
    assert str(caught.value) == str(libzstd.value)


@pytest.mark.parametrize("dictionary", [TRAINED, RAW], ids=["trained", "raw"])
def test_frames_of_zstandard_with_dictionary(dictionary: Any) -> None:
    """Frames that python-zstandard made with a dictionary."""
    frames = framed(EVENTS, dict_data=foreign(dictionary))
    assert za.decompress(pa.array(frames), dictionary=dictionary).to_pylist() == EVENTS


def test_several_dictionaries() -> None:
    """Of several dictionaries each frame gets its own: by id, raw content where there is none."""
    made = [za.compress(pa.array(EVENTS[:9]), dictionary=one) for one in (TRAINED, OTHER, RAW)]
    column = pa.chunked_array(made)
    for order in ([TRAINED, OTHER, RAW], [RAW, bytes(OTHER), foreign(TRAINED)]):
        assert za.decompress(column, dictionary=order).to_pylist() == EVENTS[:9] * 3


def test_dict_id() -> None:
    """Frames say the dictionary's id, unless told not to."""
    for dict_id, expected in ((True, TRAINED.id), (False, 0)):
        frames = za.compress(pa.array(EVENTS[:5]), dictionary=TRAINED, dict_id=dict_id)
        assert zstandard.get_frame_parameters(frames[0].as_py()).dict_id == expected
        assert za.decompress(frames, dictionary=TRAINED).to_pylist() == EVENTS[:5]


def test_wrong_dictionary() -> None:
    """A missing or wrong dictionary is an error of the row, with both ids."""
    frames = pa.chunked_array([za.compress(pa.array(EVENTS[:5]), dictionary=TRAINED)])
    needed, given = TRAINED.id, OTHER.id
    cases = {
        None: "and no dictionary was given",
        OTHER: f"given: {given}",
        (OTHER, RAW): f"given: 0 (raw content), {given}",
    }
    for dictionary, said in cases.items():
        with pytest.raises(za.ZstdError) as caught:
            za.decompress(frames, dictionary=dictionary)
        assert str(caught.value) == f"row 0: the frame needs dictionary {needed}, {said}"
        assert caught.value.row == 0


def test_dictionary_class() -> None:
    """Id, length, bytes, equality, hash, repr and pickle."""
    assert TRAINED.id == foreign(TRAINED).dict_id()
    assert TRAINED.id > 0
    assert len(TRAINED) == len(bytes(TRAINED)) <= 4096
    again = pickle.loads(pickle.dumps(TRAINED))
    assert again == TRAINED == za.Dictionary(bytes(TRAINED)) != OTHER
    assert hash(again) == hash(TRAINED)
    assert {TRAINED: 1}[again] == 1
    assert repr(TRAINED) == f"Dictionary(id={TRAINED.id}, {len(TRAINED)} bytes)"
    assert TRAINED != bytes(TRAINED)


def test_raw_content_of_a_trained_dictionary() -> None:
    """`raw_content` makes of any bytes a dictionary without an id, and a pickle keeps that."""
    raw = za.Dictionary(bytes(TRAINED), raw_content=True)
    assert (raw.id, bytes(raw)) == (0, bytes(TRAINED))
    assert raw != TRAINED
    again = pickle.loads(pickle.dumps(raw))
    assert again == raw
    assert again.id == 0
    frames = za.compress(pa.array(EVENTS), dictionary=raw)
    assert za.decompress(frames, dictionary=again).to_pylist() == EVENTS


def test_dictionary_of_zstandard_keeps_its_kind() -> None:
    """python-zstandard's dictionary of raw content is one here, whatever its bytes begin with."""
    raw = zstandard.ZstdCompressionDict(bytes(TRAINED), zstandard.DICT_TYPE_RAWCONTENT)
    frames = framed(EVENTS, dict_data=raw)
    known = za.Dictionary(bytes(TRAINED), raw_content=True)
    assert za.decompress(pa.array(frames), dictionary=known).to_pylist() == EVENTS


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "dictionary: it has no bytes"),
        (
            b"\x37\xa4\x30\xec and then nothing that makes sense",
            "dictionary: it begins as a trained dictionary does, but it is damaged",
        ),
    ],
    ids=["empty", "damaged"],
)
def test_bad_dictionary(data: bytes, message: str) -> None:
    """Bytes that are no dictionary are a ValueError, in the class and as an argument."""
    column = pa.array([A])
    for call in (za.Dictionary, lambda data: za.compress(column, dictionary=data)):
        with pytest.raises(ValueError) as caught:
            call(data)
        assert str(caught.value) == message


def test_dictionary_is_copied() -> None:
    """A dictionary of bytes that change later stays what it was."""
    data = bytearray(RAW)
    dictionary = za.Dictionary(data)
    data[:] = b"-" * len(data)
    assert bytes(dictionary) == RAW


def test_train_dictionary() -> None:
    """Training takes any column, keeps to its size, and gives the same again."""
    columns = [pa.array(EVENTS), series(EVENTS), dictionary_of_events(), text_series(EVENTS)]
    for column in columns:
        trained = za.train_dictionary(column, size=4096)
        assert trained == TRAINED
    assert len(za.train_dictionary(pa.array(EVENTS), 1024)) <= 1024
    assert za.train_dictionary(pa.array(EVENTS), 4096, 19) != TRAINED


def dictionary_of_events() -> pa.ChunkedArray:
    """Events in several chunks, with nulls between them."""
    return pa.chunked_array([[*EVENTS[:700], None], [None, *EVENTS[700:]]], pa.binary())


# ---------------------------------------------------------------------------- buffers of zstandard


def zstandard_buffer(values: Sequence[bytes]) -> Any:
    """python-zstandard's buffer over some values, with a gap of one byte between them."""
    offsets, at = [], 1
    for value in values:
        offsets.append((at, len(value)))
        at += len(value) + 1
    pairs = b"".join(struct.pack("=QQ", *pair) for pair in offsets)
    return zstandard.BufferWithSegments(b"-" + b"-".join(values), pairs)


def test_buffer_of_zstandard() -> None:
    """python-zstandard's BufferWithSegments is a column."""
    values = [A, B, b"", A]
    frames = za.compress(zstandard_buffer(values))
    assert isinstance(frames, arro3.core.Array)
    assert read(listed(frames)) == values
    back = za.decompress(zstandard_buffer([zstd(value) for value in values]))
    assert isinstance(back, arro3.core.Array)
    assert listed(back) == values


@pytest.mark.parametrize("threads", [1, 2])
def test_collection_of_zstandard(threads: int) -> None:
    """python-zstandard's collection is a chunked column, as its multi functions give it."""
    values = [text * 3 for text in EVENTS[:300]]
    made = zstandard.ZstdCompressor().multi_compress_to_buffer(values, threads=threads)
    back = za.decompress(made)
    assert isinstance(back, arro3.core.ChunkedArray)
    assert listed(back) == values
    both = zstandard.BufferWithSegmentsCollection(zstandard_buffer(values), zstandard_buffer([A]))
    assert read(listed(za.compress(both))) == [*values, A]
    assert listed(za.decompressed_size(made)) == [len(value) for value in values]


def test_own_buffers() -> None:
    """So are this package's own buffer objects."""
    values = [A, B, b"", A]
    buffer = za.BufferWithSegments.from_arrow(pa.array(values))
    frames = za.compress(buffer)
    assert isinstance(frames, arro3.core.Array)
    assert read(listed(frames)) == values
    frames = za.compress(za.BufferWithSegmentsCollection(buffer, buffer))
    assert isinstance(frames, arro3.core.ChunkedArray)
    assert read(listed(frames)) == values * 2
    assert pa.chunked_array(frames).num_chunks == 2


# ---------------------------------------------------------------------------------------- headers


def test_decompressed_size() -> None:
    """Sizes by the headers: null for a null and for a frame that does not say."""
    frames = [zstd(A), None, streamed(A), zstd(A) + zstd(B), zstd(b"")]
    expected = [46, None, None, 5046, 0]
    found = za.decompressed_size(pa.array(frames))
    assert (found.type, found.to_pylist()) == (pa.uint64(), expected)
    assert za.decompressed_size(chunked(frames)).num_chunks == 4
    sizes = za.decompressed_size(series(frames))
    assert (sizes.name, sizes.dtype, sizes.to_list()) == ("payload", polars.UInt64, expected)


@every_binary
def test_headers_of_every_kind(kind: Kind) -> None:
    """Both functions on headers take every kind of column."""
    frames = framed(MIXED)
    sizes = za.decompressed_size(kind.make(frames))
    info = za.frame_info(kind.make(frames))
    assert isinstance(sizes, kind.result)
    assert isinstance(info, kind.result)
    expected = [None if value is None else len(value) for value in MIXED]
    assert listed(sizes) == expected
    assert [row and row["content_size"] for row in listed(info)] == expected


def test_frame_info() -> None:
    """What frames say of themselves, field by field."""
    with_dictionary = za.compress(pa.array([EVENTS[0]]), dictionary=TRAINED, checksum=True)
    frames = [zstd(A) + zstd(B), None, streamed(A), with_dictionary[0].as_py()]
    found = za.frame_info(pa.array(frames))
    assert found.type == pa.struct(
        {
            "content_size": pa.uint64(),
            "compressed_size": pa.uint64(),
            "window_size": pa.uint64(),
            "dictionary_id": pa.uint32(),
            "checksum": pa.bool_(),
            "frames": pa.uint32(),
        }
    )
    window = zstandard.get_frame_parameters(frames[2]).window_size
    first, second, third, fourth = found.to_pylist()
    assert first == dict(zip(found.type.names, [5046, len(frames[0]), 5000, None, False, 2]))
    assert second is None
    assert third == dict(zip(found.type.names, [None, len(frames[2]), window, None, False, 1]))
    assert (fourth["dictionary_id"], fourth["checksum"]) == (TRAINED.id, True)


@pytest.mark.parametrize("function", [za.decompressed_size, za.frame_info])
def test_headers_of_bad_rows(function: Callable[[Any], Any]) -> None:
    """A value that is no frame is an error of its row, counted over all chunks."""
    with pytest.raises(za.ZstdError) as caught:
        function(pa.chunked_array([GOOD, [None, b"text"]], pa.binary()))
    message = "row 3: bad magic number 74 65 78 74: not a zstd frame (28 b5 2f fd)"
    assert (str(caught.value), caught.value.row) == (message, 3)


# ------------------------------------------------------------------------------ memory, importing


def test_idle_memory() -> None:
    """Memory of dropped results waits for the next call, up to the limit."""
    frames = pa.array(framed([B * 4000]))
    za.set_idle_limit(0)
    try:
        assert za.idle_memory() == 0
        za.decompress(frames)
        assert za.idle_memory() == 0
        za.set_idle_limit(64 << 20)
        za.decompress(frames)
        assert len(B) * 4000 <= za.idle_memory() <= 64 << 20
    finally:
        za.set_idle_limit(256 << 20)


@pytest.mark.parametrize("module", ["pyarrow", "polars", "arro3", "zstandard", "numpy", "duckdb"])
def test_import_is_light(module: str) -> None:
    """`import zstd_arrow` imports no package whose columns it takes."""
    code = f"import sys, zstd_arrow, zstd_arrow.zstandard; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        (
            "import polars\n"
            "column = polars.Series('a', [b'one', None])\n"
            "assert za.decompress(za.compress(column)).to_list() == [b'one', None]",
            "pyarrow",
        ),
        (
            "import pyarrow\n"
            "column = pyarrow.array([b'one', None])\n"
            "assert za.decompress(za.compress(column)).to_pylist() == [b'one', None]",
            "polars",
        ),
    ],
    ids=["polars-alone", "pyarrow-alone"],
)
def test_no_other_package_is_needed(code: str, absent: str) -> None:
    """Columns of one package need no other one."""
    block = f"import sys\nsys.modules[{absent!r}] = None\nimport zstd_arrow as za\n"
    ended = subprocess.run([sys.executable, "-c", block + code], timeout=60, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()
