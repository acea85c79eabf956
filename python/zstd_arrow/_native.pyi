# What is public is in the modules that it is public from; what is defined here is for
# zstd_arrow.zstandard alone.

from collections.abc import Sequence
from typing import TypeAlias, final

from typing_extensions import Buffer

from zstd_arrow._columns import compress as compress
from zstd_arrow._columns import decompress as decompress
from zstd_arrow._columns import decompressed_size as decompressed_size
from zstd_arrow._columns import frame_info as frame_info
from zstd_arrow._dictionary import Dictionary as Dictionary
from zstd_arrow._dictionary import train_dictionary as train_dictionary
from zstd_arrow._memory import idle_memory as idle_memory
from zstd_arrow._memory import set_idle_limit as set_idle_limit
from zstd_arrow._segments import BufferSegment as BufferSegment
from zstd_arrow._segments import BufferSegments as BufferSegments
from zstd_arrow._segments import BufferWithSegments as BufferWithSegments
from zstd_arrow._segments import BufferWithSegmentsCollection as BufferWithSegmentsCollection
from zstd_arrow._tables import compress_parquet as compress_parquet
from zstd_arrow._tables import compress_table as compress_table
from zstd_arrow._tables import decompress_parquet as decompress_parquet
from zstd_arrow._tables import decompress_table as decompress_table
from zstd_arrow._tables import read_dictionaries as read_dictionaries

__all__ = [
    "ZSTD_VERSION",
    "BufferSegment",
    "BufferSegments",
    "BufferWithSegments",
    "BufferWithSegmentsCollection",
    "Dictionary",
    "ItemCompressor",
    "__version__",
    "compress",
    "compress_parquet",
    "compress_table",
    "decompress",
    "decompress_item",
    "decompress_items",
    "decompress_parquet",
    "decompress_table",
    "decompressed_size",
    "estimate_context_size",
    "frame_info",
    "idle_memory",
    "parameters_of_level",
    "read_dictionaries",
    "set_idle_limit",
    "train_dictionary",
    "train_on_items",
]

__version__: str
ZSTD_VERSION: tuple[int, int, int]

# window_log, chain_log, hash_log, search_log, min_match, target_length, strategy
_LevelParameters: TypeAlias = tuple[int, int, int, int, int, int, int]

def parameters_of_level(level: int, source_size: int, dict_size: int) -> _LevelParameters: ...
def estimate_context_size(parameters: dict[str, int]) -> int: ...
def train_on_items(
    dict_size: int,
    samples: list[bytes],
    *,
    k: int,
    d: int,
    f: int,
    split_point: float,
    accel: int,
    notifications: int,
    dict_id: int,
    level: int,
    steps: int,
    threads: int,
) -> tuple[bytes, int, int]: ...

@final
class ItemCompressor:
    def __new__(
        cls,
        parameters: dict[str, int],
        dictionary: Dictionary | None = None,
        digest: _LevelParameters | None = None,
    ) -> ItemCompressor: ...
    def compress(self, data: Buffer) -> bytes: ...
    def compress_items(
        self,
        data: BufferWithSegments | BufferWithSegmentsCollection | Sequence[Buffer],
        threads: int,
    ) -> BufferWithSegmentsCollection: ...

def decompress_item(
    data: Buffer,
    dictionary: Dictionary | None,
    max_output_size: int,
    allow_extra_data: bool,
    magicless: bool,
    max_window_size: int,
) -> bytes: ...
def decompress_items(
    frames: BufferWithSegments | BufferWithSegmentsCollection | Sequence[Buffer],
    sizes: Buffer | None,
    dictionary: Dictionary | None,
    magicless: bool,
    max_window_size: int,
    threads: int,
) -> BufferWithSegmentsCollection: ...
