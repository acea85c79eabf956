"""What holds for any column, any options and any bytes.

The oracle for bytes that may be no frames is python-zstandard, value by value.
"""

from __future__ import annotations

import array
import random
import struct
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any

import polars
import pyarrow as pa
import pytest
import zstandard
import zstd_arrow as za
import zstd_arrow.zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

# Examples are not kept from run to run, and nothing is written to the working folder.
HOME = tempfile.TemporaryDirectory(prefix="zstd-arrow-test-")
set_hypothesis_home_dir(HOME.name)
settings.register_profile(
    "zstd_arrow",
    deadline=None,
    database=None,
    print_blob=True,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("zstd_arrow")

Values = Sequence[bytes | None]

WORDS = b"some text, some more text, and some text again "
RAW = za.Dictionary(WORDS * 3)
EVENTS = [b'{"id": %d, "kind": "view", "ok": true}' % (row * 7919) for row in range(2000)]
TRAINED = za.train_dictionary(pa.array(EVENTS), 2048)

# Bytes as they come, repetitive ones, and some that are too long for one block.
value = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda part, times: part * times, st.binary(max_size=20), st.integers(0, 300)),
    st.builds(lambda start, size: (WORDS * 20)[start : start + size], *[st.integers(0, 400)] * 2),
    st.builds(lambda seed: random.Random(seed).randbytes(140_000), st.integers(0, 3)),
)
rows = st.lists(st.none() | value, max_size=12)


# --------------------------------------------------------------------------------------- columns


def cut(values: Values, places: Sequence[int]) -> list[Values]:
    """Values in several parts."""
    ends = [0, *sorted(place % (len(values) + 1) for place in places), len(values)]
    return [values[start:end] for start, end in zip(ends, ends[1:])]


def chunked(values: Values, places: Sequence[int], data_type: pa.DataType) -> pa.ChunkedArray:
    """A chunked column, each chunk a slice of a longer array."""
    chunks = [
        pa.array([b"before", None, *part, b"behind"], data_type).slice(2, len(part))
        for part in cut(values, places)
    ]
    return pa.chunked_array(chunks, data_type)


def series(values: Values, places: Sequence[int]) -> polars.Series:
    """A Series in several chunks."""
    whole = polars.Series("payload", [], polars.Binary)
    for part in cut(values, places):
        whole.append(polars.Series("payload", part, polars.Binary))
    return whole


def encoded(values: Values, data_type: pa.DataType) -> pa.Array:
    """A dictionary-encoded column."""
    stored = pa.array(values, pa.binary()).dictionary_encode()
    return stored.cast(pa.dictionary(pa.int16(), data_type))


def built(values: Values, places: Sequence[int], layout: str) -> Any:
    """A column of a layout."""
    types = {"binary": pa.binary(), "large": pa.large_binary(), "view": pa.binary_view()}
    if layout in types:
        return pa.array([b"before", *values], types[layout])[1:]
    return {
        "chunked": lambda: chunked(values, places, pa.binary()),
        "chunked-view": lambda: chunked(values, places, pa.binary_view()),
        "polars": lambda: series(values, places),
        "encoded": lambda: encoded(values, pa.binary()),
        "runs": lambda: pa.RunEndEncodedArray.from_arrays(
            pa.array(range(1, len(values) + 1), pa.int32()), pa.array(values, pa.binary())
        ),
    }[layout]()


columns = st.builds(
    lambda values, *how: (values, built(values, *how)),
    rows,
    st.lists(st.integers(0, 12), max_size=3),
    st.sampled_from(
        ["binary", "large", "view", "chunked", "chunked-view", "polars", "encoded", "runs"]
    ),
)
options = st.fixed_dictionaries(
    {},
    optional={
        "level": st.integers(-7, 12),
        "checksum": st.booleans(),
        "content_size": st.booleans(),
        "dict_id": st.booleans(),
        "threads": st.sampled_from([None, 1, 2, 3]),
        "dictionary": st.sampled_from([RAW, TRAINED, bytes(TRAINED), None]),
    },
)


def listed(column: Any) -> list[Any]:
    """The rows of a pyarrow or Polars column."""
    return column.to_pylist() if hasattr(column, "to_pylist") else column.to_list()


# ------------------------------------------------------------------------------------- round trip


@given(columns, options, st.sampled_from([None, 1, 2, 3]))
def test_round_trip(column: tuple[Values, Any], how: dict[str, Any], threads: int | None) -> None:
    """Any column, any options, any threads: the same values, the same nulls, the same kind."""
    values, stored = column
    frames = za.compress(stored, **how)
    back = za.decompress(frames, dictionary=how.get("dictionary"), threads=threads)
    assert listed(back) == list(values)
    assert type(frames) is type(back) or isinstance(stored, pa.Array)
    assert za.compress(stored, **{**how, "threads": 1}).equals(frames)


@given(rows, options)
def test_frames_are_those_of_zstandard(values: Values, how: dict[str, Any]) -> None:
    """Each frame is the one that python-zstandard makes of the value with the same options."""
    dictionary = how.get("dictionary")
    compressor = zstandard.ZstdCompressor(
        level=how.get("level", 3),
        dict_data=zstandard.ZstdCompressionDict(bytes(dictionary)) if dictionary else None,
        write_checksum=how.get("checksum", False),
        write_content_size=how.get("content_size", True),
        write_dict_id=how.get("dict_id", True),
    )
    frames = za.compress(pa.array(values, pa.binary()), **how).to_pylist()
    assert frames == [None if value is None else compressor.compress(value) for value in values]


@given(st.lists(st.none() | st.text(max_size=50), max_size=12))
def test_text_round_trip(values: list[str | None]) -> None:
    """Any text comes back as that text."""
    for column in (pa.array(values, pa.string()), pa.array(values, pa.string_view())):
        assert za.decompress(za.compress(column), utf8=True).to_pylist() == values


@given(st.lists(value, max_size=12))
def test_segments_round_trip(values: list[bytes]) -> None:
    """Any values as segments are a column of them, in and out of frames."""
    buffer = za.BufferWithSegments.from_arrow(pa.array(values, pa.binary()))
    assert pa.array(buffer).to_pylist() == values
    assert pa.array(za.decompress(za.compress(buffer))).to_pylist() == values


@given(
    st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)
)
@example(b"", [(0, 0)])
@example(b"x", [(1, 0), (0, 1)])
def test_any_segments(data: bytes, segments: list[tuple[int, int]]) -> None:
    """Segments are the slices that they say, or refused."""
    index = b"".join(struct.pack("=QQ", *segment) for segment in segments)
    if any(start + size > len(data) for start, size in segments):
        with pytest.raises(ValueError, match="^offset within segments array references memory"):
            za.BufferWithSegments(data, index)
        return
    buffer = za.BufferWithSegments(data, index)
    expected = [data[start : start + size] for start, size in segments]
    assert [segment.tobytes() for segment in buffer] == expected
    found = pa.array(buffer)
    found.validate(full=True)
    assert found.to_pylist() == expected


@given(st.binary(max_size=60), st.binary(max_size=64))
def test_any_index(data: bytes, index: bytes) -> None:
    """Random bytes as an index: slices of the data, or a ValueError."""
    try:
        buffer = za.BufferWithSegments(data, index)
    except ValueError:
        return
    for (start, size), segment in zip(struct.iter_unpack("=QQ", index), buffer):
        assert segment.tobytes() == data[start : start + size]


# ---------------------------------------------------------------------------------- any bytes in


def frame_of(content: bytes, **how: bool) -> bytes:
    """A frame by python-zstandard."""
    return zstandard.ZstdCompressor(level=1, **how).compress(content)


def skippable(content: bytes) -> bytes:
    """A skippable frame (RFC 8878, section 3.1.2)."""
    return struct.pack("<II", 0x184D2A53, len(content)) + content


def mutated(frame: bytes, changes: list[tuple[int, int]]) -> bytes:
    """A frame with some bytes changed."""
    changed = bytearray(frame)
    for place, mask in changes:
        changed[place % len(changed)] ^= mask
    return bytes(changed)


good_frame = st.builds(
    lambda content, sized, checked: frame_of(
        content, write_content_size=sized, write_checksum=checked
    ),
    value,
    st.booleans(),
    st.booleans(),
)
small_frame = st.builds(frame_of, st.binary(max_size=40) | st.just(WORDS * 30))
change = st.tuples(st.integers(0, 5000) | st.integers(0, 12), st.integers(1, 255))
maybe_frame = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda tail: b"\x28\xb5\x2f\xfd" + tail, st.binary(max_size=40)),
    good_frame,
    st.builds(mutated, good_frame, st.lists(change, min_size=1, max_size=2)),
    st.builds(lambda frame, end: frame[: end % len(frame)], good_frame, st.integers(0, 5000)),
    st.builds(lambda frame, tail: frame + tail, small_frame, st.binary(min_size=1, max_size=10)),
    st.builds(lambda parts: b"".join(parts), st.lists(small_frame, min_size=2, max_size=3)),
    st.builds(lambda before, frame: skippable(before) + frame, st.binary(max_size=5), small_frame),
    st.builds(lambda frame, behind: frame + skippable(behind), small_frame, st.binary(max_size=5)),
)


def content_of(data: bytes) -> bytes | None:
    """What all frames of a value hold, by python-zstandard; `None` if they are not all good.

    It decodes as a stream, frame by frame, with the largest window that the format has.
    """
    if not data:
        return None
    content = b""
    new = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj
    while data:
        decoder = new()
        try:
            content += decoder.decompress(data)
        except zstandard.ZstdError:
            return None
        if not decoder.eof:
            return None
        data = decoder.unused_data
    return content


def content_at_once(data: bytes, size: int) -> bytes | None:
    """What all frames of a value hold, by libzstd's function for whole values; `None` if not all
    are good."""
    try:
        return pa.Codec("zstd").decompress(data, decompressed_size=size, asbytes=True)
    except OSError:
        return None


# A raw block of 2 KiB in a frame whose window has 1 KiB.
BLOCK_BEYOND_WINDOW = b"\x28\xb5\x2f\xfd\x00\x00" + (2048 << 3 | 1).to_bytes(3, "little")
BLOCK_BEYOND_WINDOW += WORDS[:1] * 2048


@settings(max_examples=400)
@given(st.lists(maybe_frame, min_size=1, max_size=8), st.sampled_from([1, 2, None]))
@example([b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"], 1)
@example([BLOCK_BEYOND_WINDOW], 1)
def test_any_bytes(values: list[bytes], threads: int | None) -> None:
    """Any bytes as frames: the value that libzstd reads, or an error of just that row."""
    expected = [content_of(data) for data in values]
    column = pa.array(values, pa.binary())
    failed: list[za.ZstdError] = []
    found = za.decompress(column, on_error="null", failed=failed, threads=threads)
    for row, value in enumerate(found.to_pylist()):
        # libzstd's streams refuse a raw block that is larger than the window; its function for
        # whole values, which is the one for columns, has no use for the window.
        if value is not None and expected[row] is None:
            expected[row] = content_at_once(values[row], len(value))
    assert found.to_pylist() == expected
    bad = [row for row, content in enumerate(expected) if content is None]
    assert [error.row for error in failed] == bad
    if not bad:
        assert za.decompress(column, threads=threads).equals(found)
        return
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(column, threads=threads)
    assert caught.value.row == bad[0]
    assert str(caught.value) == str(failed[0])


@given(st.lists(maybe_frame, max_size=6))
def test_headers_of_any_bytes(values: list[bytes]) -> None:
    """Any bytes have header values or an error with a row, which are right for good frames."""
    column = pa.array(values, pa.binary())
    try:
        sizes = za.decompressed_size(column).to_pylist()
        frames = za.frame_info(column).field("frames").to_pylist()
    except za.ZstdError as error:
        assert error.row is not None
        assert content_of(values[error.row]) is None
        return
    for data, size, count in zip(values, sizes, frames):
        content = content_of(data)
        if content is not None:
            assert size in (None, len(content))
            assert count >= 1 or content == b""


@given(st.binary(max_size=300) | st.builds(lambda tail: bytes(TRAINED)[:200] + tail, st.binary()))
def test_any_dictionary(data: bytes) -> None:
    """Any bytes are a dictionary that works, or a ValueError."""
    try:
        dictionary = za.Dictionary(data)
    except ValueError:
        return
    column = pa.array([WORDS, b"", data])
    frames = za.compress(column, dictionary=dictionary)
    assert za.decompress(frames, dictionary=dictionary).equals(column.cast(pa.large_binary()))


@given(rows, st.lists(st.none() | st.integers(0, 400), max_size=12))
def test_any_sizes(values: Values, sizes: list[int | None]) -> None:
    """Sizes that the caller gives are held against the content: the first wrong one is named."""
    frames = za.compress(pa.array(values, pa.binary()), content_size=False)
    if len(sizes) != len(values):
        with pytest.raises(ValueError, match="^sizes has "):
            za.decompress(frames, sizes=sizes)
        return
    wrong = [
        row
        for row, (value, size) in enumerate(zip(values, sizes))
        if value is not None and size is not None and size != len(value)
    ]
    if not wrong:
        assert za.decompress(frames, sizes=sizes).to_pylist() == list(values)
        return
    with pytest.raises(za.ZstdError) as caught:
        za.decompress(frames, sizes=sizes)
    assert caught.value.row == wrong[0]


# ------------------------------------------------------------------------- bytes that are changed


class Scribbler:
    """Writes to bytearrays from another thread, each one as a whole, until it is left."""

    def __init__(self, items: Sequence[bytearray]) -> None:
        self.items = items
        self.rounds = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._ended.is_set():
            self.rounds += 1
            for item in self.items:
                item[:] = bytes([self.rounds % 256]) * len(item)

    def __enter__(self) -> Scribbler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def assert_whole(content: bytes, size: int) -> None:
    """Content that was read at one time: all bytes are the same."""
    assert len(content) == size
    assert content == content[:1] * size


SIZE, COUNT = 100_000, 64


def test_scribble_tells() -> None:
    """The check itself: a scribbler gets its turn while a call that lets go of the GIL runs."""
    items = [bytearray(SIZE) for _ in range(COUNT)]
    column = pa.array([random.Random(0).randbytes(SIZE)] * COUNT)
    with Scribbler(items) as scribbler:
        before = scribbler.rounds
        za.compress(column, level=9, threads=1)
        assert scribbler.rounds > before + 1
    with pytest.raises(AssertionError):
        assert_whole(b"\1" * 10 + b"\2" * 10, 20)


def test_scribbled_buffer() -> None:
    """A BufferWithSegments over a bytearray is what it was, whoever writes to the bytearray."""
    data = bytearray(WORDS * 20_000)
    before = bytes(data)
    index = struct.pack("=4Q", 0, len(data) // 2, len(data) // 2, len(data) - len(data) // 2)
    buffer = za.BufferWithSegments(data, index)
    with Scribbler([data]):
        for _ in range(5):
            frames = za.compress(buffer, level=5)
            assert b"".join(pa.array(za.decompress(frames)).to_pylist()) == before
    assert bytes(data) != before


SCRIBBLED: dict[str, Callable[[bytearray], Any]] = {
    "bytearray": lambda item: item,
    "memoryview": memoryview,
    "read-only-memoryview": lambda item: memoryview(item).toreadonly(),
}


@pytest.mark.parametrize("make", SCRIBBLED.values(), ids=SCRIBBLED.keys())
@pytest.mark.parametrize("threads", [1, 2])
def test_scribbled_items(make: Callable[[bytearray], Any], threads: int) -> None:
    """The drop-in compresses each item as it is at one time: no frame is of half a write."""
    items = [bytearray(SIZE) for _ in range(COUNT)]
    compressor = zstd_arrow.zstandard.ZstdCompressor(level=9)
    with Scribbler(items):
        for _ in range(5):
            made = compressor.multi_compress_to_buffer([make(item) for item in items], threads)
            for frame in made:
                assert_whole(zstandard.decompress(frame), SIZE)


def test_scribbled_frames() -> None:
    """The drop-in decompresses frames as they were when it was called, or not at all."""
    frames = [frame_of(random.Random(seed).randbytes(SIZE)) for seed in range(2)]
    contents = [zstandard.decompress(frame) for frame in frames]
    assert len(frames[0]) == len(frames[1])
    item = bytearray(frames[0])
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            for frame in frames:
                item[:] = frame

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        decompressor = zstd_arrow.zstandard.ZstdDecompressor()
        for _ in range(20):
            made = decompressor.multi_decompress_to_buffer([item] * 20, threads=2)
            assert {segment.tobytes() for segment in made} <= set(contents)
    finally:
        ended.set()
        thread.join()


def test_scribbled_sizes() -> None:
    """Sizes that change during the call: each is read once, and held against the content."""
    frames = [frame_of(WORDS * 100)] * 50
    sizes = array.array("Q", [len(WORDS) * 100] * 50)
    ended = threading.Event()

    def change() -> None:
        while not ended.is_set():
            sizes[7] = 1
            sizes[7] = len(WORDS) * 100

    thread = threading.Thread(target=change)
    thread.start()
    try:
        decompressor = zstd_arrow.zstandard.ZstdDecompressor()
        for _ in range(50):
            try:
                made = decompressor.multi_decompress_to_buffer(frames, sizes)
            except zstd_arrow.zstandard.ZstdError as error:
                assert "item 7" in str(error)
            else:
                assert {segment.tobytes() for segment in made} == {WORDS * 100}
    finally:
        ended.set()
        thread.join()
