package loop

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// ErrStopped is returned by Serve once the loops have been stopped.
var ErrStopped = errors.New("the event loops have been stopped")

// Options say how a Group works. The zero value is one loop.
type Options struct {
	Loops int // the largest number of loops that serve connections
	// Worker makes the state that the handlers of one loop share; nil: they share none.
	Worker func() Worker
	// Yields says that all goroutines share one processor (GOMAXPROCS=1).
	Yields bool
}

// Worker is state that the handlers of one loop share. Only the loop's goroutine uses it.
type Worker interface {
	// Settle is called when all input that was read together has been handled, before any more is read, and before
	// replies leave.
	Settle()
	// HasTask reports whether something waits for RunTask. Then the next round does not wait for input.
	HasTask() bool
	// IsDue is asked at the end of a round, before its replies leave, if there is a task or again is true, which is the
	// result of the last RunTask. If it returns true, the replies leave, and RunTask is called.
	IsDue(again bool) bool
	// RunTask may take long. It must use nothing that the handlers of the loop use, because another goroutine runs the
	// loop as soon as handOver is called. What it posts to the loop runs in the same round. If it returns true, the
	// next round does not wait for input, and RunTask may be called again at its end.
	RunTask(handOver func()) (again bool)
}

// idler is a Worker that shares nothing.
type idler struct{}

func (idler) Settle()             {}
func (idler) HasTask() bool       { return false }
func (idler) IsDue(bool) bool     { return false }
func (idler) RunTask(func()) bool { return false }

// Group is several loops that share the connections.
type Group struct {
	loops   []*Loop
	running sync.WaitGroup
	yields  bool
	balance balance
}

// Start starts loops.
func Start(o Options) (*Group, error) {
	g := &Group{yields: o.Yields}
	g.balance = balance{active: 1, most: max(o.Loops, 1), loads: make([]load, max(o.Loops, 1)), hasProcessor: new(idleTime).hasProcessor}
	for range max(o.Loops, 1) {
		worker := Worker(idler{})
		if o.Worker != nil {
			worker = o.Worker()
		}
		l, err := newLoop(g, worker)
		if err != nil {
			g.Stop()
			return nil, fmt.Errorf("start event loop: %w", err)
		}
		g.loops = append(g.loops, l)
		g.running.Add(1) // until the loop has ended, whichever goroutine runs it
		go l.run()
	}
	return g, nil
}

// Serve gives a connection to the loop with the fewest connections among those that serve, which calls h.Open. Serve
// returns when the loop has the connection. conn is closed: the loop has a descriptor of its own.
func (g *Group) Serve(conn net.Conn, h Handler) error {
	fd, err := detach(conn)
	if err != nil {
		return err
	}
	l := g.fewest()
	c := &Conn{fd: fd, handler: h, reading: true, watched: interest{read: true}}
	c.loop.Store(l)
	result := make(chan error, 1)
	if !l.Post(func() { result <- l.begin(c) }) {
		l.leave()
		_ = syscall.Close(fd)
		return ErrStopped
	}
	return <-result
}

// begin gives a connection to the loop.
func (l *Loop) begin(c *Conn) error {
	if l.stopped {
		l.leave()
		_ = syscall.Close(c.fd)
		return ErrStopped
	}
	if err := l.enroll(c); err != nil {
		l.leave()
		_ = syscall.Close(c.fd)
		return err
	}
	c.handler.Open(c)
	return nil
}

// Each has every loop run fn soon. When all loops have run it, one of them calls passed, once: work that a loop had
// begun before Each is over by then. Without loops passed is called at once. Any goroutine may call Each.
func (g *Group) Each(fn func(*Loop), passed func()) {
	count := newCountdown(len(g.loops), passed)
	for _, l := range g.loops {
		if !l.Post(func() { fn(l); count.done() }) {
			count.done()
		}
	}
}

// Stop ends the loops and waits for their ends. They close their connections.
func (g *Group) Stop() {
	for _, l := range g.loops {
		l.Post(func() { l.stopped = true })
	}
	g.running.Wait()
}

// detach makes a descriptor of its own for the loop, and closes conn.
func detach(conn net.Conn) (fd int, err error) {
	defer func() { _ = conn.Close() }()
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("a %T has no descriptor", conn)
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return -1, err
	}
	if cerr := rc.Control(func(original uintptr) { fd, err = duplicate(int(original)) }); cerr != nil {
		return -1, cerr
	}
	return fd, os.NewSyscallError("dup", err)
}
