// Package robust checks how quota-db handles clients that are hostile, slow, many or gone, and how it stops. Every
// buffer is bounded, every received command is answered, and bad input harms no other client.
//
// QUOTADB_TEST_GARBAGE_MB sets the amount of random input; the default is the promised figure.
package robust

import (
	"os"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

const mib = 1 << 20

func TestMain(m *testing.M) { os.Exit(process.Main(m)) }

// want sends a command and checks the rendered reply.
func want(t *testing.T, c *wire.Conn, reply string, args ...string) {
	t.Helper()
	if v := do(t, c, args...); v.String() != reply {
		t.Errorf("%.100q answers %.200s, want %.200s", args, v, reply)
	}
}

func do(t *testing.T, c *wire.Conn, args ...string) wire.Value {
	t.Helper()
	v, err := c.Do(args...)
	if err != nil {
		t.Fatalf("%.100q: %v", args, err)
	}
	return v
}

// infoField is one value of INFO.
func infoField(t *testing.T, c *wire.Conn, section, field string) string {
	t.Helper()
	_, value, ok := strings.Cut(do(t, c, "INFO", section).Text, field+":")
	if !ok {
		t.Fatalf("INFO %s has no %s", section, field)
	}
	value, _, _ = strings.Cut(value, "\r\n")
	return value
}
