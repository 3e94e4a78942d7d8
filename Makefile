# What CI runs is `make check`. `go test ./...` alone needs nothing but Go.

GO ?= go
RACE_PACKAGES = ./engine ./command ./server ./node ./resp ./crdt ./config ./acl ./persist ./disk/... ./replica ./cluster
FUZZTIME ?= 60s
ROUNDS ?= 200
SEEDS ?= 2000

# $(call briefly,COMMAND) runs go test -v without a line for each test that runs and passes. A pipe alone would hide that the command failed.
briefly = { { { $(1); echo $$? >&3; } | grep -v '^ *--- PASS\|^=== ' >&4; } 3>&1 | { read status; exit $$status; }; } 4>&1

.PHONY: help build check format vet test race required compat fuzz robust deploy release crash restart cluster strangers waits transactions linear sim planted model bench bench-peers figures clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

build: ## the server, as bin/quota-db
	$(GO) build -o bin/quota-db ./cmd/quota-db

check: format vet test race required ## all that CI runs

format: # every file as gofmt has it
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }

vet: # vet and staticcheck, whose version is in go.mod
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

test: ## the tests as README has them, fuzz seeds included
	$(GO) test ./...

race: ## the race detector over everything with concurrency
	$(GO) test -race -short $(RACE_PACKAGES)

required: ## the suites that need redis-server and its tools, which then must be there
	QUOTADB_REQUIRE_REDIS=1 $(GO) test -count=1 ./tests/...

compat: ## the client libraries: redis-py, redis-rb, phpredis, hiredis, ioredis, node-redis, which then must be there
	npm ci --prefix tests/compat/testdata/node --no-audit --no-fund
	QUOTADB_REQUIRE_REDIS=1 QUOTADB_REQUIRE_COMPAT=1 $(GO) test -count=1 ./tests/compat

deploy: ## image, containers, package, unit and Kubernetes files, with buildah, debootstrap and systemd-analyze (root), which then must be there
	cd deploy && $(GO) vet ./... && QUOTADB_REQUIRE_DEPLOY=1 $(GO) test -count=1 -timeout 30m -v ./...

release: ## what is released, into dist: archives of four platforms, Debian packages of two, checksums
	deploy/release.sh

robust: ## 100 MB of random bytes over 50 connections, beside the rest of the robustness suite
	QUOTADB_TEST_GARBAGE_MB=100 $(GO) test -count=1 -v ./tests/robust/...

crash: ## the server killed under load and checked, ROUNDS lives at each level of durability: 200
	QUOTADB_TEST_CRASH_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 60m -v ./tests/crash

restart: ## random commands of every row of the table, then stops, kills, check, backup, and starts, in SEEDS worlds, 2000, on one, two and three nodes: FIRST, 1; NODES
	$(GO) test -count=1 -timeout 120m -v ./tests/restart -seeds $(SEEDS) -first $(or $(FIRST),1) -nodes $(or $(NODES),0)

cluster: ## nodes and what is between them disturbed at random and checked, ROUNDS clusters behind proxies and as many in network namespaces (root, ip): 200
	QUOTADB_TEST_CLUSTER_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 120m -v -run 'Anything' ./tests/cluster

waits: ## SEEDS clients, 2000, whose requests arrive in pieces before, during and after all sorts of waits, or who vanish; FIRST: the first seed
	@$(call briefly,QUOTADB_TEST_WAITS=$(SEEDS) QUOTADB_TEST_WAITS_FIRST=$(FIRST) $(GO) test -count=1 -timeout 60m -v -run 'TestEveryRequestIsAnswered' ./server)

strangers: ## two nodes meet and replicate while 500 strangers crowd each replication port, for a minute: STRANGERS
	@$(call briefly,QUOTADB_TEST_STRANGERS=$(or $(STRANGERS),1m) $(GO) test -count=1 -timeout 60m -v -run TestStrangersKeepNoNodesApart ./tests/cluster)

transactions: ## 60 s of transactions beside single increments and WATCH, under the race detector
	QUOTADB_TEST_TRANSACTIONS=60s $(GO) test -race -count=1 -v -run TestTransactionsAndIncrementsCountExactly ./server

linear: ## SEEDS histories, 2000, of concurrent clients of each of nine servers: is there an order of the commands that gives these answers?
	QUOTADB_TEST_LINEAR_SEEDS=$(SEEDS) QUOTADB_TEST_LINEAR_FIRST=$(or $(FIRST),1) $(GO) test -count=1 -timeout 600m -v ./tests/linear

sim: ## SEEDS simulated clusters, 2000, each from its number on: FIRST, 1
	@$(call briefly,$(GO) test -count=1 -timeout 120m -v -run 'TestClusters|TestASeed' ./sim -seeds $(SEEDS) -first $(or $(FIRST),1))

planted: ## the simulator with bugs planted, which it has to find: all of them, or PLANTED
	$(GO) test -count=1 -timeout 60m -v -run Planted ./sim/planted -sample $(or $(PLANTED),-1)

fuzz: ## every fuzz target for FUZZTIME each: 60s, or a number of inputs as 100000x
	@for target in $$(grep -rho '^func Fuzz[A-Za-z0-9]*' --include=*_test.go . | sed 's/func //'); do \
		dir=$$(dirname $$(grep -rl "^func $$target(" --include=*_test.go .)); \
		echo "$$dir $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$dir || exit 1; \
	done

model: ## every history of a key within longer bounds, and the bugs planted in package crdt, some minutes
	$(GO) test -count=1 -timeout 60m -run 'NoHistory|TheSearch|Random' -v ./crdt -deep -rapid.checks=5000

bench: ## quota-db and Redis side by side: the tables of README
	$(GO) run ./tests/bench
	$(GO) run ./tests/bench -limits
	$(GO) run ./tests/bench -durable
	$(GO) run ./tests/bench -always
	$(GO) run ./tests/bench -recovery
	$(GO) run ./tests/bench -snapshot -processors 0,1

bench-peers: ## nodes that replicate: what two peers cost, delay, bytes, a peer that is away, differences
	$(GO) run ./tests/bench -replicated
	$(GO) run ./tests/bench -delay
	$(GO) run ./tests/bench -hotkey
	$(GO) run ./tests/bench -away 1m
	$(GO) run ./tests/bench -different

figures: ## the measures of the tree: files, functions, comments, packages
	@$(GO) run ./tests/figures

clean:
	rm -rf bin dist
