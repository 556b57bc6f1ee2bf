# Everything that a newcomer types. `make` or `make help` lists the targets.
.DEFAULT_GOAL := help

# Queries are checked against the answers committed in .sqlx, whatever DATABASE_URL the machine happens to have.
# Who works on SQL says SQLX_OFFLINE=false and gives a DATABASE_URL.
export SQLX_OFFLINE ?= true

BUF := tests/clients/node_modules/.bin/buf
DENY := target/tools/bin/cargo-deny
DENY_VERSION := 0.18.9
FUZZ := target/tools/bin/cargo-fuzz
FUZZ_VERSION := 0.13.2

.PHONY: buf help setup demo test lint bench clients examples fuzz fuzz-keep guide helm helm-write proto-lint sqlx sqlx-check deny

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

setup: ## Look for what the project needs; install what is missing on a Debian-like machine
	@scripts/setup

demo: setup ## Build, then show a support organisation at work; ends with a server left listening
	cargo build --locked
	target/debug/ticketing demo

test: ## Run every test, also those with clients in other languages and the examples
	@scripts/setup test
	cargo test --locked --workspace
	tests/clients/run
	tests/examples/run

lint: proto-lint deny ## Check formatting, the code, the contract and the dependencies
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo fmt --manifest-path examples/billing/Cargo.toml --check
	cargo clippy --locked --manifest-path examples/billing/Cargo.toml --target-dir target --all-targets -- -D warnings
	cargo fmt --manifest-path fuzz/Cargo.toml --check

bench: setup ## Measure calls against pgbench on the same PostgreSQL, dispatching, a million clocks, attacks, and the pure rules
	cargo bench --locked --bench '*'

clients: ## Call a running service from Python and buf, by reflection alone
	@scripts/setup test
	tests/clients/run

examples: ## Run the consumers of events in examples/ against real servers, and kill them on the way
	@scripts/setup test
	tests/examples/run

helm: ## Check the chart: what it renders, by every profile, and what it refuses
	@scripts/setup helm
	tests/helm/run

guide: ## Run every command of the guide for operators
	@scripts/setup test
	tests/guide/run

helm-write: ## Write the chart's schema and the tables of its README again, after a change of its values
	@scripts/setup helm
	tests/helm/run write

fuzz: $(FUZZ) ## Send made-up input to every reader of what strangers send, FUZZ_SECONDS (600) each
	scripts/fuzz

fuzz-keep: $(FUZZ) ## Write fuzz/corpus again, with what the last runs of `make fuzz` found
	scripts/fuzz --keep

$(FUZZ):
	cargo install --debug --locked --quiet --root target/tools cargo-fuzz@$(FUZZ_VERSION)

proto-lint: $(BUF) ## Check the contract with buf
	$(BUF) lint proto

sqlx: setup ## Write .sqlx again: the checked answers of a fresh PostgreSQL to every query
	scripts/sqlx

sqlx-check: setup ## Fail unless .sqlx is what `make sqlx` would write
	scripts/sqlx --check

deny: ## Check licences, bans and sources of the dependencies
	@if [ -x $(DENY) ] || cargo install --debug --locked --quiet --root target/tools cargo-deny@$(DENY_VERSION); then \
		$(DENY) --log-level error check bans licenses sources; \
	else \
		echo 'NOT RUN: cargo-deny could not be installed, the dependencies are not checked.' >&2; \
	fi

buf: $(BUF)

$(BUF): tests/clients/package-lock.json
	@scripts/setup test
	npm ci --prefix tests/clients --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $(BUF)
