package loop

import "time"

// Move has a connection moved to the loop of an index, soon, and closes the channel when it has left, if it can.
func (g *Group) Move(c *Conn, to int) <-chan struct{} {
	left := make(chan struct{})
	c.post(func() {
		defer close(left)
		if !c.closed && c.loop.Load() != g.loops[to] {
			c.loop.Load().move(c, g.loops[to])
		}
	})
	return left
}

// Compare tells the group that a loop was busy for a part of a window that ended at a time. It returns the index of the
// loop that connections are to move to, -1 for none, and the part of the traffic that is to move.
func (g *Group) Compare(loop int, busy float64, at time.Time) (to int, part float64) {
	l, part := g.compare(g.loops[loop], busy, at)
	if l == nil {
		return -1, 0
	}
	return g.index(l), part
}

// SetIdle says whether a processor idles.
func (g *Group) SetIdle(idle bool) { g.balance.hasProcessor = func() bool { return idle } }

// Active is how many loops serve connections.
func (g *Group) Active() int {
	g.balance.mu.Lock()
	defer g.balance.mu.Unlock()
	return g.balance.active
}
