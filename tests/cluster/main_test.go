// Package cluster runs replicating nodes as real processes, and makes faults on them and on the network between them.
//
// Between the nodes stand proxies (proxy_test.go), or a bridge between network namespaces (namespaces_linux_test.go).
// Links are cut, slowed or half-open; nodes are paused, killed, or get an empty or an older disk. All the time clients
// write to all nodes and note what they sent and what was acknowledged (load_test.go). In the end all faults are
// healed, and
//
//   - within two anti-entropy intervals all nodes store the same, digest by digest and value by value;
//   - every acknowledged increment counts once, except those that law L6 lets a node lose: increments that only one
//     process had, for a moment before it was killed; increments without a reply count once or not at all;
//   - every reply of every node was within law L1: package internal/history checks that;
//   - quotas were kept, as quotas_test.go says;
//   - all nodes are stopped and started once more, and everything is as it was.
//
// QUOTADB_TEST_CLUSTER_ROUNDS sets the number of rounds of random faults. QUOTADB_TEST_SEED repeats the choices of a
// run, though not its timing. QUOTADB_TEST_STRANGERS is how long strangers fill the replication ports, 3s.
// QUOTADB_REQUIRE_NETNS=1 turns "namespaces cannot be made" from a skip into a failure.
package cluster

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

const (
	roundsEnv     = "QUOTADB_TEST_CLUSTER_ROUNDS"
	defaultRounds = 1

	seedEnv = "QUOTADB_TEST_SEED"
)

const (
	// interval is --anti-entropy-interval.
	interval = time.Second
	// schedulingSlack is how late a process may be, since it shares few processors with many.
	schedulingSlack = 2 * time.Second
	// patience is the time limit for things that must happen soon, without a promise how soon.
	patience = 20 * time.Second
	// pollInterval is the time between two checks whether such a thing has happened.
	pollInterval = 10 * time.Millisecond
)

// parallel is the number of clusters at a time, unless -parallel sets it. Clusters wait more than they work.
const parallel = "10"

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", parallel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(process.Main(m))
}

func rounds(t *testing.T) int {
	t.Helper()
	return int(number(t, roundsEnv, defaultRounds))
}

// randomness is what a test's choices are made with.
func randomness(t *testing.T) *rand.Rand {
	t.Helper()
	seed := number(t, seedEnv, uint64(time.Now().UnixNano()))
	t.Logf("repeat with %s=%d", seedEnv, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func number(t *testing.T, env string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		t.Fatalf("%s: %v", env, err)
	}
	return n
}

// within waits until ok, and fails the test with what it said last if that takes longer than limit.
func within(t *testing.T, limit time.Duration, what string, ok func() (bool, string)) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(pollInterval) {
		done, state := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %s", what, limit, state)
		}
	}
}
