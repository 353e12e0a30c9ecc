# Two commands do all the set-up: `make demo` and `make test`. Needs Python 3.10 or later with pip and venv.

PYTHON ?= python3
# Installed first, since other packages would pull a newer build. On Linux PyPI's build brings CUDA with it;
# a CPU build is taken where pip is pointed at one (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL).
TORCH ?= torch==2.13.0
TESTS = not slow and not gpu

.DEFAULT_GOAL := help
.PHONY: help demo test test-edge lint clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/edge/.installed ## install the edge alone, push images to an agent, show them live
	@.venv/edge/bin/edge demo

test: lint ## install everything; run every check and test
	.venv/dev/bin/python -m pytest -q -m "$(TESTS)"
	$(MAKE) --no-print-directory test-edge

lint: .venv/dev/.installed ## style, types, import arrows
	.venv/dev/bin/ruff check
	.venv/dev/bin/ruff format --check
	.venv/dev/bin/mypy
	.venv/dev/bin/lint-imports

# The wheel as a hospital gets it: built, installed without torch, tested away from the sources.
test-edge: ## the bare package in an environment of its own, without torch
	@test -d .venv/bare || $(PYTHON) -m venv .venv/bare
	@rm -rf build .venv/bare/tests
	.venv/bare/bin/python -m pip install -q ".[test]"
	@cp -r tests .venv/bare/tests
	@cd .venv/bare && bin/python -c "import importlib.util as u; assert not u.find_spec('torch'), 'torch is here'"
	cd .venv/bare && bin/python -m pytest -q -c ../../pyproject.toml --rootdir . -m "$(TESTS)" \
		tests/scanside tests/edge tests/synth

clean: ## remove what the commands above made
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/edge/.installed: pyproject.toml
	$(PYTHON) -m venv .venv/edge
	.venv/edge/bin/python -m pip install -q -e .
	@touch $@

.venv/dev/.installed: pyproject.toml
	$(PYTHON) -m venv .venv/dev
	.venv/dev/bin/python -m pip install -q "$(TORCH)"
	.venv/dev/bin/python -m pip install -q -e ".[train,export,dev]"
	@touch $@
