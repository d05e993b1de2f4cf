# Countermand: every target does its own set-up. `make demo` and `make test` are the two to know.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_ARGS ?=

SOAK_ARGS ?=

.PHONY: help demo test install lint format lock clean browser bench bench-compare bench-web bench-sweep bench-shops soak mutate
help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

# Debian ships Python without its venv module; everything else comes from the lock file.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Countermand needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); scripts/apt-install python3-venv && $(PYTHON) -m venv $(VENV); }

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.installed ## install the program: .venv/bin/countermand

demo: $(VENV)/.installed ## both systems, the bridge and the console, with sample orders
	@$(BIN)/countermand demo $(DEMO_ARGS)

# The browser tests drive Debian's Chromium; a browser of the test tool's own would be a second download.
browser:
	@command -v chromium >/dev/null || scripts/apt-install chromium

test: $(VENV)/.installed-dev browser ## lint, types and every test that belongs in CI
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.installed-dev ## ruff and mypy only
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: $(VENV)/.installed-dev ## write the formatting
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

$(VENV)/.installed-bench: requirements-bench.lock $(VENV)/.installed-dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

bench: bench-compare bench-web bench-sweep bench-shops ## every benchmark: minutes to hours, never part of the tests

bench-compare: $(VENV)/.installed-bench ## ten million rows against ten million, beside other tools
	@$(BIN)/python scripts/bench_compare.py

bench-web: $(VENV)/.installed-dev browser ## each console page with 100,000 orders stored
	@$(BIN)/python scripts/bench_web.py

bench-sweep: $(VENV)/.installed-dev ## a sweep over 100,000 links while orders keep changing
	@$(BIN)/python scripts/bench_sweep.py

bench-shops: $(VENV)/.installed-dev ## a host's installation: 2,000 connections in one process
	@$(BIN)/python scripts/bench_shops.py

soak: $(VENV)/.installed-dev ## thousands of simulated histories and a kill storm; adds up over runs
	@$(BIN)/python scripts/soak.py $(SOAK_ARGS)

mutate: $(VENV)/.installed-dev ## mutation testing of the core
	@scripts/mutate

lock: $(BIN)/python ## remake both lock files from pyproject.toml
	@scripts/lock

clean: ## remove the virtual environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
