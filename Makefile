# `make help` lists the targets. Each sets up what it needs first, in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
KILLS ?= 200
SIDE_BY_SIDE = $(MAKE) --no-print-directory --keep-going --jobs --output-sync=target
ONE_BY_ONE := $(shell find dbt_project/models dbt_project/tests -name '*.sql' -not -path '*/generic/*')

.DEFAULT_GOAL := help
.PHONY: help setup demo open scheduler check test bench chaos mutations docs pictures lint format lock clean \
	style types layers sql quick

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED)  ## Install the pinned packages into .venv

$(INSTALLED): requirements.lock setup.py
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 is needed, not %d.%d: make PYTHON=python3.11 ..." % sys.version_info[:2] if sys.version_info[:2] != (3, 11) else 0)'
	@echo "installing the pinned packages into $(VENV) (a minute or two, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## Run the whole pipeline on the offline sample, below data/demo
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m luigi_pipeline.cli.demo
	@mkdir -p dbt_project/target && cp data/demo/dbt/target/semantic_manifest.json dbt_project/target/  # for mf, as dbt parse does

scheduler: setup  ## Run the scheduler with its visualiser, at http://localhost:8082
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m luigi_pipeline scheduler

open: setup  ## Show the newest report in the browser, that of the demo or of data/
	@$(BIN)/python -m luigi_pipeline.report.opening

check: setup  ## Lint, and run the tests that run no pipeline: a minute
	@$(SIDE_BY_SIDE) style types layers sql quick

# Three side by side, though two cores do: some tests wait for cron's next minute, or for a publisher that does not answer.
test: setup  ## Run all tests but those of `make chaos`
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

chaos: setup  ## Load months in random orders, kill runs at random moments, compare what comes of it: KILLS=200, SEED=...
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -m chaos
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/chaos/harness.py --kills $(KILLS) $(if $(SEED),--seed $(SEED))

docs: setup  ## Make docs/metrics.md and docs/data_dictionary.md from what stands beside the models
	@$(BIN)/python -m luigi_pipeline.cli.dictionary
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m luigi_pipeline.cli.metrics_page

bench: setup  ## Measure the pipeline beside DuckDB alone: SCALE=1, SEED=2024, REPEATS=3; GROWTH=1 adds months instead
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python bench/run.py $(if $(SCALE),--scale $(SCALE)) $(if $(SEED),--seed $(SEED)) \
		$(if $(REPEATS),--repeats $(REPEATS)) $(if $(GROWTH),--growth)

mutations: setup  ## Damage sound data in every way known, see what catches it, and write docs/checks.md (a quarter of an hour)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/checks/mutations.py --only "$(ONLY)"

pictures: setup  ## Make the README's pictures anew: the sample, luigid and the report in Chromium
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/pictures.py

lint: setup  ## Check style, types, docstrings and what imports what
	@$(SIDE_BY_SIDE) style types layers sql

# The parts of lint and check.
style: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy

layers: setup
	@$(BIN)/lint-imports --no-cache --no-logo

quick: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 2 -m "not pipeline"

# sqlfluff has dbt compile each file. So a model or test that has changed is checked alone; where anything else has, all.
sql: .sqlfluff/checked

.sqlfluff/checked: $(ONE_BY_ONE) $(shell find dbt_project/macros dbt_project/tests/generic) $(wildcard dbt_project/*.yml) \
		pyproject.toml requirements.lock | setup
	@mkdir -p $(@D)
	@MOBILITY_WAREHOUSE=$(CURDIR)/$(@D)/lint.duckdb $(BIN)/sqlfluff lint --disable-progress-bar \
		$(if $(filter-out $(ONE_BY_ONE),$?),dbt_project,$?)
	@touch $@

format: setup  ## Bring the code into the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: setup  ## Pin the newest packages that setup.py allows
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-strip-extras --no-header \
		--no-emit-index-url --no-emit-find-links --upgrade setup.py --output-file requirements.lock

clean:  ## Remove .venv and caches; data/ stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .sqlfluff build *.egg-info
