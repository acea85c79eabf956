"""Runs the notebooks from top to bottom, without a screen.

    python notebooks/run.py            # small generated data; an error of any cell is an error
    python notebooks/run.py --write    # all data; puts the outputs into the notebooks

Without --write the files stay as they are, and have to be whole: every cell of code has been run,
one after the other, and none ended with an error. `--plots FOLDER` writes the pictures to files.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

HERE = Path(__file__).parent
TIMEOUT_SECONDS = 600


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def problems(notebook: NotebookNode) -> list[str]:
    """What is wrong with a notebook as it is committed."""
    found = []
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"its cells of code were run in the order {counts}")
    for number, cell in enumerate(code_cells(notebook), start=1):
        if any(output.output_type == "error" for output in cell.outputs):
            found.append(f"cell of code {number} ended with an error")
        if any(output.get("name") == "stderr" for output in cell.outputs):
            found.append(f"cell of code {number} wrote to standard error")
    return found


def execute(notebook: NotebookNode) -> None:
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(HERE)}},
        record_timing=False,
    )
    client.execute()
    # What says where and when it was run, and changes with each run.
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def write_plots(notebook: NotebookNode, stem: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [
        output.data["image/png"]
        for cell in code_cells(notebook)
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    for number, picture in enumerate(pictures, start=1):
        (folder / f"{stem}-{number}.png").write_bytes(base64.b64decode(picture))


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the notebooks from top to bottom.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of this folder")
    parser.add_argument("--write", action="store_true", help="put the outputs into the notebooks")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="write the pictures there")
    settings = parser.parse_args()
    paths = settings.notebooks or sorted(HERE.glob("*.ipynb"))
    if not paths:
        sys.exit("there are no notebooks")
    if not settings.write:
        os.environ["NOTEBOOKS_QUICK"] = "1"
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        if not settings.write and (found := problems(notebook)):
            sys.exit(f"{path.name}: {'; '.join(found)}: `make notebooks` runs it anew")
        start = time.perf_counter()
        try:
            execute(notebook)
        except CellExecutionError as error:
            sys.exit(f"{path.name}: {error}")
        seconds = time.perf_counter() - start
        print(f"{path.name}: {len(code_cells(notebook))} cells of code ran, {seconds:.0f} s")
        if settings.write:
            nbformat.validate(notebook)
            nbformat.write(notebook, path)
        if settings.plots:
            write_plots(notebook, path.stem, settings.plots)


if __name__ == "__main__":
    main()
