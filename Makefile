# Everything a developer runs. `make help` lists the targets; `make check` is what to run before a commit.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
BIN      ?= bin
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 30s
CHAOS    ?= 5m
SPEED    ?= .
BENCH    ?= .
LINT     := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
LDFLAGS  := -s -w -X main.version=$(VERSION)

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the static binary into bin/scimcms.
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/scimcms ./cmd/scimcms

.PHONY: run
run: ## Run the demo: emulator, embedded store and proxy in one process.
	$(GO) run ./cmd/scimcms demo

.PHONY: test
test: ## Run every test with the race detector, on the embedded store and on a real Redis.
	@.ci/deps redis-server
	$(GO) test -race -shuffle=on -timeout 15m ./...

.PHONY: cluster
cluster: ## Run every test of a store on a Redis Cluster of three nodes instead.
	@.ci/deps redis-server
	SCIMCMS_TEST_REDIS=cluster $(GO) test -count=1 -timeout 30m ./queue/... ./mapping/... ./proxy/... ./cmd/...

.PHONY: cluster-fast
cluster-fast: ## The part of it that shows most in a minute or two: queue, record, and the whole program.
	@.ci/deps redis-server
	SCIMCMS_TEST_REDIS=cluster $(GO) test -count=1 -timeout 10m ./queue/... ./mapping/directory
	SCIMCMS_TEST_REDIS=cluster $(GO) test -count=1 -timeout 10m -run 'TestServe|TestBackup|TestRestored' ./cmd/scimcms

.PHONY: race
race: ## Run the tests five times over, shuffled, to shake races out.
	@.ci/deps redis-server
	$(GO) test -race -shuffle=on -count=5 ./...

.PHONY: model
model: ## Compare the engine with its model over SEEDS (default 2000) from FROM (default 1) on; SEED=n replays one.
	@.ci/deps redis-server
	MODEL_SEED=$(SEED) MODEL_FROM=$(or $(FROM),1) MODEL_SEEDS=$(or $(SEEDS),2000) $(GO) test ./mapping/reconcile/modeltest -run Model -count=1 -timeout 6h -v

.PHONY: model-mutants
model-mutants: ## Break the engine in every way that its checker must see, and say what each was caught by.
	@.ci/deps redis-server
	$(GO) test ./mapping/reconcile/modeltest -run BrokenVariants -count=1 -timeout 1h -v

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (default 30s) each.
	@.ci/fuzz $(FUZZTIME)

.PHONY: bench
bench: ## Run the benchmarks that match BENCH (default all), on a real Redis.
	@.ci/deps redis-server
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: bench-lists
bench-lists: ## Print the latency of listings at 1,000 to 100,000 people, on a real Redis, as a table.
	@.ci/deps redis-server
	@$(GO) test ./proxy -run '^$$' -bench '^BenchmarkLists$$' -benchtime 20x -timeout 30m | .ci/bench-table

.PHONY: cover
cover: ## Write the coverage profile to coverage.out and print the figures by package.
	@.ci/deps redis-server
	$(GO) test -coverprofile=coverage.out -coverpkg=./... ./...
	@$(GO) tool cover -func=coverage.out | tail -n 1

.PHONY: fmt
fmt: ## Format the Go files.
	gofmt -s -w $$(git ls-files -co --exclude-standard '*.go')

.PHONY: fmt-check
fmt-check: ## Fail if a Go file is not formatted.
	@out=$$(gofmt -s -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$out" ]; then echo "not formatted (run 'make fmt'):"; echo "$$out"; exit 1; fi

.PHONY: vet
vet: ## Run go vet, the tagged tests included.
	$(GO) vet ./...
	$(GO) vet -tags dashboards,official,conformance,chaos,speed ./deploy/... ./cmsclient/... ./proxy/... ./cmd/...

.PHONY: lint
lint: ## Run golangci-lint (the first run builds it: some minutes).
	$(LINT) run --allow-parallel-runners ./...

.PHONY: tidy-check
tidy-check: ## Fail if go.mod or go.sum is not tidy.
	$(GO) mod tidy -diff

.PHONY: chaos
chaos: ## Break everything at random for CHAOS (default 5m) under load, with real processes, and compare what is left.
	@.ci/deps redis-server
	GOBIN=$(CURDIR)/$(BIN) $(GO) install github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0
	@mv $(BIN)/server $(BIN)/toxiproxy-server
	PATH=$(CURDIR)/$(BIN):$$PATH SCIMCMS_CHAOS=$(CHAOS) $(GO) test -tags chaos -run 'TestChaos$$' -v -count=1 -timeout 3h ./cmd/scimcms

.PHONY: speed
speed: ## Measure with real processes how fast changes reach the CMS, and print it beside the aims; SPEED=leavers measures one.
	@.ci/deps redis-server
	$(GO) test -tags speed -run 'TestSpeed/$(SPEED)' -v -count=1 -timeout 1h ./cmd/scimcms

.PHONY: check
check: fmt-check vet tidy-check lint test ## Format, vet, tidy, lint and test: run it before a commit.

.PHONY: smoke
smoke: build ## Start the built demo and send it what an identity provider sends first.
	@.ci/smoke $(BIN)/scimcms

.PHONY: official
official: ## Drive the CMS emulator with the official Node client.
	@.ci/deps node npm
	cmsclient/cmstest/official/run.sh

.PHONY: conformance
conformance: ## Run newman and SCIMMY against the demo.
	@.ci/deps node npm
	proxy/conformance/run.sh

.PHONY: dashboards
dashboards: ## Send every query of the dashboard and the alerts to a Prometheus that scrapes the demo.
	@.ci/deps prometheus
	$(GO) test -tags dashboards -count=1 -v -run 'TestPrometheus' ./deploy/...
