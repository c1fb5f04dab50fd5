# Needs node, python3 and make. Everything else is set up here, in node_modules/ and .venv/.
PYTHON ?= python3
VENV_PYTHON = .venv/bin/python
# The load generator of the benchmarks, from Debian where we may install it.
WRK = command -v wrk >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install --yes --quiet wrk; }

.PHONY: help setup build demo test bench clean

help:
	@echo "make demo    train the tutorial's model, save it, serve it on this machine, ask it"
	@echo "make test    everything that proves it: format, lint, types, floors, unit, journeys, Python"
	@echo "make bench   against other servers, side by side; make bench ARGS=--quick is the small version"
	@echo "make build   the npm tarball and the wheel, in out/"
	@echo "make setup   only the tools; make clean removes what the other targets made"

setup: node_modules/.ready .venv/.ready

node_modules/.ready: package-lock.json
# Not `npm ci`: it refuses a lock file in which an optional package of another platform is missing.
	npm install --no-fund --no-audit --no-save
	@touch $@

.venv/.ready: python/requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check -r python/requirements-dev.txt
	@touch $@

build: setup
	node scripts/build.mjs --packages

demo: setup
	@node scripts/demo.mjs

test: setup
	@$(WRK) || true
	@node scripts/test.mjs

bench: setup
	@$(WRK) || { echo "wrk makes the load. Fix: apt-get install wrk"; exit 1; }
	@node benchmarks/bench.mjs $(ARGS)

clean:
	rm -rf lib out .demo .journeys .nodes .pythons .tools test-results benchmarks/.environments benchmarks/.work node_modules .venv
