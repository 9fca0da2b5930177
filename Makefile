# Every target has a one-line help: `make help` prints them.
# Needs on the machine: Python 3.11+, make, the package registries. Everything else is fetched, by hash.

PYTHON ?= python3
PARVIS_CACHE_DIR ?= $(HOME)/.cache/parvis
export PARVIS_CACHE_DIR
export UV_PYTHON_DOWNLOADS = never
# a site with certificate authorities of its own keeps them in the system store
export UV_SYSTEM_CERTS = true
export UV_CACHE_DIR = $(PARVIS_CACHE_DIR)/uv
# a site's own mirror is usually told to pip: uv listens to the same words
ifdef PIP_INDEX_URL
export UV_INDEX_URL = $(PIP_INDEX_URL)
endif

UV := .uv/bin/uv
RUN := .venv/bin/python
STAMP := .venv/.stamp

.DEFAULT_GOAL := help
.PHONY: help env demo demo-check test lint format reference lock bench-start bench-latency bench-audit bench-privacy drill-audit drill-privacy clean

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

env: $(STAMP) ## Build .venv/ from the locks and fetch the small models it needs

$(UV): deploy/requirements-uv.lock
	@echo "[env] bringing uv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Parvis needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .uv
	@.uv/bin/pip install -q --disable-pip-version-check --require-hashes -r deploy/requirements-uv.lock
	@touch $(UV)

$(STAMP): $(UV) deploy/requirements-dev.lock deploy/dev/models.lock pyproject.toml
	@echo "[env] building .venv from deploy/requirements-dev.lock"
	@test -x $(RUN) || $(UV) venv -q --python $(PYTHON) .venv
	@# on a terminal uv shows how far each package is
	@$(UV) pip sync $$(test -t 2 || echo -q) --python $(RUN) --require-hashes deploy/requirements-dev.lock
	@$(UV) pip install -q --python $(RUN) --no-deps --no-build-isolation -e .
	@$(RUN) -m deploy.dev.fetch models
	@touch $(STAMP)

demo: env ## Start everything on this machine, walk one conversation, stay up until Ctrl-C
	@$(RUN) -m deploy.dev.demo

demo-check: env ## The same walk, then stop: exit 0, or the step that failed
	@$(RUN) -m deploy.dev.demo --check

test: env ## Run every test, on the real parts (fetches what it lacks)
	@$(RUN) -m deploy.dev.fetch test
	@$(RUN) -m pytest $(PYTEST_ARGS)

lint: env ## Style, formatting and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: env ## Put the code in the house's format
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

reference: env ## Write docs/reference/ from the code
	@$(RUN) -m parvis.cli.reference

lock: $(UV) ## Resolve the locks anew (hashes, no addresses)
	@$(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -q -o deploy/requirements.lock
	@$(UV) pip compile pyproject.toml --group demo --group test --group lint --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -q -c deploy/requirements.lock -o deploy/requirements-dev.lock

bench-start: env ## Measure start times, cold and warm, and the memory of each process
	@$(RUN) -m deploy.bench.start

bench-latency: env ## Measure what the gateway adds to an answer, paired with the model server directly
	@$(RUN) -m deploy.bench.latency

bench-audit: env ## Measure the audit log beside a probe of the disk; writes docs/audit.md
	@$(RUN) -m deploy.bench.audit

bench-privacy: env ## Measure what masking misses and costs, beside Presidio as it comes; writes docs/privacy.md
	@$(RUN) -m deploy.bench.privacy

RECORDS ?= 10000000
HOURS ?= 24
JOBS ?= 2
LEDGERS ?=

drill-audit: env ## Prove the audit log by damage: every call fails, power is cut, a crowd writes, RECORDS=10000000 are written and verified, checks are taken out, HOURS=24 of soak (days, 20 GB)
	@$(RUN) -m deploy.drill.power
	@$(RUN) -m deploy.drill.crash --jobs $(JOBS) $(if $(LEDGERS),--ledger $(LEDGERS)/crash)
	@if command -v strace >/dev/null; then $(RUN) -m deploy.drill.crash --strace --jobs $(JOBS) $(if $(LEDGERS),--ledger $(LEDGERS)/strace); else echo "[drill] without strace the system's own calls do not fail"; fi
	@$(RUN) -m deploy.drill.crowd
	@DRILL=1 $(RUN) -m pytest tests/audit/test_fuzz.py tests/audit/test_state_machine.py -q -p no:cacheprovider
	@$(RUN) -m deploy.drill.scale --records $(RECORDS)
	@$(RUN) -m deploy.bench.audit_verify --records $(RECORDS)
	@$(RUN) -m deploy.drill.mutate --jobs $(JOBS) $(if $(LEDGERS),--ledger $(LEDGERS)/mutate)
	@$(RUN) -m deploy.drill.soak --hours $(HOURS)

drill-privacy: env ## Mask 10,000 random contexts, every seam offset and 100,000 hostile characters (long)
	@DRILL=1 $(RUN) -m pytest tests/privacy/test_robustness.py -q -p no:cacheprovider

clean: ## Remove what was made here; fetched parts in PARVIS_CACHE_DIR stay
	@rm -rf .venv .uv .parvis .mypy_cache .ruff_cache .pytest_cache tests/e2e/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
