"""Mixed calls from many threads for a time: no failure, and memory that does not grow.

    python tests/python/soak.py --seconds 3600 --threads 8

Prints the number of calls, the resident memory, and what of it waits for later results
(`zstd_arrow.idle_memory`), each tenth of the time, after calls that fill what is kept. It fails if
a call gives another result than it has to, or if the memory of the last tenth is more than 2 % and
`--noise` MiB above that of the third. (With MALLOC_ARENA_MAX=2, as `make soak-threads` runs it,
glibc does not keep an arena for each thread, whose gaps grow for a long time.)
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstd_arrow as za
import zstd_arrow.zstandard as drop_in

GROWTH = 0.02
WARM_UP_CALLS = 800
PARTS = 10


def resident() -> int:
    """Bytes of memory of this process, without the files that it maps."""
    with open("/proc/self/statm") as file:
        _, pages, shared, *_ = map(int, file.read().split())
    return (pages - shared) * os.sysconf("SC_PAGE_SIZE")


class Calls:
    """What is called: everything, on data of a few sizes."""

    def __init__(self, folder: Path) -> None:
        rng = random.Random(1)
        words = [rng.randbytes(rng.randrange(2, 9)).hex().encode() for _ in range(500)]

        def value(size: int) -> bytes:
            return b" ".join(rng.choices(words, k=size // 8))

        def column(count: int, size: int) -> pa.Array:
            values = [value(rng.randrange(size // 2, size * 2)) for _ in range(count)]
            values[count // 2] = None
            return pa.array(values, pa.large_binary())

        self.columns = [column(3000, 100), column(600, 1000), column(20, 60_000)]
        self.dictionary = za.train_dictionary(self.columns[1], 8192)
        self.frames = [za.compress(c, dictionary=self.dictionary) for c in self.columns]
        self.plain = [za.compress(c, content_size=False) for c in self.columns]
        self.bad = pa.array([b"no frame", *self.frames[1].to_pylist()[:500]], pa.large_binary())
        self.table = pa.table({"id": range(600), "payload": self.columns[1]})
        self.folder = folder
        pq.write_table(self.table, folder / "in.parquet", row_group_size=200)
        za.compress_parquet(folder / "in.parquet", folder / "small.parquet", ["payload"])

    def compress(self, rng: random.Random) -> bool:
        which, threads = rng.randrange(3), rng.choice([None, 1, 2])
        level = rng.choice([-3, 1, 3, 6])
        frames = za.compress(self.columns[which], level=level, threads=threads)
        return za.decompress(frames, threads=threads).equals(self.columns[which])

    def decompress(self, rng: random.Random) -> bool:
        which, threads = rng.randrange(3), rng.choice([None, 1, 2])
        values = za.decompress(self.frames[which], dictionary=self.dictionary, threads=threads)
        return values.equals(self.columns[which])

    def sizes_unknown(self, rng: random.Random) -> bool:
        which = rng.randrange(3)
        return za.decompress(self.plain[which]).equals(self.columns[which])

    def views(self, rng: random.Random) -> bool:
        column = self.columns[0].cast(pa.binary_view())
        return za.decompress(za.compress(column)).equals(column)

    def chunks(self, rng: random.Random) -> bool:
        column = pa.chunked_array([self.columns[0], self.columns[0].slice(5)])
        return za.decompress(za.compress(column)).equals(column)

    def bad_rows(self, rng: random.Random) -> bool:
        failed: list[za.ZstdError] = []
        za.decompress(self.bad, dictionary=self.dictionary, on_error="null", failed=failed)
        try:
            za.decompress(self.bad, dictionary=self.dictionary)
        except za.ZstdError as error:
            return error.row == 0 and len(failed) == 1
        return False

    def headers(self, rng: random.Random) -> bool:
        frames = self.frames[rng.randrange(3)]
        return len(za.frame_info(frames)) == len(za.decompressed_size(frames))

    def train(self, rng: random.Random) -> bool:
        return za.train_dictionary(self.columns[1], 4096).id != 0

    def segments(self, rng: random.Random) -> bool:
        buffer = za.BufferWithSegments.from_arrow(self.columns[1], nulls="empty")
        at = rng.randrange(300)
        return bytes(buffer[at]) == (self.columns[1][at].as_py() or b"")

    def items(self, rng: random.Random) -> bool:
        values = [b"one item", b"", os.urandom(2000), b"x" * 10_000]
        frames = drop_in.ZstdCompressor().multi_compress_to_buffer(values, threads=2)
        back = drop_in.ZstdDecompressor().multi_decompress_to_buffer(frames, threads=2)
        return [value.tobytes() for value in back] == values

    def tables(self, rng: random.Random) -> bool:
        small = za.compress_table(self.table, ["payload"], train=4096)
        return za.decompress_table(small).equals(self.table)

    def files(self, rng: random.Random) -> bool:
        out = self.folder / f"out-{threading.get_ident()}.parquet"
        za.decompress_parquet(self.folder / "small.parquet", out)
        return pq.read_table(out).equals(self.table)

    def all(self) -> list[Callable[[random.Random], bool]]:
        """The calls; quick ones several times."""
        quick = [self.compress, self.decompress, self.sizes_unknown, self.views, self.chunks]
        rest = [self.bad_rows, self.headers, self.segments, self.items]
        return quick * 4 + rest * 4 + [self.train, self.tables, self.files]


def soak(seconds: float, threads: int, noise: int) -> int:
    """Calls for so many seconds; 0 if all was well."""
    with tempfile.TemporaryDirectory(prefix="zstd-arrow-soak-") as folder:
        calls = Calls(Path(folder)).all()
        ended, wrong = threading.Event(), []
        done: Counter[str] = Counter()
        lock = threading.Lock()

        def work(number: int) -> None:
            rng = random.Random(number)
            while not ended.is_set():
                call = rng.choice(calls)
                try:
                    good = call(rng)
                except BaseException as error:
                    wrong.append(f"{call.__name__}: {type(error).__name__}: {error}")
                    ended.set()
                    return
                with lock:
                    done[call.__name__] += 1
                if not good:
                    wrong.append(f"{call.__name__}: another result")
                    ended.set()

        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        [worker.start() for worker in workers]
        while done.total() < WARM_UP_CALLS and not ended.is_set():
            time.sleep(0.05)
        begin = time.monotonic()
        memory: list[int] = []
        for part in range(1, PARTS + 1):
            # The least of some looks: what is held between calls, not what one is in the middle of.
            looks = []
            while (now := time.monotonic() - begin) < seconds * part / PARTS and not ended.is_set():
                time.sleep(min(0.25, seconds * part / PARTS - now))
                looks.append(resident())
            gc.collect()
            memory.append(min(looks, default=resident()))
            idle = za.idle_memory() / 1e6
            said = f"{now:.0f} s: {done.total()} calls, {memory[-1] / 1e6:.1f} MB, {idle:.1f} idle"
            print(said, flush=True)
        ended.set()
        [worker.join() for worker in workers]
    print(", ".join(f"{name} {count}" for name, count in sorted(done.items())))
    first, last = memory[2], memory[-1]
    print(f"memory {first / 1e6:.1f} MB in the third tenth, {last / 1e6:.1f} MB in the last")
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    if last > first * (1 + GROWTH) + noise:
        print("memory has grown", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--noise", type=int, default=16, metavar="MIB")
    arguments = parser.parse_args()
    return soak(arguments.seconds, arguments.threads, arguments.noise << 20)


if __name__ == "__main__":
    sys.exit(main())
