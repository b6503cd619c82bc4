# Each verb makes what it needs (.venv, node modules) by itself; a second call starts at once.
# Variables: PYTHON (3.10 or newer), MICROPYTHON (another interpreter), BOARD, PORT, ARGS.

PYTHON ?= python3
BOARD ?= esp32
# Real processes whose times are judged, each file by itself; the other ones only have to end.
BESIDE := host_tests/e2e/test_board_host.py host_tests/e2e/test_flash_host.py
ALONE := $(filter-out $(BESIDE),$(sort $(wildcard host_tests/e2e/test_*.py))) \
	host_tests/tools/test_bench_host.py
PY := .venv/bin/python
VENV := .venv/.ready
NODE := tools/wasm32/node_modules/.ready

.PHONY: help run test bench sim sim-month mutate build flash lint clean

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: $(VENV) ## site, virtual board and live view (UI=plain for a log line a second)
	@exec $(PY) -m tools.run $(ARGS)

test: $(VENV) $(NODE) ## every test: on both cores, then those that judge times alone
	@$(PY) -m pytest -q host_tests $(ALONE:%=--ignore=%) -n 2 --dist loadfile \
		--no-loadscope-reorder $(ARGS)
	@$(PY) -m pytest -q $(ALONE) $(ARGS)

bench: $(VENV) $(NODE) ## figures as a table and in build/bench.json
	@$(PY) -m tools.bench $(ARGS)

sim: $(VENV) ## a thousand seeded hours with faults, on all cores (ARGS="--many 100")
	@$(PY) -m tools.simulate --many 1000 $(ARGS)

sim-month: $(VENV) ## thirty days, two wraps of the tick, a change of daylight saving time
	@$(PY) -m tools.simulate --month --json $(ARGS)

mutate: $(VENV) ## break the rules on purpose: score and survivors (hours; ARGS="--sample 100")
	@$(PY) -m tools.mutate $(ARGS)

build: $(VENV) ## image for a board: make build BOARD=esp32
	@$(PY) -m tools.build $(BOARD) $(ARGS)

flash: $(VENV) ## copy what changed to a board: make flash BOARD=esp32 PORT=/dev/ttyUSB0
	@$(PY) -m tools.flash $(BOARD) $(PORT) $(ARGS)

lint: $(VENV) ## ruff and the rules of the tree
	@$(PY) -m ruff check . && $(PY) -m pytest -q host_tests/test_tree_host.py

clean: ## remove everything that was built, not .venv
	rm -rf build .pytest_cache .hypothesis .ruff_cache

$(VENV): requirements.txt constraints.txt tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py

$(NODE): tools/wasm32/package.json tools/wasm32/package-lock.json $(VENV)
	@$(PY) -m tools.wasm32 --install
