# The result is of the package that the column is of. Where pyarrow or polars is not installed or
# has no types (pyarrow's are in pyarrow-stubs), its classes are Any here, and so are its results.
# A Polars or pandas Series is also a stream, and so overlaps with the last overload: the first one
# wins.

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, TypeVar, overload

import polars as pl  # type: ignore[import-not-found, unused-ignore]
import pyarrow as pa  # type: ignore[import-not-found, import-untyped, unused-ignore]
from arro3.core import Array, ChunkedArray

from zstd_arrow._dictionary import _AnyDictionary
from zstd_arrow._typing import (
    ArrowArrayExportable,
    ArrowStreamExportable,
    ForeignBuffer,
    ForeignCollection,
    PandasSeries,
    _Decoder,
)
from zstd_arrow.errors import ZstdError

__all__ = ["compress", "decompress", "decompressed_size", "frame_info"]

_PandasSeries = TypeVar("_PandasSeries", bound=PandasSeries)
_Sizes: TypeAlias = ArrowArrayExportable | ArrowStreamExportable | Sequence[int | None]

@overload
def compress(  # type: ignore[overload-overlap, unused-ignore]
    column: pl.Series,
    *,
    level: int = 3,
    dictionary: _AnyDictionary | None = None,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = None,
) -> pl.Series: ...
@overload
def compress(  # type: ignore[overload-overlap, unused-ignore]
    column: _PandasSeries,
    *,
    level: int = 3,
    dictionary: _AnyDictionary | None = None,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = None,
) -> _PandasSeries: ...
@overload
def compress(
    column: pa.Array[Any],
    *,
    level: int = 3,
    dictionary: _AnyDictionary | None = None,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = None,
) -> pa.Array[Any]: ...
@overload
def compress(
    column: pa.ChunkedArray[Any],
    *,
    level: int = 3,
    dictionary: _AnyDictionary | None = None,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = None,
) -> pa.ChunkedArray[Any]: ...
@overload
def compress(
    column: ArrowArrayExportable | ForeignBuffer,
    *,
    level: int = 3,
    dictionary: _AnyDictionary | None = None,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = None,
) -> Array: ...
@overload
def compress(
    column: ArrowStreamExportable | ForeignCollection,
    *,
    level: int = 3,
    dictionary: _AnyDictionary | None = None,
    checksum: bool = False,
    content_size: bool = True,
    dict_id: bool = True,
    threads: int | None = None,
) -> ChunkedArray: ...
@overload
def decompress(  # type: ignore[overload-overlap, unused-ignore]
    column: pl.Series,
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    failed: list[ZstdError] | None = None,
    sizes: _Sizes | None = None,
    max_value_size: int | None = None,
    max_output_size: int | None = None,
    threads: int | None = None,
    decoder: _Decoder = "auto",
) -> pl.Series: ...
@overload
def decompress(  # type: ignore[overload-overlap, unused-ignore]
    column: _PandasSeries,
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    failed: list[ZstdError] | None = None,
    sizes: _Sizes | None = None,
    max_value_size: int | None = None,
    max_output_size: int | None = None,
    threads: int | None = None,
    decoder: _Decoder = "auto",
) -> _PandasSeries: ...
@overload
def decompress(
    column: pa.Array[Any],
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    failed: list[ZstdError] | None = None,
    sizes: _Sizes | None = None,
    max_value_size: int | None = None,
    max_output_size: int | None = None,
    threads: int | None = None,
    decoder: _Decoder = "auto",
) -> pa.Array[Any]: ...
@overload
def decompress(
    column: pa.ChunkedArray[Any],
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    failed: list[ZstdError] | None = None,
    sizes: _Sizes | None = None,
    max_value_size: int | None = None,
    max_output_size: int | None = None,
    threads: int | None = None,
    decoder: _Decoder = "auto",
) -> pa.ChunkedArray[Any]: ...
@overload
def decompress(
    column: ArrowArrayExportable | ForeignBuffer,
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    failed: list[ZstdError] | None = None,
    sizes: _Sizes | None = None,
    max_value_size: int | None = None,
    max_output_size: int | None = None,
    threads: int | None = None,
    decoder: _Decoder = "auto",
) -> Array: ...
@overload
def decompress(
    column: ArrowStreamExportable | ForeignCollection,
    *,
    dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
    utf8: bool = False,
    on_error: Literal["raise", "null"] = "raise",
    failed: list[ZstdError] | None = None,
    sizes: _Sizes | None = None,
    max_value_size: int | None = None,
    max_output_size: int | None = None,
    threads: int | None = None,
    decoder: _Decoder = "auto",
) -> ChunkedArray: ...
@overload
def decompressed_size(column: pl.Series) -> pl.Series: ...  # type: ignore[overload-overlap, unused-ignore]
@overload
def decompressed_size(column: _PandasSeries) -> _PandasSeries: ...  # type: ignore[overload-overlap, unused-ignore]
@overload
def decompressed_size(column: pa.Array[Any]) -> pa.Array[Any]: ...
@overload
def decompressed_size(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]: ...
@overload
def decompressed_size(column: ArrowArrayExportable | ForeignBuffer) -> Array: ...
@overload
def decompressed_size(column: ArrowStreamExportable | ForeignCollection) -> ChunkedArray: ...
@overload
def frame_info(column: pl.Series) -> pl.Series: ...  # type: ignore[overload-overlap, unused-ignore]
@overload
def frame_info(column: _PandasSeries) -> _PandasSeries: ...  # type: ignore[overload-overlap, unused-ignore]
@overload
def frame_info(column: pa.Array[Any]) -> pa.Array[Any]: ...
@overload
def frame_info(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]: ...
@overload
def frame_info(column: ArrowArrayExportable | ForeignBuffer) -> Array: ...
@overload
def frame_info(column: ArrowStreamExportable | ForeignCollection) -> ChunkedArray: ...
