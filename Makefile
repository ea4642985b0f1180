# Two commands: `make demo` and `make test`. Everything else is listed by `make help`.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install demo test check verify ui lock clean

help: ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(STAMP) ## make .venv with the locked dependencies and the `holdfast` command

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "holdfast needs Python 3.11 or newer; found " + sys.version.split()[0] + "; set PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: install ## a simulated world through the whole road with DVC; prints where the report and the list are
	@test -f data/world/holdfast.yaml || holdfast simulate -n 2000 -o data/world --seed 7
	dvc repro --quiet
	@echo "report: data/run/report.html"
	@echo "list:   data/run/lists/retention.csv"
	@echo "ledger: make ui"

check: install ## style, types and the direction of imports
	ruff check .
	ruff format --check .
	mypy
	lint-imports

test: check ## what everyone runs before a commit
	pytest -n 2 --dist loadfile -m "not slow"

verify: install ## the long evidence, printed
	pytest -m slow -s
	python benchmarks/bootstrap.py
	python benchmarks/survival.py
	python benchmarks/btyd.py
	python benchmarks/value.py
	python benchmarks/reasons.py
	python benchmarks/uplift.py
	python benchmarks/accuracy.py

ui: install ## the MLflow page, on this machine only
	mlflow ui --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1

lock: install ## pin the dependencies anew, with hashes and without hosts; NCCL is for several GPUs only and left out
	$(BIN)/python -m pip install --quiet uv
	uv pip compile pyproject.toml --universal --extra dev --extra notebooks --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-package nvidia-nccl-cu12 --no-emit-package nvidia-nccl-cu13 \
	  --custom-compile-command "make lock" --upgrade --quiet --output-file requirements.lock

clean: ## remove what the demo wrote
	rm -rf data/world data/run models/churn models/loyalty out mlflow.db mlartifacts
