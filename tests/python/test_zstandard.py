"""`zstd_arrow.zstandard` against python-zstandard 0.25: the same call, the same outcome.

Every case is a function of the module. It runs on both modules, and what it returns or raises is
compared: frames byte for byte, exceptions by type and message. Where a message is the
interpreter's or the binding's (arguments that do not parse), the type alone is compared.

The tests named `test_difference_*` are about inputs that python-zstandard crashes on, gets wrong or
loses data on, and about the few where the outcome is another by choice. They run on
`zstd_arrow.zstandard` alone; the comment of each says what the other does. The page
docs/python-zstandard.md has a row for each.
"""

from __future__ import annotations

import array
import doctest
import mmap
import random
import re
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import zstandard as theirs
import zstd_arrow.zstandard as ours

Case = Callable[[ModuleType], Any]
PAGE = Path(__file__).parents[2] / "docs" / "python-zstandard.md"


def pairs(*segments: tuple[int, int]) -> bytes:
    """(offset, length) pairs as `BufferWithSegments` takes them."""
    return b"".join(struct.pack("=QQ", *segment) for segment in segments)


def sizes(*values: int) -> bytes:
    return struct.pack(f"={len(values)}Q", *values)


def buffer(z: ModuleType, *items: bytes) -> Any:
    """The items one after the other, each of them a segment."""
    segments, offset = [], 0
    for item in items:
        segments.append((offset, len(item)))
        offset += len(item)
    return z.BufferWithSegments(b"".join(items), pairs(*segments))


def collection(z: ModuleType, *groups: list[bytes]) -> Any:
    return z.BufferWithSegmentsCollection(*(buffer(z, *group) for group in groups))


def frame(data: bytes, **options: Any) -> bytes:
    return theirs.ZstdCompressor(**options).compress(data)


def claiming(content_size: int, source: bytes) -> bytes:
    """The frame `source` (of 256 to 65,791 bytes) under another content size in its header."""
    return b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", content_size) + source[7:]


def with_window(descriptor: int, source: bytes) -> bytes:
    """The frame `source` (without a content size) under another window descriptor."""
    return source[:5] + bytes([descriptor]) + source[6:]


def event(number: int) -> bytes:
    text = b"event %d user=%d path=/page/%d " % (number, number * 7 % 13, number * number % 97)
    return text * 3


EVENTS = [event(number) for number in range(600)]
NOISE = random.Random(1).randbytes(300_000)
LETTERS = bytes(random.Random(2).choices(b"abcdefgh ", k=3_000_000))
ITEMS = [b"a", b"", b"abc" * 1000, *EVENTS[:20], NOISE[:5000], LETTERS[:200_000], b"end"]

DICTIONARY = theirs.train_dictionary(1024, EVENTS[:300], k=64, d=8, dict_id=111).as_bytes()
OTHER_DICTIONARY = theirs.train_dictionary(1024, EVENTS[300:], k=64, d=8, dict_id=222).as_bytes()
PREFIX = event(12)
MALFORMED = b"\x37\xa4\x30\xec" + b"foobarbaz" * 3

FOO, BAR, EMPTY = frame(b"foo"), frame(b"bar!"), frame(b"")
TEXT = frame(b"abc" * 1000)
UNSIZED = frame(b"foo", write_content_size=False)
UNSIZED_TEXT = frame(b"abc" * 1000, write_content_size=False)
SUMMED = frame(b"abc" * 1000, write_checksum=True)
BAD_SUM = SUMMED[:-1] + bytes([SUMMED[-1] ^ 1])
SKIPPABLE = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
JUNK = b"foobar" * 10
MAGICLESS = frame(b"foo", compression_params=theirs.ZstdCompressionParameters(format=1))
KEYED = frame(EVENTS[5], dict_data=theirs.ZstdCompressionDict(DICTIONARY))
KEYED_NO_ID = frame(
    EVENTS[5], dict_data=theirs.ZstdCompressionDict(DICTIONARY), write_dict_id=False
)
PREFIXED = frame(EVENTS[5], dict_data=theirs.ZstdCompressionDict(PREFIX))

ATTRIBUTES = [
    name
    for name, member in vars(theirs.ZstdCompressionParameters).items()
    if type(member).__name__ == "getset_descriptor"
]


def comparable(z: ModuleType, value: Any) -> Any:
    """`value` as something that does not depend on the module that made it."""
    match value:
        case z.BufferWithSegmentsCollection():
            return ("collection", value.size(), [bytes(segment) for segment in value])
        case z.BufferWithSegments():
            return ("buffer", value.size, bytes(value), bytes(value.segments()))
        case z.BufferSegment():
            return ("segment", value.offset, bytes(value))
        case z.BufferSegments():
            return ("segments", bytes(value))
        case z.ZstdCompressionDict():
            return ("dictionary", value.as_bytes(), value.dict_id(), value.k, value.d)
        case z.ZstdCompressionParameters():
            return ("parameters", {name: getattr(value, name) for name in ATTRIBUTES})
        case z.ZstdCompressor() | z.ZstdDecompressor():
            return type(value).__name__
        case list() | tuple():
            return [comparable(z, member) for member in value]
        case _:
            return value


def errors(z: ModuleType) -> tuple[type[Exception], ...]:
    """What a case may raise. Anything else is a failed test, a panic or a SystemError too."""
    plain = (ArithmeticError, AttributeError, BufferError, LookupError, TypeError, ValueError)
    return (*plain, z.ZstdError)


def outcome(z: ModuleType, case: Case) -> Any:
    """What the case returns, or the type and the message of what it raises."""
    try:
        return comparable(z, case(z))
    except errors(z) as error:
        module = z.BufferSegment.__module__
        return (type(error).__name__, str(error).replace(f"{module}.", ""))


def raised(z: ModuleType, case: Case) -> str:
    """The type of what the case raises; a case that returns fails the test."""
    try:
        case(z)
    except errors(z) as error:
        return type(error).__name__
    pytest.fail("nothing was raised")


def each(cases: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


# The buffer types.


def view(exporter: Any) -> Any:
    """All that a memoryview tells about the exporter."""
    seen = memoryview(exporter)
    shape = (seen.format, seen.itemsize, seen.ndim, seen.shape, seen.strides, seen.nbytes)
    return (*shape, seen.readonly, seen.contiguous, seen.tobytes())


def outlives(make: Callable[[], Any]) -> bytes:
    """The bytes of a view whose parent nobody else holds."""
    return bytes(make())


class One:
    """An index that is not an int."""

    def __index__(self) -> int:
        return 1


def mapped(data: bytes) -> mmap.mmap:
    memory = mmap.mmap(-1, len(data))
    memory.write(data)
    return memory


BUFFERS: dict[str, Case] = {
    "no segments": lambda z: z.BufferWithSegments(b"foo", b""),
    "no bytes": lambda z: z.BufferWithSegments(b"", b""),
    "one segment": lambda z: z.BufferWithSegments(b"foo", pairs((0, 3))),
    "keywords": lambda z: z.BufferWithSegments(segments=pairs((0, 3)), data=b"foo"),
    "overlapping and out of order": lambda z: list(
        z.BufferWithSegments(b"foobar", pairs((2, 4), (0, 6), (6, 0), (1, 1)))
    ),
    "segments of 2 bytes": lambda z: z.BufferWithSegments(b"foo", b"\x00\x00"),
    "segments of 24 bytes": lambda z: z.BufferWithSegments(b"foo", bytes(24)),
    "segment too long": lambda z: z.BufferWithSegments(b"foo", pairs((0, 4))),
    "segment behind the end": lambda z: z.BufferWithSegments(b"foo", pairs((3, 1))),
    "empty segment behind the end": lambda z: z.BufferWithSegments(b"foo", pairs((4, 0))),
    "second segment too long": lambda z: z.BufferWithSegments(b"foo", pairs((0, 3), (1, 3))),
    "huge offset": lambda z: z.BufferWithSegments(b"foo", pairs((2**63, 0))),
    "huge length": lambda z: z.BufferWithSegments(b"foo", pairs((0, 2**64 - 1))),
    "str data": lambda z: z.BufferWithSegments("foo", pairs((0, 3))),
    "None data": lambda z: z.BufferWithSegments(None, pairs((0, 3))),
    "int data": lambda z: z.BufferWithSegments(3, b""),
    "str segments": lambda z: z.BufferWithSegments(b"foo", "abc"),
    "None segments": lambda z: z.BufferWithSegments(b"foo", None),
    "list of segments": lambda z: z.BufferWithSegments(b"foo", [(0, 3)]),
    "bytearray data": lambda z: z.BufferWithSegments(bytearray(b"foo"), pairs((0, 3)))[0],
    "array of u16 as data": lambda z: z.BufferWithSegments(
        array.array("H", b"abcd"), pairs((0, 4))
    ),
    "array of u64 as segments": lambda z: z.BufferWithSegments(b"foo", array.array("Q", [1, 2]))[0],
    "mmap as data": lambda z: z.BufferWithSegments(mapped(b"0123456789"), pairs((2, 3)))[0],
    "buffer as data": lambda z: z.BufferWithSegments(buffer(z, b"foo", b"bar"), pairs((1, 4)))[0],
    "segment as data": lambda z: z.BufferWithSegments(buffer(z, b"foo", b"bar")[1], pairs((1, 2)))[
        0
    ],
    "index as segments": lambda z: z.BufferWithSegments(b"bar", buffer(z, b"foo").segments())[0],
    "length": lambda z: len(buffer(z, b"foo", b"", b"bar")),
    "length of none": lambda z: len(buffer(z)),
    "truth of none": lambda z: bool(buffer(z)),
    "size is an attribute": lambda z: z.BufferWithSegments(b"foobar", pairs((1, 2))).size,
    "tobytes is all of the buffer": lambda z: z.BufferWithSegments(
        b"foobar", pairs((1, 2))
    ).tobytes(),
    "item": lambda z: buffer(z, b"foo", b"barbaz")[1],
    "item type": lambda z: type(buffer(z, b"foo")[0]).__name__,
    "item by True": lambda z: buffer(z, b"foo", b"bar")[True],
    "item by __index__": lambda z: buffer(z, b"foo", b"bar")[One()],
    "item -1": lambda z: buffer(z, b"foo", b"bar")[-1],
    "item -2": lambda z: buffer(z, b"foo", b"bar")[-2],
    "item -3": lambda z: buffer(z, b"foo", b"bar")[-3],
    "item -4": lambda z: buffer(z, b"foo", b"bar")[-4],
    "item 2 of 2": lambda z: buffer(z, b"foo", b"bar")[2],
    "item 2**31": lambda z: buffer(z, b"foo")[2**31],
    "item 2**64": lambda z: buffer(z, b"foo")[2**64],
    "item -2**64": lambda z: buffer(z, b"foo")[-(2**64)],
    "item 0 of none": lambda z: buffer(z)[0],
    "item -1 of none": lambda z: buffer(z)[-1],
    "item 'a'": lambda z: buffer(z, b"foo")["a"],
    "item 1.0": lambda z: buffer(z, b"foo")[1.0],
    "item None": lambda z: buffer(z, b"foo")[None],
    "slice": lambda z: buffer(z, b"foo")[0:1],
    "iteration": lambda z: list(buffer(z, b"foo", b"", b"bar")),
    "iteration over none": lambda z: list(buffer(z)),
    "reversed": lambda z: list(reversed(buffer(z, b"foo", b"bar"))),
    "contains compares by identity": lambda z: b"foo" in buffer(z, b"foo"),
    "equal to itself alone": lambda z: buffer(z, b"foo") == buffer(z, b"foo"),
    "hashable": lambda z: len({buffer(z, b"foo"), buffer(z, b"foo")}),
    "view": lambda z: view(buffer(z, b"foo", b"bar")),
    "view of none": lambda z: view(buffer(z)),
    "view of a bytearray is read-only": lambda z: view(
        z.BufferWithSegments(bytearray(b"foo"), pairs((0, 3)))
    ),
    "view outlives": lambda z: outlives(lambda: memoryview(buffer(z, b"foo"))),
    "segments": lambda z: buffer(z, b"foo", b"bar").segments(),
    "segments type": lambda z: type(buffer(z, b"foo").segments()).__name__,
    "segments of none": lambda z: buffer(z).segments(),
    "segments outlive": lambda z: outlives(lambda: buffer(z, b"foo").segments()),
    "segments view": lambda z: view(buffer(z, b"foo", b"bar").segments()),
    "segments as given": lambda z: z.BufferWithSegments(
        b"foobar", pairs((2, 4), (0, 6))
    ).segments(),
    "segment length": lambda z: len(buffer(z, b"foo", b"barbaz")[1]),
    "segment offset": lambda z: z.BufferWithSegments(b"foobar", pairs((4, 2)))[0].offset,
    "segment tobytes": lambda z: buffer(z, b"foo", b"bar")[1].tobytes(),
    "segment bytes": lambda z: bytes(buffer(z, b"foo", b"bar")[1]),
    "segment view": lambda z: view(buffer(z, b"foo", b"bar")[1]),
    "empty segment view": lambda z: view(buffer(z, b"foo", b"")[1]),
    "segment of a bytearray is read-only": lambda z: view(
        z.BufferWithSegments(bytearray(b"foo"), pairs((1, 2)))[0]
    ),
    "segment outlives": lambda z: outlives(lambda: buffer(z, b"foo", b"bar")[1]),
    "empty segment is false": lambda z: [bool(segment) for segment in buffer(z, b"", b"foo")],
    "segment is not its bytes": lambda z: buffer(z, b"foo")[0] == b"foo",
    "segments are not equal": lambda z: buffer(z, b"foo")[0] == buffer(z, b"foo")[0],
    "segment is hashable": lambda z: len(set(buffer(z, b"foo", b"bar"))),
}

BUFFER_REFUSALS: dict[str, Case] = {
    "nothing": lambda z: z.BufferWithSegments(),
    "no segments": lambda z: z.BufferWithSegments(b"foo"),
    "three arguments": lambda z: z.BufferWithSegments(b"foo", b"", b""),
    "unknown keyword": lambda z: z.BufferWithSegments(b"foo", b"", offsets=b""),
    "data with gaps": lambda z: z.BufferWithSegments(memoryview(b"abcdef")[::2], pairs((0, 3))),
    "data backwards": lambda z: z.BufferWithSegments(memoryview(b"abc")[::-1], pairs((0, 3))),
    "segments with gaps": lambda z: z.BufferWithSegments(b"foo", memoryview(bytes(32))[::2]),
    "argument to tobytes": lambda z: buffer(z, b"foo").tobytes(1),
    "argument to segments": lambda z: buffer(z, b"foo").segments(1),
    "size called": lambda z: buffer(z, b"foo").size(),
    "size set": lambda z: setattr(buffer(z, b"foo"), "size", 1),
    "new attribute": lambda z: setattr(buffer(z, b"foo"), "name", 1),
    "offset set": lambda z: setattr(buffer(z, b"foo")[0], "offset", 1),
    "write through a view": lambda z: memoryview(buffer(z, b"foo")).__setitem__(0, 1),
    "write through a segment": lambda z: memoryview(buffer(z, b"foo")[0]).__setitem__(0, 1),
    "added": lambda z: buffer(z, b"foo") + buffer(z, b"bar"),
    "repeated": lambda z: buffer(z, b"foo") * 2,
}

COLLECTIONS: dict[str, Case] = {
    "one buffer": lambda z: collection(z, [b"foo", b"bar"]),
    "three buffers": lambda z: collection(z, [b"foo", b"bar"], [b"x"], [b"", b"z"]),
    "offsets": lambda z: [
        segment.offset for segment in collection(z, [b"foo", b"bar"], [b"x"], [b"y", b"z"])
    ],
    "the same buffer twice": lambda z: z.BufferWithSegmentsCollection(*[buffer(z, b"foo")] * 2),
    "nothing": lambda z: z.BufferWithSegmentsCollection(),
    "bytes": lambda z: z.BufferWithSegmentsCollection(b"foo"),
    "None": lambda z: z.BufferWithSegmentsCollection(None),
    "list of buffers": lambda z: z.BufferWithSegmentsCollection([buffer(z, b"foo")]),
    "collection": lambda z: z.BufferWithSegmentsCollection(collection(z, [b"foo"])),
    "buffer, then bytes": lambda z: z.BufferWithSegmentsCollection(buffer(z, b"foo"), b"bar"),
    "empty buffer": lambda z: collection(z, []),
    "empty buffer first": lambda z: collection(z, [], [b"foo"]),
    "empty buffer last": lambda z: collection(z, [b"foo"], []),
    "empty buffer, then bytes": lambda z: z.BufferWithSegmentsCollection(buffer(z), b"foo"),
    "length": lambda z: len(collection(z, [b"foo", b"bar"], [b"x"])),
    "size is a method": lambda z: collection(z, [b"foo", b"bar"], [b"x"]).size(),
    "size sums segments": lambda z: z.BufferWithSegmentsCollection(
        z.BufferWithSegments(b"foobar", pairs((0, 6), (0, 6), (1, 1)))
    ).size(),
    "item in the first": lambda z: collection(z, [b"foo", b"bar"], [b"x", b"y"])[1],
    "item in the last": lambda z: collection(z, [b"foo", b"bar"], [b"x", b"y"])[2],
    "item type": lambda z: type(collection(z, [b"foo"])[0]).__name__,
    "item by __index__": lambda z: collection(z, [b"foo"], [b"bar"])[One()],
    "item -1": lambda z: collection(z, [b"foo", b"bar"], [b"x"])[-1],
    "item -3": lambda z: collection(z, [b"foo", b"bar"], [b"x"])[-3],
    "item -4": lambda z: collection(z, [b"foo", b"bar"], [b"x"])[-4],
    "item -5": lambda z: collection(z, [b"foo", b"bar"], [b"x"])[-5],
    "item 3 of 3": lambda z: collection(z, [b"foo", b"bar"], [b"x"])[3],
    "item 2**64": lambda z: collection(z, [b"foo"])[2**64],
    "item 'a'": lambda z: collection(z, [b"foo"])["a"],
    "slice": lambda z: collection(z, [b"foo"])[0:1],
    "reversed": lambda z: list(reversed(collection(z, [b"foo", b"bar"], [b"x"]))),
    "no view": lambda z: memoryview(collection(z, [b"foo"])),
    "equal to itself alone": lambda z: collection(z, [b"foo"]) == collection(z, [b"foo"]),
    "hashable": lambda z: len({collection(z, [b"foo"])}),
    "segment outlives": lambda z: outlives(lambda: collection(z, [b"foo"], [b"bar"])[1]),
}


@each(BUFFERS)
def test_buffers(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


@each(BUFFER_REFUSALS)
def test_buffer_refusals(case: Case) -> None:
    assert raised(ours, case) == raised(theirs, case)


@each(COLLECTIONS)
def test_collections(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


# What the module exports.

CONSTANTS = [name for name in dir(theirs) if name.isupper() and not name.startswith("_")]


@pytest.mark.parametrize("name", [*CONSTANTS, "backend_features"])
def test_constants(name: str) -> None:
    assert getattr(ours, name) == getattr(theirs, name)
    assert name in ours.__all__


FUNCTIONS: dict[str, Case] = {
    "compress": lambda z: z.compress(TEXT),
    "compress at a level": lambda z: z.compress(LETTERS[:1000], 19),
    "compress by keyword": lambda z: z.compress(data=LETTERS[:1000], level=1),
    "compress a str": lambda z: z.compress("foo"),
    "compress at 23": lambda z: z.compress(b"foo", 23),
    "decompress": lambda z: z.decompress(TEXT),
    "decompress an unknown size": lambda z: z.decompress(UNSIZED, max_output_size=3),
    "decompress without a size": lambda z: z.decompress(UNSIZED),
    "decompress no frame": lambda z: z.decompress(b"foo"),
}


@each(FUNCTIONS)
def test_functions(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


def test_what_is_exported_exists() -> None:
    assert [name for name in ours.__all__ if not hasattr(ours, name)] == []


def test_examples_of_the_docstrings() -> None:
    failed, tried = doctest.testmod(ours)
    assert failed == 0 < tried


def test_examples_of_the_page() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    exec("\n".join(blocks), {})
    assert len(blocks) == 2


def test_the_page_has_a_row_for_each_difference() -> None:
    tests = [name for name in globals() if name.startswith("test_difference_")]
    rows = re.findall(r"`(test_difference_\w+)` \|$", PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(tests)


def test_the_error_is_an_exception_and_nothing_closer() -> None:
    assert ours.ZstdError.__bases__ == theirs.ZstdError.__bases__
    assert ours.ZstdError("a").args == theirs.ZstdError("a").args


# Compression parameters.


def parameters(z: ModuleType, **values: Any) -> Any:
    return z.ZstdCompressionParameters(**values)


def from_level(z: ModuleType, *arguments: Any, **values: Any) -> Any:
    return z.ZstdCompressionParameters.from_level(*arguments, **values)


PARAMETER_VALUES = {
    "format": [-1, 0, 1, 2],
    "compression_level": [-200_000, -131_072, -1, 0, 22, 23, 100],
    "window_log": [-1, 0, 9, 10, 31, 32],
    "hash_log": [5, 6, 30, 31],
    "chain_log": [5, 6, 30, 31],
    "search_log": [-1, 0, 1, 30, 31],
    "min_match": [2, 3, 7, 8],
    "target_length": [-1, 0, 131_072, 131_073],
    "strategy": [-2, -1, 0, 1, 9, 10],
    "write_content_size": [-1, 0, 1, 2],
    "write_checksum": [-1, 0, 1, 2],
    "write_dict_id": [-1, 0, 1, 2],
    "job_size": [-1, 0, 100, 600_000, 2**30, 2**31 - 1],
    "overlap_log": [-2, -1, 0, 9, 10],
    "force_max_window": [0, 1, 2],
    "enable_ldm": [-1, 0, 1, 2, 3],
    "ldm_hash_log": [5, 6, 30, 31],
    "ldm_min_match": [3, 4, 4096, 4097],
    "ldm_bucket_size_log": [-1, 1, 8, 9],
    "ldm_hash_rate_log": [-2, -1, 0, 25, 26],
    "threads": [-5, -1, 0, 1, 2, 256, 1000],
}
IN_ORDER = (0, 5, 20, 15, 16, 3, 4, 32, 2, 0, 1, 1, 600_000, 4, 1, 1, 20, 64, 3, 7, 1)

PARAMETERS: dict[str, Case] = {
    "defaults": lambda z: parameters(z),
    "in order": lambda z: z.ZstdCompressionParameters(*IN_ORDER),
    "booleans": lambda z: parameters(z, write_checksum=True, write_content_size=False),
    "from_level, source size": lambda z: from_level(z, 19, source_size=1000),
    "from_level, dictionary size": lambda z: from_level(z, 19, source_size=1000, dict_size=8000),
    "from_level, overrides": lambda z: from_level(z, 3, window_log=15, write_checksum=1, threads=2),
    "from_level keeps a compression level": lambda z: from_level(z, 3, compression_level=9),
    "from_level, window_log=9": lambda z: from_level(z, 3, window_log=9),
    "from_level of an instance": lambda z: parameters(z).from_level(5),
    "equal to itself alone": lambda z: parameters(z) == parameters(z),
}

PARAMETER_REFUSALS: dict[str, Case] = {
    "22 arguments": lambda z: z.ZstdCompressionParameters(*IN_ORDER, 0),
    "unknown keyword": lambda z: parameters(z, speed=1),
    "str": lambda z: parameters(z, window_log="10"),
    "float": lambda z: parameters(z, window_log=10.0),
    "beyond 32 bits": lambda z: parameters(z, window_log=2**31),
    "set": lambda z: setattr(parameters(z), "window_log", 12),
    "argument to the estimate": lambda z: parameters(z).estimated_compression_context_size(1),
    "from_level of nothing": lambda z: from_level(z),
    "from_level by keyword": lambda z: from_level(z, level=3),
    "from_level, source size by position": lambda z: from_level(z, 3, 1000),
    "from_level of a str": lambda z: from_level(z, "3"),
    "from_level beyond 32 bits": lambda z: from_level(z, 2**31),
    "from_level, unknown keyword": lambda z: from_level(z, 3, speed=1),
    "from_level, source size of -1": lambda z: from_level(z, 3, source_size=-1),
    "from_level, source size of 1.5": lambda z: from_level(z, 3, source_size=1.5),
    "from_level, dictionary size of 'a'": lambda z: from_level(z, 3, dict_size="a"),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in PARAMETER_VALUES.items() for value in values],
)
def test_parameter_bounds(name: str, value: int) -> None:
    def case(z: ModuleType) -> Any:
        return parameters(z, **{name: value})

    assert outcome(ours, case) == outcome(theirs, case)


@each(PARAMETERS)
def test_parameters(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


@each(PARAMETER_REFUSALS)
def test_parameter_refusals(case: Case) -> None:
    assert raised(ours, case) == raised(theirs, case)


@pytest.mark.parametrize("level", [-131_073, -100, -5, *range(23), 100])
def test_parameters_of_a_level(level: int) -> None:
    def case(z: ModuleType) -> Any:
        return from_level(z, level)

    assert outcome(ours, case) == outcome(theirs, case)


@pytest.mark.parametrize(
    "given",
    [
        {},
        *({"compression_level": level} for level in [-131_072, -5, 1, 9, 19, 22]),
        {"compression_level": 1, "window_log": 15, "hash_log": 16},
        {"window_log": 27, "enable_ldm": 1, "ldm_hash_log": 20, "ldm_min_match": 64},
    ],
    ids=str,
)
def test_context_sizes(given: dict[str, int]) -> None:
    """libzstd's context has a field more or less, by how it was built."""
    ours_and_theirs = [
        parameters(z, **given).estimated_compression_context_size() for z in (ours, theirs)
    ]
    assert max(ours_and_theirs) - min(ours_and_theirs) <= 16


# Dictionaries.


def dictionary(z: ModuleType, data: bytes = DICTIONARY, **options: Any) -> Any:
    return z.ZstdCompressionDict(data, **options)


def precomputed(z: ModuleType, *arguments: Any, **options: Any) -> Any:
    made = dictionary(z)
    made.precompute_compress(*arguments, **options)
    return made


DICTIONARIES: dict[str, Case] = {
    "trained": lambda z: dictionary(z),
    "prefix": lambda z: dictionary(z, PREFIX),
    "empty": lambda z: dictionary(z, b""),
    "keywords": lambda z: z.ZstdCompressionDict(data=b"foo", dict_type=1),
    "bytearray": lambda z: dictionary(z, bytearray(b"foo")),
    "segment": lambda z: dictionary(z, buffer(z, b"foo", b"bar")[1]),
    "length": lambda z: len(dictionary(z)),
    "raw content keeps its id": lambda z: dictionary(z, dict_type=1),
    "full": lambda z: dictionary(z, dict_type=2),
    "full without a header": lambda z: dictionary(z, PREFIX, dict_type=2),
    "malformed": lambda z: dictionary(z, MALFORMED),
    "type 3": lambda z: dictionary(z, dict_type=3),
    "type -1": lambda z: dictionary(z, dict_type=-1),
    "str": lambda z: dictionary(z, "foo"),
    "None": lambda z: dictionary(z, None),
    "dictionary": lambda z: dictionary(z, dictionary(z)),
    "no view": lambda z: memoryview(dictionary(z)),
    "equal to itself alone": lambda z: dictionary(z) == dictionary(z),
    "precompute": lambda z: dictionary(z).precompute_compress(level=3),
    "precompute by position": lambda z: dictionary(z).precompute_compress(3),
    "precompute at 100": lambda z: dictionary(z).precompute_compress(100),
    "precompute at -100": lambda z: dictionary(z).precompute_compress(-100),
    "precompute an empty one": lambda z: dictionary(z, b"").precompute_compress(3),
    "precompute for nothing": lambda z: dictionary(z).precompute_compress(),
    "precompute at 0": lambda z: dictionary(z).precompute_compress(level=0),
    "precompute for parameters": lambda z: dictionary(z).precompute_compress(
        compression_params=parameters(z)
    ),
    "precompute for both": lambda z: dictionary(z).precompute_compress(
        level=3, compression_params=parameters(z)
    ),
    "precompute a malformed one": lambda z: dictionary(z, MALFORMED).precompute_compress(3),
    "precompute without a header": lambda z: dictionary(z, PREFIX, dict_type=2).precompute_compress(
        3
    ),
}

DICTIONARY_REFUSALS: dict[str, Case] = {
    "nothing": lambda z: z.ZstdCompressionDict(),
    "k": lambda z: z.ZstdCompressionDict(b"foo", k=1),
    "three arguments": lambda z: z.ZstdCompressionDict(b"foo", 0, 1),
    "str type": lambda z: dictionary(z, dict_type="0"),
    "data with gaps": lambda z: dictionary(z, memoryview(b"foobar")[::2]),
    "k set": lambda z: setattr(dictionary(z), "k", 1),
    "argument to as_bytes": lambda z: dictionary(z).as_bytes(1),
    "argument to dict_id": lambda z: dictionary(z).dict_id(1),
    "precompute for a str": lambda z: dictionary(z).precompute_compress(level="3"),
    "precompute beyond 32 bits": lambda z: dictionary(z).precompute_compress(2**31),
    "precompute, parameters of 5": lambda z: dictionary(z).precompute_compress(
        compression_params=5
    ),
    "precompute, unknown keyword": lambda z: dictionary(z).precompute_compress(3, speed=1),
}

TRAINING: dict[str, Case] = {
    "defaults": lambda z: z.train_dictionary(512, EVENTS),
    "keywords": lambda z: z.train_dictionary(dict_size=512, samples=EVENTS, k=50, d=8),
    "all by position": lambda z: z.train_dictionary(512, EVENTS, 50, 8, 18, 0.5, 2, 0, 77, 3, 2, 0),
    "k alone": lambda z: z.train_dictionary(512, EVENTS, k=64),
    "d alone": lambda z: z.train_dictionary(512, EVENTS, d=6),
    "steps": lambda z: z.train_dictionary(512, EVENTS, steps=3),
    "steps and level": lambda z: z.train_dictionary(512, EVENTS, steps=2, level=9),
    "one thread": lambda z: z.train_dictionary(512, EVENTS, threads=1),
    "two threads": lambda z: z.train_dictionary(512, EVENTS, steps=3, threads=2),
    "threads -1": lambda z: z.train_dictionary(512, EVENTS, steps=3, threads=-1),
    "split point": lambda z: z.train_dictionary(512, EVENTS, k=64, d=8, split_point=0.5),
    "dictionary id": lambda z: z.train_dictionary(512, EVENTS, k=64, d=8, dict_id=42),
    "largest dictionary id": lambda z: z.train_dictionary(512, EVENTS, k=64, dict_id=2**32 - 1),
    "size not reached": lambda z: z.train_dictionary(8192, [b"abcdefghijkl"] * 100),
    "empty samples among others": lambda z: z.train_dictionary(512, [b"", b"", *EVENTS]),
    "no samples": lambda z: z.train_dictionary(512, []),
    "one sample": lambda z: z.train_dictionary(512, [b"abcdefghijkl"]),
    "empty samples": lambda z: z.train_dictionary(512, [b""] * 10),
    "size 0": lambda z: z.train_dictionary(0, EVENTS),
    "size 100": lambda z: z.train_dictionary(100, EVENTS),
    "d of 7": lambda z: z.train_dictionary(512, EVENTS, k=64, d=7),
    "k below d": lambda z: z.train_dictionary(512, EVENTS, k=4, d=8),
    "accel of 11": lambda z: z.train_dictionary(512, EVENTS, k=64, d=8, accel=11),
    "split point of 2": lambda z: z.train_dictionary(512, EVENTS, k=64, d=8, split_point=2.0),
    "str sample": lambda z: z.train_dictionary(512, [b"abc", "abc"]),
    "bytearray sample": lambda z: z.train_dictionary(512, [bytearray(b"abc")]),
}

TRAINING_REFUSALS: dict[str, Case] = {
    "nothing": lambda z: z.train_dictionary(),
    "no samples": lambda z: z.train_dictionary(512),
    "13 arguments": lambda z: z.train_dictionary(512, EVENTS, 50, 8, 18, 0.5, 1, 0, 7, 3, 2, 0, 0),
    "unknown keyword": lambda z: z.train_dictionary(512, EVENTS, speed=1),
    "tuple of samples": lambda z: z.train_dictionary(512, tuple(EVENTS)),
    "bytes as samples": lambda z: z.train_dictionary(512, b"abc"),
    "buffer of samples": lambda z: z.train_dictionary(512, buffer(z, *EVENTS)),
    "str size": lambda z: z.train_dictionary("512", EVENTS),
    "float k": lambda z: z.train_dictionary(512, EVENTS, k=64.0),
    "str split point": lambda z: z.train_dictionary(512, EVENTS, split_point="0.5"),
    "size beyond 63 bits": lambda z: z.train_dictionary(2**63, EVENTS),
}


@each(DICTIONARIES)
def test_dictionaries(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


@each(DICTIONARY_REFUSALS)
def test_dictionary_refusals(case: Case) -> None:
    assert raised(ours, case) == raised(theirs, case)


@each(TRAINING)
def test_training(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


@each(TRAINING_REFUSALS)
def test_training_refusals(case: Case) -> None:
    assert raised(ours, case) == raised(theirs, case)


# Compressors: their arguments, and their frames byte for byte.


def compressor(z: ModuleType, *arguments: Any, **options: Any) -> Any:
    return z.ZstdCompressor(*arguments, **options)


def with_parameters(**options: Any) -> Case:
    """A compressor with parameters and one more option."""
    return lambda z: compressor(z, compression_params=parameters(z), **options)


COMPRESSORS: dict[str, Case] = {
    "defaults": lambda z: compressor(z),
    "all by position": lambda z: compressor(z, 1, None, None, True, False, True, 0).compress(
        b"abc"
    ),
    "level 22": lambda z: compressor(z, 22),
    "level 23": lambda z: compressor(z, 23),
    "lowest level": lambda z: compressor(z, -(2**31)).compress(b"abc" * 10),
    "level 0": lambda z: compressor(z, 0).compress(EVENTS[0]),
    "flags by truth": lambda z: compressor(z, write_checksum="x", write_content_size=0).compress(
        b"a"
    ),
    "256 threads": lambda z: compressor(z, threads=256),
    "1000 threads": lambda z: compressor(z, threads=1000),
    "level and parameters": lambda z: compressor(z, 19, compression_params=parameters(z)).compress(
        EVENTS[0]
    ),
    "parameters": with_parameters(),
    "parameters and None": with_parameters(write_checksum=None, write_dict_id=None, threads=0),
    "parameters and checksum": with_parameters(write_checksum=False),
    "parameters and content size": with_parameters(write_content_size=True),
    "parameters and dictionary id": with_parameters(write_dict_id=False),
    "parameters and threads": with_parameters(threads=1),
    "parameters and threads -1": with_parameters(threads=-1),
    "parameters and all": with_parameters(
        write_checksum=True, write_content_size=True, write_dict_id=True, threads=1
    ),
    "parameters of 5": lambda z: compressor(z, compression_params=5),
    "dictionary of bytes": lambda z: compressor(z, dict_data=b"foo"),
    "dictionary and parameters wrong": lambda z: compressor(
        z, dict_data=b"foo", compression_params=5
    ),
    "level, dictionary and parameters wrong": lambda z: compressor(
        z, 23, dict_data=b"foo", compression_params=5
    ),
    "memory size": lambda z: compressor(z).memory_size() > 0,
    "keyword": lambda z: compressor(z).compress(data=b"abc"),
    "bytearray": lambda z: compressor(z).compress(bytearray(b"abc")),
    "memoryview": lambda z: compressor(z).compress(memoryview(b"abc")),
    "array of u16": lambda z: compressor(z).compress(array.array("H", b"abcd")),
    "segment": lambda z: compressor(z).compress(buffer(z, b"foo", b"bar")[1]),
    "buffer": lambda z: compressor(z).compress(buffer(z, b"foo", b"bar")),
    "str": lambda z: compressor(z).compress("abc"),
    "None": lambda z: compressor(z).compress(None),
    "int": lambda z: compressor(z).compress(5),
    "list": lambda z: compressor(z).compress([b"abc"]),
    "malformed dictionary": lambda z: compressor(z, dict_data=dictionary(z, MALFORMED)).compress(
        b"abc"
    ),
}

COMPRESSOR_REFUSALS: dict[str, Case] = {
    "unknown keyword": lambda z: compressor(z, speed=1),
    "eight arguments": lambda z: compressor(z, 1, None, None, None, None, None, 0, 0),
    "str level": lambda z: compressor(z, "3"),
    "float level": lambda z: compressor(z, 3.0),
    "None level": lambda z: compressor(z, None),
    "level beyond 32 bits": lambda z: compressor(z, 2**31),
    "str threads": lambda z: compressor(z, threads="1"),
    "float threads": lambda z: compressor(z, threads=1.5),
    "threads beyond 32 bits": lambda z: compressor(z, threads=2**31),
    "nothing": lambda z: compressor(z).compress(),
    "two arguments": lambda z: compressor(z).compress(b"a", b"b"),
    "data with gaps": lambda z: compressor(z).compress(memoryview(b"abcdef")[::2]),
    "collection": lambda z: compressor(z).compress(collection(z, [b"foo"])),
}

OPTIONS: dict[str, Callable[[ModuleType], dict[str, Any]]] = {
    **{f"level {level}": lambda z, level=level: {"level": level} for level in range(-7, 23)},
    "level -131072": lambda z: {"level": -131_072},
    "checksum": lambda z: {"write_checksum": True},
    "no checksum": lambda z: {"write_checksum": False},
    "no content size": lambda z: {"write_content_size": False},
    "no content size, checksum": lambda z: {"write_content_size": False, "write_checksum": True},
    "one thread": lambda z: {"threads": 1},
    "two threads": lambda z: {"threads": 2},
    "dictionary": lambda z: {"dict_data": dictionary(z)},
    "dictionary, level 1": lambda z: {"dict_data": dictionary(z), "level": 1},
    "dictionary, level 9": lambda z: {"dict_data": dictionary(z), "level": 9},
    "dictionary, level 19": lambda z: {"dict_data": dictionary(z), "level": 19},
    "dictionary, level -3": lambda z: {"dict_data": dictionary(z), "level": -3},
    "dictionary, id": lambda z: {"dict_data": dictionary(z), "write_dict_id": True},
    "dictionary, no id": lambda z: {"dict_data": dictionary(z), "write_dict_id": False},
    "dictionary, checksum": lambda z: {"dict_data": dictionary(z), "write_checksum": True},
    "dictionary as raw content": lambda z: {"dict_data": dictionary(z, dict_type=1)},
    "dictionary as full": lambda z: {"dict_data": dictionary(z, dict_type=2)},
    "prefix": lambda z: {"dict_data": dictionary(z, PREFIX)},
    "empty dictionary": lambda z: {"dict_data": dictionary(z, b"")},
    "precomputed": lambda z: {"dict_data": precomputed(z, 3)},
    "precomputed at another level": lambda z: {"dict_data": precomputed(z, 19), "level": 1},
    "precomputed for parameters": lambda z: {
        "dict_data": precomputed(z, compression_params=from_level(z, 7))
    },
    "parameters": lambda z: {"compression_params": parameters(z)},
    "parameters, level 9": lambda z: {"compression_params": parameters(z, compression_level=9)},
    "parameters from level 9": lambda z: {"compression_params": from_level(z, 9)},
    "parameters from level -4": lambda z: {"compression_params": from_level(z, -4)},
    "parameters for a source size": lambda z: {
        "compression_params": from_level(z, 19, source_size=1000)
    },
    "parameters, window": lambda z: {"compression_params": parameters(z, window_log=12)},
    "parameters, flags": lambda z: {
        "compression_params": parameters(z, write_checksum=1, write_content_size=0)
    },
    "parameters, all tables": lambda z: {
        "compression_params": parameters(
            z,
            window_log=15,
            hash_log=12,
            chain_log=13,
            search_log=4,
            min_match=4,
            target_length=64,
            strategy=z.STRATEGY_BTOPT,
        )
    },
    **{
        f"parameters, strategy {strategy}": lambda z, strategy=strategy: {
            "compression_params": parameters(z, strategy=strategy)
        }
        for strategy in range(1, 10)
    },
    "parameters, long distance": lambda z: {
        "compression_params": parameters(
            z,
            enable_ldm=1,
            ldm_hash_log=16,
            ldm_min_match=32,
            ldm_bucket_size_log=2,
            ldm_hash_rate_log=3,
        )
    },
    "parameters, largest window": lambda z: {
        "compression_params": parameters(z, force_max_window=1, window_log=18)
    },
    "parameters, threads": lambda z: {
        "compression_params": parameters(z, threads=2, job_size=524_288, overlap_log=3)
    },
    "parameters, magicless": lambda z: {
        "compression_params": parameters(z, format=z.FORMAT_ZSTD1_MAGICLESS)
    },
    "parameters, dictionary": lambda z: {
        "compression_params": parameters(z),
        "dict_data": dictionary(z),
    },
    "parameters, dictionary, id": lambda z: {
        "compression_params": from_level(z, 5, write_dict_id=1),
        "dict_data": dictionary(z),
    },
}
WITH_MAGIC = [
    pytest.param(made, id=name) for name, made in OPTIONS.items() if "magicless" not in name
]
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())


@each(COMPRESSORS)
def test_compressors(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


@each(COMPRESSOR_REFUSALS)
def test_compressor_refusals(case: Case) -> None:
    assert raised(ours, case) == raised(theirs, case)


@every_option
def test_frames(options: Callable[[ModuleType], dict[str, Any]]) -> None:
    def case(z: ModuleType) -> list[bytes]:
        made = compressor(z, **options(z))
        return [made.compress(item) for item in ITEMS]

    assert outcome(ours, case) == outcome(theirs, case)


@every_option
@pytest.mark.parametrize("threads", [0, 2])
def test_frames_of_a_batch(options: Callable[[ModuleType], dict[str, Any]], threads: int) -> None:
    def case(z: ModuleType) -> Any:
        return compressor(z, **options(z)).multi_compress_to_buffer(ITEMS, threads)

    assert outcome(ours, case) == outcome(theirs, case)


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_frames_of_several_jobs(threads: int) -> None:
    """An item that is large enough for more than one job of libzstd's own threads."""

    def case(z: ModuleType) -> Any:
        made = compressor(z, 1, threads=threads)
        return made.compress(LETTERS), made.multi_compress_to_buffer([b"foo", LETTERS])

    assert outcome(ours, case) == outcome(theirs, case)


def test_a_compressor_is_used_again() -> None:
    def case(z: ModuleType) -> Any:
        made = compressor(z, 9, dict_data=dictionary(z))
        return [made.compress(EVENTS[0]), made.multi_compress_to_buffer(ITEMS), made.compress(b"a")]

    assert outcome(ours, case) == outcome(theirs, case)


# Batches to compress.


def compress_batch(
    data: Callable[[ModuleType], Any] | list[Any], *arguments: Any, **named: Any
) -> Case:
    """`multi_compress_to_buffer` of the data, or of what the function makes of the module."""
    return lambda z: compressor(z).multi_compress_to_buffer(
        data(z) if callable(data) else data, *arguments, **named
    )


COMPRESS_BATCHES: dict[str, Case] = {
    "list": compress_batch([b"foo", b"bar"]),
    "keywords": lambda z: compressor(z).multi_compress_to_buffer(data=[b"foo"], threads=1),
    "list of one": compress_batch([b"foo"]),
    "list subclass": compress_batch(type("Child", (list,), {})([b"foo"])),
    "buffer": compress_batch(lambda z: buffer(z, b"foo", b"", b"bar")),
    "scattered buffer": compress_batch(
        lambda z: z.BufferWithSegments(b"foobar", pairs((1, 2), (0, 6), (5, 0), (0, 6)))
    ),
    "collection": compress_batch(lambda z: collection(z, [b"foo", b"bar"], [b"x"])),
    "collection, two threads": compress_batch(
        lambda z: collection(z, [b"foo", b"bar"], [b"x"]), threads=2
    ),
    "items of many types": compress_batch(
        lambda z: [
            bytearray(b"a"),
            memoryview(b"bcd"),
            array.array("H", b"ef"),
            buffer(z, b"foo", b"bar")[1],
            buffer(z, b"foo", b"bar"),
            mapped(b"mapped"),
        ]
    ),
    "empty item first": compress_batch([b"", b"foo"]),
    "empty item last": compress_batch([b"foo", b""]),
    "empty item between, two threads": compress_batch([b"foo", b"", b"bar"], threads=2),
    "1000 items": compress_batch([b"%d" % number for number in range(1000)]),
    "1000 items, two threads": compress_batch(
        [b"%d" % number for number in range(1000)], threads=2
    ),
    "item type": lambda z: type(compress_batch([b"foo"])(z)[0]).__name__,
    "item is read-only": lambda z: view(compress_batch([b"foo"])(z)[0]),
    "items outlive": lambda z: outlives(lambda: compress_batch([b"foo", b"bar"])(z)[1]),
    "no items": compress_batch([]),
    "no segments": compress_batch(lambda z: buffer(z)),
    "empty item alone": compress_batch([b""]),
    "empty items alone": compress_batch([b"", b""], threads=2),
    "empty segment alone": compress_batch(lambda z: buffer(z, b"")),
    "tuple": compress_batch((b"foo",)),
    "bytes": compress_batch(b"foo"),
    "str": compress_batch("foo"),
    "None": compress_batch(None),
    "dict": compress_batch({b"foo": 1}),
    "iterator": compress_batch(iter([b"foo"])),
    "segment": compress_batch(lambda z: buffer(z, b"foo")[0]),
    "segments": compress_batch(lambda z: buffer(z, b"foo").segments()),
    "None among items": compress_batch([b"foo", None, 5]),
    "int among items": compress_batch([5, b"foo"]),
    "str among items": compress_batch([b"foo", b"bar", "baz"]),
    "list among items": compress_batch([[b"foo"]]),
    "collection among items": compress_batch(lambda z: [collection(z, [b"foo"])]),
    "item with gaps": compress_batch([b"foo", memoryview(b"abcdef")[::2]]),
}

COMPRESS_BATCH_REFUSALS: dict[str, Case] = {
    "nothing": lambda z: compressor(z).multi_compress_to_buffer(),
    "three arguments": compress_batch([b"foo"], 1, 2),
    "unknown keyword": compress_batch([b"foo"], speed=1),
    "str threads": compress_batch([b"foo"], "1"),
    "None threads": compress_batch([b"foo"], None),
    "float threads": compress_batch([b"foo"], 1.5),
    "threads beyond 32 bits": compress_batch([b"foo"], 2**31),
}

THREADS = [-(2**31), -5, -1, 0, 1, 2, 3, 1000, 2**31 - 1, True]


@each(COMPRESS_BATCHES)
def test_batches_to_compress(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


@each(COMPRESS_BATCH_REFUSALS)
def test_refusals_of_a_batch_to_compress(case: Case) -> None:
    assert raised(ours, case) == raised(theirs, case)


@pytest.mark.parametrize("threads", THREADS)
def test_threads_of_a_batch_to_compress(threads: int) -> None:
    case = compress_batch([b"foo", b"bar", b"baz"], threads)
    assert outcome(ours, case) == outcome(theirs, case)


# Decompressors.


def decompressor(z: ModuleType, *arguments: Any, **options: Any) -> Any:
    return z.ZstdDecompressor(*arguments, **options)


def decompress(data: Any, *arguments: Any, **named: Any) -> Case:
    return lambda z: decompressor(z).decompress(data, *arguments, **named)


def keyed(data: bytes, key: bytes, **options: Any) -> Case:
    """`decompress` with a dictionary."""
    return lambda z: decompressor(z, dict_data=dictionary(z, key), **options).decompress(data)


DECOMPRESSORS: dict[str, Case] = {
    "defaults": lambda z: decompressor(z),
    "all by position": lambda z: decompressor(z, None, 0, 0),
    "smallest window": lambda z: decompressor(z, max_window_size=1024),
    "largest window": lambda z: decompressor(z, max_window_size=2**31),
    "window of 1023": lambda z: decompressor(z, max_window_size=1023),
    "window of -1": lambda z: decompressor(z, max_window_size=-1),
    "window of 2**31 + 1": lambda z: decompressor(z, max_window_size=2**31 + 1),
    "magicless": lambda z: decompressor(z, format=1),
    "format 2": lambda z: decompressor(z, format=2),
    "format -1": lambda z: decompressor(z, format=-1),
    "dictionary of bytes": lambda z: decompressor(z, dict_data=b"foo"),
    "malformed dictionary": lambda z: decompressor(z, dictionary(z, MALFORMED)),
    "memory size": lambda z: decompressor(z).memory_size() > 0,
}

DECOMPRESSOR_REFUSALS: dict[str, Case] = {
    "four arguments": lambda z: decompressor(z, None, 0, 0, 0),
    "unknown keyword": lambda z: decompressor(z, speed=1),
    "str window": lambda z: decompressor(z, max_window_size="1024"),
    "window beyond 63 bits": lambda z: decompressor(z, max_window_size=2**64),
    "str format": lambda z: decompressor(z, format="0"),
    "nothing": lambda z: decompressor(z).decompress(),
    "five arguments": decompress(FOO, 0, False, True, 1),
    "unknown keyword to decompress": decompress(FOO, speed=1),
    "str output size": decompress(FOO, max_output_size="1"),
    "output size beyond 63 bits": decompress(FOO, max_output_size=2**63),
    "data with gaps": decompress(memoryview(FOO + FOO)[::2]),
}

DECOMPRESS: dict[str, Case] = {
    "frame": decompress(FOO),
    "all by position": decompress(FOO, 0, False, True),
    "keywords": lambda z: decompressor(z).decompress(
        data=FOO, max_output_size=0, read_across_frames=False, allow_extra_data=True
    ),
    "empty content": decompress(EMPTY),
    "checksum": decompress(SUMMED),
    "bytearray": decompress(bytearray(FOO)),
    "memoryview": decompress(memoryview(FOO)),
    "segment": lambda z: decompressor(z).decompress(buffer(z, FOO, BAR)[1]),
    "str": decompress("foo"),
    "None": decompress(None),
    "list": decompress([FOO]),
    "nothing in": decompress(b""),
    "nothing in, output size": decompress(b"", max_output_size=10),
    "one byte": decompress(b"a"),
    "no frame": decompress(JUNK),
    "no frame, output size": decompress(JUNK, max_output_size=10),
    "cut in the magic": decompress(FOO[:3]),
    "cut in the header": decompress(FOO[:5]),
    "cut behind the header": decompress(FOO[:6]),
    "cut in a raw block": decompress(FOO[:-1]),
    "cut in a compressed block": decompress(TEXT[:-1]),
    "cut in the checksum": decompress(SUMMED[:-1]),
    "cut in front of the checksum": decompress(SUMMED[:-4]),
    "wrong checksum": decompress(BAD_SUM),
    "bad block": decompress(TEXT[:9] + b"\xff\xff" + TEXT[11:]),
    "reserved block type": decompress(FOO[:6] + b"\x1f" + FOO[7:]),
    "reserved header bit": decompress(FOO[:4] + bytes([FOO[4] | 8]) + FOO[5:]),
    "claim too small": decompress(claiming(2999, TEXT)),
    "claim too large": decompress(claiming(3001, TEXT)),
    "claim beyond the platform": decompress(claiming(2**64 - 3, TEXT)),
    "unknown size": decompress(UNSIZED),
    "unknown size, empty": decompress(frame(b"", write_content_size=False)),
    "unknown size, exact": decompress(UNSIZED, max_output_size=3),
    "unknown size, ample": decompress(UNSIZED, max_output_size=100),
    "unknown size, short": decompress(UNSIZED, max_output_size=2),
    "unknown size, text short": decompress(UNSIZED_TEXT, max_output_size=2000),
    "unknown size, text ample": decompress(UNSIZED_TEXT, max_output_size=4000),
    "unknown size, empty with room": decompress(
        frame(b"", write_content_size=False), max_output_size=10
    ),
    "unknown size, cut": decompress(UNSIZED_TEXT[:-1], max_output_size=4000),
    "known size, short": decompress(FOO, max_output_size=2),
    "known size, ample": decompress(FOO, max_output_size=100),
    "known size, negative": decompress(FOO, max_output_size=-1),
    "extra bytes": decompress(FOO + b"x"),
    "extra frame": decompress(FOO + BAR),
    "extra frame, unknown size": decompress(UNSIZED + BAR, max_output_size=100),
    "extra byte refused": decompress(FOO + b"x", allow_extra_data=False),
    "extra frame refused": decompress(FOO + BAR, allow_extra_data=False),
    "extra skippable frame refused": decompress(FOO + SKIPPABLE, allow_extra_data=False),
    "extra byte refused, unknown size": decompress(
        UNSIZED + b"x", max_output_size=3, allow_extra_data=False
    ),
    "no extra bytes": decompress(FOO, allow_extra_data=False),
    "no extra bytes, unknown size": decompress(UNSIZED, 100, allow_extra_data=False),
    "across frames": decompress(FOO + BAR, read_across_frames=True),
    "across one frame": decompress(FOO, read_across_frames=True),
    "magicless": lambda z: decompressor(z, format=1).decompress(MAGICLESS),
    "magicless, with magic": lambda z: decompressor(z, format=1).decompress(FOO),
    "magic expected": decompress(MAGICLESS),
    "window over the limit": lambda z: decompressor(z, max_window_size=1024).decompress(
        UNSIZED_TEXT, max_output_size=4000
    ),
    "window within the limit": lambda z: decompressor(z, max_window_size=4096).decompress(
        UNSIZED_TEXT, max_output_size=4000
    ),
    "window over the default limit": decompress(with_window(0xA0, UNSIZED), max_output_size=10),
    "window of 1 GiB allowed": lambda z: decompressor(z, max_window_size=2**31).decompress(
        with_window(0xA0, UNSIZED), max_output_size=10
    ),
    "window beyond the format": decompress(with_window(0xF8, UNSIZED), max_output_size=10),
    "dictionary": keyed(KEYED, DICTIONARY),
    "dictionary, no id in the frame": keyed(KEYED_NO_ID, DICTIONARY),
    "dictionary not needed": keyed(FOO, DICTIONARY),
    "prefix": keyed(PREFIXED, PREFIX),
    "empty dictionary": keyed(FOO, b""),
    "dictionary missing": decompress(KEYED),
    "dictionary of another id": keyed(KEYED, OTHER_DICTIONARY),
    "prefix instead of a dictionary": keyed(KEYED, PREFIX),
    "dictionary missing, no id": decompress(KEYED_NO_ID),
    "wrong dictionary, no id": keyed(KEYED_NO_ID, OTHER_DICTIONARY),
    "malformed dictionary": keyed(FOO, MALFORMED),
    "after an error": lambda z: after_an_error(z).decompress(FOO),
}


def after_an_error(z: ModuleType) -> Any:
    """A decompressor that has failed once at either kind of work."""
    made = decompressor(z)
    with pytest.raises(z.ZstdError):
        made.decompress(BAD_SUM)
    with pytest.raises(z.ZstdError):
        made.multi_decompress_to_buffer([FOO, BAD_SUM])
    return made


@each(DECOMPRESSORS)
def test_decompressors(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


@each(DECOMPRESSOR_REFUSALS)
def test_decompressor_refusals(case: Case) -> None:
    assert raised(ours, case) == raised(theirs, case)


@each(DECOMPRESS)
def test_decompress(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


# Batches to decompress.


def decompress_batch(
    frames: Callable[[ModuleType], Any] | list[Any], *arguments: Any, **named: Any
) -> Case:
    """`multi_decompress_to_buffer` of the frames, or of what the function makes of the module."""
    return lambda z: decompressor(z).multi_decompress_to_buffer(
        frames(z) if callable(frames) else frames, *arguments, **named
    )


def keyed_batch(frames: list[bytes], key: bytes, **named: Any) -> Case:
    """`multi_decompress_to_buffer` with a dictionary."""
    return lambda z: decompressor(z, dict_data=dictionary(z, key)).multi_decompress_to_buffer(
        frames, **named
    )


KEYED_EVENTS = [
    theirs.ZstdCompressor(dict_data=theirs.ZstdCompressionDict(DICTIONARY)).compress(item)
    for item in EVENTS[:30]
]

DECOMPRESS_BATCHES: dict[str, Case] = {
    "list": decompress_batch([FOO, BAR]),
    "keywords": lambda z: decompressor(z).multi_decompress_to_buffer(
        frames=[FOO], decompressed_sizes=sizes(3), threads=1
    ),
    "list subclass": decompress_batch(type("Child", (list,), {})([FOO])),
    "buffer": decompress_batch(lambda z: buffer(z, FOO, BAR)),
    "scattered buffer": decompress_batch(
        lambda z: z.BufferWithSegments(FOO + BAR, pairs((12, 13), (0, 12), (0, 12)))
    ),
    "collection": decompress_batch(lambda z: collection(z, [FOO, BAR], [TEXT])),
    "collection, two threads": decompress_batch(
        lambda z: collection(z, [FOO, BAR], [TEXT]), threads=2
    ),
    "compressed batch": lambda z: decompress_batch(compress_batch(ITEMS)(z))(z),
    "items of many types": decompress_batch(
        lambda z: [
            bytearray(FOO),
            memoryview(FOO),
            array.array("B", FOO),
            buffer(z, FOO, BAR)[1],
            buffer(z, BAR),
            mapped(FOO),
        ]
    ),
    "checksums": decompress_batch([SUMMED, FOO, SUMMED]),
    "empty content between": decompress_batch([FOO, EMPTY, BAR]),
    "empty content first": decompress_batch([EMPTY, FOO]),
    "empty content last": decompress_batch([FOO, EMPTY]),
    "1000 items": decompress_batch([FOO, BAR] * 500),
    "1000 items, two threads": decompress_batch([FOO, BAR] * 500, threads=2),
    "large items": decompress_batch([frame(NOISE), FOO, frame(LETTERS[:500_000])], threads=2),
    "item type": lambda z: type(decompress_batch([FOO])(z)[0]).__name__,
    "item is read-only": lambda z: view(decompress_batch([FOO])(z)[0]),
    "items outlive": lambda z: outlives(lambda: decompress_batch([FOO, BAR])(z)[1]),
    "sizes": decompress_batch([FOO, BAR], sizes(3, 4)),
    "sizes, two threads": decompress_batch([FOO, BAR], sizes(3, 4), 2),
    "sizes of a buffer": decompress_batch(lambda z: buffer(z, FOO, BAR), sizes(3, 4)),
    "sizes as an array": decompress_batch([FOO, BAR], array.array("Q", [3, 4])),
    "sizes as halves": decompress_batch([FOO], array.array("I", struct.pack("=Q", 3))),
    "size 0 is read from the header": decompress_batch([FOO, BAR], sizes(0, 4)),
    "sizes 0 are read from the headers": decompress_batch([FOO, BAR], sizes(0, 0)),
    "size 0 of empty content": decompress_batch([FOO, EMPTY], sizes(3, 0)),
    "sizes of unknown sizes": decompress_batch([FOO, UNSIZED, UNSIZED_TEXT], sizes(3, 3, 3000)),
    "size 0 of an unknown size": decompress_batch([FOO, UNSIZED], sizes(3, 0)),
    "size too small": decompress_batch([BAR, FOO], sizes(4, 2)),
    "size too small for text": decompress_batch([FOO, TEXT], sizes(3, 2000)),
    "size too small for an unknown size": decompress_batch([FOO, UNSIZED], sizes(3, 2)),
    "size too small for noise": decompress_batch([frame(NOISE)], sizes(200_000)),
    "size too large": decompress_batch([BAR, FOO], sizes(4, 5)),
    "size too large for text": decompress_batch([FOO, TEXT], sizes(3, 4000)),
    "size too large for an unknown size": decompress_batch([FOO, UNSIZED], sizes(3, 4)),
    "size too large for empty content": decompress_batch([FOO, EMPTY], sizes(3, 5)),
    "size too large for a buffer": decompress_batch(lambda z: buffer(z, FOO, BAR), sizes(3, 5)),
    "too few sizes": decompress_batch([FOO, BAR], sizes(3)),
    "too many sizes": decompress_batch([FOO, BAR], sizes(3, 4, 5)),
    "no sizes": decompress_batch([FOO, BAR], b""),
    "sizes of 9 bytes": decompress_batch([FOO, BAR], sizes(3) + b"\x04"),
    "too few sizes for a buffer": decompress_batch(lambda z: buffer(z, FOO, BAR), sizes(3)),
    "too few sizes for a collection": decompress_batch(
        lambda z: collection(z, [FOO, BAR], [TEXT]), sizes(3, 4)
    ),
    "sizes for no items": decompress_batch([], sizes(3)),
    "sizes are counted before items are looked at": decompress_batch([5], b"zz"),
    "frames are looked at before sizes": decompress_batch(5, b"zz"),
    "str sizes": decompress_batch([FOO], "abc"),
    "list of sizes": decompress_batch([FOO], [3]),
    "int sizes": decompress_batch([FOO], 3),
    "tuple": decompress_batch((FOO,)),
    "bytes": decompress_batch(FOO),
    "str": decompress_batch("foo"),
    "None": decompress_batch(None),
    "segment": decompress_batch(lambda z: buffer(z, FOO)[0]),
    "None among items": decompress_batch([FOO, None, 5]),
    "int among items": decompress_batch([5, FOO]),
    "str among items": decompress_batch([FOO, "foo"]),
    "collection among items": decompress_batch(lambda z: [collection(z, [FOO])]),
    "item with gaps": decompress_batch([FOO, memoryview(FOO + FOO)[::2]]),
    "wrong type behind a corrupt item": decompress_batch([FOO, JUNK, None]),
    "unknown size": decompress_batch([UNSIZED]),
    "unknown size behind a known one": decompress_batch([FOO, UNSIZED]),
    "unknown size in a collection": decompress_batch(
        lambda z: collection(z, [FOO], [BAR, UNSIZED])
    ),
    "unknown size of empty content": decompress_batch([FOO, frame(b"", write_content_size=False)]),
    "no frame": decompress_batch([FOO, JUNK]),
    "no frame, sizes": decompress_batch([FOO, JUNK], sizes(3, 10)),
    "no frame, sizes, two threads": decompress_batch([FOO, JUNK], sizes(3, 10), threads=2),
    "empty item": decompress_batch([FOO, b""]),
    "empty item, size 0": decompress_batch([FOO, b""], sizes(3, 0)),
    "empty item, size 3": decompress_batch([FOO, b""], sizes(3, 3)),
    "cut in the header": decompress_batch([FOO, FOO[:5]]),
    "cut behind the header": decompress_batch([FOO, FOO[:6]]),
    "cut in a raw block": decompress_batch([FOO, BAR[:-1]]),
    "cut in a compressed block": decompress_batch([FOO, TEXT[:-1]]),
    "cut in the second block": decompress_batch([FOO, frame(NOISE)[:200_000]]),
    "cut in the checksum": decompress_batch([FOO, SUMMED[:-1]]),
    "cut empty content": decompress_batch([FOO, EMPTY[:-1]]),
    "wrong checksum": decompress_batch([FOO, BAD_SUM]),
    "wrong checksum, two threads": decompress_batch([FOO, BAD_SUM], threads=2),
    "bad block": decompress_batch([FOO, TEXT[:9] + b"\xff\xff" + TEXT[11:]]),
    "reserved header bit": decompress_batch([FOO, FOO[:4] + bytes([FOO[4] | 8]) + FOO[5:]]),
    "claim too small": decompress_batch([FOO, claiming(2999, TEXT)]),
    "claim too large": decompress_batch([FOO, claiming(3001, TEXT)]),
    "claim of 0": decompress_batch([FOO, FOO[:5] + b"\x00" + FOO[6:]]),
    "claim and size differ": decompress_batch([FOO, claiming(3001, TEXT)], sizes(3, 3000)),
    "first of several corrupt items": decompress_batch([FOO, TEXT[:-1], BAD_SUM, FOO]),
    "first corrupt item of several threads": decompress_batch(
        [FOO, FOO, TEXT[:-1], FOO, FOO, BAD_SUM, BAD_SUM], threads=3
    ),
    "window over the default limit": decompress_batch([with_window(0xA0, UNSIZED)], sizes(3)),
    "window at the default limit": decompress_batch([with_window(0x88, UNSIZED)], sizes(3)),
    "window beyond the format": decompress_batch([with_window(0xF8, UNSIZED)], sizes(3)),
    "magic expected": decompress_batch([FOO, MAGICLESS]),
    "magic expected, sizes": decompress_batch([FOO, MAGICLESS], sizes(3, 3)),
    "dictionary": keyed_batch(KEYED_EVENTS, DICTIONARY),
    "dictionary, two threads": keyed_batch(KEYED_EVENTS, DICTIONARY, threads=2),
    "dictionary, sizes": keyed_batch(
        KEYED_EVENTS, DICTIONARY, decompressed_sizes=sizes(*map(len, EVENTS[:30]))
    ),
    "dictionary for some": keyed_batch([KEYED, FOO, KEYED_NO_ID], DICTIONARY),
    "prefix": keyed_batch([FOO, PREFIXED], PREFIX),
    "empty dictionary": keyed_batch([FOO], b""),
    "dictionary missing": decompress_batch([FOO, KEYED]),
    "dictionary of another id": keyed_batch([FOO, KEYED], OTHER_DICTIONARY),
    "prefix instead of a dictionary": keyed_batch([FOO, KEYED], PREFIX),
    "dictionary missing, no id": decompress_batch([FOO, KEYED_NO_ID]),
    "prefix missing": decompress_batch([FOO, PREFIXED]),
    "malformed dictionary": keyed_batch([FOO], MALFORMED),
    "after an error": lambda z: after_an_error(z).multi_decompress_to_buffer([FOO, BAR]),
}

DECOMPRESS_BATCH_REFUSALS: dict[str, Case] = {
    "nothing": lambda z: decompressor(z).multi_decompress_to_buffer(),
    "four arguments": decompress_batch([FOO], sizes(3), 1, 2),
    "unknown keyword": decompress_batch([FOO], speed=1),
    "str threads": decompress_batch([FOO], threads="1"),
    "None threads": decompress_batch([FOO], threads=None),
    "threads beyond 32 bits": decompress_batch([FOO], threads=2**31),
    "sizes with gaps": decompress_batch([FOO], memoryview(bytes(16))[::2]),
}


@each(DECOMPRESS_BATCHES)
def test_batches_to_decompress(case: Case) -> None:
    assert outcome(ours, case) == outcome(theirs, case)


@each(DECOMPRESS_BATCH_REFUSALS)
def test_refusals_of_a_batch_to_decompress(case: Case) -> None:
    assert raised(ours, case) == raised(theirs, case)


@pytest.mark.parametrize("threads", THREADS)
def test_threads_of_a_batch_to_decompress(threads: int) -> None:
    case = decompress_batch([FOO, TEXT, BAR], threads=threads)
    assert outcome(ours, case) == outcome(theirs, case)


@pytest.mark.parametrize("options", WITH_MAGIC)
@pytest.mark.parametrize("threads", [0, 2])
def test_each_side_reads_the_frames_of_the_other(
    options: Callable[[ModuleType], dict[str, Any]], threads: int
) -> None:
    """Without the empty item, which is more than their threads can take."""
    items = [item for item in ITEMS if item]
    lengths = sizes(*map(len, items))
    for writer, reader in [(ours, theirs), (theirs, ours)]:
        frames = compressor(writer, **options(writer)).multi_compress_to_buffer(items, threads)
        made = decompressor(reader, dict_data=options(reader).get("dict_data"))
        values = made.multi_decompress_to_buffer([*map(bytes, frames)], lengths, threads)
        assert [bytes(value) for value in values] == items


# Where python-zstandard crashes, is wrong or loses data: what `zstd_arrow.zstandard` does instead.


def values(batch: Any) -> list[bytes]:
    assert len(batch) == len(list(batch))
    return [bytes(value) for value in batch]


def decompress_all(frames: Any, *arguments: Any, **named: Any) -> list[bytes]:
    return values(ours.ZstdDecompressor().multi_decompress_to_buffer(frames, *arguments, **named))


def status(code: str) -> int:
    """The exit status of a Python process: 0, 1 after an exception, negative after a crash."""
    program = f"import zstd_arrow.zstandard as z\n{textwrap.dedent(code)}"
    return subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True
    ).returncode


def refuses(match: str) -> Any:
    """One of the two exceptions for bad data, with these words in the message."""
    return pytest.raises((ours.ZstdError, ValueError), match=match)


every_thread_count = pytest.mark.parametrize("threads", [0, 1, 2, 3, -1])


# They show what is written to the bytearray later, to their own threads too.
@pytest.mark.parametrize("view", [lambda data: data, memoryview], ids=["bytearray", "view"])
def test_difference_writable_buffer_is_copied(view: Callable[[bytearray], Any]) -> None:
    data = bytearray(b"foobar")
    made = ours.BufferWithSegments(view(data), pairs((3, 3)))
    data[3:] = b"xyz"
    assert (made.tobytes(), values(made)) == (b"foobar", [b"bar"])


# They read memory in front of the buffer, or refuse the item only when it is asked for.
@pytest.mark.parametrize(
    "segment", [(2**64 - 1, 2), (8, 2**64 - 8), (2**63, 2**63), (1, 2**64 - 1)], ids=str
)
def test_difference_segments_that_wrap_around(segment: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="references memory outside buffer"):
        ours.BufferWithSegments(b"foo", pairs(segment))


# They kill the process: a division by zero.
@every_thread_count
@pytest.mark.parametrize("source", [list, lambda: buffer(ours)], ids=["list", "buffer"])
def test_difference_empty_batch_to_decompress(source: Callable[[], Any], threads: int) -> None:
    batch = ours.ZstdDecompressor().multi_decompress_to_buffer(source(), threads=threads)
    assert (len(batch), batch.size(), list(batch)) == (0, 0, [])


# They kill the process: memory freed twice.
@every_thread_count
@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("given", [{}, {"decompressed_sizes": 0}], ids=["headers", "sizes"])
def test_difference_batch_of_empty_contents(
    given: dict[str, int], length: int, threads: int
) -> None:
    named = {name: sizes(*[size] * length) for name, size in given.items()}
    assert decompress_all([EMPTY] * length, threads=threads, **named) == [b""] * length


# They raise MemoryError or kill the process, with two threads or more.
@every_thread_count
@pytest.mark.parametrize(
    "lengths", [(9, 0), (0, 9), (9, 0, 0), (0, 0, 9, 0, 0), (9, 9, 0)], ids=str
)
def test_difference_empty_contents_at_the_ends(lengths: tuple[int, ...], threads: int) -> None:
    items = [bytes(length) for length in lengths]
    assert decompress_all([frame(item) for item in items], threads=threads) == items


# They leave out the empty items at the end, with two threads or more, and say nothing.
@every_thread_count
@pytest.mark.parametrize("lengths", [(9, 0), (9, 0, 0), (0, 9, 0), (9, 9, 0)], ids=str)
def test_difference_empty_items_at_the_end_are_kept(lengths: tuple[int, ...], threads: int) -> None:
    items = [bytes(length) for length in lengths]
    batch = ours.ZstdCompressor().multi_compress_to_buffer(items, threads=threads)
    assert values(batch) == [frame(item) for item in items]


# They return the first frame's content, that of an empty or skippable one too; the rest is lost.
@every_thread_count
@pytest.mark.parametrize(
    ("item", "content"),
    [
        (FOO + BAR, b"foobar!"),
        (FOO + UNSIZED + TEXT, b"foofoo" + b"abc" * 1000),
        (EMPTY + FOO, b"foo"),
        (FOO + EMPTY, b"foo"),
        (SKIPPABLE + FOO, b"foo"),
        (FOO + SKIPPABLE + BAR, b"foobar!"),
    ],
    ids=["two", "three", "empty first", "empty last", "skippable first", "skippable between"],
)
def test_difference_several_frames_in_one_item(item: bytes, content: bytes, threads: int) -> None:
    assert decompress_all([BAR, item, BAR], threads=threads) == [b"bar!", content, b"bar!"]
    given = sizes(4, len(content), 4)
    assert decompress_all([BAR, item, BAR], given, threads=threads) == [b"bar!", content, b"bar!"]


# They return the first frame's content, which fits the given size, and drop the rest.
def test_difference_size_of_the_first_frame_alone() -> None:
    with refuses("item 1"):
        decompress_all([BAR, FOO + BAR], sizes(4, 3))


# They return the content, whatever follows it.
@pytest.mark.parametrize(
    "rest", [b"x", JUNK, TEXT[:-1], BAR[:5]], ids=["byte", "junk", "cut", "header"]
)
def test_difference_trailing_bytes_of_an_item(rest: bytes) -> None:
    with refuses("item 1"):
        decompress_all([BAR, FOO + rest])


# They refuse any sizes: "decompressed_sizes size mismatch; expected 24; got 24".
@every_thread_count
def test_difference_sizes_with_a_collection(threads: int) -> None:
    frames = collection(ours, [FOO, UNSIZED], [UNSIZED_TEXT])
    content = [b"foo", b"foo", b"abc" * 1000]
    assert decompress_all(frames, sizes(3, 3, 3000), threads=threads) == content
    assert decompress_all(frames, sizes(0, 3, 3000), threads=threads) == content


# They refuse any sizes, so they never come to the item whose size is wrong.
def test_difference_wrong_size_with_a_collection() -> None:
    with refuses("item 2"):
        decompress_all(collection(ours, [FOO, BAR], [TEXT]), sizes(3, 4, 3001))


# They document None as the default, and refuse it: "a bytes-like object is required".
def test_difference_sizes_of_none() -> None:
    assert decompress_all([FOO, BAR], None) == [b"foo", b"bar!"]
    assert decompress_all([FOO, BAR], decompressed_sizes=None) == [b"foo", b"bar!"]


# They say "must pass at least 1 argument".
@pytest.mark.parametrize("arguments", [[], [sizes(3)]], ids=["headers", "sizes"])
def test_difference_item_without_a_byte_alone(arguments: list[bytes]) -> None:
    with refuses("item 0"):
        decompress_all([b""], *arguments)


# They write behind their buffer, or free it twice: the sum of the sizes wraps around.
@pytest.mark.parametrize(
    "claims", [(3000, 2**64 - 3000), (2**63, 2**63 + 10), (2**64 - 3, 3000)], ids=str
)
def test_difference_claims_whose_sum_wraps_around(claims: tuple[int, int]) -> None:
    with refuses("item"):
        decompress_all([claiming(claim, TEXT) for claim in claims])
    with refuses("item"):
        decompress_all([TEXT, TEXT], sizes(*claims))


# They take the memory that the header claims: MemoryError, where they do not get it.
@pytest.mark.parametrize("claim", [2**40, 2**62])
def test_difference_claim_that_the_blocks_cannot_hold(claim: int) -> None:
    with refuses("item 1"):
        decompress_all([FOO, claiming(claim, TEXT)])
    with pytest.raises(ours.ZstdError):
        ours.ZstdDecompressor().decompress(claiming(claim, TEXT))


# They kill the process: memory freed twice.
@every_thread_count
def test_difference_malformed_dictionary(threads: int) -> None:
    made = compressor(ours, dict_data=dictionary(ours, MALFORMED))
    with pytest.raises(ours.ZstdError):
        made.multi_compress_to_buffer([b"foo", b"bar"], threads=threads)


# They take a full dictionary whose id is 0, which no builder makes: 0 is "no id" in a frame.
def test_difference_full_dictionary_of_id_0() -> None:
    made = dictionary(ours, DICTIONARY[:4] + bytes(4) + DICTIONARY[8:])
    with pytest.raises(ours.ZstdError, match="cannot compress"):
        compressor(ours, dict_data=made).compress(b"foo")
    with pytest.raises(ours.ZstdError, match="could not create decompression dict"):
        decompressor(ours, dict_data=made)


# Their batches use what is precomputed after the compressor was made, their single items do not.
def test_difference_dictionary_precomputed_later() -> None:
    shared = dictionary(ours)
    made = compressor(ours, 1, dict_data=shared)
    before = made.compress(EVENTS[5])
    shared.precompute_compress(19)
    assert made.compress(EVENTS[5]) == before
    assert values(made.multi_compress_to_buffer([EVENTS[5]])) == [before]
    assert compressor(ours, 1, dict_data=shared).compress(EVENTS[5]) != before


# Their frames change with it, though there is nothing to precompute.
def test_difference_precomputed_dictionary_without_bytes() -> None:
    nothing = dictionary(ours, b"")
    nothing.precompute_compress(19)
    made = compressor(ours, 1, dict_data=nothing)
    assert made.compress(LETTERS[:50_000]) == frame(LETTERS[:50_000], level=1)


# They return b"" for any frame that claims to be empty, without a look at the rest.
@pytest.mark.parametrize(
    "data", [EMPTY[:-1], EMPTY[:6], FOO[:5] + b"\x00" + FOO[6:]], ids=["cut", "header", "lie"]
)
def test_difference_claim_of_empty_content(data: bytes) -> None:
    with pytest.raises(ours.ZstdError):
        ours.ZstdDecompressor().decompress(data)


# They do not look for extra data behind empty content, nor where the output has room left.
@pytest.mark.parametrize(
    ("data", "room"), [(EMPTY + b"x", 0), (UNSIZED + b"x", 100)], ids=["empty", "room left"]
)
def test_difference_extra_data_is_found(data: bytes, room: int) -> None:
    with pytest.raises(ours.ZstdError, match="contains 1 bytes of unused data"):
        ours.ZstdDecompressor().decompress(data, room, allow_extra_data=False)


# They refuse a frame behind a skippable one: "decompressed 0 bytes; expected 3".
def test_difference_skippable_frame_first() -> None:
    assert ours.ZstdDecompressor().decompress(SKIPPABLE + FOO) == b"foo"


# They raise SystemError: a bytes object of negative size.
def test_difference_negative_output_size() -> None:
    with refuses("max_output_size"):
        ours.ZstdDecompressor().decompress(UNSIZED, max_output_size=-1)


# They raise SystemError: an error return without an exception.
def test_difference_negative_dictionary_size() -> None:
    with pytest.raises(OverflowError):
        from_level(ours, 3, dict_size=-1)


# They raise MemoryError for the size; of the others they take the lowest 32 bits.
@pytest.mark.parametrize(
    "arguments",
    [{"dict_size": -1}, {"k": 2**32}, {"f": 2**32 + 20}, {"accel": 2**32 + 1}, {"k": -1}],
    ids=str,
)
def test_difference_training_beyond_the_integers(arguments: dict[str, int]) -> None:
    with pytest.raises(OverflowError):
        ours.train_dictionary(**{"dict_size": 512, "samples": EVENTS, "d": 8, **arguments})


# They return libzstd's error code as the size: 18446744073709551615.
def test_difference_context_size_of_threads() -> None:
    with pytest.raises(ours.ZstdError):
        parameters(ours, threads=2).estimated_compression_context_size()


# They kill the process: a division by zero in libzstd.
def test_difference_context_size_of_long_distance_matching() -> None:
    code = "assert z.ZstdCompressionParameters({}).estimated_compression_context_size() > 1_000_000"
    assert status(code.format("enable_ldm=1")) == 0
    assert status(code.format("window_log=27, enable_ldm=1, ldm_hash_log=20")) == 0


# They ignore the decompressor's format in a batch, and look for magic numbers.
@every_thread_count
def test_difference_batch_of_magicless_frames(threads: int) -> None:
    made = ours.ZstdDecompressor(format=ours.FORMAT_ZSTD1_MAGICLESS)
    batch = made.multi_decompress_to_buffer([MAGICLESS, MAGICLESS], threads=threads)
    assert values(batch) == [b"foo", b"foo"]
    batch = made.multi_decompress_to_buffer([MAGICLESS], sizes(3), threads=threads)
    assert values(batch) == [b"foo"]


# They ignore the decompressor's largest window in a batch, and refuse more than 128 MiB.
def test_difference_batch_of_large_windows() -> None:
    made = ours.ZstdDecompressor(max_window_size=2**31)
    batch = made.multi_decompress_to_buffer([with_window(0xA0, UNSIZED)], sizes(3))
    assert values(batch) == [b"foo"]


# They kill the process: an object that was allocated, but never initialised.
@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("BufferWithSegmentsCollection", "len(made)"),
        ("ZstdCompressionParameters", "made.window_log"),
        ("ZstdCompressor", "made.compress(b'foo')"),
        ("ZstdDecompressor", "made.decompress(b'foo')"),
    ],
)
def test_difference_objects_without_init(name: str, use: str) -> None:
    """Whether that is an object with defaults or a refusal is left open: it is not a crash."""
    assert status(f"made = z.{name}.__new__(z.{name}); {use}") in (0, 1)


# They kill the process when an object of a subclass is freed.
@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("ZstdCompressionDict", "b'foo'"),
        ("ZstdCompressionParameters", ""),
        ("ZstdCompressor", ""),
        ("ZstdDecompressor", ""),
    ],
)
def test_difference_objects_of_a_subclass(name: str, argument: str) -> None:
    code = f"""
        import gc
        for _ in range(50):
            Child = type("Child", (z.{name},), {{}})
            made = Child({argument})
            assert isinstance(made, z.{name})
            del made, Child
            gc.collect()
    """
    assert status(code) == 0


# They have no promise for it: one object in two threads is undefined.
def test_difference_one_object_in_many_threads() -> None:
    made = ours.ZstdCompressor(dict_data=dictionary(ours))
    reader = ours.ZstdDecompressor(dict_data=dictionary(ours))
    with ThreadPoolExecutor(4) as pool:
        frames = list(pool.map(made.compress, EVENTS))
        assert list(pool.map(reader.decompress, frames)) == EVENTS
