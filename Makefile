# The words of this project: `make help` lists them.
.DEFAULT_GOAL := help
CARGO ?= cargo

.PHONY: help
help:  ## list these words
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.PHONY: demo
demo:  ## run one month-end close through all four systems, on this machine alone
	@$(CARGO) build --release -p auth-http --example month_end
	@$(CARGO) run --quiet --release -p auth-http --example month_end

.PHONY: test
test: tools  ## install what is needed and run every test
	$(CARGO) test --workspace --all-targets
	$(CARGO) test --workspace --doc
	$(CARGO) run --quiet --release -p auth-http --example month_end

.PHONY: check
check: tools  ## formatting, lints, docs and dependency policy, with warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --quiet
	command -v cargo-deny >/dev/null || $(CARGO) install --locked --quiet cargo-deny
	$(CARGO) deny check licenses bans sources

.PHONY: bench
bench:  ## measure, and print ratios against floors of the same run
	@$(CARGO) bench --quiet -p auth-http --bench ratios

.PHONY: bench-instructions
bench-instructions:  ## the same for the shortest rows in instructions, counted by valgrind
	@command -v valgrind >/dev/null || { echo 'valgrind is missing: install it, then call make again' >&2; exit 1; }
	@$(CARGO) bench --quiet -p auth-http --bench ratios -- --instructions

.PHONY: tools
tools:
	@command -v $(CARGO) >/dev/null || { echo 'Rust is missing: install it from https://rustup.rs, then call make again' >&2; exit 1; }
	@command -v cc >/dev/null || { echo 'a C compiler is missing (one dependency builds C): install gcc or clang, then call make again' >&2; exit 1; }
