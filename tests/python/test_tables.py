"""Tables and files whose columns say how they were compressed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import zstandard
import zstd_arrow as za
from arro3.core import Table

RANDOM = random.Random(11)
WORDS = ["view", "click", "buy", "page", "item", "user"]
ROWS = 3000


def event(i: int) -> str:
    return f'{{"id": {i}, "kind": "{RANDOM.choice(WORDS)}", "user": {RANDOM.randrange(500)}}}'


def table() -> pa.Table:
    """Text, bytes and views beside a number, with nulls, in several batches."""
    values = [None if i % 17 == 3 else event(i) for i in range(ROWS)]
    encoded = [None if value is None else value.encode() for value in values]
    columns = {
        "id": pa.array(range(ROWS)),
        "text": pa.array(values, pa.string()),
        "body": pa.array(encoded, pa.large_binary()),
        "view": pa.array(encoded, pa.binary_view()),
    }
    whole = pa.table(columns).replace_schema_metadata({"made": "by a test"})
    return pa.Table.from_batches(whole.to_batches(max_chunksize=700))


TABLE = table()
NAMES = ["text", "body", "view"]


def compressed(**options: Any) -> pa.Table:
    return za.compress_table(TABLE, NAMES, **options)


@pytest.mark.parametrize("options", [{}, {"train": 4096}, {"level": -5, "checksum": True}])
def test_round_trip(options: dict[str, Any]) -> None:
    """Without an argument everything comes back: values, types, metadata, batches."""
    small = compressed(**options)
    assert small.nbytes < TABLE.nbytes or "train" not in options
    for name in NAMES:
        metadata = small.schema.field(name).metadata
        assert metadata[b"ARROW:extension:name"] == b"zstd_arrow.frames"
    back = za.decompress_table(small)
    assert back.schema.equals(TABLE.schema, check_metadata=True)
    assert back.equals(TABLE)
    assert [len(batch) for batch in back.to_batches()] == [700, 700, 700, 700, 200]


def test_others_read_the_frames() -> None:
    """The columns are plain binary to others, the dictionaries in the schema's metadata."""
    small = compressed(train=4096)
    keys = [key for key in small.schema.metadata if key.startswith(b"zstd_arrow.dictionary.")]
    assert len(keys) == len({za.decompress_table(small).schema.metadata[b"made"], *keys}) - 1
    plain = za.compress_table(TABLE, "text")
    frame = plain.column("text").combine_chunks()[0].as_py()
    assert zstandard.ZstdDecompressor().decompress(frame).decode() == TABLE["text"][0].as_py()


def test_a_dictionary_for_each() -> None:
    """One for all columns, one for each by name, and none for one that is not compressed."""
    one, other = (za.train_dictionary(TABLE[name], 4096 + i) for i, name in enumerate(NAMES[:2]))
    both = za.compress_table(TABLE, NAMES[:2], dictionary={"text": one, "body": other})
    ids = za.frame_info(both["text"])[0].as_py()["dictionary_id"]
    assert ids == one.id
    assert za.decompress_table(both).equals(TABLE)
    assert za.decompress_table(za.compress_table(TABLE, NAMES, dictionary=one)).equals(TABLE)
    with pytest.raises(ValueError, match='^a dictionary is given for "view", which is not to be'):
        za.compress_table(TABLE, NAMES[:2], dictionary={"view": one})
    with pytest.raises(ValueError, match="either a dictionary is given or one is trained"):
        za.compress_table(TABLE, NAMES, dictionary=one, train=4096)


def test_lost_metadata() -> None:
    """A table that lost its schema metadata needs the dictionary, and says which."""
    dictionary = za.train_dictionary(TABLE["body"], 4096)
    small = za.compress_table(TABLE, "body", dictionary=dictionary).replace_schema_metadata()
    with pytest.raises(za.ZstdError, match=f"need dictionary {dictionary.id}, which is neither"):
        za.decompress_table(small)
    assert za.decompress_table(small, dictionary=dictionary).equals(TABLE)
    # A column that lost its own mark has to be named, and keeps its layout.
    bare = small.cast(pa.schema([field.remove_metadata() for field in small.schema]))
    with pytest.raises(ValueError, match="no column of the file is marked"):
        za.decompress_table(bare, dictionary=dictionary)
    back = za.decompress_table(bare, "body", dictionary=dictionary)
    assert back["body"].equals(TABLE["body"])


def test_polars() -> None:
    """A DataFrame gives a DataFrame."""
    frame = pl.from_arrow(TABLE)
    assert isinstance(frame, pl.DataFrame)
    small = za.compress_table(frame, NAMES)
    assert isinstance(small, pl.DataFrame)
    assert za.decompress(small["text"], utf8=True).equals(frame["text"])
    assert za.decompress_table(small).equals(frame)
    # Polars keeps the columns' marks, and not the schema's metadata.
    dictionary = za.train_dictionary(frame["body"], 4096)
    small = za.compress_table(frame, NAMES, dictionary=dictionary)
    with pytest.raises(za.ZstdError, match=f"need dictionary {dictionary.id}, which is neither"):
        za.decompress_table(small)
    assert za.decompress_table(small, dictionary=dictionary).equals(frame)


def test_other_tables() -> None:
    """A record batch, a DuckDB relation, an arro3 table."""
    batch = TABLE.to_batches()[0]
    small = za.compress_table(batch, "text")
    assert isinstance(small, pa.Table)
    assert za.decompress_table(small).to_batches()[0].equals(batch)
    relation = duckdb.sql("select 1 as id, 'a page'::blob as page union all select 2, null")
    done = za.compress_table(relation, "page")
    assert isinstance(done, Table)
    assert pa.table(za.decompress_table(done))["page"].to_pylist() == [b"a page", None]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: za.compress_table(TABLE, "nothing"), KeyError, "no column"),
        (lambda: za.compress_table(TABLE, "id"), TypeError, "Int64 is not a binary column"),
        (lambda: za.compress_table(TABLE, ["text", "text"]), ValueError, "named twice"),
        (lambda: za.compress_table(compressed(), "text"), ValueError, "holds zstd frames already"),
        (lambda: za.compress_table(TABLE, "text", level=99), ValueError, "99 is not a level"),
        (lambda: za.compress_table(3, "text"), TypeError, "an Arrow table is needed"),
        (lambda: za.decompress_table(TABLE), ValueError, "no column of the file is marked"),
        (lambda: za.decompress_table(TABLE, "body"), za.ZstdError, "row 0: bad magic number"),
    ],
)
def test_wrong(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_bad_rows() -> None:
    """The row is counted over all batches; or becomes null."""
    column = za.compress(TABLE["body"]).to_pylist()
    column[1500] = b"no frame"
    bad = pa.Table.from_batches(pa.table({"body": pa.array(column)}).to_batches(max_chunksize=400))
    with pytest.raises(za.ZstdError) as caught:
        za.decompress_table(bad, "body")
    assert caught.value.row == 1500
    values = za.decompress_table(bad, "body", on_error="null")["body"].to_pylist()
    expected = TABLE["body"].to_pylist()
    expected[1500] = None
    assert values == expected


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_files(tmp_path: Path, ending: str) -> None:
    """A file and back, with a report and progress in rows."""
    source, small, back = (tmp_path / f"{name}.{ending}" for name in ("source", "small", "back"))
    if ending == "parquet":
        pq.write_table(TABLE, source, row_group_size=1000)
    else:
        with pa.ipc.new_file(source, TABLE.schema) as writer:
            writer.write_table(TABLE)
    told: list[int] = []
    report = za.compress_parquet(source, str(small), NAMES, train=4096, progress=told.append)
    assert report["rows"] == sum(told) == ROWS
    assert [column["name"] for column in report["columns"]] == NAMES
    assert report["columns"][0]["nulls"] == TABLE["text"].null_count
    assert report["columns"][1]["raw_bytes"] > report["columns"][1]["compressed_bytes"]
    assert len(report["dictionary_ids"]) == 3
    report = za.decompress_parquet(small, back)
    assert report["rows"] == ROWS
    reader = (
        pq.read_table if ending == "parquet" else lambda path: pa.ipc.open_file(path).read_all()
    )
    assert reader(back).equals(TABLE)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in (source, small, back)
    )


def test_progress_that_raises(tmp_path: Path) -> None:
    """What the callback raises ends the job, and the target is as it was."""
    source, target = tmp_path / "source.parquet", tmp_path / "target.parquet"
    pq.write_table(TABLE, source)
    target.write_bytes(b"old")

    def stop(rows: int) -> None:
        raise LookupError(f"after {rows} rows")

    with pytest.raises(LookupError, match="^'?after 3000 rows'?$"):
        za.compress_parquet(source, target, "text", progress=stop)
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2


def test_files_that_fail(tmp_path: Path) -> None:
    """The file is named, and the target is as it was."""
    source, target = tmp_path / "source.parquet", tmp_path / "target.parquet"
    with pytest.raises(OSError, match="source.parquet: "):
        za.compress_parquet(source, target, "text")
    source.write_bytes(b"no file of ours")
    with pytest.raises(OSError, match="source.parquet: not a Parquet file"):
        za.decompress_parquet(source, target)
    pq.write_table(TABLE, source)
    with pytest.raises(KeyError, match="source.parquet: no column"):
        za.compress_parquet(source, target, "nothing")
    with pytest.raises(OSError, match="target.parquet: "):
        za.compress_parquet(source, tmp_path / "no folder" / "target.parquet", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["source.parquet"]
