package command

import "time"

// Next is how a client continues after a Run.
type Next uint8

const (
	// Done: all commands that were given have run. Their replies can be sent, and more commands can be given.
	Done Next = iota
	// Full: the replies are enough for one write. Send them, and then give the commands that did not run again.
	Full
	// Held: the replies must not leave before Turn.Hold is fulfilled, and until then no further command of the client
	// may run. Then give the commands that did not run again. Run returns Held after an order to all clients. A
	// connection treats every Turn whose Hold is not zero in the same way.
	Held
	// Late: a command has run, and its reply is still to come. After Turn.Wait, or when the client's connection is
	// roused, call Run again, with the commands that did not run, if there are any.
	Late
	// Paused: the next command has to wait, as during CLIENT PAUSE, and has not run. Call Run again as for Late.
	Paused
	// Bye: close the connection when the replies have left. No further command of the client runs.
	Bye
)

// Waits reports whether the client's next commands, or its replies, wait for something. Meanwhile the connection must
// read only little more input from the client.
func (n Next) Waits() bool { return n == Held || n == Late || n == Paused }

// Turn is the result of a Run: one value that tells a connection how its client continues. A new way to wait is a new
// Next, which Client.next returns, or a new condition in Hold. A Turn has four words, so that it is returned in
// registers.
type Turn struct {
	Next Next
	Ran  int32         // how many of the commands that were given have run
	Wait time.Duration // with Late and Paused, above 0; otherwise 0
	Hold Hold          // what the replies of this Run wait for, whatever Next is
}

// Hold is the conditions that must be fulfilled before replies may leave. With the zero Hold they may leave at once.
type Hold struct {
	Group uint64 // this group of Server.Store must be synced; 0: none
	Order bool   // every goroutine that runs commands must have ended the batch that it was running: see Client.order
}

// And is the Hold of replies of two Runs together: h, and later of a later Run. Groups are synced in their order, so
// the larger group is enough.
func (h Hold) And(later Hold) Hold {
	return Hold{Group: max(h.Group, later.Group), Order: h.Order || later.Order}
}

// next is the Next that the client's commands have caused so far.
func (c *Client) next() Next {
	switch {
	case c.ends || c.killed.Load(): // later commands of a killed client never run
		return Bye
	case c.late != nil:
		return Late
	case c.wait != 0:
		return Paused
	case c.ordered:
		return Held
	}
	return Done
}

// goesOn reports whether the client's next command may run.
func (c *Client) goesOn() bool { return c.next() == Done }

// endTurn completes the turn of a Run: it is called if the client or its replies have to wait, or if not all of the
// given commands have run. The caller holds no lock.
func (x *Executor) endTurn(c *Client, t Turn, given int) Turn {
	switch t.Next {
	case Done:
		if int(t.Ran) < given {
			t.Next = Full
		}
	case Late, Paused:
		t.Wait = max(1, time.Duration(c.wait-x.call.now.Mono))
	}
	if x.unsafe {
		t.Hold.Group, x.unsafe = x.server.Store.Group(), false
	}
	if c.ordered {
		// If FLUSHALL runs beside the event loops, its present piece of work (256 keys) may have missed the order, and
		// must have ended. The handler of the order cannot wait for that, because within a transaction it holds locks.
		x.server.flushes.pass()
		t.Hold.Order, c.ordered = true, false
	}
	return t
}

// end makes Run return Bye: the connection is closed when the replies have left, and no further command runs.
func (c *Client) end() { c.ends = true }

// order records that the client has given an order to all clients, such as CLIENT PAUSE. The reply promises that every
// client obeys. So the reply waits until every goroutine that runs commands has ended the batch that it was running.
func (c *Client) order(s *Server) { c.ordered = s.Fences }

// waitUntil makes the client wait until a moment, in nanoseconds of engine.Moment.Mono.
func (c *Client) waitUntil(moment int64) {
	c.wait = moment
	c.waits.Store(true)
}

// endWait ends the client's wait, so that its commands run again.
func (c *Client) endWait() {
	c.late, c.abandon, c.wait = nil, nil, 0
	c.waits.Store(false)
}

// late gives a reply that comes after its handler has returned: it appends the reply to x.out. done is false while the
// reply is not ready. over says that the time of the wait has ended. No lock is held.
type late func(x *call, over bool) (done bool)

// answerLate makes the client, and its next commands, wait for a reply, at most until a moment. Each time the
// connection is roused, reply is called with the bytes to which it appends.
func (c *Client) answerLate(moment int64, reply func(dst []byte, over bool) (out []byte, done bool)) {
	c.comeLate(moment, func(x *call, over bool) (done bool) {
		x.out, done = reply(x.out, over)
		return done
	}, nil)
}

// comeLate is answerLate for a reply that the call makes. If the client disconnects before, abandon is called, unless
// it is nil. If CLIENT REPLY drops the reply, the client waits all the same.
func (c *Client) comeLate(moment int64, reply late, abandon func()) {
	c.late, c.abandon = reply, abandon
	if c.muted {
		c.late = func(x *call, over bool) bool {
			start := len(x.out)
			done := reply(x, over)
			x.out = x.out[:start]
			return done
		}
	}
	c.waitUntil(moment)
}

// leave ends the wait of a client that has disconnected.
func (c *Client) leave() {
	if c.abandon != nil {
		c.abandon()
		c.abandon = nil
	}
}

// resume is the beginning of a Run of a client that waits. If the late reply is not ready, the client continues to
// wait. Otherwise the wait ends. A command that has waited runs again, and may make the client wait again.
func (c *Client) resume(x *call) {
	if c.late != nil && !c.late(x, x.now.Mono >= c.wait) {
		return
	}
	c.endWait()
}

// hurried is a value of Client.wait: a moment that has passed.
const hurried = 1

// Hurry ends the time of a wait for a late reply, for example when the server shuts down. Then call Run again. It
// returns false, and does nothing, if the client does not wait for a late reply or has been hurried already.
func (c *Client) Hurry() bool {
	if c.late == nil || c.wait == hurried {
		return false
	}
	c.wait = hurried
	return true
}

// IsPatient reports whether the client has a reason to send nothing: it waits for a reply or for the end of a pause, or
// it has sent MONITOR. Any goroutine may call it.
func (c *Client) IsPatient() bool { return c.waits.Load() || c.monitors.Load() }
