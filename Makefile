# Every target sets up what it needs. PYTHON=... chooses another interpreter (3.11 or newer).
PYTHON ?=
VENV ?= .venv
BIN = $(VENV)/bin
SIDECARS = $(wildcard [a-z]*/*.pxd)
COMPILED = setup.py $(SIDECARS) $(SIDECARS:.pxd=.py) $(wildcard [a-z]*/*.pyx)
PYTEST = $(BIN)/python -X dev -W error -m pytest
# JOBS=2: files of tests side by side in so many processes. Each has the flags above, which pytest-xdist's own do not.
ifeq ($(origin JOBS),command line)
PYTEST += --tx '$(JOBS)*popen//python=$(BIN)/python -X dev -W error' --dist loadfile --no-loadscope-reorder
endif

.PHONY: run install test lint check docs bench fuzz clean

run: $(VENV)/.run
	@scripts/run $(BIN)

install: $(VENV)/.run

test: $(VENV)/.dev
	$(PYTEST) $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint
	$(BIN)/python -m pytest -q tests/house

docs: $(VENV)/.dev
	$(BIN)/python scripts/reference.py

# `make bench` measures everything; ROW="udp-1k tcp-connect" only these rows of the side-by-side table, ARGS more options.
ifdef ROW
bench: $(VENV)/.dev
	$(BIN)/python -m bench.sidebyside $(ROW) $(ARGS)
else
bench: $(VENV)/.dev
	$(BIN)/python -m bench.sidebyside $(ARGS)
	$(BIN)/python bench/start.py
	$(BIN)/python bench/faults.py
	$(BIN)/python bench/kill_at_load.py
	$(BIN)/python bench/malformed.py
	$(BIN)/python bench/bus.py
	$(BIN)/python bench/command_storm.py
	$(BIN)/python bench/update_stream.py
	$(BIN)/python bench/rebuild_under_load.py
	$(BIN)/python bench/names_of_no_zone.py
	$(BIN)/python bench/unused.py
	$(BIN)/python bench/configuration.py
	$(BIN)/python bench/client.py
	$(BIN)/python bench/door.py
	$(BIN)/python bench/memory.py
	$(BIN)/python bench/health.py
	$(BIN)/python bench/loading.py
	$(BIN)/python bench/loading.py 1000000 5 mixed
	$(BIN)/python bench/images.py
	$(BIN)/python bench/updates.py
	$(BIN)/python bench/many_zones.py
	$(BIN)/python bench/reloading.py
	$(BIN)/python bench/reloading.py 1000000 10 mixed
	$(BIN)/python bench/image_building.py
	$(BIN)/python bench/postgresql.py
endif

# `make fuzz` fuzzes every target for a minute (tests/fuzz/README.md); TARGET=query SECONDS=600 one for longer.
fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS) $(TARGET)

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name '*.so' -delete

$(VENV)/.run: pyproject.toml $(COMPILED)
	@scripts/environment "$(PYTHON)" $(VENV) .
	@touch $@

$(VENV)/.dev: pyproject.toml $(COMPILED)
	@scripts/environment "$(PYTHON)" $(VENV) .[dev]
	@touch $@ $(VENV)/.run
