"""What the modules for Polars, DuckDB and Spark have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zstd_arrow._dictionary import Dictionary

if TYPE_CHECKING:
    from zstd_arrow._dictionary import _AnyDictionary


def digested(dictionary: _AnyDictionary) -> Dictionary:
    """Any dictionary as one of ours: digested once for all batches, and it can be pickled."""
    if isinstance(dictionary, Dictionary):
        return dictionary
    as_bytes = getattr(dictionary, "as_bytes", None)
    if as_bytes is None:
        try:
            return Dictionary(dictionary)  # type: ignore[arg-type]
        except TypeError:
            message = "a dictionary is a zstd_arrow.Dictionary or its bytes"
            raise TypeError(message) from None
    from zstd_arrow.zstandard import DICT_TYPE_RAWCONTENT

    # The drop-in's says how it is to be read; python-zstandard's does not.
    raw_content = getattr(dictionary, "_dict_type", None) == DICT_TYPE_RAWCONTENT
    return Dictionary(as_bytes(), raw_content=raw_content)


def all_digested(
    dictionaries: _AnyDictionary | Sequence[_AnyDictionary] | None,
) -> list[Dictionary]:
    """None, one or several, as a list."""
    if dictionaries is None:
        return []
    if isinstance(dictionaries, list | tuple):
        return [digested(dictionary) for dictionary in dictionaries]
    return [digested(dictionaries)]  # type: ignore[arg-type]
