// Package loop moves bytes between sockets and their handlers: a few event loops, each one goroutine with many
// connections.
//
// A loop works in rounds: it waits until sockets are ready, reads from each of them once, gives the bytes to the
// connections' Handlers, runs functions that other goroutines have posted, and writes the replies at the end of the
// round. So the code and the data of each step are in the processor's cache, the replies to many clients leave
// together, and a client that they wake finds the server idle.
//
// At the end of a round a loop may have a task that takes long, such as an fsync: see task.go. The replies that do not
// depend on it leave before it.
//
// The loop can be told not to read from a connection: then the socket's buffers stop its client. A connection is still
// served after its client has half-closed.
//
// The fewer loops, the larger their rounds. So connections are served by as many loops as the load needs: see
// balance.go.
//
// Invariants: only its loop's goroutine uses a Conn, except where a method says otherwise (the goroutine changes when a
// task takes too long); no Handler may wait; written
// bytes are sent in order, whichever part of them had to wait for the socket, also when the connection moves to another
// loop meanwhile.
package loop

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// chunkBytes is how much is read from a connection at once. inputBytes is how much is read from all connections
	// before any of it is handled.
	chunkBytes = 64 << 10
	inputBytes = 4 * chunkBytes
	// roundBytes is how many bytes of replies are collected before they are written. A reply of bulkBytes or more is
	// written at once, without a copy.
	roundBytes = 256 << 10
	bulkBytes  = 16 << 10
	// yieldEvery is the time after which a loop that is about to wait first calls runtime.Gosched. If no goroutine was
	// scheduled on a processor for 10 ms, the runtime's monitor takes the processor away in the next system call, and
	// then looks at it every 20 us for some milliseconds. That costs up to 4% of a core.
	yieldEvery = 7 * time.Millisecond
)

// Loop is one event loop.
type Loop struct {
	group    *Group
	worker   Worker
	poller   poller
	conns    []*Conn   // by descriptor; nil: none of this loop's
	events   []event   // of the round
	input    []byte    // memory that sockets are read into
	arrivals []arrival // reads whose bytes are not handled yet
	out      []byte    // replies of this round that are not written yet
	parts    []part    // the connections that the replies belong to, in order
	stuck    []*Conn   // connections whose sockets did not take everything
	came     int       // bytes read in this round
	eager    bool      // the next round is likely to find something at once
	again    bool      // the last RunTask has asked for another one
	stopped  bool
	meter    meter
	yielded  time.Time // when the loop last called Gosched

	task     uint64        // number of the last task
	inTask   atomic.Uint64 // number of the task that runs now; 0: none, or another goroutine has taken over the loop
	handOver func()        // HandOver

	mu      sync.Mutex // protects the fields below
	asleep  bool       // the loop waits, or is about to: whoever posts must wake it
	posted  []func()   // functions that the loop has to run
	roused  []*Conn    // connections whose handlers are to be told of a Wake
	size    int        // number of connections, including those on their way to the loop
	ended   bool       // no posted function runs any more
	spare   []func()   // memory for the next posted; used by the loop only
	resting []*Conn    // the same for roused
}

// part is a piece of Loop.out.
type part struct {
	conn *Conn
	size int
}

func newLoop(g *Group, w Worker) (*Loop, error) {
	l := &Loop{group: g, worker: w, input: make([]byte, inputBytes)}
	l.handOver = l.HandOver
	l.meter.waits.Store(true) // until it runs
	return l, l.poller.open()
}

// Worker is the state that the handlers of the loop share.
func (l *Loop) Worker() Worker { return l.worker }

// Post has the loop run fn soon, between calls of handlers. It returns false if the loop has ended; then fn never runs.
// Any goroutine may call it.
func (l *Loop) Post(fn func()) bool {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return false
	}
	l.append(fn)
	l.mu.Unlock()
	return true
}

// append adds a posted function. The caller holds mu, and the loop has not ended.
func (l *Loop) append(fn func()) {
	l.wakeUp()
	l.posted = append(l.posted, fn)
}

// rouse has the loop tell the handler of a connection of a Wake. It returns false if the loop has ended.
func (l *Loop) rouse(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.wakeUp()
	l.roused = append(l.roused, c)
	return true
}

// wakeUp ends the loop's wait. The caller holds mu, because the descriptor of an ended loop may be used by another
// file.
func (l *Loop) wakeUp() {
	if l.asleep {
		l.asleep = false
		l.poller.wake()
	}
}

// fallAsleep is called before the loop waits. It returns false if something has been posted.
func (l *Loop) fallAsleep() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asleep = len(l.posted)+len(l.roused) == 0
	return l.asleep
}

// awake is called when the wait is over.
func (l *Loop) awake() {
	l.mu.Lock()
	l.asleep = false
	l.mu.Unlock()
}

// run is the loop. It ends after a posted function that sets stopped.
func (l *Loop) run() {
	l.meter.start()
	l.goOn()
}

// goOn runs rounds until the loop is stopped, or another goroutine has taken it over.
func (l *Loop) goOn() {
	for !l.stopped {
		l.wait()
		l.serve()
		l.runPosted()
		if !l.runTask() {
			return
		}
		l.endRound()
	}
	l.end()
}

// endRound sends the round's replies.
func (l *Loop) endRound() {
	l.flush()
	l.tellStuck()
	if l.meter.round(l.came) {
		l.balance()
	}
}

// end closes the loop.
func (l *Loop) end() {
	defer l.group.running.Done()
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.runPosted()
	for _, c := range l.conns {
		if c != nil {
			c.CloseNow()
		}
	}
	l.poller.close()
}

// wait waits for the next round. A system call that cannot block costs less than one that can, but is wasted if nothing
// is ready. So it comes first only if the last round makes it likely that something is ready.
func (l *Loop) wait() {
	woken, soon := false, l.hasTask()
	if l.eager || soon {
		if l.events, woken = l.poller.ready(l.events[:0]); woken || len(l.events) > 0 || soon {
			return
		}
		if l.group.yields {
			runtime.Gosched()
		}
	}
	l.meter.wait()
	if now := l.meter.paused; now.Sub(l.yielded) > yieldEvery {
		l.yielded = now
		runtime.Gosched()
	}
	if l.events = l.events[:0]; !l.fallAsleep() {
		l.meter.resume()
		return
	}
	l.events, woken = l.poller.await(l.events)
	l.meter.resume()
	l.awake()
	l.eager = woken || len(l.events) > 1 || l.group.yields
}

// serve reads from all sockets that are ready, and then has their handlers handle the input. If the input does not fit
// into the loop's memory, this happens in several steps.
func (l *Loop) serve() {
	l.came = 0
	for rest := l.events; len(rest) > 0; {
		input := l.input
		for ; len(rest) > 0 && len(input) >= chunkBytes; rest = rest[1:] {
			if c := l.at(rest[0].fd); c != nil {
				n := c.ready(rest[0], input[:chunkBytes:chunkBytes])
				input, l.came = input[n:], l.came+n
			}
		}
		if len(l.arrivals) > 1 {
			for _, a := range l.arrivals {
				a.conn.foresee(a)
			}
		}
		for i, a := range l.arrivals {
			a.conn.take(a)
			l.arrivals[i] = arrival{}
		}
		l.arrivals = l.arrivals[:0]
		l.worker.Settle()
	}
}

// at is the connection with a descriptor; nil if it was closed in this round.
func (l *Loop) at(fd int) *Conn {
	if fd < len(l.conns) {
		return l.conns[fd]
	}
	return nil
}

// runPosted runs the functions that other goroutines have posted until now.
func (l *Loop) runPosted() {
	l.mu.Lock()
	posted, roused := l.posted, l.roused
	l.posted, l.roused = l.spare[:0], l.resting[:0]
	l.mu.Unlock()
	for _, fn := range posted {
		fn()
	}
	for _, c := range roused {
		c.rouse(l)
	}
	l.worker.Settle()
	clear(posted)
	clear(roused)
	l.spare, l.resting = posted, roused
}

// flush writes the round's replies.
func (l *Loop) flush() {
	if len(l.parts) == 0 {
		return
	}
	l.worker.Settle()
	rest := l.out
	for i, p := range l.parts {
		bytes := rest[:p.size]
		rest = rest[p.size:]
		p.conn.round -= p.size
		p.conn.push(bytes)
		l.parts[i].conn = nil
	}
	l.out, l.parts = l.out[:0], l.parts[:0]
}

// tellStuck tells the handlers of connections whose sockets did not take everything in this round.
func (l *Loop) tellStuck() {
	for len(l.stuck) > 0 { // a handler may write more when it is told
		stuck := l.stuck
		l.stuck = nil
		for _, c := range stuck {
			if c.stuck = false; !c.closed {
				c.handler.Sent()
			}
		}
		l.worker.Settle()
		l.flush()
	}
}

// enroll gives the loop a connection.
func (l *Loop) enroll(c *Conn) error {
	if err := l.poller.add(c.fd); err != nil {
		return err
	}
	for len(l.conns) <= c.fd {
		l.conns = append(l.conns, nil)
	}
	l.conns[c.fd] = c
	return nil
}

// leave counts one connection less.
func (l *Loop) leave() {
	l.mu.Lock()
	l.size--
	l.mu.Unlock()
}

// load is how many connections the loop has.
func (l *Loop) load() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}
