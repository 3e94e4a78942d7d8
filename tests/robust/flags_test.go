package robust

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
)

// runTimeout ends a process that should have ended by itself.
const runTimeout = 20 * time.Second

// run runs quota-db to its end and returns all it printed.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, process.Binary(t), args...)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%q still runs after %v", args, runTimeout)
	}
	return string(out), err
}

func TestATakenAddressIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	first := process.QuotaDB(t)
	out, err := run(t, "--bind", first.Addr)
	if err == nil || !strings.Contains(out, first.Addr) {
		t.Errorf("%v, and it says\n%s", err, out)
	}
	want(t, first.Dial(t), "+PONG", "PING")
}

func TestABadFlagIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--shards", "0"}, {"--shards", "many"}, {"--node-id", "0"}, {"--node-id", "65536"}, {"--bind", "nowhere"},
		{"--max-connections", "0"}, {"--enable-ttl", "perhaps"}, {"--ttl-tick-ms", "0"}, {"--log-level", "loud"},
		{"--maxmemory", "much"}, {"--no-such-flag", "1"},
	} {
		out, err := run(t, args...)
		if err == nil || !strings.Contains(out, args[0]) {
			t.Errorf("%q: %v, and it says\n%s", args, err, out)
		}
	}
}

func TestHelpAndVersionEndWithZero(t *testing.T) {
	t.Parallel()
	for flag, text := range map[string]string{"--help": "--max-connections", "--version": "quota-db"} {
		if out, err := run(t, flag); err != nil || !strings.Contains(out, text) {
			t.Errorf("%s: %v, and it says\n%s", flag, err, out)
		}
	}
}
