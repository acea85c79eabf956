"""How the package behaves beside its results: objects, the GIL, Ctrl-C, documentation, types."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import random
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import polars
import pyarrow as pa
import pytest
import zstd_arrow as za

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 60


def run(*arguments: str | Path, cwd: Path = ROOT) -> str:
    """Runs Python in a process of its own, which must end well; returns what it prints."""
    line = [sys.executable, *map(str, arguments)]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, cwd=cwd)
    assert ended.returncode == 0, f"{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


# ---------------------------------------------------------------------------- no object for a row


ROWS = 1_000_000


@pytest.fixture(scope="module")
def million() -> pa.Array:
    """A million frames, in pieces of a few distinct values."""
    values = [None, b"", b"some text, some more text"] + [b"%d" % row for row in range(997)]
    column = pa.chunked_array([pa.array(values)] * (ROWS // len(values))).combine_chunks()
    return za.compress(column)


CALLS: dict[str, Callable[[pa.Array], object]] = {
    "decompress": za.decompress,
    "decompress-text": lambda frames: za.decompress(frames, utf8=True),
    "decompress-null": lambda frames: za.decompress(frames, on_error="null"),
    "decompress-sizes": lambda frames: za.decompress(frames, sizes=za.decompressed_size(frames)),
    "compress": za.compress,
    "decompressed-size": za.decompressed_size,
    "frame-info": za.frame_info,
    "from-arrow": lambda frames: za.BufferWithSegments.from_arrow(frames, nulls="empty"),
    "polars": lambda frames: za.decompress(polars.Series(frames)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_no_object_for_a_row(million: pa.Array, call: Callable[[pa.Array], object]) -> None:
    """A million rows make no more Python objects than one row does, also for a moment."""
    call(million[:10])
    before = sys.getallocatedblocks()
    tracemalloc.start()
    result = call(million)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sys.getallocatedblocks() - before < 1000
    assert peak < 100_000
    assert result is not None


def test_objects_are_counted(million: pa.Array) -> None:
    """The check itself: objects for rows would be seen."""
    before = sys.getallocatedblocks()
    values = million[:10_000].to_pylist()
    assert sys.getallocatedblocks() - before > 5000
    assert len(values) == 10_000


# ------------------------------------------------------------------------------------------ GIL


def heavy(rows: int = 300, size: int = 20_000) -> pa.Array:
    """Values that take long at a high level."""
    rng = random.Random(0)
    words = [rng.randbytes(rng.randrange(2, 9)) for _ in range(1000)]
    block = b"".join(rng.choices(words, k=200_000))
    starts = [rng.randrange(len(block) - size) for _ in range(rows)]
    return pa.array([block[start : start + size] for start in starts])


class Ticks:
    """The times at which another thread of Python got its turn."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._ended.wait(0.001):
            self.times.append(time.monotonic())

    def __enter__(self) -> Ticks:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def between(self, begin: float, end: float) -> int:
        """How many there were in the middle half of a time."""
        quarter = (end - begin) / 4
        return sum(begin + quarter < at < end - quarter for at in self.times)


def ticks_during(call: Callable[[], object]) -> int:
    """How often another thread got its turn while a call ran, that must take a while."""
    with Ticks() as ticks:
        begin = time.monotonic()
        call()
        end = time.monotonic()
    assert end - begin > 0.05, "too short to tell"
    return ticks.between(begin, end)


@pytest.mark.parametrize("place", ["main thread", "other thread"])
def test_other_threads_run(place: str) -> None:
    """While a call works, other threads of Python do too: from whichever thread it is called."""
    column = heavy()
    frames = za.compress(pa.chunked_array([heavy(2000)] * 4))
    calls: list[Callable[[], object]] = [
        lambda: za.compress(column, level=15, threads=1),
        lambda: za.compress(pa.chunked_array([column, column]), level=15),
        lambda: za.decompress(frames, threads=1),
        lambda: za.train_dictionary(column),
    ]
    counted: list[int] = []

    def count() -> None:
        counted.extend(ticks_during(call) for call in calls)

    if place == "main thread":
        count()
    else:
        thread = threading.Thread(target=count)
        thread.start()
        thread.join()
    assert len(counted) == len(calls)
    assert min(counted) >= 3, counted


def test_ticks_tell() -> None:
    """The check itself: a call that keeps the GIL leaves nobody a turn."""
    big = 3**2_000_000
    assert ticks_during(lambda: big * big) == 0


def test_many_threads_at_once() -> None:
    """Calls from many threads at once, with one shared dictionary, all give the right values."""
    column = heavy(200, 2000)
    dictionary = za.train_dictionary(column, 4096)
    wrong: list[int] = []

    def call(number: int) -> None:
        threads = (None, 1, 2)[number % 3]
        for level in (1, 3, 5):
            frames = za.compress(column, level=level, dictionary=dictionary, threads=threads)
            if za.decompress(frames, dictionary=dictionary).to_pylist() != column.to_pylist():
                wrong.append(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --------------------------------------------------------------------------------------- Ctrl-C


PREPARE = """
import os, random, signal, sys, threading, time
import pyarrow as pa
import zstd_arrow as za

rng = random.Random(0)
words = [rng.randbytes(rng.randrange(2, 9)) for _ in range(1000)]
block = b"".join(rng.choices(words, k=400_000))

def column(rows, size):
    data = block if size < len(block) else rng.randbytes(size // 16 + 1).hex().encode() * 9
    starts = [rng.randrange(len(data) - size) for _ in range(rows)]
    return pa.array([data[start : start + size] for start in starts], pa.large_binary())

def interrupt(seconds):
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    timer.start()

def round_trip():
    values = column(1000, 500)
    assert za.decompress(za.compress(values)).equals(values)
    frames = za.compress(values, threads=2, level=19)
    assert za.decompress(frames, threads=1).equals(values)
"""


def run_code(code: str) -> str:
    """Runs code behind `PREPARE` in a process of its own."""
    return run("-c", PREPARE + textwrap.dedent(code))


INTERRUPTED = """
    long = column({rows}, {size})
    interrupt(0.3)
    begin = time.monotonic()
    try:
        {call}
    except KeyboardInterrupt:
        took = time.monotonic() - begin
    else:
        sys.exit("the call was not interrupted")
    assert 0.25 < took < 1.3, took
    round_trip()
    print("ended")
"""
LONG = {
    "all-cores": (8000, 20_000, "za.compress(long, level=19)"),
    "one-thread": (8000, 20_000, "za.compress(long, level=19, threads=1)"),
    "two-threads": (8000, 20_000, "za.compress(long, level=19, threads=2)"),
    "small-rows": (60_000, 2000, "za.compress(long, level=19)"),
    "large-rows": (80, 1_000_000, "za.compress(long, level=19)"),
    "one-large-row": (1, 30_000_000, "za.compress(long, level=19)"),
    "large-rows-one-thread": (80, 1_000_000, "za.compress(long, level=19, threads=1)"),
    "chunks": (4000, 20_000, "za.compress(pa.chunked_array([long, long]), level=19)"),
    "views": (8000, 20_000, "za.compress(long.cast(pa.binary_view()), level=19)"),
    "run-ends": (
        8000,
        20_000,
        "za.compress(pa.RunEndEncodedArray.from_arrays(range(1, 8001), long), level=19)",
    ),
}


@pytest.mark.parametrize(("rows", "size", "call"), LONG.values(), ids=LONG.keys())
def test_ctrl_c(rows: int, size: int, call: str) -> None:
    """Ctrl-C ends a long call within a second; the interpreter and the package work on."""
    assert run_code(INTERRUPTED.format(rows=rows, size=size, call=call)) == "ended\n"


def test_ctrl_c_while_decompressing() -> None:
    """So it does a long `decompress`."""
    code = """
    frames = za.compress(column(200, 100_000), level=1, content_size=False)
    long = pa.chunked_array([frames] * 150)
    interrupt(0.5)
    begin = time.monotonic()
    try:
        za.decompress(long, threads=1)
    except KeyboardInterrupt:
        took = time.monotonic() - begin
    else:
        sys.exit("the call was not interrupted")
    assert took < 1.5, took
    round_trip()
    print("ended")
    """
    assert run_code(code) == "ended\n"


def test_other_handlers_run() -> None:
    """A signal handler that raises nothing runs during the call, which goes on to its end."""
    code = """
    seen = []
    signal.signal(signal.SIGINT, lambda *_: seen.append(time.monotonic()))
    values = column(300, 20_000)
    interrupt(0.1)
    frames = za.compress(values, level=19, threads=1)
    end = time.monotonic()
    assert len(seen) == 1 and end - seen[0] > 0.1, (seen, end)
    assert za.decompress(frames).equals(values)
    print("ended")
    """
    assert run_code(code) == "ended\n"


def test_other_exceptions_of_handlers() -> None:
    """What a handler raises is what the call raises: a timeout by alarm works."""
    code = """
    class Late(Exception):
        pass

    def late(*_):
        raise Late

    signal.signal(signal.SIGALRM, late)
    long = column(8000, 20_000)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    begin = time.monotonic()
    try:
        za.compress(long, level=19)
    except Late:
        assert time.monotonic() - begin < 1.3
        round_trip()
        print("ended")
    """
    assert run_code(code) == "ended\n"


def test_ctrl_c_with_a_call_in_another_thread() -> None:
    """Ctrl-C is the main thread's: a call in another thread goes on, and nothing hangs."""
    code = """
    values = column(600, 20_000)
    done = []
    thread = threading.Thread(target=lambda: done.append(za.compress(values, level=19)))
    thread.start()
    interrupt(0.2)
    try:
        # Not join(): where Ctrl-C interrupts it, Python 3.11 takes the thread for ended.
        while not done:
            time.sleep(0.01)
        sys.exit("not interrupted")
    except KeyboardInterrupt:
        assert not done
    while not done:
        time.sleep(0.01)
    assert za.decompress(done[0]).equals(values)
    round_trip()
    print("ended")
    """
    assert run_code(code) == "ended\n"


def test_ctrl_c_ends_one_of_two_calls() -> None:
    """The main thread's call ends, that of another thread goes on, on the same options."""
    code = """
    values, long = column(600, 20_000), column(8000, 20_000)
    done = []
    thread = threading.Thread(target=lambda: done.append(za.compress(values, level=19)))
    thread.start()
    interrupt(0.3)
    try:
        za.compress(long, level=19)
    except KeyboardInterrupt:
        thread.join()
        assert za.decompress(done[0]).equals(values)
        round_trip()
        print("ended")
    """
    assert run_code(code) == "ended\n"


def test_ctrl_c_before_the_call() -> None:
    """An exception that waits to be raised is not lost, nor raised twice."""
    code = """
    values = column(2000, 2000)
    for _ in range(20):
        try:
            signal.raise_signal(signal.SIGINT)
            za.compress(values)
            sys.exit("lost")
        except KeyboardInterrupt:
            pass
        round_trip()
    print("ended")
    """
    assert run_code(code) == "ended\n"


# ----------------------------------------------------------------------------------- processes


def test_forked_child() -> None:
    """A process forked after a call can call too: it has no threads of its parent's."""
    code = """
    for threads in (None, 1, 2):
        za.compress(column(1000, 500), threads=threads)
    for threads in (None, 1, 2):
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            values = column(1000, 500)
            frames = za.compress(values, threads=threads)
            os._exit(0 if za.decompress(frames, threads=threads).equals(values) else 1)
        _, status = os.waitpid(child, 0)
        assert status == 0, (threads, status)
    round_trip()
    print("ended")
    """
    assert run_code(code) == "ended\n"


# ------------------------------------------------------------------------------- documentation


def public() -> Iterator[tuple[str, object]]:
    """What the package makes public, and the methods of its classes."""
    for name in za.__all__:
        item = getattr(za, name)
        if name.startswith("__"):
            continue
        yield name, item
        for member, found in vars(item).items() if inspect.isclass(item) else ():
            if not member.startswith("_"):
                yield f"{name}.{member}", found


PUBLIC = dict(public())
WITHOUT_EXAMPLE = {"set_idle_limit"}


def examples_of(name: str, item: object) -> list[doctest.DocTest]:
    """The examples in one docstring."""
    text = inspect.getdoc(item) or ""
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    return [test] if test.examples else []


def failures(tests: list[doctest.DocTest]) -> str:
    """Runs examples; what they print where it is not what stands there."""
    said: list[str] = []
    for test in tests:
        doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    return "".join(said)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring(name: str) -> None:
    """Each public name says what it is; functions and classes with an example that holds."""
    item = PUBLIC[name]
    text = inspect.getdoc(item) or ""
    assert text.splitlines()[:1], "no docstring"
    assert text.splitlines()[0].endswith("."), text.splitlines()[0]
    tests = examples_of(name, item)
    if "." not in name and name not in WITHOUT_EXAMPLE:
        assert tests, "no example"
    assert failures(tests) == ""


def modules() -> list[str]:
    """The package's modules in Python."""
    found = pkgutil.walk_packages(za.__path__, "zstd_arrow.")
    return ["zstd_arrow", *[module.name for module in found if not module.name.endswith("_native")]]


# Spark is a large download, DataFusion a long build: `make test-spark` and `make test-datafusion`
# run these examples.
ELSEWHERE = {"zstd_arrow.spark", "zstd_arrow.datafusion"}


@pytest.mark.parametrize("name", modules())
def test_module_examples(name: str) -> None:
    """Each module says what it is, and examples in modules of Python hold."""
    module = importlib.import_module(name)
    assert module.__doc__
    if name in ELSEWHERE:
        return
    assert failures(doctest.DocTestFinder(exclude_empty=True).find(module)) == ""


def test_all_is_there() -> None:
    """`__all__` is what there is, and what the native half makes public stands in it."""
    assert za.__all__ == sorted(za.__all__)
    assert [name for name in za.__all__ if not hasattr(za, name)] == []
    assert isinstance(za.__version__, str)
    for name in za.__all__:
        item = getattr(za, name)
        if inspect.isclass(item):
            assert item.__module__ == "zstd_arrow"
            assert item.__qualname__ == name


def test_version_is_the_crates() -> None:
    """One version, that of the crate."""
    assert f'\nversion = "{za.__version__}"\n' in (ROOT / "Cargo.toml").read_text()


# ----------------------------------------------------------------------------------------- types


EXAMPLES = sorted((ROOT / "examples" / "python").glob("*.py"))


def test_stubs_match(tmp_path: Path) -> None:
    """The stubs say what the module is: names, arguments, defaults."""
    run("-m", "mypy.stubtest", "zstd_arrow", cwd=tmp_path)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the type checker knows from the run before."""
    return tmp_path_factory.mktemp("mypy")


def test_signatures_say_defaults() -> None:
    """What `help` shows has each default as it is."""
    for item in PUBLIC.values():
        signature = getattr(item, "__text_signature__", None) or ""
        assert "..." not in signature, f"{item}: {signature}"
    defaults = inspect.signature(za.train_dictionary).parameters
    assert (defaults["size"].default, defaults["level"].default) == (112_640, 3)


def test_types_of_examples(cache: Path) -> None:
    """The examples pass a strict type check against the stubs."""
    assert EXAMPLES
    run("-m", "mypy", "--strict", "--cache-dir", cache, *EXAMPLES)


def test_types_of_the_package(cache: Path, tmp_path: Path) -> None:
    """So does the package itself."""
    run("-m", "mypy", "--strict", "--cache-dir", cache, "-p", "zstd_arrow", cwd=tmp_path)


TYPED = """
import arro3.core
import polars as pl
import pyarrow as pa
import zstd_arrow as za
from typing import Any
from typing_extensions import assert_type

array: pa.LargeBinaryArray = pa.array([b"x"], pa.large_binary())
chunked: pa.ChunkedArray[pa.LargeBinaryScalar] = pa.chunked_array([array])
series = pl.Series([b"x"])
buffer = za.BufferWithSegments.from_arrow(array)
assert_type(za.compress(array), pa.Array[Any])
assert_type(za.compress(chunked), pa.ChunkedArray[Any])
assert_type(za.compress(series), pl.Series)
assert_type(za.decompress(series, utf8=True), pl.Series)
assert_type(za.compress(buffer), arro3.core.Array)
assert_type(za.compress(za.BufferWithSegmentsCollection(buffer)), arro3.core.ChunkedArray)
assert_type(buffer[0], za.BufferSegment)
memoryview(buffer).tobytes() + bytes(buffer[0]) + bytes(za.Dictionary(b"raw content"))
za.decompress(array, dictionary=[za.Dictionary(b"x"), b"y", memoryview(b"z")])
failed: list[za.ZstdError] = []
za.decompress(array, on_error="null", failed=failed, sizes=[1])
rows = [error.row for error in failed]
assert_type(rows, list[int | None])
for segment in buffer:
    assert_type(segment.offset, int)

za.compress(3)  # wrong
za.compress("text")  # wrong
za.compress(series, dictionary="text")  # wrong
za.compress(series, level="3")  # wrong
za.decompress(series, on_error="ignore")  # wrong
za.decompress(series, failed=[1])  # wrong
buffer["one"]  # wrong
za.BufferWithSegments(b"data", "pairs")  # wrong
za.set_idle_limit("none")  # wrong
"""


def test_types_tell(cache: Path, tmp_path: Path) -> None:
    """A type checker knows each result's type, and finds each wrong argument."""
    (tmp_path / "typed.py").write_text(TYPED)
    line = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache)]
    ended = subprocess.run(
        [*line, "typed.py"], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, cwd=tmp_path
    )
    wrong = [n for n, text in enumerate(TYPED.splitlines(), 1) if text.endswith("# wrong")]
    errors = [text for text in ended.stdout.splitlines() if ": error:" in text]
    assert sorted({int(text.split(":")[1]) for text in errors}) == wrong, ended.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_run(example: Path) -> None:
    """The examples run, and print something."""
    assert run(example)
