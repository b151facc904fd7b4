# All that a person runs here. Needs make and Python 3.11 or newer; the rest is fetched into .venv.

.DEFAULT_GOAL := help
VENV := .venv
PYTHON := $(VENV)/bin/python
UV = $(shell uv --version >/dev/null 2>&1 && echo uv || echo $(VENV)/bin/uv)
# For what needs no environment; the first that is new enough. Looked for only by the commands that use it.
HOST_PYTHON = $(or $(shell for p in python3.13 python3.12 python3.11; do \
	$$p -c '' 2>/dev/null && echo $$p && break; done),python3)
# What a shell has set up for another project is not meant for this one; without compiled modules each worker of
# the tests, and each process that they start, would compile them anew.
unexport VIRTUAL_ENV PYTHONHOME PYTHONDONTWRITEBYTECODE

# The environment is current when it works and the stamp with the lock's hash lies in it.
STAMP := $(VENV)/.lock-$(shell cksum < requirements.txt | tr ' ' '-')
ifneq ($(shell $(PYTHON) -c 'print(1)' 2>/dev/null),1)
$(shell rm -f $(VENV)/.lock-*)
endif

.PHONY: help run up secrets down logs test torture test-containers check lint psql audit freshness report export rebuild reconcile bench \
	review dictionary lock setup clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## start everything, UI on port 8080, until Ctrl-C (settings: .env.example)
	@exec $(PYTHON) -m include.local run $(OPTIONS)

up: ## the same in containers, for a team: builds, starts, waits until healthy (settings: .env)
	@$(HOST_PYTHON) -m include.containers.env_file
	docker compose up --wait $${RENEW_CAPTURE:+--build}
	@echo "the UI is on http://$$(docker compose port api-server 8080): user admin, password ADMIN_PASSWORD in .env"

secrets: ## print a line for .env for each secret that it lacks: make secrets >> .env
	@$(HOST_PYTHON) -m include.containers.env_file --missing

down: ## stop the containers and keep the data; VOLUMES=1 removes the data as well
	docker compose down --remove-orphans $${VOLUMES:+--volumes}

logs: ## follow the logs of the containers, all or one part: SERVICE=scheduler
	docker compose logs --follow --tail 100 $$SERVICE

test: $(STAMP) ## run all tests, or some: ARGS="-k word"
	$(PYTHON) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

torture: $(STAMP) ## attack each guarantee at length and write docs/guarantees.md: ARGS="-k capture" [TORTURE=0.1, only prints] [TORTURE_SEED=42]
	TORTURE=$${TORTURE:-1} $(PYTHON) -m pytest tests/torture -q -s -p no:cacheprovider $(ARGS)

test-containers: $(STAMP) ## try the containers for real (ten minutes; needs a Docker engine): STEPS="celery local:kill"
	@exec $(PYTHON) -m tools.containers $(STEPS)

check: lint test ## lint, types and all tests

lint: $(STAMP) ## lint and types
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m ruff check
	$(PYTHON) -m mypy

ROLE = $(if $(WRITE),pipeline,analyst)
PASSWORD = $(if $(WRITE),PIPELINE_PASSWORD,ANALYST_PASSWORD)
psql: ## SQL prompt in the warehouse of what runs, as analyst, who only reads; WRITE=1 as pipeline
	@if [ "$$STACK" != run ] && [ -n "$$(docker compose ps --quiet postgres 2>/dev/null)" ]; then \
		echo "the warehouse of the containers (STACK=run: that of make run)" >&2; \
		exec docker compose exec $$([ -t 0 ] || echo -T) postgres sh -c \
			'PGPASSWORD="$$$(PASSWORD)" exec psql --host=127.0.0.1 --username=$(ROLE) warehouse'; \
	elif [ -x $(PYTHON) ]; then exec $(PYTHON) -m include.local psql $${WRITE:+--write}; \
	else echo "nothing runs: make run or make up starts it" >&2; exit 2; fi

audit: $(STAMP) ## account for every captured line; fails if one is missing
	@exec $(PYTHON) -m include.commands.audit

freshness: $(STAMP) ## what is late right now, a line per alarm; fails if one is on; [MARKET=id]
	@exec $(PYTHON) -m include.commands.freshness

report: $(STAMP) ## the traders' table: DAY=2026-01-31 [TRADER=name] [MARKET=id] [FORMAT=table|csv|xlsx] [DECIMAL=point|comma]
	@exec $(PYTHON) -m include.commands.report --day "$$DAY" \
		$${TRADER:+--trader "$$TRADER"} $${FORMAT:+--format "$$FORMAT"} \
		$${DECIMAL:+--decimal "$$DECIMAL"}

export: $(STAMP) ## a table or view as a file: TABLE=curated.pnl_daily [FROM=2026-01-01] [TO=2026-01-31] [MARKET=id] [FORMAT=parquet|csv] [FILE=path]
	@exec $(PYTHON) -m include.commands.export --table "$$TABLE" $${FROM:+--from "$$FROM"} $${TO:+--to "$$TO"} \
		$${MARKET:+--market "$$MARKET"} $${FORMAT:+--format "$$FORMAT"} $${FILE:+--file "$$FILE"}

rebuild: $(STAMP) ## rebuild PnL of delivery days: FROM=2026-01-01 TO=2026-01-31 [MARKET=id] [RELOAD=1] [FORCE_PRICES=1]
	@exec $(PYTHON) -m include.commands.rebuild --from "$$FROM" --to "$$TO" \
		$${RELOAD:+--reload} $${FORCE_PRICES:+--force-prices}

reconcile: $(STAMP) ## compare trades with the exchange's end-of-day file, or a folder of them: FILE=path [DAY=2026-01-31] [MARKET=id]
	@exec $(PYTHON) -m include.commands.reconcile --file "$$FILE" $${DAY:+--day "$$DAY"}

bench: $(STAMP) ## measure loader, capture, build and trading desk beside their limits, and a rebuild
	@exec $(PYTHON) -m tools.bench $(ARGS)

review: $(STAMP) ## list what waits for a decision; decide: ACTION=accept|discard REASON="why" TRADE=|EXPECTATION=|REJECT=|FILE= [LINE=] [MARKET=id]
	@exec $(PYTHON) -m include.commands.review $${ACTION:+--action "$$ACTION"} $${REASON:+--reason "$$REASON"} \
		$${TRADE:+--trade "$$TRADE"} $${EXPECTATION:+--expectation "$$EXPECTATION"} $${REJECT:+--reject "$$REJECT"} \
		$${FILE:+--file "$$FILE"} $${LINE:+--line "$$LINE"}

dictionary: $(STAMP) ## write docs/data_dictionary.md anew from the comments in the database
	@exec $(PYTHON) -m tools.dictionary

LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header
lock: $(STAMP) ## resolve requirements.in and requirements-image.in into their .txt
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-image.in -c requirements.txt -o requirements-image.txt

setup: $(STAMP) ## create or repair the environment; the other commands do it as needed

clean: ## remove the environment and the caches; .local, the data of make run, stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.local/*' -prune -exec rm -rf {} +

$(STAMP): requirements.txt
	@sh include/local/setup.sh $(VENV) $@
