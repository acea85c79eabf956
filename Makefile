# Needs a Rust toolchain, a C compiler, make and python3; fetches the rest.

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
WHEELS := dist
UNPACKED := sdist
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
# Where cargo puts what it makes (asked for in a shell).
TARGET = $$($(CARGO) metadata --locked --no-deps --format-version 1 | $(PYTHON) -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
SITE := site
# Absolute: benchmarks of cargo run in the package's folder, wherever that is.
RESULTS := $(CURDIR)/bench-results
# (The one that is a library for Python, `interop`, is run with the Python package.)
EXAMPLES := quickstart dictionary parquet_stream self_describing sql errors_as_nulls thread_pool ballista_cluster
MODULES := zstd_arrow $(addprefix zstd_arrow.,zstandard polars duckdb spark datafusion)

.PHONY: demo test test-rust test-python test-wheel test-spark test-datafusion wheel
.PHONY: docs docs-rust docs-python notebooks bench instructions clean
.PHONY: soak soak-fuzz soak-miri soak-asan soak-tsan soak-mutated soak-threads deny

# The main job, from end to end, on data it makes itself.
demo:
	$(CARGO) run --release --locked $(CLI) -- demo

# Everything that CI runs.
test: test-rust test-python test-wheel docs

test-rust:
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path $(DATAFUSION)/Cargo.toml
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
	$(VENV)/bin/python -m ruff check python $(DATAFUSION) tests/python tests/spark tests/datafusion_python examples benches notebooks docs
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

# As ratios, side by side: the codec against the plain loop over libzstd, at its edges, both decoders,
# queries against the codec; columns against Python's other ways to zstd; file jobs, small calls and the
# GIL against scripts with python-zstandard; query engines with this package against what people write
# in them without it. (Spark and DataFusion too, where `make test-spark` and `make test-datafusion` have
# fetched them.) Figures are in bench-results/ as JSON too. (Optimising over all of DataFusion's crates
# would take a quarter of an hour.)
bench: $(VENV)/ready wheel
	mkdir -p $(RESULTS)
	$(CARGO) bench --locked --bench codec -- --json $(RESULTS)/codec.json
	$(CARGO) bench --locked --bench edges
	$(CARGO) bench --locked --bench batch
	CARGO_PROFILE_BENCH_LTO=off $(CARGO) bench --locked --bench sql --features datafusion
	$(CARGO) build --release --locked $(CLI)
	$(VENV)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	$(VENV)/bin/python -m pip install $(PIP_QUIET) -r benches/requirements.txt
	$(VENV)/bin/python benches/peers.py $(CORPORA_FLAG) --json $(RESULTS)/peers.json
	$(VENV)/bin/python benches/files.py $(CORPORA_FLAG) --json $(RESULTS)/files.json
	$(VENV)/bin/python benches/small.py
	$(VENV)/bin/python benches/gil.py
	$(VENV)/bin/python benches/engines.py --engines pyarrow pandas polars duckdb $(CORPORA_FLAG) --json $(RESULTS)/engines.json
	if test -e $(VENV_SPARK)/ready; then \
		$(VENV_SPARK)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl && \
		$(VENV_SPARK)/bin/python benches/engines.py --engines pyspark --json $(RESULTS)/spark.json; \
	fi
	if test -e $(VENV_DATAFUSION)/ready; then \
		$(VENV_DATAFUSION)/bin/python -m pip wheel $(PIP_QUIET) --no-deps --wheel-dir $(WHEELS) ./$(DATAFUSION) && \
		$(VENV_DATAFUSION)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl && \
		$(VENV_DATAFUSION)/bin/python benches/engines.py --engines datafusion $(CORPORA_FLAG); \
	fi

# Instructions of the hot paths beside those that were kept, by callgrind: needs valgrind.
instructions:
	$(PYTHON) benches/instructions.py

# The slow checks of docs/reliability.md, each for so many seconds, with counts. They need a nightly
# toolchain with miri and rust-src, cargo-fuzz (cargo install cargo-fuzz) and gcc.
SECONDS ?= 600
NIGHTLY ?= $(CARGO) +nightly
HOST := x86_64-unknown-linux-gnu
FUZZ_TARGETS ?= header decompress batch compress roundtrip segments arrow_layouts schema parquet ipc
# libzstd is watched as well. (gcc takes a table of constants for a variable that is out of scope.)
WATCHED_C := -fsanitize=address -fno-sanitize-address-use-after-scope
# Large allocations are refused with null, as the system would: what comes of it is tested.
ASAN := ASAN_OPTIONS=detect_odr_violation=0:allocator_may_return_null=1
CORPORA_ENV := $(if $(CORPORA),ZSTD_ARROW_CORPORA=$(abspath $(CORPORA)))

soak: soak-fuzz soak-miri soak-asan soak-tsan soak-mutated soak-threads

# (Jobs on files do not wait for the thread that reads: what it is about to free is no leak.)
soak-fuzz:
	CFLAGS="$(WATCHED_C)" $(NIGHTLY) fuzz build
	for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/corpus/$$target && \
		case $$target in parquet|ipc) leaks=0;; *) leaks=1;; esac && \
		CFLAGS="$(WATCHED_C)" $(NIGHTLY) fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(SECONDS) -rss_limit_mb=4096 -timeout=60 -report_slow_units=60 -max_len=16384 -detect_leaks=$$leaks -print_final_stats=1 \
			2>&1 | grep -E "panicked|ERROR|SUMMARY|stat::number|stat::peak|DONE|^Done" | sed "s/^/$$target: /"; \
		test -z "$$(ls fuzz/artifacts/$$target 2>/dev/null)" || exit 1; \
	done

soak-miri:
	MIRIFLAGS=-Zmiri-disable-isolation $(NIGHTLY) miri test --locked --no-default-features --lib -- what_is_taken_is_what_the_twin_has
	MIRIFLAGS=-Zmiri-disable-isolation $(NIGHTLY) miri test --locked --test it -- segments:: convert::

soak-asan:
	CFLAGS="$(WATCHED_C)" RUSTFLAGS=-Zsanitizer=address $(ASAN) $(NIGHTLY) test --locked --target $(HOST) --lib --test it

soak-tsan:
	TSAN_OPTIONS=suppressions=$(CURDIR)/tests/tsan.suppressions CFLAGS=-fsanitize=thread RUSTFLAGS=-Zsanitizer=thread $(NIGHTLY) test --locked -Zbuild-std --target $(HOST) \
		--no-default-features --lib

soak-mutated: $(VENV)/ready wheel
	$(VENV)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	mkdir -p fuzz/corpus
	$(CORPORA_ENV) ZSTD_ARROW_MUTATED=1000000 ZSTD_ARROW_MUTATED_FILE=$(CURDIR)/fuzz/corpus/mutated.arrows \
		$(CARGO) test --locked $(FEATURES) --test it mutated -- --nocapture
	ZSTD_ARROW_MUTATED_FILE=$(CURDIR)/fuzz/corpus/mutated.arrows \
		$(VENV)/bin/python -m pytest -q -s tests/python/test_mutated.py

soak-threads: $(VENV)/ready wheel
	$(VENV)/bin/python -m pip install $(PIP_QUIET) --force-reinstall --no-deps $(WHEELS)/*.whl
	MALLOC_ARENA_MAX=2 $(VENV)/bin/python tests/python/soak.py --seconds $(SECONDS) --threads 8

# The tree of dependencies against deny.toml and the advisory database (cargo install cargo-deny).
deny:
	$(CARGO) deny check

clean:
	$(CARGO) clean
	$(CARGO) clean --manifest-path $(DATAFUSION)/Cargo.toml
	rm -rf $(VENV) $(VENV)-empty $(VENV_SPARK) $(VENV_DATAFUSION) $(WHEELS) $(UNPACKED) $(SITE) $(RESULTS)
