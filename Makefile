# make plan   the cheapest fleet for examples/chat.yaml
# make test   lint, format, types and the tests
# make help   all targets

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
EXAMPLE ?= examples/chat.yaml

.PHONY: help plan test lint smoke smoke-lowest smoke-newest check-examples test-gateway \
  test-profiler test-terraform test-vllm bench bench-profiler profiles paper golden lock release \
  clean

help:
	@awk '/^# make / { name = $$3; sub(/^# make [^ ]+ +/, ""); printf "make %-15s %s\n", name, $$0 }' Makefile

PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED = $(PIP) --require-hashes --requirement

# For running: the locked dependencies, quick, no developer tools. The package itself is built with
# what is locked as well.
$(VENV)/installed: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "melange-cloud needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing melange-cloud into $(VENV) ..." >&2
	@$(LOCKED) requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/developing: $(VENV)/installed requirements/dev.txt requirements/terraform-protocol.txt
	@echo "installing developer tools into $(VENV) ..." >&2
	@$(LOCKED) requirements/dev.txt
	@$(LOCKED) requirements/terraform-protocol.txt --no-deps
	@touch $@

plan: $(VENV)/installed
	@$(BIN)/melange-cloud plan $(EXAMPLE)

# make lint   ruff and mypy alone
lint: $(VENV)/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n auto

# make smoke   the wheel, installed and run elsewhere, with the locked dependencies
# make smoke-lowest   the same with the lowest that pyproject.toml admits
# make smoke-newest   the same with the newest
smoke: $(VENV)/developing
	$(BIN)/pytest tests/package -m package
smoke-lowest smoke-newest: smoke-%: $(VENV)/developing
	$(BIN)/pytest tests/package -m package --dependencies $*

# make test-profiler   the profiler against servers with a known timing law
test-profiler: $(VENV)/developing
	$(BIN)/pytest tests/profiles/run -n 2 -m profiler

# make test-gateway   the gateway's configuration in the real HAProxy, under load
test-gateway: $(VENV)/developing
	$(BIN)/pytest tests/gateway -n 2 -m gateway

# make test-terraform   the rendered modules through the real terraform
test-terraform: $(VENV)/developing build/checkov/bin/checkov
	$(BIN)/python scripts/fetch_aws_provider.py build/providers
	$(BIN)/pytest tests/terraform tests/gateway -n 2 -m terraform

# its many pins keep it out of the developers' environment
build/checkov/bin/checkov: requirements/checkov.txt
	$(PYTHON) -m venv build/checkov
	build/checkov/bin/pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement requirements/checkov.txt

# make check-examples   what a change does to the cost of every example; UPDATE=--update renews
check-examples: $(VENV)/developing
	$(BIN)/python scripts/check_examples.py $(UPDATE)

# make test-vllm   profile run against real vLLM on this CPU (3.6 GB, 30 minutes)
VLLM_VENV ?= build/vllm
test-vllm: $(VENV)/developing
	PYTHON=$(PYTHON) tests/vllm/install.sh $(VLLM_VENV)
	MELANGE_VLLM_VENV=$(abspath $(VLLM_VENV)) $(BIN)/pytest tests/vllm -s

# make bench-profiler   what the profiler's client adds to the latencies it measures
bench-profiler: $(VENV)/developing
	$(BIN)/python scripts/bench_profiler.py

# make bench   our programme beside the paper's, start-up, 10 million rows, 30 regions
bench: $(VENV)/developing
	$(BIN)/python scripts/bench_allocation.py
	$(BIN)/python scripts/bench_from_trace.py
	$(BIN)/python scripts/bench_refresh.py
	$(BIN)/python scripts/bench_gateway.py

# make profiles   the bundled estimated profiles, from the constants
profiles: $(VENV)/developing
	$(BIN)/python scripts/make_profiles.py

# make paper   docs/paper.md: the paper's tables beside ours
paper: $(VENV)/developing
	$(BIN)/python scripts/make_paper.py

# make golden   renew the golden files of the tests; review the diff
golden: $(VENV)/developing
	$(BIN)/pytest -n auto --update-golden

# make lock   renew uv.lock and requirements/; UPGRADE=--upgrade takes the newest versions
lock: $(VENV)/developing
	UV=$(BIN)/uv scripts/lock.sh $(UPGRADE)

# make release   wheel, sdist, checksums and the tag's message in dist/; uploads nothing
release: $(VENV)/developing
	$(BIN)/python scripts/release.py --check
	$(MAKE) smoke
	$(BIN)/python scripts/release.py

# make clean   remove what make made
clean:
	rm -rf $(VENV) build dist
