package server

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/persist"
)

// hangs makes the disk's syncs hang from now on, until the gate opens. hanging gets a value for each sync.
func (d *badDisk) hangs(gate chan struct{}) (hanging chan struct{}) {
	hanging = make(chan struct{}, 1000)
	d.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
		if op == vfs.OpSync {
			hanging <- struct{}{}
			<-gate
		}
		return size, nil
	})
	return hanging
}

// increments has a client count so often: then the disk has shown that it is quick, and loops make the syncs.
func increments(c *client, key string, from, n int) {
	c.t.Helper()
	for i := range n {
		c.send(request("INCR", key))
		c.expect(":" + strconv.Itoa(from+i+1) + "\r\n")
	}
}

// TestASyncThatHangsHoldsOnlyTheClientsThatWaitForIt, though an event loop makes it: not other clients of that loop,
// nor new ones, nor a stop.
func TestASyncThatHangsHoldsOnlyTheClientsThatWaitForIt(t *testing.T) {
	d := newDisk()
	s := startDurableWith(t, d, persist.Always, func(*config.Config) {})
	writer, reader := dial(t, s), dial(t, s)
	increments(writer, "n", 0, 20)
	gate := make(chan struct{})
	release := sync.OnceFunc(func() { close(gate) })
	defer release()
	hanging := d.hangs(gate)
	writer.send(request("INCR", "n"))
	<-hanging
	second := dial(t, s) // what it writes is not in the sync that hangs
	second.send(request("INCR", "m"))
	wait(t, "the second client's command to run", func() bool {
		reader.send(request("EXISTS", "m"))
		return reader.lines(1)[0] == ":1"
	})
	for range 3 {
		reader.send(request("PING") + request("GET", "n") + request("GET", "m"))
		reader.expect("+PONG\r\n$2\r\n21\r\n$1\r\n1\r\n")
		fresh := dial(t, s)
		fresh.send(request("GET", "n"))
		fresh.expect("$2\r\n21\r\n")
	}
	writer.expectNothing()
	second.expectNothing()
	release()
	writer.expect(":21\r\n")
	second.expect(":1\r\n")
	d.SetFault(nil)
	increments(writer, "n", 21, 20)
}

// TestEveryAcknowledgedWriteIsSynced while many clients write on several loops, connections move between the loops, and
// some syncs take so long that their loops are handed over.
func TestEveryAcknowledgedWriteIsSynced(t *testing.T) {
	d := newDisk()
	var syncs atomic.Int64
	pause := make(chan struct{})
	d.SetFault(func(op vfs.Op, _ string, size int) (int, error) {
		if op == vfs.OpSync && syncs.Add(1)%50 == 0 {
			<-pause // until the other client of this test has had its turn
		}
		return size, nil
	})
	s := startDurableWith(t, d, persist.Always, func(*config.Config) {})
	const clients, each = 16, 60
	var writers sync.WaitGroup
	for i := range clients {
		c := dial(t, s)
		writers.Go(func() {
			key := "k" + strconv.Itoa(i)
			for n := range each {
				if _, err := c.Write([]byte(request("INCR", key))); err != nil {
					t.Error(err)
					return
				}
				if line, err := c.replies.ReadString('\n'); err != nil || line != ":"+strconv.Itoa(n+1)+"\r\n" {
					t.Errorf("%s: got %q and %v", key, line, err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	reader := dial(t, s)
	for over := false; !over; {
		reader.send(request("PING"))
		reader.expect("+PONG\r\n")
		s.loops.Rotate()
		select {
		case <-done:
			over = true
		case pause <- struct{}{}:
		default:
		}
	}
	close(pause)
	d.SetFault(nil)
	store := s.commands.Store
	if now := store.Group() - 1; !store.Safe(now) {
		t.Error("the last group is not synced although every client has its replies")
	}
}
