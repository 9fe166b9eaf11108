# Zhengling. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVICES := meeting docflow oversight calendar
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo up test lint lint-ci schemas lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements.lock shared/pyproject.toml $(wildcard services/*/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		-e shared $(foreach s,$(SERVICES),-e services/$(s)-svc)
	@touch $@

demo: $(INSTALLED)  ## the main job for five governments, on real parts, from nothing
	$(BIN)/zhengling demo

up: $(INSTALLED)  ## leave the same stack running, with its addresses and a token; Ctrl-C stops it
	$(BIN)/zhengling stack up --people deploy/demo/compositions

test: $(INSTALLED)  ## all tests
	$(BIN)/python -m pytest

lint: $(INSTALLED)  ## format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy

lint-ci: $(INSTALLED)  ## check format, lint and types; change nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

schemas: $(INSTALLED)  ## write docs/api: AsyncAPI, event schemas, OpenAPI
	$(BIN)/zhengling schemas write

lock: $(INSTALLED)  ## pin requirements.in anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
		--upgrade requirements.in -o requirements.lock

clean:  ## take the virtual environment and caches away
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
