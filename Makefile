# One venv, one stamp: every target builds it first when the pins changed.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready
# The demo runs in a smaller one: what the server needs, and nothing that only tests and checks do.
DEMO := .venv-demo
DEMO_STAMP := $(DEMO)/.ready
# Agents' frameworks live apart: 93 packages, and Claude Code's binary of 400 MB.
HOSTS := .venv-hosts
HOSTS_STAMP := $(HOSTS)/.ready
# CrewAI wants an older pydantic than the client: its agents speak HTTP with the server, from a venv of their own.
CREWAI := .venv-crewai
CREWAI_STAMP := $(CREWAI)/.ready
# Tests with servers wait for one another: one worker more than there are cores.
WORKERS ?= $(shell expr `getconf _NPROCESSORS_ONLN` + 1)

.PHONY: help setup demo test test-hosts lint format bench soak chaos wheels house attention learning scale screens clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F':.*?## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## build .venv from the pinned constraints

$(STAMP): pyproject.toml packaging/server/pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Sayso needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --no-deps -r constraints.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e packaging/server
	@touch $@

$(DEMO_STAMP): constraints-demo.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Sayso needs Python 3.11 or newer; set PYTHON=")'
	@echo "building $(DEMO), once"
	@# A pip that can install into another environment saves the seconds that a pip of its own takes.
	@if $(PYTHON) -m pip --python $(PYTHON) --version >/dev/null 2>&1; then \
		$(PYTHON) -m venv --without-pip $(DEMO) && pip="$(PYTHON) -m pip --python $(DEMO)/bin/python"; \
	else $(PYTHON) -m venv $(DEMO) && pip="$(DEMO)/bin/python -m pip"; fi && \
	$$pip install --quiet --disable-pip-version-check --no-compile --require-hashes --no-deps -r constraints-demo.txt
	@echo "$(CURDIR)" > "$$($(DEMO)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sayso.pth"
	@touch $@

demo: $(DEMO_STAMP) ## play it in the browser; ONCE=1 plays one story without, and checks it
	@$(DEMO)/bin/python examples/demo.py $(if $(ONCE),--once)

lint: $(STAMP) ## format check, lint, types and arrows
	$(VENV)/bin/ruff format --check --quiet .
	$(VENV)/bin/ruff check --quiet .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: lint ## the whole suite: lint, types, arrows, then every test on SQLite and PostgreSQL
	$(PY) -m pytest -n $(WORKERS) --dist worksteal
	@echo "NOT TESTED here: the adapters with the real frameworks; make test-hosts does that"

$(HOSTS_STAMP): constraints-hosts.txt
	$(PYTHON) -m venv $(HOSTS)
	$(HOSTS)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --no-deps -r constraints-hosts.txt
	echo "$(CURDIR)" > "$$($(HOSTS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sayso.pth"
	@touch $@

$(CREWAI_STAMP): constraints-crewai.txt
	$(PYTHON) -m venv $(CREWAI)
	$(CREWAI)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --no-deps -r constraints-crewai.txt
	@touch $@

test-hosts: $(STAMP) $(HOSTS_STAMP) $(CREWAI_STAMP) ## the adapters with the real frameworks, in venvs of their own (ONLY=langchain chooses)
	SAYSO_TEST_HOSTS=$(HOSTS)/bin/python SAYSO_TEST_CREWAI=$(CREWAI)/bin/python $(PY) -m pytest tests/hosts -n $(WORKERS) --dist worksteal $(if $(ONLY),-k "$(ONLY)")

format: $(STAMP) ## format and fix what can be fixed
	$(VENV)/bin/ruff format --quiet .
	$(VENV)/bin/ruff check --fix --quiet .

clean: ## remove the venvs and everything built
	rm -rf $(VENV) $(DEMO) $(HOSTS) $(CREWAI) dist .demo .mypy_cache .ruff_cache .import_linter_cache .hypothesis bench.json

bench: $(STAMP) ## measure the performance goals: one table of ratios, and bench.json (BENCH_ROWS=tap,create chooses)
	@$(PY) -m tests.bench

soak: $(STAMP) ## simulated years, killed sweepers, taps at the deadline, even loads, the cost of a sweep: long, and proven
	@$(PY) -m tests.soak

chaos: $(STAMP) ## kill, cut, fuzz, mutate, for hours: docs/reliability.md (RUNS="kills fuzz" chooses, SHARE=0.01 shortens)
	@$(PY) -m tests.chaos $(RUNS) $(if $(SHARE),--share $(SHARE))

wheels: $(STAMP) ## build both distributions into dist/: sayso (the client) and sayso-server
	$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist . packaging/server

house: $(STAMP) ## figures of the layout: rooms, arrows, depth, long places, citations that lead nowhere
	@$(PY) -m tests.house

attention: $(STAMP) ## simulate what calls cost four reviewers in taps and pings (CALLS=FILE.jsonl; ours without)
	@$(PY) -m tests.attention $(CALLS)

learning: $(STAMP) ## simulate what the suggestions promise: every figure with its goal; exit 1 on a miss (SHARE=0.1 shortens)
	@$(PY) -m tests.learning $(if $(SHARE),--share $(SHARE))

scale: $(STAMP) ## 10,000 workspaces at 100 approvals an hour, from unit costs measured here: what binds first
	@$(PY) -m tests.scale

screens: $(STAMP) ## take the pictures in docs/images anew (needs Chromium); ONLY=card- those whose names begin so
	$(PY) docs/screens.py $(ONLY)
