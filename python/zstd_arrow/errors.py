"""The package's exception."""

from __future__ import annotations

import re

_ROW = re.compile(r"row (\d+): ")


class ZstdError(Exception):
    """Bytes that are no zstd frame, a frame that is damaged, or work that libzstd refuses.

    Parameters
    ----------
    message : str
        What went wrong; ``str(error)`` is this text.
    row : int, optional
        The row that it went wrong in, from zero, over all chunks of the column. If it is not given,
        the one that the message begins with: Polars makes exceptions anew, from their text.

    Examples
    --------
    >>> import pyarrow as pa
    >>> import zstd_arrow as za
    >>> try:
    ...     za.decompress(pa.array([None, b"text"]))
    ... except za.ZstdError as error:
    ...     print(error.row, "|", error)
    1 | row 1: bad magic number 74 65 78 74: not a zstd frame (28 b5 2f fd)
    """

    __module__ = "zstd_arrow"

    row: int | None

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        if row is None and (found := _ROW.match(message)):
            row = int(found[1])
        self.row = row
