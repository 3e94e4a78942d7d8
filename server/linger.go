package server

import (
	"time"
)

const (
	// lingerTick is the time between two looks at a connection that lingers.
	lingerTick = 20 * time.Millisecond
	// quietLooks is how many looks in a row must have found that the client has sent nothing since the one before, until
	// the connection of a client that has everything is closed; blindLooks on systems that do not tell whether it has:
	// three seconds. Looks are counted, and not time: a server that gets no processor for a while does not look.
	quietLooks = 1
	blindLooks = 150
)

// drain is the last traffic of a connection when the server shuts down: it takes what lies readable in the socket at this
// moment, runs it, and ends. It reads no more than a full receive buffer, so that a client that goes on sending cannot
// delay the end.
func (c *connection) drain() {
	buffer := c.worker.drainBuffer()
	readable := c.conn.ReceiveBuffer()
	for n := len(buffer); readable > 0 && n > 0 && c.phase < ending && !c.conn.IsClosed(); readable -= n {
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

// beginLinger is called when a connection that is ending has sent everything. It is false when the connection can close.
//
// When the server shuts down, a client may be sending while its connection closes. The kernel answers what it sends after
// a close with a reset, and throws away what is still on its way to the client: replies to commands that were run. So the
// client is told that nothing more comes, and what it still sends is read and thrown away, until it closes, or sends
// nothing and has all its replies. Where the system does not tell whether it has them, it gets some seconds of silence.
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

// linger looks whether the client can do without its connection. Each look comes in a round of its own, behind what the
// client had sent before that round.
func (c *connection) linger() {
	c.quiet++
	left, known := c.conn.Unacknowledged()
	if known && left == 0 && c.quiet > quietLooks || !known && c.quiet > blindLooks {
		c.conn.CloseNow()
		return
	}
	c.lingerOn()
}
