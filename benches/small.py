"""Small calls from Python, in microseconds: the least of five repeats.

python benches/small.py
"""

from __future__ import annotations

import timeit
from collections.abc import Callable

import pyarrow as pa
import zstandard
import zstd_arrow as za
import zstd_arrow.zstandard as drop_in

VALUE = b"hello world, hello world" * 4


def microseconds(call: Callable[[], object], calls: int) -> float:
    return min(timeit.repeat(call, number=calls, repeat=5)) / calls * 1e6


def say(what: str, time: float) -> None:
    print(f"{what:<58} {time:>10.2f}")


def main() -> None:
    items = [b"some item %d" % i for i in range(20_000)]
    frames = [zstandard.ZstdCompressor().compress(item) for item in items]
    for name, module in (("python-zstandard", zstandard), ("zstd_arrow.zstandard", drop_in)):
        compressor, decompressor = module.ZstdCompressor(), module.ZstdDecompressor()
        frame = compressor.compress(VALUE)
        say(f"{name}: compress", microseconds(lambda: compressor.compress(VALUE), 2000))
        say(f"{name}: decompress", microseconds(lambda: decompressor.decompress(frame), 2000))
        call = compressor.multi_compress_to_buffer
        say(f"{name}: multi compress, 20,000", microseconds(lambda: call(items), 5))
        call = decompressor.multi_decompress_to_buffer
        say(f"{name}: multi decompress, 20,000", microseconds(lambda: call(frames), 5))
    none, ten = pa.array([], pa.binary()), pa.array([VALUE] * 10)
    compressed = za.compress(ten)
    say("compress, no rows", microseconds(lambda: za.compress(none, threads=1), 1000))
    say("compress, 10 rows", microseconds(lambda: za.compress(ten, threads=1), 1000))
    say("decompress, 10 rows", microseconds(lambda: za.decompress(compressed, threads=1), 1000))
    large = pa.array([b"x" * 100] * 1_000_000, pa.large_binary())
    buffer = za.BufferWithSegments.from_arrow(large)
    take = za.BufferWithSegments.from_arrow
    say("BufferWithSegments.from_arrow, 100 MB", microseconds(lambda: take(large), 100))
    say("pyarrow.array of it", microseconds(lambda: pa.array(buffer), 100))


if __name__ == "__main__":
    main()
