# Zhengling. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVICES := meeting docflow oversight calendar
INSTALLED := $(VENV)/.installed
KAFKA := deploy/apache-kafka
ON_KAFKA := tests/e2e tests/contract/test_events.py \
	tests/shared/backbone/test_relay.py tests/shared/backbone/test_consumer.py tests/shared/backbone/test_acls_on_kafka.py \
	tests/shared/local/test_stack.py
# Tests run side by side: one process for each core, as they keep it busy; four at most, as each has its own stack (2 GB).
# The tests of a file stay together. A process that dies ends the run: pytest-xdist would wait for its replacement for good.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --max-worker-restart 0 --no-loadscope-reorder
TESTS := $(BIN)/python -m pytest $(SIDE_BY_SIDE) --dist loadfile -m 'not faults and not races and not compose'
RACES := $(BIN)/python -m pytest $(SIDE_BY_SIDE) --dist loadfile -m races tests/contract
FAULTS := $(BIN)/python -m pytest $(SIDE_BY_SIDE) --dist loadgroup -m faults tests/faults

# Keep bytecode: dozens of service processes are started here, and each would compile the same sources.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up test test-races test-faults-reduced kafka test-kafka test-faults bench lint lint-ci schemas advisories lock clean \
	wheels images stand-ins compose-up compose-down test-compose

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements.lock shared/pyproject.toml $(wildcard services/*/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		-e shared $(foreach s,$(SERVICES),-e services/$(s)-svc)
	@touch $@

demo: $(INSTALLED)  ## the main job for five governments, on real parts, from nothing
	$(BIN)/python -m demo

up: $(INSTALLED)  ## leave the same stack running, with its addresses and a token; Ctrl-C stops it
	$(BIN)/zhengling stack up --people demo/compositions

test: $(INSTALLED)  ## all tests except races and faults, one process for each core
	$(TESTS)

test-races: $(INSTALLED)  ## each command twenty times at once, and by those who have no right to it
	$(RACES)

test-faults-reduced: $(INSTALLED)  ## the fault tests at reduced counts, on the embedded broker
	$(FAULTS)

$(KAFKA)/target/.verified: $(KAFKA)/pom.xml $(KAFKA)/jars.sha256
	mvn -q -B -f $(KAFKA)/pom.xml dependency:copy-dependencies -DoutputDirectory=target/lib -DincludeScope=runtime
	cd $(KAFKA)/target/lib && sha256sum --quiet --strict -c ../../jars.sha256
	@touch $@

kafka: $(KAFKA)/target/.verified  ## bring Apache Kafka's jars here (needs Java 17 and Maven)

test-kafka: $(INSTALLED) $(KAFKA)/target/.verified  ## the tests of events, faults and the main job on Apache Kafka
	TEST_BROKER=apache $(TESTS) $(ON_KAFKA)
	TEST_BROKER=apache $(FAULTS)

test-faults: $(INSTALLED) $(KAFKA)/target/.verified  ## the fault matrix at its full counts, on both brokers (over an hour)
	FAULTS=full TEST_BROKER=apache $(BIN)/python -m pytest tests/faults
	FAULTS=full TEST_BROKER=embedded $(BIN)/python -m pytest tests/faults

bench: $(INSTALLED) $(KAFKA)/target/.verified  ## figures beside their baselines; one alone: make bench NAMES=deadlines
	$(BIN)/python -m bench $(NAMES)

lint: $(INSTALLED)  ## format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy

lint-ci: $(INSTALLED)  ## check format, lint, imports and types; change nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

schemas: $(INSTALLED)  ## write docs/api (AsyncAPI, event schemas, OpenAPI) and the page of settings
	$(BIN)/zhengling schemas write
	$(BIN)/zhengling settings page

advisories: $(INSTALLED)  ## known vulnerabilities of the dependencies: make advisories DB=OSV's all.zip for PyPI, or its folder
	@$(if $(DB),,echo "nothing was checked: name the database, make advisories DB=path (docs/architecture/operations.md)"; exit 2)
	$(BIN)/zhengling advisories check --database "$(DB)"

lock: $(INSTALLED)  ## pin requirements.in anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
		--upgrade requirements.in -o requirements.lock

wheels: $(INSTALLED)  ## name each locked package that lacks a wheel for x86-64 or arm64
	$(BIN)/python deploy/images/wheels.py check

images: $(INSTALLED)  ## build the four services' images, each with the list of what it holds (needs a Docker engine)
	deploy/images/build

stand-ins: $(INSTALLED) $(KAFKA)/target/.verified  ## where official images can't be pulled: make stand-ins (root, debootstrap)
	tests/compose/stand-ins/make

compose-up: $(INSTALLED)  ## the whole system in containers, for integration tests, at http://127.0.0.1:8080
	deploy/compose/run up

compose-down: $(INSTALLED)  ## stop it and take its data away
	deploy/compose/run down --volumes

test-compose: $(INSTALLED)  ## the main job and the contract on a stack of containers of its own, some killed meanwhile
	tests/compose/run

clean:  ## take the virtual environment and caches away
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
