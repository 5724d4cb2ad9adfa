# The two commands of the README: `make demo` and `make test`. Every target makes its own virtual environment.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help demo test lint bench clean requirements

help: ## what there is to make
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The stamp holds the installed state: it is made again when the pins or the package's declaration change.
$(VENV)/installed: requirements.txt requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rfispider needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/installed ## serve a generated RFI, crawl it into an embedded MongoDB, show what was stored
	$(BIN)/python -m replica.demo

test: $(VENV)/installed lint ## every check and test
	$(BIN)/python -m pytest

lint: $(VENV)/installed ## style, types, import floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

PEERS := .venv-peers
$(PEERS)/installed: benchmarks/requirements.txt
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

bench: $(VENV)/installed $(PEERS)/installed ## the figures that the README quotes; the peers have an environment of their own
	$(BIN)/python benchmarks/extract.py --pages 100 --peers-python $(PEERS)/bin/python
	$(BIN)/python benchmarks/archive.py
	$(BIN)/python benchmarks/quality.py

clean: ## remove what the other targets made, the embedded database included
	-test ! -x $(BIN)/rfispider || $(BIN)/rfispider mongo down
	rm -rf $(VENV) $(PEERS) .rfispider build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

PINS := pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

requirements: ## pin every dependency anew, with hashes and without index addresses
	$(PYTHON) -m venv .venv-pins
	.venv-pins/bin/python -m pip install --quiet pip-tools
	.venv-pins/bin/$(PINS) --output-file requirements.txt pyproject.toml
	.venv-pins/bin/$(PINS) --extra embedded --extra dev --constraint requirements.txt \
		--output-file requirements-dev.txt pyproject.toml
	rm -rf .venv-pins
