"""Mixed calls from eight threads, for a short time: `soak.py`; `make soak` runs it for longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS = float(os.environ.get("ZSTD_ARROW_SOAK_SECONDS", "30"))


def test_mixed_calls() -> None:
    """No call fails, none gives another result, memory does not grow."""
    line = [sys.executable, str(Path(__file__).with_name("soak.py")), "--seconds", str(SECONDS)]
    # Arenas are still being filled in so short a time; a leak of results would be far more.
    line += ["--noise", "64"]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=SECONDS * 3 + 300)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    print(ended.stdout)
