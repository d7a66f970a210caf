# The two commands: `make setup` once, `make demo` to see it run. `make help` lists the rest.

WORKERS ?= 2
PYTHON_IN = .venv/bin/python
SETUP_INPUTS = uv.lock pyproject.toml tools/setup.sh $(wildcard hatch_build.py frontend/package-lock.json)

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test check bench features messages events clean

help: ## what there is to make
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## build .venv from uv.lock (needs Python 3.11+, git and make, nothing else)
	@tools/setup.sh

# Everything below first makes sure that the environment is the one of uv.lock.
.tools/synced: $(SETUP_INPUTS)
	@tools/setup.sh

demo: .tools/synced ## a mall that lives: http://127.0.0.1:8000
	@.venv/bin/zhike demo $(ARGS)

dev: .tools/synced ## server, worker and database that reload as you type
	@.venv/bin/zhike dev $(ARGS)

test: .tools/synced ## the tests; choose some with ARGS="tests/loyalty -k refund"
	@$(PYTHON_IN) -m tools.messages --compile
	@$(PYTHON_IN) -m pytest -n $(WORKERS) --dist loadgroup $(if $(ARGS),$(ARGS),--all-templates)

check: .tools/synced ## formatting, lint, types, architecture, templates, migrations, translations
	@$(PYTHON_IN) -m tools.check $(ARGS)

bench: .tools/synced ## the speed figures, into build/bench.json
	@$(PYTHON_IN) -m tests.bench $(ARGS)

features: .tools/synced ## run the tests and write build/features.json and docs/FEATURES.md
	@$(PYTHON_IN) -m tools.messages --compile
	@$(PYTHON_IN) -m pytest -n $(WORKERS) --dist loadgroup --features-json=build/features.json $(ARGS); \
	status=$$?; $(PYTHON_IN) -m tools.features build/features.json && exit $$status

messages: .tools/synced ## bring the translation catalogues up to date
	@$(PYTHON_IN) -m tools.messages $(ARGS)

events: .tools/synced ## write the shape of every event type into docs/events/
	@$(PYTHON_IN) -m tools.event_schemas $(ARGS)

clean: ## remove what was built, keep the demo's database
	@rm -rf .venv .tools build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
