"""A column of frames inside of query engines: this package against what people write without it.

    python benches/engines.py [--corpora FOLDER] [--rounds N] [--engines NAME ...]
                               [--json FILE]

Without it means a function of Python for each value, over python-zstandard: `map_elements` in
Polars, a native function in DuckDB, a Python UDF in DataFusion, `map` in pandas, a pandas UDF in
Spark. Engines that are not installed are left out. Each engine reads the same Parquet file (pandas
and pyarrow have it read already), decompresses or compresses every value, and adds up the bytes of
the results. Ways take turns; times are medians of all rounds, in MB/s of values.

FOLDER has deb.parquet and py.parquet, with columns key and value. Without it: values made here.
"""

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
import zstd_arrow as za
from columns import bytes_of, corpora

GROUP_BYTES = 16 << 20
LEVEL = 3
THREADS = os.cpu_count() or 1

# What a way does with a file, and the bytes of all results.
Way = Callable[[Path, str], int]
Pair = tuple[str, Way, Way]

# Engines call from several threads, which must not share these.
_own = threading.local()


def value_of(frame: bytes) -> bytes:
    if not hasattr(_own, "decompress"):
        _own.decompress = zstandard.ZstdDecompressor().decompress
    return _own.decompress(frame)


def frame_of(value: bytes) -> bytes:
    if not hasattr(_own, "compress"):
        _own.compress = zstandard.ZstdCompressor(level=LEVEL).compress
    return _own.compress(value)


def of_pyarrow() -> Iterator[Pair]:
    def with_it(path: Path, job: str) -> int:
        return bytes_of(getattr(za, job)(kept(path)))

    def without(path: Path, job: str) -> int:
        work = value_of if job == "decompress" else frame_of
        return bytes_of(pa.array([work(value) for value in kept(path).to_pylist()]))

    yield "pyarrow, list", with_it, without


def of_pandas() -> Iterator[Pair]:
    import pandas as pd

    def series(path: Path) -> pd.Series:
        return pd.Series(pd.arrays.ArrowExtensionArray(kept(path)))

    def with_it(path: Path, job: str) -> int:
        return bytes_of(pa.chunked_array(getattr(za, job)(series(path)).array.__arrow_array__()))

    def without(path: Path, job: str) -> int:
        work = value_of if job == "decompress" else frame_of
        found = series(path).map(work).astype(pd.ArrowDtype(pa.large_binary()))
        return bytes_of(pa.chunked_array(found.array.__arrow_array__()))

    yield "pandas, map", with_it, without


def of_polars() -> Iterator[Pair]:
    import polars as pl
    import zstd_arrow.polars

    def run(path: Path, work: pl.Expr) -> int:
        query = pl.scan_parquet(path).select(work.bin.size().cast(pl.UInt64).sum())
        return query.collect(engine="streaming").item()

    def with_it(path: Path, job: str) -> int:
        return run(path, getattr(zstd_arrow.polars.ZstdExpr(pl.col("value")), job)())

    def without(path: Path, job: str) -> int:
        work = value_of if job == "decompress" else frame_of
        return run(path, pl.col("value").map_elements(work, return_dtype=pl.Binary))

    yield "Polars, map_elements", with_it, without


def of_duckdb() -> Iterator[Pair]:
    import duckdb
    import zstd_arrow.duckdb

    connection = duckdb.connect(config={"threads": THREADS})
    zstd_arrow.duckdb.register(connection)
    for name, work in (("native_decompress", value_of), ("native_compress", frame_of)):
        connection.create_function(name, work, ["BLOB"], "BLOB")

    def run(path: Path, function: str) -> int:
        query = f"select sum(octet_length({function}(value))) from '{path}'"
        return connection.execute(query).fetchone()[0]

    yield (
        "DuckDB, native UDF",
        lambda path, job: run(path, f"zstd_{job}"),
        lambda path, job: run(path, f"native_{job}"),
    )


def of_datafusion() -> Iterator[Pair]:
    import zstd_arrow.datafusion
    from datafusion import RecordBatchStream, SessionConfig, SessionContext, udf

    # No views, of which pyarrow cannot add up the bytes.
    options = {"datafusion.execution.parquet.schema_force_view_types": "false"}
    ctx = SessionContext(SessionConfig(options).with_target_partitions(THREADS))
    zstd_arrow.datafusion.register(ctx)

    def for_each(work: Callable[[bytes], bytes], name: str) -> None:
        def function(values: pa.Array) -> pa.Array:
            return pa.array([work(value) for value in values.to_pylist()], pa.large_binary())

        ctx.register_udf(udf(function, [pa.large_binary()], pa.large_binary(), "immutable", name))

    for_each(value_of, "python_decompress")
    for_each(frame_of, "python_compress")

    def bytes_of_stream(stream: RecordBatchStream) -> int:
        return sum(bytes_of(batch.to_pyarrow()["value"]) for batch in stream)

    def run(path: Path, function: str) -> int:
        ctx.register_parquet("t", path)
        query = f"select {function}(value) as value from t"
        streams = ctx.sql(query).execute_stream_partitioned()
        # DataFusion takes the length of text alone, so the bytes are added up here.
        with ThreadPoolExecutor(THREADS) as pool:
            found = sum(pool.map(bytes_of_stream, streams))
        ctx.deregister_table("t")
        return found

    yield (
        "DataFusion, Python UDF",
        lambda path, job: run(path, f"zstd_{job}"),
        lambda path, job: run(path, f"python_{job}"),
    )


def of_spark() -> Iterator[Pair]:
    import pandas as pd
    import zstd_arrow.spark
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.functions import pandas_udf

    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = SparkSession.builder.master(f"local[{THREADS}]").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")

    def decompress(values: pd.Series) -> pd.Series:
        return values.map(zstandard.ZstdDecompressor().decompress)

    def compress(values: pd.Series) -> pd.Series:
        return values.map(zstandard.ZstdCompressor(level=LEVEL).compress)

    udfs = {
        "decompress": pandas_udf(decompress, "binary"),
        "compress": pandas_udf(compress, "binary"),
    }

    def run(df: DataFrame) -> int:
        return df.selectExpr("sum(octet_length(value)) as bytes").first()["bytes"]

    def with_it(path: Path, job: str) -> int:
        return run(getattr(zstd_arrow.spark, job)(spark.read.parquet(str(path)), "value"))

    def without(path: Path, job: str) -> int:
        return run(spark.read.parquet(str(path)).select(udfs[job]("value").alias("value")))

    yield "Spark, pandas UDF", with_it, without
    spark.stop()


ENGINES = {
    "pyarrow": of_pyarrow,
    "pandas": of_pandas,
    "polars": of_polars,
    "duckdb": of_duckdb,
    "datafusion": of_datafusion,
    "pyspark": of_spark,
}
_kept: dict[Path, pa.ChunkedArray] = {}


def kept(path: Path) -> pa.ChunkedArray:
    """A file's column, read once."""
    if path not in _kept:
        _kept[path] = pq.read_table(path)["value"]
    return _kept[path]


def write(path: Path, column: pa.ChunkedArray, raw_bytes: int) -> Path:
    rows = max(1, len(column) * GROUP_BYTES // max(raw_bytes, 1))
    # Values are not compressed again in either file: what is timed is the column's own work.
    pq.write_table(pa.table({"value": column}), path, row_group_size=rows, compression="none")
    return path


def median_seconds(
    ways: dict[str, Way], path: Path, job: str, expected: int, rounds: int
) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            begin = time.perf_counter()
            found = way(path, job)
            # The first turn warms up.
            if turn > 0:
                times[name].append(time.perf_counter() - begin)
            if found != expected:
                sys.exit(f"{name}, {job}: {found} bytes instead of {expected}")
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpora", type=Path, help="a folder with deb.parquet and py.parquet")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    installed = [name for name in options.engines if importlib.util.find_spec(name)]
    figures = []
    print(f"level {LEVEL}, {options.rounds} rounds, {THREADS} cores; MB/s of values, medians")
    print(f"{'column':<8}{'engine, without':<24}{'job':<12}{'without':>9}{'with':>9}{'ratio':>8}")
    with tempfile.TemporaryDirectory(prefix="zstd-arrow-bench-") as folder:
        for name, column in corpora(options.corpora):
            raw, frames = bytes_of(column), za.compress(column, level=LEVEL)
            jobs = {
                "decompress": (write(Path(folder) / f"{name}-frames.parquet", frames, raw), raw),
                "compress": (
                    write(Path(folder) / f"{name}-values.parquet", column, raw),
                    bytes_of(frames),
                ),
            }
            for engine in installed:
                for label, with_it, without in ENGINES[engine]():
                    for job, (path, expected) in jobs.items():
                        ways = {"without": without, "with": with_it}
                        seconds = median_seconds(ways, path, job, expected, options.rounds)
                        speed = {way: raw / found / 1e6 for way, found in seconds.items()}
                        ratio = seconds["without"] / seconds["with"]
                        print(
                            f"{name:<8}{label:<24}{job:<12}{speed['without']:>9.0f}"
                            f"{speed['with']:>9.0f}{ratio:>8.1f}",
                            flush=True,
                        )
                        figures.append(
                            {"column": name, "engine": engine, "job": job, "ratio": ratio}
                            | {f"seconds_{way}": found for way, found in seconds.items()}
                            | {"bytes": raw}
                        )
                _kept.clear()
    for name in set(options.engines) - set(installed):
        print(f"{name} is not installed")
    if options.json:
        options.json.write_text(json.dumps({"threads": THREADS, "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
