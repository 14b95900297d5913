# `make` lists the commands. Each command first installs its requirements into .venv, without root.

# On a machine with an NVIDIA GPU: make ncar TENSORFLOW=gpu
TENSORFLOW ?= cpu
# The number of cores that the workflow may use, or all.
CORES ?= all
# The first of these that is Python 3.11 to 3.13 creates the environment.
PYTHON ?= python3 python3.13 python3.12 python3.11
# The size of the benchmark: small or full.
SIZE ?= small
# How long to fuzz.
MINUTES ?= 30

ifeq ($(TENSORFLOW),cpu)
venv := .venv
lock := requirements.txt
else ifeq ($(TENSORFLOW),gpu)
venv := .venv-gpu
lock := requirements-gpu.txt
else
$(error TENSORFLOW must be cpu or gpu (got $(TENSORFLOW)))
endif

# An empty file whose name contains a checksum of the requirements marks them as installed.
stamp = installed-$(shell cat requirements-build.txt $(1) | cksum | cut -d ' ' -f 1)
runtime := $(venv)/$(call stamp,$(lock))
development := .venv/$(call stamp,requirements-dev.txt)

# After an upgrade of the system the Python of an environment may be gone. Create it anew.
$(shell [ ! -d $(venv) ] || $(venv)/bin/python -c 'import pip' 2> /dev/null || \
	rm -f $(venv)/installed-*)

snakemake := $(venv)/bin/snakemake --cores $(CORES)

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(runtime) ## Train three networks on made-up storms and write results/demo/report.html
	$(snakemake)

.PHONY: ncar
ncar: $(runtime) ## Do the same with the NCAR archive, which is downloaded
	$(snakemake) --configfile config/ncar.yaml

.PHONY: study
study: $(runtime) ## Train more networks with several seeds and dropout rates on made-up storms
	$(snakemake) --configfile config/study.yaml

.PHONY: check-data
check-data: $(runtime) ## Check your own run files before training (CONFIG=my.yaml)
	$(snakemake) check_data --forcerun check_data $(if $(CONFIG),--configfile '$(CONFIG)')

pytest := TF_CPP_MIN_LOG_LEVEL=2 .venv/bin/python -m pytest
# Each file is run by one process, in the order of the folders, which are named slowest first.
in_parallel := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: test-unit
test-unit: $(development) ## Run the quick unit tests and the examples in docstrings
	$(pytest) $(in_parallel) -m 'not slow' tests/unit stormcnn

# One process more than cores, because the tests of SLURM mostly wait.
all_tests := -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) tests/cluster tests/operations tests/faults \
	tests/workflow tests/browser tests/environment tests/networks tests/unit stormcnn

.PHONY: test
test: check ## Check the code and test the library and the workflow (TESTS=all: and all else)
	$(pytest) $(in_parallel) $(if $(filter all,$(TESTS)),$(all_tests))

.PHONY: test-operations
test-operations: $(development) ## Test the cache, scheduled retraining, and recovery from faults
	$(pytest) $(in_parallel) tests/operations tests/faults

.PHONY: simulate-operations
simulate-operations: $(development) ## Simulate six weeks of nightly operation, night by night
	$(pytest) tests/operations/test_six_weeks.py --every-night

.PHONY: test-browser
test-browser: $(development) ## Test the report and the documentation in Chromium, if it is installed
	$(pytest) tests/browser

.PHONY: test-cluster
test-cluster: $(development) ## Test on a real SLURM with one node; needs root
	$(pytest) tests/cluster

.PHONY: fuzz
fuzz: $(development) ## Read damaged and hostile files for some minutes (MINUTES=30)
	TF_CPP_MIN_LOG_LEVEL=2 PYTHONPATH=.:tests .venv/bin/python -m fuzzing $(MINUTES)

.PHONY: test-container
test-container: $(development) ## Build the container and run it; needs root, buildah and debootstrap
	$(pytest) tests/container

.PHONY: try-guide
try-guide: $(development) ## Run every command of the README and the guide in a fresh clone
	$(pytest) tests/guide

.PHONY: check
check: $(development) ## Check formatting, style, types and import layers, and lint the workflow
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/snakefmt --check Snakefile rules
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/snakemake --lint
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows \
		.github/workflows/ci.yml ops/examples/github-actions.yml

.PHONY: benchmark
benchmark: $(development) ## Measure time and memory (SIZE=small or SIZE=full)
	.venv/bin/python -m benchmark.run $(SIZE)

.PHONY: docs
docs: $(development) ## Build the documentation in site/
	.venv/bin/mkdocs build --strict

.PHONY: images
images: demo $(development) ## Draw the images of the guide; needs Chromium and Graphviz
	.venv/bin/python docs/draw_images.py

.PHONY: install
install: $(development) ## Install everything that is needed to run and develop stormcnn

.PHONY: install-runtime
install-runtime: $(runtime) ## Install only what is needed to run stormcnn

# All requirements are resolved together first, so that the files agree with each other.
compile := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-annotate --custom-compile-command "make lock"

.PHONY: lock
lock: $(development) ## Update the pinned requirements and envs/ within the limits of pyproject.toml
	$(compile) --upgrade pyproject.toml --extra cpu --extra slurm --extra registry --extra docs \
		--extra dev --output-file requirements-dev.txt
	$(compile) --upgrade pyproject.toml --extra cpu --extra slurm \
		--constraints requirements-dev.txt --output-file requirements.txt
	$(compile) --upgrade pyproject.toml --extra gpu --extra slurm \
		--constraints requirements-dev.txt --output-file requirements-gpu.txt
	printf 'pip\nsetuptools\nwheel\n' | $(compile) --upgrade - \
		--constraints requirements-dev.txt --output-file requirements-build.txt
	.venv/bin/python envs/from_lock.py
	$(MAKE) check-platforms

.PHONY: check-platforms
check-platforms: $(development) ## Check that the requirements exist for macOS and Linux; uses the network
	@for check in aarch64-apple-darwin:requirements-dev aarch64-unknown-linux-gnu:requirements-dev \
			x86_64-unknown-linux-gnu:requirements-dev x86_64-unknown-linux-gnu:requirements-gpu; do \
		platform=$${check%:*} lock=$${check#*:}.txt; \
		for python in 3.11 3.12 3.13; do \
			echo "$$lock on $$platform, Python $$python"; \
			MACOSX_DEPLOYMENT_TARGET=14.0 .venv/bin/uv pip install --quiet --dry-run --target .venv \
				--python-platform $$platform --python-version $$python --require-hashes \
				--only-binary :all: --no-binary connection-pool -r $$lock || exit 1; \
		done; \
	done

.PHONY: clean
clean: ## Remove the environments and the caches of tools; keep data and results
	rm -rf .venv .venv-gpu .mypy_cache .pytest_cache .ruff_cache .hypothesis site

# The old mark is deleted first, so that an interrupted installation is repeated.
define install
	@rm -f $(@D)/installed-*
	@envs/install $(@D) $(1) '$(PYTHON)'
	@touch $@
endef

$(runtime):
	$(call install,$(lock))

$(development):
	$(call install,requirements-dev.txt)
	@touch .venv/$(call stamp,requirements.txt)
