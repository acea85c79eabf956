"""`zstd_arrow.datafusion` in a real DataFusion, against python-zstandard.

    make test-datafusion

With ZSTD_ARROW_CORPORA, a folder with `deb.parquet` (columns key and value), the test of a file
runs on that; without it on a generated one of the same kind.
"""

from __future__ import annotations

import doctest
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
import zstd_arrow as za
import zstd_arrow.datafusion
import zstd_arrow_datafusion
from datafusion import Expr, SessionConfig, SessionContext, col, literal

A, B = b"some text, some more text, and some text again", b"x" * 5000
VALUES = [A, None, b"", B, b"\x00\xff", A * 100, b"exactly twelv", A]
FRAMES = [None if v is None else zstandard.ZstdCompressor().compress(v) for v in VALUES]

# Every binary and text type, and what comes out of the functions for it.
TYPES = {
    "binary": (pa.binary(), pa.large_binary()),
    "large": (pa.large_binary(), pa.large_binary()),
    "view": (pa.binary_view(), pa.binary_view()),
    "dictionary": (
        pa.dictionary(pa.int32(), pa.binary()),
        pa.dictionary(pa.int32(), pa.large_binary()),
    ),
    "text": (pa.string(), pa.large_binary()),
    "large text": (pa.large_string(), pa.large_binary()),
    "text view": (pa.string_view(), pa.binary_view()),
}


def session(partitions: int = 2, batch: int = 8192, **given: Any) -> SessionContext:
    """A session that has the functions."""
    config = SessionConfig().with_target_partitions(partitions).with_batch_size(batch)
    ctx = SessionContext(config)
    zstd_arrow.datafusion.register(ctx, **given)
    return ctx


@pytest.fixture
def ctx() -> SessionContext:
    """With a table of the values and frames above."""
    ctx = session()
    store(ctx, "stored", id=range(len(VALUES)), value=VALUES, frame=FRAMES)
    return ctx


def store(ctx: SessionContext, name: str, **columns: Any) -> None:
    """Makes a table in the memory of the session."""
    arrays = {
        key: column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column)
        for key, column in columns.items()
    }
    ctx.from_arrow(pa.table(arrays), name=name)


def rows(ctx: SessionContext, query: str) -> list[Any]:
    """The rows of a query; those of one column as its values."""
    columns = [column.to_pylist() for column in ctx.sql(query).to_arrow_table().columns]
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


def of(ctx: SessionContext, expression: str | Expr) -> list[Any]:
    """An expression for each row of the table `stored`, in SQL or as an expression."""
    if isinstance(expression, str):
        return rows(ctx, f"select {expression} from stored order by id")
    return of_table(ctx, "stored", expression)


def of_table(ctx: SessionContext, table: str, expression: Expr) -> list[Any]:
    """An expression for each row of a table, in the order of the ids."""
    return by_id(ctx.table(table).select(col("id"), expression.alias("result")).to_arrow_table())


def by_id(table: pa.Table) -> list[Any]:
    """The second column, in the order of the first."""
    ids, values = (column.to_pylist() for column in table.columns)
    return [values[at] for at in sorted(range(len(ids)), key=ids.__getitem__)]


def plan_of(ctx: SessionContext, query: str) -> str:
    """The optimised plan of a query."""
    return ctx.sql(query).optimized_logical_plan().display_indent()


def compressed(values: list[bytes | None], **options: Any) -> list[bytes | None]:
    """By python-zstandard."""
    compress = zstandard.ZstdCompressor(**options).compress
    return [None if value is None else compress(value) for value in values]


def sql(data: bytes) -> str:
    """Bytes as a literal."""
    return f"X'{data.hex()}'"


def events(count: int, seed: int = 1) -> list[bytes]:
    """Short values that a dictionary helps with."""
    rng = random.Random(seed)
    kinds = ["view", "click", "order", "return"]
    return [
        f'{{"kind": "{rng.choice(kinds)}", "user": {rng.randrange(10**6)}, "n": {i}}}'.encode()
        for i in range(count)
    ]


# ------------------------------------------------------------------------------------- functions


def test_compress(ctx: SessionContext) -> None:
    """The frames are python-zstandard's, of every level, in SQL and in expressions."""
    compress = ctx.udf("zstd_compress")
    assert of(ctx, "zstd_compress(value)") == FRAMES
    assert of(ctx, compress(col("value"))) == FRAMES
    for level in (-5, 0, 19):
        expected = compressed(VALUES, level=level)
        assert of(ctx, f"zstd_compress(value, {level})") == expected
        assert of(ctx, compress(col("value"), literal(level))) == expected
    assert of(ctx, "zstd_compress(value, null, null)") == FRAMES


def test_decompress(ctx: SessionContext) -> None:
    """The values come back; those that are not there stay null."""
    for name in ("zstd_decompress", "try_zstd_decompress"):
        assert of(ctx, f"{name}(frame)") == VALUES
        assert of(ctx, f"{name}(frame, null)") == VALUES
        assert of(ctx, ctx.udf(name)(col("frame"))) == VALUES


def test_headers(ctx: SessionContext) -> None:
    """Sizes and frame infos are those of the functions of Python."""
    column = pa.array(FRAMES)
    sizes = za.decompressed_size(column).to_pylist()
    assert of(ctx, "zstd_decompressed_size(frame)") == sizes
    assert of(ctx, ctx.udf("zstd_decompressed_size")(col("frame"))) == sizes
    assert of(ctx, "zstd_frame_info(frame)") == za.frame_info(column).to_pylist()
    assert of(ctx, "zstd_frame_info(frame)['content_size']") == sizes
    info = ctx.udf("zstd_frame_info")(col("frame"))
    assert of(ctx, info["content_size"]) == sizes


@pytest.mark.parametrize("name", TYPES)
def test_types(name: str) -> None:
    """Every binary and text type; what comes out is known before the run."""
    given, expected = TYPES[name]
    values = [b"one", None, b"", b"a value of more than twelve bytes", b"one"]
    plain = pa.array(values)
    if name == "dictionary":
        plain = plain.dictionary_encode()
    ctx = session()
    store(ctx, "t", v=plain.cast(given).slice(1))
    df = ctx.sql("select zstd_compress(v) as frame from t")
    assert df.schema().field("frame").type == expected
    frames = df.to_arrow_table()["frame"]
    assert frames.type == expected
    assert frames.to_pylist() == compressed(values)[1:]
    back = ctx.sql("select zstd_decompress(zstd_compress(v)) as value from t").to_arrow_table()
    assert back["value"].type == expected
    assert back["value"].to_pylist() == values[1:]


def test_no_rows(ctx: SessionContext) -> None:
    """No rows give none, a null gives null, a constant is worked out in the plan."""
    for call in (
        "zstd_compress(value, 9)",
        "zstd_decompress(frame, value)",
        "try_zstd_decompress(frame)",
        "zstd_decompressed_size(frame)",
        "zstd_frame_info(frame)",
    ):
        assert rows(ctx, f"select {call} from stored where id > 100") == []
        function = call.partition("(")[0]
        assert rows(ctx, f"select {function}(null)") == [None]
        assert rows(ctx, f"select {function}(null) from stored") == [None] * len(VALUES)
    query = "select arrow_cast(zstd_decompress(zstd_compress('a value', 9)), 'Utf8') as v"
    assert rows(ctx, query) == ["a value"]
    plan = plan_of(ctx, query)
    assert "a value" in plan and "zstd" not in plan


def test_level_in_a_column(ctx: SessionContext) -> None:
    """A level is the same for all rows: a constant reaches the function as a column of it."""
    assert of(ctx, "zstd_compress(value, 4 + 5)") == compressed(VALUES, level=9)
    assert of(ctx, "zstd_compress(value, id - id + 9)") == compressed(VALUES, level=9)
    with pytest.raises(Exception, match="zstd_compress: the level must be a constant, not a col"):
        of(ctx, "zstd_compress(value, id)")


# ---------------------------------------------------------------------------------- dictionaries


def test_dictionary(ctx: SessionContext) -> None:
    """A literal in SQL and in an expression; trained, raw content, and one of a few bytes."""
    values: list[bytes | None] = [*events(20_000), None]
    store(ctx, "events", id=range(len(values)), v=values)
    for given in (za.train_dictionary(pa.array(values), 1024), events(1)[0], b'{"kind":'):
        data = bytes(given)
        options = {"dict_data": zstandard.ZstdCompressionDict(data), "level": 5}
        expected = compressed(values, **options)
        query = f"select zstd_compress(v, 5, {sql(data)}) from events order by id"
        assert rows(ctx, query) == expected
        store(ctx, "frames", id=range(len(values)), f=expected)
        for name in ("zstd_decompress", "try_zstd_decompress"):
            query = f"select {name}(f, {sql(data)}) from frames order by id"
            assert rows(ctx, query) == values
            call = ctx.udf(name)(col("f"), literal(data))
            assert of_table(ctx, "frames", call) == values
        ctx.deregister_table("frames")


# Queries with a dictionary of 110 KiB, in a process of its own that says how much memory it took.
MEMORY = """
import resource, sys
import pyarrow as pa
import zstd_arrow as za, zstd_arrow.datafusion
from datafusion import SessionConfig, SessionContext, col, literal

ctx = SessionContext(SessionConfig().with_target_partitions(1).with_batch_size(8192))
zstd_arrow.datafusion.register(ctx)
values = pa.array([b'{"user": %d, "kind": "view"}' % (i * 7919 % 100003) for i in range(40960)])
dictionary = bytes(za.Dictionary(bytes(range(1, 256)) * 450, raw_content=True))
assert len(dictionary) > 110 << 10
ctx.from_arrow(pa.table({"v": values}), name="t")
compress, decompress = ctx.udf("zstd_compress"), ctx.udf("zstd_decompress")
def run(*given):
    frames = compress(col("v"), literal(3), *given)
    table = ctx.table("t").select(decompress(frames, *given).alias("v")).to_arrow_table()
    assert table["v"].combine_chunks().equals(values.cast(pa.large_binary()))
run()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run(literal(dictionary))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_dictionary_is_there_once() -> None:
    """Not in each row: a batch of 8,192 rows would have 900 MB of it."""
    line = [sys.executable, "-c", MEMORY]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < 100 << 10, f"{ended.stdout} KiB"


def test_dictionary_is_prepared_once() -> None:
    """And not for each batch. In seconds of the processor, which a busy machine does not change."""
    dictionary = b"".join(events(1800))[: 110 << 10]
    ctx = session(partitions=2, batch=10)
    store(ctx, "t", v=events(4000))
    prepare = []
    for cut in (1, 2, 3):
        # Each another one: the last ones are kept.
        other, begin = dictionary[cut:], time.process_time()
        za.compress(pa.array([b"a value"]), level=19, dictionary=other, threads=1)
        prepare.append(time.process_time() - begin)
    call = ctx.udf("zstd_compress")(col("v"), literal(19), literal(dictionary))
    begin = time.process_time()
    batches = ctx.table("t").select(call.alias("f")).collect()
    spent = time.process_time() - begin
    assert len(batches) == 400
    assert spent < 200 * min(prepare), f"{spent:.2f} s for 400 batches, {prepare} to prepare"


def test_dictionary_of_each_row(ctx: SessionContext) -> None:
    """One trained for each group, joined to its rows, of which a batch has all kinds."""
    values = events(12_000)
    store(ctx, "events", id=range(len(values)), kind=[i % 3 for i in range(len(values))], v=values)
    rows(
        ctx,
        "create table dictionaries as "
        "select kind, zstd_train_dictionary(v, 2048) as d from events group by kind",
    )
    trained = rows(ctx, "select d from dictionaries order by kind")
    assert [d[:4] for d in trained] == [b"\x37\xa4\x30\xec"] * 3
    assert all(256 <= len(d) <= 2048 for d in trained)
    rows(
        ctx,
        "create table frames as select id, d, zstd_compress(v, 3, d) as f "
        "from events e join dictionaries using (kind)",
    )
    found = rows(ctx, "select f from frames order by id")
    for kind, dictionary in enumerate(trained):
        given = zstandard.ZstdCompressionDict(dictionary)
        assert found[kind::3] == compressed(values[kind::3], dict_data=given)
    assert rows(ctx, "select zstd_decompress(f, d) from frames order by id") == values
    plain = sum(map(len, compressed(values)))
    assert sum(map(len, found)) < plain * 0.8


def test_training(ctx: SessionContext) -> None:
    """The aggregate: its size, too little to learn from, one for a whole column in a subquery."""
    store(ctx, "events", id=range(3000), v=events(3000))
    (small,) = rows(ctx, "select zstd_train_dictionary(v, 256 + 256) from events")
    assert small[:4] == b"\x37\xa4\x30\xec" and len(small) <= 512
    train = ctx.udaf("zstd_train_dictionary")
    table = ctx.table("events").aggregate([], [train(col("v"), literal(1024)).alias("d")])
    (dictionary,) = table.to_arrow_table()["d"].to_pylist()
    assert za.Dictionary(dictionary).id != 0 and len(dictionary) <= 1024
    assert rows(ctx, "select zstd_train_dictionary(value) from stored") == [None]
    query = (
        "select zstd_frame_info(zstd_compress(v, 9, (select zstd_train_dictionary(v, 1024) "
        "from events)))['dictionary_id'] > 0 from events"
    )
    assert rows(ctx, query) == [True] * 3000
    with pytest.raises(Exception, match="zstd_train_dictionary: the size must be a constant"):
        rows(ctx, "select zstd_train_dictionary(v, id) from events")
    with pytest.raises(Exception, match="the size must be 256 to 16777216 bytes, not 100"):
        rows(ctx, "select zstd_train_dictionary(v, 100) from events")


# --------------------------------------------------------------------------------- marked columns


@pytest.fixture
def marked(tmp_path: Path) -> Callable[..., Path]:
    """Writes a Parquet file whose column is marked with the dictionary that it needs."""

    def write(name: str, **options: Any) -> Path:
        plain, path = tmp_path / f"{name}-values.parquet", tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"id": range(3000), "v": pa.array(events(3000))}), plain)
        za.compress_parquet(plain, path, ["v"], **options)
        return path

    return write


def test_marked(marked: Callable[..., Path]) -> None:
    """With the dictionaries of the file, a call needs none; without, the error says which."""
    path = marked("trained", train=1024)
    dictionaries = za.read_dictionaries(path)
    assert len(dictionaries) == 1
    query = "select zstd_decompress(v) from t order by id"
    ctx = session(dictionaries=dictionaries)
    ctx.register_parquet("t", path, skip_metadata=False)
    assert rows(ctx, query) == events(3000)
    assert rows(ctx, "select try_zstd_decompress(v) from t order by id") == events(3000)
    nulls = "select count(*) from (select v as x from t) where zstd_decompress(x) is null"
    assert rows(ctx, nulls) == [0]
    # An argument is taken as it is.
    given = sql(bytes(dictionaries[0]))
    assert rows(ctx, f"select zstd_decompress(v, {given}) from t order by id") == events(3000)
    # A second call replaces the functions: without dictionaries, and with.
    zstd_arrow.datafusion.register(ctx)
    needs = f"zstd_decompress: row 0: the frame needs dictionary {dictionaries[0].id}"
    with pytest.raises(Exception, match=needs):
        rows(ctx, query)
    zstd_arrow.datafusion.register(ctx, dictionaries[0])
    assert rows(ctx, query) == events(3000)
    # DataFusion passes over a file's metadata, unless it is told not to.
    ctx.register_parquet("unmarked", path)
    with pytest.raises(Exception, match=needs):
        rows(ctx, "select zstd_decompress(v) from unmarked")


def test_marked_raw_content(marked: Callable[..., Path]) -> None:
    """Raw content has no id: there is one of it in a session."""
    paths = [marked(f"raw{i}", dictionary=b"".join(events(20, seed=i))) for i in (1, 2)]
    one, other = (za.read_dictionaries(path)[0] for path in paths)
    assert (one.id, other.id) == (0, 0)
    with pytest.raises(ValueError, match="two different dictionaries have the id 0"):
        session(dictionaries=[one, other])
    ctx = session(dictionaries=[one, one])
    ctx.register_parquet("t", paths[0], skip_metadata=False)
    assert rows(ctx, "select zstd_decompress(v) from t order by id") == events(3000)


# ---------------------------------------------------------------------------------------- errors


def test_bad_row(ctx: SessionContext) -> None:
    """The error names the function, and the row in its batch; `try_` gives null there."""
    frames = [*FRAMES, b"no frame"]
    values = [*VALUES, None]
    store(ctx, "bad", id=range(len(frames)), f=frames)
    message = "zstd_decompress: row 8: bad magic number 6e 6f 20 66: not a zstd frame"
    with pytest.raises(Exception, match=message):
        rows(ctx, "select zstd_decompress(f) from bad")
    with pytest.raises(Exception, match=message):
        ctx.table("bad").select(ctx.udf("zstd_decompress")(col("f"))).collect()
    with pytest.raises(Exception, match="zstd_frame_info: row 8: bad magic number"):
        rows(ctx, "select zstd_frame_info(f) from bad")
    assert rows(ctx, "select try_zstd_decompress(f) from bad order by id") == values
    # What a filter leaves out does no harm.
    assert rows(ctx, "select zstd_decompress(f) from bad where id < 8 order by id") == VALUES


WRONG = {
    "zstd_compress(id)": "zstd_compress: Int64 is not a binary column",
    "zstd_compress(value, 3.5)": "zstd_compress: the level must be a whole number, not Float64",
    "zstd_compress(value, 23)": "zstd_compress: option level: 23 is not a level",
    "zstd_compress(value, 3, X'00', 1)": "zstd_compress: takes 1 to 3 arguments, not 4",
    "zstd_compress(value, 3, X'')": "zstd_compress: dictionary: it has no bytes",
    "zstd_decompress(frame, 'text')": "zstd_decompress: the dictionary must be binary, not Utf8",
    "zstd_frame_info(frame, 3)": "zstd_frame_info: takes 1 argument, not 2",
    "zstd_train_dictionary(id)": "zstd_train_dictionary: Int64 is not a binary column",
}


@pytest.mark.parametrize("expression", WRONG)
def test_wrong_arguments(ctx: SessionContext, expression: str) -> None:
    """What is wrong with types and literals is an error of the plan, before any row is read."""
    with pytest.raises(Exception, match=WRONG[expression].replace("(", r"\(")):
        ctx.sql(f"explain select {expression} from stored").collect()


def test_what_has_to_fit(ctx: SessionContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another major version is refused, and a missing package named, before anything is called."""
    monkeypatch.setattr(zstd_arrow_datafusion, "DATAFUSION_MAJOR", 54)
    with pytest.raises(ImportError, match=r"0\.1\.0 is for datafusion 54, and 55\.0\.0 is inst"):
        zstd_arrow.datafusion.register(ctx)
    monkeypatch.setitem(sys.modules, "zstd_arrow_datafusion", None)
    with pytest.raises(ModuleNotFoundError, match=r"install zstd-arrow\[datafusion\]"):
        zstd_arrow.datafusion.register(ctx)


# ------------------------------------------------------------------------------------- a whole file


def written(folder: Path) -> Path:
    """A Parquet file with frames in several row groups."""
    corpora = os.environ.get("ZSTD_ARROW_CORPORA")
    if corpora:
        table = pq.read_table(Path(corpora) / "deb.parquet", columns=["key", "value"])
        values = table["value"].cast(pa.large_binary())
    else:
        rng = random.Random(5)
        words = ["a", "to", "and"]
        texts = [" ".join(rng.choices(words, k=rng.randrange(2000))) for _ in range(9000)]
        values = pa.chunked_array([pa.array([t.encode() for t in texts], pa.large_binary())])
    table = pa.table({"id": range(len(values)), "frame": za.compress(values)})
    pq.write_table(table, folder / "frames.parquet", row_group_size=max(1, len(values) // 8))
    return folder / "frames.parquet"


def test_file(tmp_path: Path) -> None:
    """Two partitions side by side over a Parquet file; every value is python-zstandard's."""
    path = written(tmp_path)
    decompress = zstandard.ZstdDecompressor().decompress
    table = pq.read_table(path)
    expected = [decompress(frame) for frame in table["frame"].to_pylist()]
    ctx = session(partitions=2)
    ctx.sql("set datafusion.optimizer.repartition_file_min_size = 1").collect()
    ctx.register_parquet("t", path)
    df = ctx.sql("select id, zstd_decompress(frame) as value from t")
    assert df.execution_plan().partition_count == 2
    found = df.to_arrow_table()
    assert found["value"].type == pa.binary_view()
    assert by_id(found) == expected
    query = "select sum(zstd_decompressed_size(frame)) from t"
    assert rows(ctx, query) == [sum(map(len, expected))]
    again = ctx.sql("select id, zstd_compress(zstd_decompress(frame)) as frame from t")
    assert by_id(again.to_arrow_table()) == table["frame"].to_pylist()


def test_filters_run_first(ctx: SessionContext) -> None:
    """A filter on another column is below the call, and a call that nobody asks for is not made."""
    columns = "id, zstd_decompress(frame) as v, zstd_compress(value) as f"
    plan = plan_of(ctx, f"select v from (select {columns} from stored) where id < 3")
    assert plan.index("zstd_decompress") < plan.index("Filter: stored.id < Int64(3)")
    assert "zstd_compress" not in plan


def test_examples() -> None:
    """What the documentation shows."""
    ran = doctest.testmod(zstd_arrow.datafusion)
    assert ran.attempted > 8 and ran.failed == 0
    docs = Path(__file__).parents[2] / "docs" / "engines.md"
    (section,) = re.findall(r"^## DataFusion$(.*?)^## ", docs.read_text(), re.DOTALL | re.MULTILINE)
    (example,) = re.findall(r"^```py\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    exec(compile(example, str(docs), "exec"), {})
