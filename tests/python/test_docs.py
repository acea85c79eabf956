"""What the docs say against what the code does: snippets, options, defaults, limits, names."""

from __future__ import annotations

import functools
import inspect
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl  # noqa: F401 (its namespaces are looked at)
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstd_arrow as za
import zstd_arrow.datafusion
import zstd_arrow.duckdb
import zstd_arrow.polars
import zstd_arrow.spark
import zstd_arrow.zstandard
from conftest import Command

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CARGO = tomllib.loads((ROOT / "Cargo.toml").read_text())
Help = Callable[[str], str]


def blocks(path: Path, language: str) -> list[str]:
    """The blocks of a language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)


def constant(file: str, name: str) -> int:
    """The value of a constant of the Rust code."""
    pattern = rf"const {name}: \w+ = ([\d_]+)(?: << (\d+))?;"
    [(number, shift)] = re.findall(pattern, (ROOT / "src" / file).read_text())
    return int(number.replace("_", "")) << int(shift or 0)


@pytest.fixture
def help_of(command: Command) -> Help:
    """What `--help` says of a command of `zstd-arrow`."""

    @functools.cache
    def say(name: str) -> str:
        return command(*filter(None, [name]), "--help").stdout.decode()

    return say


# -------------------------------------------------------------------------------------- the command


def test_shell_snippets_of_the_readme(command: Command, folder: Path) -> None:
    """Lines of zstd-arrow run as they stand, in an empty folder; the others name what there is."""
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    makefile = (ROOT / "Makefile").read_text()
    ours = []
    for line in filter(None, lines):
        match line.split("#")[0].split():
            case ["zstd-arrow", *_]:
                ours.append(line)
            case ["make", target]:
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), line
            case _:
                pytest.fail(f"nobody runs this line of the README: {line}")
    assert len(ours) >= 4
    path = f"{command.path.parent}{os.pathsep}{os.environ['PATH']}"
    script = "\n".join(["set -e", *ours])
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    back = pq.read_table(folder / "back.parquet")
    assert back.equals(pq.read_table(folder / "events.parquet"))


def test_installation_of_the_readme() -> None:
    """Where the README installs the command, it names a feature that there is."""
    [feature] = re.findall(r"`cargo install --path \. --features (\w+)`", PAGES[0].read_text())
    assert feature in CARGO["features"]
    assert "clap" in {name.removeprefix("dep:") for name in CARGO["features"][feature]}


def command_lines() -> Iterator[tuple[str, str]]:
    """The uses of the command in the docs: its command, and the rest of the line."""
    for page in PAGES:
        for line in page.read_text().replace("\\\n", " ").splitlines():
            yield from re.findall(r"zstd-arrow ([a-z]+)\b([^`|\n]*)", line)


def test_options_in_the_docs_are_in_the_help(help_of: Help) -> None:
    commands = set(re.findall(r"^  ([a-z]+) ", help_of(""), re.MULTILINE)) - {"help"}
    used = [(name, rest) for name, rest in command_lines() if name in commands]
    assert {name for name, _ in used} >= {"compress", "decompress", "inspect", "demo"}
    for name, rest in used:
        for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest):
            assert re.search(rf"(?<![\w-]){option}\b", help_of(name)), f"{name} {option}"
    # And those that stand alone in the text are options of some command.
    every = "".join(map(help_of, sorted(commands)))
    text = PAGES[0].read_text()
    for option in re.findall(r"`(--[a-z][a-z-]*)[ `]", text):
        assert option in every or option in {"--features"}, option


def test_statuses_in_the_readme_are_those_of_the_help(help_of: Help) -> None:
    readme = " ".join(PAGES[0].read_text().split())
    said = " ".join(help_of("").split())
    for status, what in (("1", "bad data or a failing file"), ("2", "wrong usage")):
        assert f"{status} is {what}" in readme or f"{status} {what}" in readme
        assert f"{status} for {what}" in said


# ------------------------------------------------------------------------------ defaults and limits


def functions() -> Iterator[tuple[str, inspect.Signature]]:
    """Public functions and methods, with signatures (those of `zstandard` are another's)."""
    for module in (za, za.datafusion, za.duckdb, za.polars, za.spark):
        for name in module.__all__:
            item = getattr(module, name)
            found = vars(item) if inspect.isclass(item) else {"": item}
            for member, function in found.items():
                if callable(function) and (not member.startswith("_") or member == "__init__"):
                    try:
                        yield f"{module.__name__}.{name}.{member}", inspect.signature(function)
                    except ValueError:
                        continue


def test_defaults_are_the_same_everywhere(help_of: Help) -> None:
    level = int(re.search(r"--level <LEVEL>.*?\[default: (-?\d+)\]", help_of("compress"), re.S)[1])
    size = int(re.search(r"--size <SIZE>.*?\[default: (\d+)\]", help_of("train"), re.S)[1])
    assert size == constant("codec/dictionary.rs", "DEFAULT_DICTIONARY_SIZE") == 110 << 10
    levels, sizes = 0, 0
    for name, signature in functions():
        for parameter in signature.parameters.values():
            if parameter.name == "level" and parameter.default is not inspect.Parameter.empty:
                assert parameter.default == level, name
                levels += 1
            elif parameter.name == "size" and parameter.default is not inspect.Parameter.empty:
                assert parameter.default == size, name
                sizes += 1
    assert levels >= 8 and sizes >= 3
    assert inspect.signature(za.zstandard.compress).parameters["level"].default == level
    sql = (ROOT / "docs" / "sql.md").read_text()
    assert f"The level is a constant. Default {level}." in sql
    assert f"{size} by default" in " ".join(sql.split())
    assert f"{size >> 10}KiB is a good one" in help_of("compress")
    stubs = "".join(path.read_text() for path in (ROOT / "python" / "zstd_arrow").glob("*.pyi"))
    assert set(re.findall(r"\blevel: int = (-?\d+)", stubs)) == {str(level)}
    assert set(re.findall(r"\bsize: int = (\d+)", stubs)) == {str(size)}


def test_batches(help_of: Help) -> None:
    rows = constant("files/mod.rs", "DEFAULT_BATCH_ROWS")
    assert re.search(rf"--batch-rows <N>.*?\[default: {rows}\]", help_of("compress"), re.S)


def test_the_range_of_levels(help_of: Help) -> None:
    column = pa.array(["a value"])
    text = " ".join(help_of("compress").split())
    said = re.search(r"from (-\d+) \(fast\) to (\d+) \(small\)", text)
    low, high = int(said[1]), int(said[2])
    assert re.search(rf"{low} to {high}; 0 is its default", za.compress.__doc__)
    for level in (low, high):
        za.compress(column, level=level)
    for level in (low - 1, high + 1):
        with pytest.raises(ValueError, match="level"):
            za.compress(column, level=level)
    assert high == za.zstandard.MAX_COMPRESSION_LEVEL


def test_sizes_of_pieces_in_the_docs_of_files() -> None:
    docs = " ".join(
        re.findall(r"^//! ?(.*)", (ROOT / "src/files/mod.rs").read_text(), re.MULTILINE)
    )
    chunks, batches = (
        constant("files/chunks/mod.rs", "PIECE_BYTES"),
        constant("files/batch.rs", "PIECE_BYTES"),
    )
    assert f"a few pieces of about {chunks >> 20} MiB for each thread" in docs
    assert f"a few batches of about {batches >> 20} MiB" in docs
    assert batches == constant("files/parquet.rs", "BATCH_BYTES")


def test_memory_that_is_kept() -> None:
    limit = constant("codec/memory/idle.rs", "DEFAULT_IDLE_LIMIT")
    assert f"{limit >> 20} MiB" in za.set_idle_limit.__doc__


# ------------------------------------------------------------------------------- features, versions


def test_features_in_the_docs() -> None:
    features = set(CARGO["features"]) - {"default"}
    table = re.findall(r"^//! \| `(\w+)` \| (yes|no) \|", (ROOT / "src/lib.rs").read_text(), re.M)
    assert {name for name, _ in table} == features
    assert {name for name, default in table if default == "yes"} == set(
        CARGO["features"]["default"]
    )
    readme = PAGES[0].read_text()
    for feature in features:
        assert f"`{feature}`" in readme
    for page in PAGES:
        for named in re.findall(r'features = \["(\w+)"\]|--features (\w+)', page.read_text()):
            assert "".join(named) in features


def test_one_version() -> None:
    """Cargo.toml has it; everything else asks there."""
    version = CARGO["package"]["version"]
    assert za.__version__ == version
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"] == ["version"]
    short = ".".join(version.split(".")[:2])
    for page in PAGES:
        for named in re.findall(r'zstd-arrow = \{? ?(?:version = )?"([\d.]+)"', page.read_text()):
            assert named == short


def test_toolchain_in_the_readme() -> None:
    assert f"a Rust toolchain ({CARGO['package']['rust-version']})" in PAGES[0].read_text()


def test_extras_in_the_docs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = set(project["optional-dependencies"])
    named = set(re.findall(r"`zstd-arrow\[(\w+)\]`", (ROOT / "docs/engines.md").read_text()))
    assert named == extras


# -------------------------------------------------------------------------------------------- names


def test_examples_in_the_readme() -> None:
    """Every example is named, run by `make test`, and there."""
    there = {path.stem for path in (ROOT / "examples").glob("*.rs")}
    readme = PAGES[0].read_text()
    [row] = re.findall(r"^\| \[`examples/`\].*$", readme, re.MULTILINE)
    named = set(re.findall(r"`(?:cargo run --example )?(\w+)`", row)) - {"examples"}
    assert named == there
    [line] = re.findall(r"^EXAMPLES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {*line.split(), "interop"} == there


def test_names_of_python_in_the_docs() -> None:
    """`za.name` and `zstd_arrow.name` are public names."""
    for page in PAGES:
        for path in re.findall(r"\b(?:za|zstd_arrow)((?:\.[A-Za-z]\w*)+)", page.read_text()):
            if page.name in ("sql.md", "batch-decoder.md"):
                continue
            item = za
            for name in path[1:].split("."):
                if name in ("frames", "dictionary") and item is za:  # of metadata
                    break
                item = getattr(item, name)


def test_functions_of_sql_in_the_docs() -> None:
    """The functions of SQL in the docs are those that the code has."""
    code = "".join(path.read_text() for path in (ROOT / "src/sql").glob("*.rs"))
    named = set(re.findall(r"\b((?:try_)?zstd_[a-z_]+)\(", (ROOT / "docs/sql.md").read_text()))
    assert named >= {"zstd_compress", "zstd_decompress", "zstd_train_dictionary"}
    for name in named - {"zstd_arrow"}:
        assert f'"{name}"' in code, name


def test_links_between_the_pages() -> None:
    """Relative links of the pages, the notebooks and the README lead to files."""
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert len(notebooks) == 4
    texts = [(page, page.read_text()) for page in [*PAGES, ROOT / "CHANGELOG.md"]]
    for path in notebooks:
        cells = json.loads(path.read_text())["cells"]
        texts.append((path, "\n".join("".join(c["source"]) for c in cells)))
    for path, text in texts:
        for link in re.findall(r"\]\(([^)#\s]+)", text):
            if not re.match(r"[a-z]+:", link):
                assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_what_is_packaged() -> None:
    """`cargo package` takes what a crate needs: code, tests, examples, benchmarks, pages."""
    cargo = os.environ.get("CARGO", "cargo")
    line = [cargo, "package", "--list", "--allow-dirty", "--locked"]
    listed = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "warning" not in listed.stderr
    expected = re.compile(
        r"""src/.*\.(rs|bin) | tests/.*\.(rs|slt) | examples/\w+\.rs | benches/.*\.rs
            | docs/[\w-]+\.md | README\.md | CHANGELOG\.md | SECURITY\.md | LICENSE-(APACHE|MIT)
            | Cargo\.(toml|toml\.orig|lock) | \.cargo_vcs_info\.json""",
        re.VERBOSE,
    )
    files = listed.stdout.split()
    assert [name for name in files if not expected.fullmatch(name)] == []
    for name in ("src/lib.rs", "README.md", "LICENSE-MIT", "docs/sql.md", "examples/quickstart.rs"):
        assert name in files
