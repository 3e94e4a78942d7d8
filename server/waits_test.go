package server

import (
	"testing"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/persist"
)

// TestARequestThatArrivesDuringAWaitIsAnsweredAfterIt sends a request that waits, a second request meanwhile, and then
// nothing more.
func TestARequestThatArrivesDuringAWaitIsAnsweredAfterIt(t *testing.T) {
	for _, c := range []struct {
		level  persist.Durability
		before string // is answered +OK at once
		first  string
		reply  string
	}{
		{persist.Always, "", "INCR k", ":1\r\n"},
		{persist.Always, "", "INCR k\r\nWAITAOF 1 0 0", ":1\r\n*2\r\n:1\r\n:0\r\n"},
		{persist.Always, "", "INCR k\r\nSAVE", ":1\r\n+OK\r\n"},
		{persist.Always, "", "MULTI\r\nINCR k\r\nEXEC", "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"},
		{persist.Interval, "QUOTASET q 100 3600", "INCRBY q 90", ":10\r\n"},
		{persist.None, "QUOTASET q 100 3600", "INCRBY q 90", ":10\r\n"},
		{persist.Interval, "", "QUOTASET q 4 60", "+OK\r\n"},
		{persist.Interval, "", "INCR k\r\nWAITAOF 1 0 0", ":1\r\n*2\r\n:1\r\n:0\r\n"},
		{persist.Interval, "", "SAVE", "+OK\r\n"},
	} {
		t.Run(c.level.String()+" "+c.first, func(t *testing.T) {
			d := newDisk()
			s := startDurable(t, d, c.level)
			client := dial(t, s)
			if c.before != "" {
				client.send(c.before + "\r\n")
				client.expect("+OK\r\n")
			}
			gate, begun := make(chan struct{}), make(chan struct{}, 1)
			d.SetFault(func(o vfs.Op, _ string, size int) (int, error) {
				if o == vfs.OpSync {
					select {
					case begun <- struct{}{}:
					default:
					}
					<-gate
				}
				return size, nil
			})
			client.send(c.first + "\r\n")
			<-begun // so the first request has run
			client.send("ECHO second\r\n")
			wait(t, "the second request to be read", func() bool { return s.budgets.held(unread) > 0 })
			close(gate)
			client.expect(c.reply + "$6\r\nsecond\r\n")
		})
	}
}
