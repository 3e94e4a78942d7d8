package server

import "sync/atomic"

// held is replies that must not leave before a group of the store is safe. The client's next commands wait with them.
type held struct {
	group   uint64 // 0: there are none
	replies []byte
	last    bool        // they are the client's last: it is closed once it has them
	woken   atomic.Bool // the store has said how it went
}

// answer runs commands and sends what they answer, or what was held if it may leave now. It is not alive when the connection must close.
func (c *connection) answer() (state progress, alive bool) {
	if c.held.group != 0 {
		return c.release()
	}
	replies, state := c.session.run(c.worker, c.worker.replies)
	if group := c.session.client.TakeUnsafe(); group != 0 && c.await(group) {
		c.held.group, c.held.last = group, state == finished
		c.held.replies = append(c.held.replies[:0], replies...)
		c.worker.keep(replies)
		return holding, true
	}
	return state, c.send(replies)
}

// await has the connection woken when a group is safe or the disk fails; false when it is safe.
func (c *connection) await(group uint64) bool {
	c.held.woken.Store(false)
	return c.server.commands.Store.Await(group, false, func() {
		c.held.woken.Store(true)
		_ = c.Wake(nil)
	})
}

// release sends held replies if what they tell of is safe. If it may never be, nobody can say whether it is: the client
// is disconnected, and does not hear of it. Where the session stood before the wait says nothing about where it stands
// now: input has arrived meanwhile, or what its client waits for has happened. So the session is asked again.
func (c *connection) release() (state progress, alive bool) {
	store, h := c.server.commands.Store, &c.held
	switch {
	case store.Safe(h.group):
	case !h.woken.Load():
		return holding, true
	case store.Refusal() != nil:
		c.server.log.Warn("client closed: the disk failed before its writes were safe", "remote", c.remote)
		return finished, false
	case c.await(h.group): // it has recovered meanwhile
		return holding, true
	}
	replies := append(c.worker.replies, h.replies...)
	if h.group = 0; cap(h.replies) > keptReplyBytes {
		h.replies = nil
	}
	if h.last {
		return finished, c.send(replies)
	}
	return ready, c.send(replies)
}
