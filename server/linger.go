package server

import (
	"time"
)

const (
	// lingerTick is the time between two looks at a lingering connection.
	lingerTick = 20 * time.Millisecond
	// A connection is closed if the client has sent nothing for more than quietLooks looks in a row and has confirmed
	// all output. On systems that do not tell whether it has, blindLooks are needed: three seconds. Looks are counted,
	// not time: a server that gets no processor for a while does not look.
	quietLooks = 1
	blindLooks = 150
)

// drain is the last input of a connection when the server shuts down: it takes the bytes that are readable in the
// socket at this moment, runs them, and ends. It reads no more than a full receive buffer, so that a client that keeps
// sending cannot delay the end.
func (c *connection) drain() {
	buffer := c.worker.drainBuffer()
	readable := c.conn.ReceiveBuffer()
	for n := len(buffer); readable > 0 && n > 0 && c.phase < ending && !c.conn.IsClosed(); readable -= n {
		c.worker.Settle() // commands that are read now go by a later reading of the clocks than those before
		if n = c.conn.TryRead(buffer); n > 0 {
			c.active.Store(c.server.seconds.Load())
			c.worker.executor.Received(n)
			c.proceed(buffer[:n])
		}
	}
	if c.last = true; !c.conn.IsClosed() {
		c.proceed(nil)
	}
}

// beginLinger is called when an ending connection has sent everything. It returns false if the connection can be
// closed.
//
// When the server shuts down, a client may be sending while its connection is closed. If input arrives after a close,
// the kernel answers it with a reset and discards output that is still on its way to the client: replies to commands
// that have run. So the server half-closes, and reads and discards input, until the client closes, or is silent and has
// all its replies. Where the system does not tell whether the client has them, the server waits for some seconds of
// silence.
func (c *connection) beginLinger() bool {
	if !c.last || c.ended {
		return false
	}
	idle := c.server.seconds.Load()-c.active.Load() > activeSeconds
	if left, known := c.conn.Unacknowledged(); idle && known && left == 0 {
		return false
	}
	c.phase, c.quiet = lingering, 1
	c.conn.EndOutput()
	c.conn.Read(true)
	c.lingerOn()
	return true
}

// lingerOn has linger called after a while.
func (c *connection) lingerOn() {
	if c.timer != nil {
		c.timer.Stop()
	}
	c.timer = time.AfterFunc(lingerTick, c.conn.Wake)
}

// linger closes the connection if the client needs it no more. Each look comes in a round of its own, after the input
// that arrived before that round.
func (c *connection) linger() {
	c.quiet++
	left, known := c.conn.Unacknowledged()
	if known && left == 0 && c.quiet > quietLooks || !known && c.quiet > blindLooks {
		c.conn.CloseNow()
		return
	}
	c.lingerOn()
}
