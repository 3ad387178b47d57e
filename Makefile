# `make demo` and `make test` do all their own set-up in .venv, from nothing but Python 3.11+ and make.
.NOTPARALLEL:
.PHONY: demo test lint docs-figures clean

BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

demo: .venv/runtime-installed
	$(BIN)/sdpolicy run korea korea-no-directed-credit --out out

test: .venv/test-installed
	$(BIN)/python -m pytest -n auto

lint: .venv/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The figures of the country pages and the definition table, from the model and the evidence as they are now.
docs-figures: .venv/runtime-installed
	$(BIN)/python tools/pages.py

clean:
	rm -rf .venv out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Stamps are written last, so that an interrupted set-up starts afresh.
.venv/made:
	@python=$$(sh tools/find-python) && echo "making .venv with $$python" && "$$python" -m venv --clear .venv
	@touch $@

.venv/runtime-installed: .venv/made pyproject.toml
	$(PIP) --editable .
	@touch $@

.venv/test-installed: .venv/made pyproject.toml
	$(PIP) --editable ".[test]"
	@touch $@

.venv/dev-installed: .venv/made pyproject.toml
	$(PIP) --editable ".[dev]"
	@touch $@
