# `make` lists what there is. VENV=folder puts the virtual environment elsewhere; PYTHON=python3.12 picks another Python.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
INSTALL = .ci/install $(BIN)/python
# A file at a time to each process, in order. More processes than cores: tests of whole workers wait half of their time.
# Each may hold all models, in 3 GB. One that crashes ends the run: pytest-xdist may wait for ever where one takes its place.
PROCESSES ?= 3
PARALLEL = --dist loadfile --no-loadscope-reorder --max-worker-restart 0 --numprocesses
PROJECTS = pyproject.toml detectors/weights/pyproject.toml .ci/install $(wildcard .ci/locks/*.txt)

PAYLOADS ?= 100000
KILLS ?= 100
BROKER ?= tansu
VICTIM ?= worker
MINUTES ?= 30

.PHONY: help demo quick test lint generate bench fuzz faults memory docs compat lock sbom pin format clean
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(VENV)/demo.done ## install, then replay the recording through the whole pipeline
	$(BIN)/watchline demo

quick: $(VENV)/dev.done ## the tests that need no model, no worker and no second: three minutes
	$(BIN)/python -m pytest $(PARALLEL) 2 -m "not slow and not e2e and not faults and not gpu"

test: $(VENV)/dev.done ## install, then run all tests
	$(BIN)/python -m pytest $(PARALLEL) $(PROCESSES) --durations 25 --durations-min 10

lint: $(VENV)/dev.done ## ruff, mypy, import-linter, known vulnerabilities of what is pinned
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/audit.py

generate: $(VENV)/dev.done ## write records.py and the like anew, after a change of schemas/avro or schemas/columns.py
	$(BIN)/python -m watchline.schemas.generate
	$(BIN)/python -m tests.schemas.samples

bench: $(VENV)/dev.done ## the benchmarks, each beside what one would use otherwise
	$(BIN)/python -m tests.benchmarks

fuzz: $(VENV)/dev.done ## fuzzed payloads through a worker, PAYLOADS=1000000 of them: each stored or a dead letter
	$(BIN)/python -m tests.fuzz.run $(PAYLOADS)

faults: $(VENV)/dev.done ## kill a loaded VICTIM=worker|scoring|store|monitors KILLS=100 times on BROKER=kafka|tansu, [DETECTORS=noop|all] [RATE=2000]
	$(BIN)/python -m tests.faults --kills $(KILLS) --broker $(BROKER) --victim $(VICTIM) $(if $(DETECTORS),--detectors $(DETECTORS)) $(if $(RATE),--rate $(RATE))

memory: $(VENV)/dev.done ## memory of worker and producer over MINUTES=30 at 80 % load, [DETECTORS=noop|all], with a plot
	$(BIN)/python -m tests.benchmarks.memory --minutes $(MINUTES) $(if $(DETECTORS),--detectors $(DETECTORS))

docs: $(VENV)/dev.done ## write the READMEs' tables anew that are made from the code
	$(BIN)/python -m tests.documentation.settings_table
	$(BIN)/python -m tests.documentation.metrics_table
	$(BIN)/python -m tests.documentation.topics_table
	$(BIN)/python -m tests.documentation.spans_table

lock: $(VENV)/dev.done ## resolve what is installed anew: [UPGRADE=--upgrade] [TORCH_CPU="wheels of PyTorch's CPU build"]
	$(BIN)/python .ci/lock.py $(UPGRADE) $(if $(TORCH_CPU),--torch-cpu $(TORCH_CPU))

compat: $(VENV)/dev.done ## the integrations' tests with older releases of the libraries that they watch
	.ci/compat $(BIN)/python

sbom: $(VENV)/dev.done ## write what is installed, and the models, to sbom.json (CycloneDX)
	$(BIN)/python .ci/sbom.py sbom.json

pin: ## fix the images of docker-compose.yml and the Dockerfiles to their digests, where Docker reaches the registry
	$(PYTHON) .ci/pin.py

format: $(VENV)/dev.done ## ruff format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the virtual environment and the data folder
	rm -rf $(VENV) .watchline

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Watchline needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	@echo "Installing into $(VENV): a download of 0.6 GB with a CPU build of PyTorch, 3 to 4 minutes;"
	@echo "of about 4 GB where pip takes the CUDA build, the default on Linux. On disk 2.8 GB, or about 9 GB with CUDA."
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.done: $(PROJECTS) | $(VENV)/bin/python
	$(INSTALL) embedded -e . -e ./detectors/weights
	@touch $@

$(VENV)/dev.done: $(PROJECTS) | $(VENV)/bin/python
	$(INSTALL) dev -e . -e ./detectors/weights
	@touch $@ $(VENV)/demo.done
