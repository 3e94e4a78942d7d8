package stats

import (
	"sync/atomic"
	"time"
)

// Counts is the counts of one goroutine that runs commands; the slices have one element for each command. Only that
// goroutine calls Ran, Took and the methods that count, except Failed. So no call waits for another processor. The
// first call of Took for a command allocates its histogram; no other call allocates.
type Counts struct {
	calls    []atomic.Int64              // commands that ran
	nanos    []atomic.Int64              // time that these commands took together
	failed   []atomic.Int64              // of these commands, those with an error reply
	rejected []atomic.Int64              // commands that did not run
	took     []atomic.Pointer[histogram] // durations; nil before the first
	unknown  atomic.Int64                // commands without a number, which did not run
	hits     atomic.Int64
	misses   atomic.Int64
	admitted atomic.Int64
	denied   atomic.Int64
	received atomic.Int64
	sent     atomic.Int64
}

// NewCounts returns counts for one more goroutine.
func (s *Stats) NewCounts() *Counts {
	n := len(s.names)
	c := &Counts{calls: make([]atomic.Int64, n), nanos: make([]atomic.Int64, n), failed: make([]atomic.Int64, n),
		rejected: make([]atomic.Int64, n), took: make([]atomic.Pointer[histogram], n)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, c)
	return c
}

// Ran counts n calls of a command, which took nanos nanoseconds together.
func (c *Counts) Ran(id int, n, nanos int64) {
	c.calls[id].Add(n)
	c.nanos[id].Add(nanos)
}

// Took counts in the command's histogram n calls that took nanos nanoseconds each.
func (c *Counts) Took(id int, n, nanos int64) {
	h := c.took[id].Load()
	if h == nil {
		h = new(histogram)
		c.took[id].Store(h)
	}
	h.add(nanos, n)
}

// Failed counts a command that ran and replied with an error. Any goroutine may call it.
func (c *Counts) Failed(id int) { c.failed[id].Add(1) }

// Refused counts a command that did not run.
func (c *Counts) Refused(id int) { c.rejected[id].Add(1) }

// RefusedUnknown counts a command without a number, which did not run.
func (c *Counts) RefusedUnknown() { c.unknown.Add(1) }

// Looked counts lookups by reading commands: those that found a key, and those that did not.
func (c *Counts) Looked(hits, misses int64) {
	c.hits.Add(hits)
	c.misses.Add(misses)
}

// Limited counts commands that took tokens of a quota, and those that were refused tokens.
func (c *Counts) Limited(admitted, denied int64) {
	c.admitted.Add(admitted)
	c.denied.Add(denied)
}

// Received counts bytes from clients.
func (c *Counts) Received(bytes int) { c.received.Add(int64(bytes)) }

// Sent counts bytes of replies to clients.
func (c *Counts) Sent(bytes int) { c.sent.Add(int64(bytes)) }

// addTo adds the counts to t.
func (c *Counts) addTo(t *Snapshot) {
	for id := range t.Commands {
		sum := &t.Commands[id]
		calls, failed, rejected := c.calls[id].Load(), c.failed[id].Load(), c.rejected[id].Load()
		sum.Calls, sum.Failed, sum.Rejected = sum.Calls+calls, sum.Failed+failed, sum.Rejected+rejected
		sum.Took += time.Duration(c.nanos[id].Load())
		t.Calls += calls
		t.Errors += failed + rejected
	}
	t.Errors += c.unknown.Load()
	t.Hits += c.hits.Load()
	t.Misses += c.misses.Load()
	t.Admitted += c.admitted.Load()
	t.Denied += c.denied.Load()
	t.Received += c.received.Load()
	t.Sent += c.sent.Load()
}

func (c *Counts) reset() {
	for id := range c.calls {
		c.calls[id].Store(0)
		c.nanos[id].Store(0)
		c.took[id].Store(nil)
		c.failed[id].Store(0)
		c.rejected[id].Store(0)
	}
	c.unknown.Store(0)
	c.hits.Store(0)
	c.misses.Store(0)
	c.admitted.Store(0)
	c.denied.Store(0)
	c.received.Store(0)
	c.sent.Store(0)
}
