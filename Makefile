# `make` lists the verbs. Each target installs what it needs into .venv; Python 3.11+ and make are enough.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SEEDS ?= 1..1000
# what the compiled form is made of, and what is made of it
NATIVE := metrics_core/native streams/engine
NATIVE_SOURCES := $(wildcard $(NATIVE:=/*.pyx) $(NATIVE:=/*.pxd))
NATIVE_BUILT = $(wildcard $(NATIVE:=/*.c) $(NATIVE:=/*.so))

.DEFAULT_GOAL := help
.PHONY: help install demo test test-pure check chaos bench bench-peers generate lint clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt $(NATIVE_SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "deskpulse needs Python 3.11 or newer: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing deskpulse into $(VENV) ..."
	@# a build that fails is no failure: what an earlier one made would outlive it
	@rm -f $(NATIVE_BUILT)
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dashboards,dev]'
	@$(BIN)/python -c 'from metrics_core.native import AVAILABLE as a; a or print("no C compiler (gcc, Python.h): the pure form runs, slower and with the same numbers")'
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

# the quick tests of the core once more, as where C was not built
PURE := core crm complaints money people sla surveys properties worked_examples bad_input audit report serving \
	simulation/test_simulation.py::test_whatever_happens_the_state_is_exact_or_refused_for_a_true_reason[0]
test-pure: $(STAMP)
	$(BIN)/python -m pytest --pure -m 'not broker' $(PURE:%='tests/%')

check: lint test test-pure ## all that CI runs: lint, types, tests, the demo compared with an independent batch
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

clean: ## remove the environment, caches and what was built
	rm -rf $(VENV) .venv-peers .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info $(NATIVE_BUILT)
