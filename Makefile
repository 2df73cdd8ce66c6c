# make demo        the whole life of a bot, told step by step (ONCE=1 ends after the walk)
# make test        everything: set up, lint, tests, a real browser, a PostgreSQL; what CI runs
#
# make setup       the environment in .venv, from the pinned lock
# make test-all    the tests again, for every CPython from 3.11 on this machine
# make lint        style, types, floors
# make coverage    branch coverage, with the floors it has to reach
# make docs        run the code and check the references in docs/
# make bench       how fast, beside a bare server
# make soak        thousands of crashes, kills, races, orders of steps and odd inputs (MINUTES=20: no longer)
# make chaos      kill and restart everything at random (MINUTES=10, SEED=1)
# make lock        pin new versions (UPGRADE=1: the newest of everything)
# make clean       remove all that these commands made
#
# PYTHON=...       which Python to build the environment with (3.11 or newer)
# ARGS=...         more arguments for pytest: make test ARGS='-k install -x'

SHELL := /bin/bash
.DEFAULT_GOAL := help

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never

READY := .venv/.ready

.PHONY: help setup demo test test-all lint lint-pyright lint-mypy lint-rest coverage docs bench soak chaos browser postgres node lock clean

help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile

setup: $(READY)
	@:

$(READY): pyproject.toml requirements/dev.txt requirements/uv.txt scripts/setup.sh
	@scripts/setup.sh

demo: setup
	@.venv/bin/innkeeper demo $(if $(filter 1 yes true,$(ONCE)),--once)

test: browser postgres lint
	@scripts/test.sh $(ARGS)

test-all: setup postgres
	@scripts/test_all.sh $(ARGS)

lint: setup node
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint-pyright lint-mypy lint-rest

lint-pyright:
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 .venv/bin/pyright

lint-mypy:
	.venv/bin/mypy src

lint-rest:
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports

coverage: setup browser postgres node
	@scripts/coverage.sh $(ARGS)

docs: setup
	.venv/bin/python -m pytest tests/docs $(ARGS)

bench: setup
	@.venv/bin/python -m bench $(ARGS)

soak: setup postgres
	@.venv/bin/python -m tests.faults.soak --write bench/soak.md \
		$(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

chaos: setup postgres
	@.venv/bin/python -m tests.chaos --write bench/chaos.md \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

browser:
	@scripts/browser.sh > /dev/null

postgres: setup
	@scripts/postgres.sh

node: setup
	@scripts/node.sh

lock: setup
	@scripts/lock.sh

clean:
	rm -rf .venv .venv-* build dist htmlcov .coverage .coverage.* test-results
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests docs bench examples scripts -type d \
		\( -name __pycache__ -o -name node_modules \) -prune -exec rm -rf {} + 2> /dev/null || true
