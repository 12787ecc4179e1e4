# Everything a contributor runs. Each target installs what it needs first.
#
#   PYTHON=python3.12 make deps     another interpreter (3.11 or newer)
#   ARGS="-k bridge" make test      arguments for the program behind a target

PYTHON ?= python3
BIN := .venv/bin
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help deps demo test test-long test-kube chaos faults soak durability lint format bench bench-api \
  bench-scale kube package lock generate

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the Debian packages (as root) and the locked Python packages into .venv
	@scripts/deps

demo: deps ## run the example manifests on a containerd of their own and show what happens
	@$(BIN)/python scripts/demo $(ARGS)

test: deps ## run all tests but the long ones (as root: they start a containerd of their own)
	@$(BIN)/python -m pytest -m "not long" $(ARGS)

test-long: deps ## the suites that take minutes: joined agents, floods, kills, the demo (as root)
	@$(BIN)/python -m pytest -m long $(ARGS)

test-kube: deps kube ## the tests of an agent with an API server, on kube-apiserver (as root)
	@$(BIN)/python -m pytest --api-server=kube -m "any_api_server or kube" --timeout=180 $(ARGS)

durability: deps ## kill the API server 200 times while clients write, and look what is there
	@$(BIN)/python -m chaos.durability $(ARGS)

lint: deps ## check format, style, types, layers, dependencies, generated code and lock
	@scripts/lint

format: deps ## format and mend what can be mended
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

chaos: deps ## three rough minutes for an agent on a containerd of their own (as root)
	@$(BIN)/python -m chaos $(ARGS)

faults: deps ## an API server and a network that fail in every way, beside an agent: four minutes
	@$(BIN)/python -m chaos.faults $(ARGS)

soak: deps ## half an hour of ordinary life: what the agent uses stays flat (as root)
	@$(BIN)/python -m chaos.soak $(ARGS)

bench: deps ## measure, with the floor beside each figure (as root)
	@$(BIN)/python -m bench $(ARGS)

bench-api: deps ## measure the API server beside kube-apiserver and etcd, if `make kube` built them
	@$(BIN)/python -m bench.api $(ARGS)

bench-scale: deps ## measure with up to 250 pods and 2,000 manifests: ten minutes (as root)
	@$(BIN)/python -m bench.scale $(ARGS)

kube: ## build kube-apiserver and kubelet 1.20 from Debian's source, to compare with (once)
	@scripts/kube

package: deps ## build wheel and sdist, and try the wheel with the locked dependencies
	@scripts/package $(ARGS)

generate: deps ## generate the CRI code from src/staticlet/wire/cri.proto
	@$(BIN)/python scripts/generate-cri

lock: deps ## bring requirements/*.txt up to date with pyproject.toml; ARGS=--upgrade for news
	@scripts/lock $(ARGS)
