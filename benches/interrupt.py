"""How long a call goes on after Ctrl-C: `compress(level=19)` on columns that would take long.

python benches/interrupt.py
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time

import pyarrow as pa
import zstd_arrow as za

COLUMNS = [(8000, 20_000, None), (8000, 20_000, 1), (80, 1_000_000, 2), (1, 30_000_000, None)]


def column(rows: int, size: int) -> pa.Array:
    rng = random.Random(1)
    words = [bytes(rng.choices(b"abcdefgh", k=6)) for _ in range(500)]
    block = b" ".join(rng.choices(words, k=200_000))
    block *= size // len(block) + 2
    return pa.array([block[i % 997 :][:size] for i in range(rows)], pa.large_binary())


def main() -> None:
    for rows, size, threads in COLUMNS:
        values, sent = column(rows, size), []

        def interrupt(sent: list[float] = sent) -> None:
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        threading.Timer(0.3, interrupt).start()
        try:
            za.compress(values, level=19, threads=threads)
        except KeyboardInterrupt:
            took = time.monotonic() - sent[0]
            print(f"{rows} rows of {size} bytes, threads={threads}: {took:.3f} s after the signal")


if __name__ == "__main__":
    main()
