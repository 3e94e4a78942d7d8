package command

import (
	"sync"
	"sync/atomic"
)

// Stats counts what has happened since the start or since CONFIG RESETSTAT.
type Stats struct {
	Connections atomic.Int64 // accepted
	Rejected    atomic.Int64 // connections refused because there were too many

	swept  atomic.Int64 // nanoseconds that deleting keys past their deadline took
	errors errorCounts
	rates  rates
	peak   atomic.Int64 // bytes: the most that the keys were seen to take

	mu        sync.Mutex
	executors []*counts // of all executors, each written by its own
	expired   int64     // DB.Expired at the last reset
}

// counts is what one executor has run, by the id of the row. Only its executor adds, so an addition never waits for
// another processor.
type counts struct {
	calls    []atomic.Int64              // commands that ran
	nanos    []atomic.Int64              // what these took, in nanoseconds
	failed   []atomic.Int64              // of them, those that answered an error
	rejected []atomic.Int64              // commands with a row that did not run
	took     []atomic.Pointer[histogram] // how long each command took; nil before the first
	unknown  atomic.Int64                // commands without a row
	hits     atomic.Int64                // lookups of readers that found a key
	misses   atomic.Int64                // and that did not
	received atomic.Int64                // bytes from clients
	sent     atomic.Int64                // bytes for clients
}

// newCounts makes the counters of one more executor.
func (s *Stats) newCounts(rows int) *counts {
	c := &counts{calls: make([]atomic.Int64, rows), nanos: make([]atomic.Int64, rows), failed: make([]atomic.Int64, rows),
		rejected: make([]atomic.Int64, rows), took: make([]atomic.Pointer[histogram], rows)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executors = append(s.executors, c)
	return c
}

// latency is the histogram of the row with this id. Only the executor may ask.
func (c *counts) latency(id int) *histogram {
	h := c.took[id].Load()
	if h == nil {
		h = new(histogram)
		c.took[id].Store(h)
	}
	return h
}

// rowTotals is what all executors together have counted for one row.
type rowTotals struct{ calls, nanos, failed, rejected int64 }

// totals is what all executors together have counted.
type totals struct {
	rows         []rowTotals
	calls        int64
	errors       int64
	hits, misses int64
	received     int64
	sent         int64
	expired      int64 // to be subtracted from DB.Expired
}

func (s *Stats) totals(rows int) totals {
	t := totals{rows: make([]rowTotals, rows)}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.expired = s.expired
	for _, c := range s.executors {
		for id := range t.rows {
			r := &t.rows[id]
			calls, failed, rejected := c.calls[id].Load(), c.failed[id].Load(), c.rejected[id].Load()
			r.calls, r.failed, r.rejected = r.calls+calls, r.failed+failed, r.rejected+rejected
			r.nanos += c.nanos[id].Load()
			t.calls += calls
			t.errors += failed + rejected
		}
		t.errors += c.unknown.Load()
		t.hits += c.hits.Load()
		t.misses += c.misses.Load()
		t.received += c.received.Load()
		t.sent += c.sent.Load()
	}
	return t
}

// distributions is how long commands took, by the id of the row.
func (s *Stats) distributions(rows int) []distribution {
	all := make([]distribution, rows)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.executors {
		for id := range all {
			if h := c.took[id].Load(); h != nil {
				all[id].add(h)
			}
		}
	}
	return all
}

// reset begins to count anew, at a time of the monotonic clock. What runs at the same moment may be counted or not.
func (s *Stats) reset(expired, now int64) {
	s.Connections.Store(0)
	s.Rejected.Store(0)
	s.swept.Store(0)
	s.errors.reset()
	s.rates.reset(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expired = expired
	for _, c := range s.executors {
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
		c.received.Store(0)
		c.sent.Store(0)
	}
}
