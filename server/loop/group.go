package loop

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// ErrStopped is what Serve answers once the loops have been stopped.
var ErrStopped = errors.New("the event loops have been stopped")

// Group is several loops that share the connections.
type Group struct {
	loops   []*Loop
	running sync.WaitGroup
}

// Start starts n loops.
func Start(n int) (*Group, error) {
	g := &Group{}
	for range n {
		l, err := newLoop()
		if err != nil {
			g.Stop()
			return nil, fmt.Errorf("start event loop: %w", err)
		}
		g.loops = append(g.loops, l)
		g.running.Go(l.run)
	}
	return g, nil
}

// Serve gives a connection to the loop that has the fewest, which calls h.Open, and returns when the loop has it. conn is
// closed: the loop has its own descriptor.
func (g *Group) Serve(conn net.Conn, h Handler) error {
	fd, err := detach(conn)
	if err != nil {
		return err
	}
	l := g.fewest()
	result := make(chan error, 1)
	if !l.Post(func() {
		result <- l.begin(&Conn{loop: l, fd: fd, handler: h, reading: true, watched: interest{read: true}})
	}) {
		l.leave()
		_ = syscall.Close(fd)
		return ErrStopped
	}
	return <-result
}

// begin makes a connection the loop's.
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

// fewest is the loop with the fewest connections, one more from now on.
func (g *Group) fewest() *Loop {
	best := g.loops[0]
	for _, l := range g.loops[1:] {
		if l.load() < best.load() {
			best = l
		}
	}
	best.mu.Lock()
	best.size++
	best.mu.Unlock()
	return best
}

// Each has every loop run fn soon. passed is called once, by one of them, when all have: what a loop had begun before is
// then over. It is called at once when there are no loops. Any goroutine may call Each.
func (g *Group) Each(fn func(*Loop), passed func()) {
	count := newCountdown(len(g.loops), passed)
	for _, l := range g.loops {
		if !l.Post(func() { fn(l); count.done() }) {
			count.done()
		}
	}
}

// Stop ends the loops, which close their connections, and waits for them.
func (g *Group) Stop() {
	for _, l := range g.loops {
		l.Post(func() { l.stopped = true })
	}
	g.running.Wait()
}

// detach makes a descriptor for the loop of its own, and closes conn.
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
