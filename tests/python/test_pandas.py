"""pandas Series: what goes in over Arrow memory comes back over Arrow memory."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import zstandard
import zstd_arrow as za

A = b"some text, some more text, and some text again"
VALUES = [A, None, b"", b"x" * 5000, b"\x00\xff"]
FRAMES = [None if v is None else zstandard.ZstdCompressor().compress(v) for v in VALUES]
INDEXES: dict[str, Any] = {
    "numbers": range(5),
    "text": pd.Index(["a", "b", "b", "c", "d"], name="key"),
    "times": pd.date_range("2026-01-01", periods=5, tz="UTC"),
    "levels": pd.MultiIndex.from_product([["a"], range(5)], names=["key", None]),
}


def arrow(data_type: pa.DataType) -> pd.ArrowDtype:
    """pandas's name for an Arrow type."""
    return pd.ArrowDtype(data_type)


def listed(series: pd.Series) -> list[Any]:
    """The rows, with None for what is not there."""
    return pa.array(series).to_pylist()


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES.keys())
@pytest.mark.parametrize("name", [None, "payload", 3, ("a", "b")])
def test_index_and_name(index: Any, name: Any) -> None:
    """Index and name are those of the Series that came in."""
    series = pd.Series(VALUES, index, arrow(pa.binary()), name)
    frames = za.compress(series)
    assert listed(frames) == FRAMES
    expected = series.astype(arrow(pa.large_binary()))
    pd.testing.assert_series_equal(za.decompress(frames), expected)


LAYOUTS = {
    "binary": (arrow(pa.binary()), pa.large_binary()),
    "large-binary": (arrow(pa.large_binary()), pa.large_binary()),
    "view": (arrow(pa.binary_view()), pa.binary_view()),
    "dictionary": (
        arrow(pa.dictionary(pa.int8(), pa.binary())),
        pa.dictionary(pa.int8(), pa.large_binary()),
    ),
    "object": (object, pa.large_binary()),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    """Every layout of binary, and Python objects, become pyarrow-backed Series."""
    given, stored = LAYOUTS[layout]
    array = pa.array(VALUES)
    if layout == "object":
        series = pd.Series(VALUES, dtype=object)
    elif layout == "dictionary":
        encoded = pa.DictionaryArray.from_arrays(
            pa.array([0, None, 1, 2, 3], pa.int8()), array.drop_null()
        )
        series = pd.Series(encoded, dtype=given)
    else:
        series = pd.Series(array, dtype=given)
    frames = za.compress(series)
    assert frames.dtype == arrow(stored)
    assert listed(frames) == FRAMES
    assert listed(za.decompress(frames)) == VALUES


@pytest.mark.parametrize("dtype", [arrow(pa.string()), "str", object])
def test_text(dtype: Any) -> None:
    """Text of pandas's own dtypes too; with `utf8` it comes back as text."""
    texts = ["a value", "grüße", None, ""]
    frames = za.compress(pd.Series(texts, dtype=dtype, name="t"))
    back = za.decompress(frames, utf8=True)
    assert (back.dtype, back.name) == (arrow(pa.large_string()), "t")
    assert listed(back) == texts


def test_sizes_and_infos() -> None:
    """Other functions give Series as well."""
    series = pd.Series(FRAMES, range(10, 15), arrow(pa.binary()), "payload")
    sizes = za.decompressed_size(series)
    assert (sizes.dtype, sizes.name) == (arrow(pa.uint64()), "payload")
    assert sizes.index.equals(series.index)
    assert listed(sizes) == [None if value is None else len(value) for value in VALUES]
    infos = za.frame_info(series)
    assert infos.struct.field("compressed_size").index.equals(series.index)
    assert listed(infos) == za.frame_info(pa.array(FRAMES)).to_pylist()


def test_parts_and_chunks() -> None:
    """A part of a Series, one of several chunks, and one without rows."""
    series = pd.Series(VALUES * 3, dtype=arrow(pa.binary()))
    assert listed(za.compress(series[3:12:2])) == (FRAMES * 3)[3:12:2]
    whole = pd.concat([series[:4], series[4:]])
    assert len(whole.array.__arrow_array__().chunks) == 2
    frames = za.compress(whole)
    assert frames.index.equals(whole.index)
    assert listed(frames) == FRAMES * 3
    empty = za.compress(series[:0])
    assert (len(empty), empty.dtype) == (0, arrow(pa.large_binary()))


def test_columns_of_a_frame() -> None:
    """A column is put beside the others, and rows stay together after a filter."""
    df = pd.DataFrame({"id": range(5), "value": pd.array(VALUES, arrow(pa.binary()))})
    df["frame"] = za.compress(df["value"])
    kept = df[df["id"] % 2 == 1]
    assert listed(za.decompress(kept["frame"])) == VALUES[1::2]
    assert listed(df.assign(back=za.decompress(df["frame"]))["back"]) == VALUES


def test_errors() -> None:
    """The row is the position, whatever the index says; what is not binary is refused."""
    bad = pd.Series([*FRAMES, b"text"], range(100, 106), arrow(pa.binary()))
    with pytest.raises(za.ZstdError, match="^row 5: bad magic number") as caught:
        za.decompress(bad)
    assert caught.value.row == 5
    failed: list[za.ZstdError] = []
    assert listed(za.decompress(bad, on_error="null", failed=failed)) == [*VALUES, None]
    assert [error.row for error in failed] == [5]
    with pytest.raises(TypeError, match="^Int64 is not a binary column"):
        za.compress(pd.Series([1, 2]))
