package server

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/server/loop"
)

// phase is what a connection does with what arrives.
type phase uint8

const (
	serving   phase = iota // runs commands as they come
	stalled                // the client is behind with reading: its commands wait, and no more are read
	ending                 // takes nothing more and closes when the last reply has left
	lingering              // has told the client that nothing more comes, and throws away what it still sends: see linger.go
)

// connection ties a session to its socket. It is the loop's Handler.
type connection struct {
	conn          *loop.Conn
	server        *Server
	session       session
	worker        *worker
	remote, local string
	active        atomic.Int64 // when the client last sent something or got a late reply, on the server's coarse clock
	phase         phase
	next          command.Next // of the last turn
	timer         *time.Timer  // wakes the connection when its client has waited; nil until one has to
	overSince     int64        // when the client went over its soft limit, a second more than on the coarse clock; 0: it is not
	held          held         // replies that wait until what they tell of is true everywhere, and safe
	share         share        // of the bytes that the server holds for all clients
	place         int          // in the roster, which protects it
	quiet         int          // while lingering: looks since the client last sent something
	last          bool         // the server shuts down and what had arrived has been read
	ended         bool         // the client has said that it sends no more
	endedAt       int64        // when, or when it last got a reply since, on the coarse clock
}

func (s *Server) newConnection(conn net.Conn) *connection {
	remote, local := conn.RemoteAddr().String(), conn.LocalAddr().String()
	if conn.LocalAddr().Network() == "unix" { // clients of a unix socket have no name of their own; Redis shows the path
		local += ":0"
		remote = local
	}
	return &connection{server: s, remote: remote, local: local}
}

// Open begins the session.
func (c *connection) Open(conn *loop.Conn) {
	s := c.server
	c.conn = conn
	c.worker = s.workers.of(conn.Loop(), s.commands)
	// A client that is killed sees the end before the killer has its reply, as with Redis. Whoever kills it keeps it from
	// leaving command.Server meanwhile, so the descriptor is still the connection's.
	client := s.commands.Connect(c.remote, c.local, command.Connection{Rouse: conn.Wake, Close: conn.Cut})
	c.session = newSession(s.commands, client, &c.worker.parsed)
	c.active.Store(s.seconds.Load())
	s.roster.enter(c)
}

// Closed ends the session.
func (c *connection) Closed() {
	if c.timer != nil {
		c.timer.Stop()
	}
	c.worker.watch(c, false)
	c.server.giveBack(c)
	c.server.commands.Disconnect(c.session.client)
	c.server.roster.leave(c)
}

// Input runs what arrived.
func (c *connection) Input(chunk []byte) {
	if c.phase >= ending {
		c.quiet = 0
		return // thrown away
	}
	if now := c.server.seconds.Load(); c.active.Load() != now {
		c.active.Store(now)
	}
	c.worker.executor.Received(len(chunk))
	if c.proceed(chunk); c.server.draining.Load() && !c.last && !c.conn.IsClosed() {
		c.drain()
	}
}

// End is the client's half-close: what it sent is still run and answered.
func (c *connection) End() {
	c.ended, c.endedAt = true, c.server.seconds.Load()
	if c.phase == lingering {
		c.conn.CloseNow()
		return
	}
	c.proceed(nil)
}

// Woken goes on with a client that has waited, or has something pushed to it, or whose server shuts down.
func (c *connection) Woken() {
	switch {
	case c.phase == lingering:
		c.linger()
	case c.server.draining.Load() && !c.last:
		c.drain()
	default:
		c.proceed(nil)
	}
}

// Sent goes on with a client that has taken some of its replies, or has begun to be behind with them.
func (c *connection) Sent() {
	now := c.server.seconds.Load()
	c.endedAt = now
	c.active.Store(now)
	c.proceed(nil)
}

// proceed takes what arrived, nil if nothing did, runs what there is to run, sends what it answers as far as the client keeps up, and sees to what remains.
func (c *connection) proceed(chunk []byte) {
	alive := c.phase >= ending || c.advance(chunk)
	if alive = alive && c.settle(); !alive {
		c.conn.CloseNow()
	}
}

// advance runs commands as long as there are any and the client takes the replies. It is false when the connection
// must close at once.
func (c *connection) advance(chunk []byte) bool {
	c.session.feed(chunk)
	for again := true; again && c.keepsUp(); {
		turn, alive := c.answer()
		if !alive {
			return false
		}
		again = c.follow(turn)
	}
	c.session.keep()
	c.sendPushed()
	return true
}

// follow does what a turn says, and reports whether the session is to be asked again at once.
func (c *connection) follow(turn command.Turn) (again bool) {
	c.next = turn.Next
	switch turn.Next {
	case command.Done:
		if c.ended || c.last { // everything that the client has sent, and will send, has been answered
			c.end()
		}
	case command.Full:
		return true
	case command.Held: // the connection is woken when the replies may leave
	case command.Late:
		if c.last {
			return c.session.client.Hurry() // if false, the work that has the reply wakes the connection
		}
		c.wakeAfter(turn.Wait)
	case command.Paused:
		if c.last {
			c.end() // no client is told that the commands have run
			return false
		}
		c.wakeAfter(turn.Wait)
	case command.Bye:
		c.end()
	}
	return false
}

// end has the connection closed once the replies have left.
func (c *connection) end() {
	c.phase = ending
	c.active.Store(c.server.seconds.Load())
}

// wakeAfter wakes the connection after some time.
func (c *connection) wakeAfter(wait time.Duration) {
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, c.conn.Wake)
	} else {
		c.timer.Reset(wait)
	}
}

// sendPushed sends what the client gets beside its replies, unless it is behind with reading.
func (c *connection) sendPushed() {
	if c.phase < ending && c.conn.Unsent() <= c.server.limits.softOutput {
		c.conn.Write(c.session.client.TakePushed())
	}
}

// keepsUp says whether the client takes its replies fast enough to have more commands run. Once it is behind it must
// have taken half of what waited.
func (c *connection) keepsUp() bool {
	limit := c.server.limits.softOutput
	if c.phase == stalled {
		limit /= 2
	}
	c.phase = serving
	if c.conn.Unsent() > limit {
		c.phase = stalled
	}
	return c.phase == serving
}

// wantsInput says whether more is to be read. A client whose commands wait is held back by its socket's buffers.
func (c *connection) wantsInput() bool {
	switch {
	case c.phase == lingering:
		return true
	case c.phase != serving || c.last:
		return false
	case c.next.Waits():
		return c.session.held() < readAhead
	}
	return true
}

// send writes replies and takes their buffer back. It is false when the connection must close.
func (c *connection) send(replies []byte) bool {
	defer c.worker.keep(replies)
	if len(replies) == 0 {
		return true
	}
	if !c.mayHold(c.conn.Unsent() + len(replies)) {
		return false
	}
	c.worker.executor.Sent(len(replies))
	if c.ended {
		c.endedAt = c.server.seconds.Load()
	}
	c.conn.Write(replies)
	return true
}

// mayHold reports whether so many bytes of replies may wait for the client.
func (c *connection) mayHold(bytes int) bool {
	limit := c.server.limits.hardOutput
	if hard := c.server.commands.Params.OutputLimit().Hard; hard > 0 {
		limit = int(min(int64(limit), hard))
	}
	if bytes > limit {
		c.server.log.Warn("client closed: too many bytes of replies", "remote", c.remote, "bytes", bytes, "limit", limit)
	}
	return bytes <= limit
}

// settle ends a turn of the connection: it accounts for what waits, and closes a connection that is ending when nothing
// does. It is false when the connection must close.
func (c *connection) settle() bool {
	if c.phase == ending && c.conn.Flush() {
		return c.beginLinger()
	}
	c.conn.Read(c.wantsInput())
	input, output := c.session.held(), c.conn.Unsent()+len(c.held.replies)+c.session.client.Pushed()
	if input|output == 0 && c.share.isNone() && !c.ended {
		return true // nearly always
	}
	c.server.account(c, input, output)
	c.worker.watch(c, output > 0 || c.ended || c.phase >= ending)
	if output == 0 {
		c.overSince = 0
	} else if c.isOverSoft(output) {
		c.server.log.Warn("client closed: many bytes of replies for long", "remote", c.remote, "bytes", output)
		return false
	}
	return true
}

// tick is the look, every second, at a connection that waits for its client.
func (c *connection) tick() {
	now := c.server.seconds.Load()
	switch {
	case c.phase == ending && now-c.active.Load() >= endSeconds,
		c.ended && c.phase < ending && now-c.endedAt >= endedSeconds && !c.held.is.Load() && !c.session.client.IsPatient():
		c.conn.CloseNow()
	default:
		c.proceed(nil)
	}
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

// isIdle reports whether the client has neither sent nor awaited anything for so many seconds. Any goroutine may ask.
func (c *connection) isIdle(now, seconds int64) bool {
	return now-c.active.Load() > seconds && !c.held.is.Load() && !c.session.client.IsPatient()
}
