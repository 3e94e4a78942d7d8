package loop

import (
	"sync/atomic"
	"syscall"
)

// Handler serves one connection. The loop calls its methods, one at a time.
type Handler interface {
	// Open is called first.
	Open(c *Conn)
	// Input gets bytes that arrived. The handler may use them until it returns.
	Input(chunk []byte)
	// End says that the client has half-closed: it sends no more, but may still read.
	End()
	// Woken is called after Wake, once for any number of calls that come before it.
	Woken()
	// Sent is called when Unsent has changed: the socket has taken some of the waiting bytes, or did not take all that
	// was written.
	Sent()
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
	loop    *Loop
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
}

// Loop is the loop that serves the connection.
func (c *Conn) Loop() *Loop { return c.loop }

// Wake has the handler's Woken called soon. Any goroutine may call it.
func (c *Conn) Wake() {
	if c.woken.Swap(true) {
		return
	}
	c.loop.Post(func() {
		if c.woken.Store(false); !c.closed {
			c.handler.Woken()
		}
	})
}

// Close has the connection closed soon. Any goroutine may call it.
func (c *Conn) Close() { c.loop.Post(c.CloseNow) }

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
	if c.round > 0 {
		c.loop.flush()
	}
	c.closed = true
	c.handler.Closed()
	c.loop.conns[c.fd] = nil
	c.loop.poller.remove(c.fd)
	_ = syscall.Close(c.fd)
	c.backlog = backlog{}
	c.loop.leave()
}

// EndOutput half-closes the connection. Unsent must be 0, because unsent bytes would be lost.
func (c *Conn) EndOutput() {
	if c.round > 0 {
		c.loop.flush()
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
		c.loop.flush()
	}
	return c.backlog.size == 0
}

// Write sends bytes, at the latest when the round ends. It does not keep b.
func (c *Conn) Write(b []byte) {
	l := c.loop
	switch {
	case c.closed || len(b) == 0:
	case c.backlog.size > 0:
		c.backlog.add(b)
	case len(b) >= bulkBytes || len(l.out)+len(b) > roundBytes:
		l.flush()
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
		c.stuck = true
		c.loop.stuck = append(c.loop.stuck, c)
	}
}

// watch has the poller look for what the connection waits for: input, or room for output.
func (c *Conn) watch() {
	want := interest{read: c.reading && !c.ended, write: c.backlog.size > 0}
	if want != c.watched && !c.closed {
		c.watched = want
		c.loop.poller.change(c.fd, want)
	}
}

// ready handles an event of the socket.
func (c *Conn) ready(e event) {
	if e.write && c.backlog.size > 0 {
		if err := c.backlog.send(c.fd); err != nil {
			c.CloseNow()
			return
		}
		c.watch()
		if c.handler.Sent(); c.closed {
			return
		}
	}
	switch {
	case c.reading && !c.ended:
		if e.read || e.broken {
			c.read(e.broken)
		}
	case e.broken:
		c.CloseNow()
	}
}

// read reads once and gives the bytes to the handler.
func (c *Conn) read(broken bool) {
	n, err := read(c.fd, c.loop.chunk)
	switch {
	case n > 0:
		c.handler.Input(c.loop.chunk[:n])
	case err == syscall.EAGAIN:
	case err != nil || broken: // the output has ended too
		c.CloseNow()
	default:
		c.ended = true
		c.watch()
		c.handler.End()
	}
}
