# The two commands of the README: `make demo` and `make test`. Every target makes its own virtual environment.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help demo test image-test splash audit-dependencies lint bench clean requirements

help: ## what there is to make
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

# The Splash server that the tests render with stands on Debian's Qt, hence on Debian's Python.
SPLASH := .venv-splash
$(SPLASH)/installed: tests/support/splash-requirements.txt
	/usr/bin/python3 -c 'import PyQt5.QtWebKit, PyQt5.QtWebEngineWidgets'
	/usr/bin/python3 -m venv --clear --system-site-packages $(SPLASH)
	$(SPLASH)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/support/splash-requirements.txt
	@touch $@

splash: $(SPLASH)/installed ## the Splash server of the tests (apt: xvfb python3-pyqt5.qtwebkit python3-pyqt5.qtwebengine)

image-test: $(VENV)/installed ## run the steps of the Dockerfile and the services of the compose file in clean Debian roots (as root)
	RFI_TEST_IMAGE=1 $(BIN)/python -m pytest tests/e2e/test_image.py

PEERS := .venv-peers
$(PEERS)/installed: benchmarks/requirements.txt
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

# All of them run, whatever the one before it found; the exit status tells whether every promise held.
bench: $(VENV)/installed $(PEERS)/installed ## the figures that the README quotes; peers have an environment of their own
	@status=0; for script in \
	    "extract.py --pages 100 --peers-python $(PEERS)/bin/python" quality.py \
	    "crawl.py --peers-python $(PEERS)/bin/python" store.py "export.py --formats jsonl" reextract.py cookbook.py; do \
	  echo "== $$script"; $(BIN)/python benchmarks/$$script || status=1; \
	done; exit $$status

clean: ## remove what the other targets made, the embedded database included
	-test ! -x $(BIN)/rfispider || $(BIN)/rfispider mongo down
	rm -rf $(VENV) $(PEERS) $(SPLASH) .rfispider build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

audit-dependencies: ## known vulnerabilities of what is pinned; asks the advisory database of PyPI
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	.venv-audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.txt
	rm -rf .venv-audit

PINS := pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

requirements: ## pin every dependency anew, with hashes and without index addresses
	$(PYTHON) -m venv .venv-pins
	.venv-pins/bin/python -m pip install --quiet pip-tools
	.venv-pins/bin/$(PINS) --output-file requirements.txt pyproject.toml
	echo 'setuptools>=80' | .venv-pins/bin/$(PINS) --output-file requirements-build.txt -
	.venv-pins/bin/$(PINS) --extra embedded --extra playwright --extra dev --constraint requirements.txt \
		--output-file requirements-dev.txt pyproject.toml
	rm -rf .venv-pins
