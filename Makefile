# Needs a Rust toolchain, a C compiler, make and python3; fetches the rest.

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
WHEELS := dist
UNPACKED := sdist
VENV_SPARK := .venv-spark
# A folder with deb.parquet and py.parquet to measure on, if there is one.
CORPORA ?=
CORPORA_FLAG := $(if $(CORPORA),--corpora $(CORPORA))
PIP_QUIET := --quiet --disable-pip-version-check
# What the command needs.
CLI := --features cli
# Everything there is but the Python package. Whatever is tested is compiled with these, so that
# DataFusion and the rest are compiled once.
FEATURES := --features cli,ballista
# Where cargo puts what it makes (asked for in a shell).
TARGET = $$($(CARGO) metadata --locked --no-deps --format-version 1 | $(PYTHON) -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
SITE := site
# (The one that is a library for Python, `interop`, is run with the Python package.)
EXAMPLES := quickstart dictionary parquet_stream self_describing sql errors_as_nulls thread_pool ballista_cluster
MODULES := zstd_arrow $(addprefix zstd_arrow.,zstandard polars duckdb spark)

.PHONY: demo test test-rust test-python test-wheel test-spark wheel docs docs-rust docs-python notebooks bench clean

# The main job, from end to end, on data it makes itself.
demo:
	$(CARGO) run --release --locked $(CLI) -- demo

# Everything that CI runs.
test: test-rust test-python test-wheel docs

test-rust:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked $(FEATURES) --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features --lib -- -D warnings
	$(CARGO) clippy --locked --features python --lib -- -D warnings
	$(CARGO) test --locked $(FEATURES) --lib --bins --tests
	$(CARGO) test --locked $(FEATURES) --doc
	for example in $(EXAMPLES); do $(CARGO) run --locked $(FEATURES) --example $$example || exit; done

# The Python package, and the command against other implementations: python-zstandard, pyarrow,
# Polars. (The command that cargo builds for its own tests: a build of its own would compile
# everything once more, with other features of the dependencies.)
test-python: $(VENV)/ready wheel
	$(VENV)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	$(VENV)/bin/python -m ruff check python tests/python tests/spark examples benches notebooks docs
	$(CARGO) test --locked $(FEATURES) --lib --bins --tests --no-run
	ZSTD_ARROW="$(TARGET)/debug/zstd-arrow" \
		$(VENV)/bin/python -m pytest -q -rsx tests/python
	$(VENV)/bin/python tests/python/readme.py docs/engines.md
	$(VENV)/bin/python notebooks/run.py
	$(VENV)/bin/python examples/python/quickstart.py
	$(CARGO) build --locked $(FEATURES) --example interop
	$(VENV)/bin/python examples/interop.py "$(TARGET)/debug/examples"

# The site: of the Rust crate in site/rust, of the Python package in site/python. Whatever is not
# documented, or leads nowhere, is an error.
docs: docs-rust docs-python

# (Made with the examples only so that it takes what the tests' dependencies are, and the others are
# not checked once more for it.)
docs-rust:
	$(CARGO) clean --doc
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked $(FEATURES) --no-deps --lib --examples
	rm -rf $(SITE)/rust
	mkdir -p $(SITE)
	cp -r "$(TARGET)/doc" $(SITE)/rust
	echo '<meta http-equiv="refresh" content="0; url=zstd_arrow/index.html">' > $(SITE)/rust/index.html
	$(PYTHON) tests/python/check_site.py $(SITE)/rust

docs-python: $(VENV)/ready wheel
	$(VENV)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	rm -rf $(SITE)/python
	$(VENV)/bin/python -m sphinx -q -n -W --keep-going -b html docs $(SITE)/python
	$(VENV)/bin/python tests/python/check_site.py $(SITE)/python $(MODULES)

# The notebooks with their outputs, run anew on all their data.
notebooks: $(VENV)/ready wheel
	$(VENV)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	CORPORA="$(abspath $(CORPORA))" $(VENV)/bin/python notebooks/run.py --write

# The wheel, and then the source distribution, in an environment that has nothing else: what the README
# shows runs there. (The sdist is unpacked to a place of its own that does not change, so that cargo's
# folder does not grow with each run. Unpacked files are new, so that cargo does not take an older build.)
test-wheel: wheel
	rm -rf $(VENV)-empty
	$(PYTHON) -m venv $(VENV)-empty
	$(VENV)-empty/bin/python -m pip install $(PIP_QUIET) $(WHEELS)/*.whl pyarrow
	$(VENV)-empty/bin/python tests/python/readme.py README.md
	rm -rf $(VENV)-empty $(UNPACKED)
	$(VENV)/bin/maturin sdist --out $(UNPACKED)
	tar -xzmf $(UNPACKED)/*.tar.gz -C $(UNPACKED) --strip-components 1
	$(PYTHON) -m venv $(VENV)-empty
	$(VENV)-empty/bin/python -m pip install $(PIP_QUIET) ./$(UNPACKED) pyarrow
	$(VENV)-empty/bin/python tests/python/readme.py README.md

# zstd_arrow.spark on a real Spark in local mode. Not a part of `test`: it needs Java (17 or later),
# and Spark is a download of 450 MB.
test-spark: $(VENV_SPARK)/ready wheel
	$(VENV_SPARK)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	$(VENV_SPARK)/bin/python -m pytest -q -rsx tests/spark

# A wheel for every CPython from 3.11 on.
wheel: $(VENV)/ready
	rm -rf $(WHEELS)
	$(VENV)/bin/python -m pip wheel $(PIP_QUIET) --no-deps --wheel-dir $(WHEELS) .

$(VENV)/ready: tests/python/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install $(PIP_QUIET) -r tests/python/requirements.txt
	touch $@

$(VENV_SPARK)/ready: tests/spark/requirements.txt
	$(PYTHON) -m venv $(VENV_SPARK)
	$(VENV_SPARK)/bin/python -m pip install $(PIP_QUIET) -r tests/spark/requirements.txt
	touch $@

# As ratios, side by side: the codec against the plain loop over libzstd, both decoders, queries against
# the codec; file jobs, small calls and the GIL against scripts with python-zstandard; query engines
# with this package against what people write in them without it. (Spark too, where
# `make test-spark` has fetched it.)
bench: $(VENV)/ready wheel
	$(CARGO) bench --locked --bench codec
	$(CARGO) bench --locked --bench batch
	$(CARGO) bench --locked --bench sql --features datafusion
	$(CARGO) build --release --locked $(CLI)
	$(VENV)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	$(VENV)/bin/python benches/files.py $(CORPORA_FLAG)
	$(VENV)/bin/python benches/small.py
	$(VENV)/bin/python benches/gil.py
	$(VENV)/bin/python benches/engines.py --engines pyarrow pandas polars duckdb $(CORPORA_FLAG)
	if test -e $(VENV_SPARK)/ready; then \
		$(VENV_SPARK)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl && \
		$(VENV_SPARK)/bin/python benches/engines.py --engines pyspark; \
	fi

clean:
	$(CARGO) clean
	rm -rf $(VENV) $(VENV)-empty $(VENV_SPARK) $(WHEELS) $(UNPACKED) $(SITE)
