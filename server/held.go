package server

import (
	"sync/atomic"

	"github.com/quotadb/quota-db/command"
	"github.com/quotadb/quota-db/server/loop"
)

// held is replies that must not leave before until has happened: the store has synced a group, or every loop has passed
// an order that the replies tell of. The client's next commands wait with the replies.
type held struct {
	is      atomic.Bool // there are some; any goroutine reads it
	replies []byte
	last    bool         // they are the client's last: its connection is closed when they have left
	until   command.Hold // what must happen
	woken   atomic.Bool  // the store has synced until.Group, or has failed to
	wake    func()       // says so; made at the first wait
	passed  atomic.Bool  // all loops have passed the order of until.Order
}

// answer runs commands and sends their replies, or sends held replies if they may leave now. alive is false if the
// connection must be closed at once.
func (c *connection) answer() (turn command.Turn, alive bool) {
	if c.held.is.Load() {
		return c.release()
	}
	replies, turn := c.session.run(c.worker, c.worker.replies)
	if turn.Hold.Group != 0 && !c.await(turn.Hold.Group) {
		turn.Hold.Group = 0 // the group is synced already
	}
	if turn.Hold == (command.Hold{}) {
		return turn, c.send(replies)
	}
	return command.Turn{Next: command.Held}, c.hold(replies, turn)
}

// hold keeps replies. They count as output at once. It returns false if they are too many, and the connection must be
// closed.
func (c *connection) hold(replies []byte, turn command.Turn) bool {
	h := &c.held
	h.until, h.last = turn.Hold, turn.Next == command.Bye
	h.replies = append(h.replies[:0], replies...)
	h.is.Store(true)
	c.worker.keep(replies)
	if h.until.Order {
		h.passed.Store(false)
		c.server.loops.Each(func(*loop.Loop) {}, func() {
			h.passed.Store(true)
			c.conn.Wake()
		})
	}
	return c.mayHold(c.conn.Unsent() + len(h.replies))
}

// await has the connection woken when a group is synced or the disk fails. It returns false if the group is synced
// already.
func (c *connection) await(group uint64) bool {
	c.held.woken.Store(false)
	if c.held.wake == nil {
		c.held.wake = func() {
			c.held.woken.Store(true)
			c.conn.Wake()
		}
	}
	waits, led := c.server.commands.Store.AwaitLed(group, c.held.wake)
	if led {
		c.worker.lead.join()
	}
	return waits
}

// release sends held replies if they may leave. If the disk failed, nobody can say whether the writes are synced: the
// client is disconnected without the replies. After a wait the session is always asked again: its turn from before the
// wait is out of date, because input has arrived meanwhile, or a late reply.
func (c *connection) release() (turn command.Turn, alive bool) {
	store, h := c.server.commands.Store, &c.held
	switch {
	case h.until.Order && !h.passed.Load():
		return command.Turn{Next: command.Held}, true
	case h.until.Group == 0 || store.Safe(h.until.Group):
	case !h.woken.Load():
		return command.Turn{Next: command.Held}, true
	case store.Refusal() != nil:
		c.server.log.Warn("client closed: the disk failed before its writes were synced", "remote", c.remote)
		return command.Turn{Next: command.Bye}, false
	case c.await(h.until.Group): // the disk works again
		return command.Turn{Next: command.Held}, true
	}
	replies := append(c.worker.replies, h.replies...)
	if h.replies = h.replies[:0]; cap(h.replies) > keptReplyBytes {
		h.replies = nil
	}
	h.until = command.Hold{}
	h.is.Store(false)
	c.active.Store(c.server.seconds.Load())
	if alive = c.send(replies); h.last {
		return command.Turn{Next: command.Bye}, alive
	}
	return command.Turn{Next: command.Full}, alive
}
