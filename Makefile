# Every way into the project; `make` alone lists them.

SWIFT ?= swift
OUT ?= out
PYTHON := .venv/bin/python
RELEASE := .build/release
# A target may import only what Package.swift names for it.
BUILD_FLAGS := --explicit-target-dependency-import-check error

.DEFAULT_GOAL := help
.PHONY: help setup build test charts compare serve interop interop-fast interop-setup bench swarm fuzz clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the Debian packages of packages.txt and check the Swift toolchain
	@scripts/check-swift
	@scripts/install-packages packages.txt

build: setup ## build the programs for release
	$(SWIFT) build -c release $(BUILD_FLAGS)

test: setup ## check the imports, build everything for debugging and run all tests
	.ci/check-imports
	$(SWIFT) build --build-tests $(BUILD_FLAGS)
	$(SWIFT) test --skip-build

charts: ## install the charting library of report.html
	@scripts/install-charts

compare: build charts ## speak recorded prompts through simulated networks and compare the transports (ARGS='…')
	$(RELEASE)/parallax compare --out $(OUT) $(ARGS)

serve: build ## run the server on this machine (ARGS='…')
	$(RELEASE)/parallax serve $(ARGS)

interop-setup: setup
	@scripts/install-packages interop/packages.txt
	@scripts/make-venv

interop: build interop-setup ## meet aioquic, aiortc, libwebrtc, Chromium and Firefox (ARGS='--list', or names of cases)
	@scripts/install-packages interop/browsers.txt
	@scripts/install-charts
	$(PYTHON) interop/run.py --parallax $(RELEASE)/parallax --out $(OUT) $(ARGS)

interop-fast: interop-setup ## the same without browsers, against the debug build that `make test` leaves
	$(SWIFT) build --product parallax $(BUILD_FLAGS)
	$(PYTHON) interop/run.py --parallax .build/debug/parallax --out $(OUT) --fast $(ARGS)

bench: build ## measure throughput, latency and virtual time on this machine (ARGS='…')
	$(RELEASE)/parallax-bench $(ARGS)

swarm: setup ## drive random sessions through random faults and audit every promise (FRAMES=1000000 SEED=1)
	$(SWIFT) build -c release --product parallax-lab $(BUILD_FLAGS)
	$(RELEASE)/parallax-lab swarm --frames $(or $(FRAMES),1000000) --seed $(or $(SEED),1)

fuzz: setup ## drive every parser with libFuzzer (TARGETS='…' SECONDS_EACH=60)
	OUT=$(OUT) SECONDS_EACH=$(or $(SECONDS_EACH),60) scripts/fuzz $(TARGETS)

clean: ## remove what was built and measured; the Python environment stays
	$(SWIFT) package clean
	rm -rf .build-* $(OUT)
