"""Checks a site that `make docs` has made.

    python check_site.py FOLDER [MODULE ...]

Every link inside of the folder leads to a file that is there, and to a place in it that is there.
Every public name of the modules and their classes is in the folder's inventory (Sphinx's), which
has only what has a docstring.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import zlib
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the places in it that links can lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if place := values.get("id"):
            self.places.add(place)
        if tag == "a" and (place := values.get("name")):
            self.places.add(place)
        for name in ("href", "src"):
            if (link := values.get(name)) is not None:
                self.links.append(link)


@cache
def page(path: Path) -> Page:
    return Page(path.read_text())


def broken(folder: Path) -> Iterator[str]:
    """The links that lead nowhere."""
    for path in sorted(folder.rglob("*.html")):
        for link in page(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists() and parts.path == "dispatcher":
                # In a text of the crate `tracing`, which rustdoc copies to every type.
                continue
            if not target.exists():
                yield f"{path.relative_to(folder)}: {link}: there is no such file"
            elif parts.fragment and target.suffix == ".html":
                # (A place is found as it is written, or decoded. Rustdoc's source pages make the
                # numbers of their lines as they are shown.)
                names = {parts.fragment, unquote(parts.fragment)}
                if not names & page(target).places and not parts.fragment[:1].isdigit():
                    yield f"{path.relative_to(folder)}: {link}: there is no such place"


def inventory(folder: Path) -> set[str]:
    """The names that Sphinx's inventory has."""
    data = (folder / "objects.inv").read_bytes()
    # Four lines of text, and then compressed ones: name, kind, ...
    lines = zlib.decompress(data.split(b"\n", 4)[4]).decode().splitlines()
    return {line.split(" ", 1)[0] for line in lines}


def public(module: str) -> Iterator[str]:
    """The public names of a module, and those of its own classes' members."""
    found = importlib.import_module(module)
    for name in found.__all__:
        if name == "__version__":
            continue
        yield f"{module}.{name}"
        if inspect.isclass(item := getattr(found, name)) and item.__module__ == module:
            members = (member for member in vars(item) if not member.startswith("_"))
            yield from (f"{module}.{name}.{member}" for member in members)


def main(folder: Path, modules: list[str]) -> None:
    problems = list(broken(folder))
    pages = len(list(folder.rglob("*.html")))
    if not pages:
        problems.append(f"{folder} has no page")
    names = [name for module in modules for name in public(module)]
    if names:
        known = inventory(folder)
        problems += [f"{name} has no documentation" for name in names if name not in known]
    if problems:
        sys.exit("\n".join(problems))
    links = sum(len(page(path).links) for path in folder.rglob("*.html"))
    print(f"{folder}: {pages} pages, {links} links, {len(names)} names of Python")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
