# make demo | test | test-browser | lint | bench | lock | clean; each makes .venv first where it is missing.
PYTHON ?=
OUT ?= out/demo
BIN := .venv/bin
LOCK := python3 -m uv pip compile pyproject.toml --universal --python-version 3.10 \
	--generate-hashes --no-annotate --custom-compile-command 'make lock'

.PHONY: venv demo test test-browser lint bench lock clean
.DELETE_ON_ERROR:

venv: .venv/.complete

.venv/.complete: pyproject.toml requirements/dev.txt requirements/install.sh
	@PYTHON='$(PYTHON)' requirements/install.sh

demo: venv
	@$(BIN)/tfx-vigil demo --out '$(OUT)'

test: venv
	@$(BIN)/python -m pytest -m 'not browser and not docker and not stack121'

test-browser: venv
	@$(BIN)/python -m pytest -m browser

lint: venv
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

bench: venv
	@for b in benchmarks/*.py; do $(BIN)/python "$$b" || exit 1; done

lock:
	$(LOCK) --output-file requirements/base.txt
	$(LOCK) --extra dev --output-file requirements/dev.txt
	$(LOCK) --extra kfp --output-file requirements/kfp.txt

clean:
	rm -rf .venv .uv out build dist *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
