package server

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// small are limits that a test reaches quickly.
func small(l *limits) {
	l.softOutput = 64 << 10
	l.hardOutput = 8 << 20
	l.unread = 4 << 20
	l.unsent = 16 << 20
}

// big stores a value of size bytes and returns the request for it and the reply.
func big(c *client, size int) (get, reply string) {
	value := strings.Repeat("x", size)
	c.send(request("SET", "big", value))
	c.expect("+OK\r\n")
	return request("GET", "big"), "$" + itoa(size) + "\r\n" + value + "\r\n"
}

func TestClientThatReadsLateGetsEveryReply(t *testing.T) {
	s := start(t, nil, small)
	c := dial(t, s)
	get, reply := big(c, 32<<10)
	const n = 1000
	c.send(strings.Repeat(get, n))
	wait(t, "the client to stall", func() bool { return s.budgets.held(unread) > 0 && s.budgets.held(unsent) > 0 })
	for range n {
		c.expect(reply)
	}
	c.send("PING\r\n")
	c.expect("+PONG\r\n")
	wait(t, "the account to be settled", func() bool { return s.budgets.held(unread)+s.budgets.held(unsent) == 0 })
}

// TestClientThatNeverReadsIsNotReadFromWhileOthersAreServed: the client can send only as much as the sockets' buffers
// hold.
func TestClientThatNeverReadsIsNotReadFromWhileOthersAreServed(t *testing.T) {
	s := start(t, nil, small)
	slow, other := dial(t, s), dial(t, s)
	get, _ := big(slow, 32<<10)
	flood := strings.Repeat(get, 1000)
	stuck := make(chan struct{})
	go func() { // sends until it can send no more
		defer close(stuck)
		for {
			_ = slow.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			if _, err := io.WriteString(slow.Conn, flood); err != nil {
				return
			}
		}
	}()
	for done := false; !done; {
		select {
		case <-stuck:
			done = true
		default:
		}
		other.send("PING\r\n")
		other.expect("+PONG\r\n")
		if held := s.budgets.held(unsent); held > int64(s.limits.softOutput)+2*flushBytes {
			t.Fatalf("%d bytes of replies wait", held)
		}
		if held := s.budgets.held(unread); held > readAhead+64<<10 {
			t.Fatalf("%d bytes of input wait", held)
		}
	}
	_ = slow.Close()
	wait(t, "what the client held to be freed", func() bool { return s.budgets.held(unread)+s.budgets.held(unsent) == 0 })
}

func TestReplyBeyondTheHardLimitClosesTheClient(t *testing.T) {
	s := start(t, nil, func(l *limits) { small(l); l.hardOutput = 2 << 20 })
	c := dial(t, s)
	get, _ := big(c, 3<<20)
	c.send(get)
	_, err := io.Copy(io.Discard, c.replies)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Fatal("the client was not cut off")
	}
	other := dial(t, s)
	other.send("PING\r\n")
	other.expect("+PONG\r\n")
}

func TestRepliesOfAllClientsAreBoundedTogether(t *testing.T) {
	s := start(t, nil, func(l *limits) { small(l); l.unsent = 3 << 20 })
	first := dial(t, s)
	get, _ := big(first, 1<<20)
	var all []*client
	for range 16 {
		c := dial(t, s)
		c.send(strings.Repeat(get, 8)) // fills the socket's buffers and leaves some here
		all = append(all, c)
	}
	wait(t, "some client to be cut off", func() bool { return s.roster.size() < len(all)+1 })
	if held := s.budgets.held(unsent); held > s.limits.unsent+int64(s.limits.hardOutput) {
		t.Errorf("%d bytes of replies wait", held)
	}
}

func TestLastRepliesOfAnEndingClientAreNotCut(t *testing.T) {
	s := start(t, nil, small)
	c := dial(t, s)
	get, reply := big(c, 7<<19)
	c.send(get + get + "QUIT\r\n")
	wait(t, "replies to wait", func() bool { return s.budgets.held(unsent) > 0 })
	c.expect(reply + reply + "+OK\r\n")
	c.expectEnd()
}

func TestEndingClientThatNeverReadsIsClosed(t *testing.T) {
	s := start(t, nil, func(l *limits) { small(l); l.softOutput = l.hardOutput }) // so QUIT runs although replies wait
	c := dial(t, s)
	get, _ := big(c, 7<<19)
	c.send(get + get + "QUIT\r\n")
	wait(t, "replies to wait", func() bool { return s.budgets.held(unsent) > 0 })
	wait(t, "the connection to be closed", func() bool {
		s.sweepIdle(int64(time.Since(s.started)/time.Second) + 2*endSeconds)
		return s.roster.size() == 0
	})
}

func TestOutputLimitsDisconnectTheClient(t *testing.T) {
	for _, limit := range []string{"normal 300kb 0 0", "normal 0 60kb 1000"} {
		s := start(t, nil, small)
		slow, other := dial(t, s), dial(t, s)
		other.send(request("CONFIG", "SET", "client-output-buffer-limit", limit))
		other.expect("+OK\r\n")
		get, _ := big(other, 512<<10)
		slow.send(strings.Repeat(get, 20))
		gone := func() bool { return s.commands.Clients.Len() == 1 }
		if strings.HasPrefix(limit, "normal 0") {
			wait(t, "replies wait", func() bool { return s.budgets.held(unsent) > 0 })
			if s.sweepIdle(s.seconds.Load()); gone() {
				t.Fatalf("%s: closed before its time", limit)
			}
			wait(t, "the soft limit is noticed", func() bool { s.sweepIdle(s.seconds.Load() + 1000); return gone() })
		}
		wait(t, limit+" is enforced", gone)
	}
}

// TestAClientThatIsEndingIsNotRead: the client has broken the protocol, and has not read all of its replies. What it
// still sends is neither read nor discarded.
func TestAClientThatIsEndingIsNotRead(t *testing.T) {
	// With these limits commands run although replies wait.
	s := start(t, nil, func(l *limits) { small(l); l.softOutput = l.hardOutput })
	c := dial(t, s)
	get, _ := big(c, 7<<19)
	c.send(get + get + "*1\r\n$-5\r\n")
	wait(t, "replies to wait", func() bool { return s.budgets.held(unsent) > 0 })
	const most = 64 << 20 // the sockets' buffers hold less
	sent, chunk := 0, make([]byte, 1<<20)
	for sent < most {
		_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)) // too short a time only makes the test weaker
		n, err := c.Write(chunk)
		if sent += n; err != nil {
			break
		}
	}
	if sent >= most {
		t.Errorf("%d bytes were taken", sent)
	}
	if s.roster.size() != 1 {
		t.Error("the client was closed")
	}
}
