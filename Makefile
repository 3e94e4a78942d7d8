# What CI runs is `make check`. `go test ./...` alone needs nothing but Go.

GO ?= go
RACE_PACKAGES = ./engine ./command ./server/... ./node ./resp ./crdt ./config ./acl ./persist ./disk/... ./replica ./cluster ./shares
FUZZTIME ?= 60s
ROUNDS ?= 200
SEEDS ?= 2000

# $(call briefly,COMMAND) runs go test -v without the lines about tests that run and pass. It keeps the exit code of the
# command, which a pipe would hide.
briefly = { { { $(1); echo $$? >&3; } | grep -v '^ *--- PASS\|^=== ' >&4; } 3>&1 | { read status; exit $$status; }; } 4>&1

.PHONY: help build check format vet test race required compat fuzz robust deploy release crash restart cluster \
	strangers waits conversations transactions linear sim planted model benchmarks bench bench-peers figures clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

build: ## build the server, as bin/quota-db
	$(GO) build -o bin/quota-db ./cmd/quota-db

check: format vet test race required ## everything that CI runs

format: # fails if gofmt would change a file
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }

vet: # vet and staticcheck; go.mod has its version
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

test: ## all tests that need only Go, with the fuzz seeds
	$(GO) test ./...

race: ## the tests of packages with concurrency, under the race detector
	$(GO) test -race -short $(RACE_PACKAGES)

required: ## the tests that need redis-server and its tools; fails if they are missing
	QUOTADB_REQUIRE_REDIS=1 $(GO) test -count=1 ./tests/...

compat: ## client libraries: redis-py, redis-rb, phpredis, hiredis, ioredis, node-redis; fails if they are missing
	npm ci --prefix tests/compat/testdata/node --no-audit --no-fund
	QUOTADB_REQUIRE_REDIS=1 QUOTADB_REQUIRE_COMPAT=1 $(GO) test -count=1 ./tests/compat

deploy: ## image, containers, package, unit, Kubernetes files; as root, with buildah, debootstrap, systemd-analyze
	cd deploy && $(GO) vet ./... && QUOTADB_REQUIRE_DEPLOY=1 $(GO) test -count=1 -timeout 30m -v ./...

release: ## make a release in dist: archives for four platforms, Debian packages for two, checksums
	deploy/release.sh

robust: ## the robustness tests, with 100 MB of random bytes over 50 connections
	QUOTADB_TEST_GARBAGE_MB=100 $(GO) test -count=1 -v ./tests/robust/...

crash: ## kill the server under load and check it, in ROUNDS lives (200) at each durability level
	QUOTADB_TEST_CRASH_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 60m -v ./tests/crash

restart: ## random commands, then stops, kills and starts: SEEDS worlds (2000) from number FIRST (1), of NODES nodes
	$(GO) test -count=1 -timeout 120m -v ./tests/restart -seeds $(SEEDS) -first $(or $(FIRST),1) -nodes $(or $(NODES),0)

cluster: ## random faults on nodes and network, results checked: ROUNDS clusters (200) each by proxies and namespaces
	QUOTADB_TEST_CLUSTER_ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 120m -v -run 'Anything' ./tests/cluster

waits: ## SEEDS clients (2000) from number FIRST, whose requests arrive in pieces around all kinds of waits
	@$(call briefly,QUOTADB_TEST_WAITS=$(SEEDS) QUOTADB_TEST_WAITS_FIRST=$(FIRST) $(GO) test -count=1 -timeout 60m -v -run 'TestEveryRequestIsAnswered' ./server)

conversations: ## SEEDS worlds (2000) from number FIRST: 400 clients of the event loops each, every byte compared
	@$(call briefly,QUOTADB_TEST_CONVERSATIONS=$(SEEDS) QUOTADB_TEST_CONVERSATIONS_FIRST=$(FIRST) $(GO) test -count=1 -timeout 120m -v -run 'TestEveryByte' ./server/loop)

strangers: ## two nodes meet and replicate while 500 strangers fill each replication port, for STRANGERS (1m)
	@$(call briefly,QUOTADB_TEST_STRANGERS=$(or $(STRANGERS),1m) $(GO) test -count=1 -timeout 60m -v -run TestStrangersKeepNoNodesApart ./tests/cluster)

transactions: ## 60 s of transactions, single increments and WATCH together, under the race detector
	QUOTADB_TEST_TRANSACTIONS=60s $(GO) test -race -count=1 -v -run TestTransactionsAndIncrementsCountExactly ./server

linear: ## SEEDS histories (2000) of concurrent clients, from number FIRST (1): does an order explain the replies?
	QUOTADB_TEST_LINEAR_SEEDS=$(SEEDS) QUOTADB_TEST_LINEAR_FIRST=$(or $(FIRST),1) $(GO) test -count=1 -timeout 600m -v ./tests/linear

sim: ## SEEDS simulated clusters (2000), from number FIRST (1)
	@$(call briefly,$(GO) test -count=1 -timeout 120m -v -run 'TestClusters|TestASeed' ./sim -seeds $(SEEDS) -first $(or $(FIRST),1))

planted: ## mutation test: the simulator must find each planted bug; all bugs, or a sample of PLANTED
	$(GO) test -count=1 -timeout 60m -v -run Planted ./sim/planted -sample $(or $(PLANTED),-1)

fuzz: ## every fuzz target for FUZZTIME (60s), or for a number of inputs, such as 100000x
	@for target in $$(grep -rho '^func Fuzz[A-Za-z0-9]*' --include=*_test.go . | sed 's/func //'); do \
		dir=$$(dirname $$(grep -rl "^func $$target(" --include=*_test.go .)); \
		echo "$$dir $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$dir || exit 1; \
	done

model: ## every short history of a key, and the bugs planted in package crdt; takes some minutes
	$(GO) test -count=1 -timeout 60m -run 'NoHistory|TheSearch|Random' -v ./crdt -deep -rapid.checks=5000

benchmarks: ## measure QuotaDB beside Redis, write docs/benchmarks.md and the table of README.md: up to 25 minutes
	$(GO) run ./tests/bench -page docs/benchmarks.md -readme README.md

bench: ## QuotaDB and Redis side by side, more closely: pinned, durable, limits, recovery, snapshots
	$(GO) run ./tests/bench
	$(GO) run ./tests/bench -limits
	$(GO) run ./tests/bench -durable
	$(GO) run ./tests/bench -always
	$(GO) run ./tests/bench -recovery
	$(GO) run ./tests/bench -snapshot -processors 0,1

bench-peers: ## replicating nodes: cost of two peers, delay, bytes, an absent peer, differences
	$(GO) run ./tests/bench -replicated
	$(GO) run ./tests/bench -delay
	$(GO) run ./tests/bench -hotkey
	$(GO) run ./tests/bench -away 1m
	$(GO) run ./tests/bench -different

figures: ## measure the source tree: files, functions, comments, packages
	@$(GO) run ./tests/figures

clean:
	rm -rf bin dist
