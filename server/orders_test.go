package server

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestNothingOfTheOldOrderRunsAfterTheReply: an order to all clients is answered when every loop has ended the batch
// that it was running. The workers send groups of commands whose last command counts. It runs long after the check that
// allows the group to begin.
func TestNothingOfTheOldOrderRunsAfterTheReply(t *testing.T) {
	for _, c := range []struct {
		name  string
		order func(worker *client, id string) (order, reply string)
		undo  string
	}{
		{"pause", func(*client, string) (string, string) {
			return request("CLIENT", "PAUSE", "100000", "WRITE"), "+OK\r\n"
		}, request("CLIENT", "UNPAUSE")},
		{"kill", func(_ *client, id string) (string, string) { return request("CLIENT", "KILL", "ID", id), ":1\r\n" }, request("SELECT", "0")},
		{"rules", func(*client, string) (string, string) { return request("ACL", "SETUSER", "u", "-incr"), "+OK\r\n" },
			request("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*")},
		{"delete", func(*client, string) (string, string) { return request("ACL", "DELUSER", "u"), ":1\r\n" },
			request("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*")},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startWithClock(t, time.Now())
			boss := dial(t, s)
			size := 1 << 20
			if testing.Short() { // under the race detector a group takes a long time
				size = 1 << 15
			}
			boss.send(request("SET", "big", strings.Repeat("x", size)) + request("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*"))
			boss.expect("+OK\r\n+OK\r\n")
			group := strings.Repeat(request("BITCOUNT", "big"), 60) + request("INCR", "n")
			rounds := 10
			if testing.Short() {
				rounds = 2
			}
			for range rounds {
				worker := dial(t, s)
				worker.send(request("AUTH", "u", "x") + request("CLIENT", "ID"))
				id := worker.lines(2)[1][1:]
				go func() {
					for {
						if _, err := worker.Write([]byte(group)); err != nil {
							return
						}
						if _, err := worker.Read(make([]byte, 4096)); err != nil {
							return
						}
					}
				}()
				before := boss.number("n")
				wait(t, "the worker to count", func() bool { return boss.number("n") > before })
				order, reply := c.order(worker, id)
				boss.send(order)
				boss.expect(reply)
				at := boss.number("n")
				time.Sleep(5 * time.Millisecond) // long enough to see a command that still runs
				if after := boss.number("n"); after != at {
					t.Errorf("%d increments after the order was answered", after-at)
				}
				_ = worker.Close()
				boss.send(c.undo)
				boss.expect("+OK\r\n")
			}
		})
	}
}

// TestLoopsThatPauseEachOtherAtOnceDoNotWaitForEver: every client gives orders, and each order waits for the loops of
// the other clients.
func TestLoopsThatPauseEachOtherAtOnceDoNotWaitForEver(t *testing.T) {
	s := startWithClock(t, time.Now())
	var clients []*client
	for range 8 {
		clients = append(clients, dial(t, s))
	}
	order := request("CLIENT", "PAUSE", "1", "WRITE") + request("CLIENT", "KILL", "ID", "999999") + request("MULTI") +
		request("CLIENT", "PAUSE", "1", "WRITE") + request("EXEC") + request("CLIENT", "UNPAUSE")
	const reply = "+OK\r\n:0\r\n+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n+OK\r\n"
	for range 20 {
		for _, c := range clients {
			c.send(strings.Repeat(order, 10))
		}
		for _, c := range clients {
			c.expect(strings.Repeat(reply, 10))
		}
	}
}

// number is the integer that a key holds.
func (c *client) number(key string) int {
	c.t.Helper()
	c.send(request("GET", key))
	head := c.lines(1)[0]
	if head == "$-1" {
		return 0
	}
	n, err := strconv.Atoi(c.lines(1)[0])
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}
