"""Runs each Python example of a Markdown file, as it stands: `python readme.py README.md`."""

import re
import sys
from pathlib import Path

EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def main(path: str) -> None:
    examples = EXAMPLE.findall(Path(path).read_text())
    if not examples:
        sys.exit(f"{path} has no Python example")
    for example in examples:
        exec(compile(example, path, "exec"), {})
    print(f"{path}: {len(examples)} Python examples ran")


if __name__ == "__main__":
    main(sys.argv[1])
