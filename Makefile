SHELL := bash
.SHELLFLAGS := -o pipefail -c
.PHONY: help up down status install lint test test-code test-stack test-topic test-archive test-images test-first test-compose test-cluster images secrets faults bench mutants docs site

help: ## these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## system packages, Python environments and jars: what is missing or out of date
	@local_stack/install.sh

up: install ## install what is missing, start all servers and show where they are
	@.venv/bin/skytier stack up

down: ## stop all servers; their data stays
	@.venv/bin/skytier stack down

status: ## show every server; exit status 1 when one is not well
	@.venv/bin/skytier stack status

lint: ## linter, formatter, declared dependencies; seconds
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/hadolint --config deploy/images/.hadolint.yaml deploy/images/Dockerfile
	@.venv/bin/deptry . --no-ansi
	@.venv/bin/deptry tests docs --exclude tests/dags --ignore DEP002,DEP004 --no-ansi
	@.venv/bin/deptry airflow/dags tests/dags --config airflow/deptry.toml --no-ansi

test: ## linter, formatter, types, then the whole suite against stacks of its own
	@local_stack/install.sh tests
	@$(MAKE) --no-print-directory lint
	@tests/containers/install.sh
	@$(MAKE) --no-print-directory -j5 test-stack test-topic test-archive test-code test-images
	@$(MAKE) --no-print-directory test-first

# Four lanes side by side, on three stacks (decision 9): what archives, and what is done to a topic or to jobs, takes away
# what other tests count. The code's lane fills what the others leave of the cores.
test-code:
	@{ nice .venv/bin/mypy && nice .venv-airflow/bin/python -m pytest tests/dags && \
		nice .venv/bin/python -m pytest tests/plain tests/spark; } | sed -u 's/^/code    | /'

# On one stack: what its first test needs untouched, then what is killed, then what is done to the topic.
TOPIC = $(addprefix tests/faults/test_,killed_minute_job.py lost_lease.py open_topic.py) tests/stack/test_tls.py
# Stacks of their own, in the lane that has room.
APART = $(addprefix tests/stack/test_,kafka_passwords.py ordinary_user.py)

test-stack:
	@.venv/bin/python -m pytest tests/stack tests/browser --ignore-glob='*archive*' $(addprefix --ignore=,$(TOPIC) $(APART)) \
		--durations=25 | sed -u 's/^/stack   | /'

test-topic:
	@.venv/bin/python -m pytest $(TOPIC) $(APART) --durations=25 | sed -u 's/^/topic   | /'

test-archive:
	@.venv/bin/python -m pytest tests/faults tests/stack/test_*archive*.py $(addprefix --ignore=,$(TOPIC)) \
		--durations=25 | sed -u 's/^/archive | /'

images: ## build the container images, skytier and skytier-airflow
	@deploy/images/build.sh

secrets: ## make passwords and certificates for docker-compose.yml, once, in deploy/secrets
	@deploy/secrets.sh

# Containers, on an engine of the suite's own: images beside the other lanes, the rest after them, for its memory. Up, a
# batch, counts and down.
test-images:
	@nice .venv/bin/python -m tests.containers.images

test-first:
	@why=$$(.venv/bin/python -m tests.containers.engine); if [ -n "$$why" ]; then \
		echo "docker-compose.yml was not run: $$why"; else \
		SKYTIER_FEED_BACKFILL_DAYS=2 .venv/bin/python -m pytest tests/containers/test_compose.py -m first --durations=5; fi

# All of their tests. No part of `test`.
test-compose:
	@local_stack/install.sh tests
	@tests/containers/install.sh
	@.venv/bin/python -m pytest tests/containers --ignore=tests/containers/test_cluster.py --durations=25

# The same with deploy/compose.cluster.yml on top: hosts are lost under load. No part of `test`.
test-cluster:
	@local_stack/install.sh tests
	@tests/containers/install.sh
	@.venv/bin/python -m pytest tests/containers/test_cluster.py --durations=25

faults: install ## the long ones: 60 archive runs killed, 1,000 counts while archives run, a year through Airflow; hours
	@.venv/bin/python -m tests.faults.archive_rounds
	@.venv/bin/python -m tests.faults.archive_reader
	@.venv/bin/python -m tests.faults.archive_year
	@.venv/bin/python -m tests.faults.quarantine_rounds
	@.venv/bin/python -m tests.faults.campaign --minutes 60
	@.venv/bin/python -m tests.fuzz.records --minutes 60

bench: install ## measure the minute job, archive runs and the dashboard, on stacks of their own
	@.venv/bin/python -m tests.bench.minute_job
	@.venv/bin/python -m tests.bench.archive
	@.venv/bin/python -m tests.bench.dashboard

mutants: ## put faults into the code that decides, and list those that no test finds; an hour
	@.venv/bin/mutmut run
	@.venv/bin/mutmut results

docs: ## write the documents that are made from code
	@.venv/bin/python -m docs.generate

site: ## build the documentation as a site, in var/site
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build
