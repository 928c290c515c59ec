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
CLIENTS := $(if $(shell command -v npm),tests/clients/node_modules/.stamp)
# And the SDK is built, checked and served. Without it everything else works.
SDK := $(if $(shell command -v npm),sdk_js/build/manifest.json)
SDK_SOURCES := sdk_js/package.json $(shell find sdk_js/src sdk_js/scripts -type f ! -name '*.test*')
TESTS ?=
# What was compiled for one run of the tests is there for the next, wherever this is: half of a quick run otherwise.
test check: export PYTHONDONTWRITEBYTECODE =
# The quick ones in two processes, then, in more than there are cores, those that start servers and wait for clocks.
QUICK := $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile
SLOW := $(BIN)/python -m pytest -m slow -n 4 --dist loadgroup $$(grep -rl "mark\.slow" tests --include="test_*.py")
UNITS := $(BIN)/python -m pytest -m "not slow and not integration" -n 2 --dist loadfile
# What fails beside others is asked once more, alone: clocks lie where two cores do the work of ten. Both answers are printed.
AGAIN := test $$? = 1 && echo "dexra: once more, alone" && $(BIN)/python -m pytest --last-failed --last-failed-no-failures none --maxfail 1
PYTEST := $(if $(TESTS),$(BIN)/python -m pytest $(TESTS),sh -c '{ $(QUICK) || { $(AGAIN); }; } && { $(SLOW) || { $(AGAIN); }; }')

.PHONY: run test check units bench sdk sdk-check sdk-test lint format lock protocol clean help FORCE

run: .venv/run.lock $(SDK)  ## start everything; Ctrl-C stops it
	@exec $(LAUNCH) run --with-parent

test: .venv/dev.lock $(CLIENTS) $(SDK) $(if $(SDK),sdk_js/tools/.stamp)  ## every test; TESTS="-k name" chooses
	@DEXRA_DATA_DIR=var/test $(LAUNCH) exec --no-fsync -- $(PYTEST)
	@$(if $(TESTS),,$(if $(SDK),$(MAKE) sdk-test))

# Python's half and the SDK's go side by side; what each needs is installed first.
check: .venv/dev.lock $(if $(SDK),sdk_js/node_modules/.stamp)  ## what a change has to pass: style, types, layers, the tests of units
	@$(MAKE) -j 2 units $(if $(SDK),sdk-check)

units: lint
	@DEXRA_DATA_DIR=var/test exec $(LAUNCH) exec --no-fsync -- $(if $(TESTS),$(UNITS) $(TESTS),sh -c '$(UNITS) || { $(AGAIN); }')

bench: .venv/dev.lock  ## measure it
	@DEXRA_DATA_DIR=var/bench exec $(LAUNCH) exec -- $(BIN)/python -m bench $(ONLY)

sdk: sdk_js/node_modules/.stamp  ## build the JavaScript package and the script
	@cd sdk_js && npm run --silent build

sdk-check: sdk_js/node_modules/.stamp
	@cd sdk_js && npm run --silent check

sdk-test: .venv/run.lock sdk_js/node_modules/.stamp sdk_js/tools/.stamp
	@cd sdk_js && npm run --silent build && npm run --silent budget && npm run --silent test && npm run --silent package && npm run --silent e2e

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

protocol: .venv/run.lock sdk_js/tools/.stamp  ## write the SDK's types of /v1 anew
	@mkdir -p var && $(BIN)/python manage.py openapi > var/openapi.json && \
		cd sdk_js && npm run --silent protocol ../var/openapi.json

clean:  ## remove what was built; the data in var/ stays
	@rm -rf .venv tests/clients/node_modules sdk_js/node_modules sdk_js/tools/*/node_modules sdk_js/tools/.stamp sdk_js/dist sdk_js/build \
		staticfiles .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

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

sdk_js/node_modules/.stamp: sdk_js/package-lock.json
	@echo "dexra: installing what the SDK is built with"
	@cd sdk_js && npm ci --silent --no-audit --no-fund
	@touch $@

sdk_js/tools/.stamp: sdk_js/tools/react-18/package-lock.json sdk_js/tools/protocol/package-lock.json
	@for tool in react-18 protocol; do (cd sdk_js/tools/$$tool && npm ci --silent --no-audit --no-fund) || exit 1; done
	@touch $@

# What is served; the package takes `make sdk`.
sdk_js/build/manifest.json: sdk_js/node_modules/.stamp $(SDK_SOURCES)
	@echo "dexra: building the chat"
	@cd sdk_js && npm run --silent build -- script
