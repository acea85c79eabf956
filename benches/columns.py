"""Columns to measure with: real ones from a folder, or ones made here from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def made(rows: int = 100_000) -> pa.Array:
    """Events of about 300 bytes."""
    rng = random.Random(3)
    words = ["".join(rng.choices("abcdefghij", k=rng.randint(3, 9))) for _ in range(3000)]
    events = [
        json.dumps({"id": i, "page": " ".join(rng.choices(words, k=40))}).encode()
        for i in range(rows)
    ]
    return pa.array(events, pa.large_binary())


def read(path: Path) -> pa.ChunkedArray:
    """The column `value` of a Parquet file."""
    return pq.read_table(path, columns=["value"])["value"].cast(pa.large_binary())


def corpora(folder: Path | None) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """deb.parquet and py.parquet of a folder; without one, a column that is made."""
    if folder is None:
        yield "made", pa.chunked_array([made()])
        return
    for name in ("deb", "py"):
        yield name, read(folder / f"{name}.parquet")


def bytes_of(column: pa.ChunkedArray | pa.Array) -> int:
    """The bytes of all values."""
    return pc.sum(pc.binary_length(column)).as_py() or 0


def head(values: Iterator[bytes], most: int) -> pa.Array:
    """The first values, up to so many bytes in all."""
    kept, total = [], 0
    for value in values:
        if kept and total + len(value) > most:
            break
        kept.append(value)
        total += len(value)
    return pa.array(kept, pa.large_binary())


def by_size(folder: Path | None, most: int) -> Iterator[tuple[str, pa.Array]]:
    """Columns of four sizes of values, up to `most` bytes each: records, the lines of them, files
    and pieces of 1 MB. None is empty: numcodecs refuses a frame of nothing."""
    if folder is None:
        records = made().to_pylist()
        files = [b"\n".join(records[at : at + 40]) for at in range(0, len(records), 40)]
    else:
        records = read(folder / "deb.parquet").to_pylist()
        files = [value for value in read(folder / "py.parquet").to_pylist() if value]
    # Lines and fields of records, as log lines are long.
    text = b"\n".join(records)
    step = b"\n" if folder else b" "
    pieces = (piece for piece in text.split(step) if piece)
    whole = b"".join(files)
    yield "records", head(iter(records), most)
    yield "lines", head(joined(pieces, 48), most)
    yield "files", head(iter(files), most)
    yield "1 MB", head((whole[at : at + 10**6] for at in range(0, len(whole), 10**6)), most)


def joined(pieces: Iterator[bytes], least: int) -> Iterator[bytes]:
    """Pieces put together until they have so many bytes."""
    line = b""
    for piece in pieces:
        line = line + b" " + piece if line else piece
        if len(line) >= least:
            yield line
            line = b""
