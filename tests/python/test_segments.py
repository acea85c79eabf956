"""Buffers with segments, as Arrow columns and back, without a copy.

"Without a copy" is shown by the addresses of the buffers, by what is allocated, and by time.
"""

from __future__ import annotations

import ctypes
import gc
import random
import resource
import struct
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import arro3.core
import duckdb
import nanoarrow
import polars
import pyarrow as pa
import pytest
import zstandard
import zstd_arrow as za

ROWS, ROW_SIZE = 1_000_000, 100
LONG = [b"a value too long for a view", b"", b"another value that is long", b"short"]


def pairs(*segments: tuple[int, int]) -> bytes:
    """An index of (offset, length) pairs."""
    return b"".join(struct.pack("=QQ", *segment) for segment in segments)


def values_of(buffer: Any) -> list[bytes]:
    """The segments of a buffer or collection."""
    return [buffer[i].tobytes() for i in range(len(buffer))]


def index_of(buffer: za.BufferWithSegments) -> list[tuple[int, int]]:
    """The (offset, length) pairs of a buffer."""
    flat = memoryview(buffer.segments()).cast("Q").tolist()
    return list(zip(flat[::2], flat[1::2]))


def address(buffer: object) -> int:
    """Where an object's bytes lie."""
    return pa.py_buffer(buffer).address


def large_column() -> pa.LargeBinaryArray:
    """100 MB in a million rows, in memory of pyarrow's."""
    values = pa.allocate_buffer(ROWS * ROW_SIZE)
    ctypes.memset(values.address, 0x55, values.size)
    offsets = pa.array(range(0, (ROWS + 1) * ROW_SIZE, ROW_SIZE), pa.int64())
    buffers = [None, offsets.buffers()[1], values]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), ROWS, buffers)


@pytest.fixture(scope="module")
def column() -> pa.LargeBinaryArray:
    """100 MB, made once."""
    return large_column()


def fastest(call: Callable[[], object]) -> float:
    """The least time of several calls, in seconds."""
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def there_and_back(column: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """A column as segments, as a column."""
    return pa.array(za.BufferWithSegments.from_arrow(column))


# -------------------------------------------------------------------------------------- no copy


def test_same_memory(column: pa.LargeBinaryArray) -> None:
    """From pyarrow and back, values and offsets are at the same addresses."""
    buffer = za.BufferWithSegments.from_arrow(column)
    _, offsets, values = column.buffers()
    assert address(buffer) == values.address
    assert (len(buffer), buffer.size) == (ROWS, ROWS * ROW_SIZE)
    back = pa.array(buffer)
    assert back.type == pa.large_binary()
    assert back.buffers()[2].address == values.address
    assert back.buffers()[1].address == offsets.address
    assert back.equals(column)


def test_same_memory_of_slice(column: pa.LargeBinaryArray) -> None:
    """A slice of a column is a slice of its memory."""
    part = column.slice(123_457, 1000)
    buffer = za.BufferWithSegments.from_arrow(part)
    assert len(buffer) == 1000
    assert address(buffer[0]) == column.buffers()[2].address + 123_457 * ROW_SIZE
    back = pa.array(buffer)
    first = back.buffers()[1].to_pybytes()[back.offset * 8 :][:8]
    start = back.buffers()[2].address + int.from_bytes(first, "little")
    assert start == address(buffer[0])
    assert back.equals(part)


def test_no_time(column: pa.LargeBinaryArray) -> None:
    """There and back takes under a millisecond: for 100 MB a copy would take ten at the least."""
    assert fastest(lambda: there_and_back(column)) < 1e-3
    buffer = za.BufferWithSegments.from_arrow(column)
    assert fastest(lambda: pa.array(buffer)) < 1e-3
    assert fastest(lambda: memoryview(buffer)) < 1e-3


def test_no_memory(column: pa.LargeBinaryArray) -> None:
    """There and back takes no memory of Python, of pyarrow, or of the system.

    A hundred at once: a copy of the offsets alone would be 800 MB.
    """
    before = pa.total_allocated_bytes()
    peak_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    held = [there_and_back(column) for _ in range(100)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len({array.buffers()[2].address for array in held}) == 1
    # pyarrow takes some hundred bytes for the array that it imports.
    assert pa.total_allocated_bytes() - before < 100 * 1000
    assert peak < 1 << 20
    # In KiB on Linux, in bytes on macOS, where the bound is then the looser one.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_before < 200 << 10


def test_polars_shares_memory(column: pa.LargeBinaryArray) -> None:
    """A Polars Series lies over the buffer's memory; Polars has views, and makes those."""
    buffer = za.BufferWithSegments.from_arrow(column)
    series = polars.Series("payload", buffer)
    assert (series.dtype, len(series)) == (polars.Binary, ROWS)
    assert series[ROWS - 1] == b"\x55" * ROW_SIZE
    (chunk,) = pa.chunked_array(series).chunks
    assert column.buffers()[2].address in {part.address for part in chunk.buffers()[2:]}
    again = za.BufferWithSegments.from_arrow(polars.Series(buffer))
    assert address(again) == address(buffer)


def test_memoryview_shares_memory(column: pa.LargeBinaryArray) -> None:
    """A memoryview, read-only and of single bytes, lies over the same memory."""
    buffer = za.BufferWithSegments.from_arrow(column)
    view = memoryview(buffer)
    assert (view.nbytes, view.format, view.ndim, view.readonly) == (ROWS * ROW_SIZE, "B", 1, True)
    assert address(view) == column.buffers()[2].address
    assert address(memoryview(buffer[7])) == address(view) + 7 * ROW_SIZE


@pytest.mark.parametrize("make", [bytes, lambda data: memoryview(bytes(data)), pa.py_buffer])
def test_read_only_data_is_held(make: Callable[[bytes], Any]) -> None:
    """A buffer over bytes that nobody can change lies where they lie."""
    data = make(random.Random(0).randbytes(1000))
    buffer = za.BufferWithSegments(data, pairs((0, 10), (990, 10), (5, 0), (0, 1000)))
    assert address(buffer) == address(data)
    assert address(buffer[1]) == address(data) + 990
    array = pa.array(buffer)
    assert array.type == pa.binary_view()
    assert array.to_pylist() == values_of(buffer)
    assert address(data) in {part.address for part in array.buffers()[2:]}


WRITABLE: dict[str, Callable[[bytearray], Any]] = {
    "bytearray": lambda data: data,
    "memoryview": memoryview,
    "read-only-memoryview": lambda data: memoryview(data).toreadonly(),
    "view-of-view": lambda data: memoryview(memoryview(data)[1:].toreadonly()),
    "ctypes": lambda data: (ctypes.c_char * len(data)).from_buffer(data),
}


@pytest.mark.parametrize("make", WRITABLE.values(), ids=WRITABLE.keys())
def test_writable_data_is_copied(make: Callable[[bytearray], Any]) -> None:
    """A buffer over bytes that can be changed has a copy, which nobody can change."""
    data = bytearray(b"some data that somebody changes")
    given = make(data)
    before = bytes(given)
    buffer = za.BufferWithSegments(given, pairs((0, len(before))))
    data[:] = b"-" * len(data)
    assert buffer.tobytes() == before
    assert pa.array(buffer).to_pylist() == [before]


def test_index_is_copied_or_held() -> None:
    """An index that changes later changes nothing, and neither does one that goes away."""
    index = bytearray(pairs((0, 3), (3, 5)))
    buffer = za.BufferWithSegments(b"onethree", index)
    index[:] = pairs((1 << 40, 1), (0, 1))
    assert values_of(buffer) == [b"one", b"three"]
    buffer = za.BufferWithSegments(b"onethree", pa.py_buffer(pairs((0, 3), (3, 5))))
    gc.collect()
    assert index_of(buffer) == [(0, 3), (3, 5)]


# -------------------------------------------------------------------------------------- lifetimes


def scribble() -> None:
    """Makes and drops memory of the size that the test before gave back."""
    for _ in range(10):
        pa.array([b"-" * 100_000])
        bytes(100_000)
    gc.collect()


def test_source_may_go() -> None:
    """Segments, views and arrays keep the memory alive when all before them is gone."""
    expected = [bytes([row]) * 1000 for row in range(100)]
    source = pa.array(expected, pa.large_binary())
    buffer = za.BufferWithSegments.from_arrow(source)
    del source
    scribble()
    assert values_of(buffer) == expected
    array, view, segment, index = pa.array(buffer), memoryview(buffer), buffer[7], buffer.segments()
    series = polars.Series(buffer)
    del buffer
    scribble()
    assert bytes(view) == b"".join(expected)
    assert memoryview(index).cast("Q")[3] == 1000
    del view, index
    scribble()
    assert array.to_pylist() == series.to_list() == expected
    del array, series
    scribble()
    assert segment.tobytes() == expected[7]


def test_nothing_leaks() -> None:
    """When all that looks at the memory is gone, the memory is."""
    before = pa.total_allocated_bytes()
    column = large_column()
    held: list[Any] = [za.BufferWithSegments.from_arrow(column)]
    held += [held[0][5], pa.array(held[0]), memoryview(held[0]), held[0].segments()]
    held += [za.BufferWithSegmentsCollection(held[0], held[0])]
    held += [pa.chunked_array(held[-1]), iter(held[-1])]
    del column
    gc.collect()
    assert pa.total_allocated_bytes() - before >= ROWS * ROW_SIZE
    held.clear()
    gc.collect()
    assert pa.total_allocated_bytes() == before


def test_results_keep_themselves_alive() -> None:
    """Segments over a result of `decompress` outlive it."""
    values = [bytes([row]) * 1000 for row in range(100)]
    buffer = za.BufferWithSegments.from_arrow(za.decompress(za.compress(pa.array(values))))
    gc.collect()
    za.decompress(za.compress(pa.array([b"-" * 100_000])))
    assert values_of(buffer) == values


# ----------------------------------------------------------------------------------- into segments


LAYOUTS: dict[str, Callable[[Sequence[bytes]], Any]] = {
    "binary": lambda values: pa.array(values, pa.binary()),
    "large-binary": lambda values: pa.array(values, pa.large_binary()),
    "string": lambda values: pa.array([value.decode() for value in values], pa.string()),
    "sliced": lambda values: pa.array([b"before", *values, b"behind"])[1:-1],
    "one-chunk": lambda values: pa.chunked_array([values], pa.binary()),
    "nanoarrow": lambda values: nanoarrow.Array(values, nanoarrow.binary()),
    "arro3": lambda values: arro3.core.Array(values, arro3.core.DataType.binary()),
    "record-batch": lambda values: pa.record_batch({"payload": pa.array(values, pa.binary())}),
}


@pytest.mark.parametrize("make", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("values", [LONG, [b""], []], ids=["values", "one-empty", "no-rows"])
def test_layouts(make: Callable[[Sequence[bytes]], Any], values: list[bytes]) -> None:
    """Every plain layout becomes one buffer, which is the same LargeBinary column again."""
    buffer = za.BufferWithSegments.from_arrow(make(values))
    assert values_of(buffer) == values
    array = pa.array(buffer)
    assert array.type == pa.large_binary()
    assert array.to_pylist() == values
    collection = za.BufferWithSegmentsCollection.from_arrow(make(values))
    assert values_of(collection) == values
    assert pa.chunked_array(collection).to_pylist() == values


def test_fixed_size() -> None:
    """Values of one size are segments of one size, over the same memory."""
    column = pa.array([b"one", b"two", b"six"], pa.binary(3))
    buffer = za.BufferWithSegments.from_arrow(column)
    assert index_of(buffer) == [(0, 3), (3, 3), (6, 3)]
    assert address(buffer) == column.buffers()[1].address


def test_views_in_one_buffer() -> None:
    """Views that all lie in one buffer are segments of it, in their own order."""
    values = [value for value in LONG if len(value) > 12]
    column = pa.array(values, pa.binary_view())
    buffer = za.BufferWithSegments.from_arrow(column)
    assert values_of(buffer) == values
    data = column.buffers()[2]
    assert address(buffer[1]) == data.address + data.to_pybytes().index(values[1])
    backwards = polars.Series(column).reverse()
    assert values_of(za.BufferWithSegments.from_arrow(backwards)) == values[::-1]


def test_views_in_several_buffers() -> None:
    """Views in several places (short ones lie among the views) are a collection, not one buffer."""
    column = pa.array(LONG, pa.binary_view())
    message = "take BufferWithSegmentsCollection.from_arrow"
    with pytest.raises(ValueError, match=message):
        za.BufferWithSegments.from_arrow(column)
    collection = za.BufferWithSegmentsCollection.from_arrow(column)
    assert values_of(collection) == LONG
    data = column.buffers()[2]
    assert data.address <= address(collection[0]) < data.address + data.size
    assert pa.chunked_array(collection).to_pylist() == LONG


def test_chunks() -> None:
    """A chunked column is a collection: a member a chunk, over the chunks' memory."""
    column = pa.chunked_array([LONG[:2], [], LONG[2:]], pa.large_binary())
    with pytest.raises(ValueError) as caught:
        za.BufferWithSegments.from_arrow(column)
    assert str(caught.value) == (
        "the column's values lie in 3 buffers: take BufferWithSegmentsCollection.from_arrow"
    )
    collection = za.BufferWithSegmentsCollection.from_arrow(column)
    assert values_of(collection) == LONG
    assert (len(collection), collection.size()) == (4, sum(map(len, LONG)))
    assert [segment.offset for segment in collection] == [0, 27, 0, 26]
    assert address(collection[2]) == column.chunk(2).buffers()[2].address
    back = pa.chunked_array(collection)
    assert back.type == pa.large_binary()
    assert back.to_pylist() == LONG
    addresses = {chunk.buffers()[2].address for chunk in back.chunks if len(chunk)}
    assert addresses == {column.chunk(place).buffers()[2].address for place in (0, 2)}


def test_no_chunks() -> None:
    """A column without chunks is an empty buffer, and an empty collection."""
    column = pa.chunked_array([], pa.binary())
    buffer = za.BufferWithSegments.from_arrow(column)
    assert (len(buffer), buffer.size, buffer.tobytes()) == (0, 0, b"")
    collection = za.BufferWithSegmentsCollection.from_arrow(column)
    assert (len(collection), collection.size()) == (0, 0)
    assert pa.chunked_array(collection).to_pylist() == []


@pytest.mark.parametrize("make", [za.BufferWithSegments, za.BufferWithSegmentsCollection])
@pytest.mark.parametrize(
    "column",
    [
        pa.array([LONG[0], None, LONG[2], None]),
        pa.array([LONG[0], None, LONG[2], None], pa.large_string()),
        pa.array([None, LONG[0], None, LONG[2], None])[1:],
        pa.array([LONG[0], None, LONG[2], None], pa.binary_view()),
        polars.Series([LONG[0], None, LONG[2], None]),
    ],
    ids=["binary", "text", "sliced", "view", "polars"],
)
def test_nulls(make: Any, column: Any) -> None:
    """Nulls are refused, or read as empty."""
    with pytest.raises(ValueError) as caught:
        make.from_arrow(column)
    assert str(caught.value) == (
        'the column has 2 nulls, which segments cannot say: pass nulls="empty" to read them as '
        "empty"
    )
    collection = za.BufferWithSegmentsCollection.from_arrow(column, nulls="empty")
    assert values_of(collection) == [LONG[0], b"", LONG[2], b""]


def test_nulls_over_bytes() -> None:
    """What lies under a null is not read: the slot is empty though its offsets are not."""
    offsets = pa.py_buffer(struct.pack("=4q", 0, 3, 6, 9))
    validity = pa.py_buffer(b"\x05")
    buffers = [validity, offsets, pa.py_buffer(b"onetwosix")]
    column = pa.LargeBinaryArray.from_buffers(pa.large_binary(), 3, buffers)
    assert column.to_pylist() == [b"one", None, b"six"]
    buffer = za.BufferWithSegments.from_arrow(column, nulls="empty")
    assert values_of(buffer) == [b"one", b"", b"six"]
    assert pa.array(buffer).to_pylist() == [b"one", b"", b"six"]


@pytest.mark.parametrize("make", [za.BufferWithSegments, za.BufferWithSegmentsCollection])
def test_wrong_columns(make: Any) -> None:
    """What is no column, or none of bytes, or an unknown word."""
    with pytest.raises(TypeError, match="^an Arrow column is needed .*, not bytes"):
        make.from_arrow(b"bytes")
    with pytest.raises(TypeError, match="^Int64 is not a binary column"):
        make.from_arrow(pa.array([1]))
    with pytest.raises(TypeError, match="Dictionary"):
        make.from_arrow(pa.array([b"one"]).dictionary_encode())
    with pytest.raises(ValueError) as caught:
        make.from_arrow(pa.array([b"one"]), nulls="drop")
    assert str(caught.value) == 'nulls is "raise" or "empty", not "drop"'


@pytest.mark.parametrize("threads", [1, 2])
def test_collection_of_zstandard(threads: int) -> None:
    """python-zstandard's buffers become this package's, over the same memory."""
    values = [value * 10 for value in LONG] * 50
    made = zstandard.ZstdCompressor().multi_compress_to_buffer(values, threads=threads)
    collection = za.BufferWithSegmentsCollection.from_arrow(made)
    assert values_of(collection) == [segment.tobytes() for segment in made]
    assert [address(one) for one in collection] == [address(one) for one in made]
    one = zstandard.BufferWithSegments(b"onethree", pairs((0, 3), (3, 5)))
    buffer = za.BufferWithSegments.from_arrow(one)
    assert values_of(buffer) == [b"one", b"three"]
    assert address(buffer) == address(one)
    del made, one
    gc.collect()
    assert zstandard.decompress(collection[0]) == values[0]
    assert values_of(buffer) == [b"one", b"three"]


# --------------------------------------------------------------------------------- out of segments


SCATTERED = {
    "gap": [(0, 3), (4, 4)],
    "overlap": [(0, 5), (3, 5)],
    "backwards": [(3, 5), (0, 3)],
    "same-twice": [(0, 8), (0, 8)],
    "empty-last": [(0, 8), (8, 0), (0, 0)],
}


@pytest.mark.parametrize("segments", SCATTERED.values(), ids=SCATTERED.keys())
def test_scattered_segments(segments: list[tuple[int, int]]) -> None:
    """Segments in any order are views over the buffer."""
    data = b"onethree" * 10
    buffer = za.BufferWithSegments(data, pairs(*segments))
    expected = [data[start : start + size] for start, size in segments]
    array = pa.array(buffer)
    array.validate(full=True)
    assert array.type == pa.binary_view()
    assert array.to_pylist() == expected
    assert polars.Series(buffer).to_list() == expected
    assert [frame.as_py() for frame in za.decompress(za.compress(buffer))] == expected


@pytest.mark.parametrize(
    "segments", [[(0, 3), (3, 5)], [(0, 8), (8, 0)], [(2, 2), (4, 0), (4, 3)], []]
)
def test_gapless_segments(segments: list[tuple[int, int]]) -> None:
    """Segments that follow each other are a LargeBinary column, wherever they begin."""
    data = b"onethree"
    buffer = za.BufferWithSegments(data, pairs(*segments))
    array = pa.array(buffer)
    array.validate(full=True)
    assert array.type == pa.large_binary()
    assert array.to_pylist() == [data[start : start + size] for start, size in segments]
    assert not array or array.buffers()[2].address == address(data)


def test_members_of_both_kinds() -> None:
    """A collection is one column, so of one type: views if a member needs them."""
    gapless = za.BufferWithSegments(b"onethree", pairs((0, 3), (3, 5)))
    scattered = za.BufferWithSegments(b"onethree", pairs((3, 5), (0, 3)))
    for members, data_type in (
        ((gapless, gapless), pa.large_binary()),
        ((gapless, scattered), pa.binary_view()),
        ((scattered, gapless), pa.binary_view()),
    ):
        column = pa.chunked_array(za.BufferWithSegmentsCollection(*members))
        column.validate(full=True)
        assert column.type == data_type
        assert column.num_chunks == 2
        assert column.to_pylist() == [value for member in members for value in values_of(member)]


@pytest.mark.parametrize("data_type", [pa.binary(), pa.binary_view(), pa.large_binary()])
def test_requested_type(data_type: pa.DataType) -> None:
    """A consumer that asks for another type gets the right values, cast here or there."""
    buffer = za.BufferWithSegments(b"onethree", pairs((0, 3), (3, 5)))
    array = pa.array(buffer, data_type)
    assert array.to_pylist() == [b"one", b"three"]
    column = pa.chunked_array(za.BufferWithSegmentsCollection(buffer, buffer), data_type)
    assert column.to_pylist() == [b"one", b"three"] * 2


def test_schema() -> None:
    """The schema says the type that the array has."""
    gapless = za.BufferWithSegments(b"onethree", pairs((0, 3), (3, 5)))
    scattered = za.BufferWithSegments(b"onethree", pairs((3, 5), (0, 3)))
    for buffer in (gapless, scattered):
        assert pa.field(buffer).type == pa.array(buffer).type
        collection = za.BufferWithSegmentsCollection(buffer)
        assert pa.field(collection).type == pa.chunked_array(collection).type


def test_consumers() -> None:
    """Packages that take Arrow columns take buffers and collections."""
    buffer = za.BufferWithSegments(b"onethree", pairs((0, 3), (3, 5)))
    collection = za.BufferWithSegmentsCollection(buffer, buffer)
    assert polars.Series(collection).to_list() == [b"one", b"three"] * 2
    assert list(nanoarrow.Array(buffer).iter_py()) == [b"one", b"three"]
    assert pa.array(arro3.core.Array.from_arrow(buffer)).to_pylist() == [b"one", b"three"]
    assert len(arro3.core.ChunkedArray.from_arrow(collection)) == 4
    table = pa.table({"payload": pa.array(buffer)})
    found = duckdb.connect().from_arrow(table).aggregate("sum(octet_length(payload))").fetchall()
    assert found == [(8,)]


# ------------------------------------------------------------------------------------- containers


def test_container() -> None:
    """Length, index, iteration, offsets and copies."""
    buffer = za.BufferWithSegments(b"onethree", pairs((0, 3), (3, 5)))
    assert [segment.tobytes() for segment in buffer] == [b"one", b"three"]
    assert [(segment.offset, len(segment)) for segment in buffer] == [(0, 3), (3, 5)]
    assert buffer[-1].tobytes() == bytes(buffer[1]) == b"three"
    assert buffer.tobytes() == bytes(memoryview(buffer)) == b"onethree"
    for place, message in ((2, "less than 2"), (-3, "non-negative")):
        with pytest.raises(IndexError, match=f"^offset must be {message}$"):
            buffer[place]


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        (b"x" * 15, "segments array size is not a multiple of 16"),
        (pairs((0, 9)), "offset within segments array references memory outside buffer"),
        (pairs((9, 0)), "offset within segments array references memory outside buffer"),
        (pairs((1, 2**64 - 1)), "offset within segments array references memory outside buffer"),
        (pairs((2**63, 2**63)), "offset within segments array references memory outside buffer"),
    ],
    ids=["no-pairs", "too-long", "begins-behind", "wraps", "wraps-to-zero"],
)
def test_bad_segments(segments: bytes, message: str) -> None:
    """Segments that do not lie in the buffer are refused, also where the sum wraps around."""
    with pytest.raises(ValueError) as caught:
        za.BufferWithSegments(b"onethree", segments)
    assert str(caught.value) == message
