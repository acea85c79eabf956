"""A column through zstd and back, a bad row, a dictionary, and segments that are a column.

python examples/python/quickstart.py
"""

from __future__ import annotations

import struct

import pyarrow as pa
import zstd_arrow as za


def columns() -> None:
    """One frame a value, nulls stay null."""
    events = [f"event {row}: page viewed, page viewed" for row in range(10_000)]
    column = pa.array([*events, None])
    frames = za.compress(column, level=3, checksum=True)
    values = za.decompress(frames, utf8=True)
    assert values.to_pylist() == column.to_pylist()
    print(f"{len(values)} rows there and back, {values.null_count} null")


def bad_rows() -> None:
    """A row that is damaged: an error that names it, or a null."""
    frames = za.compress(pa.array([b"one", b"two", b"three"])).to_pylist()
    damaged = pa.array([frames[0], b"no frame", frames[2]])
    try:
        za.decompress(damaged)
    except za.ZstdError as error:
        print(f"row {error.row} is bad: {error}")
    failed: list[za.ZstdError] = []
    values = za.decompress(damaged, on_error="null", failed=failed)
    print(values.to_pylist(), [error.row for error in failed])


def dictionaries() -> None:
    """What small values have in common, said once."""
    page = "https://example.org/item"
    events = pa.array([f'{{"user": {n * 31}, "page": "{page}/{n % 97}"}}' for n in range(10_000)])
    dictionary = za.train_dictionary(events, size=4096)
    plain = za.compress(events)
    small = za.compress(events, dictionary=dictionary)
    back = za.decompress(small, dictionary=dictionary, utf8=True)
    assert back.to_pylist() == events.to_pylist()
    print(f"{events.nbytes} bytes of values, {plain.nbytes} of frames")
    print(f"{small.nbytes} of frames with {dictionary}")


def segments() -> None:
    """One buffer, many values: the same memory as an Arrow column."""
    data = b"one buffer, many values"
    index = struct.pack("=6Q", 0, 10, 10, 2, 12, 11)
    buffer = za.BufferWithSegments(data, index)
    for segment in buffer:
        print(f"{segment.offset:>2}: {segment.tobytes()!r}")
    array = pa.array(buffer, pa.large_binary())
    values = array.buffers()[2]
    assert values is not None and values.address == pa.py_buffer(data).address
    print(f"as an array: {array.type}, {len(array)} rows, no byte copied")


if __name__ == "__main__":
    columns()
    bad_rows()
    dictionaries()
    segments()
