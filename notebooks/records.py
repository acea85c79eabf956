"""Records for the notebooks, and a clock.

Real records where the environment variable CORPORA names a folder with `deb.parquet` (package
descriptions) and `py.parquet` (source files), each with a column `value`; generated ones otherwise.
With NOTEBOOKS_QUICK there are few of them, and each way is timed once: enough to see that the
notebooks run.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Kind = Literal["small", "large"]

CORPORA = os.environ.get("CORPORA")
QUICK = bool(os.environ.get("NOTEBOOKS_QUICK"))
ROUNDS = 1 if QUICK else 9


def records(kind: Kind, megabytes: float) -> tuple[str, pa.LargeBinaryArray]:
    """What the records are, and about so many MB of them: small (below 1 KB) or large (10 KB)."""
    wanted = int(megabytes * 1e6 / (16 if QUICK else 1))
    if CORPORA:
        name, file = {
            "small": ("package descriptions", "deb.parquet"),
            "large": ("Python source files", "py.parquet"),
        }[kind]
        values = pq.read_table(Path(CORPORA) / file, columns=["value"])["value"].combine_chunks()
        values = values.cast(pa.large_binary())
        # From everywhere, the same each time: files of one folder are alike.
        order = random.Random(0).sample(range(len(values)), len(values))
        values = values.take(pa.array(order))
    else:
        name = {"small": "generated events", "large": "generated logs"}[kind]
        lines = 1 if kind == "small" else 24
        rng = random.Random(kind)
        words = [rng.randbytes(rng.randint(2, 5)).hex() for _ in range(3000)]
        weights = [1 / rank for rank in range(1, 3001)]
        rows = wanted // (430 * lines)
        made = ("\n".join(_event(rng, words, weights) for _ in range(lines)) for _ in range(rows))
        return name, pa.array((text.encode() for text in made), pa.large_binary())
    ends = pc.cumulative_sum(pc.binary_length(values))
    rows = pc.sum(pc.less_equal(ends, wanted)).as_py()
    return name, values.slice(0, rows).take(pa.array(range(rows)))


def _event(rng: random.Random, words: list[str], weights: list[float]) -> str:
    kind = rng.choices(["view", "click", "purchase", "refund"], [60, 30, 8, 2])[0]
    text = " ".join(rng.choices(words, weights, k=rng.randint(10, 60)))
    page = f"https://example.org/{rng.choice(words)}/{rng.randrange(10**4)}"
    user = f'"user": {rng.randrange(10**6)}, "session": "{rng.randbytes(8).hex()}"'
    return f'{{"kind": "{kind}", "page": "{page}", {user}, "text": "{text}"}}'


def raw_bytes(values: pa.Array) -> int:
    """Bytes of all values together."""
    return pc.sum(pc.binary_length(values)).as_py()


def medians(ways: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds of each way: the median of some rounds, each of which does all of them.

    What disturbs the machine for a while so disturbs all ways alike. One round before the first
    does not count: it fills the caches.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round in range(-1, rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if round >= 0:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(all_of_it) for name, all_of_it in seconds.items()}
