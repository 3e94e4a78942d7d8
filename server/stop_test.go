package server

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/persist"
)

// withPeers gives a node a peer, so that FLUSHALL has to keep a record of each key.
func withPeers(c *config.Config) { c.Peers = []string{"127.0.0.1:1"} }

// stopSoon stops a server and gives it little time.
func stopSoon(t *testing.T, s *Server) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	return s.Shutdown(ctx)
}

// TestAStopAnswersAFLUSHALLThatWaitsForTheDisk before the time of the stop is over. FLUSHALL waits for the log every
// 32,768 keys.
func TestAStopAnswersAFLUSHALLThatWaitsForTheDisk(t *testing.T) {
	d := newDisk()
	s := startDurableWith(t, d, persist.Interval, withPeers)
	c := dial(t, s)
	const keys = 40_000
	set := []string{"MSET"}
	for i := range keys {
		set = append(set, strconv.Itoa(i), "1")
	}
	c.send(request(set...))
	c.expect("+OK\r\n")
	gate := make(chan struct{})
	d.begin(vfs.OpWrite, nil, gate)
	defer close(gate)
	c.send(request("FLUSHALL"))
	other := dial(t, s)
	wait(t, "half of the keys to go", func() bool {
		other.send(request("DBSIZE"))
		left, _ := strconv.Atoi(other.lines(1)[0][1:])
		return left < keys/2
	})
	_ = other.Close()
	stopped := make(chan error, 1)
	go func() { stopped <- stopSoon(t, s) }()
	if got := c.lines(1)[0]; !strings.HasPrefix(got, "-MISCONF FLUSHALL ended early: not all keys are deleted: ") {
		t.Errorf("got %q", got)
	}
	_ = c.Close() // otherwise a system that does not tell what a client has received would wait for its end
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestAStopLeavesAFLUSHALLWhoseSyncHangs: nobody can say whether its deletions are synced, so its client is
// disconnected without a reply; and nothing still waits for it.
func TestAStopLeavesAFLUSHALLWhoseSyncHangs(t *testing.T) {
	d := newDisk()
	s := startDurableWith(t, d, persist.Always, withPeers)
	c := dial(t, s)
	c.send(request("SET", "k", "v"))
	c.expect("+OK\r\n")
	gate := make(chan struct{})
	d.begin(vfs.OpSync, nil, gate)
	defer close(gate)
	c.send(request("FLUSHALL"))
	other := dial(t, s)
	wait(t, "the key to go", func() bool {
		other.send(request("EXISTS", "k"))
		return other.lines(1)[0] == ":0"
	})
	_ = other.Close()
	if err := stopSoon(t, s); !errors.Is(err, ErrCutOff) {
		t.Errorf("the stop ends with %v", err)
	}
	c.expectEnd()
	s.commands.Wait() // as the node does after a stop
}
