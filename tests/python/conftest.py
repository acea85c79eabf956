"""Fixtures of the Python tests: the command under test, and a folder to work in.

The command is the file that the environment variable ZSTD_ARROW names:

    ZSTD_ARROW=target/release/zstd-arrow python -m pytest tests/python
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import larger
import pytest

VARIABLE = "ZSTD_ARROW"
TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Done:
    """How a run of the command ended."""

    status: int
    stdout: bytes
    stderr: str

    def report(self) -> Any:
        """The JSON report on standard output."""
        return json.loads(self.stdout)

    def error(self) -> Any:
        """The JSON error on standard error."""
        return json.loads(self.stderr)


@dataclass(frozen=True)
class Command:
    """The command under test; call it with its arguments."""

    path: Path

    def __call__(self, *arguments: object, status: int = 0, stdin: bytes = b"") -> Done:
        """Runs the command and checks its exit status."""
        line = [str(self.path), *map(str, arguments)]
        ended = subprocess.run(line, input=stdin, capture_output=True, timeout=TIMEOUT_SECONDS)
        done = Done(ended.returncode, ended.stdout, ended.stderr.decode())
        if done.status != status:
            pytest.fail(
                f"exit status {done.status} instead of {status}\n"
                f"$ zstd-arrow {' '.join(line[1:])}\n{done.stderr[-2000:]}",
                pytrace=False,
            )
        return done


@pytest.fixture(scope="session")
def command() -> Command:
    """The command that ZSTD_ARROW names. Without it tests fail: they are never skipped."""
    name = os.environ.get(VARIABLE)
    if not name:
        pytest.fail(f"set {VARIABLE} to the path of the command zstd-arrow", pytrace=False)
    path = Path(name).expanduser().resolve()
    if not path.is_file():
        pytest.fail(f"{VARIABLE} is {name!r}, which is no file", pytrace=False)
    return Command(path)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that is gone after the test: some of them write large files."""
    with tempfile.TemporaryDirectory(prefix="zstd-arrow-test-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def larger_file() -> Iterator[Path]:
    """A Parquet file that is larger than the memory of the queries over it."""
    with tempfile.TemporaryDirectory(prefix="zstd-arrow-test-") as name:
        path = Path(name) / "frames.parquet"
        larger.write(path)
        yield path
