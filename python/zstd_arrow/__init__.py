"""Whole binary columns through zstd, in Arrow memory.

A table has a binary column whose every value is a zstd frame. One call turns the whole column into
its values, or values into frames: straight from Arrow memory to Arrow memory, on all cores, without
the GIL, with no Python object for a value.

>>> import pyarrow as pa
>>> import zstd_arrow as za
>>> values = pa.array([b"one value", None, b"another value"])
>>> frames = za.compress(values, level=3)
>>> za.decompress(frames).to_pylist()
[b'one value', None, b'another value']

Columns are objects with the Arrow PyCapsule interface: of pyarrow, Polars, DuckDB, pandas,
nanoarrow, arro3, and python-zstandard's buffer objects. pyarrow gives back pyarrow, Polars gives
back Polars, a pandas Series gives one back over Arrow memory, everything else an arro3 object;
chunked columns stay chunked.

| what | names |
| --- | --- |
| columns | `compress`, `decompress`, `decompressed_size`, `frame_info` |
| tables whose columns say how they were compressed | `compress_table`, `decompress_table` |
| the same for Parquet and Arrow IPC files | `compress_parquet`, `decompress_parquet` |
| dictionaries | `Dictionary`, `train_dictionary`, `read_dictionaries` |
| many values in one buffer | `BufferWithSegments`, `BufferWithSegmentsCollection` and their parts |
| memory that waits for the next call | `idle_memory`, `set_idle_limit` |
| python-zstandard's buffer and multi functions | the module `zstd_arrow.zstandard` |
| the same functions inside of queries | the modules `zstd_arrow.polars`, `.duckdb`, `.spark` |

Bad data is a `ZstdError` that names the row, a wrong type a `TypeError`, an option out of its range
a `ValueError`. Ctrl-C ends a long call. Every function may be called from several threads at once.
"""

from zstd_arrow._columns import compress, decompress, decompressed_size, frame_info
from zstd_arrow._dictionary import Dictionary, train_dictionary
from zstd_arrow._memory import idle_memory, set_idle_limit
from zstd_arrow._native import __version__
from zstd_arrow._segments import (
    BufferSegment,
    BufferSegments,
    BufferWithSegments,
    BufferWithSegmentsCollection,
)
from zstd_arrow._tables import (
    compress_parquet,
    compress_table,
    decompress_parquet,
    decompress_table,
    read_dictionaries,
)
from zstd_arrow.errors import ZstdError

__all__ = [
    "BufferSegment",
    "BufferSegments",
    "BufferWithSegments",
    "BufferWithSegmentsCollection",
    "Dictionary",
    "ZstdError",
    "__version__",
    "compress",
    "compress_parquet",
    "compress_table",
    "decompress",
    "decompress_parquet",
    "decompress_table",
    "decompressed_size",
    "frame_info",
    "idle_memory",
    "read_dictionaries",
    "set_idle_limit",
    "train_dictionary",
]
