# Needs a Rust toolchain, a C compiler, make and python3; fetches the rest.

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
# The command's own features: everything there is.
FEATURES := --features cli

.PHONY: demo test test-rust test-python bench clean

# The main job, from end to end, on data it makes itself.
demo:
	$(CARGO) run --release --locked $(FEATURES) -- demo

# Everything that CI runs.
test: test-rust test-python

test-rust:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked $(FEATURES) --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features --lib -- -D warnings
	$(CARGO) test --locked $(FEATURES) --lib --bins --tests
	$(CARGO) test --locked $(FEATURES) --doc
	for example in quickstart dictionary; do $(CARGO) run --locked $(FEATURES) --example $$example || exit; done
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked $(FEATURES) --no-deps

# The command against other implementations: python-zstandard, pyarrow, Polars.
# (The command that cargo builds for its own tests: a build of its own would compile everything
# once more, with other features of the dependencies.)
test-python: $(VENV)/ready
	$(CARGO) test --locked $(FEATURES) --lib --bins --tests --no-run
	ZSTD_ARROW="$$($(CARGO) metadata --locked --no-deps --format-version 1 | $(PYTHON) -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/debug/zstd-arrow" \
		$(VENV)/bin/python -m pytest -q tests/python

$(VENV)/ready: tests/python/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt
	touch $@

# The codec against the plain loop over libzstd, as ratios.
bench:
	$(CARGO) bench --locked --bench codec

clean:
	$(CARGO) clean
	rm -rf $(VENV)
