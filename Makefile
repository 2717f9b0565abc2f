# Every target first sets up what it needs: the active virtual environment, or else .venv, gets this package with the
# extras that the target uses. A stamp in the environment says that they are there as pyproject.toml and
# constraints.txt ask; pip runs again only when those, or this file, have changed.

STUDY ?= digits
BACKEND ?= $(KERAS_BACKEND)
OUT ?=
# Where bench trains, if not in its own process; at most one of them.
WORKERS ?=
SCHEDULER ?=
SLURM ?=
# The first of these that is a supported Python makes .venv.
PYTHON ?= python3 python3.13 python3.12 python3.11

# Relative where it can be, so that a checkout may lie in a folder with a space in its name.
environment := $(subst $(CURDIR)/,,$(or $(VIRTUAL_ENV),.venv))
python := $(environment)/bin/python
absent := $(shell test -x '$(python)' || echo absent)

ifneq ($(words $(environment)),1)
$(error the active environment '$(environment)' has a space in its path, which make cannot follow; deactivate it)
endif
ifneq ($(filter-out tensorflow jax torch,$(BACKEND)),)
$(error unknown BACKEND '$(BACKEND)'; known: tensorflow, jax, torch)
endif
ifneq ($(WORKERS),)
ifneq ($(shell echo '$(subst ','\'',$(WORKERS))' | grep -Ex '[1-9][0-9]*'),$(WORKERS))
$(error WORKERS is a number of processes, 1 or more, and was '$(WORKERS)')
endif
endif
ifneq ($(SCHEDULER),)
ifeq ($(and $(filter 1,$(words $(SCHEDULER))),$(findstring ://,$(SCHEDULER))),)
$(error SCHEDULER is an address of a Dask scheduler, such as tcp://host:8786, and was '$(SCHEDULER)')
endif
endif
ifneq ($(SLURM),)
ifneq ($(words $(SLURM)),$(words $(foreach option,$(SLURM),$(if $(findstring =,$(option)),$(option)))))
$(error SLURM is options of a job, such as 'partition=gpu time=60', and was '$(SLURM)')
endif
endif
places := $(strip $(if $(WORKERS),WORKERS) $(if $(SCHEDULER),SCHEDULER) $(if $(SLURM),SLURM))
ifneq ($(words $(places)),$(words $(firstword $(places))))
$(error $(places) are different places to train at; give one of them)
endif

device = $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
jax_cpu = jax
jax_gpu = jax-gpu

extras_tensorflow = $(device)
extras_jax = $(device),$(jax_$(device))
extras_torch = $(device),torch
extras_docs = $(device),docs
extras_dask = dask
extras_slurm = slurm
extras_dev = $(extras_jax),dask,slurm,docs,dev

covers_tensorflow = tensorflow
covers_jax = tensorflow jax
covers_torch = tensorflow torch
covers_docs = tensorflow docs
covers_dask = dask
covers_slurm = slurm
covers_dev = tensorflow jax dask slurm docs dev

ready = $(environment)/.aebench-$(or $(BACKEND),tensorflow)
ready_docs = $(environment)/.aebench-docs
ready_place = $(patsubst %,$(environment)/.aebench-%,$(if $(SCHEDULER),dask) $(if $(SLURM),slurm))
ready_dev = $(environment)/.aebench-dev
options = $(strip $(if $(BACKEND),--backend $(BACKEND)) $(if $(OUT),--out '$(OUT)'))
place = $(strip $(if $(WORKERS),--workers $(WORKERS)) $(if $(SCHEDULER),--scheduler '$(SCHEDULER)') $(if $(SLURM),--slurm '$(SLURM)'))

.PHONY: help bench report test perf lint check docs absent
.NOTPARALLEL:

help:  ## list the targets (the default)
	@sed -n 's/^\([a-z]*\):.*## /  make \1 - /p' Makefile
	@echo 'Variables: STUDY=digits BACKEND=tensorflow|jax|torch OUT=folder PYTHON=interpreter that makes .venv'
	@echo '  of bench: WORKERS=4, SCHEDULER=tcp://host:8786 (Dask) or SLURM="partition=gpu time=60" (minutes)'

bench: $(ready) $(ready_place)  ## train and measure what STUDY still lacks, then print its table
	$(python) -m aebench bench '$(STUDY)' $(options) $(place)

report: $(ready)  ## write the page of STUDY, or of several (STUDY="digits mnist"): reports/<study>/index.html
	$(python) -m aebench report $(foreach study,$(STUDY),'$(study)') $(options)

test: $(ready_dev)  ## run the tests
	$(python) -m pytest --benchmark-disable -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 20

perf: $(ready_dev)  ## time the train step, encode, decode, sample and measures
	$(python) -m pytest --benchmark-only -rfE

lint: $(ready_dev)  ## check style and types
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy

check: lint test  ## lint and test

docs: $(ready_docs)  ## write what is written from the code, then build the pages, any dead link an error: site/index.html
	$(python) docs/write_variants.py
	$(python) docs/draw_imports.py
	$(python) -m sphinx -E -W --keep-going -q docs site
	@echo site/index.html

supported = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
able = import ensurepip, venv; $(supported)
needs = aebench needs Python 3.11, 3.12 or 3.13

# pip's progress bars belong on a terminal, not in a log.
quiet = $(if $(MAKE_TERMOUT),,--quiet)

define create_environment
	test -z '$(VIRTUAL_ENV)' || { echo 'the active environment $(VIRTUAL_ENV) has no bin/python; deactivate it' >&2; exit 1; }; \
	for candidate in $(PYTHON); do \
	    if "$$candidate" -c '$(able)' 2>/dev/null; then exec "$$candidate" -m venv --clear '$(environment)'; fi; \
	done; \
	echo '$(needs) with its venv module, and found none as: $(PYTHON); install one' \
	    '(Debian, Ubuntu: apt-get install python3 python3-venv) or name one: make PYTHON=/path/to/python3' >&2; exit 1
endef

# The stamp comes last: a set-up that failed or was interrupted is taken up again.
$(environment)/.aebench-%: pyproject.toml constraints.txt Makefile $(absent)
	@test -x '$(python)' || { $(create_environment); }
	@'$(python)' -c '$(supported)' || { echo '$(needs), and $(environment) holds another:' \
	    'deactivate or remove it, then run make again' >&2; exit 1; }
	@'$(python)' -m pip --version >/dev/null 2>&1 || '$(python)' -m ensurepip
	@echo 'setting up $(environment) with the extras $(extras_$*): minutes when they must be downloaded'
	@'$(python)' -m pip install $(quiet) -c constraints.txt -e '.[$(extras_$*)]' || { echo 'set-up failed, as pip says' \
	    'above: see to it (network or proxy, disk space), then run make again' >&2; exit 1; }
	@touch $(patsubst %,'$(environment)/.aebench-%',$(covers_$*))
