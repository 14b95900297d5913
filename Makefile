# `make` lists the commands. Each first installs what it needs into .venv, without root.

# On a machine with an NVIDIA GPU: make ncar TENSORFLOW=gpu
TENSORFLOW ?= cpu
# How many cores a run may use: a number or all.
CORES ?= all
# Of these the first that is Python 3.11 to 3.13 makes the environment.
PYTHON ?= python3 python3.13 python3.12 python3.11
# Of the benchmark: small or full.
SIZE ?= small

ifeq ($(TENSORFLOW),cpu)
venv := .venv
lock := requirements.txt
else ifeq ($(TENSORFLOW),gpu)
venv := .venv-gpu
lock := requirements-gpu.txt
else
$(error TENSORFLOW is $(TENSORFLOW); it can be cpu or gpu)
endif

# An empty file named after the content of a lock says that this lock is installed.
stamp = installed-$(shell cat requirements-build.txt $(1) | cksum | cut -d ' ' -f 1)
runtime := $(venv)/$(call stamp,$(lock))
development := .venv/$(call stamp,requirements-dev.txt)

snakemake := $(venv)/bin/snakemake --cores $(CORES)

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(runtime) ## Train on made-up storms and write results/demo/report.html
	$(snakemake)

.PHONY: ncar
ncar: $(runtime) ## The same on the NCAR archive, which is downloaded
	$(snakemake) --configfile config/ncar.yaml

.PHONY: study
study: $(runtime) ## More networks, several seeds and dropout rates, on made-up storms
	$(snakemake) --configfile config/study.yaml

pytest := TF_CPP_MIN_LOG_LEVEL=2 .venv/bin/python -m pytest
in_parallel := -n auto --maxprocesses 4 --dist loadfile

.PHONY: test
test: check ## Check the code and run the tests of library and workflow
	$(pytest) $(in_parallel)

.PHONY: test-operations
test-operations: $(development) ## Try the cache, scheduled retraining, and faults of many kinds
	$(pytest) $(in_parallel) tests/operations tests/faults

.PHONY: test-browser
test-browser: $(development) ## Look at a report in Chromium, where it is installed
	$(pytest) tests/browser

.PHONY: test-cluster
test-cluster: $(development) ## Run on a real SLURM of one node and disturb it; with root
	$(pytest) tests/cluster

.PHONY: check
check: $(development) ## Style, types and the workflow's own lint
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/snakefmt --check Snakefile rules
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/snakemake --lint

.PHONY: benchmark
benchmark: $(development) ## Measure time and memory; SIZE=small or SIZE=full
	.venv/bin/python -m benchmark.run $(SIZE)

.PHONY: docs
docs: $(development) ## Write the user's guide to site/
	.venv/bin/mkdocs build --strict

.PHONY: install
install: $(development) ## Only make .venv, with everything pinned

.PHONY: install-runtime
install-runtime: $(runtime) ## The same without the tools of development

# Everything is resolved together first, so the locks agree with each other.
compile := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-annotate --custom-compile-command "make lock"

.PHONY: lock
lock: $(development) ## Renew the locks and envs/ within the limits of pyproject.toml
	$(compile) --upgrade pyproject.toml --extra cpu --extra slurm --extra registry --extra docs \
		--extra dev --output-file requirements-dev.txt
	$(compile) --upgrade pyproject.toml --extra cpu --extra slurm \
		--constraints requirements-dev.txt --output-file requirements.txt
	$(compile) --upgrade pyproject.toml --extra gpu --extra slurm \
		--constraints requirements-dev.txt --output-file requirements-gpu.txt
	printf 'pip\nsetuptools\nwheel\n' | $(compile) --upgrade - \
		--constraints requirements-dev.txt --output-file requirements-build.txt
	.venv/bin/python envs/from_lock.py

.PHONY: clean
clean: ## Remove the installed environments and the tools' caches; data and results stay
	rm -rf .venv .venv-gpu .mypy_cache .pytest_cache .ruff_cache .hypothesis site

%/bin/pip:
	@for python in $(PYTHON); do \
		if $$python -c 'import ensurepip, sys, venv; \
				sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2> /dev/null; then \
			echo "Making $* with $$($$python --version)."; \
			exec $$python -m venv --clear $*; \
		fi; \
	done; \
	echo "stormcnn needs Python 3.11, 3.12 or 3.13 with its module venv, and found none among:" \
		"$(PYTHON). Name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; \
	exit 1

# Old stamps go first: an installation that breaks off, or replaces another, must be made again.
# Nothing unhashed runs: wheels only, but for one package that has none, which is built with the
# hashed setuptools.
define install
	@echo "Installing $(1) into $(@D); this takes one to three minutes."
	@rm -f $(@D)/installed-*
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--only-binary :all: --requirement requirements-build.txt
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--only-binary :all: --no-binary connection-pool --no-build-isolation --requirement $(1)
	@touch $@
endef

$(runtime): | $(venv)/bin/pip
	$(call install,$(lock))

$(development): | .venv/bin/pip
	$(call install,requirements-dev.txt)
	@touch .venv/$(call stamp,requirements.txt)
