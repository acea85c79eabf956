"""Tables and files with marked columns: native functions, with signatures in the stub here."""

from zstd_arrow._native import (
    compress_parquet,
    compress_table,
    decompress_parquet,
    decompress_table,
    read_dictionaries,
)

__all__ = [
    "compress_parquet",
    "compress_table",
    "decompress_parquet",
    "decompress_table",
    "read_dictionaries",
]
