package server

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/persist"
)

const password = "pw"

// locked makes clients log in.
func locked(c *config.Config) { c.RequirePass = password }

// half is the beginning of a command, of a client that has not logged in; it has size bytes or a few more.
func half(size int) string {
	return "*2\r\n$4\r\nAUTH\r\n$16000\r\n" + strings.Repeat("x", size)
}

// TestStrangersPayForThemselves: clients that have not logged in hold all bytes that they may hold together, and more
// of them come. A client that has logged in, and whose command arrives in two pieces, does not notice. Of the others,
// those that hold most are closed.
func TestStrangersPayForThemselves(t *testing.T) {
	s := start(t, locked, func(l *limits) { l.strangers, l.unread = 100_000, 1<<20 })
	if err := s.commands.SetUp(password); err != nil {
		t.Fatal(err)
	}
	working, modest := dial(t, s), dial(t, s)
	working.send(request("AUTH", password))
	working.expect("+OK\r\n")
	modest.send("*2\r\n$4\r\nAU")
	long := strings.Repeat("y", 200_000) // more than all strangers together may hold
	working.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\n" + long[:150_000])
	var crowd []*client
	for range 50 {
		c := dial(t, s)
		_, _ = io.WriteString(c, half(8000))
		crowd = append(crowd, c)
	}
	wait(t, "some of the crowd to be closed", func() bool {
		return s.roster.size() < len(crowd)+2 && s.budgets[stranger][unread].total.Load() <= s.limits.strangers
	})
	working.send(long[150_000:] + "\r\n")
	working.expect("+OK\r\n")
	modest.send("TH\r\n$2\r\npw\r\n")
	modest.expect("+OK\r\n")
	wait(t, "what the two held to be given back", func() bool { return s.budgets[known][unread].total.Load() == 0 })
}

// TestTheLargestHolderIsClosedFirst: a client that comes last and holds little is not closed because of clients that
// hold much.
func TestTheLargestHolderIsClosedFirst(t *testing.T) {
	s := start(t, nil, func(l *limits) { l.unread = 1 << 20 })
	begun := func(size int) *client {
		c := dial(t, s)
		before := s.budgets.held(unread)
		c.send("*2\r\n$4\r\nECHO\r\n$1000000\r\n" + strings.Repeat("x", size))
		wait(t, "it to be held", func() bool { return s.budgets.held(unread) >= before+int64(size) })
		return c
	}
	small, large := begun(1000), begun(700_000)
	last := begun(300_000)
	last.send(strings.Repeat("x", 100_000)) // with it the budget is exceeded, but it is not the largest
	large.expectEnd()
	_ = last.Close()
	wait(t, "what it held to be given back", func() bool { return s.budgets.held(unread) < 100_000 })
	small.send(strings.Repeat("x", 999_000) + "\r\n")
	small.expect("$1000000\r\n")
}

// TestViewersOfMONITORPayForWhatTheyDoNotRead: a client that works is not closed, although it holds more than each
// viewer.
func TestViewersOfMONITORPayForWhatTheyDoNotRead(t *testing.T) {
	s := start(t, nil, func(l *limits) { l.unsent = 3 << 20 })
	reader, worker := dial(t, s), dial(t, s)
	get, reply := big(reader, 1<<20)
	const replies = 20
	reader.send(strings.Repeat(get, replies)) // it reads nothing for now
	wait(t, "replies to wait", func() bool { return s.budgets.held(unsent) > 1<<20 })
	var viewers []*client
	for range 3 {
		c := dial(t, s)
		c.send(request("MONITOR"))
		c.expect("+OK\r\n")
		viewers = append(viewers, c)
	}
	shown := request("ECHO", strings.Repeat("x", 64<<10))
	for deadline := time.Now().Add(patience); s.roster.size() > 2 && time.Now().Before(deadline); {
		worker.send(shown)
		worker.lines(2)
	}
	if n := s.roster.size(); n != 2 {
		t.Fatalf("%d clients are there, want the two that work", n)
	}
	for range replies {
		reader.expect(reply)
	}
	for _, c := range viewers {
		_ = c.Close()
	}
}

// TestHeldRepliesCountAsOutput: replies that wait for the disk are bounded like replies that wait for the client.
func TestHeldRepliesCountAsOutput(t *testing.T) {
	const size = 400_000
	get, reply := request("GET", "big"), "$"+itoa(size)+"\r\n"+strings.Repeat("x", size)+"\r\n"
	for _, limit := range []string{"normal 0 0 0", "normal 300kb 0 0"} {
		d := newDisk()
		s := startDurable(t, d, persist.Always)
		boss := dial(t, s)
		boss.send(request("SET", "big", strings.Repeat("x", size)) + request("CONFIG", "SET", "client-output-buffer-limit", limit))
		boss.expect("+OK\r\n+OK\r\n")
		gate := make(chan struct{})
		d.begin(vfs.OpSync, nil, gate)
		const clients = 5
		var all []*client
		for i := range clients {
			c := dial(t, s)
			c.send(request("SET", "k"+itoa(i), "1") + strings.Repeat(get, 3))
			all = append(all, c)
		}
		if limit != "normal 0 0 0" {
			for _, c := range all {
				c.expectEnd()
			}
			close(gate)
			continue
		}
		wait(t, "the replies to be accounted for", func() bool { return s.budgets.held(unsent) >= clients*size })
		if held := s.budgets.held(unsent); held > clients*(size+flushBytes) {
			t.Errorf("%d bytes are held: commands ran on", held)
		}
		close(gate)
		for _, c := range all {
			c.expect("+OK\r\n" + reply + reply + reply)
		}
	}
}

func TestTheTimeoutSparesClientsThatAwaitSomething(t *testing.T) {
	d := newDisk()
	s := startDurable(t, d, persist.Always)
	idle, viewer, held, waiting, saving := dial(t, s), dial(t, s), dial(t, s), dial(t, s), dial(t, s)
	idle.send(request("CONFIG", "SET", "timeout", "5"))
	idle.expect("+OK\r\n")
	viewer.send(request("MONITOR"))
	viewer.expect("+OK\r\n")
	gate := make(chan struct{})
	d.begin(vfs.OpSync, nil, gate)
	held.send(request("INCR", "k"))
	waiting.send(request("WAITAOF", "1", "0", "0"))
	saving.send(request("SAVE"))
	patient := func() (n int) {
		s.roster.each(func(c *connection) {
			if c.held.is.Load() || c.session.client.IsPatient() {
				n++
			}
		})
		return n
	}
	wait(t, "all to wait", func() bool { return patient() == 4 })
	s.sweepIdle(100)
	idle.expectEnd()
	close(gate)
	held.expect(":1\r\n")
	waiting.expect("*2\r\n:1\r\n:0\r\n")
	saving.expect("+OK\r\n")
	viewer.send(request("RESET"))
	for line := viewer.lines(1)[0]; line != "+RESET"; line = viewer.lines(1)[0] {
	}
}

// TestASlowClientThatReadsAgainIsServedAtOnce: its next replies come as soon as the socket takes them.
func TestASlowClientThatReadsAgainIsServedAtOnce(t *testing.T) {
	s := start(t, func(c *config.Config) { c.Bind = []string{"unix:" + t.TempDir() + "/s"} }, nil)
	c := dial(t, s)
	get, reply := big(c, 100<<10)
	const n = 300
	c.send(strings.Repeat(get, n))
	wait(t, "replies to wait", func() bool { return s.budgets.held(unsent) > 0 })
	began := time.Now()
	for range n {
		c.expect(reply)
	}
	if took := time.Since(began); took > 3*time.Second { // with a timer instead of Sent it took 4.5 to 6 s
		t.Errorf("%d MB took %v", n/10, took)
	}
}

// TestAStopAnswersClientsThatGoOnSending: each counter has the value that its client was told last. Clients do not wait
// for replies, but the number of requests on their way is bounded, so that the test ends on a slow machine.
func TestAStopAnswersClientsThatGoOnSending(t *testing.T) {
	s := start(t, nil, nil)
	const clients, pipelined, ahead = 4, 16, 1 << 12
	type answer struct {
		told int
		end  error
	}
	var answers [clients]chan answer
	sending := make(chan struct{}, clients)
	for i := range clients {
		c := dial(t, s)
		_ = c.SetDeadline(time.Now().Add(5 * patience)) // for all requests of this client, on a slow machine
		batch := strings.Repeat(request("INCR", fmt.Sprint("n", i)), pipelined)
		window, over := make(chan struct{}, ahead), make(chan struct{})
		go func() {
			for {
				select {
				case window <- struct{}{}:
				case <-over:
					return
				}
				if _, err := io.WriteString(c.Conn, batch); err != nil {
					return
				}
			}
		}()
		answers[i] = make(chan answer, 1)
		go func() {
			for n := 0; ; {
				line, err := c.replies.ReadString('\n')
				if err != nil {
					close(over)
					answers[i] <- answer{n, err}
					_ = c.Close() // the client has seen the end
					return
				}
				if line == fmt.Sprintf(":%d\r\n", n+1) {
					n++
				}
				if n%pipelined == 0 {
					<-window
				}
				if n == 1000 {
					sending <- struct{}{}
				}
			}
		}()
	}
	for range clients {
		<-sending
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	for i := range clients {
		a := <-answers[i]
		if counted := counter(s, fmt.Sprint("n", i)); a.told != counted {
			t.Errorf("%d increments were counted, %d answered, then %v", counted, a.told, a.end)
		}
	}
}

// counter is the value of a key, read on a server without connections.
func counter(s *Server, key string) int {
	k := s.commands.DB.Key([]byte(key))
	tx := s.commands.DB.Lock(k, s.commands.Now())
	defer tx.Unlock()
	return int(tx.Get(k).Int)
}
