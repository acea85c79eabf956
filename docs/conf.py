"""The site of the Python package, from its docstrings and the pages of this folder: `make docs`."""

import re
from importlib.metadata import version as installed

from pygments.lexers.rust import RustLexer

project = "zstd-arrow"
version = release = installed("zstd-arrow")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
exclude_patterns = ["_build"]

# `name` in a docstring is a name: a link where it is one of this package's.
default_role = "py:obj"
# Every name that begins with the package's has to lead somewhere.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!zstd_arrow\.).*")]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]

autodoc_member_order = "groupwise"
# Docstrings say the types, in words.
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "inherited-members": False}
napoleon_google_docstring = False
napoleon_use_rtype = False
# Not installed where the site is made.
autodoc_mock_imports = ["pyspark", "datafusion", "zstd_arrow_datafusion"]

ROW = re.compile(r"\s*\|(.*)\|\s*$")
RULE = re.compile(r"[\s|:-]+$")


def tables(app, what, name, obj, options, lines: list[str]) -> None:
    """Tables as Markdown has them, which read well in `help()`, become list-tables."""
    made: list[str] = []
    inside = False
    for line in lines:
        row = ROW.match(line)
        if row and not inside:
            made += ["", ".. list-table::", "   :header-rows: 1", ""]
        elif inside and not row:
            made.append("")
        inside = bool(row)
        if not row:
            made.append(line)
        elif not RULE.match(row[1]):
            first, *rest = (cell.strip() for cell in row[1].split(" | "))
            made += [f"   * - {first}", *(f"     - {cell}" for cell in rest)]
    lines[:] = made


def setup(app) -> None:
    app.connect("autodoc-process-docstring", tables)
    app.add_lexer("rust,ignore", RustLexer)
