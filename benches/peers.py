"""Columns through this package and through the other ways to zstd that Python has.

    python benches/peers.py [--rounds 9] [--megabytes 32] [--corpora FOLDER] [--only records]
                            [--json FILE]

Every way gets an Arrow column and gives one back, at level 3, of the same values; what one has to
write for that around a library is in its time. A way that is marked with `as is` is let off the
second half: its result stays in the library's own type.

- `zstd_arrow first` finds no memory of an earlier call, `zstd_arrow again` does, as when the call
  is repeated and its results are dropped;
- `zstandard multi`, python-zstandard's `multi_decompress_to_buffer` or `multi_compress_to_buffer`,
  with a list, and with a BufferWithSegments over the column's own memory;
- `zstandard loop`, `backports.zstd`, `cramjam`, `numcodecs`, `pyarrow Codec`: a call a value;
- `Polars map_elements`, with python-zstandard.

Libraries that are not installed are left out, and so are those that take no dictionary where there
is one. A round does all ways, each time another one first: each once without being timed, then
three times, of which the least counts. (A virtual machine may tell its host every second or two
which pages are free. The host takes them, and whoever gets them next waits for each several times
as long as for one that the machine still has: that is no way's doing. `first` gives its output's
memory back to the system each time.) A figure is a median over the rounds, in MB/s of values; a
ratio is a way's time over that of `first` and of `again`, and has the least and the greatest of a
round behind it.

FOLDER has deb.parquet and py.parquet, with a column `value`: records of Debian's package index,
lines of them, Python's source files and pieces of 1 MB of those. Without it: values made here.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import zstandard
import zstd_arrow as za
from columns import by_size, bytes_of

LEVEL = 3
DICTIONARY_SIZE = 112_640
IDLE_LIMIT = 256 << 20
TRIES = 3
THREADS = (1, 2)
FIRST, AGAIN = "zstd_arrow first", "zstd_arrow again"

Way = Callable[[pa.Array], Any]


@dataclass
class Case:
    """A column, and what is done with it."""

    name: str
    values: pa.Array
    frames: pa.Array
    dictionary: za.Dictionary | None

    def of(self, job: str) -> tuple[pa.Array, pa.Array]:
        """What goes in and what comes out."""
        both = (self.values, self.frames)
        return both if job == "compress" else both[::-1]


# -------------------------------------------------------------------------------------------- ways


def loop(work: Callable[[bytes], bytes]) -> Way:
    """A call for each value."""
    return lambda column: pa.array([work(value) for value in column.to_pylist()], pa.large_binary())


def segments_of(column: pa.Array) -> zstandard.BufferWithSegments:
    """A LargeBinary column's own memory, and an index of pairs beside it."""
    _, offsets, values = column.buffers()
    offsets = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    pairs = np.stack([offsets[:-1], np.diff(offsets)], axis=1).astype(np.uint64)
    return zstandard.BufferWithSegments(values, pairs)


def column_of(found: zstandard.BufferWithSegmentsCollection) -> pa.Array:
    """One copy: the library does not give out the buffers that its segments lie in."""
    offsets = np.zeros(len(found) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, found), np.int64, len(found)), out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(found))]
    return pa.Array.from_buffers(pa.large_binary(), len(found), buffers)


def of_zstandard(case: Case, job: str, threads: int) -> Iterator[tuple[str, Way]]:
    dictionary = case.dictionary and zstandard.ZstdCompressionDict(bytes(case.dictionary))
    if job == "compress":
        if dictionary:
            dictionary.precompute_compress(level=LEVEL)
        tool = zstandard.ZstdCompressor(level=LEVEL, dict_data=dictionary)
        one, many = tool.compress, tool.multi_compress_to_buffer
    else:
        tool = zstandard.ZstdDecompressor(dict_data=dictionary)
        one, many = tool.decompress, tool.multi_decompress_to_buffer
    yield (
        "zstandard multi, list",
        lambda column: column_of(many(column.to_pylist(), threads=threads)),
    )
    yield (
        "zstandard multi, segments",
        lambda column: column_of(many(segments_of(column), threads=threads)),
    )
    yield (
        "zstandard multi, segments, as is",
        lambda column: many(segments_of(column), threads=threads),
    )
    if threads > 1:
        return
    yield "zstandard loop", loop(one)
    if polars := installed("polars"):
        yield (
            "Polars map_elements",
            lambda column: (
                polars.Series(column).map_elements(one, return_dtype=polars.Binary).to_arrow()
            ),
        )


def of_others(case: Case, job: str) -> Iterator[tuple[str, Way]]:
    """What has one thread."""
    if backports := installed("backports.zstd"):
        given = backports.ZstdDict(bytes(case.dictionary)) if case.dictionary else None
        if job == "compress":
            digested = given and given.as_digested_dict
            yield (
                "backports.zstd",
                loop(lambda value: backports.compress(value, LEVEL, zstd_dict=digested)),
            )
        else:
            yield "backports.zstd", loop(lambda frame: backports.decompress(frame, given))
    if case.dictionary:
        return
    if cramjam := installed("cramjam"):
        zstd = cramjam.zstd
        if job == "compress":
            yield "cramjam", loop(lambda value: bytes(zstd.compress(value, LEVEL)))
        else:
            yield "cramjam", loop(lambda frame: bytes(zstd.decompress(frame)))
    if numcodecs := installed("numcodecs.zstd"):
        if job == "compress":
            yield "numcodecs", loop(lambda value: numcodecs.compress(value, LEVEL))
        else:
            yield "numcodecs", loop(numcodecs.decompress)
    codec = pa.Codec("zstd", LEVEL)
    if job == "compress":
        yield "pyarrow Codec", loop(lambda value: codec.compress(value, asbytes=True))
    else:
        # It has to be told the sizes, and is.
        sizes = pa.compute.binary_length(case.values).to_pylist()

        def decompress(column: pa.Array) -> pa.Array:
            pairs = zip(column.to_pylist(), sizes, strict=True)
            found = [codec.decompress(frame, size, asbytes=True) for frame, size in pairs]
            return pa.array(found, pa.large_binary())

        yield "pyarrow Codec", decompress


def ways(case: Case, job: str, threads: int) -> dict[str, Way]:
    call = getattr(za, job)
    ours = lambda column: call(column, dictionary=case.dictionary, threads=threads)  # noqa: E731
    found = {FIRST: ours, AGAIN: ours}
    found.update(of_zstandard(case, job, threads))
    if threads == 1:
        found.update(of_others(case, job))
    return found


def installed(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


# --------------------------------------------------------------------------------------- measuring


def check(case: Case, job: str, all_ways: dict[str, Way]) -> None:
    """That every way gives the values, or frames of them."""
    given, expected = case.of(job)
    for name, way in all_ways.items():
        found = way(given)
        if isinstance(found, zstandard.BufferWithSegmentsCollection):
            found = column_of(found)
        found = found.cast(pa.large_binary())
        if job == "compress":
            found, expected = za.decompress(found, dictionary=case.dictionary), case.values
        if not found.equals(expected):
            sys.exit(f"{case.name}, {job}: {name} gives something else")


def seconds(way: Way, name: str, given: pa.Array) -> float:
    za.set_idle_limit(0 if name == FIRST else IDLE_LIMIT)
    # Not timed, and its result is dropped: what comes of what ran before is over with it.
    way(given)
    return min(seconds_once(way, given) for _ in range(TRIES))


def seconds_once(way: Way, given: pa.Array) -> float:
    begin = time.perf_counter()
    found = way(given)
    taken = time.perf_counter() - begin
    del found
    return taken


def measure(all_ways: dict[str, Way], given: pa.Array, rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in all_ways}
    names = list(all_ways)
    for turn in range(rounds):
        at = turn % len(names)
        for name in names[at:] + names[:at]:
            times[name].append(seconds(all_ways[name], name, given))
    return times


def ratio(theirs: list[float], ours: list[float]) -> dict[str, float]:
    each = [one / other for one, other in zip(theirs, ours, strict=True)]
    median = statistics.median(theirs) / statistics.median(ours)
    return {"ratio": median, "least": min(each), "greatest": max(each)}


def cases(settings: argparse.Namespace) -> Iterator[Case]:
    for name, values in by_size(settings.corpora, settings.megabytes * 10**6):
        if settings.only and name not in settings.only:
            continue
        kinds = {"records": (False, True), "lines": (True,)}.get(name, (False,))
        for with_dictionary in kinds:
            dictionary = None
            if with_dictionary:
                dictionary = za.train_dictionary(values, size=DICTIONARY_SIZE)
            frames = za.compress(values, level=LEVEL, dictionary=dictionary)
            label = f"{name}, dictionary" if with_dictionary else name
            yield Case(label, values, frames, dictionary)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--megabytes", type=int, default=32, help="of values in a column")
    parser.add_argument("--corpora", type=Path, help="a folder with deb.parquet and py.parquet")
    parser.add_argument("--only", nargs="+", help="columns: records, lines, files, '1 MB'")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    settings = parser.parse_args()
    print(
        f"level {LEVEL}, {settings.rounds} rounds, up to {settings.megabytes} MB a column, "
        f"{os.cpu_count()} cores; MB/s of values, medians\n"
        f"{'column':<20}{'job':<12}t  {'way':<34}{'MB/s':>6}   over first             over again"
    )
    figures = []
    for case in cases(settings):
        raw = bytes_of(case.values)
        for job in ("decompress", "compress"):
            for threads in THREADS:
                all_ways = ways(case, job, threads)
                check(case, job, all_ways)
                times = measure(all_ways, case.of(job)[0], settings.rounds)
                for name, found in times.items():
                    line = {
                        "column": case.name,
                        "rows": len(case.values),
                        "bytes": raw,
                        "job": job,
                        "threads": threads,
                        "way": name,
                        "mb_per_s": raw / statistics.median(found) / 1e6,
                    }
                    text = f"{case.name:<20}{job:<12}{threads}  {name:<34}{line['mb_per_s']:>6.0f}"
                    for key, ours in (("first", FIRST), ("again", AGAIN)):
                        line[key] = over = ratio(found, times[ours])
                        spread = f"({over['least']:.2f} to {over['greatest']:.2f})"
                        text += f"   {over['ratio']:>5.2f} {spread}"
                    print(text, flush=True)
                    figures.append(line)
    if settings.json:
        about = {"machine": platform.machine(), "cores": os.cpu_count(), "level": LEVEL}
        settings.json.write_text(json.dumps({"about": about, "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
