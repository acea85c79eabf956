"""Types of arguments, for type checkers; nothing here is needed at run time.

The Arrow protocols are those of the Arrow PyCapsule interface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    _Decoder: TypeAlias = Literal["auto", "libzstd", "batch"]


class ArrowArrayExportable(Protocol):
    """One Arrow array: of pyarrow, arro3, nanoarrow; a record batch of one column."""

    def __arrow_c_array__(
        self, requested_schema: object | None = None
    ) -> tuple[object, object]: ...


class ArrowStreamExportable(Protocol):
    """A stream of Arrow arrays: chunked arrays, Polars Series, pandas Series, DuckDB relations."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class PandasSeries(Protocol):
    """A pandas Series, told from other streams by what only it has."""

    @property
    def iloc(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class ForeignSegment(Protocol):
    """python-zstandard's ``BufferSegment``."""

    @property
    def offset(self) -> int: ...
    def __len__(self) -> int: ...
    def tobytes(self) -> bytes: ...


class ForeignBuffer(Protocol):
    """python-zstandard's ``BufferWithSegments``."""

    @property
    def size(self) -> int: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> ForeignSegment: ...
    def segments(self) -> object: ...
    def tobytes(self) -> bytes: ...


class ForeignCollection(Protocol):
    """python-zstandard's ``BufferWithSegmentsCollection``."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> ForeignSegment: ...
    def size(self) -> int: ...


class ForeignDictionary(Protocol):
    """A ``ZstdCompressionDict``: python-zstandard's, or that of ``zstd_arrow.zstandard``."""

    def as_bytes(self) -> bytes: ...
