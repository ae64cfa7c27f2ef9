# `make` lists the verbs. Each target installs what it needs into .venv; Python 3.11+ and make are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SEEDS ?= 1..1000

.DEFAULT_GOAL := help
.PHONY: help install demo test check chaos bench bench-peers generate lint clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "deskpulse needs Python 3.11 or newer: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing deskpulse into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dashboards,dev]'
	@touch $@

install: $(STAMP) ## install deskpulse and its tools into .venv

demo: $(STAMP) ## Kafka, a worker and believable traffic, on screen
	@$(BIN)/deskpulse demo

test: $(STAMP) ## every test
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test ## all that CI runs: lint, types, tests, the demo compared with an independent batch
	$(BIN)/deskpulse demo --once

chaos: $(STAMP) ## faults on real workers and brokers, compared with the batch; writes docs/reliability.md
	@$(BIN)/python tests/chaos --write docs/reliability.md

simulate: $(STAMP) ## the engine under simulated faults; SEEDS=12345 replays a seed, SEEDS=1..5000 runs many
	@$(BIN)/python tests/simulation/run_seeds.py $(SEEDS)

bench: $(STAMP) ## measure; one JSON line a figure
	@$(BIN)/python -m bench

# PEERS="--events 100000 --rounds 1 kafka-streams deskpulse" for a short one
bench-peers: $(STAMP) ## race other stream engines on the same job; half an hour, alone on the machine
	@$(BIN)/python -m bench.peers $(or $(PEERS),--write docs/benchmarks-peers.md)

generate: $(STAMP) ## write everything that is generated anew
	$(BIN)/python docs/generate.py
	$(BIN)/python -m grafana.generate

clean: ## remove the environment and caches
	rm -rf $(VENV) .venv-peers .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
