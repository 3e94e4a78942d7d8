package oracle

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/script"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

const (
	untilTimeout = 10 * time.Second
	untilPause   = 2 * time.Millisecond
	// maxScanCalls ends an iteration whose cursor never comes back to zero.
	maxScanCalls = 100_000
)

// runStep runs one step on both servers and says how its replies are to be compared.
func runStep(t *testing.T, both servers, c client, step script.Step) (redis, quotadb wire.Value, same comparison) {
	t.Helper()
	args, err := step.Command(time.Now())
	if err != nil {
		t.Fatalf("line %d: %v", step.Line, err)
	}
	same = wire.Value.Equal
	switch step.Directive {
	case "about":
		tolerance, err := step.Tolerance()
		if err != nil {
			t.Fatalf("line %d: %v", step.Line, err)
		}
		same = about(tolerance)
	case "sorted":
		same = normalised(sorted)
	case "shape":
		same = normalised(shape)
	case "hello":
		same = normalised(hello)
	case "scan":
		return scanAll(t, c.redis, args), scanAll(t, c.quotadb, args), same
	case "until":
		return until(t, c.redis, step.Param, args), until(t, c.quotadb, step.Param, args), same
	case "raw":
		fresh, raw := both.dial(t), strings.Join(args, "")
		return exchange(t, fresh.redis, raw), exchange(t, fresh.quotadb, raw), same
	}
	redis, quotadb = c.do(t, args...)
	return redis, quotadb, same
}

// until repeats a command until its reply is rendered as want.
func until(t *testing.T, c *wire.Conn, want string, args []string) wire.Value {
	t.Helper()
	for deadline := time.Now().Add(untilTimeout); ; time.Sleep(untilPause) {
		v := do(t, c, args...)
		if v.String() == want || time.Now().After(deadline) {
			return v
		}
	}
}

// scanAll follows a SCAN's cursor and returns the keys as a sorted array
// without duplicates, which SCAN may return; or the first reply that is an error.
func scanAll(t *testing.T, c *wire.Conn, args []string) wire.Value {
	t.Helper()
	args = slices.Clone(args)
	var keys wire.Value
	for range maxScanCalls {
		v := do(t, c, args...)
		if v.Kind != wire.Array || len(v.Elems) != 2 {
			return v
		}
		keys.Kind = wire.Array
		keys.Elems = append(keys.Elems, v.Elems[1].Elems...)
		if args[1] = v.Elems[0].Text; args[1] == "0" {
			keys = sorted(keys)
			keys.Elems = slices.CompactFunc(keys.Elems, wire.Value.Equal)
			return keys
		}
	}
	t.Fatalf("%q: no end after %d calls", args, maxScanCalls)
	return keys
}

// exchange sends raw bytes and then an ECHO, and returns all replies as an
// array that ends with "closed" if the server closes or "open" if it echoes.
// The server may close before it has read everything, so sending may fail.
func exchange(t *testing.T, c *wire.Conn, raw string) wire.Value {
	t.Helper()
	const mark = "end of the exchange"
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_ = c.Send(wire.AppendCommand([]byte(raw), "ECHO", mark))
	}()
	defer func() { <-sent }()
	all := wire.Value{Kind: wire.Array}
	for {
		v, open, err := c.ReceiveOrEnd()
		if err != nil {
			t.Fatalf("after %s: %v", clip(all.String()), err)
		}
		switch {
		case !open:
			all.Elems = append(all.Elems, wire.Value{Kind: wire.Simple, Text: "closed"})
			return all
		case v.Text == mark:
			all.Elems = append(all.Elems, wire.Value{Kind: wire.Simple, Text: "open"})
			return all
		}
		all.Elems = append(all.Elems, v)
	}
}
