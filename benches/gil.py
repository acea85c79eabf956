"""Two Python threads with a call each, against the two calls one after the other.

    python benches/gil.py [--rounds 15] [--megabytes 32] [--row-size 16000] [--level 3]

Each call works on its own column with `threads=1`, so two threads can be twice as fast at the most.
A round does both ways, in turn; the figure is the ratio of the medians, so that 2 is perfect, and 1
is what a package would give that keeps the GIL. Two cores are needed that do nothing else; what
they can give is seen from python-zstandard, which does the same in the same way.
"""

from __future__ import annotations

import argparse
import random
import statistics
import threading
import time
from collections.abc import Callable

import pyarrow as pa
import zstandard
import zstd_arrow as za

Work = Callable[[], object]


def column(megabytes: int, row_size: int, seed: int) -> pa.Array:
    """Values of words, some frequent and some rare."""
    rng = random.Random(seed)
    words = [rng.randbytes(rng.randint(2, 9)) for _ in range(2000)]
    block = b"".join(rng.choices(words, [1 / rank for rank in range(1, 2001)], k=400_000))
    rows = megabytes * 1_000_000 // row_size
    starts = [rng.randrange(len(block) - row_size) for _ in range(rows)]
    return pa.array([block[start : start + row_size] for start in starts], pa.large_binary())


def seconds(work: Work) -> float:
    """How long some work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def at_once(calls: list[Work]) -> None:
    """Each call in a thread of its own."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def one_by_one(calls: list[Work]) -> None:
    """Each call in one other thread, after the one before."""
    at_once([lambda: [call() for call in calls]])


def measure(name: str, calls: list[Work], rounds: int) -> None:
    """Prints both medians and their ratio."""
    one_by_one(calls)
    turns = [
        (seconds(lambda: one_by_one(calls)), seconds(lambda: at_once(calls))) for _ in range(rounds)
    ]
    sequential, concurrent = (statistics.median(times) for times in zip(*turns))
    ratio = sequential / concurrent
    print(f"{name:<20} one by one {sequential:6.3f} s   at once {concurrent:6.3f} s   {ratio:.2f}")


def main() -> None:
    """Compresses and decompresses, and lets python-zstandard do the same for comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--megabytes", type=int, default=32, help="of values, for each call")
    parser.add_argument("--row-size", type=int, default=16_000, help="bytes of a value")
    parser.add_argument("--level", type=int, default=3)
    settings = parser.parse_args()
    level, rounds = settings.level, settings.rounds
    values = [column(settings.megabytes, settings.row_size, seed) for seed in range(2)]
    frames = [za.compress(one, level=level) for one in values]

    def compressing(one: pa.Array) -> Work:
        return lambda: za.compress(one, level=level, threads=1)

    def decompressing(one: pa.Array) -> Work:
        return lambda: za.decompress(one, threads=1)

    def compressing_there(one: pa.Array) -> Work:
        compressor, items = zstandard.ZstdCompressor(level), one.to_pylist()
        return lambda: compressor.multi_compress_to_buffer(items, threads=1)

    def decompressing_there(one: pa.Array) -> Work:
        decompressor, items = zstandard.ZstdDecompressor(), one.to_pylist()
        return lambda: decompressor.multi_decompress_to_buffer(items, threads=1)

    measure("compress", [compressing(one) for one in values], rounds)
    measure("  python-zstandard", [compressing_there(one) for one in values], rounds)
    measure("decompress", [decompressing(one) for one in frames], rounds)
    measure("  python-zstandard", [decompressing_there(one) for one in frames], rounds)


if __name__ == "__main__":
    main()
