.PHONY: help up test test-spark check fix bench soak steady fuzz clients lock pictures setup
PYTHON ?= python3
BIN := .venv/bin

help: ## the verbs
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /	/' | expand -t 12

up: ## install what is missing, start everything, print the address (ARGS="…" is passed on)
	@$(PYTHON) deploy/install.py run
	@exec $(BIN)/shizhu up $(ARGS)

setup: ## install what is missing for development
	@$(PYTHON) deploy/install.py test

test: setup ## the whole suite (ARGS="…" is passed to pytest)
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: ## format, lint, types, import rules, packcheck
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@found=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$found"; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/shizhu packcheck

fix: ## format and mend what can be mended
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --fix --quiet .

bench: setup ## figures, each beside a raw limit of the same run
	@$(BIN)/python -m bench $(ARGS)

soak: setup ## an hour of 1,000 devices at twelve times its speed, with faults and kills, counted exactly (ARGS="--devices 100 --speed 60")
	@$(BIN)/python -m bench.soak $(ARGS)

steady: setup ## readings at full rate for ten minutes, the database stopped for one of them: memory, and nothing lost (ARGS="--minutes 2")
	@$(BIN)/python -m bench.steady $(ARGS)

fuzz: setup ## property tests with other examples each time; our OpenAPI definition for longer (SHIZHU_FUZZ=examples an operation)
	@SHIZHU_FUZZ=$${SHIZHU_FUZZ:-200} $(BIN)/python -m pytest -n 2 --dist loadfile -m hypothesis $(ARGS)

clients: setup ## programs of others (frost-sta-client, pygeoapi; QGIS where it is installed) read and write a stack, from an environment of their own
	@$(PYTHON) -m venv var/clients
	@var/clients/bin/pip install --quiet --require-hashes -r requirements/clients.lock
	@$(BIN)/python -m tests.clients

test-spark: setup ## archived days put together by a Spark cluster of two workers, beside DuckDB (installs Spark and Java)
	@$(PYTHON) deploy/install.py spark
	@$(BIN)/python -m pytest tests/spark/on_a_cluster.py $(ARGS)

pictures: setup ## run the browser tests and keep the README's pictures of what they saw
	@SHIZHU_PICTURES=var/screenshots $(BIN)/python -m pytest tests/browser
	@mkdir -p docs/images
	@cp var/screenshots/map-desktop.png docs/images/map.png
	@cp var/screenshots/task-phone.png docs/images/task.png
	@cp var/screenshots/board-wall-desktop.png docs/images/wall.png

lock: ## write the lock files anew
	@deploy/lock.sh
