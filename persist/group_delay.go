package persist

import "time"

// groupDelay delays a sync so that the clients of the last one can join it (group commit delay). Clients that were
// released together tend to come back together. The next sync begins when as many clients wait as waited around the
// last sync. At the latest it begins after as long as that sync took, within the bounds below. So there is one sync for
// all clients, not one for each half of them in turns, and no client waits longer than for one sync more.
type groupDelay struct {
	expected int         // clients
	until    time.Time   // when the sync begins at the latest
	timer    *time.Timer // fires at until
}

func newGroupDelay() groupDelay {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return groupDelay{timer: t}
}

// begin is called when a sync has released so many clients.
func (d *groupDelay) begin(f *flusher, released int) {
	d.expected = released + f.waiters.count()
	wait := min(max(f.since(f.last), leastGroupDelay), mostGroupDelay)
	d.until = f.time().Add(wait)
	if d.expected > 1 && f.waiters.expect(d.expected) {
		d.timer.Reset(wait)
	}
}

const (
	leastGroupDelay = 500 * time.Microsecond
	mostGroupDelay  = 2 * time.Millisecond
)

// endIfOver ends the delay when its time is over and nobody waits: else the next client would not wake the flusher.
func (d *groupDelay) endIfOver(f *flusher) {
	if !f.time().Before(d.until) {
		f.waiters.expect(0)
	}
}

// isRunning reports whether the sync waits for more clients.
func (d *groupDelay) isRunning(f *flusher) bool {
	if f.time().Before(d.until) && f.waiters.expect(d.expected) {
		return true
	}
	f.waiters.expect(0)
	d.timer.Stop()
	return false
}
