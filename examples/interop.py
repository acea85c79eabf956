"""From Rust to Polars by Arrow's C data interface, with nothing between them.

    cargo build --example interop
    python examples/interop.py target/debug/examples

`examples/interop.rs` is a library with one function, which fills the two C structs that the
interface is made of. Polars (like pyarrow, DuckDB, nanoarrow) takes them inside of PyCapsules.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import polars as pl

# struct ArrowArray has ten fields of 8 bytes, struct ArrowSchema nine.
ArrowArray = ctypes.c_byte * 80
ArrowSchema = ctypes.c_byte * 72


def capsule(struct: ctypes.Array[ctypes.c_byte], name: bytes) -> object:
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return new(ctypes.addressof(struct), name, None)


class Column:
    """An object with the Arrow PyCapsule interface, over structs that Rust filled."""

    def __init__(self, library: Path) -> None:
        values = ctypes.CDLL(str(library)).values
        values.restype, values.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_void_p)
        self._array, self._schema = ArrowArray(), ArrowSchema()
        self.address = values(ctypes.addressof(self._array), ctypes.addressof(self._schema))
        if not self.address:
            sys.exit("the column could not be made")

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return capsule(self._schema, b"arrow_schema"), capsule(self._array, b"arrow_array")


def main(folder: Path) -> None:
    name = {"win32": "interop.dll", "darwin": "libinterop.dylib"}.get(sys.platform, "libinterop.so")
    column = Column(folder / name)
    # Taken once: who takes them owns them, and calls `release` when the memory is done with.
    series = pl.Series("event", column)
    assert series.len() == 10_000 and series.null_count() == 100
    assert series[9_999] == b"event 9999: a page was viewed"
    data = series.to_arrow(compat_level=pl.CompatLevel.newest()).buffers()[2]
    assert data is not None and data.address == column.address
    print(f"in Rust   {column.address:#x}")
    print(f"in Polars {data.address:#x}: {series.len()} rows of {series.dtype}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
