# The result is of the package that the table is of, as in _columns.pyi.

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Literal, TypeAlias, TypedDict, overload, type_check_only

import polars as pl  # type: ignore[import-not-found, unused-ignore]
import pyarrow as pa  # type: ignore[import-not-found, import-untyped, unused-ignore]
from arro3.core import Table

from zstd_arrow._dictionary import Dictionary, _AnyDictionary
from zstd_arrow._typing import ArrowArrayExportable, ArrowStreamExportable, _Decoder

__all__ = [
    "compress_parquet",
    "compress_table",
    "decompress_parquet",
    "decompress_table",
    "read_dictionaries",
]

_Path: TypeAlias = str | PathLike[str]
_Names: TypeAlias = str | Sequence[str]

@type_check_only
class _Failure(TypedDict):
    row: int
    error: str

@type_check_only
class _ColumnReport(TypedDict):
    name: str
    values: int
    nulls: int
    raw_bytes: int
    compressed_bytes: int
    failed: int
    failures: list[_Failure]

@type_check_only
class _Report(TypedDict):
    rows: int
    columns: list[_ColumnReport]
    dictionary_ids: list[int]

@overload
def compress_table(  # type: ignore[overload-overlap, unused-ignore]
    table: pl.DataFrame,
    columns: _Names,
    *,
    dictionary: _AnyDictionary | dict[str, _AnyDictionary] | None = None,
    train: int | None = None,
    level: int = 3,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = None,
) -> pl.DataFrame: ...
@overload
def compress_table(
    table: pa.Table | pa.RecordBatch,
    columns: _Names,
    *,
    dictionary: _AnyDictionary | dict[str, _AnyDictionary] | None = None,
    train: int | None = None,
    level: int = 3,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = None,
) -> pa.Table: ...
@overload
def compress_table(
    table: ArrowArrayExportable | ArrowStreamExportable,
    columns: _Names,
    *,
    dictionary: _AnyDictionary | dict[str, _AnyDictionary] | None = None,
    train: int | None = None,
    level: int = 3,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = None,
) -> Table: ...
@overload
def decompress_table(  # type: ignore[overload-overlap, unused-ignore]
    table: pl.DataFrame,
    columns: _Names | None = None,
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    max_value_size: int | None = None,
    threads: int | None = None,
    decoder: _Decoder = "auto",
) -> pl.DataFrame: ...
@overload
def decompress_table(
    table: pa.Table | pa.RecordBatch,
    columns: _Names | None = None,
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    max_value_size: int | None = None,
    threads: int | None = None,
    decoder: _Decoder = "auto",
) -> pa.Table: ...
@overload
def decompress_table(
    table: ArrowArrayExportable | ArrowStreamExportable,
    columns: _Names | None = None,
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    max_value_size: int | None = None,
    threads: int | None = None,
    decoder: _Decoder = "auto",
) -> Table: ...
def compress_parquet(
    src: _Path,
    dst: _Path,
    columns: _Names,
    *,
    dictionary: _AnyDictionary | dict[str, _AnyDictionary] | None = None,
    train: int | None = None,
    level: int = 3,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> _Report: ...
def decompress_parquet(
    src: _Path,
    dst: _Path,
    columns: _Names | None = None,
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    max_value_size: int | None = None,
    threads: int | None = None,
    decoder: _Decoder = "auto",
    progress: Callable[[int], object] | None = None,
) -> _Report: ...
def read_dictionaries(path: _Path) -> list[Dictionary]: ...
