package server

import (
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/quotadb/quota-db/command"
)

// phase is what a connection does with what arrives.
type phase uint8

const (
	serving phase = iota // runs commands as they come
	stalled              // the client is behind with reading: its commands wait in the reader
	ending               // takes nothing more and closes when the last reply has left
)

// connection ties a session to its socket.
type connection struct {
	gnet.Conn
	server        *Server
	session       session
	worker        *worker
	remote, local string
	active        atomic.Int64 // when the client last sent something, on the server's coarse clock; any goroutine reads it
	phase         phase
	timer         *time.Timer // wakes the connection when its client has waited; nil until one has to
	unsent        int         // bytes of replies that waited in gnet's buffer when last settled; a part of Server.unsent
	overSince     int64       // when the client went over its soft limit, a second more than on the coarse clock; 0: it is not
	held          held        // replies that wait until what they tell of is safe
	opened        bool        // the loop has it
	last          bool        // the server shuts down and what had arrived has been read
}

func (s *Server) newConnection(conn net.Conn) *connection {
	remote, local := conn.RemoteAddr().String(), conn.LocalAddr().String()
	if conn.LocalAddr().Network() == "unix" { // clients of a unix socket have no name of their own; Redis shows the path
		local += ":0"
		remote = local
	}
	return &connection{server: s, remote: remote, local: local}
}

// open begins the session, on the connection's loop.
func (c *connection) open(conn gnet.Conn) {
	s := c.server
	c.Conn = conn
	c.worker = s.workers.of(conn.EventLoop(), s.commands)
	client := s.commands.Connect(c.remote, c.local, command.Connection{
		Rouse: func() { _ = conn.Wake(nil) },
		Close: func() { hangUp(conn) },
	})
	c.session = newSession(s.commands, client, &c.worker.parsed, &s.unread)
	c.active.Store(s.seconds.Load())
	c.opened = true
	s.roster.enter(c)
}

// hangUp ends a connection from any goroutine: its client sees the end when hangUp returns, as with Redis when CLIENT
// KILL is answered, and its loop closes it soon. The descriptor is still the connection's: the client that is ended has
// not left command.Server yet, and cannot meanwhile.
func hangUp(conn gnet.Conn) {
	_ = syscall.Shutdown(conn.Fd(), syscall.SHUT_RDWR)
	_ = conn.Close()
}

// close ends the session, on the connection's loop. The socket is closed right after.
func (c *connection) close() {
	s := c.server
	s.stalls.remove(c)
	if c.timer != nil {
		c.timer.Stop()
	}
	s.unsent.Add(-int64(c.unsent))
	c.session.close()
	s.commands.Disconnect(c.session.client)
	s.roster.leave(c)
}

// traffic is called with bytes that arrived, and with none when the connection was woken.
func (c *connection) traffic(chunk []byte) gnet.Action {
	if now := c.server.seconds.Load(); len(chunk) > 0 && c.phase != ending && c.active.Load() != now {
		c.active.Store(now)
	}
	if c.server.draining.Load() && !c.last {
		return c.drain(chunk)
	}
	if c.last {
		chunk = nil // came after the end
	}
	return c.consume(chunk)
}

// consume gives bytes to the session, sends what it answers as far as the client keeps up, and sees to what remains
// unsent.
func (c *connection) consume(chunk []byte) gnet.Action {
	if c.phase != ending && !c.advance(chunk) {
		return gnet.Close
	}
	if len(chunk) == 0 && !c.sendPushed() {
		return gnet.Close
	}
	return c.settle()
}

// advance runs commands as long as there are any and the client takes the replies. It is false when the connection
// must close at once.
func (c *connection) advance(chunk []byte) bool {
	if len(chunk) > 0 {
		c.worker.executor.Received(len(chunk))
	}
	c.session.feed(chunk)
	for c.keepsUp() {
		state, alive := c.answer()
		if !alive {
			return false
		}
		if state == holding {
			break
		}
		if state == finished || state != ready && c.last {
			c.phase = ending
			c.active.Store(c.server.seconds.Load())
			return true
		}
		if state == waiting {
			c.wakeLater()
		}
		if state != ready {
			break
		}
	}
	return c.keep()
}

// wakeLater wakes the connection when its client has waited long enough.
func (c *connection) wakeLater() {
	wait := c.session.client.Wait()
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, func() { _ = c.Wake(nil) })
	} else {
		c.timer.Reset(wait)
	}
}

// sendPushed sends what the client gets beside its replies, unless it is behind with reading. It is false when the connection must close.
func (c *connection) sendPushed() bool {
	if c.phase == ending || c.OutboundBuffered() > c.server.limits.softOutput {
		return true
	}
	if pushed := c.session.client.TakePushed(); len(pushed) > 0 {
		_, err := c.Write(pushed)
		return err == nil
	}
	return true
}

// keepsUp says whether the client takes its replies fast enough to have more commands run. Once it is behind it must
// have taken half of what waited.
func (c *connection) keepsUp() bool {
	limit := c.server.limits.softOutput
	if c.phase == stalled {
		limit /= 2
	}
	c.phase = serving
	if c.OutboundBuffered() > limit {
		c.phase = stalled
	}
	return c.phase == serving
}

// send writes replies and takes their buffer back. It is false when the connection must close.
func (c *connection) send(replies []byte) bool {
	defer c.worker.keep(replies)
	if len(replies) == 0 {
		return true
	}
	limit := c.server.limits.hardOutput
	if hard := c.server.commands.Params.OutputLimit().Hard; hard > 0 {
		limit = int(min(int64(limit), hard))
	}
	if waiting := c.OutboundBuffered() + len(replies); waiting > limit {
		c.server.log.Warn("client closed: too many bytes of replies", "remote", c.remote, "bytes", waiting, "limit", limit)
		return false
	}
	c.worker.executor.Sent(len(replies))
	_, err := c.Write(replies)
	return err == nil
}

// keep ends the session's round. It is false when the connection must close.
func (c *connection) keep() bool {
	total := c.session.keep()
	if total > c.server.limits.unread {
		c.server.log.Warn("client closed: too much unread input of all clients", "remote", c.remote,
			"bytes", c.session.held, "total", total, "limit", c.server.limits.unread)
		return false
	}
	return true
}

// settle accounts for what the client has not taken yet, has the connection woken as long as there is any, and
// closes one that is ending when there is none.
func (c *connection) settle() gnet.Action {
	s := c.server
	unsent := c.OutboundBuffered()
	if unsent == 0 && c.phase == ending {
		return gnet.Close
	}
	if unsent == 0 && c.unsent == 0 {
		return gnet.None // nearly always
	}
	grown := unsent - c.unsent
	total := s.unsent.Add(int64(grown))
	c.unsent = unsent
	c.session.client.Output.Store(int64(unsent))
	if unsent == 0 {
		c.overSince = 0
		s.stalls.remove(c)
		return gnet.None
	}
	s.stalls.add(c, unsent)
	if c.isOverSoft(unsent) {
		s.log.Warn("client closed: many bytes of replies for long", "remote", c.remote, "bytes", unsent)
		return gnet.Close
	}
	if grown > 0 && total > s.limits.unsent {
		s.log.Warn("client closed: too many unsent replies of all clients", "remote", c.remote,
			"bytes", unsent, "total", total, "limit", s.limits.unsent)
		return gnet.Close
	}
	if c.phase == ending && s.seconds.Load()-c.active.Load() >= endSeconds {
		return gnet.Close
	}
	return gnet.None
}

// isOverSoft reports whether the client has had too much waiting for longer than client-output-buffer-limit allows.
func (c *connection) isOverSoft(unsent int) bool {
	limit := c.server.commands.Params.OutputLimit()
	if limit.Soft == 0 || int64(unsent) < limit.Soft {
		c.overSince = 0
		return false
	}
	now := c.server.seconds.Load()
	if c.overSince == 0 {
		c.overSince = now + 1 // so that 0 stays "not over"
	}
	return now+1-c.overSince >= limit.SoftSeconds
}
