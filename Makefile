# make demo | test | test-browser | test-portable | test-live-server | test-presidio | test-docker |
#      test-stack121 | image | lint | bench | lock | clean
# Each makes .venv first where it needs one and it is missing.
PYTHON ?=
OUT ?= out/demo
IMAGE ?= tfx-vigil
BASE ?= python:3.13-slim-trixie
BIN := .venv/bin
LOCK := python3 -m uv pip compile --universal --python-version 3.10 \
	--generate-hashes --no-annotate --custom-compile-command 'make lock'
LOCK_IMAGE := python3 -m uv pip compile --no-python-downloads --python-version 3.13 \
	--python-platform x86_64-manylinux_2_39 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock'

.PHONY: venv demo test test-browser test-portable test-live-server test-presidio test-docker \
	test-stack121 image lint bench lock clean
.DELETE_ON_ERROR:

venv: .venv/.complete

.venv/.complete: pyproject.toml requirements/dev.txt requirements/install.sh requirements/tools.sh
	@PYTHON='$(PYTHON)' requirements/install.sh

demo: venv
	@$(BIN)/tfx-vigil demo --out '$(OUT)'

test: venv
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile \
		-m 'not (browser or docker or portable or live_server or presidio)'

test-browser: venv
	@$(BIN)/python -m pytest -m browser

test-portable: venv
	@$(BIN)/python -m pytest -m portable

test-live-server: venv
	@$(BIN)/python -m pytest -m live_server tests/live_server

test-presidio: venv
	@$(BIN)/python -m pytest -m presidio tests/presidio

test-docker: venv
	@tests/docker/engine.sh $(BIN)/python -m pytest -m docker tests/docker

test-stack121: venv
	@tests/docker/stack121.sh

image:
	DOCKER_BUILDKIT=1 docker build --build-arg BASE='$(BASE)' -f kubeflow/Dockerfile -t '$(IMAGE)' .

lint: venv
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

bench: venv
	@for b in ingest pseudonyms scanner drift_speed evaluate; do $(BIN)/python benchmarks/$$b.py || exit 1; done

lock:
	$(LOCK) pyproject.toml --output-file requirements/base.txt
	$(LOCK) pyproject.toml --extra dev --output-file requirements/dev.txt
	$(LOCK) pyproject.toml --extra kfp --output-file requirements/kfp.txt
	$(LOCK) requirements/live-server.in --output-file requirements/live-server.txt
	$(LOCK) requirements/presidio.in --output-file requirements/presidio.txt
	$(LOCK) requirements/drift-peers-evidently.in --output-file requirements/drift-peers-evidently.txt
	$(LOCK) requirements/drift-peers-nannyml.in --output-file requirements/drift-peers-nannyml.txt
	$(LOCK) requirements/evaluate-peers.in --output-file requirements/evaluate-peers.txt
	sed -n 's/^tensorflow==\([^ ]*\) ; python_full_version >= .*/tensorflow-cpu==\1/p' requirements/kfp.txt | \
		$(LOCK_IMAGE) pyproject.toml --extra kfp requirements/image.in - -c requirements/kfp.txt \
		--override requirements/image-overrides.txt --output-file requirements/image.txt
	$(LOCK_IMAGE) requirements/image-tools.in --output-file requirements/image-tools.txt

clean:
	rm -rf .venv .uv out build dist *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
