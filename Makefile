# Two commands do all the set-up: `make demo` and `make test`. Needs Python 3.10 or later with pip.

PYTHON ?= python3
# Installed first, since other packages would pull a newer build. On Linux PyPI's build brings CUDA with it;
# a CPU build is taken where pip is pointed at one (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL).
TORCH ?= torch==2.13.0
TESTS = not slow and not gpu
# One process a core, each with one thread: two that share a core wait for each other at every layer.
IN_PARALLEL = -n auto --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test test-edge lint clean
.PRECIOUS: .venv/%/.made

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/edge/.installed ## install the edge alone, push images to an agent, show them live
	@.venv/edge/bin/edge demo

test: lint ## install everything; run every check and test
	OMP_NUM_THREADS=1 .venv/dev/bin/python -m pytest -q $(IN_PARALLEL) -m "$(TESTS)"
	$(MAKE) --no-print-directory test-edge

lint: .venv/dev/.installed ## style, types, import arrows
	.venv/dev/bin/ruff check
	.venv/dev/bin/ruff format --check
	.venv/dev/bin/mypy
	.venv/dev/bin/lint-imports

# The wheel as a hospital gets it: built, installed without torch, tested away from the sources.
test-edge: .venv/bare/.made ## the bare package in an environment of its own, without torch
	@rm -rf build */build .venv/bare/tests
	@.venv/bare/bin/python -m pip uninstall -q -y scanside-trainer scanside-export
	.venv/bare/bin/python -m pip install -q ".[test]"
	@cd .venv/bare && bin/python -c "import edge, sys; from importlib.util import find_spec; \
		here = [name for name in ('torch', 'trainer', 'export') if find_spec(name)]; \
		sys.exit(f'{here} should not be here' if here else 0 if 'site-packages' in edge.__file__ else edge.__file__)"
	@cp -r tests .venv/bare/tests
	.venv/bare/bin/python -m pip install -q . ./export ./trainer
	cd .venv/bare && OMP_NUM_THREADS=1 bin/python -m pytest -q $(IN_PARALLEL) -c ../../pyproject.toml \
		--rootdir . -m "$(TESTS)" tests/scanside tests/edge tests/synth

clean: ## remove what the commands above made
	rm -rf .venv build */build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# An environment with a pip that is new enough, or the reason why there can be none. Debian's Python lacks
# ensurepip, which puts pip into an environment, until python3-venv is installed; a pip of 22.3 or later can, too.
.venv/%/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo \
		"scanside needs Python 3.10 or later; say which: make demo PYTHON=python3.12" >&2; exit 1; }
	@if $(PYTHON) -m ensurepip --version >/dev/null 2>&1; then $(PYTHON) -m venv .venv/$*; \
	else $(PYTHON) -m venv --clear --without-pip .venv/$* && \
		$(PYTHON) -m pip --python .venv/$*/bin/python install -q pip; fi || { echo \
		"no environment can be made: install python3-venv, or a pip of 22.3 or later" >&2; exit 1; }
	@.venv/$*/bin/python -m pip install -q --upgrade pip
	@touch $@

.venv/edge/.installed: .venv/edge/.made pyproject.toml
	.venv/edge/bin/python -m pip install -q -e .
	@touch $@

.venv/dev/.installed: .venv/dev/.made pyproject.toml trainer/pyproject.toml export/pyproject.toml
	.venv/dev/bin/python -m pip install -q "$(TORCH)"
	.venv/dev/bin/python -m pip install -q -e ".[dev]" -e "./trainer[train]" -e "./export[convert]"
	@touch $@
