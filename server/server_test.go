package server

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/quotadb/quota-db/config"
)

func itoa(n int) string { return strconv.Itoa(n) }

// counting is a pipeline of n INCR of one key and the replies to it when the key starts at zero.
func counting(key string, n int) (requests, replies string) {
	var out strings.Builder
	for i := range n {
		out.WriteString(":" + itoa(i+1) + "\r\n")
	}
	return strings.Repeat(request("INCR", key), n), out.String()
}

func TestCommandsArriveByteByByte(t *testing.T) {
	c := dial(t, start(t, nil, nil))
	requests, replies := counting("k", 20)
	for i := range len(requests) {
		c.send(requests[i : i+1])
	}
	c.expect(replies)
}

func TestPipelineOf10000IsAnsweredInOrder(t *testing.T) {
	c := dial(t, start(t, nil, nil))
	requests, replies := counting("k", 10_000)
	c.send(requests)
	c.expect(replies)
}

func TestConcurrentClientsLoseNoIncrement(t *testing.T) {
	s := start(t, nil, nil)
	const clients, each = 20, 500
	var group sync.WaitGroup
	for range clients {
		c := dial(t, s)
		group.Go(func() {
			for range each {
				c.send(request("INCR", "k"))
				if _, err := c.replies.ReadString('\n'); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	c := dial(t, s)
	c.send(request("INCR", "k"))
	c.expect(":" + itoa(clients*each+1) + "\r\n")
}

func TestProtocolErrorIsAnsweredAfterTheCommandsBeforeIt(t *testing.T) {
	c := dial(t, start(t, nil, nil))
	c.send("PING\r\n*x\r\nPING\r\n")
	c.expect("+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n")
	c.expectEnd()
}

func TestBytesAndProtocolErrorsAreCounted(t *testing.T) {
	s := start(t, nil, nil)
	const requests, replies, info = "PING\r\n*x\r\n", "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n", "INFO stats\r\n"
	for range 3 {
		c := dial(t, s)
		c.send(requests)
		c.expect(replies)
	}
	c := dial(t, s)
	c.send(info)
	for _, want := range []string{
		"total_net_input_bytes:" + itoa(3*len(requests)+len(info)), "total_net_output_bytes:" + itoa(3*len(replies)), "total_error_replies:3",
	} {
		for line := ""; line != want+"\r\n"; {
			var err error
			if line, err = c.replies.ReadString('\n'); err != nil {
				t.Fatalf("no %s: %v", want, err)
			}
		}
	}
}

func TestNothingRunsAfterQuit(t *testing.T) {
	s := start(t, nil, nil)
	c := dial(t, s)
	c.send("INCR k\r\nQUIT\r\nINCR k\r\n")
	c.expect(":1\r\n+OK\r\n")
	c.expectEnd()
	other := dial(t, s)
	other.send("INCR k\r\n")
	other.expect(":2\r\n")
}

func TestOneConnectionTooManyIsRefused(t *testing.T) {
	s := start(t, func(c *config.Config) { c.MaxConnections = 2 }, nil)
	first, second := dial(t, s), dial(t, s)
	for _, c := range []*client{first, second} {
		c.send("PING\r\n")
		c.expect("+PONG\r\n")
	}
	third := dial(t, s)
	third.expect(refusal)
	third.expectEnd()
	_ = first.Close()
	wait(t, "the place of the client that left", func() bool {
		c := dial(t, s)
		if _, err := c.Write([]byte("PING\r\n")); err != nil {
			return false
		}
		reply, err := c.replies.ReadString('\n')
		_ = c.Close()
		return err == nil && reply == "+PONG\r\n"
	})
}

func TestAClientThatIsRefusedReadsWhyAlsoIfItWritesFirst(t *testing.T) {
	s := start(t, func(c *config.Config) { c.MaxConnections = 1 }, nil)
	first := dial(t, s)
	first.send("PING\r\n")
	first.expect("+PONG\r\n")
	late := dial(t, s)
	wait(t, "the refusal", func() bool { return s.commands.Stats.Rejected.Load() == 1 })
	late.send("HELLO 3\r\n") // send fails the test if the connection is closed
	late.send("PING\r\n")
	late.expect(refusal)
	late.expectEnd()
}

func TestRefusedClientsThatStayAreGivenUp(t *testing.T) {
	s := start(t, func(c *config.Config) { c.MaxConnections = 1 }, nil)
	first := dial(t, s)
	first.send("PING\r\n")
	first.expect("+PONG\r\n")
	for range 2 * refusedAtOnce { // for the second half there is no room to wait: they are closed at once
		dial(t, s).expect(refusal)
	}
	wait(t, "the end of all refusals", func() bool { return len(s.refused) == 0 })
}

func TestIdleClientIsDisconnected(t *testing.T) {
	s := start(t, nil, nil)
	idle, busy := dial(t, s), dial(t, s)
	for _, c := range []*client{idle, busy} {
		c.send("PING\r\n")
		c.expect("+PONG\r\n")
	}
	s.sweepIdle(3000)
	busy.send("PING\r\n") // no timeout is set, so both are still connected
	busy.expect("+PONG\r\n")
	s.commands.Params.TimeoutSeconds.Store(3600)
	s.sweepIdle(4000)
	idle.expectEnd()
	busy.send("PING\r\n")
	busy.expect("+PONG\r\n")
}

func TestShutdownAnswersEverythingReceived(t *testing.T) {
	s := start(t, nil, nil)
	const clients, commands = 8, 2000
	var all []*client
	for i := range clients {
		c := dial(t, s)
		requests, _ := counting("k"+itoa(i), commands)
		c.send(requests)
		all = append(all, c)
	}
	wait(t, "all clients to be accepted", func() bool { return s.roster.size() == clients })
	stop(t, s)
	for i, c := range all {
		_, replies := counting("k"+itoa(i), commands)
		c.expect(replies)
		c.expectEnd()
	}
}

func TestShutdownGivesUpOnClientsThatDoNotRead(t *testing.T) {
	s := start(t, nil, nil)
	c := dial(t, s)
	c.send(request("SET", "k", strings.Repeat("x", 1<<20)))
	c.expect("+OK\r\n")
	c.send(strings.Repeat(request("GET", "k"), 64))
	wait(t, "replies to wait", func() bool { return s.budgets.held(unsent) > 0 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := s.budgets.held(unsent) + s.budgets.held(unread); left != 0 {
		t.Errorf("%d bytes are still accounted for", left)
	}
}

func TestRestartOnTheSamePortAtOnce(t *testing.T) {
	bind := "127.0.0.1:0"
	for range 3 {
		s := start(t, func(c *config.Config) { c.Bind = []string{bind} }, nil)
		bind = s.Addrs()[0].String()
		c := dial(t, s)
		c.send("PING\r\n")
		c.expect("+PONG\r\n")
		stop(t, s)
		c.expectEnd()
		if conn, err := net.Dial("tcp", bind); err == nil {
			_ = conn.Close()
			t.Error("a stopped server still accepts")
		}
	}
}

func TestPortInUseIsAnError(t *testing.T) {
	first := start(t, nil, nil)
	cfg := config.Default()
	cfg.Bind = []string{first.Addrs()[0].String()}
	s := New(cfg, first.commands, first.log)
	if err := s.Listen(); err == nil || !strings.Contains(err.Error(), cfg.Bind[0]) {
		t.Errorf("got %v", err)
	}
	stop(t, s)
}

func TestShutdownLeavesNoGoroutine(t *testing.T) {
	stop(t, start(t, nil, nil)) // now everything exists that is made only once
	before := runtime.NumGoroutine()
	s := start(t, nil, nil)
	for range 10 {
		c := dial(t, s)
		c.send("PING\r\n")
		c.expect("+PONG\r\n")
	}
	stop(t, s)
	wait(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}
