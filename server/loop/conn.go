package loop

import (
	"sync/atomic"
	"syscall"
)

// Handler serves one connection. The loop calls its methods, one at a time.
type Handler interface {
	// Open is called first.
	Open(c *Conn)
	// Foresee gets the bytes that Input will get soon. When a round has input of several connections, Foresee is called
	// for all of them before Input is called for the first. The handler may prepare, but neither write nor close.
	Foresee(chunk []byte)
	// Input gets bytes that arrived. The handler may use them until it returns.
	Input(chunk []byte)
	// End says that the client has half-closed: it sends no more, but may still read.
	End()
	// Woken is called after Wake, once for any number of calls that come before it.
	Woken()
	// Sent is called when Unsent has changed: the socket has taken some of the waiting bytes, or did not take all that
	// was written.
	Sent()
	// Leave asks whether the connection may move to another loop. If the handler returns true, it must use nothing of
	// the old loop any more, and no method but Moved or Closed is called next.
	Leave() bool
	// Moved is called on the new loop, before any other method.
	Moved()
	// Closed is called last. The descriptor is closed right after.
	Closed()
}

// Conn is a connection of a loop. Package server uses all of its exported methods, so a second driver, as for TLS, must
// have them too:
//
//	output             Write, Unsent, Flush
//	input              Read, which stops and continues it
//	end                CloseNow, IsClosed; EndOutput and Unacknowledged to close without losing replies
//	stop of the server TryRead and ReceiveBuffer, for what has arrived and was not read
//	any goroutine      Wake, Close, Cut; Loop
type Conn struct {
	loop    atomic.Pointer[Loop]
	fd      int
	handler Handler
	backlog backlog
	round   int  // bytes in Loop.out
	reading bool // the handler wants input
	ended   bool // the client has half-closed
	watched interest
	stuck   bool // in Loop.stuck
	closed  bool
	woken   atomic.Bool // Woken is on its way
	away    bool        // it has left one loop, and the next loop has not enrolled it yet
	traffic int         // bytes read since Loop.meter began its window
}

// arrival is the result of one read from a connection.
type arrival struct {
	conn   *Conn
	chunk  []byte
	err    error // nil and an empty chunk: the client has half-closed
	broken bool  // as in the event
}

// Loop is the loop that serves the connection, until the connection moves.
func (c *Conn) Loop() *Loop { return c.loop.Load() }

// post has the loop that serves the connection run fn soon. If the connection moves, fn follows it.
func (c *Conn) post(fn func()) {
	l := c.loop.Load()
	l.Post(func() {
		if c.loop.Load() != l || c.away { // it has moved away, or is on its way back
			c.post(fn)
			return
		}
		fn()
	})
}

// Wake has the handler's Woken called soon. Any goroutine may call it.
func (c *Conn) Wake() {
	if !c.woken.Swap(true) {
		c.loop.Load().rouse(c)
	}
}

// rouse calls the handler's Woken. If the connection has moved, the next loop does.
func (c *Conn) rouse(l *Loop) {
	if now := c.loop.Load(); now != l || c.away {
		now.rouse(c)
		return
	}
	if c.woken.Store(false); !c.closed {
		c.handler.Woken()
	}
}

// Close has the connection closed soon. Any goroutine may call it.
func (c *Conn) Close() { c.post(c.CloseNow) }

// Cut ends the connection in both directions, so that the client sees the end when Cut returns, and has the connection
// closed soon. Any goroutine may call it, if it keeps Handler.Closed from returning meanwhile: otherwise the descriptor
// may belong to another connection.
func (c *Conn) Cut() {
	_ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR)
	c.Close()
}

// CloseNow closes the connection.
func (c *Conn) CloseNow() {
	if c.closed {
		return
	}
	l := c.loop.Load()
	if c.round > 0 {
		l.flush()
	}
	c.closed = true
	c.handler.Closed()
	l.conns[c.fd] = nil
	l.poller.remove(c.fd)
	_ = syscall.Close(c.fd)
	c.backlog = backlog{}
	l.leave()
}

// EndOutput half-closes the connection. Unsent must be 0, because unsent bytes would be lost.
func (c *Conn) EndOutput() {
	if c.round > 0 {
		c.loop.Load().flush()
	}
	_ = syscall.Shutdown(c.fd, syscall.SHUT_WR)
}

// Read says whether input is wanted. If it is not, none is read, and the client can send only as much as the socket's
// buffers hold.
func (c *Conn) Read(wanted bool) {
	if c.reading != wanted {
		c.reading = wanted
		c.watch()
	}
}

// TryRead reads bytes that have arrived into buf. n is 0 if there are none, also at the end of the input.
func (c *Conn) TryRead(buf []byte) (n int) {
	if n, _ = read(c.fd, buf); n < 0 {
		return 0
	}
	return n
}

// ReceiveBuffer is how many bytes the socket's receive buffer can hold; 0 if the system does not tell.
func (c *Conn) ReceiveBuffer() int {
	n, err := syscall.GetsockoptInt(c.fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	if err != nil {
		return 0
	}
	return n
}

// IsClosed reports whether the connection has been closed.
func (c *Conn) IsClosed() bool { return c.closed }

// Unacknowledged is how many written bytes the other side has not confirmed. known is false where the system does not
// tell.
func (c *Conn) Unacknowledged() (bytes int, known bool) { return unacknowledged(c.fd) }

// Unsent is how many bytes the socket has not taken. Bytes written in this round do not count as long as they have not
// been offered to the socket.
func (c *Conn) Unsent() int { return c.backlog.size }

// Flush writes the replies of this round, and reports whether everything has left.
func (c *Conn) Flush() bool {
	if c.round > 0 {
		c.loop.Load().flush()
	}
	return c.backlog.size == 0
}

// Write sends bytes, at the latest when the round ends. It does not keep b.
func (c *Conn) Write(b []byte) {
	l := c.loop.Load()
	switch {
	case c.closed || len(b) == 0:
	case c.backlog.size > 0:
		if c.backlog.add(b); len(b) >= bulkBytes {
			l.worker.Settle() // the copy has taken time
		}
	case len(b) >= bulkBytes || len(l.out)+len(b) > roundBytes:
		l.flush()
		l.worker.Settle()
		c.push(b)
	default:
		l.out = append(l.out, b...)
		c.round += len(b)
		if n := len(l.parts); n > 0 && l.parts[n-1].conn == c {
			l.parts[n-1].size += len(b)
		} else {
			l.parts = append(l.parts, part{c, len(b)})
		}
	}
}

// push writes to the socket, and keeps the bytes that the socket does not take. A broken connection is closed soon.
func (c *Conn) push(b []byte) {
	if c.closed {
		return
	}
	if c.backlog.size == 0 {
		n, err := write(c.fd, b)
		if err != nil && err != syscall.EAGAIN {
			c.Close()
			return
		}
		if b = b[max(n, 0):]; len(b) == 0 {
			return
		}
	}
	c.backlog.add(b)
	c.watch()
	if !c.stuck {
		l := c.loop.Load()
		c.stuck = true
		l.stuck = append(l.stuck, c)
	}
}

// watch has the poller look for what the connection waits for: input, or room for output.
func (c *Conn) watch() {
	want := interest{read: c.reading && !c.ended, write: c.backlog.size > 0}
	if want != c.watched && !c.closed {
		c.watched = want
		c.loop.Load().poller.change(c.fd, want)
	}
}

// ready handles an event of the socket. Input that it reads into buf is handled by take, after all sockets have been
// read.
func (c *Conn) ready(e event, buf []byte) (n int) {
	if e.write && c.backlog.size > 0 {
		if err := c.backlog.send(c.fd); err != nil {
			c.CloseNow()
			return 0
		}
		c.watch()
		c.handler.Sent()
		c.loop.Load().worker.Settle() // more is read from sockets now
		if c.closed {
			return 0
		}
	}
	switch {
	case c.reading && !c.ended:
		if e.read || e.broken {
			n, err := read(c.fd, buf)
			n = max(n, 0)
			c.traffic += n
			l := c.loop.Load()
			l.arrivals = append(l.arrivals, arrival{c, buf[:n:n], err, e.broken})
			return n
		}
	case e.broken:
		c.CloseNow()
	}
	return 0
}

// foresee shows the handler the bytes that it will get.
func (c *Conn) foresee(a arrival) {
	if len(a.chunk) > 0 && !c.closed {
		c.handler.Foresee(a.chunk)
	}
}

// take gives the bytes that were read to the handler.
func (c *Conn) take(a arrival) {
	switch {
	case c.closed: // another handler closed it in this round
	case len(a.chunk) > 0:
		c.handler.Input(a.chunk)
	case a.err == syscall.EAGAIN:
	case a.err != nil || a.broken: // the output has ended too
		c.CloseNow()
	default:
		c.ended = true
		c.watch()
		c.handler.End()
	}
}
