"""Faults: no memory, no threads, other interpreters, an end while arrays live. Each in a process of
its own."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pytest

TIMEOUT_SECONDS = 120
MIB = 1 << 20

PREPARE = """
import gc, os, resource, signal, sys, threading
import pyarrow as pa
import zstd_arrow as za

def limit(name, value):
    resource.setrlimit(name, (value, value))

def in_use():
    # Bytes of addresses, which is what RLIMIT_AS counts.
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")

def round_trip(threads=1):
    values = pa.array([b"value %d" % i for i in range(1000)], pa.large_binary())
    assert za.decompress(za.compress(values, threads=threads), threads=threads).equals(values)
"""


def ended(code: str) -> subprocess.CompletedProcess[str]:
    """How a process ends that runs code behind `PREPARE`."""
    line = [sys.executable, "-c", PREPARE + textwrap.dedent(code)]
    return subprocess.run(line, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)


def run(code: str) -> str:
    """What code prints that must end well."""
    done = ended(code)
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    assert done.stderr == ""
    return done.stdout


# ----------------------------------------------------------------------------------------- memory


def test_no_memory() -> None:
    """Where there is no memory for the output: MemoryError that says how much, and calls go on."""
    code = """
    round_trip()
    small = za.compress(pa.array([bytes(400 << 20), b"small"], pa.large_binary()), threads=1)
    gc.collect()
    limit(resource.RLIMIT_AS, in_use() + (200 << 20))
    for _ in range(3):
        try:
            za.decompress(small, threads=1)
        except MemoryError as error:
            print(error)
        round_trip()
    """
    said = run(code).splitlines()
    assert said == ["row 0: no memory for 419430400 bytes"] * 3


def test_no_memory_for_a_context() -> None:
    """The same for libzstd's own memory: a window of 2 GiB."""
    code = """
    round_trip()
    import zstd_arrow.zstandard as zstandard
    parameters = zstandard.ZstdCompressionParameters(window_log=31, strategy=9, hash_log=29)
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    value = os.urandom(100_000) * 40
    limit(resource.RLIMIT_AS, in_use() + (100 << 20))
    try:
        za.compress(pa.array([value] * 20), level=22, threads=1)
        print("compressed")
    except MemoryError as error:
        print("MemoryError")
    round_trip()
    """
    assert run(code) in ("MemoryError\n", "compressed\n")


# ---------------------------------------------------------------------------------------- threads


@pytest.mark.parametrize("threads", [400, None])
def test_no_threads(threads: int | None) -> None:
    """Where the system starts no more threads: OSError that says so; calls on one thread go on."""
    code = f"""
    import ctypes
    round_trip()
    # Room for the arrays and a few stacks of threads, which are large, so that enough is left for
    # the heap when the next one does not fit. (Threads get no heaps of their own: M_ARENA_MAX.)
    ctypes.CDLL(None).mallopt(-8, 1)
    threads = {threads}
    os.environ["RUST_MIN_STACK"] = str(128 << 20)
    limit(resource.RLIMIT_AS, in_use() + (450 << 20))
    if threads is None:
        os.environ["RAYON_NUM_THREADS"] = "300"
    values = pa.array([b"some value"] * 20_000, pa.large_binary())
    try:
        za.compress(values, threads=threads)
        print("compressed")
    except OSError as error:
        print(error)
    round_trip()
    """
    said = run(code)
    assert "cannot start" in said and "threads: " in said, said


# ----------------------------------------------------------------------- objects and their ends


def test_shutdown_with_arrays_alive() -> None:
    """The interpreter ends well with arrays, buffers and failures alive, also in cycles."""
    code = """
    import sys, types
    values = pa.array([b"value %d" % i for i in range(100_000)], pa.large_binary())
    class Node: pass
    node = Node()
    node.me, node.frames = node, za.compress(values)
    module = types.ModuleType("kept")
    module.buffer = za.BufferWithSegments.from_arrow(values)
    module.segment, module.views = module.buffer[7], memoryview(module.buffer)
    module.failed = []
    za.decompress(values, on_error="null", failed=module.failed)
    sys.modules["kept"] = module
    class Late:
        def __del__(self):
            # A call while everything is being taken down: it may fail, for its imports do.
            try:
                za.decompress(node.frames)
            except Exception:
                pass
    late = Late()
    print("ended")
    """
    assert run(code) == "ended\n"


def test_shutdown_during_a_call() -> None:
    """It ends while a thread that nobody waits for is in the middle of a call."""
    code = """
    values = pa.array([os.urandom(50_000).hex().encode()] * 400, pa.large_binary())
    began = threading.Event()
    def work():
        began.set()
        while True:
            za.compress(values, level=15)
    threading.Thread(target=work, daemon=True).start()
    began.wait()
    print("ended", flush=True)
    """
    assert run(code) == "ended\n"


@pytest.mark.parametrize("round", range(12))
def test_shutdown_between_rust_and_python(round: int) -> None:
    """Nor does it abort while such threads go back and forth between Rust and Python code."""
    code = f"""
    import time
    import polars as pl
    values = pa.array([b"value %d" % i for i in range(40)], pa.large_binary())
    frames = za.compress(values)
    series = pl.Series("a", values.to_pylist())
    class Own:
        def as_bytes(self):
            return bytes(bytearray(content))
    samples = pa.array([b"value %d %d" % (i * 37 % 1000, i) for i in range(3000)], pa.binary())
    content = bytes(za.train_dictionary(samples, 1024))
    def fail():
        try:
            za.decompress(values)
        except za.ZstdError:
            pass
    jobs = [
        lambda: za.compress(values, level=1),
        lambda: za.decompress(frames),
        fail,
        lambda: za.decompress(pa.chunked_array([frames, frames])),
        lambda: za.compress(series),
        lambda: za.decompress(frames, dictionary=[Own()], sizes=values_sizes),
        lambda: za.decompress(values, on_error="null", failed=[]),
    ]
    values_sizes = pa.array([len(value) for value in values.to_pylist()])
    began = threading.Barrier(4)
    def work(job):
        began.wait()
        while True:
            job()
    for i in range(3):
        threading.Thread(target=work, args=(jobs[({round} + i) % len(jobs)],), daemon=True).start()
    began.wait()
    time.sleep({round} / 1000)
    print("ended", flush=True)
    """
    assert run(code) == "ended\n"


def test_results_are_dropped_elsewhere() -> None:
    """What one thread made may be dropped by another, also the last reference to it."""
    code = """
    import queue
    waiting = queue.Queue(4)
    def drop():
        while waiting.get() is not None:
            gc.collect(0)
    threads = [threading.Thread(target=drop) for _ in range(4)]
    [thread.start() for thread in threads]
    values = pa.array([b"value %d" % i for i in range(20_000)], pa.large_binary())
    for i in range(100):
        frames = za.compress(values)
        waiting.put(za.decompress(frames))
        waiting.put(memoryview(za.BufferWithSegments.from_arrow(frames)))
        waiting.put(frames)
        del frames
    [waiting.put(None) for _ in threads]
    [thread.join() for thread in threads]
    print("ended")
    """
    assert run(code) == "ended\n"


def test_source_is_dropped_first() -> None:
    """Results own their memory: the source may go, and what has its place says nothing."""
    code = """
    def made():
        values = pa.array([b"value %d" % i * 50 for i in range(20_000)], pa.large_binary())
        return za.compress(values), values.to_pylist()
    frames, expected = made()
    buffer = za.BufferWithSegments.from_arrow(frames)
    values = za.decompress(buffer)
    del frames, buffer
    gc.collect()
    others = [bytearray(b"x" * (1 << 20)) for _ in range(30)]
    assert pa.array(values).to_pylist() == expected
    print("ended")
    """
    assert run(code) == "ended\n"


# ---------------------------------------------------------------------------------- interpreters


IMPORT_ELSEWHERE = """
try:
    import zstd_arrow._native
except ImportError as error:
    said = str(error)
else:
    said = "imported"
with open({place!r}, "w") as file:
    file.write(said)
"""


def test_subinterpreters_are_refused(tmp_path: Path) -> None:
    """A second interpreter in the process is told so when it imports; the first one goes on."""
    place = tmp_path / "said"
    code = f"""
    round_trip()
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    other = interpreters.create()
    try:
        interpreters.run_string(other, {IMPORT_ELSEWHERE.format(place=str(place))!r})
    finally:
        interpreters.destroy(other)
    round_trip()
    print("ended")
    """
    assert run(code) == "ended\n"
    assert "subinterpreter" in place.read_text()


# ------------------------------------------------------------------------------------------- files


def test_mapped_file_that_is_cut(tmp_path: Path) -> None:
    """A file that is mapped and then cut ends the process, as it does under any reader of the map:
    documented, for no program can do better."""
    path = tmp_path / "mapped.arrow"
    values = pa.array([os.urandom(5000) for _ in range(2000)], pa.large_binary())
    table = pa.table({"value": values})
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    code = f"""
    table = pa.ipc.open_file(pa.memory_map({str(path)!r})).read_all()
    os.truncate({str(path)!r}, 4096)
    za.compress(table["value"])
    """
    assert ended(code).returncode == -signal.SIGBUS


def test_limits_are_there() -> None:
    """The checks above need limits that this system keeps."""
    assert sys.platform == "linux"
    assert resource.getrlimit(resource.RLIMIT_AS)[1] == resource.RLIM_INFINITY
