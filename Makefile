# Needs a Rust toolchain, a C compiler, make and python3; fetches the rest.

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
WHEELS := dist
VENV_SPARK := .venv-spark
VENV_DATAFUSION := .venv-datafusion
# The functions for DataFusion's Python package: a crate and a package of its own.
DATAFUSION := packages/datafusion
# A folder with deb.parquet and py.parquet to measure on, if there is one.
CORPORA ?=
CORPORA_FLAG := $(if $(CORPORA),--corpora $(CORPORA))
PIP_QUIET := --quiet --disable-pip-version-check
# What the command needs.
CLI := --features cli
# Everything there is but the Python package. Whatever is tested is compiled with these, so that
# DataFusion and the rest are compiled once.
FEATURES := --features cli,ballista

.PHONY: demo test test-rust test-python test-wheel test-spark test-datafusion wheel bench clean

# The main job, from end to end, on data it makes itself.
demo:
	$(CARGO) run --release --locked $(CLI) -- demo

# Everything that CI runs.
test: test-rust test-python test-wheel

# (The documentation is made with the examples only so that it takes what the tests' dependencies
# are, and the others are not checked once more for it.)
test-rust:
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path $(DATAFUSION)/Cargo.toml
	$(CARGO) clippy --locked $(FEATURES) --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features --lib -- -D warnings
	$(CARGO) clippy --locked --features python --lib -- -D warnings
	$(CARGO) test --locked $(FEATURES) --lib --bins --tests
	$(CARGO) test --locked $(FEATURES) --doc
	for example in quickstart dictionary ballista_cluster; do $(CARGO) run --locked $(FEATURES) --example $$example || exit; done
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked $(FEATURES) --no-deps --lib --examples

# The Python package, and the command against other implementations: python-zstandard, pyarrow,
# Polars. (The command that cargo builds for its own tests: a build of its own would compile
# everything once more, with other features of the dependencies.)
test-python: $(VENV)/ready wheel
	$(VENV)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	$(VENV)/bin/python -m ruff check python $(DATAFUSION) tests/python tests/spark tests/datafusion_python examples/python benches
	$(CARGO) test --locked $(FEATURES) --lib --bins --tests --no-run
	ZSTD_ARROW="$$($(CARGO) metadata --locked --no-deps --format-version 1 | $(PYTHON) -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/debug/zstd-arrow" \
		$(VENV)/bin/python -m pytest -q -rsx tests/python
	$(VENV)/bin/python tests/python/readme.py docs/engines.md

# The wheel in an environment that has nothing else: what the README shows runs there.
test-wheel: wheel
	rm -rf $(VENV)-empty
	$(PYTHON) -m venv $(VENV)-empty
	$(VENV)-empty/bin/python -m pip install $(PIP_QUIET) $(WHEELS)/*.whl pyarrow
	$(VENV)-empty/bin/python tests/python/readme.py README.md

# zstd_arrow.spark on a real Spark in local mode. Not a part of `test`: it needs Java (17 or later),
# and Spark is a download of 450 MB.
test-spark: $(VENV_SPARK)/ready wheel
	$(VENV_SPARK)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	$(VENV_SPARK)/bin/python -m pytest -q -rsx tests/spark

# zstd_arrow.datafusion in a real DataFusion. Not a part of `test`: DataFusion is compiled for it once
# more, with its interface between libraries.
test-datafusion: $(VENV_DATAFUSION)/ready wheel
	$(VENV_DATAFUSION)/bin/python -m pip wheel $(PIP_QUIET) --no-deps --wheel-dir $(WHEELS) ./$(DATAFUSION)
	$(VENV_DATAFUSION)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	$(VENV_DATAFUSION)/bin/python -m mypy.stubtest --allowlist tests/datafusion_python/stubs.allowed zstd_arrow_datafusion
	$(VENV_DATAFUSION)/bin/python -m pytest -q -rsx tests/datafusion_python

# A wheel for every CPython from 3.11 on.
wheel: $(VENV)/ready
	rm -rf $(WHEELS)
	$(VENV)/bin/python -m pip wheel $(PIP_QUIET) --no-deps --wheel-dir $(WHEELS) .

$(VENV)/ready: tests/python/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install $(PIP_QUIET) -r tests/python/requirements.txt
	touch $@

$(VENV_DATAFUSION)/ready: tests/datafusion_python/requirements.txt
	$(PYTHON) -m venv $(VENV_DATAFUSION)
	$(VENV_DATAFUSION)/bin/python -m pip install $(PIP_QUIET) -r tests/datafusion_python/requirements.txt
	touch $@

$(VENV_SPARK)/ready: tests/spark/requirements.txt
	$(PYTHON) -m venv $(VENV_SPARK)
	$(VENV_SPARK)/bin/python -m pip install $(PIP_QUIET) -r tests/spark/requirements.txt
	touch $@

# As ratios, side by side: the codec against the plain loop over libzstd, both decoders, queries against
# the codec; file jobs, small calls and the GIL against scripts with python-zstandard; query engines
# with this package against what people write in them without it. (Spark and DataFusion
# too, where `make test-spark` and `make test-datafusion` have fetched them.)
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
	if test -e $(VENV_DATAFUSION)/ready; then \
		$(VENV_DATAFUSION)/bin/python -m pip wheel $(PIP_QUIET) --no-deps --wheel-dir $(WHEELS) ./$(DATAFUSION) && \
		$(VENV_DATAFUSION)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl && \
		$(VENV_DATAFUSION)/bin/python benches/engines.py --engines datafusion $(CORPORA_FLAG); \
	fi

clean:
	$(CARGO) clean
	$(CARGO) clean --manifest-path $(DATAFUSION)/Cargo.toml
	rm -rf $(VENV) $(VENV)-empty $(VENV_SPARK) $(VENV_DATAFUSION) $(WHEELS)
