# Two commands: `make demo` and `make test`. Nothing is written outside this folder and the usual caches.
#
#   make demo      load the example data into an embedded server and publish its dashboards, through Airflow
#   make test      the tests, with few random cases
#   make airflow   Airflow's own scheduler and UI on the demo's data
#   make lint      what .ci/run asks of the code's form
#   make docs      write docs/reference/ and schemas/ from the code
#   make nightly   all tests with many random cases, on the native embedded server, with coverage
#   make native    build the native embedded server (needs Cargo; some minutes, once a machine)
#   make lock      choose the versions in requirements/ anew
#   make clean     remove what make made

SHELL := /bin/sh
PYTHON ?= >=3.10,<3.14
PYTEST_ARGS ?=

BIN := .venv/bin
UV := .tools/bin/uv
export UV_PYTHON_INSTALL_DIR := $(CURDIR)/.tools/python
# Settings of an environment that happens to be active are not for this one.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONHOME PYTHONPATH

.PHONY: help demo test airflow lint docs format nightly native lock clean setup
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile

demo: .venv/ready
	@$(BIN)/dashpipe demo --end today

test: .venv/ready
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal -m "not slow" $(PYTEST_ARGS)

airflow: .venv/ready
	@.ci/airflow

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy dashpipe dags benchmarks docs
	$(BIN)/lint-imports

docs: .venv/ready
	@$(BIN)/python docs/make_reference.py

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

nightly: .venv/ready native
	DASHPIPE_PROFILE=nightly DASHPIPE_TEST_BUILD=secantusd-rs $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal \
		--timeout 14400 --cov --cov-report=term --cov-report=xml:.cache/coverage.xml $(PYTEST_ARGS)

native:
	@.ci/native

setup: .venv/ready

.tools/bin/uv: .ci/uv requirements/uv.txt
	@.ci/uv

.venv/python: .tools/bin/uv
	@echo "making .venv with Python $(PYTHON)"
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .venv
	@touch $@

.venv/packages: .venv/python requirements/dev.txt requirements/build.txt
	@echo "installing the locked packages into .venv"
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes --build-constraints requirements/build.txt requirements/dev.txt
	@touch $@

.venv/ready: .venv/packages pyproject.toml
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --build-constraints requirements/build.txt --editable .
	@touch $@

LOCK := $(UV) pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --constraints requirements/constraints.txt
EXTRAS := --extra airflow --extra embedded --extra demo --extra files --extra parquet --extra dev

lock: .tools/bin/uv
	$(LOCK) requirements/uv.in -o requirements/uv.txt
	$(LOCK) requirements/build.in -o requirements/build.txt
	$(LOCK) $(EXTRAS) --overrides requirements/no-pandas.txt pyproject.toml -o requirements/dev.txt
	$(LOCK) $(EXTRAS) --extra bench pyproject.toml -o requirements/bench.txt

clean:
	@if [ -x $(BIN)/dashpipe ]; then $(BIN)/dashpipe embedded stop >/dev/null 2>&1 || true; fi
	rm -rf .venv .tools .cache .dashpipe dags/_manifest .coverage .coverage.* .hypothesis \
		.mypy_cache .pytest_cache .ruff_cache .import_linter_cache
