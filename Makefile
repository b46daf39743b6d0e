# make help shows the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo .bootstrap/bin/uv)
STAMP := $(VENV)/.installed
# Trust what the system trusts, so that a company's own certificate authority works.
export UV_SYSTEM_CERTS ?= true

.PHONY: help demo screens screenshots test test-fast test-chaos lint bench clean lock types chart kind kind-down kind-debug test-kind
help: ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: screens ## a small oil field on this machine, from the PLC to the live reading
	@$(BIN)/pumpjack demo $(ARGS)

screens: $(STAMP) ## build what operators see in a browser, if it changed (Node comes along)
	@$(BIN)/python gateway/dashboard/build.py

screenshots: screens ## pictures of the screens for README and docs, and of the kit page for its test
	@$(BIN)/python -m tests.screens.kit_pictures
	@$(BIN)/python -m tests.screens.take_pictures $(ARGS)

test: lint screens ## all tests; they start the servers they need
	@$(BIN)/python -m tests.controlplane.binaries
	@$(BIN)/pytest $(ARGS)

test-fast: $(STAMP) ## tests that need no server
	@$(BIN)/pytest -m "not servers and not peers" $(ARGS)

test-chaos: $(STAMP) ## break everything for minutes, and look whether a reading is lost (SEED=… FAULTS=200)
	@$(BIN)/python -m tests.chaos.run --faults $(or $(FAULTS),200) $(if $(SEED),--seed $(SEED)) $(ARGS)

lint: $(STAMP) ## format, style, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python gateway/dashboard/build.py --types

bench: $(STAMP) ## the figures of docs/benchmarks.md (ARGS="--help" for a part)
	@$(BIN)/pumpjack bench $(ARGS)

kind: ## the whole system on a local Kubernetes cluster (Docker, kind, helm, kubectl; or Linux and root)
	@deploy/kind/up.sh

kind-down: ## remove the cluster
	@deploy/kind/down.sh

kind-debug: ## events, logs and objects of the cluster in one folder
	@deploy/kind/debug.sh

test-kind: kind $(STAMP) ## tests of the whole system in the cluster
	@$(BIN)/pytest tests/kind $(ARGS)

types: $(STAMP) ## write the typed forms of crds/ again
	@$(BIN)/python -m pumpjack_core.manifests.generate

chart: $(STAMP) ## copy into the chart, deploy/ and gitops/ what is made from other files
	@cp crds/*.yaml charts/pumpjack/files/crds/
	@$(BIN)/python -m tests.charts.generate

lock: | $(UV) ## resolve the dependencies again
	@$(UV) lock --upgrade --quiet
	@$(UV) export --quiet --frozen --all-extras --all-groups --no-emit-project --no-header --no-annotate -o requirements.lock
	@printf 'hatchling>=1.27\nuv\n' | $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-build.lock - >/dev/null
	@rm -f uv.lock

clean: ## remove the environment and the demo's data
	rm -rf $(VENV) .bootstrap .pumpjack node_modules gateway/dashboard/node_modules gateway/pumpjack_gateway/screens .mypy_cache .ruff_cache .pytest_cache .hypothesis

.bootstrap/bin/uv:
	@echo "getting uv, which makes the environment …"
	@$(PYTHON) -c 'import sys; sys.exit("pumpjack needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .bootstrap
	@.bootstrap/bin/pip install --quiet --disable-pip-version-check uv

$(STAMP): requirements.lock pyproject.toml | $(UV)
	@echo "making the environment in $(VENV) …"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	@VIRTUAL_ENV=$(VENV) $(UV) pip sync --quiet --require-hashes requirements.lock
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --editable .
	@touch $@
