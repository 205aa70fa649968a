# `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m
STACK ?= dev
OUT ?= rendered/$(STACK)
PICTURES ?= docs/pictures
# All of them, unless somebody named a stack.
E2E := e2e$(if $(filter file,$(origin STACK)),, and $(if $(filter prod,$(STACK)),,not )prod)
AWAY := tests/e2e/test_remote_write.py
export CONTEXT

.DEFAULT_GOAL := help
.PHONY: help tools up down preview diff diff-pictures official cloud-diff drift deploy kind real-grafana preflight incident recover pictures test test-slow e2e lint format render compose grafana-types lock bench bench-peer clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

up: $(VENV)/installed ## bring the dev stack up: embedded platform [TIME_SCALE=60: alerts come sooner], or CONTEXT=<your kube context>
	@$(RUN) local up --stack $(STACK) $(if $(TIME_SCALE),--time-scale $(TIME_SCALE))

down: $(VENV)/installed ## remove the embedded platform (the tool cache stays)
	@$(RUN) local down --stack $(STACK)

preview: $(VENV)/installed ## show what `make up` would change: [BASE=origin/main: of what that commit deploys]
	@$(RUN) local preview --stack $(STACK) $(if $(BASE),--base $(BASE))

diff: $(VENV)/installed ## what a reviewer reads: this checkout previewed over BASE=origin/main, on a cluster of its own [STACK=prod]
	@$(RUN) local diff --stack $(STACK) --base $(or $(BASE),origin/main)

cloud-diff: official diff-pictures ## the same from the stack's own state and cluster, with your credentials and the official engine [STACK=prod]
	@pulumi preview --non-interactive --stack $(STACK) --json > rendered/$(STACK).json || { $(RUN) review $(STACK) < rendered/$(STACK).json; exit 1; }
	@$(RUN) review $(STACK) --seen rendered/$(STACK).seen.json < rendered/$(STACK).json > rendered/$(STACK).md
	@cat rendered/$(STACK).md

official:
	@command -v pulumi >/dev/null || { echo "pulumi is not on PATH: https://www.pulumi.com/docs/install/" >&2; exit 1; }

diff-pictures: $(VENV)/installed ## pictures of dashboards before and after a change since BASE=origin/main, on simulated data [STACK=prod]
	@$(RUN) local look --stack $(STACK) --base $(or $(BASE),origin/main)

drift: official $(VENV)/installed ## what was changed by hand, with your credentials and the official engine [STACK=prod]
	@mkdir -p rendered
	@pulumi preview --non-interactive --stack $(STACK) --refresh --json > rendered/$(STACK).json || { $(RUN) review $(STACK) < rendered/$(STACK).json; exit 1; }
	@$(RUN) review $(STACK) --drift < rendered/$(STACK).json > rendered/$(STACK).drift.md
	@cat rendered/$(STACK).drift.md

deploy: official $(VENV)/installed ## pulumi up without a question: what a pipeline runs [STACK=prod]
	pulumi up --yes --non-interactive --stack $(STACK)

preflight: $(VENV)/installed ## read the cluster that a stack would go to, and tell what stands in the way: [STACK=] [CONTEXT=]
	@$(RUN) stacks.preflight $(STACK) $(if $(CONTEXT),--context $(CONTEXT))

incident: $(VENV)/installed ## let something go wrong: NAME=gpu-overheat [AGO=25h]; without NAME, list what can
	@$(RUN) local incident $(NAME) $(if $(AGO),--ago $(AGO))

recover: $(VENV)/installed ## end what goes wrong: [NAME=gpu-overheat]
	@$(RUN) local recover $(NAME)

pictures: $(VENV)/installed ## take a picture of each dashboard of the running platform: [PICTURES=docs/pictures]
	@$(RUN) local pictures --out $(PICTURES)

test: lint ## lint and the fast tests
	$(BIN)/pytest -n 2 -m "not slow and not e2e and not docker"

test-slow: $(VENV)/installed ## the tests that take minutes
	$(BIN)/pytest -n 2 --dist loadscope -m "slow and not e2e"

e2e: $(VENV)/installed ## the whole program on the real engine and API server [STACK=prod: prod's part of it]
	@# Ten minutes of waiting for a store that is away go on beside all else.
	@$(BIN)/pytest $(AWAY) -q & away=$$!; \
	$(BIN)/pytest tests tests/e2e --ignore $(AWAY) -n 3 --dist loadscope -m "$(E2E)" --maxfail 3 --timeout 900 --durations 30; \
	result=$$?; wait $$away && exit $$result

kind: $(VENV)/installed ## the official engine and provider deploy dev to a cluster of containers (needs Docker, kind, kubectl and pulumi)
	$(BIN)/pytest tests/docker/test_kind.py -m docker

real-grafana: $(VENV)/installed ## docker-compose.yml, and what real Grafana says of the dashboards (needs Docker)
	$(BIN)/pytest tests/docker/test_grafana.py -m docker

tools: $(VENV)/installed ## build every tool that is not there yet
	@$(RUN) local tools

lint: $(VENV)/installed ## format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

format: $(VENV)/installed ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

render: $(VENV)/installed ## write what would be deployed as plain files: STACK=dev|prod|managed OUT=dir
	@$(RUN) stacks.render $(STACK) $(OUT)

bench: $(VENV)/installed ## measure everything in docs/benchmarks.md [CHECK=1: the ratios, against those that are written]
	@$(RUN) bench.queries --look
	@$(RUN) bench.start $(if $(CHECK),--check)
	@$(RUN) bench.engine $(if $(CHECK),--check)
	@$(if $(CHECK),,$(RUN) bench.capacity)
	@$(RUN) bench.alert_latency $(if $(CHECK),--check)
	@$(RUN) bench.queries $(if $(CHECK),--check)

bench-peer: $(VENV)/installed ## measure another stack's chart beside dev: CHART=<as Helm takes it> (needs the official engine)
	@$(if $(CHART),,$(error which chart? CHART=<a folder, an archive or an address of one, as Helm takes it>))
	@$(RUN) bench.peer $(CHART)

compose: $(VENV)/installed ## write what docker-compose.yml mounts: then docker compose up prometheus grafana
	@$(RUN) local.compose

grafana-types: $(VENV)/installed ## make the test data of Grafana's own types again (needs node and npm)
	@$(RUN) tests.dashboards.grafana_types

lock: $(VENV)/installed ## make the lock files again from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group compose -c requirements-dev.txt -o local/compose/requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group checkov -o tests/checkers/checkov.txt

clean: ## remove caches and rendered files (the tool cache stays)
	rm -rf rendered .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/installed: requirements-dev.txt
	@echo "Installing the locked packages into $(VENV) (a minute or two the first time)"
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
