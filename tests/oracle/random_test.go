package oracle

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/wire"
	"pgregory.net/rapid"
)

// seedEnv repeats a seeded run; rapid has its own flags.
const seedEnv = "QUOTADB_TEST_SEED"

// TestGeneratedCommandsGetTheSameReplies compares short histories on few keys,
// where commands meet each other; rapid shrinks what fails. Redis gets one
// write, quota-db the same bytes cut anywhere.
func TestGeneratedCommandsGetTheSameReplies(t *testing.T) {
	t.Parallel()
	both := startServers(t)
	rapid.Check(t, func(r *rapid.T) {
		choose := func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "choice") }
		g := generator{choose: choose, keys: len(oddKeys) + 1}
		commands := [][]string{{"FLUSHALL"}, {"HELLO", strconv.Itoa(2 + choose(2))}}
		for range rapid.IntRange(1, 60).Draw(r, "commands") {
			commands = append(commands, g.command())
		}
		commands = append(commands, g.inspection()...)
		pieces := rapid.SliceOfN(rapid.IntRange(1, 200), 0, 30).Draw(r, "pieces")
		if err := compare(both, commands, pieces); err != nil {
			r.Fatal(err)
		}
	})
}

// TestDeepPipelinesOverManyKeysGetTheSameReplies compares long histories on
// enough keys for tables to grow and memory to be used again.
func TestDeepPipelinesOverManyKeysGetTheSameReplies(t *testing.T) {
	t.Parallel()
	const (
		rounds   = 12
		commands = 5_000
		keys     = 3_000
	)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedEnv); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedEnv, err)
		}
	}
	t.Logf("repeat with %s=%d", seedEnv, seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	both := startServers(t)
	g := generator{choose: rng.IntN, keys: keys}
	for range rounds {
		batch := make([][]string, 0, commands)
		for range commands {
			batch = append(batch, g.command())
		}
		pieces := make([]int, 50)
		for i := range pieces {
			pieces[i] = 1 + rng.IntN(1<<rng.IntN(16))
		}
		if err := compare(both, batch, pieces); err != nil {
			t.Fatal(err)
		}
	}
	if err := compare(both, g.inspection(), nil); err != nil {
		t.Fatal(err)
	}
	c := both.dial(t)
	scan := []string{"SCAN", "0", "COUNT", "100"}
	if redis, quotadb := scanAll(t, c.redis, scan), scanAll(t, c.quotadb, scan); !redis.Equal(quotadb) {
		t.Errorf("SCAN: redis has %d keys, quota-db %d", len(redis.Elems), len(quotadb.Elems))
	}
}

// compare runs the commands on a connection to each server and returns the
// first pair of replies that differ.
func compare(both servers, commands [][]string, pieces []int) error {
	var raw []byte
	for _, args := range commands {
		raw = wire.AppendCommand(raw, args...)
	}
	redis, err := pipeline(both.redis.Addr, raw, len(commands), nil)
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	quotadb, err := pipeline(both.quotadb.Addr, raw, len(commands), pieces)
	if err != nil {
		unanswered := commands[min(len(quotadb), len(commands)-1)]
		return fmt.Errorf("quota-db: %w, to %s", err, clip(fmt.Sprintf("%q", unanswered)))
	}
	for i, args := range commands {
		if !comparisonFor(args)(redis[i], quotadb[i]) {
			return fmt.Errorf("command %d: %s\n  redis:    %s\n  quota-db: %s\n%s", i, clip(fmt.Sprintf("%q", args)),
				clip(redis[i].String()), clip(quotadb[i].String()), history(commands[:i], args))
		}
	}
	return nil
}

// history lists the earlier commands that name one of the arguments of args.
func history(earlier [][]string, args []string) string {
	const most = 12
	wanted := map[string]bool{}
	for _, a := range args[1:] {
		wanted[a] = true
	}
	text, shown := "", 0
	for i := len(earlier) - 1; i >= 0 && shown < most; i-- {
		if len(earlier[i]) > 1 && wanted[earlier[i][1]] {
			text = fmt.Sprintf("  before, %d: %s\n", i, clip(fmt.Sprintf("%q", earlier[i]))) + text
			shown++
		}
	}
	return text
}

func pipeline(addr string, raw []byte, n int, pieces []int) ([]wire.Value, error) {
	c, err := wire.Dial(addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	return c.Pipeline(raw, n, pieces...)
}
