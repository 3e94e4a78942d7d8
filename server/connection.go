package server

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/server/loop"
)

// phase says what a connection does with input.
type phase uint8

const (
	serving   phase = iota // runs commands as they arrive
	stalled                // the client is behind with reading: its commands wait, and no input is read
	ending                 // takes no more input, and closes when the last reply has left
	lingering              // has ended its output, and discards what the client still sends: see linger.go
)

// connection joins a session and its socket. It is the handler of a loop.
type connection struct {
	conn          *loop.Conn
	server        *Server
	session       session
	worker        *worker
	remote, local string
	active        atomic.Int64 // when the client last sent something or got a late reply, on Server.seconds
	phase         phase
	next          command.Next // of the last turn
	timer         *time.Timer  // wakes the connection at the end of a wait; nil before the first wait
	overSince     int64        // when the client exceeded its soft limit: Server.seconds + 1; 0: it does not
	held          held         // replies that must not leave yet
	share         share        // of the budgets
	place         int          // index in the roster, protected by its mutex
	quiet         int          // while lingering: how many looks ago the client last sent something
	last          bool         // the server shuts down, and all input that had arrived has been read
	ended         bool         // the client has ended its output (half-close)
	endedAt       int64        // when it did, or when it last got a reply since then, on Server.seconds
}

func (s *Server) newConnection(conn net.Conn) *connection {
	remote, local := conn.RemoteAddr().String(), conn.LocalAddr().String()
	if conn.LocalAddr().Network() == "unix" { // clients of a unix socket have no address; Redis shows the path
		local += ":0"
		remote = local
	}
	return &connection{server: s, remote: remote, local: local}
}

// Open begins the session.
func (c *connection) Open(conn *loop.Conn) {
	s := c.server
	c.conn = conn
	c.worker = conn.Loop().Worker().(*worker)
	// A killed client sees the end of its connection before the killing client has its reply, as with Redis. Who kills
	// a client keeps it from leaving command.Server meanwhile, so the descriptor still belongs to this connection.
	client := s.commands.Connect(c.remote, c.local, command.Connection{Rouse: conn.Wake, Close: conn.Cut})
	c.session = newSession(s.commands, client, &c.worker.parsed)
	c.active.Store(s.seconds.Load())
	s.roster.enter(c)
}

// Foresee has the processor fetch the memory that short commands of this round will need, before the first of them
// runs.
func (c *connection) Foresee(chunk []byte) {
	if key := c.session.foresee(chunk); key != nil {
		c.worker.executor.Foresee(key)
	}
}

// Leave lets go of the loop's worker. A connection that ends stays where it is: its loop looks at it every second.
func (c *connection) Leave() bool {
	if c.ended || c.phase >= ending {
		return false
	}
	c.worker.watch(c, false)
	c.worker = nil
	return true
}

// Moved goes on with the worker of another loop.
func (c *connection) Moved() {
	c.worker = c.conn.Loop().Worker().(*worker)
	c.session.reader.SetScratch(&c.worker.parsed)
	c.proceed(nil)
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
		return // the input is discarded
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

// Woken continues after a wait of the client, or when lines for it were pushed, or when the server shuts down.
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

// Sent continues when the client has taken some of its replies, or when the socket has not taken all of them.
func (c *connection) Sent() {
	now := c.server.seconds.Load()
	c.endedAt = now
	c.active.Store(now)
	c.proceed(nil)
}

// proceed takes input, nil if there is none, runs commands, sends replies as far as the client keeps up, and accounts
// for all that remains.
func (c *connection) proceed(chunk []byte) {
	alive := c.phase >= ending || c.advance(chunk)
	if alive = alive && c.settle(); !alive {
		c.conn.CloseNow()
	}
}

// advance runs commands as long as there are any and the client takes the replies. It returns false if the connection
// must be closed at once.
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

// end has the connection closed when the replies have left.
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

// sendPushed sends lines that are no replies (MONITOR), unless the client is behind with reading.
func (c *connection) sendPushed() {
	if c.phase < ending && c.conn.Unsent() <= c.server.limits.softOutput {
		c.conn.Write(c.session.client.TakePushed())
	}
}

// keepsUp reports whether the client takes its replies fast enough to have more commands run. A client that was behind
// must first have taken half of the limit.
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

// wantsInput reports whether more input is to be read. If it is not, the socket's buffers stop the client.
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

// send writes replies and takes their buffer back. It returns false if the connection must be closed.
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

// mayHold reports whether so many bytes of replies may be held for the client.
func (c *connection) mayHold(bytes int) bool {
	limit := c.server.limits.hardOutput
	if hard := c.server.commands.Params.OutputLimit().Hard; hard > 0 {
		limit = int(min(int64(limit), hard))
	}
	if bytes > limit {
		c.server.log.Warn("client closed: its unsent replies exceed the limit", "remote", c.remote, "bytes", bytes, "limit", limit)
	}
	return bytes <= limit
}

// settle ends each proceed: it accounts for held bytes, and closes an ending connection that has sent everything. It
// returns false if the connection must be closed.
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
		c.server.log.Warn("client closed: its unsent replies exceeded the soft limit for too long", "remote", c.remote, "bytes", output)
		return false
	}
	return true
}

// tick is called every second for a connection that waits for its client.
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

// isOverSoft reports whether too many bytes have been held for longer than client-output-buffer-limit allows.
func (c *connection) isOverSoft(unsent int) bool {
	limit := c.server.commands.Params.OutputLimit()
	if limit.Soft == 0 || int64(unsent) < limit.Soft {
		c.overSince = 0
		return false
	}
	now := c.server.seconds.Load()
	if c.overSince == 0 {
		c.overSince = now + 1 // so that 0 means that the limit is not exceeded
	}
	return now+1-c.overSince >= limit.SoftSeconds
}

// isIdle reports whether the client has sent nothing for so many seconds, and waits for nothing. Any goroutine may call
// it.
func (c *connection) isIdle(now, seconds int64) bool {
	return now-c.active.Load() > seconds && !c.held.is.Load() && !c.session.client.IsPatient()
}
