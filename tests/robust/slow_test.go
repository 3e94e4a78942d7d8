package robust

import (
	"slices"
	"testing"
	"time"

	"github.com/quotadb/quota-db/tests/internal/process"
	"github.com/quotadb/quota-db/tests/internal/wire"
)

// TestClientsThatNeverReadNeitherGrowTheServerNorSlowOthers requests far more than memory can hold, and reads nothing.
func TestClientsThatNeverReadNeitherGrowTheServerNorSlowOthers(t *testing.T) {
	const (
		slow          = 5
		requests      = 20_000 // of one MiB each, for every slow client
		load          = 2 * time.Second
		growth        = 256 * mib
		medianLatency = 50 * time.Millisecond
		worstLatency  = 2 * time.Second
	)
	server := process.QuotaDB(t)
	observer := server.Dial(t)
	want(t, observer, "+OK", "SET", "large", string(make([]byte, mib)))
	before := server.RSS(t)

	raw := make([]byte, 0, requests*30)
	for range requests {
		raw = wire.AppendCommand(raw, "GET", "large")
	}
	for range slow {
		c := server.Dial(t)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			_, _ = c.Write(raw) // blocks once the server stops reading; ends with Close
		}()
		defer func() {
			_ = c.Close()
			<-sent
		}()
	}

	var latencies []time.Duration
	highest := before
	for start := time.Now(); time.Since(start) < load; {
		sent := time.Now()
		want(t, observer, "+PONG", "PING")
		latencies = append(latencies, time.Since(sent))
		highest = max(highest, server.RSS(t))
	}
	slices.Sort(latencies)
	median, worst := latencies[len(latencies)/2], latencies[len(latencies)-1]
	t.Logf("resident %d to %d MiB; %d pings, median %v, worst %v", before/mib, highest/mib, len(latencies), median, worst)
	if highest > before+growth {
		t.Errorf("resident memory grew by %d MiB", (highest-before)/mib)
	}
	if median > medianLatency || worst > worstLatency {
		t.Errorf("another client waited %v, and once %v", median, worst)
	}
}

func TestAClientThatReadsLateGetsEveryReply(t *testing.T) {
	t.Parallel()
	const requests = 200
	server := process.QuotaDB(t)
	c := server.Dial(t)
	value := make([]byte, mib)
	for i := range value {
		value[i] = byte(i % 251)
	}
	want(t, c, "+OK", "SET", "large", string(value))
	var raw []byte
	for range requests {
		raw = wire.AppendCommand(raw, "GET", "large")
		raw = wire.AppendCommand(raw, "INCR", "served")
	}
	if err := c.Send(raw); err != nil {
		t.Fatal(err)
	}
	other := server.Dial(t)
	eventually(t, "the server starts on it", func() bool { return !do(t, other, "GET", "served").IsNull() })
	for i := range int64(requests) {
		v, err := c.Receive()
		if err != nil || v.Text != string(value) {
			t.Fatalf("GET %d: %d bytes, %v", i, len(v.Text), err)
		}
		v, err = c.Receive()
		if n, ok := v.Int(); err != nil || !ok || n != i+1 {
			t.Fatalf("INCR %d: %v, %v", i, v, err)
		}
	}
}
