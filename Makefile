# `make demo` and `make test` do all the set-up they need. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INTEROP := .interop
PEERS := .peers
WEB := $(shell find web -name node_modules -prune -o -type f -print)
# -qq leaves errors; a compiler log appears only when something went wrong.
PIP = $(BIN)/python -m pip install -qq --no-input --disable-pip-version-check
PYTEST = $(BIN)/pytest -n auto --dist worksteal
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
       --no-annotate --no-emit-index-url --custom-compile-command 'make lock' --upgrade

LOCK_NPM = npm install --package-lock-only --omit-lockfile-registry-resolved --save-exact \
           --no-audit --no-fund --loglevel=error
NEWEST = Object.keys(require("./package.json").dependencies).map((name) => name + "@latest")

# What another project left in the environment must not reach this one.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PIP_USER := 0

.DEFAULT_GOAL := help
.PHONY: help install dashboard demo test test-web test-interop interop lint format bench bench-audit bench-growth bench-large bench-peers bench-wallet load fuzz fuzz-api soak lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

install: $(VENV)/.kvitto $(VENV)/.dashboard ## make .venv with everything in it
	@:

$(VENV)/.kvitto: $(VENV)/.dependencies pyproject.toml
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# petlib comes as source. Its build tools are installed first, pinned like everything else,
# and --no-build-isolation makes pip use them instead of fetching others unpinned.
$(VENV)/.dependencies: requirements-build.txt requirements.txt
	@scripts/preflight '$(PYTHON)'
	@echo 'Installing into $(VENV) (once; takes a minute or two) ...'
	@'$(PYTHON)' -m venv --clear $(VENV)
	@$(PIP) --require-hashes -r requirements-build.txt
	@$(PIP) --require-hashes --no-build-isolation -r requirements.txt
	@touch $@

# The service works without it, so set-up goes on where it cannot be built.
$(VENV)/.dashboard: $(VENV)/.kvitto $(WEB)
	@scripts/dashboard || true
	@touch $@

dashboard: ## build the page that is served at /dashboard, with npm
	@scripts/dashboard

demo: install ## sales, claims and decisions from end to end; leaves the shop in .demo
	@rm -rf .demo
	@$(BIN)/kvitto demo --directory .demo

test: lint test-web ## lint, types, rooms and all tests
	@$(PYTEST)

test-web: install ## lint, types and tests of web/, with Node 20 or newer
	@scripts/test-web

test-interop: install interop ## independent C2SP software reads, verifies and witnesses our logs
	@$(PYTEST) tests/interop

interop: ## install that software into .interop, each in an environment of its own
	@scripts/interop '$(PYTHON)' $(INTEROP)

lint: install ## everything that is checked without running
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo --no-cache

format: install ## put the code into the one format
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

bench: install ## measure sizes and times on this machine
	@$(BIN)/kvitto bench

bench-growth: install ## cost against ring, batch and log, and docs/growth.png (minutes)
	@$(BIN)/kvitto bench-growth --plot docs/growth.png

bench-large: install ## the same of a log of a million purchases, which it builds (minutes)
	@$(BIN)/kvitto bench-large

bench-audit: install ## audit 100,000 purchases and 10,000 claims, which it makes once (minutes)
	@$(BIN)/kvitto bench-audit

bench-peers: install ## other proof systems beside Kvitto, installed into .peers (minutes)
	@scripts/peers '$(PYTHON)' $(PEERS)
	@$(BIN)/kvitto bench-peers

bench-wallet: install ## open, claim with and restore a wallet, on a log of 100,000 (a minute)
	@$(BIN)/kvitto bench-wallet

load: install ## claims and reads from many clients at once, over HTTP
	@$(BIN)/kvitto bench-load

fuzz: install ## the property tests with many more examples (minutes)
	@HYPOTHESIS_PROFILE=fuzz $(PYTEST) -m hypothesis --timeout=0

fuzz-api: install ## Schemathesis tries the HTTP interface, forty times as long as in the tests (minutes)
	@HYPOTHESIS_PROFILE=fuzz $(PYTEST) --timeout=0 tests/api/test_schemathesis.py

soak: install ## the same for hours, after killing the service a hundred times
	@KVITTO_KILLS=100 $(PYTEST) --timeout=0 tests/faults
	@HYPOTHESIS_PROFILE=soak $(PYTEST) -m hypothesis --timeout=0

lock: install ## renew the pinned requirements
	@$(PIP) 'uv>=0.9'
	@$(LOCK) --group build --output-file requirements-build.txt
	@$(LOCK) --constraint requirements-build.txt --extra dev pyproject.toml --output-file requirements.txt
	@for tool in aics-tlog aics-witness metamorphic-log proofbundle tlog-scales; do echo $$tool | \
		$(LOCK) --python-version 3.12 - --output-file tests/interop/requirements/$$tool.txt || exit; done
	@cd benchmarks/peers/requirements && for tool in anoncreds groth16py zksk zksnake; do \
		../../../$(LOCK) $$tool.in --output-file $$tool.txt || exit; done
	@cd benchmarks/peers/requirements && ../../../$(LOCK) --python-version 3.10 \
		pybulletproofs.in --output-file pybulletproofs.txt
	@for tool in dock semaphore snarkjs; do \
		(cd benchmarks/peers/npm/$$tool && $(LOCK_NPM) $$(node -p '$(NEWEST).join(" ")')) || exit; done

clean: ## remove what make and the tools made
	@rm -rf $(VENV) $(INTEROP) $(PEERS) web/node_modules api/pages/dashboard build kvitto.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .screenshots .demo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
