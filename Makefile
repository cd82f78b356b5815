# Everything a developer or an operator starts. Set-up is part of each target and costs next to nothing when repeated.

BIN := .venv/bin
JOBS ?= 2
CARGO := cargo
RUST := --manifest-path matching_rs/Cargo.toml --workspace --locked

.DEFAULT_GOAL := help
.PHONY: help setup run stack test test-rust test-python lint lint-python lint-rust format bench soak faults plugs clean \
	requirements docs screenshot diagrams coverage audit-deps update-deps

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv, install the pinned packages, build the engine
	@tools/setup.sh

run: setup ## set up and run the venue with its simulated market (HOST, PORT, CIFT_DATA_DIR, SIMULATION)
	@exec $(BIN)/python manage.py venue

stack: setup ## run the production topology on this machine, from packages (STACK="--web-port 9443 --folder DIR")
	@exec $(BIN)/python manage.py stack $(STACK)

test: setup test-rust test-python ## set up and run all tests, two files at a time (JOBS=0: one after another, in one process)

test-rust: setup
	$(CARGO) test $(RUST) --quiet

test-python: setup
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST)

lint: setup lint-rust lint-python ## check style, types, imports, migrations and settings

lint-rust: setup
	$(CARGO) fmt --manifest-path matching_rs/Cargo.toml --all --check
	$(CARGO) clippy $(RUST) --all-targets --quiet -- -D warnings

lint-python: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=matching_rs/py/python $(BIN)/stubtest cift_matching
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run --settings cift.settings.test
	CIFT_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(32))') \
		CIFT_TOKENS_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(32))') \
		CIFT_IDS_KEY=$$($(BIN)/python -c 'print(bytes(range(16)).hex())') CIFT_ALLOWED_HOSTS=example.com CIFT_DATABASE_PASSWORD=lint \
		$(BIN)/python manage.py check --deploy --fail-level WARNING --settings cift.settings.production

format: setup ## put the code into its format
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .
	$(CARGO) fmt --manifest-path matching_rs/Cargo.toml --all

bench: setup ## measure; writes var/bench/latest.json (BENCH="--compare FILE" shows an earlier run beside)
	$(BIN)/python -m tests.performance $(BENCH)

soak: setup ## run the venue for an hour and judge it; writes var/soak/latest.json (SOAK="--minutes 5 --json FILE")
	$(BIN)/python -m tests.faults.soak $(SOAK)

faults: setup ## kill -9 the venue 500 times and compare; writes var/faults/kills.json (FAULTS="--count 50 --seed 7 --json FILE")
	$(BIN)/python -m tests.faults.kills --count 500 $(FAULTS)

plugs: setup ## kill, stop or empty parts of the production topology, 88 times; writes var/faults/plugs.json (PLUGS="--count 22 --seed 7 --json FILE")
	$(BIN)/python -m tests.faults.plugs --count 88 $(PLUGS)

requirements: setup ## pin requirements/*.txt anew from *.in
	@for name in base production dev docs audit coverage; do \
		PIP_FIND_LINKS= CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile --quiet --no-emit-index-url \
			--no-emit-find-links --no-emit-trusted-host --strip-extras --no-annotate $(UPGRADE) \
			--output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

docs: ## build the documentation's site into site/; a broken link or anchor fails it
	@tools/environment.sh .venv-tools requirements/docs.txt
	@NO_MKDOCS_2_WARNING=1 .venv-tools/bin/mkdocs build --strict
	@echo "site/index.html"

screenshot: setup ## take README's screenshot anew (two minutes; needs chromium and its driver)
	$(BIN)/python -m tools.screenshot

diagrams: setup ## draw the documentation's pictures anew
	$(BIN)/python -m tools.diagrams

coverage: setup ## run tests under coverage (COVERAGE="tests/unit tests/integration"); writes var/coverage/
	@tools/environment.sh .venv requirements/coverage.txt
	$(BIN)/coverage run -m pytest -q $(or $(COVERAGE),tests/unit tests/integration)
	$(BIN)/coverage report
	@$(BIN)/coverage html --quiet && echo "var/coverage/index.html"

audit-deps: ## look for known vulnerabilities in what is pinned; Error 1: there are, Error 3: not checked
	@tools/environment.sh .venv-tools requirements/docs.txt requirements/audit.txt
	@.venv-tools/bin/python tools/audit_deps.py

update-deps: ## pin the newest versions allowed: Python, Rust, and npm where there is any
	@$(MAKE) --no-print-directory requirements UPGRADE=--upgrade
	$(CARGO) update --manifest-path matching_rs/Cargo.toml
	@for lock in $$(git ls-files '*package-lock.json'); do npm --prefix "$$(dirname "$$lock")" update || exit 1; done

clean: ## remove what was built; the data folder stays
	rm -rf .venv .venv-tools site matching_rs/target .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
