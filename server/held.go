package server

import (
	"sync/atomic"

	"github.com/quotadb/quota-db/server/loop"
)

// held is replies that must not leave before a group of the store is safe, or before every loop has passed an order that
// they tell of (see command.Client.TakeFence). The client's next commands wait with them.
type held struct {
	is      atomic.Bool // there are some; any goroutine reads it
	replies []byte
	last    bool        // they are the client's last: it is closed once it has them
	group   uint64      // 0: no group is awaited
	woken   atomic.Bool // the store has said how it went
	fence   bool        // the loops are awaited
	passed  atomic.Bool // they have all passed
}

// answer runs commands and sends what they answer, or what was held if it may leave now. It is not alive when the connection must close.
func (c *connection) answer() (state progress, alive bool) {
	if c.held.is.Load() {
		return c.release()
	}
	replies, state := c.session.run(c.worker, c.worker.replies)
	group, fence := c.session.client.TakeUnsafe(), c.session.client.TakeFence(c.server.commands)
	if group != 0 && !c.await(group) {
		group = 0
	}
	if group == 0 && !fence {
		return state, c.send(replies)
	}
	return holding, c.hold(replies, group, fence, state == finished)
}

// hold keeps replies. They count as output at once. It is false when they are too many, and the connection must close.
func (c *connection) hold(replies []byte, group uint64, fence, last bool) bool {
	h := &c.held
	h.group, h.fence, h.last = group, fence, last
	h.replies = append(h.replies[:0], replies...)
	h.is.Store(true)
	c.worker.keep(replies)
	if fence {
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
func (c *connection) release() (state progress, alive bool) {
	store, h := c.server.commands.Store, &c.held
	switch {
	case h.fence && !h.passed.Load():
		return holding, true
	case h.group == 0 || store.Safe(h.group):
	case !h.woken.Load():
		return holding, true
	case store.Refusal() != nil:
		c.server.log.Warn("client closed: the disk failed before its writes were safe", "remote", c.remote)
		return finished, false
	case c.await(h.group): // it has recovered meanwhile
		return holding, true
	}
	replies := append(c.worker.replies, h.replies...)
	if h.replies = h.replies[:0]; cap(h.replies) > keptReplyBytes {
		h.replies = nil
	}
	h.group, h.fence = 0, false
	h.is.Store(false)
	c.active.Store(c.server.seconds.Load())
	if alive = c.send(replies); h.last {
		return finished, alive
	}
	return ready, alive
}
