package loop_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/server/loop"
)

const (
	// softUnsent is how many bytes of replies may wait before an answerer runs no further requests.
	softUnsent = 64 << 10
	// mostWaiting is how many bytes of requests an answerer reads while they wait.
	mostWaiting = 16 << 10
)

// desk is the Worker of a loop: the answerers that the loop serves.
type desk struct{ answerers map[*answerer]bool }

func (d *desk) Settle()             {}
func (d *desk) HasTask() bool       { return false }
func (d *desk) IsDue(bool) bool     { return false }
func (d *desk) RunTask(func()) bool { return false }

// answerer is the Handler of a conversation: it answers the requests of a plan, with back-pressure like a server's. It
// also checks in which order the loop calls its methods. Only the loop's goroutine uses it, except for the atomic
// fields and what mu protects.
type answerer struct {
	conn     *loop.Conn
	fault    func(text string)
	key      uint64
	doomed   bool
	random   *rand.Rand
	desk     *desk  // nil while it moves
	input    []byte // requests that have not run
	expected int    // bytes of content that are still to come
	got      int    // bytes of content that have come
	written  int    // bytes of replies
	ended    bool   // the client has half-closed
	ending   bool   // it takes no more requests
	holding  bool   // the next requests wait for released
	released atomic.Bool
	told     int  // what Unsent was at the end of the last call
	unwanted bool // no input is wanted
	closed   chan struct{}

	mu   sync.Mutex // protects over, and keeps the connection from being closed during a Cut
	over bool
}

func newAnswerer(p *plan, fault func(string)) *answerer {
	return &answerer{key: p.key, doomed: p.doomed, fault: fault, random: rand.New(rand.NewPCG(p.key, 4)), closed: make(chan struct{})}
}

// enter checks that a method may be called now.
func (a *answerer) enter(method string) {
	switch {
	case a.over:
		a.fault(method + " is called after Closed")
	case a.desk == nil:
		a.fault(method + " is called while the connection moves")
	case a.desk != a.conn.Loop().Worker():
		a.fault(method + " is called by a loop that does not serve the connection")
	}
}

func (a *answerer) sit() {
	a.desk = a.conn.Loop().Worker().(*desk)
	a.desk.answerers[a] = true
}

func (a *answerer) Open(c *loop.Conn) { a.conn = c; a.sit() }

// Foresee comes first in a round, so Sent has been called for all that the last round wrote.
func (a *answerer) Foresee([]byte) {
	if a.enter("Foresee"); a.conn.Unsent() != a.told {
		a.fault(fmt.Sprintf("%d bytes are unsent in a new round, and Sent was not called since there were %d", a.conn.Unsent(), a.told))
	}
}

func (a *answerer) Input(chunk []byte) {
	if a.enter("Input"); a.unwanted {
		a.fault("input comes that is not wanted")
	}
	a.input = append(a.input, chunk...)
	a.proceed()
}

func (a *answerer) End() {
	a.enter("End")
	if a.ended {
		a.fault("End is called twice")
	}
	a.ended = true
	a.proceed()
}

func (a *answerer) Woken() { a.enter("Woken"); a.proceed() }

func (a *answerer) Sent() { a.enter("Sent"); a.proceed() }

func (a *answerer) Leave() bool {
	a.enter("Leave")
	if a.random.IntN(4) == 0 {
		return false
	}
	delete(a.desk.answerers, a)
	a.desk = nil
	return true
}

func (a *answerer) Moved() {
	if a.desk != nil || a.over {
		a.fault("Moved is called without Leave")
	}
	a.sit()
	a.proceed()
}

func (a *answerer) Closed() {
	if a.desk != nil {
		a.enter("Closed")
		delete(a.desk.answerers, a)
	}
	a.mu.Lock()
	if a.over {
		a.fault("Closed is called twice")
	}
	a.over = true
	a.mu.Unlock()
	close(a.closed)
}

// proceed runs requests as far as the client keeps up.
func (a *answerer) proceed() {
	defer func() { a.told = a.conn.Unsent() }()
	if a.holding && a.released.Load() {
		a.holding = false
	}
	again := true
	for again && !a.holding && !a.ending && a.conn.Unsent() <= softUnsent {
		if again = a.step(); a.conn.IsClosed() {
			return
		}
	}
	if !again && a.ended { // all requests have been answered
		a.ending = true
	}
	if a.ending && a.conn.Flush() {
		a.conn.EndOutput()
		a.conn.CloseNow()
		return
	}
	waits := a.holding || a.conn.Unsent() > softUnsent
	a.unwanted = a.ending || waits && len(a.input) >= mostWaiting
	a.conn.Read(!a.unwanted)
}

// step runs one request. It returns false if none is complete.
func (a *answerer) step() bool {
	if a.expected > 0 {
		return a.takeContent()
	}
	if len(a.input) > 0 && a.input[0] == nothing {
		a.input = a.input[1:]
		return true
	}
	if len(a.input) < requestBytes {
		return false
	}
	kind, n := a.input[0], int(a.input[1])|int(a.input[2])<<8|int(a.input[3])<<16
	a.input = a.input[requestBytes:]
	a.run(kind, n)
	return true
}

// takeContent compares content with its pattern.
func (a *answerer) takeContent() bool {
	n := min(a.expected, len(a.input))
	want := make([]byte, n)
	fill(want, ^a.key, a.got)
	if !bytes.Equal(want, a.input[:n]) {
		a.fault(fmt.Sprintf("the input differs within %d bytes from byte %d of the content on", n, a.got))
	}
	a.input, a.got, a.expected = a.input[n:], a.got+n, a.expected-n
	return n > 0
}

func (a *answerer) run(kind byte, n int) {
	c := a.conn
	switch kind {
	case reply:
		a.write(n)
	case pieces:
		for n > 0 {
			piece := min(n, 1+a.random.IntN(1<<a.random.IntN(17)))
			if a.write(piece); a.random.IntN(8) == 0 {
				c.Flush()
			}
			n -= piece
		}
	case hold:
		a.holding = true
		a.released.Store(false)
		release := func() { a.released.Store(true); c.Wake() }
		switch n % 4 {
		case 0:
			go release()
		case 1:
			release() // perhaps within Woken
		default:
			time.AfterFunc(time.Duration(n)*time.Microsecond, release)
		}
	case wakes:
		for range n {
			go c.Wake()
		}
	case content:
		a.expected = n
	case more:
		buf := make([]byte, 1+a.random.IntN(4<<10))
		a.input = append(a.input, buf[:c.TryRead(buf)]...)
	case bye:
		a.ending = true
	case shut:
		go c.Wake()
		go c.Close()
		go c.Wake()
	case cut:
		go func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			if !a.over {
				c.Cut()
			}
		}()
		runtime.Gosched()
	case neighbor:
		for other := range a.desk.answerers {
			if other.doomed { // it may be this one
				other.conn.CloseNow()
				break
			}
		}
	default:
		a.fault(fmt.Sprintf("the request %q differs", kind))
		c.CloseNow()
	}
}

// write writes the next bytes of the replies.
func (a *answerer) write(n int) {
	b := make([]byte, n)
	fill(b, a.key, a.written)
	a.written += n
	a.conn.Write(b)
}

// describe says how far the conversation has come. Any goroutine may call it.
func (a *answerer) describe() string {
	text := make(chan string, 1)
	runs := a.conn.Loop().Post(func() {
		text <- fmt.Sprintf("the answerer has written %d bytes, of which %d are unsent, and has %d of input; ended %v, ending %v, holding %v, over %v",
			a.written, a.conn.Unsent(), len(a.input), a.ended, a.ending, a.holding, a.over)
	})
	if !runs {
		return "the answerer's loop has ended"
	}
	select {
	case s := <-text:
		return s
	case <-time.After(patience):
		return "the answerer's loop does not run"
	}
}
