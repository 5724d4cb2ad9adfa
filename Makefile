# The two commands of the README: `make demo` and `make test`. Every target makes its own virtual environment.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help demo test test-unit test-one check lint fix docs image-test splash audit-dependencies bench clean requirements

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

test: check ## every check and every test, on a real MongoDB
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile

test-unit: $(VENV)/installed ## the tests that need neither MongoDB nor another process: seconds
	$(BIN)/python -m pytest -q -m 'unit and not slow' --numprocesses=2 --dist=worksteal --ignore=tests/e2e --ignore=tests/replica

test-one: $(VENV)/installed ## one test file, or one test: make test-one T=tests/site/test_urls.py
	$(BIN)/python -m pytest -p no:xdist $(or $(T),$(error name the tests: make test-one T=tests/...))

NOQA_LIMIT := 40

check: $(VENV)/installed ## style, format, types, import floors, complexity, suppressions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@complex=$$($(BIN)/radon cc --min C rfispider); \
	  test -z "$$complex" || { echo "cyclomatic complexity above 10:"; echo "$$complex"; exit 1; }
	@count=$$(grep -rn --include='*.py' '# noqa' rfispider | wc -l); \
	  test $$count -le $(NOQA_LIMIT) || { echo "$$count lines with noqa, at most $(NOQA_LIMIT) may be"; exit 1; }

lint: check ## the same as check

fix: $(VENV)/installed ## mend what ruff can mend, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The site is built with the packages pinned for it alone, and asks the network for nothing.
DOCS := .venv-docs
$(DOCS)/installed: requirements-docs.txt
	$(PYTHON) -m venv --clear $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.txt
	@touch $@

docs: $(DOCS)/installed ## the documentation as a site, into build/site; a warning fails it
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet

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
bench: $(VENV)/installed $(PEERS)/installed ## the figures of docs/figures.md; peers have an environment of their own
	@status=0; for script in \
	    "extract.py --pages 100 --peers-python $(PEERS)/bin/python" quality.py \
	    "crawl.py --peers-python $(PEERS)/bin/python" store.py "export.py --formats jsonl" reextract.py cookbook.py; do \
	  echo "== $$script"; $(BIN)/python benchmarks/$$script || status=1; \
	done; exit $$status

clean: ## remove what the other targets made, the embedded database included
	-test ! -x $(BIN)/rfispider || $(BIN)/rfispider mongo down
	rm -rf $(VENV) $(PEERS) $(SPLASH) $(DOCS) .rfispider build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
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
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' \
		| .venv-pins/bin/$(PINS) --constraint requirements-dev.txt --output-file requirements-docs.txt -
	rm -rf .venv-pins
