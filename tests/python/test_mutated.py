"""Sound frames, changed: each is an error of its own row, or has the value that libzstd has.

The frames and libzstd's values are in a file that `tests/it/mutated.rs` writes: a small one that is
here, or that which ZSTD_ARROW_MUTATED_FILE names (`make soak` makes one of a million).
"""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import zstd_arrow as za
import zstd_arrow.zstandard as drop_in

HERE = Path(__file__).resolve().parent
FILE = Path(os.environ.get("ZSTD_ARROW_MUTATED_FILE", HERE / "mutated.arrows"))
PREFIX = b"zstd_arrow.dictionary."
MOST = 1 << 20


def batches() -> Iterator[tuple[pa.Array, pa.Array, bytes | None]]:
    """Frames, the values they should have (null where they are bad), and their dictionary."""
    with pa.OSFile(str(FILE)) as file, pa.ipc.open_stream(file) as reader:
        metadata = reader.schema.metadata
        [encoded] = (text for key, text in metadata.items() if key.startswith(PREFIX))
        dictionary = base64.b64decode(encoded)
        for batch in reader:
            with_dictionary = batch["dictionary"][0].as_py()
            yield batch["frame"], batch["value"], dictionary if with_dictionary else None


def same(found: pa.Array, expected: pa.Array) -> bool:
    """Whether two columns have the same values and nulls."""
    return found.cast(pa.large_binary()).equals(expected)


def windows(frames: pa.Array) -> pa.Array:
    """The window of each frame, in bytes."""
    return pa.array(za.frame_info(frames)).field("window_size")


def test_columns() -> None:
    """As columns, on one thread and on two."""
    count = decoded = 0
    for frames, expected, dictionary in batches():
        bad = [row for row, valid in enumerate(expected.is_valid().to_pylist()) if not valid]
        for threads in (1, 2):
            failed: list[za.ZstdError] = []
            found = za.decompress(
                frames,
                dictionary=dictionary,
                on_error="null",
                failed=failed,
                max_value_size=MOST,
                threads=threads,
            )
            assert same(found, expected)
            assert [error.row for error in failed] == bad
        with pytest.raises(za.ZstdError) as caught:
            za.decompress(frames, dictionary=dictionary, max_value_size=MOST)
        assert caught.value.row == bad[0]
        count += len(frames)
        decoded += len(frames) - len(bad)
    print(f"{count} frames, {decoded} decode")
    assert decoded > count // 100


def test_items_of_the_drop_in() -> None:
    """As items of `multi_decompress_to_buffer`: sound ones come back, bad ones are errors."""
    for frames, expected, dictionary in batches():
        given = drop_in.ZstdCompressionDict(dictionary) if dictionary else None
        decompressor = drop_in.ZstdDecompressor(dict_data=given, max_window_size=1 << 31)
        good, expected_of_good = frames.filter(expected.is_valid()), expected.drop_null()
        # As python-zstandard, it takes windows up to 2 GiB; the call for columns has no use
        # for windows.
        taken = pc.less_equal(windows(good), 1 << 31)
        good, expected_of_good = good.filter(taken).to_pylist(), expected_of_good.filter(taken)
        contents = expected_of_good.to_pylist()
        sizes = struct.pack(f"={len(contents)}Q", *map(len, contents))
        values = decompressor.multi_decompress_to_buffer(good, decompressed_sizes=sizes, threads=2)
        assert [value.tobytes() for value in values] == contents
        with pytest.raises((drop_in.ZstdError, ValueError), match=r"item \d+"):
            decompressor.multi_decompress_to_buffer(frames.to_pylist())
        # Each of them alone. (A frame that does not say its size is a ValueError.)
        for frame in frames.filter(expected.is_null()).to_pylist()[:100]:
            with pytest.raises((drop_in.ZstdError, ValueError)):
                decompressor.multi_decompress_to_buffer([frame])
