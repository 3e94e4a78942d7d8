// Package crash kills servers under load, starts them again on their directory, and checks that their contents can be
// explained.
//
// Clients write, and note what they sent, and what was acknowledged when. Each client has its own keys, so the history
// of these keys is one sequence. Keys that one command or transaction changes together form a unit with one history.
// After a crash
//
//   - every unit is as it was at one moment of its history: never between two steps, never half a transaction, never
//     with a step twice, never with a key that was deleted or had expired;
//   - that moment is not before the last acknowledged step that the durability level promises: with always the last
//     one, otherwise the last one before the batch delay;
//   - counters that all clients share are what they were, plus the steps of each client up to such a moment;
//   - there are no other keys.
//
// One directory has many lives. Some begin with FLUSHALL, some end while a snapshot is being written, some end with
// SIGTERM, which must lose nothing. A kill alone seldom tears a file, since bytes that write(2) has taken survive the
// process. So the harness cuts off the last bytes of the log, where the level allows their loss, and appends bytes that
// a torn write may leave.
//
// QUOTADB_TEST_CRASH_ROUNDS sets the lives per level; QUOTADB_TEST_SEED repeats the choices of a run, though not its
// timing.
package crash

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

const (
	roundsEnv     = "QUOTADB_TEST_CRASH_ROUNDS"
	defaultRounds = 10

	seedEnv = "QUOTADB_TEST_SEED"
)

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }

func rounds(t *testing.T) int {
	t.Helper()
	return int(number(t, roundsEnv, defaultRounds))
}

func seed(t *testing.T) uint64 {
	t.Helper()
	s := number(t, seedEnv, uint64(time.Now().UnixNano()))
	t.Logf("repeat with %s=%d", seedEnv, s)
	return s
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
