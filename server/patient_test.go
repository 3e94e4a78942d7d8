package server

import (
	"net"
	"testing"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/persist"
)

// TestAHalfClosedClientThatWaitsKeepsItsWait: the client has half-closed, and waits for SAVE longer than endedSeconds.
func TestAHalfClosedClientThatWaitsKeepsItsWait(t *testing.T) {
	d := newDisk()
	s := startDurable(t, d, persist.Interval)
	client := dial(t, s)
	gate := hangAtSync(d)
	client.send("INCR k\r\nSAVE\r\n")
	client.expect(":1\r\n")
	if err := client.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the client's end to be seen", func() bool { return s.watched.Load() > 0 })
	s.sweepIdle(2 * endedSeconds)
	client.expectNothing()
	close(gate)
	client.expect("+OK\r\n")
	client.expectEnd()
}

// hangAtSync makes every fsync wait for the gate.
func hangAtSync(d *badDisk) (gate chan struct{}) {
	gate = make(chan struct{})
	d.SetFault(func(o vfs.Op, _ string, size int) (int, error) {
		if o == vfs.OpSync {
			<-gate
		}
		return size, nil
	})
	return gate
}
