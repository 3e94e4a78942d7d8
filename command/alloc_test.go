//go:build !race

package command

import (
	"strings"
	"testing"
)

// TestHotCommandsAllocateNothing does not run under the race detector, where sync.Pool drops items at random.
func TestHotCommandsAllocateNothing(t *testing.T) {
	for _, template := range []string{
		"INCR key:#", "INCRBY key:# 1000", "GET key:#", "SET key:# 123456", "MGET key:# key:1 key:2", "MSET key:# 5 key:1 6",
		"EXISTS key:#", "PEXPIRE key:# 100000", "TTL key:#", "PING", "SET key:# 5 PX 10000", "DEL nothing:#",
	} {
		b := newBench(t, nil)
		batch := pipeline(16, strings.Fields(template)...)
		out := make([]byte, 0, 16<<10)
		run := func() { out, _ = b.x.Run(b.client, batch, out[:0]) }
		run()
		if n := testing.AllocsPerRun(200, run); n != 0 {
			t.Errorf("%s: %v allocations for 16 commands", template, n)
		}
		if out[0] == '-' {
			t.Errorf("%s: %q", template, out)
		}
	}
}
