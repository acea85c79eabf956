"""The command and the rest of the world: python-zstandard, pyarrow and Polars.

Frames that the command makes are read by python-zstandard, frames that python-zstandard makes are
read by the command. Files are written and read by pyarrow, so that another Parquet and Arrow IPC
than the command's own has to agree too.

With ZSTD_ARROW_CORPORA, a folder with `deb.parquet` and `py.parquet`, the tests of real data run
on these files as well; without it on generated tables of the same kind.
"""

from __future__ import annotations

import collections
import decimal
import functools
import os
import random
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import zstandard
from conftest import Command, Done
from pyarrow import ipc

KIB, MIB = 1 << 10, 1 << 20
MAGICLESS = zstandard.FORMAT_ZSTD1_MAGICLESS
ENDINGS = {"parquet": ".parquet", "ipc-file": ".arrow", "ipc-stream": ".arrows"}
every_format = pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())

Values = Sequence[bytes | None]


# ---------------------------------------------------------------------------------------- values


@functools.cache
def prose() -> bytes:
    """A mebibyte of words, some frequent and some rare, as text is."""
    rng = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(2000)]
    weights = [1 / rank for rank in range(1, 2001)]
    return " ".join(rng.choices(vocabulary, weights, k=200_000)).encode()[:MIB]


def text(size: int, start: int = 0) -> bytes:
    """So many bytes that compress well."""
    block = prose()
    if start + size > len(block):
        block *= (start + size) // len(block) + 1
    return block[start : start + size]


def noise(size: int, seed: int = 0) -> bytes:
    """So many bytes that do not compress."""
    return random.Random(seed).randbytes(size)


def records(count: int, seed: int = 0) -> list[bytes]:
    """Small values that have much in common, as a dictionary wants them."""
    rng = random.Random(seed)
    kinds = ["view", "click", "purchase", "refund"]

    def record() -> bytes:
        return (
            f'{{"id": {rng.randrange(10**9)}, "kind": "{rng.choice(kinds)}", '
            f'"page": "https://example.org/item/{rng.randrange(10**4)}", "ok": true}}'
        ).encode()

    return [record() for _ in range(count)]


MIXED: Values = [
    None,
    b"",
    b"a",
    text(12),
    text(13),
    None,
    None,
    text(1000),
    noise(300),
    text(200 * KIB),
    text(1000),
    None,
]


# ----------------------------------------------------------------------------------------- files


def write(table: pa.Table, path: Path, **options: Any) -> Path:
    """Writes a table in the format that the path's ending says."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, **options)
        return path
    new = ipc.new_file if path.suffix == ".arrow" else ipc.new_stream
    with new(path, table.schema, **options) as writer:
        writer.write_table(table)
    return path


def read(path: Path) -> pa.Table:
    """Reads a table in the format that the path's ending says."""
    if path.suffix == ".parquet":
        return pq.read_table(path)
    with pa.memory_map(str(path)) as file:
        reader = ipc.open_file(file) if path.suffix == ".arrow" else ipc.open_stream(file)
        return reader.read_all()


def groups(path: Path) -> list[int]:
    """The rows of each row group of a Parquet file."""
    metadata = pq.read_metadata(path)
    return [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)]


def table_of(values: Values, data_type: pa.DataType | None = None) -> pa.Table:
    """A table with a column of numbers and the column `value`."""
    column = pa.array(values, data_type or pa.binary())
    return pa.table({"row": pa.array(range(len(values)), pa.int64()), "value": column})


def without_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column whose values stand in their rows."""
    if not pa.types.is_dictionary(column.type):
        return column
    chunks = [chunk.dictionary_decode() for chunk in column.chunks]
    return pa.chunked_array(chunks, column.type.value_type)


def values_of(table: pa.Table, column: str = "value") -> list[bytes | None]:
    """The values of a column, text as bytes."""
    values = without_dictionary(table[column]).to_pylist()
    return [value.encode() if isinstance(value, str) else value for value in values]


def assert_values(found: Values, expected: Values) -> None:
    """Checks values row by row, without printing megabytes where they differ."""
    assert len(found) == len(expected)
    different = [row for row, pair in enumerate(zip(found, expected)) if pair[0] != pair[1]]
    assert not different, f"{len(different)} rows differ, first {different[:10]}"


def assert_tables(found: pa.Table, expected: pa.Table) -> None:
    """Checks names, types, fields with their metadata, and values; not the schema's metadata."""
    bare, expected_bare = found.schema.remove_metadata(), expected.schema.remove_metadata()
    assert bare.equals(expected_bare, check_metadata=True), f"{bare}\n\n{expected_bare}"
    assert found.num_rows == expected.num_rows
    different = [
        name
        for name in expected.column_names
        if not without_dictionary(found[name]).equals(without_dictionary(expected[name]))
    ]
    assert not different, f"columns {different} differ"


# ----------------------------------------------------------------------------------------- codecs


def made_here(
    command: Command,
    folder: Path,
    values: Values,
    *flags: object,
    data_type: pa.DataType | None = None,
    ending: str = ".parquet",
) -> list[bytes | None]:
    """The frames that the command makes of values."""
    source = write(table_of(values, data_type), folder / f"values{ending}")
    target = folder / f"frames{ending}"
    command("compress", source, "-c", "value", "-o", target, *flags)
    return values_of(read(target))


def read_here(
    command: Command,
    folder: Path,
    frames: Values,
    *flags: object,
    data_type: pa.DataType | None = None,
    ending: str = ".parquet",
) -> pa.Table:
    """The table that the command makes of a table of foreign frames."""
    source = write(table_of(frames, data_type), folder / f"frames{ending}")
    target = folder / f"values{ending}"
    command("decompress", source, "-c", "value", "-o", target, *flags)
    return read(target)


def unzstd(frame: bytes, **options: Any) -> bytes:
    """A frame's content by python-zstandard, whether or not it says its size."""
    reader = zstandard.ZstdDecompressor(**options).decompressobj()
    content = reader.decompress(frame)
    assert reader.eof, "python-zstandard does not see the frame's end"
    assert reader.unused_data == b"", "python-zstandard sees bytes behind the frame"
    return content


def read_there(frames: Values, **options: Any) -> list[bytes | None]:
    """The contents of frames by python-zstandard."""
    return [None if frame is None else unzstd(frame, **options) for frame in frames]


def made_there(values: Values, **options: Any) -> list[bytes | None]:
    """Frames that python-zstandard makes of values."""
    compressor = zstandard.ZstdCompressor(**options)
    return [None if value is None else compressor.compress(value) for value in values]


def parameters(**options: Any) -> zstandard.ZstdCompressionParameters:
    """Advanced parameters for python-zstandard."""
    return zstandard.ZstdCompressionParameters.from_level(3, **options)


# ---------------------------------------------------------------------------------- frame options


@dataclass(frozen=True)
class Options:
    """The same options for the command and for python-zstandard."""

    compress: tuple[str, ...] = ()
    decompress: tuple[str, ...] = ()
    there: dict[str, Any] = field(default_factory=dict)
    content_size: bool = True
    checksum: bool = False
    format: int = zstandard.FORMAT_ZSTD1

    def parameters(self) -> zstandard.ZstdCompressionParameters:
        """The options as python-zstandard's."""
        return parameters(
            write_content_size=self.content_size,
            write_checksum=self.checksum,
            format=self.format,
            **self.there,
        )


OPTIONS = {
    "content-size": Options(),
    "no-content-size": Options(("--no-content-size",), content_size=False),
    "checksum": Options(("--checksum",), checksum=True),
    "checksum-no-content-size": Options(
        ("--checksum", "--no-content-size"), content_size=False, checksum=True
    ),
    "magicless": Options(("--magicless",), ("--magicless",), format=MAGICLESS),
    "magicless-bare": Options(
        ("--magicless", "--no-content-size"), ("--magicless",), content_size=False, format=MAGICLESS
    ),
    "magicless-checksum": Options(
        ("--magicless", "--checksum"), ("--magicless",), checksum=True, format=MAGICLESS
    ),
    "small-window": Options(("--window-log=10",), ("--max-window-log=18",), {"window_log": 10}),
    "small-window-no-content-size": Options(
        ("--window-log=10", "--no-content-size"),
        ("--max-window-log=10",),
        {"window_log": 10},
        content_size=False,
    ),
    "long": Options(("--long",), (), {"enable_ldm": True}),
    "one-thread": Options(("--threads=1",), ("--threads=1",)),
    "three-threads": Options(("--threads=3",), ("--threads=3",)),
}
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())


@every_option
def test_zstandard_reads_frame_options(command: Command, folder: Path, options: Options) -> None:
    """Each option of `compress` makes frames that say what it promises and that others read."""
    frames = made_here(command, folder, MIXED, *options.compress)
    for frame, value in zip(frames, MIXED):
        assert (frame is None) == (value is None)
        if frame is None or value is None:
            continue
        header = zstandard.get_frame_parameters(frame, format=options.format)
        assert header.has_checksum == options.checksum
        size = len(value) if options.content_size else zstandard.CONTENTSIZE_UNKNOWN
        assert header.content_size == size
        assert header.dict_id == 0
    assert_values(read_there(frames, format=options.format), MIXED)


@every_option
def test_command_reads_frame_options(command: Command, folder: Path, options: Options) -> None:
    """Whatever options a frame was made with elsewhere, the command reads it."""
    frames = made_there(MIXED, compression_params=options.parameters())
    table = read_here(command, folder, frames, *options.decompress)
    assert_values(values_of(table), MIXED)


def test_command_reads_streamed_frames(command: Command, folder: Path) -> None:
    """Frames of many flushed blocks and without a size, as a streaming writer leaves them."""

    def streamed(value: bytes) -> bytes:
        writer = zstandard.ZstdCompressor().compressobj()
        pieces = [value[start : start + 777] for start in range(0, len(value), 777)]
        blocks = [
            writer.compress(piece) + writer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            for piece in pieces
        ]
        return b"".join(blocks) + writer.flush()

    frames = [None if value is None else streamed(value) for value in MIXED]
    assert_values(values_of(read_here(command, folder, frames)), MIXED)


def test_command_reads_frames_of_many_workers(command: Command, folder: Path) -> None:
    """Frames that python-zstandard compressed on two threads have jobs, and are frames."""
    values = [text(3 * MIB), text(2 * MIB, 99)]
    frames = made_there(values, compression_params=parameters(threads=2, job_size=MIB))
    assert_values(values_of(read_here(command, folder, frames)), values)


def test_command_reads_multi_compress_to_buffer(command: Command, folder: Path) -> None:
    """Frames out of python-zstandard's batch call, which many have stored."""
    values = records(500)
    made = zstandard.ZstdCompressor().multi_compress_to_buffer(values)
    frames = [made[place].tobytes() for place in range(len(made))]
    assert_values(values_of(read_here(command, folder, frames)), values)


# ------------------------------------------------------------------------------- levels and sizes

LEVELS = [-5, -1, 1, 3, 9, 19, 22]
LEVEL_VALUES: Values = [text(100 * KIB), None, b"", noise(1000), text(3000, 5), *records(20)]


@pytest.mark.parametrize("level", LEVELS)
def test_zstandard_reads_level(command: Command, folder: Path, level: int) -> None:
    """Each level makes plain zstd frames."""
    frames = made_here(command, folder, LEVEL_VALUES, f"--level={level}")
    assert_values(read_there(frames), LEVEL_VALUES)


@pytest.mark.parametrize("level", LEVELS)
def test_command_reads_level(command: Command, folder: Path, level: int) -> None:
    """Frames of each level, with what only the high ones use, are read."""
    frames = made_there(LEVEL_VALUES, level=level)
    assert_values(values_of(read_here(command, folder, frames)), LEVEL_VALUES)


def test_levels_differ(command: Command, folder: Path) -> None:
    """The level reaches libzstd: a higher one makes smaller frames."""
    sizes = [len(made_here(command, folder, [prose()], f"--level={n}")[0]) for n in (-5, 1, 9, 19)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)


SIZES = {
    "0B": 0,
    "1B": 1,
    "12B": 12,
    "13B": 13,
    "100B": 100,
    "1KiB": KIB,
    "128KiB-1": 128 * KIB - 1,
    "128KiB": 128 * KIB,
    "128KiB+1": 128 * KIB + 1,
    "1MiB": MIB,
}
every_size = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
known_or_not = pytest.mark.parametrize("content_size", [True, False], ids=["size", "no-size"])


def of_size(size: int) -> Values:
    """Values of one size, easy and hard to compress, with nulls between."""
    return [text(size), None, noise(size), bytes(size), None, text(size, 1000)]


@known_or_not
@every_size
def test_zstandard_reads_size(
    command: Command, folder: Path, size: int, content_size: bool
) -> None:
    """Values at the sizes where frames change their form: views, blocks, header fields."""
    flags = [] if content_size else ["--no-content-size"]
    frames = made_here(command, folder, of_size(size), *flags)
    assert_values(read_there(frames), of_size(size))


@known_or_not
@every_size
def test_command_reads_size(command: Command, folder: Path, size: int, content_size: bool) -> None:
    """The same sizes from elsewhere, with sizes in the headers and with sizes to be measured."""
    frames = made_there(of_size(size), write_content_size=content_size)
    assert_values(values_of(read_here(command, folder, frames)), of_size(size))


def test_zstandard_reads_64_mib(command: Command, folder: Path) -> None:
    """One large value beside small ones: windows, pages and buffers beyond their defaults."""
    values = [b"before", text(64 * MIB), None, b"after"]
    frames = made_here(command, folder, values)
    assert_values(read_there(frames), values)


@known_or_not
def test_command_reads_64_mib(command: Command, folder: Path, content_size: bool) -> None:
    """One large value from elsewhere, also where its size must be found by decoding."""
    values = [b"before", text(64 * MIB), None, b"after"]
    frames = made_there(values, write_content_size=content_size)
    assert_values(values_of(read_here(command, folder, frames)), values)


# ------------------------------------------------------------------------- frames beside each other


def skippable(content: bytes, nibble: int = 0) -> bytes:
    """A skippable frame (RFC 8878, section 3.1.2)."""
    return (
        (0x184D2A50 + nibble).to_bytes(4, "little") + len(content).to_bytes(4, "little") + content
    )


def zstd(content: bytes, **options: Any) -> bytes:
    """A frame by python-zstandard."""
    return zstandard.ZstdCompressor(**options).compress(content)


def unsized(content: bytes) -> bytes:
    """A frame by python-zstandard that does not say its content size."""
    return zstd(content, write_content_size=False)


A, B, C = text(5000), noise(200), text(150 * KIB)
SEVERAL = {
    "two": (zstd(A) + zstd(B), A + B),
    "three": (zstd(A) + zstd(B) + zstd(C), A + B + C),
    "forty": (zstd(A) * 40, A * 40),
    "empty-first": (zstd(b"") + zstd(A), A),
    "empty-last": (zstd(A) + zstd(b""), A),
    "all-empty": (zstd(b"") * 3, b""),
    "unsized": (unsized(A) + unsized(B), A + B),
    "sized-unsized": (zstd(A) + unsized(B), A + B),
    "unsized-sized": (unsized(A) + zstd(C), A + C),
    "checksum-first": (zstd(A, write_checksum=True) + zstd(B), A + B),
    "levels": (zstd(A, level=-5) + zstd(C, level=19), A + C),
    "skippable-before": (skippable(b"note") + zstd(A), A),
    "skippable-between": (zstd(A) + skippable(b"note") + zstd(B), A + B),
    "skippable-after": (zstd(A) + skippable(b"note"), A),
    "skippable-everywhere": (
        skippable(b"") + zstd(A) + skippable(noise(70 * KIB)) + unsized(C) + skippable(b"x") * 2,
        A + C,
    ),
    "skippable-only": (skippable(b"note"), b""),
    "skippable-looks-like-frame": (skippable(zstd(B)) + zstd(A), A),
    **{f"skippable-magic-5{n:X}": (skippable(b"note", n) + zstd(A), A) for n in range(16)},
}


@pytest.mark.parametrize(("value", "content"), SEVERAL.values(), ids=SEVERAL.keys())
def test_command_reads_several_frames(
    command: Command, folder: Path, value: bytes, content: bytes
) -> None:
    """All frames of a value count, skippable ones do not, and neighbours are not touched."""
    table = read_here(command, folder, [zstd(B), value, None, value, zstd(A)])
    assert_values(values_of(table), [B, content, None, content, A])


def test_command_reads_several_magicless_frames(command: Command, folder: Path) -> None:
    """Frames without a magic number also stand one after the other."""
    compressor = zstandard.ZstdCompressor(compression_params=parameters(format=MAGICLESS))
    value = compressor.compress(A) + compressor.compress(B)
    table = read_here(command, folder, [value, None], "--magicless")
    assert_values(values_of(table), [A + B, None])


# ------------------------------------------------------------------------------------ dictionaries

SAMPLES = records(4000, seed=1)
DICTIONARY_VALUES: Values = [None, b"", *records(200, seed=2), None, text(20_000)]
DICTIONARY_SIZE = 8 * KIB


def trained_by_train(command: Command, folder: Path) -> bytes:
    """A dictionary out of `train`."""
    source, target = write(table_of(SAMPLES), folder / "samples.parquet"), folder / "train.dict"
    command("train", source, "-c", "value", "-o", target, "--size", DICTIONARY_SIZE)
    return target.read_bytes()


def trained_by_compress(command: Command, folder: Path) -> bytes:
    """A dictionary out of `compress --train --save-dictionary`."""
    source, saved = write(table_of(SAMPLES), folder / "samples.parquet"), folder / "saved.dict"
    flags = ["--train", DICTIONARY_SIZE, "--save-dictionary", saved]
    command("compress", source, "-c", "value", "-o", folder / "samples.zst.parquet", *flags)
    return saved.read_bytes()


def trained_by_zstandard(_command: Command, _folder: Path) -> bytes:
    """A dictionary out of python-zstandard."""
    return zstandard.train_dictionary(DICTIONARY_SIZE, SAMPLES).as_bytes()


def raw_content(_command: Command, _folder: Path) -> bytes:
    """A dictionary that is nothing but what values look like."""
    return b"".join(SAMPLES[:60])


MAKERS = {
    "train": trained_by_train,
    "compress-train": trained_by_compress,
    "zstandard": trained_by_zstandard,
    "raw-content": raw_content,
}
every_dictionary = pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS.keys())
named_or_not = pytest.mark.parametrize("named", [True, False], ids=["id", "no-id"])


def theirs(dictionary: bytes) -> zstandard.ZstdCompressionDict:
    """A dictionary for python-zstandard."""
    return zstandard.ZstdCompressionDict(dictionary)


@named_or_not
@every_dictionary
def test_zstandard_reads_dictionary_frames(
    command: Command, folder: Path, maker: Any, named: bool
) -> None:
    """Whoever trained it, frames that the command makes with a dictionary are read with it."""
    dictionary = maker(command, folder)
    (folder / "dictionary").write_bytes(dictionary)
    flags = ["--dictionary", folder / "dictionary", *([] if named else ["--no-dictionary-id"])]
    frames = made_here(command, folder, DICTIONARY_VALUES, *flags)
    ids = {zstandard.get_frame_parameters(frame).dict_id for frame in frames if frame is not None}
    assert ids == {theirs(dictionary).dict_id() if named else 0}
    assert_values(read_there(frames, dict_data=theirs(dictionary)), DICTIONARY_VALUES)
    with pytest.raises(zstandard.ZstdError):
        unzstd(frames[5])


@named_or_not
@every_dictionary
def test_command_reads_dictionary_frames(
    command: Command, folder: Path, maker: Any, named: bool
) -> None:
    """Whoever trained it, frames made elsewhere with a dictionary are read with `--dictionary`."""
    dictionary = maker(command, folder)
    (folder / "dictionary").write_bytes(dictionary)
    frames = made_there(DICTIONARY_VALUES, dict_data=theirs(dictionary), write_dict_id=named)
    table = read_here(command, folder, frames, "--dictionary", folder / "dictionary")
    assert_values(values_of(table), DICTIONARY_VALUES)


@every_dictionary
@every_format
@named_or_not
def test_dictionary_travels_in_the_file(
    command: Command, folder: Path, maker: Any, ending: str, named: bool
) -> None:
    """A file compressed with a dictionary opens with no argument, frames named or not."""
    (folder / "dictionary").write_bytes(maker(command, folder))
    flags = ["--dictionary", folder / "dictionary", *([] if named else ["--no-dictionary-id"])]
    made_here(command, folder, DICTIONARY_VALUES, *flags, ending=ending)
    (folder / "dictionary").unlink()
    command("decompress", folder / f"frames{ending}", "-o", folder / f"back{ending}")
    assert_tables(read(folder / f"back{ending}"), table_of(DICTIONARY_VALUES))


@pytest.mark.parametrize("options", [OPTIONS["no-content-size"], OPTIONS["magicless-checksum"]])
def test_dictionary_with_other_options(command: Command, folder: Path, options: Options) -> None:
    """A dictionary goes with frames without sizes and without magic numbers, both ways."""
    path = folder / "dictionary"
    path.write_bytes(dictionary := trained_by_zstandard(command, folder))
    frames = made_here(command, folder, DICTIONARY_VALUES, "--dictionary", path, *options.compress)
    found = read_there(frames, dict_data=theirs(dictionary), format=options.format)
    assert_values(found, DICTIONARY_VALUES)
    frames = made_there(
        DICTIONARY_VALUES, dict_data=theirs(dictionary), compression_params=options.parameters()
    )
    table = read_here(command, folder, frames, "--dictionary", path, *options.decompress)
    assert_values(values_of(table), DICTIONARY_VALUES)


def two_dictionaries(folder: Path) -> tuple[list[Path], list[zstandard.ZstdCompressionDict]]:
    """Two trained dictionaries, as files and for python-zstandard."""
    dictionaries = [
        zstandard.train_dictionary(DICTIONARY_SIZE, samples, dict_id=number)
        for number, samples in [(70_001, SAMPLES), (70_002, [s[::-1] for s in SAMPLES])]
    ]
    paths = [folder / "first.dict", folder / "second.dict"]
    for path, dictionary in zip(paths, dictionaries):
        path.write_bytes(dictionary.as_bytes())
    return paths, dictionaries


def test_command_picks_dictionary_by_id(command: Command, folder: Path) -> None:
    """Of several dictionaries each frame gets its own, within one value too."""
    paths, (first, second) = two_dictionaries(folder)
    a, b = zstd(SAMPLES[0], dict_data=first), zstd(SAMPLES[1][::-1], dict_data=second)
    frames = [a, b, None, a + b, zstd(b"no dictionary")]
    table = read_here(command, folder, frames, "--dictionary", paths[0], "--dictionary", paths[1])
    one, two = SAMPLES[0], SAMPLES[1][::-1]
    assert_values(values_of(table), [one, two, None, one + two, b"no dictionary"])


def test_missing_dictionary_is_named(command: Command, folder: Path) -> None:
    """Without its dictionary, or with another, the error says which one a frame needs."""
    paths, (_, second) = two_dictionaries(folder)
    values = [zstd(b"plain"), zstd(SAMPLES[0], dict_data=second)]
    source = write(table_of(values), folder / "frames.parquet")
    job = ["decompress", source, "-c", "value", "-o", folder / "values.parquet"]
    error = command(*job, status=1).stderr
    assert "row 1" in error
    assert "70002" in error
    error = command(*job, "--dictionary", paths[0], status=1).stderr
    assert "row 1" in error
    assert "70001" in error
    assert "70002" in error


@named_or_not
def test_each_column_has_its_dictionary(command: Command, folder: Path, named: bool) -> None:
    """Two columns trained apart open with no argument, whether or not frames name dictionaries."""
    other = [record[::-1] for record in records(4000, seed=3)]
    table = pa.table({"a": pa.array(SAMPLES), "plain": pa.array(SAMPLES), "b": pa.array(other)})
    source, small = write(table, folder / "in.parquet"), folder / "small.parquet"
    flags = ["--train", "4096", *([] if named else ["--no-dictionary-id"])]
    command("compress", source, "-c", "a", "-c", "b", "-o", small, *flags)
    command("decompress", small, "-o", folder / "back.parquet")
    assert_tables(read(folder / "back.parquet"), table)


# ------------------------------------------------------------------------------ types and formats

TYPES = {
    "binary": pa.binary(),
    "large_binary": pa.large_binary(),
    "binary_view": pa.binary_view(),
    "string": pa.string(),
    "large_string": pa.large_string(),
    "string_view": pa.string_view(),
    "fixed_size_binary": pa.binary(16),
    "dictionary": pa.dictionary(pa.int32(), pa.binary()),
    "dictionary_of_string": pa.dictionary(pa.int32(), pa.string()),
}
BYTE_TYPES = ["binary", "large_binary", "binary_view", "fixed_size_binary", "dictionary"]
every_type = pytest.mark.parametrize("data_type", TYPES.values(), ids=TYPES.keys())
every_byte_type = pytest.mark.parametrize(
    "data_type", [TYPES[name] for name in BYTE_TYPES], ids=BYTE_TYPES
)
SHAPES = ["values", "one-row", "empty", "all-null"]
every_shape = pytest.mark.parametrize("shape", SHAPES)


def typed(data_type: pa.DataType, shape: str) -> pa.Table:
    """A table with a column of a type."""
    if data_type == pa.binary(16):
        values: Values = [noise(16, 1), None, noise(16, 2), noise(16, 1), bytes(16)]
    else:
        values = [text(50), None, b"", text(50), b"twelve bytes", text(9000), None]
    values = {
        "values": values,
        "one-row": values[:1],
        "empty": [],
        "all-null": [None] * 3,
    }[shape]
    of_dictionary = pa.types.is_dictionary(data_type)
    of_text = "string" in str(data_type)
    plain_type = data_type.value_type if of_dictionary else data_type
    column = pa.array([v.decode() if v is not None and of_text else v for v in values], plain_type)
    column = column.dictionary_encode() if of_dictionary else column
    assert column.type == data_type
    return pa.table({"row": pa.array(range(len(values)), pa.int32()), "value": column})


@every_format
@every_shape
@every_type
def test_types_there_and_back(
    command: Command, folder: Path, data_type: pa.DataType, shape: str, ending: str
) -> None:
    """Each type in each format: frames that python-zstandard reads, and then the type again."""
    table = typed(data_type, shape)
    source, small, back = (folder / f"{name}{ending}" for name in ("in", "small", "back"))
    write(table, source)
    command("compress", source, "-c", "value", "-o", small)
    assert_values(read_there(values_of(read(small))), values_of(table))
    command("decompress", small, "-o", back)
    place = table.schema.get_field_index("value")
    column = table["value"]
    if pa.types.is_fixed_size_binary(data_type):
        # Frames of values of one size have many sizes: the type's size is not kept.
        column = column.cast(pa.binary())
    assert_tables(read(back), table.set_column(place, "value", column))


@every_format
@every_byte_type
def test_command_reads_foreign_frames_of_type(
    command: Command, folder: Path, data_type: pa.DataType, ending: str
) -> None:
    """Foreign frames lie in any binary type; their values come back in it."""
    values = [noise(20, 1), None, noise(20, 2), noise(20, 1)]
    frames = made_there(values)
    # Frames of noise of one length have one length.
    size = len(frames[0] or b"")
    fixed = pa.types.is_fixed_size_binary(data_type)
    stored, returned = (pa.binary(size), pa.binary()) if fixed else (data_type, data_type)
    table = read_here(command, folder, frames, data_type=stored, ending=ending)
    assert table.schema.field("value").type == returned
    assert_values(values_of(table), values)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (pa.binary(), pa.string()),
        (pa.large_binary(), pa.large_string()),
        (pa.binary_view(), pa.string_view()),
        (pa.dictionary(pa.int32(), pa.binary()), pa.dictionary(pa.int32(), pa.string())),
    ],
    ids=["binary", "large_binary", "binary_view", "dictionary"],
)
def test_foreign_frames_to_text(
    command: Command, folder: Path, stored: pa.DataType, expected: pa.DataType
) -> None:
    """`--utf8` makes a text column of foreign frames, in the layout they are in."""
    values: Values = ["grüße".encode(), None, b"", text(3000)]
    table = read_here(command, folder, made_there(values), "--utf8", data_type=stored)
    assert table.schema.field("value").type == expected
    assert_values(values_of(table), values)


def pipe(command: Command, table: pa.Table, *arguments: object) -> tuple[pa.Table, Done]:
    """The table that comes out of the command's standard output, and how the run ended."""
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    done = command(*arguments, stdin=sink.getvalue().to_pybytes())
    return ipc.open_stream(done.stdout).read_all(), done


@pytest.mark.parametrize("shape", SHAPES)
def test_pipes(command: Command, shape: str) -> None:
    """`-` is an IPC stream both ways: nothing but the stream comes out, the report beside it."""
    table = typed(pa.binary(), shape)
    small, done = pipe(command, table, "compress", "-", "-c", "value", "-o", "-")
    assert "value" in done.stderr
    assert_values(read_there(values_of(small)), values_of(table))
    back, _ = pipe(command, small, "decompress", "-", "-o", "-", "--quiet")
    assert_tables(back, table)


def test_foreign_frames_through_pipes(command: Command) -> None:
    """Foreign frames in, values out, without a file."""
    table = table_of(made_there(MIXED, write_content_size=False))
    back, _ = pipe(command, table, "decompress", "-", "-c", "value", "-o", "-")
    assert_values(values_of(back), MIXED)


def test_dictionary_through_pipes(command: Command) -> None:
    """A dictionary that is given goes into the stream, which then needs no argument."""
    table = table_of(SAMPLES)
    with tempfile.NamedTemporaryFile() as file:
        file.write(zstandard.train_dictionary(DICTIONARY_SIZE, SAMPLES).as_bytes())
        file.flush()
        job = ["compress", "-", "-c", "value", "-o", "-", "--dictionary", file.name]
        small, _ = pipe(command, table, *job)
    back, _ = pipe(command, small, "decompress", "-", "-o", "-")
    assert_tables(back, table)


def test_training_from_a_pipe(command: Command, folder: Path) -> None:
    """`train` reads a pipe; `compress --train`, which would have to read it twice, says so."""
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table_of(SAMPLES).schema) as writer:
        writer.write_table(table_of(SAMPLES))
    stream, saved = sink.getvalue().to_pybytes(), folder / "saved.dict"
    command("train", "-", "-c", "value", "-o", saved, "--size", "4096", stdin=stream)
    assert theirs(saved.read_bytes()).dict_id() != 0
    job = ["compress", "-", "-c", "value", "-o", "-", "--train", "4096"]
    done = command(*job, stdin=stream, status=2)
    assert "train" in done.stderr
    assert done.stdout == b""


def test_formats_follow_one_another(command: Command, folder: Path) -> None:
    """The ending of the output says its format: Parquet to IPC file to stream to Parquet."""
    table = table_of(MIXED)
    paths = [folder / name for name in ("a.parquet", "b.arrow", "c.arrows", "d.parquet")]
    write(table, paths[0])
    command("compress", paths[0], "-c", "value", "-o", paths[1])
    command("decompress", paths[1], "-o", paths[2])
    assert_tables(read(paths[2]), table)
    command("compress", paths[2], "-c", "value", "-o", paths[3])
    assert_values(read_there(values_of(read(paths[3]))), MIXED)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@pytest.mark.parametrize("ending", [".arrow", ".arrows"], ids=["ipc-file", "ipc-stream"])
def test_compressed_ipc_is_read(
    command: Command, folder: Path, ending: str, compression: str
) -> None:
    """IPC with compressed buffers, pyarrow's default for Feather, is read."""
    options = ipc.IpcWriteOptions(compression=compression)
    source = write(table_of(MIXED), folder / f"in{ending}", options=options)
    target = folder / f"small{ending}"
    command("compress", source, "-c", "value", "-o", target)
    assert_values(read_there(values_of(read(target))), MIXED)


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("ending", [".arrow", ".arrows"], ids=["ipc-file", "ipc-stream"])
def test_ipc_is_written_as_it_was(
    command: Command, folder: Path, ending: str, compression: str | None
) -> None:
    """Buffers compressed as in the input, or not at all; and what is in a file's footer is kept."""
    rows = len(MIXED)
    table = table_of(MIXED).append_column("same", pa.array([7] * rows, pa.int64()))
    options = ipc.IpcWriteOptions(compression=compression)
    footer = {"source": "a test", "größe": "42"}
    source, small, back = (folder / f"{name}{ending}" for name in ("in", "small", "back"))
    kept = {"metadata": footer} if ending == ".arrow" else {}
    write(table, source, options=options, **kept)
    command("compress", source, "-c", "value", "-o", small)
    command("decompress", small, "-o", back)
    assert_tables(read(back), table)
    for path in (small, back):
        with pa.memory_map(str(path)) as mapped:
            raw = mapped.read()
        plain = (7).to_bytes(8, "little") * rows
        # A compressed buffer has its size in front.
        magic = {"lz4": b"\x04\x22\x4d\x18", "zstd": b"\x28\xb5\x2f\xfd"}
        packed = [len(plain).to_bytes(8, "little") + start for start in magic.values()]
        expected = [name == compression for name in magic]
        assert [start in raw for start in packed] == expected
        assert (plain in raw) == (compression is None)
        if ending == ".arrow":
            found = ipc.open_file(path).metadata
            assert dict(found) == {key.encode(): text.encode() for key, text in footer.items()}


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "lz4", "zstd"])
def test_compressed_parquet_is_read(command: Command, folder: Path, compression: str) -> None:
    """Parquet with compressed pages of each kind is read."""
    source = write(table_of(MIXED), folder / "in.parquet", compression=compression)
    command("compress", source, "-c", "value", "-o", folder / "small.parquet")
    assert_values(read_there(values_of(read(folder / "small.parquet"))), MIXED)


@pytest.mark.parametrize("ending", [".arrow", ".arrows"], ids=["ipc-file", "ipc-stream"])
def test_batches_may_use_parts_of_a_dictionary(command: Command, folder: Path, ending: str) -> None:
    """An IPC file has one dictionary for all batches, of which each batch may use another part."""
    distinct = pa.array([text(100), text(100, 7), text(100, 9)])
    keys = [[0, 1], [2, 1], [0, 2]]
    chunks = [pa.DictionaryArray.from_arrays(pa.array(k, pa.int32()), distinct) for k in keys]
    table = pa.table({"value": pa.chunked_array(chunks)})
    source, small, back = (folder / f"{name}{ending}" for name in ("in", "small", "back"))
    write(table, source)
    command("compress", source, "-c", "value", "-o", small)
    assert_values(read_there(values_of(read(small))), values_of(table))
    command("decompress", small, "-o", back)
    assert_tables(read(back), table)


# -------------------------------------------------------------------------- what is beside frames


def wide_table(rows: int = 3000) -> pa.Table:
    """A table with columns of many types around `value`, and with metadata everywhere."""
    numbers = range(rows)
    columns = {
        "small": (pa.uint8(), [n % 200 for n in numbers]),
        "number": (pa.int64(), [None if n % 7 == 0 else n for n in numbers]),
        "float": (pa.float64(), [n / 3 for n in numbers]),
        "flag": (pa.bool_(), [n % 3 == 0 for n in numbers]),
        "name": (pa.string(), [None if n % 5 == 0 else f"näme {n}" for n in numbers]),
        "value": (pa.binary(), [None if n % 11 == 0 else text(300, n) for n in numbers]),
        "other": (pa.large_binary(), [noise(10, n) for n in numbers]),
        "kind": (pa.dictionary(pa.int16(), pa.string()), [f"kind {n % 4}" for n in numbers]),
        "time": (pa.timestamp("us", tz="Europe/Berlin"), [n * 10**6 for n in numbers]),
        "day": (pa.date32(), [n % 20_000 for n in numbers]),
        "price": (pa.decimal128(12, 2), [decimal.Decimal(n) / 100 for n in numbers]),
        "list": (pa.list_(pa.int32()), [None if n % 13 == 0 else [n] * (n % 4) for n in numbers]),
        "struct": (
            pa.struct([("x", pa.int32()), ("y", pa.list_(pa.string()))]),
            [None if n % 17 == 0 else {"x": n, "y": [str(n), None]} for n in numbers],
        ),
        "structs": (pa.list_(pa.struct([("z", pa.float32())])), [[{"z": n}] for n in numbers]),
        "map": (pa.map_(pa.string(), pa.int32()), [[(f"k{n % 3}", n)] for n in numbers]),
    }
    fields = [
        pa.field(name, data_type, metadata={"unit": f"of {name}", "": "empty key"})
        for name, (data_type, _) in columns.items()
    ]
    fields[0] = fields[0].with_nullable(False)
    arrays = [pa.array(values, data_type) for data_type, values in columns.values()]
    metadata = {"made by": "a test", "ключ": "значение", "empty": "", "pandas": '{"columns": []}'}
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata))


@dataclass(frozen=True)
class WideTrip:
    """A wide table that went through the command."""

    source: Path
    small: Path
    back: Path


@pytest.fixture(scope="module", params=ENDINGS.values(), ids=ENDINGS.keys())
def wide_trip(command: Command, request: pytest.FixtureRequest) -> Iterator[WideTrip]:
    """The wide table in each format, compressed with a dictionary and decompressed."""
    with tempfile.TemporaryDirectory() as name:
        source, small, back = (Path(name) / f"{n}{request.param}" for n in ("in", "small", "back"))
        options = {"row_group_size": 700} if request.param == ".parquet" else {}
        write(wide_table(), source, **options)
        flags = ["--train", "4096", "--batch-rows", "500"]
        command("compress", source, "-c", "value", "-o", small, *flags)
        command("decompress", small, "-o", back)
        yield WideTrip(source, small, back)


def test_other_columns_are_kept(wide_trip: WideTrip) -> None:
    """All but the named column, with fields and their metadata, are as they were."""
    small, source = read(wide_trip.small), read(wide_trip.source)
    assert small.column_names == source.column_names
    others = [name for name in source.column_names if name != "value"]
    assert_tables(small.select(others), source.select(others))


def test_all_columns_come_back(wide_trip: WideTrip) -> None:
    """After decompressing the table is as it was: values, types, nullability, field metadata."""
    assert_tables(read(wide_trip.back), read(wide_trip.source))


def test_field_of_frames_keeps_its_metadata(wide_trip: WideTrip) -> None:
    """What a field's owner wrote in it stays beside the mark of the frames, and after it."""
    source, small, back = (
        read(path).schema.field("value").metadata
        for path in (wide_trip.source, wide_trip.small, wide_trip.back)
    )
    assert small[b"ARROW:extension:name"] == b"zstd_arrow.frames"
    assert source.items() <= small.items()
    assert back == source


def test_schema_metadata_is_kept(wide_trip: WideTrip) -> None:
    """The compressed file has the schema's metadata, and its dictionary, for all readers."""
    source, small = (read(path).schema.metadata for path in (wide_trip.source, wide_trip.small))
    assert small is not None
    assert source.items() <= small.items()
    added = small.keys() - source.keys()
    assert len(added) == 1
    assert added.pop().startswith(b"zstd_arrow.dictionary.")


def test_schema_metadata_comes_back(wide_trip: WideTrip) -> None:
    """After decompressing the schema's metadata is as it was, without our dictionary."""
    source, back = (read(path).schema.metadata for path in (wide_trip.source, wide_trip.back))
    assert back == source


def test_row_groups_are_kept(command: Command, folder: Path) -> None:
    """Row groups end where they ended, whatever the size of batches."""
    table = table_of([text(20, n) for n in range(2500)])
    source, small, back = (folder / f"{name}.parquet" for name in ("in", "small", "back"))
    with pq.ParquetWriter(source, table.schema) as writer:
        for start, rows in [(0, 1), (1, 999), (1000, 1000), (2000, 7), (2007, 493)]:
            writer.write_table(table.slice(start, rows))
    command("compress", source, "-c", "value", "-o", small, "--batch-rows", 300)
    command("decompress", small, "-o", back, "--batch-rows", 1100)
    assert groups(small) == groups(back) == [1, 999, 1000, 7, 493]
    assert_tables(read(back), table)


def test_several_columns_at_once(command: Command, folder: Path) -> None:
    """Named columns are compressed, all marked ones or the named ones are decompressed."""
    table = pa.table({name: pa.array(records(50, seed)) for seed, name in enumerate("abc")})
    source, small = write(table, folder / "in.parquet"), folder / "small.parquet"
    part, back = folder / "part.parquet", folder / "back.parquet"
    command("compress", source, "-c", "c", "-c", "a", "-o", small)
    for name in ("a", "c"):
        assert_values(read_there(values_of(read(small), name)), values_of(table, name))
    command("decompress", small, "-c", "c", "-o", part)
    assert values_of(read(part), "a") == values_of(read(small), "a")
    assert values_of(read(part), "c") == values_of(table, "c")
    command("decompress", part, "-o", back)
    assert_tables(read(back), table)


@pytest.mark.parametrize("name", ["a.b", "with space", "größe", "", "-x"])
def test_odd_column_names(command: Command, folder: Path, name: str) -> None:
    """A column is found by its name, whatever that is."""
    table = pa.table({"row": pa.array([1, 2]), name: pa.array([text(100), None])})
    source, small = write(table, folder / "in.parquet"), folder / "small.parquet"
    command("compress", source, f"--column={name}", "-o", small)
    assert_values(read_there(values_of(read(small), name)), values_of(table, name))
    command("decompress", small, "-o", folder / "back.parquet")
    assert_tables(read(folder / "back.parquet"), table)


# ---------------------------------------------------------------------------------- other readers


def test_pyarrow_sees_plain_binary(wide_trip: WideTrip) -> None:
    """A reader that knows nothing of this project sees a column of binary values."""
    column = read(wide_trip.small)["value"]
    assert column.type == pa.large_binary()
    with_id = zstandard.get_frame_parameters(column.drop_null()[0].as_py())
    assert with_id.dict_id != 0


@pytest.mark.parametrize("reader", ["read_parquet", "scan_parquet", "read_ipc"])
def test_polars_reads_frames(command: Command, folder: Path, reader: str) -> None:
    """Polars reads a compressed file: frames as bytes, the other columns as they were."""
    keep = ["number", "name", "value", "time", "list", "struct"]
    table = wide_table(500).select(keep)
    ending = ".arrow" if reader == "read_ipc" else ".parquet"
    source, small = write(table, folder / f"in{ending}"), folder / f"small{ending}"
    command("compress", source, "-c", "value", "-o", small)
    frames = getattr(polars, reader)(small).lazy().collect()
    before = getattr(polars, reader)(source).lazy().collect()
    assert frames.drop("value").equals(before.drop("value"))
    column = frames["value"]
    storage = column if column.dtype == polars.Binary else column.ext.storage()
    assert storage.dtype == polars.Binary
    assert_values(read_there(storage.to_list()), values_of(table))


@pytest.mark.parametrize("ending", [".parquet", ".arrow"], ids=["parquet", "ipc-file"])
def test_command_reads_polars_files(command: Command, folder: Path, ending: str) -> None:
    """Files that Polars writes, with its view layouts, are read, and the result again by Polars."""
    origin = polars.DataFrame({"n": list(range(len(MIXED))), "value": MIXED})
    source, small, back = (folder / f"{name}{ending}" for name in ("in", "small", "back"))
    if ending == ".parquet":
        save, load = origin.write_parquet, polars.read_parquet
    else:
        save, load = origin.write_ipc, polars.read_ipc
    save(source)
    command("compress", source, "-c", "value", "-o", small)
    assert_values(read_there(values_of(read(small))), MIXED)
    command("decompress", small, "-o", back)
    assert load(back).equals(origin)


# -------------------------------------------------------------------------------------- real data


@dataclass(frozen=True)
class Trip:
    """A file that went through the command with a dictionary trained on it."""

    source: Path
    small: Path
    back: Path
    dictionary: zstandard.ZstdCompressionDict
    report: Any
    inspected: Any
    least_ratio: float

    @functools.cached_property
    def before(self) -> pa.Table:
        """The table as it was."""
        return read(self.source)

    @functools.cached_property
    def compressed(self) -> pa.Table:
        """The table with frames."""
        return read(self.small)

    @functools.cached_property
    def after(self) -> pa.Table:
        """The table as it came back."""
        return read(self.back)


def stdlib_table() -> pa.Table:
    """Python's own library in pieces of 700 bytes, with columns of other types beside them."""
    root = Path(sysconfig.get_path("stdlib"))
    found = (path for path in root.rglob("*.py") if "site-packages" not in path.parts)
    rows = []
    for path in sorted(found)[:500]:
        code, name = path.read_bytes(), path.relative_to(root).as_posix()
        for place, start in enumerate(range(0, len(code), 700)):
            piece = code[start : start + 700]
            lines = [len(line) for line in piece.splitlines()]
            info = {"size": len(code), "words": piece.decode("latin-1").split()[:3]}
            rows.append(
                {"path": name, "place": place, "value": piece, "lines": lines, "info": info}
            )
    assert len(rows) >= 5000, f"too few Python files in {root}"
    info_type = pa.struct([("size", pa.int64()), ("words", pa.list_(pa.string()))])
    schema = pa.schema(
        [
            pa.field("path", pa.string(), metadata={"root": "stdlib"}),
            pa.field("place", pa.int32(), nullable=False),
            pa.field("value", pa.binary(), metadata={"encoding": "mostly UTF-8"}),
            pa.field("lines", pa.list_(pa.int32())),
            pa.field("info", info_type),
        ],
        metadata={"corpus": "Python's standard library", "piece": "700"},
    )
    return pa.Table.from_pylist(rows, schema)


def generated_packages() -> pa.Table:
    """Generated records in the manner of a package index: small, and much alike."""
    rng = random.Random(11)
    names = [f"lib{text(rng.randint(3, 12), rng.randrange(MIB)).decode()}" for _ in range(3000)]
    names = [name.replace(" ", "-") for name in names]

    def value() -> bytes:
        depends = ", ".join(f"{n} (>= {rng.randrange(9)}.1)" for n in rng.sample(names, 4))
        return (
            f"Package: {rng.choice(names)}\nVersion: {rng.randrange(9)}.{rng.randrange(99)}-1\n"
            f"Installed-Size: {rng.randrange(10**5)}\nMaintainer: The Packagers\n"
            f"Architecture: all\nSection: {rng.choice(['libs', 'utils', 'doc'])}\n"
            f"Priority: optional\nDepends: {depends}\nMulti-Arch: foreign\n"
            f"Homepage: https://example.org/{rng.choice(names)}\n"
            f"Tag: devel::library, implemented-in::c, role::shared-lib\n"
            f"MD5sum: {rng.randbytes(16).hex()}\n"
        ).encode()

    values = [value() for _ in range(20_000)]
    return pa.table({"key": pa.array(f"package {n}" for n in range(20_000)), "value": values})


def generated_files() -> pa.Table:
    """Generated values of very different sizes, most of them some KiB."""
    rng = random.Random(12)
    sizes = [int(3000 * rng.lognormvariate(0, 1.5)) for _ in range(1500)]
    values = [text(min(size, MIB), rng.randrange(MIB)) for size in sizes]
    return pa.table({"key": [f"file {n}" for n in range(1500)], "value": values})


def corpus(name: str, generate: Any, folder: Path) -> Path:
    """A file of ZSTD_ARROW_CORPORA, or a generated one where that is not set."""
    if corpora := os.environ.get("ZSTD_ARROW_CORPORA"):
        path = Path(corpora) / f"{name}.parquet"
        assert path.is_file(), f"ZSTD_ARROW_CORPORA has no {path.name}"
        return path
    return write(generate(), folder / f"{name}.parquet", row_group_size=7000)


def stdlib(folder: Path) -> Path:
    """The standard library as a file of several row groups."""
    return write(stdlib_table(), folder / "stdlib.parquet", row_group_size=3000)


def deb(folder: Path) -> Path:
    """Package records."""
    return corpus("deb", generated_packages, folder)


def py(folder: Path) -> Path:
    """Whole files."""
    return corpus("py", generated_files, folder)


@pytest.fixture(
    scope="module", params=[(stdlib, 2.0), (deb, 3.0), (py, 3.0)], ids=["stdlib", "deb", "py"]
)
def trip(command: Command, request: pytest.FixtureRequest) -> Iterator[Trip]:
    """Real data, compressed with a trained dictionary, inspected, and decompressed."""
    make, least_ratio = request.param
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, small, back = make(folder), folder / "small.parquet", folder / "back.parquet"
        saved = folder / "saved.dict"
        flags = ["--train", 112_640, "--save-dictionary", saved, "--json"]
        done = command("compress", source, "-c", "value", "-o", small, *flags)
        inspected = command("inspect", small, "--json").report()
        command("decompress", small, "-o", back)
        dictionary = theirs(saved.read_bytes())
        yield Trip(source, small, back, dictionary, done.report(), inspected, least_ratio)


def test_real_data_comes_back(trip: Trip) -> None:
    """Without any argument the file becomes what it was: values, types, fields, row groups."""
    assert_tables(trip.after, trip.before)
    assert groups(trip.small) == groups(trip.back) == groups(trip.source)


def test_real_data_keeps_schema_metadata(trip: Trip) -> None:
    """Nothing of the schema's metadata is lost, and nothing of ours is left in it."""
    before, after = trip.before.schema.metadata, trip.after.schema.metadata
    assert after == before


def test_real_data_is_read_by_zstandard(trip: Trip) -> None:
    """Every frame of real data is read elsewhere with the saved dictionary."""
    reader = zstandard.ZstdDecompressor(dict_data=trip.dictionary)
    contents = [reader.decompress(frame) for frame in values_of(trip.compressed)]
    assert_values(contents, values_of(trip.before))


def test_real_data_is_told_truly(trip: Trip) -> None:
    """The report and `inspect` agree with what pyarrow counts, and the ratio is a good one."""
    sizes = pc.binary_length(trip.before["value"])
    stored_sizes = pc.binary_length(trip.compressed["value"])
    rows, raw, stored = len(sizes), pc.sum(sizes).as_py(), pc.sum(stored_sizes).as_py()
    (told,) = trip.report["columns"]
    assert (told["values"], told["nulls"]) == (rows, 0)
    assert (told["raw_bytes"], told["compressed_bytes"]) == (raw, stored)
    assert told["ratio"] == pytest.approx(raw / stored)
    assert told["ratio"] >= trip.least_ratio
    assert trip.report["input_bytes"] == trip.source.stat().st_size
    assert trip.report["output_bytes"] == trip.small.stat().st_size
    seen = next(column for column in trip.inspected["columns"] if column["name"] == "value")
    assert trip.inspected["rows"] == seen["rows"] == seen["frame_values"] == rows
    assert seen["marked"]
    assert seen["frames"]
    assert (seen["content_bytes"], seen["stored_bytes"]) == (raw, stored)
    assert seen["largest_content"] == pc.max(sizes).as_py()
    assert seen["largest_stored"] == pc.max(stored_sizes).as_py()
    assert (seen["unknown_sizes"], seen["checksums"]) == (0, 0)
    ids = [trip.dictionary.dict_id()]
    assert seen["dictionary_ids"] == trip.inspected["dictionary_ids"] == ids
    assert trip.report["dictionary_ids"] == ids


def test_real_data_is_stored_once(trip: Trip) -> None:
    """The file is hardly larger than its frames, its dictionary and its other columns."""
    others = sum(
        column.total_compressed_size
        for column in chunks_of(trip.source)
        if column.path_in_schema != "value"
    )
    frames = trip.report["columns"][0]["compressed_bytes"]
    # Base64 takes 4/3 of a dictionary; in the encoded Arrow schema again 4/3.
    dictionary = 2 * len(trip.dictionary)
    assert trip.small.stat().st_size < 1.05 * frames + 1.05 * others + dictionary


def chunks_of(file: Path) -> Iterator[Any]:
    """The column chunks of a Parquet file."""
    metadata = pq.read_metadata(file)
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            yield metadata.row_group(group).column(column)


@every_format
def test_inspect_foreign_frames(command: Command, folder: Path, ending: str) -> None:
    """`inspect` tells what foreign frames say of themselves, and what are no frames."""
    _, (first, _) = two_dictionaries(folder)
    sized, checked = zstd(A), zstd(C, write_checksum=True)
    named, bare = zstd(SAMPLES[0], dict_data=first), unsized(B)
    frames = [sized, checked, named, bare, sized + checked, None]
    table = table_of(frames).append_column("plain", pa.array(["some", "text", "", "", None, ""]))
    source = write(table, folder / f"in{ending}")
    told = {c["name"]: c for c in command("inspect", source, "--json").report()["columns"]}
    assert list(told) == ["value", "plain"]
    value = told["value"]
    assert value["frames"]
    assert not value["marked"]
    assert (value["rows"], value["nulls"], value["frame_values"]) == (6, 1, 5)
    assert value["stored_bytes"] == sum(len(f) for f in frames if f is not None)
    assert value["content_bytes"] == 2 * (len(A) + len(C)) + len(SAMPLES[0])
    assert (value["unknown_sizes"], value["checksums"]) == (1, 1)
    assert value["dictionary_ids"] == [70_001]
    assert value["largest_content"] == len(A) + len(C)
    assert not told["plain"]["frames"]
    assert told["plain"]["frame_values"] == 0
    assert command("inspect", source).stdout


def test_inspect_columns_of_one_name(command: Command, folder: Path) -> None:
    """Arrow lets two columns have one name: each is told as it is."""
    columns = [pa.array([zstd(A), zstd(B)]), pa.array(["some", "text!"])]
    source = write(pa.Table.from_arrays(columns, names=["twin", "twin"]), folder / "in.arrow")
    first, second = command("inspect", source, "--json").report()["columns"]
    assert (first["data_type"], second["data_type"]) == ("Binary", "Utf8")
    assert (first["frames"], second["frames"]) == (True, False)
    assert (first["content_bytes"], second["stored_bytes"]) == (len(A) + len(B), 9)


# ----------------------------------------------------------------------------------------- errors


def broken_block() -> bytes:
    """A frame whose headers are in order and whose only block is not."""
    block = (3 << 3 | 2 << 1 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd\x20\x05" + block + b"\xff\xff\xff"


def flipped_checksum() -> bytes:
    """A frame whose content is not what its checksum says."""
    whole = zstd(A, write_checksum=True)
    return whole[:-1] + bytes([whole[-1] ^ 1])


BAD = {
    "no-frame": (b"these are no frames", "bad magic number"),
    "short": (b"\x28\xb5", "truncated"),
    "empty": (b"", "empty"),
    "magic-only": (b"\x28\xb5\x2f\xfd", "truncated"),
    "truncated": (zstd(A)[:-1], "truncated"),
    "truncated-checksum": (zstd(A, write_checksum=True)[:-1], "truncated"),
    "truncated-skippable": (zstd(A) + skippable(b"note")[:-1], "truncated"),
    "trailing": (zstd(A) + b"more", "4 trailing bytes"),
    "broken-block": (broken_block(), "corrupt"),
    "checksum": (flipped_checksum(), "checksum"),
    "second-frame": (zstd(A) + flipped_checksum(), "checksum"),
}
every_bad_value = pytest.mark.parametrize(("bad", "says"), BAD.values(), ids=BAD.keys())
GOOD = [zstd(A), None, zstd(B), unsized(C)]
GOOD_VALUES = [A, None, B, C]


def bad_file(folder: Path, bad: bytes, ending: str = ".parquet") -> Path:
    """A file of 16 rows, of which row 9 is bad, in several row groups."""
    frames = GOOD * 4
    frames[9] = bad
    options = {"row_group_size": 6} if ending == ".parquet" else {}
    return write(table_of(frames), folder / f"frames{ending}", **options)


def leftovers(folder: Path) -> set[str]:
    """The names in a folder."""
    return {path.name for path in folder.iterdir()}


@every_bad_value
def test_error_names_file_column_and_row(
    command: Command, folder: Path, bad: bytes, says: str
) -> None:
    """A bad value ends the job with status 1, its place in the file, and what is wrong."""
    source = bad_file(folder, bad)
    job = ["decompress", source, "-c", "value", "-o", folder / "out.parquet"]
    done = command(*job, status=1)
    assert str(source) in done.stderr
    assert '"value"' in done.stderr
    assert "row 9" in done.stderr
    assert says in done.stderr
    assert done.stdout == b""
    assert leftovers(folder) == {source.name}
    error = command(*job, "--json", "--batch-rows", 2, status=1).error()
    assert error["row"] == 9
    assert says in error["error"]


@every_format
def test_lowest_bad_row_is_named(command: Command, folder: Path, ending: str) -> None:
    """Of several bad rows the first is named, for any number of threads."""
    frames = GOOD * 500
    for row in (1400, 77, 1999, 1203):
        frames[row] = b"bad"
    source = write(table_of(frames), folder / f"in{ending}")
    for threads in (0, 1, 4):
        job = ["decompress", source, "-c", "value", "-o", folder / f"out{ending}", "--json"]
        assert command(*job, "--threads", threads, status=1).error()["row"] == 77


@every_bad_value
def test_bad_row_becomes_null(command: Command, folder: Path, bad: bytes, says: str) -> None:
    """`--on-error null` makes just the bad row null, and lists it."""
    source, target = bad_file(folder, bad), folder / "out.parquet"
    flags = ["--on-error", "null", "--json", "--batch-rows", 4]
    done = command("decompress", source, "-c", "value", "-o", target, *flags)
    expected = GOOD_VALUES * 4
    expected[9] = None
    assert_values(values_of(read(target)), expected)
    (told,) = done.report()["columns"]
    assert told["failed"] == 1
    assert [failure["row"] for failure in told["failures"]] == [9]
    assert says in told["failures"][0]["error"]


@every_format
def test_all_bad_rows_become_null(command: Command, folder: Path, ending: str) -> None:
    """All bad rows and no others become null: nulls that were there are no failures."""
    frames, expected = GOOD * 100, GOOD_VALUES * 100
    bad = sorted(random.Random(5).sample([row for row in range(400) if row % 4 != 1], 60))
    for row, (value, _) in zip(bad, list(BAD.values()) * 10):
        frames[row], expected[row] = value, None
    source, target = write(table_of(frames), folder / f"in{ending}"), folder / f"out{ending}"
    flags = ["--on-error", "null", "--json", "--batch-rows", 37]
    done = command("decompress", source, "-c", "value", "-o", target, *flags)
    assert_values(values_of(read(target)), expected)
    (told,) = done.report()["columns"]
    assert told["failed"] == 60
    assert [failure["row"] for failure in told["failures"]] == bad


def test_many_bad_rows_are_counted(command: Command, folder: Path) -> None:
    """Beyond the rows that are listed one by one all are counted; a person is told some."""
    source = write(table_of([b"bad"] * 250 + [zstd(B)]), folder / "in.parquet")
    job = ["decompress", source, "-c", "value", "-o", folder / "out.parquet", "--on-error", "null"]
    (told,) = command(*job, "--json").report()["columns"]
    assert told["failed"] == 250
    assert [failure["row"] for failure in told["failures"]] == list(range(100))
    shown = command(*job).stdout.decode()
    assert "250" in shown
    assert "row 0" in shown
    assert_values(values_of(read(folder / "out.parquet")), [None] * 250 + [B])


def test_bad_row_of_a_dictionary_column(command: Command, folder: Path) -> None:
    """In a dictionary column each row with a bad value is null, and the first is named."""
    frames = [zstd(A), zstd(B), b"bad", None, zstd(A), b"bad"]
    stored = pa.dictionary(pa.int32(), pa.binary())
    source = write(table_of(frames, stored), folder / "in.arrow")
    job = ["decompress", source, "-c", "value", "-o", folder / "out.arrow", "--json"]
    assert command(*job, status=1).error()["row"] == 2
    (told,) = command(*job, "--on-error", "null").report()["columns"]
    assert [failure["row"] for failure in told["failures"]] == [2, 5]
    assert_values(values_of(read(folder / "out.arrow")), [A, B, None, None, A, None])


def test_text_that_is_none(command: Command, folder: Path) -> None:
    """`--utf8` finds the row that is no text, and can make it null."""
    values = [b"text", None, "grüße".encode(), b"\xff\xfe", "ü".encode()[:1], b""]
    source = write(table_of(made_there(values)), folder / "in.parquet")
    job = ["decompress", source, "-c", "value", "-o", folder / "out.parquet", "--utf8", "--json"]
    error = command(*job, status=1).error()
    assert error["row"] == 3
    assert "UTF-8" in error["error"]
    (told,) = command(*job, "--on-error", "null").report()["columns"]
    assert [failure["row"] for failure in told["failures"]] == [3, 4]
    expected = [b"text", None, "grüße".encode(), None, None, b""]
    assert_values(values_of(read(folder / "out.parquet")), expected)


@known_or_not
def test_value_size_limit(command: Command, folder: Path, content_size: bool) -> None:
    """`--max-value-size` passes a value of just that size, and names the first larger one."""
    values = [text(1000), text(1001), text(10)]
    frames = made_there(values, write_content_size=content_size)
    assert_values(values_of(read_here(command, folder, frames, "--max-value-size", "1001")), values)
    job = ["decompress", folder / "frames.parquet", "-c", "value", "-o", folder / "out.parquet"]
    limited = [*job, "--max-value-size", "1000", "--json"]
    error = command(*limited, status=1).error()
    assert error["row"] == 1
    assert "1000" in error["error"]
    command(*limited, "--on-error", "null")
    assert_values(values_of(read(folder / "out.parquet")), [values[0], None, values[2]])


def test_window_limit(command: Command, folder: Path) -> None:
    """`--max-window-log` refuses a frame that wants more memory, and names its row."""
    made = zstandard.ZstdCompressor(compression_params=parameters(window_log=20)).compressobj()
    streamed = made.compress(A) + made.flush()
    assert zstandard.get_frame_parameters(streamed).window_size == MIB
    write(table_of([zstd(b"small"), streamed]), folder / "frames.parquet")
    job = [folder / "frames.parquet", "-c", "value", "-o", folder / "out.parquet"]
    command("decompress", *job, "--max-window-log", "20")
    error = command("decompress", *job, "--max-window-log", "19", "--json", status=1).error()
    assert error["row"] == 1
    assert "window" in error["error"]


def test_claimed_size_is_not_believed(command: Command, folder: Path) -> None:
    """A header that claims an exbibyte over a few bytes is an error, not a lack of memory."""
    claim = b"\x28\xb5\x2f\xfd\xe0" + (1 << 60).to_bytes(8, "little")
    block = (4 << 3 | 1).to_bytes(3, "little") + b"data"
    source = bad_file(folder, claim + block)
    job = ["decompress", source, "-c", "value", "-o", folder / "out.parquet", "--json"]
    error = command(*job, status=1).error()
    assert error["row"] == 9
    assert str(1 << 60) in error["error"]


USAGE = {
    "nothing": [],
    "unknown-command": ["squash", "in.parquet"],
    "unknown-option": ["compress", "in.parquet", "-c", "value", "-o", "o.parquet", "--fast"],
    "no-column": ["compress", "in.parquet", "-o", "o.parquet"],
    "no-output": ["compress", "in.parquet", "-c", "value"],
    "level-too-high": ["compress", "in.parquet", "-c", "value", "-o", "o.parquet", "--level=23"],
    "level-no-number": ["compress", "in.parquet", "-c", "value", "-o", "o.parquet", "--level=x"],
    "window-too-small": [
        *["compress", "in.parquet", "-c", "value", "-o", "o.parquet", "--window-log=9"]
    ],
    "two-dictionaries": [
        *["compress", "in.parquet", "-c", "value", "-o", "o.parquet"],
        *["--dictionary", "in.parquet", "--train", "4096"],
    ],
    "save-nothing": [
        *["compress", "in.parquet", "-c", "value", "-o", "o.parquet", "--save-dictionary", "d"]
    ],
    "bad-size": ["train", "in.parquet", "-c", "value", "-o", "d", "--size", "big"],
    "column-twice": ["compress", "in.parquet", "-c", "value", "-c", "value", "-o", "o.parquet"],
    "frames-again": ["compress", "small.parquet", "-c", "value", "-o", "o.parquet"],
    "nothing-marked": ["decompress", "in.parquet", "-o", "o.parquet"],
    "no-batch-rows": [
        *["compress", "in.parquet", "-c", "value", "-o", "o.parquet", "--batch-rows", "0"]
    ],
    "bad-on-error": [*["decompress", "small.parquet", "-o", "o.parquet", "--on-error", "ignore"]],
}


def located(folder: Path, arguments: Sequence[str]) -> list[object]:
    """Arguments with file names as paths in a folder."""
    names = {"text.txt", "d", *(name for name in arguments if name.endswith(".parquet"))}
    return [folder / argument if argument in names else argument for argument in arguments]


def prepare(command: Command, folder: Path) -> set[str]:
    """A table, the same compressed, a tiny one, a file that is none, and one that is cut off."""
    source = write(table_of(SAMPLES[:100]), folder / "in.parquet")
    write(table_of(SAMPLES[:3]), folder / "tiny.parquet")
    command("compress", source, "-c", "value", "-o", folder / "small.parquet")
    (folder / "text.txt").write_text("This is no table.\n")
    (folder / "cut.parquet").write_bytes(source.read_bytes()[:-100])
    return leftovers(folder)


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE.keys())
def test_wrong_usage_is_status_2(command: Command, folder: Path, arguments: Sequence[str]) -> None:
    """What cannot be meant ends with status 2, a reason, and no file."""
    before = prepare(command, folder)
    done = command(*located(folder, arguments), status=2)
    assert done.stderr.strip()
    assert done.stdout == b""
    assert leftovers(folder) == before


FAILURES = {
    "no-file": (
        ["compress", "none.parquet", "-c", "value", "-o", "o.parquet"],
        ["none.parquet"],
    ),
    "no-table": (["compress", "text.txt", "-c", "value", "-o", "o.parquet"], ["text.txt"]),
    "cut-off": (["compress", "cut.parquet", "-c", "value", "-o", "o.parquet"], ["cut.parquet"]),
    "no-such-column": (
        ["compress", "in.parquet", "-c", "valve", "-o", "o.parquet"],
        ["in.parquet", "valve", "row", "value"],
    ),
    "no-binary-column": (
        ["compress", "in.parquet", "-c", "row", "-o", "o.parquet"],
        ["in.parquet", "row", "Int64"],
    ),
    "no-folder": (
        ["compress", "in.parquet", "-c", "value", "-o", "nowhere/o.parquet"],
        ["nowhere"],
    ),
    "no-dictionary-file": (
        ["compress", "in.parquet", "-c", "value", "-o", "o.parquet", "--dictionary", "d"],
        ["/d"],
    ),
    "inspect-no-file": (["inspect", "none.parquet"], ["none.parquet"]),
    "train-no-file": (["train", "none.parquet", "-c", "value", "-o", "d"], ["none.parquet"]),
    "train-no-column": (
        ["train", "in.parquet", "-c", "valve", "-o", "d"],
        ["in.parquet", "valve"],
    ),
    "train-too-little": (
        ["train", "tiny.parquet", "-c", "value", "-o", "d"],
        ["tiny.parquet", "value", "3 samples"],
    ),
    "no-frames": (
        ["decompress", "in.parquet", "-c", "value", "-o", "o.parquet"],
        ["in.parquet", "value", "row 0"],
    ),
    "stdin-no-stream": (["decompress", "-", "-o", "-"], ["-"]),
}


@pytest.mark.parametrize(("arguments", "names"), FAILURES.values(), ids=FAILURES.keys())
def test_failure_is_status_1(
    command: Command, folder: Path, arguments: Sequence[str], names: Sequence[str]
) -> None:
    """What data or files are to blame for ends with status 1, says which, and leaves no file."""
    before = prepare(command, folder)
    done = command(*located(folder, arguments), status=1)
    assert [name for name in names if name not in done.stderr] == []
    assert done.stdout == b""
    assert leftovers(folder) == before
    error = command(*located(folder, arguments), "--json", status=1).error()
    assert [name for name in names if name not in error["error"]] == []


def test_success_is_status_0(command: Command, folder: Path) -> None:
    """A job that did what it was told says so once, on standard output, or not at all."""
    source = write(table_of(SAMPLES), folder / "in.parquet")
    job = ["compress", source, "-c", "value", "-o", folder / "out.parquet"]
    done = command(*job)
    assert b"value" in done.stdout
    assert done.stderr == ""
    done = command(*job, "--quiet")
    assert (done.stdout, done.stderr) == (b"", "")
    assert command(*job, "--quiet", "--json").report()["rows"] == len(SAMPLES)
    assert command("--version").stdout.startswith(b"zstd-arrow ")


def test_failure_leaves_old_output(command: Command, folder: Path) -> None:
    """A job that fails late leaves the file that was there, and nothing beside it."""
    frames = [zstd(text(1000, n)) for n in range(5000)]
    frames[-1] = b"bad"
    source = write(table_of(frames), folder / "in.parquet", row_group_size=500)
    (folder / "out.parquet").write_bytes(b"old")
    before = leftovers(folder)
    command("decompress", source, "-c", "value", "-o", folder / "out.parquet", status=1)
    assert (folder / "out.parquet").read_bytes() == b"old"
    assert leftovers(folder) == before


@pytest.mark.parametrize("ending", [".parquet", ".arrow"], ids=["parquet", "ipc-file"])
def test_output_may_be_the_input(command: Command, folder: Path, ending: str) -> None:
    """A file may be replaced by what it becomes."""
    table = table_of(SAMPLES)
    path = write(table, folder / f"in{ending}")
    command("compress", path, "-c", "value", "-o", path)
    assert_values(read_there(values_of(read(path))), SAMPLES)
    command("decompress", path, "-o", path)
    assert_tables(read(path), table)


def test_rows_of_nulls_are_told(command: Command, folder: Path) -> None:
    """The report counts values, nulls and bytes as they are."""
    source = write(table_of(MIXED), folder / "in.parquet")
    done = command("compress", source, "-c", "value", "-o", folder / "out.parquet", "--json")
    (told,) = done.report()["columns"]
    counted = collections.Counter(value is None for value in MIXED)
    assert (told["values"], told["nulls"]) == (counted[False], counted[True])
    assert told["raw_bytes"] == sum(len(value) for value in MIXED if value is not None)
    assert done.report()["rows"] == len(MIXED)
