"""Two Python threads with a call each, against the two calls one after the other.

    python benches/gil.py [--rounds 15] [--megabytes 32]

Each call works on its own column with `threads=1`, so two threads can be twice as fast at the most.
A round does both ways, in turn; the figure is the ratio of the medians, so that 2 is perfect, and 1
is what a package would give that keeps the GIL. Two cores are needed that do nothing else.
"""

from __future__ import annotations

import argparse
import random
import statistics
import threading
import time
from collections.abc import Callable

import pyarrow as pa
import zstd_arrow as za

ROW_SIZE = 1000


def column(megabytes: int, seed: int) -> pa.Array:
    """Values of words, some frequent and some rare."""
    rng = random.Random(seed)
    words = [rng.randbytes(rng.randint(2, 9)) for _ in range(2000)]
    block = b"".join(rng.choices(words, [1 / rank for rank in range(1, 2001)], k=400_000))
    rows = megabytes * 1_000_000 // ROW_SIZE
    starts = [rng.randrange(len(block) - ROW_SIZE) for _ in range(rows)]
    return pa.array([block[start : start + ROW_SIZE] for start in starts], pa.large_binary())


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def at_once(calls: list[Callable[[], object]]) -> None:
    """Each call in a thread of its own."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def one_by_one(calls: list[Callable[[], object]]) -> None:
    """Each call in one other thread, after the one before."""
    at_once([lambda: [call() for call in calls]])


def measure(name: str, calls: list[Callable[[], object]], rounds: int) -> None:
    """Prints both medians and their ratio."""
    one_by_one(calls)
    turns = [
        (seconds(lambda: one_by_one(calls)), seconds(lambda: at_once(calls))) for _ in range(rounds)
    ]
    sequential, concurrent = (statistics.median(times) for times in zip(*turns))
    ratio = sequential / concurrent
    print(f"{name:<12} one by one {sequential:6.3f} s   at once {concurrent:6.3f} s   {ratio:.2f}")


def main() -> None:
    """Compresses and decompresses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--megabytes", type=int, default=32)
    settings = parser.parse_args()
    values = [column(settings.megabytes, seed) for seed in range(2)]
    frames = [za.compress(one) for one in values]

    def compressing(one: pa.Array) -> Callable[[], object]:
        return lambda: za.compress(one, level=3, threads=1)

    def decompressing(one: pa.Array) -> Callable[[], object]:
        return lambda: za.decompress(one, threads=1)

    measure("compress", [compressing(one) for one in values], settings.rounds)
    measure("decompress", [decompressing(one) for one in frames], settings.rounds)


if __name__ == "__main__":
    main()
