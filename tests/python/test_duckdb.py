"""`zstd_arrow.duckdb`: functions in SQL, against python-zstandard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import larger
import pyarrow as pa
import pytest
import zstandard
import zstd_arrow as za
import zstd_arrow.duckdb

A, B = b"some text, some more text, and some text again", b"x" * 5000
VALUES = [A, None, b"", B, b"\x00\xff", A * 100, b"exactly twelv", A]
FRAMES = [None if v is None else zstandard.ZstdCompressor().compress(v) for v in VALUES]

Connection = duckdb.DuckDBPyConnection


@pytest.fixture
def connection() -> Iterator[Connection]:
    """With a table of the values and frames above."""
    with duckdb.connect() as connection:
        zstd_arrow.duckdb.register(connection)
        connection.execute("set threads = 2")
        connection.execute("create table stored (id integer, value blob, frame blob)")
        for row in zip(range(len(VALUES)), VALUES, FRAMES, strict=True):
            connection.execute("insert into stored values (?, ?, ?)", row)
        yield connection


def rows(connection: Connection, query: str, *parameters: object) -> list[Any]:
    """The rows of a query; those of one column as its values."""
    found = connection.execute(query, parameters or None).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


def of(connection: Connection, expression: str, *parameters: object) -> list[Any]:
    """An expression for each row of the table."""
    return rows(connection, f"select {expression} from stored order by id", *parameters)


# ------------------------------------------------------------------------------------- functions


def test_compress(connection: Connection) -> None:
    """The frames are python-zstandard's, of every level; nulls stay where they are."""
    assert of(connection, "zstd_compress(value)") == FRAMES
    for level in (-5, 0, 19):
        compress = zstandard.ZstdCompressor(level=level).compress
        expected = [None if value is None else compress(value) for value in VALUES]
        assert of(connection, f"zstd_compress(value, {level})") == expected
        assert of(connection, "zstd_compress(value, $1)", level) == expected
    assert of(connection, "zstd_compress(value, null, null)") == FRAMES


def test_decompress(connection: Connection) -> None:
    """The values come back; those that are not there stay null."""
    assert of(connection, "zstd_decompress(frame)") == VALUES
    assert of(connection, "zstd_decompress(frame, null)") == VALUES
    assert of(connection, "try_zstd_decompress(frame)") == VALUES


def test_text(connection: Connection) -> None:
    """Text is taken as its UTF-8, backslashes and all, and comes back by `decode`."""
    texts = ["a value", "grüße, ☃ und 𝄞", "\\x41 is no A", "", None]
    query = "select decode(zstd_decompress(zstd_compress(t))) from unnest($1::varchar[]) as u(t)"
    assert rows(connection, query, texts) == texts


def test_headers(connection: Connection) -> None:
    """Sizes and frame infos are those of the functions of Python."""
    column = pa.array(FRAMES)
    sizes = za.decompressed_size(column).to_pylist()
    assert of(connection, "zstd_decompressed_size(frame)") == sizes
    assert of(connection, "zstd_frame_info(frame)") == za.frame_info(column).to_pylist()
    assert of(connection, "zstd_frame_info(frame).content_size") == sizes


TYPES = {
    "zstd_compress(value)": "BLOB",
    "zstd_decompress(frame)": "BLOB",
    "try_zstd_decompress(frame)": "BLOB",
    "zstd_decompressed_size(frame)": "UBIGINT",
    "zstd_frame_info(frame)": (
        "STRUCT(content_size UBIGINT, compressed_size UBIGINT, window_size UBIGINT, "
        "dictionary_id UINTEGER, checksum BOOLEAN, frames UINTEGER)"
    ),
}


@pytest.mark.parametrize("expression", TYPES)
def test_types(connection: Connection, expression: str) -> None:
    """The types are known before the run; a null is null, and no rows are none."""
    described = connection.execute(f"describe select {expression} from stored").fetchall()
    assert described[0][1].replace('"', "") == TYPES[expression]
    function = expression.partition("(")[0]
    assert rows(connection, f"select {function}(null)") == [None]
    assert rows(connection, f"select {function}(null::blob) from stored") == [None] * len(VALUES)
    assert rows(connection, f"select {expression} from stored where false") == []


def test_listed(connection: Connection) -> None:
    """The functions are found where DuckDB lists its own, with their arguments."""
    query = (
        "select function_name, list(parameters order by len(parameters)) from duckdb_functions() "
        "where function_name like '%zstd%' and not starts_with(function_name, '__') "
        "group by all order by all"
    )
    assert rows(connection, query) == [
        ("try_zstd_decompress", [["value"], ["value", "dictionary"]]),
        ("zstd_compress", [["value"], ["value", "level"], ["value", "level", "dictionary"]]),
        ("zstd_decompress", [["value"], ["value", "dictionary"]]),
        ("zstd_decompressed_size", [["value"]]),
        ("zstd_frame_info", [["value"]]),
    ]


# ---------------------------------------------------------------------------------- dictionaries


def test_dictionary(connection: Connection) -> None:
    """As a parameter, a literal, a column of one value; trained or raw content."""
    events = pa.array([f'{{"user": {i * 31}, "kind": "view"}}' for i in range(5000)])
    connection.execute(
        "create table events as select unnest($1::varchar[]) as t", [events.to_pylist()]
    )
    for dictionary in (
        za.train_dictionary(events, 1024),
        za.Dictionary(events[0].as_py().encode()),
    ):
        given = bytes(dictionary)
        expected = za.compress(events, dictionary=dictionary).to_pylist()
        frames = "select zstd_compress(t, 3, $1) as f from events"
        assert rows(connection, frames, given) == expected
        query = f"select decode(zstd_decompress(f, $1)) from ({frames})"
        assert rows(connection, query, given) == events.to_pylist()
        literal = "'" + "".join(f"\\x{byte:02x}" for byte in given) + "'::blob"
        back = f"decode(zstd_decompress(zstd_compress(t, 3, {literal}), {literal}))"
        query = f"select count(*) from events where {back} = t"
        assert rows(connection, query) == [5000]
        connection.execute("create or replace table kept as select $1 as d", [given])
        query = "select zstd_compress(t, 3, (select d from kept)) from events"
        assert rows(connection, query) == expected


def test_dictionary_comes_once(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary is looked at when the query is planned, and not for each vector of rows.

    Guards against 2,048 copies of it for each 2,048 rows.
    """
    seen: list[int] = []
    made = zstd_arrow.duckdb.Dictionary

    def count(data: bytes) -> za.Dictionary:
        seen.append(len(data))
        return made(data)

    monkeypatch.setattr(zstd_arrow.duckdb, "Dictionary", count)
    query = "select count(zstd_compress(i::varchar, 1, $1)) from range(100000) as r(i)"
    assert rows(connection, query, A * 1000) == [100_000]
    assert seen == [len(A) * 1000]


def test_wrong_dictionary(connection: Connection) -> None:
    """The error says which dictionary is needed, and which function needs it."""
    events = pa.array([f'{{"user": {i * 31}, "kind": "view"}}' for i in range(5000)])
    dictionary = za.train_dictionary(events, 1024)
    (frame,) = za.compress(events[:1], dictionary=dictionary).to_pylist()
    with pytest.raises(
        duckdb.Error, match=f"zstd_decompress: row 0: .*dictionary.* {dictionary.id}"
    ):
        rows(connection, "select zstd_decompress($1)", frame)
    assert rows(connection, "select try_zstd_decompress($1)", frame) == [None]
    assert rows(connection, "select try_zstd_decompress($1, $2)", frame, bytes(dictionary)) == [
        events[0].as_py().encode()
    ]


# ---------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "zstd_decompress(value)",
            "ZstdError: zstd_decompress: row 0: bad magic number 73 6f 6d 65",
        ),
        ("zstd_decompressed_size(value)", "ZstdError: zstd_decompressed_size: row 0: bad magic"),
        ("zstd_frame_info(value)", "ZstdError: zstd_frame_info: row 0: bad magic number"),
        ("zstd_decompress(if(id = 3, 'x'::blob, frame))", "zstd_decompress: row 3: "),
        ("zstd_compress(id)", "TypeError: zstd_compress: Int32 is not a binary column"),
        ("zstd_decompress(id)", "TypeError: zstd_decompress: Int32 is not a binary column"),
        ("try_zstd_decompress(id)", "TypeError: try_zstd_decompress: Int32 is not a binary column"),
        ("zstd_compress(value, 99)", "ValueError: zstd_compress: option level: 99 is not a level"),
        (
            "zstd_compress(value, '3')",
            "TypeError: zstd_compress: the level is an integer, not string",
        ),
        ("zstd_compress(value, id)", "zstd_compress: the level has to be the same for all rows"),
        ("zstd_compress(value, 3, value)", "the dictionary has to be the same for all rows"),
        ("zstd_compress(value, 3, 'text')", "TypeError: the dictionary is a BLOB, not string"),
        ("zstd_compress(value, 3, ''::blob)", "ValueError: dictionary: it has no bytes"),
        ("zstd_compress(value, 3, frame, 4)", "does not support the supplied arguments"),
        ("zstd_compress()", "does not support the supplied arguments"),
    ],
)
def test_errors(connection: Connection, expression: str, message: str) -> None:
    """An error names the function, and the row where there is one."""
    with pytest.raises(duckdb.Error) as caught:
        of(connection, expression)
    assert message in str(caught.value)


def test_bad_rows_are_null(connection: Connection) -> None:
    """`try_` gives null for a bad row, and values for the others."""
    found = of(connection, "try_zstd_decompress(if(id % 2 = 0, 'x'::blob, frame))")
    assert found == [None if i % 2 == 0 else value for i, value in enumerate(VALUES)]


# ----------------------------------------------------------------------------------- connections


def test_registered_twice(connection: Connection) -> None:
    """A second call changes nothing, also with a plan that was made before."""
    plain = zstandard.ZstdCompressor().compress(A)
    connection.execute(
        f"prepare p as select zstd_compress('{A.decode()}', 3, '{A.decode()}'::blob)"
    )
    first = rows(connection, "execute p")
    assert first != [plain]
    zstd_arrow.duckdb.register(connection)
    assert rows(connection, "select zstd_compress($1, 3, $2)", A, B) == [plain]
    assert rows(connection, "execute p") == first


def test_cursors_and_files(folder: Path) -> None:
    """A cursor has the functions after a call of its own; nothing is written to the database."""
    path = str(folder / "stored.duckdb")
    with duckdb.connect(path) as connection:
        zstd_arrow.duckdb.register(connection)
        connection.execute("create table stored as select zstd_compress('a value') as frame")
        cursor = connection.cursor()
        zstd_arrow.duckdb.register(cursor)
        assert rows(cursor, "select zstd_decompress(frame) from stored") == [b"a value"]
    with duckdb.connect(path, read_only=True) as connection:
        listed = "select count(*) from duckdb_functions() where function_name like '%zstd%'"
        assert rows(connection, listed) == [0]
        zstd_arrow.duckdb.register(connection)
        assert rows(connection, "select zstd_decompress(frame) from stored") == [b"a value"]


def test_many_rows_on_two_threads(connection: Connection) -> None:
    """Vectors of several row groups at a time: every value comes back."""
    query = (
        "select count(*), count(*) filter (decode(zstd_decompress(zstd_compress(t, 1))) = t) "
        "from (select repeat('value ' || i, i % 20) as t from range(500000) as r(i))"
    )
    assert rows(connection, query) == [(500_000, 500_000)]


def test_large_values(connection: Connection) -> None:
    """Values of megabytes, each from a frame of a few hundred bytes."""
    (frame,) = za.compress(pa.array([bytes(3 << 20)])).to_pylist()
    query = "select sum(octet_length(zstd_decompress($1::blob || frame))) from stored where id = 0"
    assert rows(connection, query, frame) == [(3 << 20) + len(A)]
    query = "select sum(octet_length(zstd_decompress(f))) from (select $1 as f from range(40))"
    assert rows(connection, query, frame) == [40 * 3 << 20]


# ------------------------------------------------------------------------ more than memory holds

LIMIT_MB = 240
QUERY = """
import duckdb
import zstd_arrow.duckdb

limits = {"memory_limit": "100MB", "threads": 2, "temp_directory": f"{target}.tmp"}
connection = duckdb.connect(config=limits)
zstd_arrow.duckdb.register(connection)
# Threads and code are there before the count begins.
connection.execute("select zstd_decompress(zstd_compress('a value'))").fetchall()
limit_growth()
connection.execute(
    f"copy (select id, zstd_decompress(value) as value from '{source}') to '{target}' "
    "(format parquet, compression uncompressed, row_group_size 2048)"
)
"""


def test_larger_than_memory(larger_file: Path, folder: Path) -> None:
    """A query over a file that is larger than its memory gives what pyarrow gives."""
    target = folder / "values.parquet"
    ended = larger.run(QUERY, larger_file, target, LIMIT_MB)
    assert ended.returncode == 0, ended.stderr[-3000:]
    larger.check(larger_file, target)
