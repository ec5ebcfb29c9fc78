# Every target does its own set-up; what is done already is skipped.

# The environment that `up` and `down` are about: a file stacks/Pulumi.ENV.yaml.
ENV ?= dev
PY := .venv/bin/python
PYTEST = $(PY) -m pytest --junitxml=build/$@.xml
HAVE_VENV = test -x $(PY) || { echo "no .venv here yet: run \`make setup\` once" >&2; exit 1; }

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help up down setup setup-test setup-bench lint test test-unit test-browser test-engine test-integration bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: setup ## bring an environment up on this machine (ENV=dev)
	.venv/bin/horcrux up -s $(ENV) -y

down: ## take an environment away again (ENV=dev)
	@if [ ! -e .venv ] && [ ! -e .horcrux ]; then \
	  echo "nothing was ever set up here: there is nothing to take away"; \
	else \
	  $(MAKE) --no-print-directory setup && .venv/bin/horcrux down -s $(ENV) -y; \
	fi

setup: ## install what the project runs on: .venv, the Pulumi engine, a Docker engine
	@engine/setup.sh

setup-test: ## the same, and what the tests need
	@engine/setup.sh test

setup-bench: ## the same, and what the benchmarks need
	@engine/setup.sh bench

lint: ## style and types
	@$(HAVE_VENV)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

test: setup-test lint test-unit test-browser test-engine test-integration ## set-up, lint and every test

test-unit: ## the tests that need no Docker and no network (seconds)
	@$(HAVE_VENV)
	$(PYTEST) tests/unit tests/policy tests/golden

test-browser: ## the portal in a real browser; screenshots in build/screenshots (a minute)
	@$(HAVE_VENV)
	$(PYTEST) tests/browser

test-engine: ## the Pulumi engine itself, and registries' clients, with real Docker (two minutes)
	@$(HAVE_VENV)
	$(PYTEST) tests/engine

test-integration: ## whole environments on real Docker (minutes)
	@$(HAVE_VENV)
	$(PYTEST) tests/integration

bench: setup-bench ## measure it
	$(PY) -m bench

clean: ## remove what builds and tools leave; keeps .venv, .engine and .horcrux
	rm -rf build .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . \( -name .venv -o -name .engine -o -name .horcrux \) -prune -o \
	  -type d -name __pycache__ -exec rm -rf {} +
