# Two commands do everything on a fresh machine: `make demo` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
STAMP := $(VENV)/.ready

.PHONY: help setup demo rehearse test unit check format lock schema bench drills clean

help: ## what can be made
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the `daybreak` command in it

$(STAMP): requirements.lock pyproject.toml scripts/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash scripts/setup.sh

demo: $(STAMP) ## run a whole late morning on a real Airflow (ARGS=--once: end by itself with a verdict)
	@exec $(BIN)/daybreak demo $(ARGS)

rehearse: $(STAMP) ## play one morning and print who was told what: SCENARIO=new_tax (without it: the list)
	@exec $(BIN)/daybreak rehearse $(SCENARIO) $(ARGS)

test: $(STAMP) check ## every check and every test (but the long drills)
	$(BIN)/pytest -n 2 --dist loadgroup -m "not airflow and not long_drill" --cov $(ARGS)
	$(BIN)/pytest -n 2 --dist loadfile -m "airflow and not long_drill" $(ARGS)

unit: $(STAMP) ## the fast tests alone
	$(BIN)/pytest tests/unit tests/property tests/architecture $(ARGS)

check: $(STAMP) ## formatting, lint, strict types, layers, the registry and its runbooks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/daybreak check --strict --file include/ownership.yaml

format: $(STAMP) ## let ruff put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## renew requirements.lock from requirements.txt
	$(BIN)/uv pip compile --no-emit-index-url --python-version 3.11 --no-header requirements.txt -o requirements.lock

bench: $(STAMP) ## measure, as ratios in one run
	$(BIN)/python -m benchmarks $(ARGS)

drills: $(STAMP) ## kill real processes around a due instant; renews the table in docs/reliability.md
	$(BIN)/pytest tests/drills --write-table $(ARGS)

clean: ## remove what was made here
	rm -rf $(VENV) .demo .build .pytest_cache .mypy_cache .ruff_cache .hypothesis
