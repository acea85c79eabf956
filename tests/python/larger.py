"""A Parquet file that is larger than the memory that a query over it gets.

The limit is the system's: what a process asks for beyond it, it does not get.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstd_arrow as za

ROWS, SIZE, GROUP = 120_000, 4000, 500
FILE_MB = 470
TIMEOUT_SECONDS = 120

PREAMBLE = """
import resource
import sys


def limit_growth():
    "From here on the process gets so many bytes more, which are fewer than the file has."
    with open("/proc/self/status") as status:
        (now,) = (int(line.split()[1]) << 10 for line in status if line.startswith("VmData"))
    most = now + int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


source, target = sys.argv[1:3]
"""


def write(path: Path) -> None:
    """Frames that are as large as their values, in small row groups."""
    rng = random.Random(1)
    with pq.ParquetWriter(path, pa.schema({"id": pa.int64(), "value": pa.large_binary()})) as out:
        for start in range(0, ROWS, GROUP):
            ids = pa.array(range(start, start + GROUP))
            values = [None if i % 100 == 7 else rng.randbytes(SIZE) for i in range(GROUP)]
            frames = za.compress(pa.array(values), level=1)
            out.write_table(pa.table([ids, frames], out.schema))
    assert path.stat().st_size > FILE_MB * 1_000_000


def run(code: str, source: Path, target: Path, limit_mb: int) -> subprocess.CompletedProcess[str]:
    """Runs a query in a process of its own, which calls `limit_growth` when it is ready."""
    assert limit_mb < FILE_MB
    arguments = [str(source), str(target), str(limit_mb * 1_000_000)]
    line = [sys.executable, "-c", PREAMBLE + code, *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)


def check(source: Path, target: Path) -> None:
    """The values in one file are those of the frames in the other, as pyarrow reads both."""
    frames, values = pq.ParquetFile(source), pq.ParquetFile(target)
    assert frames.metadata.num_rows == values.metadata.num_rows == ROWS
    schema = pa.schema({"id": pa.int64(), "value": pa.large_binary()})
    for left, right in zip(frames.iter_batches(5000), values.iter_batches(5000), strict=True):
        expected = pa.Table.from_batches([left])
        expected = expected.set_column(1, "value", za.decompress(expected["value"]))
        assert pa.Table.from_batches([right]).cast(schema).equals(expected)
