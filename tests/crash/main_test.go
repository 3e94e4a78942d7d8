// Package crash kills servers under load, starts them again on their directory and asks whether what they hold then
// can be explained.
//
// Clients write and note what they sent, what was acknowledged and when. Each has keys of its own, whose history is
// therefore one sequence; the keys that one command or one transaction touches together form a unit and have one
// history. After a crash
//
//   - every unit is as it was at one moment of its history: never between two steps, never half a transaction,
//     never a step twice, never a key that was deleted or had expired;
//   - that moment is not before the last acknowledged step that the level of durability promises: with always the last
//     one, otherwise the last one before the batch delay;
//   - counters that all clients share are what they were, plus the steps of each client up to such a moment;
//   - there are no other keys.
//
// Many lives follow each other on one directory. Some begin with FLUSHALL, some end while a snapshot is being written,
// some end with SIGTERM, which must lose nothing. A kill alone seldom tears a file, since what write(2) has taken
// survives the process; so the harness itself cuts from the log's end what was written last, where the level allows
// that to be lost, and appends what a torn write may leave.
//
// QUOTADB_TEST_CRASH_ROUNDS sets the lives per level, QUOTADB_TEST_SEED repeats the choices of a run, though not its
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
