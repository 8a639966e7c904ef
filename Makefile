# `make` alone lists what there is to do.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
REPORTS ?= reports/out
JUDGE = $(RUN) -m pytest --reports=$(REPORTS) --junitxml=$(REPORTS)/junit.xml
ARGS ?=
VARIANT ?= as-reported
MORE = $(filter-out as-reported,$(VARIANT))
REFERENCE = variants=$$($(RUN) -m fixtures.stack $(or $(MORE),embedded)) && exec $(RUN) -m reference
KEPT := .stack/kind
KIND = $(REFERENCE) kind --variant $$variants $(if $(KEEP),--keep) --
ACCOUNT = stacks/account.sh $(KEPT)/kubeconfig $(KEPT)/account
BESIDE = -n 2 --dist loadfile  # the systems side by side on one cluster
STACK ?= embedded
TESTS = tests/suite $(filter-out tests/suite tests/matrix,$(patsubst %/,%,$(wildcard tests/*/)))  # what takes longest first

.PHONY: help setup demo test check up down kind kind-test kind-down kind-offline-image parity matrix matrix-on-kind bench lock clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{ printf "  make %-18s %s\n", $$1, $$2 }'

setup: $(VENV)/.installed node_modules/.installed $(VENV)/.browser  ## Install what is missing, and say so

demo: setup  ## Judge the reference systems on the embedded cluster (VARIANT=fixed, VARIANT=faithful; ARGS='-k basket' goes to pytest)
	@echo "→ judging the reference systems on the embedded cluster"
	@$(JUDGE) $(MORE:%=--stack=%) $(ARGS)

test: setup check  ## Run all tests of the suite and of the reference stack
	@echo "→ testing the suite and the reference stack (several minutes; ARGS='-k truth' runs a part without the defect matrix)"
	@$(RUN) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --durations=20 --durations-min=5 $(TESTS) $(ARGS)
	@$(if $(ARGS),true,$(RUN) -m pytest -q tests/matrix)

check: $(VENV)/.installed  ## Lint, types and layers; needs no stack
	@echo "→ checking style, types and layers"
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

up: $(VENV)/.installed  ## Leave the reference systems running (VARIANT=fixed for the mended ones)
	@$(REFERENCE) up --variant $$variants

down:  ## End what `up` left running
	@$(RUN) -m reference down

kind: setup  ## Judge them on a real KIND cluster (VARIANT=fixed; KEEP=1 lets a Docker engine go on that was started for it)
	@$(KIND) bash -c '$(ACCOUNT) && $(JUDGE) $(BESIDE) --stack=kind$(MORE:%=-%) $(ARGS)'

kind-test: setup  ## Run the tests that take any cluster on KIND: what the embedded one is held to
	@$(KIND) bash -c 'tests/cluster/load-into-kind && \
	  CLUSTER_TEST_KUBECONFIG=$(CURDIR)/$(KEPT)/kubeconfig KIND_TEST_KUBECONFIG=$(CURDIR)/$(KEPT)/kubeconfig \
	  $(RUN) -m pytest -q -n 4 -p tests.cluster.one_by_one tests/kind/test_rollout.py tests/cluster \
	  tests/suite/test_rights.py tests/kind/test_the_shop.py $(ARGS)'

kind-down: $(VENV)/.installed  ## Remove what `kind` made, and nothing else
	@$(RUN) -m reference kind-down
	@rm -f $(KEPT)/account $(KEPT)/account.pin.json

parity: $(VENV)/.installed  ## Compare what `demo` and `kind` have stated (OF='FOLDER FOLDER': of which reports)
	@$(RUN) -m tests.parity $(OF)

kind-offline-image: $(VENV)/.installed  ## Build what a container registry would give, from package mirrors (once)
	@$(RUN) -m reference kind-offline-image

matrix: setup  ## Print what each planted defect turns red, with all features (STACK=kind; BRIEF=1: one of each group, by one of them)
	@$(if $(filter kind,$(STACK)),$(MAKE) --no-print-directory matrix-on-kind VARIANT=fixed,$(MATRIX))

MATRIX = $(RUN) -m tests.matrix $(if $(BRIEF),--brief)
matrix-on-kind:
	@$(KIND) bash -c '$(ACCOUNT) && $(MATRIX) --stack=kind-fixed'

bench: setup  ## Print how fast the suite is, as ratios; on KIND, too, where it is up (ARGS=KUBECONFIG names another)
	@$(RUN) -m tests.bench $(ARGS)

lock: $(VENV)/.installed  ## Lock the dependencies again, with hashes
	@$(RUN) -m pip install --quiet uv
	@setup/lock.sh

clean:  ## Remove what `setup` installed here and what runs left behind
	@rm -rf $(VENV) node_modules reports/out .stack

$(VENV)/.installed: requirements.txt reference/requirements.txt
	@echo "→ installing Python packages into $(VENV) (about a minute the first time)"
	@setup/python.sh $(PYTHON) $(VENV)
	@touch $@

node_modules/.installed: package-lock.json | $(VENV)/.installed
	@setup/node.sh $(VENV)
	@mkdir -p node_modules && touch $@

$(VENV)/.browser: | $(VENV)/.installed
	@setup/browser.sh $(VENV)
	@touch $@
