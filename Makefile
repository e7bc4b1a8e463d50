# Everything a developer types. `make` alone lists it.

PYTHON ?= python3
BIN := .venv/bin
# More arguments for pytest: make test PYTEST="-k timeline"
PYTEST ?=
# Processes that share the tests, a file at a time, so that few servers are started: make test WORKERS=0 for one.
# More than there are cores, for many tests wait; in the order of the files, for those with few tests are the longest.
WORKERS ?= 4
# Lines of the product are counted where all tests run; see [tool.coverage] in pyproject.toml.
COVERAGE = $(if $(PYTEST),,--cov --cov-report=)
# Tests of what the documents promise; part of `make test`, and runnable alone.
DOCS_TESTS ?= $(wildcard tests/docs)
# With it each process compiles all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE
# How many hostile requests: make hostile REQUESTS=100000
REQUESTS ?= 5000
STAMP := .venv/.stamp

.DEFAULT_GOAL := help
.PHONY: help setup servers notebooks company test quick check lint format types imports docs pictures demo bench faults exports judge claims hostile aarch64 lock clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## Make .venv with tracker and all the tests need; done again only when the lock changed

$(STAMP): requirements.lock pyproject.toml .ci/setup.sh
	@PYTHON="$(PYTHON)" bash .ci/setup.sh

servers: setup ## Install Prometheus, Alertmanager, PostgreSQL, Chromium, Bugsink, Sentry's SDK for Node and Spark for the tests, where that is possible
	@bash .ci/servers.sh
	@bash .ci/bugsink.sh
	@bash .ci/node_sdk.sh
	@bash .ci/spark.sh

test: setup servers ## Run all tests, and see that they cover the product; this is all a fresh clone needs
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(COVERAGE) $(PYTEST)

quick: setup ## Run the tests that start no servers and break nothing, in some two minutes
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow" $(PYTEST)

check: lint types imports test ## Run all that CI runs: tests, style, types, imports, documents

lint: setup ## Check style and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: setup ## Put style and format right
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: setup ## Check types
	@$(BIN)/mypy

imports: setup ## Check which module may know which
	@$(BIN)/lint-imports --no-logo

docs: setup ## Run only the tests of the documents
	@$(if $(DOCS_TESTS),$(BIN)/python -m pytest $(DOCS_TESTS) $(PYTEST),echo "no tests/docs yet")

pictures: setup ## Draw the pictures of README and the tour anew from the demo, with Chromium
	@$(BIN)/python -m tests.docs.pictures

demo: setup ## Show a whole incident end to end, with nothing else running
	@$(BIN)/tracker demo

company: setup ## Count how often what is planted in the made-up company is found, over 20 seeds (half an hour)
	@$(BIN)/python -m tests.demo.planted

notebooks: setup ## Open the notebooks in Jupyter, which is installed into .venv for it
	@$(BIN)/python -m jupyterlab --version >/dev/null 2>&1 || { uv=$$(command -v uv || echo $(BIN)/uv) && $$uv pip install --quiet --python $(BIN)/python "jupyterlab>=4"; }
	@$(BIN)/python -m jupyterlab notebooks

bench: setup ## Measure the log, the projections and the start of the command
	@$(BIN)/python -m tests.bench

faults: setup servers ## Kill tracker serve and break its store under load: KILLS=1000 STORE=sqlite or postgresql
	@KILLS="$(KILLS)" STORE="$(STORE)" $(BIN)/python -m tests.faults

exports: setup ## Kill tracker export in the middle, again and again, and count what the lake holds: KILLS=1000
	@KILLS="$(KILLS)" $(BIN)/python -m tests.lake

judge: setup ## Measure the judge on cases whose truth is known: CASES=folder for recorded ones
	@CASES="$(CASES)" $(BIN)/python -m tests.judge

claims: setup ## Measure the check of prose on sentences whose truth is known: CASES=folder for others
	@CASES="$(CASES)" $(BIN)/python -m tests.projections.claims

hostile: setup ## Send hostile requests to a real tracker serve and hostile bytes to its parsers: REQUESTS=100000
	@$(BIN)/python -m tests.hostile --requests $(REQUESTS)

aarch64: setup ## Compare the demo's report and pictures with those of an emulated aarch64 (root, apt, 20 s)
	@bash .ci/aarch64.sh

# What is locked: pyproject.toml's extras but Spark, which has a lock of its own.
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $$uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

lock: setup ## Resolve pyproject.toml anew into requirements.lock, and Spark into requirements-spark.lock
	@uv=$$(command -v uv || echo $(BIN)/uv) && \
		$(COMPILE) --extra dev --extra lake pyproject.toml -o requirements.lock && \
		echo pyspark | $(COMPILE) -c requirements.lock - -o requirements-spark.lock

clean: ## Remove what the above made
	@rm -rf .venv .venv-bugsink .setup.lock build *.egg-info .pytest_cache .coverage* .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find tracker projections reports tests -name __pycache__ -type d -prune -exec rm -rf {} +
