"""File jobs from end to end: what `compress` and `decompress` promise of whole files.

What a job makes comes back with no argument, is read by everyone, and replaces what was there only
when all of it is on the disk: not after an error, a full disk, damaged input, or a crash. What a
job needs of memory depends on the size of a batch, not on that of the file.

With ZSTD_ARROW_CORPORA, a folder with `deb.parquet` and `py.parquet`, the tests of round trips run
on these files as well.
"""

from __future__ import annotations

import datetime
import decimal
import functools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest
import zstandard
import zstd_arrow as za
from conftest import TIMEOUT_SECONDS, Command, Done
from pyarrow import ipc
from test_interop import (
    ENDINGS,
    KIB,
    MIB,
    assert_tables,
    assert_values,
    corpus,
    every_format,
    groups,
    leftovers,
    read,
    records,
    table_of,
    text,
    values_of,
    write,
)

DICTIONARY_SIZE = 112_640
TRAIN = ["--train", DICTIONARY_SIZE]


# ----------------------------------------------------------------------------------------- tables


@functools.cache
def events(rows: int = 4000) -> pa.Table:
    """Events whose text is the column `value`, beside columns that every reader knows."""
    numbers = range(rows)
    start = datetime.datetime(2026, 1, 1)
    columns = {
        "id": pa.array(numbers, pa.int64()),
        "small": pa.array([n % 100 - 50 for n in numbers], pa.int16()),
        "score": pa.array([None if n % 9 == 0 else n / 7 for n in numbers], pa.float64()),
        "name": pa.array([None if n % 5 == 0 else f"näme {n}" for n in numbers]),
        "time": pa.array([start + datetime.timedelta(seconds=n) for n in numbers]),
        "value": pa.array(
            [None if n % 50 == 7 else event for n, event in enumerate(records(rows))]
        ),
        "price": pa.array([decimal.Decimal(n) / 100 for n in numbers], pa.decimal128(12, 2)),
        "tags": pa.array(
            [None if n % 13 == 0 else ["a", str(n)][: n % 3] for n in numbers],
            # The name that Parquet has for it.
            pa.list_(pa.field("element", pa.string())),
        ),
        "place": pa.array([{"x": n, "y": f"y{n % 4}"} for n in numbers]),
        "kind": pa.array([f"kind {n % 4}" for n in numbers]).dictionary_encode(),
    }
    fields = [
        pa.field(name, column.type, metadata={"unit": name}) for name, column in columns.items()
    ]
    schema = pa.schema(fields, {"made by": "a test", "ключ": "значение"})
    return pa.Table.from_arrays(list(columns.values()), schema=schema)


OTHERS = [name for name in events(1).column_names if name != "value"]
CORPORA = ["deb", "py"] if "ZSTD_ARROW_CORPORA" in os.environ else []


@pytest.fixture(scope="module", params=["events", *CORPORA])
def table(request: pytest.FixtureRequest) -> pa.Table:
    """The events and, where there are some, the corpora."""
    if request.param == "events":
        return events()
    return read(corpus(request.param, None, Path()))


def assert_same(found: pa.Table, expected: pa.Table) -> None:
    """Checks values, types, fields, and the schema's metadata."""
    assert_tables(found, expected)
    assert found.schema.metadata == expected.schema.metadata


def start(command: Command, *arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """Starts the command, to look at it while it runs."""
    return subprocess.Popen([str(command.path), *map(str, arguments)], **options)


def finish(line: Sequence[object], **options: Any) -> Done:
    """Runs a command line, whatever status it ends with."""
    options = {"capture_output": True, "timeout": TIMEOUT_SECONDS, **options}
    ended = subprocess.run([str(item) for item in line], **options)
    return Done(ended.returncode, ended.stdout or b"", ended.stderr.decode())


# ------------------------------------------------------------------------------------ round trips


@every_format
def test_files_come_back(command: Command, folder: Path, table: pa.Table, ending: str) -> None:
    """Compressed with a dictionary trained on the way, a file is what it was with no argument."""
    source, small, back = (folder / f"{name}{ending}" for name in ("in", "small", "back"))
    write(table, source)
    command("compress", source, "-c", "value", "-o", small, *TRAIN)
    command("decompress", small, "-o", back)
    assert_same(read(back), table)


def test_pipes_come_back(command: Command, folder: Path, table: pa.Table) -> None:
    """`compress FILE -o - | decompress - -o - > FILE`: the dictionary goes through the pipe."""
    source, back = write(table, folder / "in.arrows"), folder / "back.arrows"
    making = start(
        command, "compress", source, "-c", "value", "-o", "-", "-q", *TRAIN, stdout=subprocess.PIPE
    )
    with back.open("wb") as file:
        reading = start(
            command, "decompress", "-", "-o", "-", "-q", stdin=making.stdout, stdout=file
        )
    assert making.stdout is not None
    making.stdout.close()
    assert (making.wait(TIMEOUT_SECONDS), reading.wait(TIMEOUT_SECONDS)) == (0, 0)
    assert_same(read(back), table)


def test_pipe_with_saved_dictionary(command: Command, folder: Path) -> None:
    """A stream cannot be read twice to train on it, but be compressed with a dictionary."""
    source, saved = write(events(), folder / "in.arrows"), folder / "saved.dict"
    command("train", source, "-c", "value", "-o", saved)
    job = ["compress", "-", "-c", "value", "-o", "-"]
    stream = source.read_bytes()
    refused = command(*job, *TRAIN, stdin=stream, status=2)
    assert "twice" in refused.stderr
    assert refused.stdout == b""
    small = command(*job, "--dictionary", saved, stdin=stream).stdout
    back = command("decompress", "-", "-o", "-", stdin=small).stdout
    assert_same(ipc.open_stream(back).read_all(), events())


# -------------------------------------------------------------------------------- odd, but in order


def test_one_of_200_columns(command: Command, folder: Path) -> None:
    """A named column among many; all others are as they were."""
    columns = {f"column {n}": pa.array(range(n, n + 300), pa.int32()) for n in range(200)}
    columns["column 77"] = pa.array([text(100, n) for n in range(300)])
    table = pa.table(columns)
    source, small, back = (folder / f"{name}.parquet" for name in ("in", "small", "back"))
    write(table, source, row_group_size=100)
    command("compress", source, "-c", "column 77", "-o", small)
    others = [name for name in columns if name != "column 77"]
    assert_tables(read(small).select(others), table.select(others))
    command("decompress", small, "-o", back)
    assert_same(read(back), table)


@every_format
def test_no_rows(command: Command, folder: Path, ending: str) -> None:
    """A file without rows has a schema, which comes back."""
    table = events().slice(0, 0)
    source, small, back = (folder / f"{name}{ending}" for name in ("in", "small", "back"))
    write(table, source)
    assert command("compress", source, "-c", "value", "-o", small, "--json").report()["rows"] == 0
    command("decompress", small, "-o", back)
    assert_same(read(back), table)


def test_no_rows_to_train_on(command: Command, folder: Path) -> None:
    """No dictionary comes of no samples: the error says so, and of which column of which file."""
    source, target = write(events().slice(0, 0), folder / "in.parquet"), folder / "out.parquet"
    error = command("compress", source, "-c", "value", "-o", target, *TRAIN, status=1).stderr
    assert_says(error, str(source), '"value"', "0 samples")
    assert leftovers(folder) == {"in.parquet"}


def test_10_000_row_groups(command: Command, folder: Path) -> None:
    """A file of row groups of one row keeps them, and takes no longer for it than it must."""
    rows = 10_000
    table = table_of([text(30, n) for n in range(rows)])
    source, small, back = (folder / f"{name}.parquet" for name in ("in", "small", "back"))
    write(table, source, row_group_size=1)
    command("compress", source, "-c", "value", "-o", small)
    command("decompress", small, "-o", back)
    assert groups(small) == groups(back) == [1] * rows
    assert_same(read(back), table)


# ------------------------------------------------------------------------------------ other readers


@dataclass(frozen=True)
class Small:
    """A file that the command made, and what it was made of."""

    source: Path
    small: Path
    dictionary: zstandard.ZstdCompressionDict

    def values(self, frames: Sequence[bytes | None]) -> list[bytes | None]:
        """What frames hold, by python-zstandard."""
        decompress = zstandard.ZstdDecompressor(dict_data=self.dictionary).decompress
        return [None if frame is None else decompress(frame) for frame in frames]


@pytest.fixture(scope="module", params=[".parquet", ".arrow"], ids=["parquet", "ipc-file"])
def small(command: Command, request: pytest.FixtureRequest) -> Iterator[Small]:
    """The events in a file with frames."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, small = (folder / f"{name}{request.param}" for name in ("in", "small"))
        write(events(), source)
        saved = folder / "saved.dict"
        command("compress", source, "-c", "value", "-o", small, *TRAIN, "--save-dictionary", saved)
        yield Small(source, small, zstandard.ZstdCompressionDict(saved.read_bytes()))


@pytest.fixture
def small_parquet(command: Command, folder: Path) -> Path:
    """The events in a Parquet file with frames, and beside it `saved.dict`."""
    source, small = write(events(), folder / "in.parquet"), folder / "small.parquet"
    saved = ["--save-dictionary", folder / "saved.dict"]
    command("compress", source, "-c", "value", "-o", small, *TRAIN, *saved)
    return small


def test_pyarrow_reads(small: Small) -> None:
    """pyarrow sees the other columns as they were, and the frames."""
    table = read(small.small)
    assert_tables(table.select(OTHERS), events().select(OTHERS))
    assert_values(small.values(values_of(table)), values_of(events()))


def test_polars_reads(small: Small) -> None:
    """Polars sees the other columns as they were, and the frames."""
    reader = polars.read_parquet if small.small.suffix == ".parquet" else polars.read_ipc
    frame, before = reader(small.small), reader(small.source)
    assert frame.select(OTHERS).equals(before.select(OTHERS))
    assert frame.select(OTHERS).to_dicts() == events().select(OTHERS).to_pylist()
    column = frame["value"]
    column = column if column.dtype == polars.Binary else column.ext.storage()
    assert_values(small.values(column.to_list()), values_of(events()))


def test_duckdb_reads(small_parquet: Path) -> None:
    """DuckDB sees the other columns as they were, and the frames."""
    connection = duckdb.connect()
    others = ", ".join(f'"{name}"' for name in OTHERS)

    def rows(path: Path, columns: str) -> list[Any]:
        return connection.sql(f"SELECT {columns} FROM '{path}' ORDER BY id").fetchall()

    source = small_parquet.with_name("in.parquet")
    found = rows(small_parquet, others)
    assert found == rows(source, others)
    assert found == [tuple(row.values()) for row in events().select(OTHERS).to_pylist()]
    frames = [row[0] for row in rows(small_parquet, "value")]
    assert_values(frames, values_of(read(small_parquet)))


# ------------------------------------------------------------------------------ rewritten by others


def by_pyarrow(source: Path, target: Path) -> None:
    """Keeps the mark of the column and the dictionary in the schema."""
    pq.write_table(pq.read_table(source), target)


def by_polars(source: Path, target: Path) -> None:
    """Keeps the mark of the column, but nothing of the schema's metadata."""
    polars.read_parquet(source).write_parquet(target)


def by_polars_lazily(source: Path, target: Path) -> None:
    """As the one before."""
    polars.scan_parquet(source).sink_parquet(target)


def by_duckdb(source: Path, target: Path) -> None:
    """Keeps nothing but columns."""
    duckdb.connect().sql(f"COPY (SELECT * FROM '{source}' ORDER BY id) TO '{target}'")


@pytest.fixture
def rewrite(folder: Path, small_parquet: Path) -> Callable[[Any], Path]:
    """Lets someone else read and write the compressed file again."""

    def rewritten(writer: Callable[[Path, Path], None]) -> Path:
        target = folder / "rewritten.parquet"
        writer(small_parquet, target)
        return target

    return rewritten


def test_rewritten_by_pyarrow(command: Command, folder: Path, rewrite: Any) -> None:
    """pyarrow keeps mark and dictionary: no argument is needed."""
    back = folder / "back.parquet"
    command("decompress", rewrite(by_pyarrow), "-o", back)
    assert_same(read(back), events())


@pytest.mark.parametrize("writer", [by_polars, by_polars_lazily])
def test_rewritten_by_polars(
    command: Command, folder: Path, small_parquet: Path, rewrite: Any, writer: Any
) -> None:
    """Polars keeps the mark and drops the dictionary, which the error asks for by its id."""
    source, back = rewrite(writer), folder / "back.parquet"
    mark = json.loads(pq.read_schema(source).field("value").metadata[b"ARROW:extension:metadata"])
    error = command("decompress", source, "-o", back, status=1).stderr
    assert_says(error, str(source), '"value"', f"dictionary {mark['dictionary_id']}")
    for holder in (folder / "saved.dict", small_parquet):
        command("decompress", source, "-o", back, "--dictionary", holder)
        assert_values(values_of(read(back)), values_of(events()))
    found = za.read_dictionaries(small_parquet)
    assert found == za.read_dictionaries(folder / "saved.dict")
    assert [dictionary.id for dictionary in found] == [mark["dictionary_id"]]
    assert_says(
        command(
            "compress", source, "-c", "id", "-o", back, "--dictionary", source, status=1
        ).stderr,
        "none",
    )


def test_rewritten_by_duckdb(command: Command, folder: Path, rewrite: Any) -> None:
    """DuckDB drops both: column and dictionary have to be named, and errors say which is not."""
    source, back = rewrite(by_duckdb), folder / "back.parquet"
    unmarked = command("decompress", source, "-o", back, status=2).stderr
    assert_says(unmarked, str(source), "marked")
    job = ["decompress", source, "-c", "value", "-o", back]
    assert_says(command(*job, status=1).stderr, str(source), '"value"', "row 0", "dictionary")
    command(*job, "--dictionary", folder / "saved.dict")
    assert_values(values_of(read(back)), values_of(events()))


# -------------------------------------------------------------------------------------- bad input


def assert_says(error: str, *names: str) -> None:
    """Checks that an error is one line that has all these names, and no panic."""
    assert [name for name in names if name not in error] == []
    assert "panicked" not in error
    assert len(error.splitlines()) == 1


def assert_refused(
    command: Command, folder: Path, job: str, source: Path, *names: str, column: str = "value"
) -> None:
    """Checks that a job ends with an error that names the file, and leaves what was there."""
    target = folder / "out.parquet"
    target.write_bytes(b"the old file")
    before = leftovers(folder)
    done = command(job, source, "-c", column, "-o", target, status=1)
    assert_says(done.stderr, str(source), *names)
    assert done.stdout == b""
    assert target.read_bytes() == b"the old file"
    assert leftovers(folder) == before


class Keys(encryption.KmsClient):
    """A key service whose keys are no secret."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        """A key as text."""
        return key_bytes.hex()

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
        """The key of a text."""
        return bytes.fromhex(wrapped_key)


def encrypted(path: Path, plaintext_footer: bool) -> Path:
    """A Parquet file whose column `value` is encrypted, and whose footer may be."""
    factory = encryption.CryptoFactory(lambda _: Keys())
    configuration = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["value"]}, plaintext_footer=plaintext_footer
    )
    service = encryption.KmsConnectionConfig()
    properties = factory.file_encryption_properties(service, configuration)
    return write(events(100), path, encryption_properties=properties)


@pytest.mark.parametrize("job", ["compress", "decompress"])
@pytest.mark.parametrize("plaintext_footer", [False, True], ids=["all", "columns"])
def test_encrypted(command: Command, folder: Path, job: str, plaintext_footer: bool) -> None:
    """The error of an encrypted file says that it is, or which column cannot be read."""
    source = encrypted(folder / "in.parquet", plaintext_footer)
    assert_refused(command, folder, job, source, '"value"' if plaintext_footer else "encrypt")


def test_encrypted_column_is_said_to_be(command: Command, folder: Path) -> None:
    """The error of a column that is encrypted under a readable footer says so."""
    source = encrypted(folder / "in.parquet", plaintext_footer=True)
    assert_refused(command, folder, "compress", source, "encrypt", '"value"')


def test_other_column_is_encrypted(command: Command, folder: Path) -> None:
    """A file cannot be copied without its key, though another column is named: that one is told."""
    source = encrypted(folder / "in.parquet", plaintext_footer=True)
    assert_refused(command, folder, "compress", source, '"value"', column="name")


def test_damaged_footer(command: Command, folder: Path) -> None:
    """Whatever of a file's end is missing or wrong, the error names the file."""
    source = write(events(), folder / "in.parquet", row_group_size=1000)
    whole = source.read_bytes()
    size = int.from_bytes(whole[-8:-4], "little")
    damaged = [
        *(whole[:-cut] for cut in (1, 4, 8, size // 2, size + 8)),
        *(whole[:-8] + claim.to_bytes(4, "little") + b"PAR1" for claim in (0, 7, 2**31, 2**32 - 1)),
        *(whole[:length] for length in (4, 8, 12, len(whole) // 2)),
        whole[: -8 - size] + bytes(size) + whole[-8:],
    ]
    for content in damaged:
        source.write_bytes(content)
        assert_refused(command, folder, "compress", source)


@pytest.mark.parametrize("ending", [".arrow", ".arrows"], ids=["ipc-file", "ipc-stream"])
@pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.9])
def test_cut_off_ipc(command: Command, folder: Path, ending: str, part: float) -> None:
    """An IPC file or stream that ends early is an error, not a shorter table."""
    source = folder / f"in{ending}"
    with (ipc.new_file if ending == ".arrow" else ipc.new_stream)(
        source, events().schema
    ) as writer:
        writer.write_table(events(), max_chunksize=100)
    whole = source.read_bytes()
    source.write_bytes(whole[: int(len(whole) * part)])
    assert_refused(command, folder, "compress", source)


def column_of(path: Path, name: str, group: int) -> pq.ColumnChunkMetaData:
    """Where a column of a row group lies."""
    metadata = pq.read_metadata(path).row_group(group)
    found = (metadata.column(place) for place in range(metadata.num_columns))
    return next(column for column in found if column.path_in_schema == name)


def flip(content: bytes, place: int, bits: int = 0xFF) -> bytes:
    """The bytes, with some bits of one of them turned."""
    return content[:place] + bytes([content[place] ^ bits]) + content[place + 1 :]


PAGES = {"compression": "none", "use_dictionary": False, "write_page_checksum": False}


@pytest.mark.parametrize("compression", ["zstd", "lz4", "gzip"])
def test_damaged_page(command: Command, folder: Path, compression: str) -> None:
    """A page that cannot be decompressed is told with its column, whichever of them it is."""
    options = {**PAGES, "compression": compression, "row_group_size": 1000}
    source = write(events(), folder / "in.parquet", **options)
    whole = source.read_bytes()
    for name in ("value", "score"):
        column = column_of(source, name, group=2)
        end = column.data_page_offset + column.total_compressed_size
        # The first bytes of compressed data: those after the page's header, which is small.
        source.write_bytes(whole[: end - 60] + bytes(60) + whole[end:])
        assert_refused(command, folder, "compress", source, f'"{name}"')
        source.write_bytes(whole)


def test_damaged_value_size(command: Command, folder: Path) -> None:
    """A value that claims to end behind its page is told with its column."""
    source = write(table_of(records(1000)), folder / "in.parquet", **PAGES)
    whole = source.read_bytes()
    place = whole.index(records(1)[0])
    source.write_bytes(whole[: place - 4] + b"\xff\xff\xff\x7f" + whole[place:])
    assert_refused(command, folder, "compress", source, '"value"')


def test_damaged_frame(command: Command, folder: Path) -> None:
    """A frame that lost its first byte in a page is told with its column and row."""
    source, small = write(table_of(records(3000)), folder / "in.parquet"), folder / "small.parquet"
    command("compress", source, "-c", "value", "-o", small)
    frame = values_of(read(small))[2345]
    assert frame is not None
    whole = small.read_bytes()
    small.write_bytes(flip(whole, whole.index(frame)))
    assert_refused(command, folder, "decompress", small, '"value"', "row 2345", "magic")


def attempt(command: Command, job: str, source: Path, *names: str) -> str | None:
    """Runs a job on what may be damaged: what is wrong with how it ends, if anything is."""
    target = source.with_name(f"out{source.suffix}")
    target.unlink(missing_ok=True)
    target.write_bytes(b"the old file")
    done = finish([command.path, job, source, "-c", "value", "-o", target, "-q"])
    if "panicked" in done.stderr or done.status not in (0, 1, 2):
        return f"status {done.status}: {done.stderr[:300]}"
    if done.status == 0:
        return None if read(target).num_rows == 1000 else "rows are missing"
    if target.read_bytes() != b"the old file":
        return "the old file is gone"
    missing = [name for name in (str(source), *names) if name not in done.stderr]
    return f"does not say {missing}: {done.stderr[:300]}" if missing else None


def flipped(
    command: Command, job: str, source: Path, places: Sequence[int], *names: str
) -> list[str]:
    """What is wrong after each of many flips; an error has to have all the names."""
    whole, rng, wrong = source.read_bytes(), random.Random(4), []
    for place in places:
        bits = 1 << rng.randrange(8)
        source.write_bytes(flip(whole, place, bits))
        if problem := attempt(command, job, source, *names):
            wrong.append(f"byte {place}, bit {bits:#x}: {problem}")
    return wrong


def in_pages(path: Path, count: int = 40) -> list[int]:
    """Places in the pages of `value`; each second one at their beginning, where a header is."""
    column, rng = column_of(path, "value", group=0), random.Random(3)
    begin = column.dictionary_page_offset or column.data_page_offset
    sizes = [64 if n % 2 else column.total_compressed_size for n in range(count)]
    return [begin + rng.randrange(size) for size in sizes]


def in_metadata(path: Path, count: int = 80) -> list[int]:
    """Places in the first and the last 1500 bytes, where schemas and batches are described."""
    rng, size = random.Random(5), path.stat().st_size
    return [rng.choice([at, size - 1 - at]) for at in (rng.randrange(1500) for _ in range(count))]


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_flipped_bits_in_pages(command: Command, folder: Path, compression: str) -> None:
    """A flipped bit in a column's pages: values, or an error that names it; never a panic."""
    options = {**PAGES, "compression": compression}
    source = write(table_of(records(1000)), folder / "in.parquet", **options)
    assert flipped(command, "compress", source, in_pages(source), '"value"') == []
    assert leftovers(folder) == {"in.parquet", "out.parquet"}


def test_flipped_bits_in_frames(command: Command, folder: Path) -> None:
    """The same of a file that the command made."""
    source, small = write(table_of(records(1000)), folder / "in.parquet"), folder / "small.parquet"
    command("compress", source, "-c", "value", "-o", small)
    assert flipped(command, "decompress", small, in_pages(small), '"value"') == []
    assert leftovers(folder) == {"in.parquet", "small.parquet", "out.parquet"}


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".arrows"])
def test_flipped_bits_in_metadata(command: Command, folder: Path, ending: str) -> None:
    """A flipped bit in what describes a file: all rows, or an error; never a part of the rows."""
    source = folder / f"in{ending}"
    if ending == ".parquet":
        write(events(1000), source, row_group_size=300)
    else:
        new = ipc.new_file if ending == ".arrow" else ipc.new_stream
        with new(source, events(1000).schema) as writer:
            writer.write_table(events(1000), max_chunksize=300)
    places = in_metadata(source)
    if ending != ".parquet":
        # The headers of batches within the file as well: bytes before their first buffers.
        rng, whole = random.Random(6), source.read_bytes()
        found = [at for at in range(len(whole)) if whole.startswith(b"\xff\xff\xff\xff", at)]
        places += [at + rng.randrange(8, 400) for at in found[1:5] for _ in range(10)]
    assert flipped(command, "compress", source, places) == []


# ------------------------------------------------------------------------------------------ crashes


def old_or_new(target: Path, old: bytes, new: pa.Table) -> str:
    """Which of two whole files the target is; it fails if it is neither."""
    if target.read_bytes() == old:
        return "old"
    assert_same(read(target), new)
    return "new"


@pytest.mark.parametrize("ending", [".parquet", ".arrow"], ids=["parquet", "ipc-file"])
def test_killed_at_any_moment(command: Command, folder: Path, ending: str) -> None:
    """Killed at whatever moment, a job leaves the old file or the whole new one."""
    source, target = folder / f"in{ending}", folder / f"out{ending}"
    write(events(), source)
    job = ["compress", source, "-c", "value", "-o", target, "--level", 19, "--batch-rows", 100]
    job += ["--train", 20_000, "-q"]
    begin = time.monotonic()
    command(*job)
    seconds = time.monotonic() - begin
    new = read(target.rename(folder / f"new{ending}"))
    old = write(events(10), target).read_bytes()
    rng, seen = random.Random(20), []
    for _ in range(20):
        running = start(command, *job)
        time.sleep(rng.uniform(0, seconds))
        running.kill()
        status = running.wait(TIMEOUT_SECONDS)
        seen.append((status, old_or_new(target, old, new)))
        target.unlink()
        target.write_bytes(old)
    # Most of them were at work when they were killed.
    assert [found for status, found in seen if status == -signal.SIGKILL].count("old") >= 5
    assert all(found == "new" for status, found in seen if status == 0)
    command(*job)
    assert old_or_new(target, old, new) == "new"
    assert leftovers(folder) == {source.name, target.name, f"new{ending}"}


@dataclass
class AtWork:
    """A job that has had half of its input, and waits for the rest."""

    running: subprocess.Popen[bytes]
    rest: bytes

    def end(self) -> int:
        """Gives it the rest; its exit status."""
        self.running.communicate(self.rest, TIMEOUT_SECONDS)
        return self.running.returncode


def stream(table: pa.Table) -> bytes:
    """A table as an IPC stream of some batches."""
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)
    return sink.getvalue().to_pybytes()


def temporary(folder: Path) -> set[str]:
    """What jobs that are at work have in a folder."""
    return {name for name in leftovers(folder) if name.endswith(".tmp")}


def half_way(command: Command, target: Path) -> AtWork:
    """A job that writes to a target, and has half of its input."""
    whole, before = stream(events()), temporary(target.parent)
    flags = ["-c", "value", "-o", target, "-q"]
    running = start(command, "compress", "-", *flags, stdin=subprocess.PIPE)
    assert running.stdin is not None
    running.stdin.write(whole[: len(whole) // 2])
    running.stdin.flush()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while temporary(target.parent) <= before:
        assert running.poll() is None and time.monotonic() < deadline, "it did not begin"
        time.sleep(0.005)
    return AtWork(running, whole[len(whole) // 2 :])


def test_crash_leaves_old_file(command: Command, folder: Path) -> None:
    """Killed at work, a job leaves the old file; the next job clears up behind it."""
    target = folder / "out.arrow"
    target.write_bytes(b"the old file")
    job = half_way(command, target)
    job.running.kill()
    job.running.wait(TIMEOUT_SECONDS)
    assert target.read_bytes() == b"the old file"
    assert half_way(command, target).end() == 0
    command("decompress", target, "-o", target)
    assert_same(read(target), events())
    assert leftovers(folder) == {"out.arrow"}


def test_job_beside_another(command: Command, folder: Path) -> None:
    """What a job clears up is never the file of a job that is still at work, in either order."""
    first, second = half_way(command, folder / "a.arrow"), half_way(command, folder / "b.arrow")
    assert (second.end(), first.end()) == (0, 0)
    for name in ("a.arrow", "b.arrow"):
        command("decompress", folder / name, "-o", folder / name)
        assert_same(read(folder / name), events())
    assert leftovers(folder) == {"a.arrow", "b.arrow"}


def test_two_jobs_for_one_target(command: Command, folder: Path) -> None:
    """Two jobs that write to the same file: it is one of theirs, and whole."""
    target = folder / "out.arrow"
    first, second = half_way(command, target), half_way(command, target)
    assert (first.end(), second.end()) == (0, 0)
    command("decompress", target, "-o", target)
    assert_same(read(target), events())
    assert leftovers(folder) == {"out.arrow"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_waiting(command: Command, folder: Path, number: int) -> None:
    """Interrupted while it waits for input, a job ends soon and leaves nothing."""
    target = folder / "out.arrow"
    target.write_bytes(b"the old file")
    job = half_way(command, target)
    job.running.send_signal(number)
    assert job.running.wait(timeout=10) == 130
    assert target.read_bytes() == b"the old file"
    assert leftovers(folder) == {"out.arrow"}


def test_input_that_ends_early(command: Command, folder: Path) -> None:
    """A pipe whose writer died is an error, not the end of a shorter table."""
    target = folder / "out.arrow"
    target.write_bytes(b"the old file")
    job = half_way(command, target)
    job.rest = b""
    assert job.end() == 1
    assert target.read_bytes() == b"the old file"
    assert leftovers(folder) == {"out.arrow"}


# --------------------------------------------------------------------------------------- full disks


@functools.cache
def namespace() -> tuple[str, ...]:
    """How to get a place of one's own for mounts; tests fail where there is none."""
    ways = [("unshare", "-m"), ("unshare", "-rm"), ("sudo", "-n", "unshare", "-m")]
    for way in ways:
        if (
            shutil.which(way[0])
            and finish([*way, "mount", "-t", "tmpfs", "none", "/mnt"]).status == 0
        ):
            return way
    pytest.fail("no small disk to fill: neither root nor user namespaces here", pytrace=False)


FILL = """
disk=$1 size=$2 old=$3 saved=$4; shift 4
mount -t tmpfs -o size=$size none $disk && cp $old $disk/out.parquet || exit 99
"$@"; status=$?
cp $disk/out.parquet $saved && ls -A $disk
exit $status
"""


def on_small_disk(folder: Path, size: int, *line: object) -> tuple[Done, bytes]:
    """Runs a command line beside an old file on a small disk: how it ended, and that file then."""
    old, saved, disk = folder / "old", folder / "saved", folder / "disk"
    old.write_bytes(b"the old file")
    disk.mkdir()
    done = finish([*namespace(), "sh", "-c", FILL, "sh", disk, size, old, saved, *line])
    return done, saved.read_bytes()


@functools.cache
def noisy() -> pa.Table:
    """Two megabytes that do not get smaller."""
    rng = random.Random(1)
    return table_of([rng.randbytes(2000) for _ in range(1000)])


# Where the job fails: while it writes batches, and with the very last bytes.
@pytest.mark.parametrize("less", [1_900_000, 300_000, 4096], ids=["early", "late", "end"])
def test_full_disk(command: Command, folder: Path, less: int) -> None:
    """A full disk is an error that says so and names the target; the old file stays, alone."""
    source, whole = write(noisy(), folder / "in.parquet"), folder / "whole.parquet"
    job = [command.path, "compress", source, "-c", "value", "--batch-rows", 100, "-o"]
    assert finish([*job, whole]).status == 0
    target = folder / "disk" / "out.parquet"
    size = whole.stat().st_size - less
    done, kept = on_small_disk(folder, size, *job, target)
    assert done.status == 1
    assert_says(done.stderr, str(target), "No space left on device")
    assert kept == b"the old file"
    assert done.stdout == b"out.parquet\n"


READ_ONLY = """
disk=$1; shift
mount -t tmpfs none $disk && echo old > $disk/out.parquet && mount -o remount,ro $disk || exit 99
"$@"; status=$?
ls -A $disk && cat $disk/out.parquet
exit $status
"""


@pytest.mark.parametrize("name", ["out.parquet", "new.parquet"])
def test_read_only_target(command: Command, folder: Path, name: str) -> None:
    """A target that may not be written to, there or not: an error that names it."""
    source, disk = write(events(), folder / "in.parquet"), folder / "disk"
    disk.mkdir()
    job = [command.path, "compress", source, "-c", "value", "-o", disk / name]
    done = finish([*namespace(), "sh", "-c", READ_ONLY, "sh", disk, *job])
    assert done.status == 1
    assert_says(done.stderr, str(disk / name), "Read-only file system")
    assert done.stdout == b"out.parquet\nold\n"


def test_device_that_is_full(command: Command, folder: Path) -> None:
    """A target that is a device, or standard output, fails in the same words."""
    source = write(noisy(), folder / "in.parquet")
    job = ["compress", source, "-c", "value", "-o"]
    assert_says(command(*job, "/dev/full", status=1).stderr, "/dev/full", "No space left on device")
    with open("/dev/full", "wb") as full:
        options: Any = {"stdout": full, "stderr": subprocess.PIPE, "capture_output": False}
        done = finish([command.path, *job, "-"], **options)
    assert done.status == 1
    assert_says(done.stderr, "No space left on device")


@pytest.mark.parametrize("part", [0.0, 0.5, 0.999])
def test_file_size_limit(command: Command, folder: Path, part: float) -> None:
    """A file that may not grow any more is an error as well; the old file stays, alone."""
    source, target = write(noisy(), folder / "in.parquet"), folder / "out.parquet"
    job = ["compress", source, "-c", "value", "--batch-rows", 100, "-o", target]
    command(*job)
    limit = int(target.stat().st_size * part)
    target.write_bytes(b"the old file")

    def limited() -> None:
        # A signal would end the command, as it would any other: a shell's user asks for that.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = finish([command.path, *job], preexec_fn=limited, restore_signals=False)
    assert done.status == 1
    assert_says(done.stderr, str(target), "File too large")
    assert target.read_bytes() == b"the old file"
    assert leftovers(folder) == {"in.parquet", "out.parquet"}


# ------------------------------------------------------------------------------------------- memory

# In a small process of its own: a child's peak is never told as less than what its parent has.
PEAK = """
import os, sys
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(process, 0)
print(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak(command: Command, *arguments: object) -> int:
    """The most bytes of memory that a run of the command has had."""
    line = [sys.executable, "-I", "-S", "-c", PEAK, command.path, *arguments, "--quiet"]
    done = finish(line)
    assert done.status == 0, done.stderr
    return int(done.stdout)


# Row groups as large as the command's batches, and more of them than it has at a time.
GROUP_ROWS, GROUPS, VALUE_SIZE = 16_384, 16, 400


def row_groups(count: int) -> Iterator[pa.Table]:
    """Tables of values that compress well, of some ten megabytes."""
    for number in range(count):
        rows = range(number * GROUP_ROWS, (number + 1) * GROUP_ROWS)
        values = [text(VALUE_SIZE, row * 37 % MIB) for row in rows]
        yield pa.table({"row": pa.array(rows, pa.int64()), "value": values})


def repeated(source: Path, target: Path, times: int) -> None:
    """Writes a file several times over, batch by batch or row group by row group."""
    if source.suffix == ".parquet":
        with pq.ParquetFile(source) as file, pq.ParquetWriter(target, file.schema_arrow) as writer:
            for group in list(range(file.num_row_groups)) * times:
                writer.write_table(file.read_row_group(group))
        return
    table = read(source)
    with (ipc.new_file if source.suffix == ".arrow" else ipc.new_stream)(
        target, table.schema
    ) as writer:
        for batch in table.to_batches() * times:
            writer.write_batch(batch)


def of_both(measure: Callable[[Path], int], short: Path, long: Path) -> tuple[int, int]:
    """The peaks with a short file and with a long one. How far the stages of a job get ahead of
    each other is up to the system: with few batches it takes several runs to see the most."""
    return max(measure(short) for _ in range(5)), measure(long)


@pytest.fixture(scope="module", params=ENDINGS.values(), ids=ENDINGS.keys())
def peaks(command: Command, request: pytest.FixtureRequest) -> Iterator[dict[str, tuple[int, int]]]:
    """The peaks of each job: with a file, and with one that has it ten times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once, often, frames, small, many, out = (
            folder / f"{name}{request.param}"
            for name in ("once", "often", "frames", "small", "many", "out")
        )
        write(pa.concat_tables(row_groups(GROUPS)), once, **group_options(once))
        command("compress", once, "-c", "value", "-o", frames, "--train", 20_000)
        # By one writer, so that pages have one size in all.
        repeated(frames, small, 1)
        repeated(frames, many, 10)
        repeated(once, often, 10)
        compress = ["-c", "value", "--level", 1, "-o", out]
        yield {
            "decompress": of_both(
                lambda file: peak(command, "decompress", file, "-o", out), small, many
            ),
            "compress": of_both(
                lambda file: peak(command, "compress", file, *compress), once, often
            ),
        }


def group_options(path: Path) -> dict[str, Any]:
    """Row groups of the wanted size; in IPC, tables have their own batches."""
    return {"row_group_size": GROUP_ROWS} if path.suffix == ".parquet" else {}


@pytest.mark.parametrize("job", ["decompress", "compress"])
def test_memory_is_that_of_a_batch(peaks: dict[str, tuple[int, int]], job: str) -> None:
    """A file that is ten times as long takes no more memory, and none takes much."""
    once, ten = peaks[job]
    assert ten <= once * 1.1 + 4 * MIB, f"{once // KIB} KiB and {ten // KIB} KiB"
    assert max(once, ten) < 300 * 10**6, f"{once // KIB} KiB and {ten // KIB} KiB"


@pytest.mark.parametrize("group_rows", [50, 300], ids=["groups", "one-group"])
def test_memory_with_large_values(command: Command, folder: Path, group_rows: int) -> None:
    """Values of a megabyte take no more memory, in whatever row groups; in pages of a few each."""
    table = table_of([text(MIB, n) for n in range(300)])
    source, small, out = (folder / f"{name}.parquet" for name in ("in", "small", "out"))
    pages = {"use_dictionary": False, "write_batch_size": 4}
    write(table, source, row_group_size=group_rows, **pages)
    compressing = peak(command, "compress", source, "-c", "value", "-o", small, "--level", 1)
    decompressing = peak(command, "decompress", small, "-o", out)
    told = f"{compressing // KIB} KiB to compress, {decompressing // KIB} KiB to decompress"
    assert max(compressing, decompressing) < 300 * 10**6, told


@pytest.mark.parametrize("threads", [1, 2])
def test_memory_with_huge_values(command: Command, folder: Path, threads: int) -> None:
    """Values of 64 MiB: three of them for each thread, and one, and not the file's eight."""
    source, small, out = (folder / f"{name}.parquet" for name in ("in", "small", "out"))
    with pq.ParquetWriter(source, pa.schema([("value", pa.large_binary())])) as writer:
        for row in range(8):
            table = pa.table({"value": pa.array([text(64 * MIB, row)], pa.large_binary())})
            writer.write_table(table)
    few = ["--threads", threads]
    compressing = peak(command, "compress", source, "-c", "value", "-o", small, "--level", 1, *few)
    decompressing = peak(command, "decompress", small, "-o", out, *few)
    told = f"{compressing // KIB} KiB to compress, {decompressing // KIB} KiB to decompress"
    assert max(compressing, decompressing) < (3 * threads + 1) * 64 * MIB, told
