"""File jobs of the command against the scripts that a person would write instead.

    cargo build --release --features cli
    python benches/files.py [--rounds 5] [--corpora FOLDER] [--command PATH] [--json FILE]

The job is to compress, or decompress, one column of a Parquet file with a dictionary that is
there, at level 3, and to keep everything else: other columns, row groups, page settings. There are
three ways:

- `zstd-arrow`, the command, in a process of its own whose start and whose sync of the file to the
  disk are in its time;
- `loop`: pyarrow reads batches, python-zstandard does value after value, pyarrow writes;
- `multi`: the same with python-zstandard's `multi_compress_to_buffer` and
  `multi_decompress_to_buffer`, on all cores.

The two scripts run in this process, with everything imported, and do not sync. A round does all
three, each time another one first; the ratio of a round is the script's time over the command's.
The table has medians, and of the ratio the least and the greatest as well. Before it is measured,
each way is checked once: the same values, in all columns, as the file that all began with.

Files are `deb.parquet` and `py.parquet` in the folder that `--corpora` names, with their columns
`value`; without it a table of events that is made here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

COLUMN = "value"
LEVEL = 3
DICTIONARY_SIZE = 112_640
# The command's own default.
BATCH_ROWS = 16_384
GROUP_ROWS = 40_000
OURS = "zstd-arrow"

Values = Sequence[bytes | None]
Convert = Callable[[Values], Values]
Ways = dict[str, Callable[[Path, Path], None]]


# -------------------------------------------------------------------------------------------- data


def events(rows: int) -> pa.Table:
    """A table of events: their text in `value`, some of it in columns of other types as well."""
    rng = random.Random(16)
    words = [rng.randbytes(rng.randint(2, 5)).hex() for _ in range(3000)]
    weights = [1 / rank for rank in range(1, 3001)]
    kinds = ["view", "click", "purchase", "refund"]

    def value(row: int, kind: str) -> bytes:
        text = " ".join(rng.choices(words, weights, k=rng.randint(10, 60)))
        page = f"https://example.org/{rng.choice(words)}/{rng.randrange(10**4)}"
        user = f'"user": {rng.randrange(10**6)}, "session": "{rng.randbytes(8).hex()}"'
        event = f'"id": {row}, "kind": "{kind}", "page": "{page}", {user}, "text": "{text}"'
        return f"{{{event}}}".encode()

    chosen = rng.choices(kinds, [60, 30, 8, 2], k=rows)
    columns = {
        "id": pa.array(range(rows), pa.int64()),
        "time": pa.array([10**15 + n * 10**5 for n in range(rows)], pa.timestamp("us")),
        "kind": pa.array(chosen),
        "price": pa.array([rng.random() * 100 for _ in range(rows)]),
        COLUMN: pa.array([value(row, kind) for row, kind in enumerate(chosen)]),
    }
    return pa.table(columns)


def sources(settings: argparse.Namespace, folder: Path) -> Iterator[Path]:
    """The files to work on."""
    if settings.corpora:
        yield from (settings.corpora / "deb.parquet", settings.corpora / "py.parquet")
        return
    path = folder / "events.parquet"
    pq.write_table(events(settings.rows), path, compression="zstd", row_group_size=GROUP_ROWS)
    yield path


# ----------------------------------------------------------------------------------------- scripts


def script(source: Path, target: Path, convert: Convert, result: pa.DataType) -> None:
    """Puts a column of a Parquet file through a function, batch by batch."""
    with pq.ParquetFile(source) as file:
        place = file.schema_arrow.get_field_index(COLUMN)
        schema = file.schema_arrow.set(place, pa.field(COLUMN, result))
        with pq.ParquetWriter(target, schema, **written(schema, result)) as writer:
            for group in range(file.num_row_groups):
                batches = []
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[group]):
                    columns = batch.columns
                    column = convert(columns[place].to_pylist())
                    columns[place] = pa.array(column, result)
                    batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
                table = pa.Table.from_batches(batches, schema)
                writer.write_table(table, row_group_size=max(table.num_rows, 1))


def written(schema: pa.Schema, result: pa.DataType) -> dict[str, Any]:
    """The command's settings: frames as they are, everything else in zstd pages of level 1."""
    frames = result == pa.large_binary()
    others = [name for name in schema.names if not (frames and name == COLUMN)]
    compression = {name: "zstd" if name in others else "none" for name in schema.names}
    levels = dict.fromkeys(others, 1)
    return {
        "compression": compression,
        "compression_level": levels,
        "use_dictionary": others,
        "write_statistics": others,
    }


def over_values(convert: Callable[[list[bytes]], Sequence[bytes]]) -> Convert:
    """A function of values as one of values and nulls."""

    def converted(column: Values) -> Values:
        made = iter(convert([value for value in column if value is not None]))
        return [None if value is None else next(made) for value in column]

    return converted


def compressing(dictionary: zstandard.ZstdCompressionDict) -> Ways:
    """The scripts that compress."""
    compressor = zstandard.ZstdCompressor(LEVEL, dict_data=dictionary)

    def loop(column: Values) -> Values:
        return [None if value is None else compressor.compress(value) for value in column]

    def multi(column: list[bytes]) -> list[bytes]:
        return [item.tobytes() for item in compressor.multi_compress_to_buffer(column, threads=-1)]

    return {
        "loop": lambda *paths: script(*paths, loop, pa.large_binary()),
        "multi": lambda *paths: script(*paths, over_values(multi), pa.large_binary()),
    }


def decompressing(dictionary: zstandard.ZstdCompressionDict, values: pa.DataType) -> Ways:
    """The scripts that decompress."""
    decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)

    def loop(column: Values) -> Values:
        return [None if frame is None else decompressor.decompress(frame) for frame in column]

    def multi(column: list[bytes]) -> list[bytes]:
        made = decompressor.multi_decompress_to_buffer(column, threads=-1)
        return [item.tobytes() for item in made]

    return {
        "loop": lambda *paths: script(*paths, loop, values),
        "multi": lambda *paths: script(*paths, over_values(multi), values),
    }


# ----------------------------------------------------------------------------------------- command


def built() -> Path:
    """The release build of the command, where cargo puts it."""
    line = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
    done = subprocess.run(line, cwd=Path(__file__).parent, capture_output=True, check=True)
    return Path(json.loads(done.stdout)["target_directory"]) / "release" / OURS


def run(command: Path, *arguments: object) -> None:
    """Runs the command, without a report."""
    subprocess.run([command, *map(str, arguments), "--quiet"], check=True)


def jobs(command: Path, source: Path, folder: Path) -> Iterator[tuple[str, Path, Ways]]:
    """Both jobs on a file: their name, what they begin with, and the ways to do them."""
    trained, frames = folder / "dictionary", folder / "frames.parquet"
    run(command, "train", source, "-c", COLUMN, "-o", trained, "--size", DICTIONARY_SIZE)
    flags = ["-c", COLUMN, "--dictionary", trained, "--level", LEVEL]
    dictionary = zstandard.ZstdCompressionDict(trained.read_bytes())
    values = pq.read_schema(source).field(COLUMN).type

    def compress(before: Path, after: Path) -> None:
        run(command, "compress", before, "-o", after, *flags)

    def decompress(before: Path, after: Path) -> None:
        run(command, "decompress", before, "-o", after)

    yield "compress", source, {OURS: compress, **compressing(dictionary)}
    compress(source, frames)
    yield "decompress", frames, {OURS: decompress, **decompressing(dictionary, values)}


# ----------------------------------------------------------------------------------------- measure


@dataclass(frozen=True)
class Line:
    """What was measured of one way to do a job on a file."""

    file: str
    job: str
    way: str
    megabytes: float
    output_megabytes: float
    seconds: list[float]
    # Of each round: this way's time over the command's.
    ratios: list[float]

    def text(self) -> str:
        """The line of the table."""
        median, speed = statistics.median(self.seconds), self.megabytes
        shown = f"{self.file:<10} {self.job:<11} {self.way:<11} {median:8.3f} {speed / median:8.0f}"
        shown += f" {self.output_megabytes:10.1f}"
        if self.way == OURS:
            return shown
        least, most = min(self.ratios), max(self.ratios)
        return f"{shown} {statistics.median(self.ratios):8.2f}  ({least:.2f} to {most:.2f})"


HEAD = (
    f"{'file':<10} {'job':<11} {'way':<11} {'seconds':>8} {'MB/s':>8} {'output MB':>10} "
    f"{'ratio':>8}  (least to most)"
)


def seconds(way: Callable[[Path, Path], None], before: Path, after: Path) -> float:
    """How long a way takes; the file that it makes is a new one."""
    after.unlink(missing_ok=True)
    begin = time.perf_counter()
    way(before, after)
    return time.perf_counter() - begin


def check(source: Path, after: Path, dictionary: Path, job: str, way: str) -> None:
    """Ends the run if a file has not the values of the one that all began with."""
    expected, found = pq.read_table(source), pq.read_table(after)
    if job == "compress":
        theirs = zstandard.ZstdCompressionDict(dictionary.read_bytes())
        frames = found[COLUMN].to_pylist()
        decompress = zstandard.ZstdDecompressor(dict_data=theirs).decompress
        column = [None if frame is None else decompress(frame) for frame in frames]
        place = found.schema.get_field_index(COLUMN)
        array = pa.array(column, expected.schema.field(COLUMN).type)
        found = found.set_column(place, COLUMN, array)
    groups = [pq.read_metadata(path).num_row_groups for path in (source, after)]
    if not found.equals(expected) or groups[0] != groups[1]:
        sys.exit(f"{source.name}: {job} by {way} gives other values than the file had")


def measure(settings: argparse.Namespace, source: Path, folder: Path) -> Iterator[Line]:
    """Both jobs on a file, each in all ways, in turn."""
    column = pq.read_table(source, columns=[COLUMN])[COLUMN]
    megabytes = sum(len(value.as_py()) for value in column if value.is_valid) / 1e6
    for job, before, ways in jobs(settings.command, source, folder):
        after = folder / "after.parquet"
        sizes, times = {}, {way: [] for way in ways}
        for name, way in ways.items():
            seconds(way, before, after)
            check(source, after, folder / "dictionary", job, name)
            sizes[name] = after.stat().st_size / 1e6
        names = list(ways)
        for turn in range(settings.rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                times[name].append(seconds(ways[name], before, after))
        for name, taken in times.items():
            ratios = [one / ours for one, ours in zip(taken, times[OURS])]
            yield Line(source.stem, job, name, megabytes, sizes[name], taken, ratios)


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    versions = {"pyarrow": pa.__version__, "zstandard": zstandard.__version__}
    return {"cores": os.cpu_count(), "python": platform.python_version(), **versions}


def positive(text: str) -> int:
    """A number of at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--rows", type=positive, default=200_000, help="of the generated table")
    parser.add_argument("--corpora", type=Path, help="a folder with deb.parquet and py.parquet")
    parser.add_argument("--command", type=Path, help="zstd-arrow; by default cargo's release build")
    parser.add_argument("--json", type=Path, help="a file for every single time")
    settings = parser.parse_args()
    settings.command = (settings.command or built()).resolve()
    if not settings.command.is_file():
        parser.error("no such command: cargo build --release --features cli, or --command PATH")
    return settings


def main() -> None:
    """Measures, and prints a line for each way."""
    settings = arguments()
    told: dict[str, Any] = {"machine": machine(), "level": LEVEL, "rounds": settings.rounds}
    told["lines"] = []
    print(
        f"level {LEVEL}, a dictionary of {DICTIONARY_SIZE} bytes, {settings.rounds} rounds; medians"
    )
    print(f"{machine()}\n\n{HEAD}")
    with tempfile.TemporaryDirectory() as name:
        for source in sources(settings, Path(name)):
            for line in measure(settings, source, Path(name)):
                print(line.text(), flush=True)
                told["lines"].append(vars(line))
    if settings.json:
        settings.json.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
