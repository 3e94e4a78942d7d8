package command

import "time"

// Next is how a client goes on after a Run.
type Next uint8

const (
	// Done: all commands that were given have run. Their replies can be sent, and more commands can be given.
	Done Next = iota
	// Full: the replies are enough for one write. When they are handed over, the commands that did not run are to be
	// given again.
	Full
	// Held: the replies must not leave before what Turn.Hold names has happened, and until then no further command of
	// the client may run. Afterwards the commands that did not run are to be given again. Run says so after an order; a
	// connection treats every Turn with a Hold like that.
	Held
	// Late: a command has run and its reply is still to come. After Turn.Wait, or when the client's connection is
	// roused, the commands that did not run, perhaps none, are to be given again.
	Late
	// Paused: the next command has to wait, as during CLIENT PAUSE. It has not run. Otherwise as Late.
	Paused
	// Bye: the connection is to be closed when the replies have left. No further command of the client runs.
	Bye
)

// Waits reports whether the client's next commands, or the replies, wait for something. Meanwhile little more input is
// to be read from the client.
func (n Next) Waits() bool { return n == Held || n == Late || n == Paused }

// Turn is the answer of a Run: the one value that tells a connection how its client goes on. A new way to wait is a new
// Next, which Client.next finds, or a new condition in Hold. A Turn has four words, so that it is returned in
// registers.
type Turn struct {
	Next Next
	Ran  int32         // how many of the commands that were given have run
	Wait time.Duration // with Late and Paused, above 0; otherwise 0
	Hold Hold          // what the replies of this Run wait for, whatever Next is
}

// Hold is what must have happened before replies may leave. The zero Hold is nothing: they may leave at once.
type Hold struct {
	Group uint64 // this group of Server.Store must be synced; 0: none
	Order bool   // every goroutine that runs commands must have ended the batch that it was running: see Client.order
}

// And is what replies wait for that wait for h and for a Hold of a later Run: groups are synced in their order.
func (h Hold) And(later Hold) Hold {
	return Hold{Group: max(h.Group, later.Group), Order: h.Order || later.Order}
}

// next is how the client goes on, as far as its commands have decided.
func (c *Client) next() Next {
	switch {
	case c.ends || c.killed.Load(): // what a killed client still sends never runs
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

// endTurn completes the turn of a Run that was given some commands, if the client or its replies have to wait, or not
// all commands have run. No lock is held.
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
		// A FLUSHALL beside the event loops must have ended the piece of work that may have missed the order, some 256
		// keys. The order itself does not wait for that: within a transaction its handler holds locks of keys.
		x.server.flushes.pass()
		t.Hold.Order, c.ordered = true, false
	}
	return t
}

// end has the client's connection closed once the replies have left. No further command runs.
func (c *Client) end() { c.ends = true }

// order notes that the client has given an order to all clients, such as CLIENT PAUSE. Its reply says that every client
// obeys; so it leaves when every goroutine that runs commands has ended what it was about.
func (c *Client) order(s *Server) { c.ordered = s.Fences }

// waitUntil makes the client's next command wait.
func (c *Client) waitUntil(moment int64) {
	c.wait = moment
	c.waits.Store(true)
}

// endWait has the client's commands run again.
func (c *Client) endWait() {
	c.late, c.wait = nil, 0
	c.waits.Store(false)
}

// late gives a reply that was not there at once; done is false as long as it is not there. over says that the time to
// wait has ended.
type late func(dst []byte, over bool) (out []byte, done bool)

// answerLate makes the client wait for the reply, until that moment, and with all that follows. The reply is asked for
// whenever the connection is roused. If CLIENT REPLY keeps the reply from the client, the wait is the same.
func (c *Client) answerLate(moment int64, reply late) {
	c.late = reply
	if c.muted {
		c.late = func(dst []byte, over bool) ([]byte, bool) {
			out, done := reply(dst, over)
			return out[:len(dst)], done
		}
	}
	c.waitUntil(moment)
}

// resume begins the Run of a client that waits: it ends the wait. A late reply that is not there yet makes the client
// wait on. A command that waited runs again, and may ask for a wait again.
func (c *Client) resume(x *call) {
	if c.late != nil {
		var done bool
		if x.out, done = c.late(x.out, x.now.Mono >= c.wait); !done {
			return
		}
	}
	c.endWait()
}

// hurried is a moment that has passed, for Client.wait.
const hurried = 1

// Hurry ends the time that the client waits for a late reply, as when the server shuts down. It is false when that does
// not help: the client does not wait for a reply, or has been hurried already. Else Run is to be called again.
func (c *Client) Hurry() bool {
	if c.late == nil || c.wait == hurried {
		return false
	}
	c.wait = hurried
	return true
}

// IsPatient reports whether the client is right to send nothing: it waits for a reply or the end of a pause, or watches
// what others do. Any goroutine may ask.
func (c *Client) IsPatient() bool { return c.waits.Load() || c.monitors.Load() }
