"""Instructions of the hot paths, by valgrind's callgrind: the same for the same binary, whatever
else the machine does.

    python benches/instructions.py [--only PATH ...] [--update]

Builds the bench `instructions`, runs each path with few calls and with more, and takes the
difference, so that what comes before the calls is not in it. Figures are instructions for a row,
beside those of `benches/instructions.json` and the change from them; `--update` writes them there.
They depend on the compiler, on libzstd and on what the processor has, so they are compared only
with those of the same machine and toolchain, which the file names.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FEW, MORE = 2, 7
KEPT = Path(__file__).with_suffix(".json")


def output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def built() -> str:
    """The bench's binary."""
    cargo = os.environ.get("CARGO", "cargo")
    messages = output(
        cargo, "bench", "--locked", "--bench", "instructions", "--no-run", "--message-format=json"
    )
    found = [json.loads(line) for line in messages.splitlines()]
    return next(
        message["executable"]
        for message in found
        if message.get("target", {}).get("name") == "instructions" and message.get("executable")
    )


def instructions(binary: str, path: str, calls: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
            + [binary, path, str(calls)],
            stderr=subprocess.PIPE,
            text=True,
        )
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode or not collected:
        sys.exit(f"{path}: {run.stderr}")
    return int(collected[1])


def about() -> dict[str, str]:
    """What the figures depend on."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {"rustc": output("rustc", "--version").strip(), "processor": model[1] if model else "?"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", help="paths")
    parser.add_argument("--update", action="store_true", help=f"write {KEPT.name}")
    settings = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed")
    binary = built()
    before = json.loads(KEPT.read_text()) if KEPT.exists() else {"about": None, "rows": {}}
    if before["about"] != about():
        print(f"the kept figures are of {before['about']}, these of {about()}")
    print(f"{'path':<36}{'a row':>12}{'kept':>12}{'change':>9}")
    found: dict[str, float] = {}
    for line in output(binary).splitlines():
        path, rows = line.split()
        if settings.only and path not in settings.only:
            continue
        calls = [instructions(binary, path, calls) for calls in (FEW, MORE)]
        found[path] = a_row = round((calls[1] - calls[0]) / (MORE - FEW) / int(rows), 2)
        kept = before["rows"].get(path)
        change = f"{kept:>12,.2f}{a_row / kept - 1:>+9.1%}" if kept else f"{'-':>12}{'-':>9}"
        print(f"{path:<36}{a_row:>12,.2f}{change}", flush=True)
    if settings.update:
        rows = before["rows"] | found if settings.only else found
        KEPT.write_text(json.dumps({"about": about(), "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
