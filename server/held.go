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
	passed  atomic.Bool  // all loops have passed the order of until.Order
}

// answer runs commands and sends their replies, or sends replies that were held if they may leave now. It is not alive
// when the connection must close at once.
func (c *connection) answer() (turn command.Turn, alive bool) {
	if c.held.is.Load() {
		return c.release()
	}
	replies, turn := c.session.run(c.worker, c.worker.replies)
	if turn.Hold.Group != 0 && !c.await(turn.Hold.Group) {
		turn.Hold.Group = 0 // it is synced already
	}
	if turn.Hold == (command.Hold{}) {
		return turn, c.send(replies)
	}
	return command.Turn{Next: command.Held}, c.hold(replies, turn)
}

// hold keeps replies. They count as output at once. It is false when they are too many, and the connection must close.
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

// await has the connection woken when a group is safe or the disk fails; false when it is safe.
func (c *connection) await(group uint64) bool {
	c.held.woken.Store(false)
	return c.server.commands.Store.Await(group, false, func() {
		c.held.woken.Store(true)
		c.conn.Wake()
	})
}

// release sends held replies if they may leave. If what they tell of may never be safe, nobody can say whether it is: the
// client is disconnected, and does not hear of it. Where the session stood before the wait says nothing about where it
// stands now: input has arrived meanwhile, or what its client waits for has happened. So the session is asked again.
func (c *connection) release() (turn command.Turn, alive bool) {
	store, h := c.server.commands.Store, &c.held
	switch {
	case h.until.Order && !h.passed.Load():
		return command.Turn{Next: command.Held}, true
	case h.until.Group == 0 || store.Safe(h.until.Group):
	case !h.woken.Load():
		return command.Turn{Next: command.Held}, true
	case store.Refusal() != nil:
		c.server.log.Warn("client closed: the disk failed before its writes were safe", "remote", c.remote)
		return command.Turn{Next: command.Bye}, false
	case c.await(h.until.Group): // it has recovered meanwhile
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
