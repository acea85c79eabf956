"""zstd in Polars: the namespace ``.zstd`` of expressions and of Series.

Importing this module registers it, in eager and lazy queries, in the streaming engine, and in
``group_by``, ``over`` and ``list.eval``. The dtype of each result is known before the run.

>>> import polars as pl
>>> import zstd_arrow.polars
>>> events = pl.LazyFrame({"user": [1, 2, 1], "payload": ["a value", None, "another value"]})
>>> frames = events.with_columns(pl.col("payload").zstd.compress())
>>> frames.collect_schema()["payload"]
Binary
>>> frames.select(pl.col("payload").zstd.decompress(utf8=True)).collect()["payload"].to_list()
['a value', None, 'another value']

No value is copied between Polars and this package: both sides are Arrow's view layout.

**Threads.** A streaming query calls an expression for several batches (*morsels*) at a time, a
query of one batch calls it once. So by default all calls share this package's one pool, which has
as many threads as there are cores: a single batch is worked on by all of them, and batches side by
side take no more than that. ``threads=1`` works on the thread of Polars' that makes the call.

**Errors.** A bad row ends the query with a `zstd_arrow.ZstdError`. Its ``row`` counts from the
beginning of the batch that it is in, which in the streaming engine is not the whole column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import polars as pl  # type: ignore[import-not-found, unused-ignore]

from zstd_arrow import _columns
from zstd_arrow._dictionary import Dictionary, train_dictionary
from zstd_arrow._engines import all_digested, digested

if TYPE_CHECKING:
    from zstd_arrow._dictionary import _AnyDictionary
    from zstd_arrow._typing import _Decoder

__all__ = ["FRAME_INFO", "ZstdExpr", "ZstdSeries"]

FRAME_INFO = pl.Struct(
    {
        "content_size": pl.UInt64,
        "compressed_size": pl.UInt64,
        "window_size": pl.UInt64,
        "dictionary_id": pl.UInt32,
        "checksum": pl.Boolean,
        "frames": pl.UInt32,
    }
)
"""The dtype of ``frame_info``; see `zstd_arrow.frame_info` for what the fields are."""


def _by_row(
    column: pl.Expr, work: Callable[[pl.Series], pl.Series], dtype: pl.DataType | type[pl.DataType]
) -> pl.Expr:
    """An expression whose rows depend on no other rows."""
    # A wrong option is an error where it is written, and not in the middle of a query.
    work(pl.Series([], dtype=pl.Binary))
    return column.map_batches(work, return_dtype=dtype, is_elementwise=True)


def _trained(column: pl.Series, size: int, level: int) -> bytes:
    return bytes(train_dictionary(column, size, level))


@pl.api.register_expr_namespace("zstd")
class ZstdExpr:
    """The namespace ``zstd`` of expressions.

    Parameters
    ----------
    expr : polars.Expr
        A column of Binary or String.

    Examples
    --------
    For a type checker, which cannot know of ``pl.col("payload").zstd``:

    >>> import polars as pl
    >>> from zstd_arrow.polars import ZstdExpr
    >>> column = ZstdExpr(pl.col("payload"))
    >>> pl.select(payload=pl.lit("a value")).select(column.compress()).schema
    Schema([('payload', Binary)])
    """

    def __init__(self, expr: pl.Expr) -> None:
        self._expr = expr

    def compress(
        self,
        *,
        level: int = 3,
        dictionary: _AnyDictionary | None = None,
        checksum: bool = False,
        content_size: bool = True,
        dict_id: bool = True,
        threads: int | None = None,
    ) -> pl.Expr:
        """Each value as one zstd frame.

        Parameters
        ----------
        level, dictionary, checksum, content_size, dict_id, threads
            As of `zstd_arrow.compress`.

        Returns
        -------
        polars.Expr
            Binary; nulls stay null.

        Raises
        ------
        TypeError, ValueError
            An option is wrong, at once; in the run, the column is neither Binary nor String.

        Examples
        --------
        >>> import polars as pl
        >>> import zstd_arrow.polars
        >>> df = pl.DataFrame({"payload": [b"a value", None]})
        >>> frames = df.select(pl.col("payload").zstd.compress(level=9, checksum=True))
        >>> frames.schema, frames["payload"].null_count()
        (Schema([('payload', Binary)]), 1)
        """
        work = partial(
            _columns.compress,
            level=level,
            dictionary=None if dictionary is None else digested(dictionary),
            checksum=checksum,
            content_size=content_size,
            dict_id=dict_id,
            threads=threads,
        )
        return _by_row(self._expr, work, pl.Binary)

    def decompress(
        self,
        *,
        dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
        utf8: bool = False,
        on_error: Literal["raise", "null"] = "raise",
        max_value_size: int | None = None,
        threads: int | None = None,
        decoder: _Decoder = "auto",
    ) -> pl.Expr:
        """The value in each row's frames.

        Parameters
        ----------
        dictionary, utf8, on_error, max_value_size, threads, decoder
            As of `zstd_arrow.decompress`.

        Returns
        -------
        polars.Expr
            Binary, or String with `utf8`; nulls stay null.

        Raises
        ------
        TypeError, ValueError
            An option is wrong, at once; in the run, the column is not Binary.
        zstd_arrow.ZstdError
            In the run: a row holds no frames, or damaged ones.

        Examples
        --------
        >>> import polars as pl
        >>> import zstd_arrow.polars
        >>> df = pl.select(payload=pl.lit("a value")).select(pl.col("payload").zstd.compress())
        >>> df.select(pl.col("payload").zstd.decompress(utf8=True)).item()
        'a value'
        """
        work = partial(
            _columns.decompress,
            dictionary=all_digested(dictionary),
            utf8=utf8,
            on_error=on_error,
            max_value_size=max_value_size,
            threads=threads,
            decoder=decoder,
        )
        return _by_row(self._expr, work, pl.String if utf8 else pl.Binary)

    def decompressed_size(self) -> pl.Expr:
        """Bytes of each value, from the frames' headers alone.

        Returns
        -------
        polars.Expr
            UInt64; null for a null, and where a frame does not say.

        Examples
        --------
        >>> import polars as pl
        >>> import zstd_arrow.polars
        >>> df = pl.select(payload=pl.lit("a value")).select(pl.col("payload").zstd.compress())
        >>> df.select(pl.col("payload").zstd.decompressed_size()).item()
        7
        """
        return _by_row(self._expr, _columns.decompressed_size, pl.UInt64)

    def frame_info(self) -> pl.Expr:
        """What the frames of each row say of themselves.

        Returns
        -------
        polars.Expr
            A struct, `FRAME_INFO`, with the fields of `zstd_arrow.frame_info`.

        Examples
        --------
        >>> import polars as pl
        >>> import zstd_arrow.polars
        >>> df = pl.select(payload=pl.lit("a value")).select(pl.col("payload").zstd.compress())
        >>> df.select(pl.col("payload").zstd.frame_info().struct.field("content_size")).item()
        7
        """
        return _by_row(self._expr, _columns.frame_info, FRAME_INFO)

    def train_dictionary(self, size: int = 112640, level: int = 3) -> pl.Expr:
        """An aggregate: the bytes of a dictionary, of the column or of each group.

        Parameters
        ----------
        size, level : int
            As of `zstd_arrow.train_dictionary`.

        Returns
        -------
        polars.Expr
            Binary, one value.

        Raises
        ------
        ValueError
            In the run: there is too little to learn from, or `size` is too small.

        Examples
        --------
        >>> import polars as pl
        >>> import zstd_arrow.polars
        >>> events = [f'{{"user": {i * 31}, "kind": "view"}}' for i in range(4000)]
        >>> df = pl.DataFrame({"shop": [i % 2 for i in range(4000)], "payload": events})
        >>> train = pl.col("payload").zstd.train_dictionary(1024)
        >>> dictionaries = df.group_by("shop").agg(train)
        >>> len(dictionaries), dictionaries["payload"].bin.size().max() <= 1024
        (2, True)
        """
        work = partial(_trained, size=size, level=level)
        return self._expr.map_batches(work, return_dtype=pl.Binary, returns_scalar=True)


@pl.api.register_series_namespace("zstd")
class ZstdSeries:
    """The namespace ``zstd`` of Series: the functions of `zstd_arrow`, as methods.

    Parameters
    ----------
    series : polars.Series
        Of Binary or String.

    Examples
    --------
    >>> import polars as pl
    >>> import zstd_arrow.polars
    >>> frames = pl.Series("payload", ["a value", None]).zstd.compress()
    >>> frames.dtype, frames.zstd.decompress(utf8=True).to_list()
    (Binary, ['a value', None])
    """

    def __init__(self, series: pl.Series) -> None:
        self._series = series

    def compress(
        self,
        *,
        level: int = 3,
        dictionary: _AnyDictionary | None = None,
        checksum: bool = False,
        content_size: bool = True,
        dict_id: bool = True,
        threads: int | None = None,
    ) -> pl.Series:
        """Each value as one zstd frame: `zstd_arrow.compress`."""
        return _columns.compress(
            self._series,
            level=level,
            dictionary=dictionary,
            checksum=checksum,
            content_size=content_size,
            dict_id=dict_id,
            threads=threads,
        )

    def decompress(
        self,
        *,
        dictionary: _AnyDictionary | Sequence[_AnyDictionary] | None = None,
        utf8: bool = False,
        on_error: Literal["raise", "null"] = "raise",
        max_value_size: int | None = None,
        threads: int | None = None,
        decoder: _Decoder = "auto",
    ) -> pl.Series:
        """The value in each row's frames: `zstd_arrow.decompress`."""
        return _columns.decompress(
            self._series,
            dictionary=dictionary,
            utf8=utf8,
            on_error=on_error,
            max_value_size=max_value_size,
            threads=threads,
            decoder=decoder,
        )

    def decompressed_size(self) -> pl.Series:
        """Bytes of each value: `zstd_arrow.decompressed_size`."""
        return _columns.decompressed_size(self._series)

    def frame_info(self) -> pl.Series:
        """What the frames say of themselves: `zstd_arrow.frame_info`."""
        return _columns.frame_info(self._series)

    def train_dictionary(self, size: int = 112640, level: int = 3) -> Dictionary:
        """A dictionary of what the values have in common: `zstd_arrow.train_dictionary`."""
        return train_dictionary(self._series, size, level)
