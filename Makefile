# The words of this project: `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
CARGO ?= cargo

.PHONY: help
help:  ## list these words
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.PHONY: demo
demo:  ## run one month-end close through all four systems, on this machine alone
	@$(CARGO) build --release -p auth-demo
	@$(CARGO) run --quiet --release -p auth-demo

# What tests are built with; one whose other half a machine lacks says SKIPPED there (tests/tools).
TESTED_IN_RUST := auth-http/redis,auth-http/login
TESTED := $(TESTED_IN_RUST),auth-ffi/redis

.PHONY: test
test: servers  ## install what is needed, run every test, and count: passed, failed, skipped
	@tests/tally new
	@tests/tally part rust $(CARGO) test --no-fail-fast --workspace --all-targets --features $(TESTED)
	@tests/tally part docs $(CARGO) test --no-fail-fast --workspace --doc \
	  --exclude auth-ffi --exclude auth-py --features $(TESTED_IN_RUST)
	@tests/tally part keyring tests/servers/keyring/run
	@tests/tally part demo $(CARGO) run --quiet --release -p auth-demo
	@tests/tally part python tests/python/run $(PYTHONS)
	@tests/tally sum

# Which CPythons beside the first: all that are found, if it is empty.
PYTHONS ?= --oldest-and-newest

.PHONY: test-python
test-python: servers  ## build the Python package as a user gets it, and test it on every CPython: PYTHONS=
	tests/python/run $(PYTHONS)

.PHONY: test-engines
test-engines: tools  ## the Python package on dask, dlt, Airflow and Spark: WHEEL=
	@tests/tools install python java
	tests/engines/run $(WHEEL)

.PHONY: check
check: tools  ## formatting, lints, docs and dependency policy, with warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features $(TESTED) -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet --features $(TESTED)
	command -v cargo-deny >/dev/null || $(CARGO) install --locked --quiet cargo-deny
	$(CARGO) deny check licenses bans sources

.PHONY: header
header:  ## write include/ledgerauth.h anew from the sources
	@LEDGERAUTH_WRITE_HEADER=1 $(CARGO) test --quiet -p auth-ffi --test header

.PHONY: install
install:  ## install the C and C++ library: PREFIX, LIBDIR, DESTDIR; HTTP=off leaves its own HTTP out, FEATURES=redis adds tokens in Redis, SANDBOX=on the sandbox
	bindings/ffi/packaging/build.sh small $(if $(filter off,$(HTTP)),--no-default-features) $(if $(FEATURES),--features $(FEATURES))
	$(if $(filter on,$(SANDBOX)),$(CARGO) build --quiet --release -p auth-sandbox --target-dir target/c)
	SANDBOX=$(if $(filter on,$(SANDBOX)),target/c/release/auth-sandbox) bindings/ffi/packaging/install.sh target/c/small

.PHONY: check-c
check-c: servers  ## the C and C++ interface in full: every program under every sanitizer, and the libraries' sizes
	LEDGERAUTH_C_FULL=1 $(CARGO) test -p auth-ffi --features redis

.PHONY: bench
bench:  ## measure, and print ratios against floors of the same run
	@$(CARGO) bench --quiet -p auth-http --bench ratios
	@bindings/ffi/packaging/build.sh small
	@LEDGERAUTH_LIBRARY=$(CURDIR)/target/c/small/libledgerauth.so $(CARGO) bench --quiet -p auth-ffi --bench authorize

.PHONY: bench-python
bench-python: tools  ## the same for the Python package, beside the libraries that it goes with: ROWS=
	@test -x target/python/bench/bin/python || python3 -m venv target/python/bench
	@target/python/bench/bin/pip install --quiet --disable-pip-version-check requests httpx httpx2 aiohttp
	@CARGO_TARGET_DIR=$(CURDIR)/target target/python/bench/bin/pip install --quiet --disable-pip-version-check --no-deps --force-reinstall .
	@target/python/bench/bin/python bindings/py/bench/costs.py $(ROWS)

.PHONY: bench-instructions
bench-instructions:  ## the same for the shortest rows in instructions, counted by valgrind
	@command -v valgrind >/dev/null || { echo 'valgrind is missing: install it, then call make again' >&2; exit 1; }
	@$(CARGO) bench --quiet -p auth-http --bench ratios -- --instructions

# How many refreshes are simulated; SIMULATION_SEED=n replays one run instead.
SIMULATION_REFRESHES ?= 1000000

.PHONY: simulate
simulate: tools  ## simulate a million refreshes by processes that crash, pause and lose answers, and every order of two of them
	@SIMULATION_REFRESHES=$(SIMULATION_REFRESHES) $(CARGO) test --release -p auth-core --test simulation -- --nocapture --test-threads 1

.PHONY: tools
tools:
	@command -v $(CARGO) >/dev/null || { echo 'Rust is missing: install it from https://rustup.rs, then call make again' >&2; exit 1; }
	@tests/tools install cc && tests/tools has cc || { echo 'a C compiler is missing (one dependency builds C): install gcc or clang, then call make again' >&2; exit 1; }

.PHONY: servers
servers: tools  ## install what the tests need, where this user may, and say what cannot be had
	@tests/tools install
	@tests/servers/install

# How long each fuzz target runs, in seconds.
FUZZ_SECONDS ?= 15

.PHONY: fuzz
fuzz: tools  ## run every fuzz target for a while, where the nightly toolchain is present
	@rustup toolchain list 2>/dev/null | grep -q nightly || { echo 'SKIPPED: no nightly toolchain on this machine, so nothing was fuzzed'; exit 0; }; \
	command -v cargo-fuzz >/dev/null || $(CARGO) install --locked --quiet cargo-fuzz || exit 1; \
	for target in $$(cd fuzz && $(CARGO) fuzz list); do \
	  echo "fuzzing $$target for $(FUZZ_SECONDS) s"; \
	  (cd fuzz && $(CARGO) +nightly fuzz run --sanitizer none $$target -- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 2>&1 | grep -E 'number_of_executed_units|panicked|ERROR|SUMMARY' ; test $${PIPESTATUS[0]} = 0) || exit 1; \
	done

.PHONY: mutants
mutants: tools  ## change what is decided about credentials, answers and retries, one place at a time, and list what no test notices
	command -v cargo-mutants >/dev/null || $(CARGO) install --locked --quiet cargo-mutants
	CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) mutants --package auth-core --output target

.PHONY: coverage
coverage: servers  ## line coverage of auth-core by all tests
	@rustup component list --installed 2>/dev/null | grep -q llvm-tools || rustup component add llvm-tools || { echo 'SKIPPED: the component llvm-tools cannot be had on this machine'; exit 0; }
	command -v cargo-llvm-cov >/dev/null || $(CARGO) install --locked --quiet cargo-llvm-cov
	$(CARGO) llvm-cov --package auth-core --package auth-http --features $(TESTED_IN_RUST) --lib --tests --ignore-filename-regex 'auth-(http|sandbox)/' --summary-only --fail-under-lines 95
