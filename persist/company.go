package persist

import "time"

// company is who a sync waits for. Clients that were released together tend to come back together: the next sync begins when as many wait as
// waited around the last one, or after as long as the last one took. So there is one sync for all clients, not one for each
// half of them in turns, and nobody waits longer than for one sync more.
type company struct {
	expected int
	until    time.Time
	over     *time.Timer // that is now
}

func newCompany() company {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return company{over: t}
}

// begin is called when a sync has released so many.
func (c *company) begin(f *flusher, released int) {
	c.expected = released + f.waiters.count()
	wait := min(max(f.since(f.last), shortestWait), longestWait)
	c.until = f.time().Add(wait)
	if c.expected > 1 && f.waiters.expect(c.expected) {
		c.over.Reset(wait)
	}
}

// The wait for others is as long as a sync takes, within these bounds.
const (
	shortestWait = 500 * time.Microsecond
	longestWait  = 2 * time.Millisecond
)

// isAwaited reports whether others are still awaited.
func (c *company) isAwaited(f *flusher) bool {
	if f.time().Before(c.until) && f.waiters.expect(c.expected) {
		return true
	}
	f.waiters.expect(0)
	c.over.Stop()
	return false
}
