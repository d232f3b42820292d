# Everything that the project needs is installed by the first target that needs it, into .venv.
#   make paper STUDY=real DATA=/path/to/files    make paper STUDY=xtreme PROFILE=profiles/gpu
STUDY   ?= mini
FROM    ?= computed
PYTHON  ?= python3
# words for `pip install torch`, such as --index-url of PyTorch's CPU builds
TORCH_ARGS ?=

BIN     := .venv/bin/python
STAMP   := .venv/.stamp-$(shell cat requirements.txt pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)
TESTED  := .venv/.tested-$(shell cat requirements-test.txt 2>/dev/null | cksum | cut -d' ' -f1)
BENCHED := .venv/.bench-$(shell cat requirements-bench.txt 2>/dev/null | cksum | cut -d' ' -f1)
LAB     := .venv/.lab-$(shell cat requirements-lab.txt 2>/dev/null | cksum | cut -d' ' -f1)
PIP     := $(BIN) -m pip install --quiet --disable-pip-version-check

unexport PYTHONPATH JUPYTER_PATH VIRTUAL_ENV
export OMP_NUM_THREADS = 1
export PYTHONHASHSEED = 0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup paper plan status keep publish test bench simulate lint lab clean

help: ## list the targets
	@echo "xstilts: what intermediate-task training buys, by encoder size"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18
	@echo "variables: STUDY=$(STUDY)  DATA=folder  FROM=computed|published  CORES=n  PROFILE=folder  DEVICE=name"

paper: $(STAMP) ## compute the study and typeset its paper (outputs/STUDY/paper)
	@$(BIN) -m xstilts.cli paper $(STUDY) --from $(FROM) $(if $(DATA),--data "$(DATA)") $(if $(CORES),--cores $(CORES)) $(if $(PROFILE),--profile "$(PROFILE)")

plan: $(STAMP) ## what the study would run and cost; loads nothing
	@$(BIN) -m xstilts.cli plan $(STUDY) $(if $(DEVICE),--device $(DEVICE))

status: $(STAMP) ## what is done, running, failed and left
	@$(if $(DATA),XSTILTS_DATA="$(DATA)") $(BIN) -m xstilts.cli status $(STUDY)

keep: $(STAMP) ## record the finished runs in outputs/published, for a clone to go on from
	@$(if $(DATA),XSTILTS_DATA="$(DATA)") $(BIN) -m xstilts.cli keep $(STUDY)

publish: $(STAMP) ## copy the study's tables and paper to outputs/published
	@$(if $(DATA),XSTILTS_DATA="$(DATA)") $(BIN) -m xstilts.cli publish $(STUDY)

test: $(TESTED) ## run the tests (TESTS="-m 'not slow'" for the quick ones)
	@$(BIN) -m pytest $(TESTS)

bench: $(BENCHED) ## compare the engine with other trainers (docs/benchmarks.md; ROWS=names)
	@$(BIN) -m benchmarks $(if $(ROWS),--rows "$(ROWS)") $(if $(DATA),--data "$(DATA)")

simulate: $(STAMP) ## how often intervals hold a known truth (paper/simulation.csv)
	@$(BIN) -m benchmarks.simulation $(if $(REPETITIONS),--repetitions $(REPETITIONS))

lint: $(TESTED) ## check style and imports
	@$(BIN) -m ruff check . && $(BIN) -m ruff format --check lib

lab: $(LAB) ## open the notebooks in JupyterLab
	@$(BIN) -m jupyter lab --notebook-dir .

clean: ## remove what was computed and installed; published results stay
	rm -rf .venv .snakemake .pytest_cache .ruff_cache .hypothesis
	find outputs -mindepth 1 -maxdepth 1 -type d ! -name published -exec rm -rf {} +

setup: $(STAMP)

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"Python {v[0]}.{v[1]} found; 3.11, 3.12 or 3.13 needed (make PYTHON=python3.12)" if not (3, 11) <= v[:2] <= (3, 13) else 0)'
	@echo "installing into .venv (a few minutes, once)" >&2
	@$(PYTHON) -m venv .venv
	@$(if $(TORCH_ARGS),$(PIP) "$$(grep '^torch==' requirements.txt)" $(TORCH_ARGS))
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps --editable .
	@touch $@

$(TESTED): $(STAMP) requirements-test.txt
	@$(PIP) -r requirements-test.txt
	@touch $@

$(BENCHED): $(STAMP) requirements-bench.txt
	@$(PIP) -r requirements-bench.txt
	@touch $@

$(LAB): $(STAMP) requirements-lab.txt
	@$(PIP) -r requirements-lab.txt
	@touch $@
