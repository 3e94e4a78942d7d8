package server

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestKilledClientIsGone(t *testing.T) {
	s := start(t, nil, nil)
	victim, killer := dial(t, s), dial(t, s)
	victim.send(request("CLIENT", "SETNAME", "victim"))
	victim.expect("+OK\r\n")
	killer.send(request("CLIENT", "KILL", victim.LocalAddr().String()))
	killer.expect("+OK\r\n")
	victim.expectEnd()
	wait(t, "the list is without it", func() bool { return s.commands.Clients.Len() == 1 })
	killer.send(request("CLIENT", "KILL", "ADDR", victim.LocalAddr().String()))
	killer.expect(":0\r\n")
}

func TestPausedCommandsRunWhenThePauseEnds(t *testing.T) {
	s := start(t, nil, nil)
	boss, worker := dial(t, s), dial(t, s)
	boss.send(request("CLIENT", "PAUSE", "1000000"))
	boss.expect("+OK\r\n")
	requests, replies := counting("k", 1000)
	worker.send(requests)
	wait(t, "the worker waits", func() bool {
		waits := false
		s.roster.each(func(c *connection) { waits = waits || c.session.client.Input.Load() > 0 })
		return waits
	})
	boss.send(request("CLIENT", "UNPAUSE") + request("GET", "k"))
	boss.expect("+OK\r\n")
	worker.expect(replies)
	worker.send(request("GET", "k"))
	worker.expect("$4\r\n1000\r\n")
}

func TestPauseEndsByItself(t *testing.T) {
	s := startWithClock(t, time.Now())
	c := dial(t, s)
	c.send(request("CLIENT", "PAUSE", "30", "WRITE") + request("GET", "k") + request("SET", "k", "1") + request("GET", "k"))
	c.expect("+OK\r\n$-1\r\n+OK\r\n$1\r\n1\r\n")
}

func TestPausedClientsAreClosedAtShutdown(t *testing.T) {
	s := start(t, nil, nil)
	c := dial(t, s)
	c.send(request("CLIENT", "PAUSE", "1000000"))
	c.expect("+OK\r\n")
	c.send(request("GET", "k"))
	wait(t, "the client waits", func() bool {
		waits := false
		s.roster.each(func(c *connection) { waits = waits || c.session.client.Input.Load() > 0 })
		return waits
	})
	stop(t, s)
	c.expectEnd()
}

func TestMonitorShowsCommandsAsTheyRun(t *testing.T) {
	s := start(t, nil, nil)
	viewer, worker := dial(t, s), dial(t, s)
	viewer.send(request("MONITOR"))
	viewer.expect("+OK\r\n")
	worker.send(request("SET", "k", "a \"b\"\r\n\x00") + request("NOSUCH") + request("AUTH", "secret") +
		request("MULTI") + request("INCR", "n") + request("CLIENT", "LIST", "ID", "9") + request("EXEC"))
	for _, line := range []string{`"SET" "k" "a \"b\"\r\n\x00"`, `"AUTH" "(redacted)"`, `"MULTI"`, `"INCR" "n"`, `"EXEC"`} {
		viewer.expect(fmt.Sprintf("+1700000000.000000 [0 %s] %s\r\n", worker.LocalAddr(), line))
	}
	viewer.send(request("RESET"))
	viewer.expect("+RESET\r\n")
	worker.send(request("PING"))
	viewer.send(request("ECHO", "end"))
	viewer.expect("$3\r\nend\r\n")
	if n := s.commands.Attention(); n != 0 {
		t.Errorf("every command is still looked at, for %d reasons", n)
	}
}

func TestMonitorThatDoesNotReadIsDisconnected(t *testing.T) {
	s := start(t, nil, nil)
	viewer, worker := dial(t, s), dial(t, s)
	viewer.send(request("MONITOR"))
	viewer.expect("+OK\r\n")
	large := request("ECHO", strings.Repeat("x", 100_000))
	deadline := time.Now().Add(patience)
	for s.commands.Clients.Len() > 1 {
		worker.send(large)
		worker.expect(strings.TrimPrefix(large, "*2\r\n$4\r\nECHO\r\n"))
		if time.Now().After(deadline) {
			t.Fatal("it stays")
		}
	}
	worker.send(request("PING"))
	worker.expect("+PONG\r\n")
}

func TestClientsInTransactionsMayVanish(t *testing.T) {
	s := start(t, nil, nil)
	for range 100 {
		c := dial(t, s)
		c.send(request("WATCH", "k") + request("MULTI") + request("INCR", "k"))
		c.expect("+OK\r\n+OK\r\n+QUEUED\r\n")
		_ = c.Close()
	}
	wait(t, "they are gone", func() bool { return s.commands.Clients.Len() == 0 && s.budgets.held(unread) == 0 })
	c := dial(t, s)
	c.send(request("INCR", "k"))
	c.expect(":1\r\n")
}

// transactionsEnv is the environment variable with the time for which transactions run against each other, for example
// 60s.
const transactionsEnv = "QUOTADB_TEST_TRANSACTIONS"

// TestTransactionsAndIncrementsCountExactly has 50 clients with transactions of 100 INCRs over 100 keys, in any order,
// beside clients with single INCRs and clients with WATCH, GET, MULTI, SET, EXEC.
func TestTransactionsAndIncrementsCountExactly(t *testing.T) {
	const transactors, counters, watchers, keys = 50, 10, 5, 100
	length := 500 * time.Millisecond
	if text := os.Getenv(transactionsEnv); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", transactionsEnv, err)
		}
	}
	s := start(t, nil, nil)
	end := time.Now().Add(length)
	seed := uint64(end.UnixNano())
	t.Logf("seed %d", seed)
	var group sync.WaitGroup
	var mu sync.Mutex
	committed, single, won, lost := 0, 0, 0, 0
	run := func(n int, fn func(c *client, random *rand.Rand)) {
		for i := range n {
			c := dial(t, s)
			if err := c.SetDeadline(end.Add(patience)); err != nil {
				t.Fatal(err)
			}
			group.Go(func() { fn(c, rand.New(rand.NewPCG(seed, uint64(n*1000+i)))) })
		}
	}
	run(transactors, func(c *client, random *rand.Rand) {
		done := 0
		for done == 0 || time.Now().Before(end) {
			var requests strings.Builder
			requests.WriteString(request("MULTI"))
			for _, key := range random.Perm(keys) {
				requests.WriteString(request("INCR", "k"+itoa(key)))
			}
			requests.WriteString(request("EXEC"))
			if !c.try(requests.String(), "+OK\r\n"+strings.Repeat("+QUEUED\r\n", keys)+"*100\r\n") || c.lines(keys) == nil {
				return
			}
			done++
		}
		mu.Lock()
		committed += done
		mu.Unlock()
	})
	run(counters, func(c *client, random *rand.Rand) {
		done := 0
		for done == 0 || time.Now().Before(end) {
			if !c.try(request("INCR", "k"+itoa(random.IntN(keys))), ":") || c.lines(1) == nil {
				return
			}
			done++
		}
		mu.Lock()
		single += done
		mu.Unlock()
	})
	run(watchers, func(c *client, random *rand.Rand) {
		yes, no := 0, 0
		for yes+no == 0 || time.Now().Before(end) {
			if !c.try(request("WATCH", "w")+request("INCRBY", "w", "0")+request("UNWATCH")+request("WATCH", "w")+request("GET", "w"), "+OK\r\n:") {
				return
			}
			lines := c.lines(5)
			if lines == nil {
				return
			}
			var n int
			_, _ = fmt.Sscan(lines[4], &n)
			if !c.try(request("MULTI")+request("SET", "w", itoa(n+1))+request("EXEC"), "+OK\r\n+QUEUED\r\n*") {
				return
			}
			if result := c.lines(1); result == nil {
				return
			} else if result[0] == "-1" {
				no++
			} else if c.lines(1); true {
				yes++
			}
		}
		mu.Lock()
		won, lost = won+yes, lost+no
		mu.Unlock()
	})
	group.Wait()
	c := dial(t, s)
	sum := 0
	for key := range keys {
		c.send(request("GET", "k"+itoa(key)))
		var n int
		_, _ = fmt.Sscan(c.lines(2)[1], &n)
		if n < committed {
			t.Errorf("key %d has %d of %d transactions", key, n, committed)
		}
		sum += n
	}
	if want := committed*keys + single; sum != want {
		t.Errorf("the sum is %d, want %d", sum, want)
	}
	c.send(request("GET", "w"))
	if got := c.lines(2)[1]; got != itoa(won) {
		t.Errorf("%s updates are there of %d", got, won)
	}
	t.Logf("%d transactions, %d single increments, %d of %d updates under WATCH", committed, single, won, won+lost)
	if committed == 0 || single == 0 || won == 0 {
		t.Error("too little happened")
	}
}

// try sends a request and reads the expected reply. It returns false after a failure, for goroutines that must not end
// the test.
func (c *client) try(requests, replies string) bool {
	if _, err := c.Write([]byte(requests)); err != nil {
		c.t.Error(err)
		return false
	}
	for got := []byte{}; len(got) < len(replies); {
		b, err := c.replies.ReadByte()
		if got = append(got, b); err != nil || !strings.HasPrefix(replies, string(got)) {
			c.t.Errorf("got %q and %v, want %.100q", got, err, replies)
			return false
		}
	}
	return true
}

// lines reads n lines, without their ends; nil after a failure.
func (c *client) lines(n int) []string {
	all := make([]string, n)
	for i := range all {
		line, err := c.replies.ReadString('\n')
		if err != nil {
			c.t.Error(err)
			return nil
		}
		all[i] = strings.TrimSuffix(line, "\r\n")
	}
	return all
}
