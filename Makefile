# Every command of this repository. They need make, Python 3.10 or newer and, on the first run, a network for the pinned packages.

PYTHON ?= python3
VENV ?= .venv
MINISTACK := .venv-ministack
RUN := $(VENV)/bin/python
PYTEST := $(RUN) -m pytest -q -r s
# Two more than there are processors, because many tests wait for lives and servers.
WORKERS ?= $(shell "$(PYTHON)" -c 'import os; print(min(8, (os.cpu_count() or 1) + 2))')
PARALLEL = -n $(WORKERS) --dist worksteal --durations=10
STAMP := $(VENV)/.installed
MINISTACK_STAMP := $(MINISTACK)/.installed
OPERATIONS ?= 300
LEDGER ?= sqlite
RECORDS ?= 3000
MINUTES ?= 20
SEEDS ?= 1000000
TOOLS := .tools
TOOLS_STAMP := $(TOOLS)/.installed
SECONDS ?= 60
EVENTS ?= 20000

# How a variable that was given, if empty, is passed on: as an option with its text, or as a switch where it is 1.
option = $(if $(filter undefined,$(origin $(1))),,--$(2) "$($(1))")
switch = $(if $(filter 1,$($(1))),--$(2))

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
COMMANDS := help set-up run serve verify verify-sandbox test unit contract integration faults fuzz storm soak flood e2e browser pictures bench \
	cold-start simulate mutants model audit status console inspect operation pause resume adopt release forget restored \
	parked token openapi clients package osls deploy-aws rollback remove-aws deploy-scf rollback-scf remove-scf coverage lint format \
	pins clean
.PHONY: $(COMMANDS)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

set-up: $(STAMP) $(MINISTACK_STAMP) ## Create the virtual environments from the pinned packages

$(STAMP): tests/requirements.txt

$(MINISTACK_STAMP): tests/ministack/requirements.txt

$(TOOLS_STAMP): tests/tools/requirements.txt

$(STAMP) $(MINISTACK_STAMP) $(TOOLS_STAMP):
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Installing the pinned packages into $(@D): half a minute, the first time only"
	@"$(PYTHON)" -m venv --clear "$(@D)"
	@"$(@D)/bin/python" -m pip install --quiet --quiet --no-compile --require-hashes --requirement "$<"
	@touch "$@"

run: $(STAMP) ## See a lost reply counted once, and play every event through the function (VERBOSE=1 shows each)
	@VERBOSE="$(VERBOSE)" $(RUN) -m tests.sandbox.scenes

serve: $(STAMP) ## Keep the local Chat server, the function and a page that shows both up until Ctrl-C (FLAGS="--port 0 --chat-port 0")
	@$(RUN) -m tests.sandbox.serve $(FLAGS)

verify: $(STAMP) ## Check the assumptions about the live API on GROUP, through the function of FUNCTION or STAGE (FLAGS=--quick)
	@$(OPERATE) $(AS_JSON) verify $(OF_GROUP) $(FLAGS)

verify-sandbox: $(STAMP) ## Check the same of the local Chat server, which is not your app (FLAGS=--quick)
	@$(RUN) -m tests.sandbox.verify $(FLAGS)

test: lint $(MINISTACK_STAMP) ## Check the code and run every test
	@$(PYTEST) $(PARALLEL)

unit: $(STAMP) ## Run the unit tests
	@$(PYTEST) $(PARALLEL) tests/unit

contract: $(STAMP) ## Run the contract that every ledger passes
	@$(PYTEST) $(PARALLEL) tests/contract

integration: $(STAMP) $(MINISTACK_STAMP) ## Run the tests over real sockets
	@$(PYTEST) $(PARALLEL) tests/integration

faults: $(STAMP) $(MINISTACK_STAMP) ## Run the tests with crashes, losses and late landings
	@$(PYTEST) $(PARALLEL) tests/faults

cold-start: $(STAMP) ## Measure the deployed package from the start of its process to its first reply
	@$(RUN) -m tests.benchmarks.cold_start

storm: $(STAMP) $(MINISTACK_STAMP) ## Play OPERATIONS on LEDGER through real processes with faults, duplicates and kills (FLAGS=--restarts)
	@$(RUN) -m tests.faults.storms.storm --operations $(OPERATIONS) --ledger $(LEDGER) $(FLAGS)

soak: $(STAMP) $(MINISTACK_STAMP) ## Play MINUTES on LEDGER under Lambda's own runtime client with kills, freezes, deadlines and faults (FLAGS="--seed 1")
	@$(RUN) -m tests.faults.storms.soak --ledger $(LEDGER) --minutes $(MINUTES) $(FLAGS)

simulate: $(STAMP) ## Play SEEDS small worlds, one in ten the whole way (FLAGS="--first 1000000 --jobs 1")
	@$(RUN) -m tests.faults.simulator.simulate --seeds $(SEEDS) --jobs 2 $(FLAGS)

mutants: $(STAMP) ## Switch off the rules one by one, and see the simulator find each
	@$(RUN) -m tests.faults.mutants.mutants $(FLAGS)

fuzz: $(STAMP) ## Play EVENTS whole events, then give the parsers mutated texts for SECONDS each (FLAGS="--atheris body" where that package is installed)
	@$(RUN) -m tests.faults.fuzz.judged --events $(EVENTS)
	@$(RUN) -m tests.faults.fuzz.fuzz --seconds $(SECONDS) $(FLAGS)

# A package that cannot be looked up is an error, unless FLAGS=--if-reachable and there is no network.
audit: ## Look up all pinned packages in PyPI's advisories (FLAGS=--if-reachable: without a network say so, and go on)
	@"$(PYTHON)" -m tests.tools.audit $(FLAGS)

flood: $(STAMP) ## Play RECORDS of a queue, a topic and a stream through real processes with faults, redeliveries and kills
	@$(RUN) -m tests.faults.storms.flood --records $(RECORDS) $(FLAGS)

model: $(STAMP) ## Visit every state of the protocol's model, in larger worlds than the tests, and try every mutant
	@$(RUN) -m tests.faults.model --large

browser: $(STAMP) ## Test the pages in a real browser, with axe-core; needs chromedriver, Chromium and Node
	@cd tests/browser && npm ci --silent --no-audit --no-fund --ignore-scripts
	@CI= $(PYTEST) tests/browser

pictures: $(STAMP) ## Take the READMEs' pictures of the pages anew; needs chromedriver and Chromium
	@CI= $(RUN) -m tests.browser.pictures

bench: $(STAMP) $(MINISTACK_STAMP) ## Measure ledgers, limiter, batches and cold start beside their bars and peers, and write tests/benchmarks/RESULTS.md
	@$(RUN) -m tests.benchmarks.bench

e2e: $(STAMP) ## Run the tests under the platforms' runtimes
	@$(PYTEST) $(PARALLEL) tests/e2e

# Operator events go to the deployed function that FUNCTION names, or on AWS to that of STAGE, in REGION; without either to this
# checkout's, with the settings of the environment. What changes or deletes something wants YES=1, or a typed yes. JSON=1 shows
# the raw answer of status and verify.
PLACE = $(or $(strip $(call option,FUNCTION,function) $(call option,STAGE,stage)),--local) \
	$(call option,REGION,region) $(call option,NAMESPACE,namespace)
OPERATE = $(RUN) -m layers.operate $(PLACE)
AGREED = $(call switch,YES,yes)
CHANGE = $(OPERATE) $(AGREED)
AS_JSON = $(call switch,JSON,json)
PAGE = $(call option,AFTER,after) $(call option,LIMIT,limit)
OF_GROUP = $(call option,GROUP,group)

console: $(STAMP) ## Open the operator's page over the function of FUNCTION or STAGE, in REGION, or over this checkout's (FLAGS="--port 0")
	@$(RUN) -m layers.console $(PLACE) $(FLAGS)

status: $(STAMP) ## Show what needs an operator: frozen, waiting and paused groups, each with its next step (FUNCTION= or STAGE=, REGION=)
	@$(OPERATE) $(AS_JSON) status $(PAGE)

inspect: $(STAMP) ## Show the ledger's row of GROUP, its counters, and how they relate
	@$(OPERATE) inspect $(OF_GROUP)

operation: $(STAMP) ## Show what became of the operation of GROUP that CALLER asked for under KEY
	@$(OPERATE) operation $(OF_GROUP) $(call option,CALLER,caller) $(call option,KEY,key)

pause: $(STAMP) ## Accept everything and send nothing, for a REASON, in every group or in GROUP
	@$(CHANGE) pause $(call option,REASON,reason) $(OF_GROUP)

resume: $(STAMP) ## End the pause of every group, or that of GROUP
	@$(CHANGE) resume $(OF_GROUP)

adopt: $(STAMP) ## Adopt the receipt of GROUP as it is, if no call is under way (FLAGS=--drop-debt)
	@$(CHANGE) adopt $(OF_GROUP) $(FLAGS)

release: $(STAMP) ## Unfreeze GROUP by VERDICTS="<id>=landed <id>=not-landed" (DRY_RUN=1, FLAGS="--receipt <value>")
	@$(CHANGE) release $(OF_GROUP) $(foreach verdict,$(VERDICTS),--verdict "$(verdict)") $(call switch,DRY_RUN,dry-run) $(FLAGS)

forget: $(STAMP) ## Delete all that is kept of GROUP, once nothing is owed (DRY_RUN=1 counts it, FLAGS=--even-remembered)
	@$(CHANGE) forget $(OF_GROUP) $(call switch,DRY_RUN,dry-run) $(FLAGS)

restored: $(STAMP) ## Declare that the ledger was restored from a copy, so that every row is verified before its next call
	@$(CHANGE) restored

parked: $(STAMP) ## List parked records; ACTION=replay or ACTION=drop handles the one that ID names, replay with ALL=1 every one (SOURCE=)
	@$(CHANGE) parked $(or $(ACTION),list) $(call option,ID,id) $(call switch,ALL,all) $(call option,SOURCE,source) \
		$(PAGE) $(FLAGS)

# Each deployment first checks what it is given, says what it acts on, and wants YES=1 or a typed yes. osls reads serverless.yml in
# this folder.
AWS = $(RUN) -m layers.aws $(1) $(call option,REGION,region) $(call option,STAGE,stage) $(AGREED)
SCF = $(RUN) -m layers.scf $(1) $(call option,REGION,region) $(call option,NAMESPACE,namespace) $(call option,FUNCTION,function) \
	$(call option,STAGE,stage) $(AGREED) $(FLAGS)

token: $(STAMP) ## Make the token of a new caller, and its SHA-256
	@$(RUN) -m layers.tokens

openapi: $(STAMP) ## Write the OpenAPI document of the HTTP contract, which is committed
	@$(RUN) -m layers.openapi

clients: ## Install what checks the TypeScript client, and write its types; needs Node
	@cd tests/e2e/clients && npm ci --no-audit --no-fund --ignore-scripts && npm run --silent types

package: $(STAMP) ## Build the function and the layer for both clouds into layers/build
	@$(RUN) -m layers.build

osls: ## Install the pinned osls, which deploys to AWS; needs Node
	@cd layers && npm ci --no-audit --no-fund --ignore-scripts

deploy-aws: $(STAMP) ## Deploy to AWS: REGION=ap-southeast-1 PARAMS="alarm-email=<your address> …" STAGE=prod
	@$(call AWS,deploy) $(call option,PARAMS,params)

rollback: $(STAMP) ## Take the deployment on AWS back to VERSION, one of the list that it shows without one
	@$(call AWS,rollback) $(call option,VERSION,version)

remove-aws: $(STAMP) ## Remove the deployment from AWS, but not the ledger
	@$(call AWS,remove)

deploy-scf: $(STAMP) ## Deploy to SCF: PARAMS="role=… vpc.id=… vpc.subnet=…", FLAGS=--dry-run shows what would change
	@$(RUN) -m layers.build scf
	@$(call SCF,deploy) $(foreach param,$(PARAMS),--set "$(param)")

rollback-scf: $(STAMP) ## Take the function on SCF back to VERSION, one of the list that it shows without one
	@$(call SCF,rollback) $(call option,VERSION,version)

remove-scf: $(STAMP) ## Remove the deployment from SCF, but not the ledger
	@$(call SCF,remove)

# Without the whole platforms: what those alone reach has no test of its own. The report's bar, in pyproject.toml, is for lines
# and branches together; the other one is for the branches.
coverage: $(STAMP) $(MINISTACK_STAMP) ## List the lines and branches of the function that unit, contract, integration and faults tests miss; fail under 97 %
	@$(RUN) -m coverage erase
	@$(RUN) -m coverage run -m pytest -q tests/unit tests/contract tests/integration tests/faults
	@$(RUN) -m coverage combine --quiet
	@$(RUN) -m coverage report
	@$(RUN) -m coverage json --quiet --fail-under=0 -o - | $(RUN) -c 'import json, sys; total = json.load(sys.stdin)["totals"]; \
		share = 100 * total["covered_branches"] / total["num_branches"]; print(f"branches: {share:.2f} %"); sys.exit(share < 97)'

lint: $(STAMP) ## Check style, format and types
	@$(RUN) -m ruff check --quiet
	@$(RUN) -m ruff format --check --quiet
	@$(RUN) -m mypy

format: $(STAMP) ## Format the code
	@$(RUN) -m ruff format
	@$(RUN) -m ruff check --fix

# uv does not read pip's configuration. The index and certificates reach it through the environment, and are never written to a file.
pins: $(TOOLS_STAMP) ## Renew all requirement files (PINS_FLAGS=--upgrade raises the versions)
	@option() { "$(TOOLS)/bin/python" -m pip config get ":env:.$$1" 2>/dev/null || "$(TOOLS)/bin/python" -m pip config get "global.$$1" 2>/dev/null; }; \
	index="$$(option index-url)"; test -z "$$index" || export UV_DEFAULT_INDEX="$$index"; \
	certificates="$$(option cert)"; test -z "$$certificates" || export SSL_CERT_FILE="$$certificates"; \
	for set in layers tests tests/ministack tests/tools; do \
		"$(TOOLS)/bin/uv" pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-annotate $(PINS_FLAGS) \
			--output-file $$set/requirements.txt $$set/requirements.in || exit 1; \
	done

clean: ## Remove everything that make creates
	@rm -rf "$(VENV)" "$(MINISTACK)" "$(TOOLS)" .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* \
		.serverless layers/build layers/node_modules tests/browser/node_modules tests/e2e/clients/node_modules tests/e2e/clients/schema.d.ts tests/e2e/clients/built
	@find handler layers tests -name __pycache__ -type d -prune -exec rm -rf {} +

# What a command takes on its command line, besides PYTHON and VENV. A variable that none of the given commands takes would be
# ignored, so it is refused. Variables of the environment are not: they may be there for other commands.
AT := FUNCTION STAGE REGION NAMESPACE
takes.run := VERBOSE
takes.serve := FLAGS
takes.verify := $(AT) GROUP JSON FLAGS
takes.verify-sandbox := FLAGS
takes.test := WORKERS
takes.unit := WORKERS
takes.contract := WORKERS
takes.integration := WORKERS
takes.faults := WORKERS
takes.e2e := WORKERS
takes.storm := OPERATIONS LEDGER FLAGS
takes.soak := LEDGER MINUTES FLAGS
takes.flood := RECORDS FLAGS
takes.simulate := SEEDS FLAGS
takes.mutants := FLAGS
takes.fuzz := EVENTS SECONDS FLAGS
takes.audit := FLAGS
takes.console := $(AT) FLAGS
takes.status := $(AT) AFTER LIMIT JSON
takes.inspect := $(AT) GROUP
takes.operation := $(AT) GROUP CALLER KEY
takes.pause := $(AT) GROUP REASON YES
takes.resume := $(AT) GROUP YES
takes.adopt := $(AT) GROUP FLAGS YES
takes.release := $(AT) GROUP VERDICTS DRY_RUN FLAGS YES
takes.forget := $(AT) GROUP DRY_RUN FLAGS YES
takes.restored := $(AT) YES
takes.parked := $(AT) ACTION ID ALL SOURCE AFTER LIMIT FLAGS YES
takes.deploy-aws := REGION STAGE PARAMS YES
takes.rollback := REGION STAGE VERSION YES
takes.remove-aws := REGION STAGE YES
takes.deploy-scf := $(AT) PARAMS FLAGS YES
takes.rollback-scf := $(AT) VERSION FLAGS YES
takes.remove-scf := $(AT) FLAGS YES
takes.pins := PINS_FLAGS

GOALS := $(or $(MAKECMDGOALS),help)
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
IGNORED := $(filter-out PYTHON VENV $(foreach goal,$(GOALS),$(takes.$(goal))),$(GIVEN))
takers = $(strip $(foreach command,$(COMMANDS),$(if $(filter $(1),$(takes.$(command))),$(command))))
ifneq ($(and $(IGNORED),$(filter $(COMMANDS),$(GOALS))),)
$(error make $(GOALS) would ignore $(strip $(foreach name,$(IGNORED),$(name) (for: $(or $(call takers,$(name)),no command)))))
endif
