# Needs a Rust toolchain, a C compiler, make and python3; fetches the rest.

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
WHEELS := dist
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

.PHONY: demo test test-rust test-python test-wheel test-spark wheel bench clean
.PHONY: soak soak-fuzz soak-miri soak-asan soak-tsan soak-mutated soak-threads deny

# The main job, from end to end, on data it makes itself.
demo:
	$(CARGO) run --release --locked $(CLI) -- demo

# Everything that CI runs.
test: test-rust test-python test-wheel

# (The documentation is made with the examples only so that it takes what the tests' dependencies
# are, and the others are not checked once more for it.)
test-rust:
	$(CARGO) fmt --check
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
	$(VENV)/bin/python -m ruff check python tests/python tests/spark examples/python benches
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

# The slow checks of docs/reliability.md, each for so many seconds, with counts. They need a nightly
# toolchain with miri and rust-src, cargo-fuzz (cargo install cargo-fuzz) and gcc.
SECONDS ?= 600
NIGHTLY ?= $(CARGO) +nightly
HOST := x86_64-unknown-linux-gnu
FUZZ_TARGETS ?= header decompress batch roundtrip segments arrow_layouts schema parquet ipc
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
			-max_total_time=$(SECONDS) -rss_limit_mb=4096 -timeout=60 -max_len=16384 -detect_leaks=$$leaks -print_final_stats=1 \
			2>&1 | grep -E "panicked|ERROR|SUMMARY|stat::number|stat::peak|DONE|^Done" | sed "s/^/$$target: /"; \
		test -z "$$(ls fuzz/artifacts/$$target 2>/dev/null)" || exit 1; \
	done

soak-miri:
	MIRIFLAGS=-Zmiri-disable-isolation $(NIGHTLY) miri test --locked --no-default-features --lib -- what_is_taken_is_what_the_twin_has
	MIRIFLAGS=-Zmiri-disable-isolation $(NIGHTLY) miri test --locked --test it -- segments:: convert::

soak-asan:
	CFLAGS="$(WATCHED_C)" RUSTFLAGS=-Zsanitizer=address $(ASAN) $(NIGHTLY) test --locked --target $(HOST) --lib --test it

soak-tsan:
	CFLAGS=-fsanitize=thread RUSTFLAGS=-Zsanitizer=thread $(NIGHTLY) test --locked -Zbuild-std --target $(HOST) \
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
	rm -rf $(VENV) $(VENV)-empty $(VENV_SPARK) $(WHEELS)
