// Package stats keeps the figures of one server: how many commands ran, how long they took and which errors they gave,
// the slow log, latency events, rates per second, and what the process takes from the machine.
//
// A command is a number here, its place in the list of names that New gets. Each goroutine that runs commands has
// Counts of its own, so that an addition never waits for another processor; a reader adds them up. Snapshot is all
// figures at one moment, for whoever prints them. The slow log and the latency events, which are lists, are read for
// themselves.
//
// The package knows nothing of clients, protocols or keys: it is given names, numbers and times.
package stats

import (
	"sync"
	"sync/atomic"
	"time"
)

// Stats counts what has happened since the start or since the last Reset. Its methods are safe for concurrent use.
type Stats struct {
	Connections atomic.Int64 // accepted
	Rejected    atomic.Int64 // connections refused because there were too many

	// Slow and Latency are not changed by Reset.
	Slow    SlowLog
	Latency Latency

	names  []string
	swept  atomic.Int64 // nanoseconds that deleting keys past their deadline took
	peak   atomic.Int64 // bytes: the most that the keys were seen to take
	errors errorCounts
	rates  rates

	mu      sync.Mutex // protects the fields below
	all     []*Counts  // of every goroutine that runs commands, each written by its own
	expired int64      // keys that had expired at the last Reset
}

// New makes the figures of a server with commands of these names.
func New(names []string) *Stats { return &Stats{names: names} }

// Snapshot is all figures at one moment, or nearly: commands go on while they are added up.
type Snapshot struct {
	Commands []Command        // by number
	ByError  map[string]int64 // error replies by their first word, as far as they are told apart

	Calls    int64 // commands that ran
	Errors   int64 // error replies
	Hits     int64 // lookups of readers that found a key
	Misses   int64 // and that did not
	Received int64 // bytes from clients
	Sent     int64 // bytes for clients

	Connections int64         // accepted
	Rejected    int64         // connections refused because there were too many
	Swept       time.Duration // that deleting keys past their deadline took
	Peak        int64         // bytes: the most that the keys were seen to take
	PerSecond   Flow          // between the last two samples
	ExpiredThen int64         // keys that had expired at the last Reset: they do not count
}

// Command is what has been counted of one command.
type Command struct {
	Name     string
	Calls    int64         // that ran
	Took     time.Duration // all of them together
	Failed   int64         // of them, those that answered an error
	Rejected int64         // that did not run
}

// Snapshot adds all figures up.
func (s *Stats) Snapshot() Snapshot {
	snap := s.totals()
	snap.ByError = s.errors.snapshot()
	snap.Connections, snap.Rejected = s.Connections.Load(), s.Rejected.Load()
	snap.Swept = time.Duration(s.swept.Load())
	snap.Peak = s.peak.Load()
	snap.PerSecond = s.rates.perSecond()
	return snap
}

// totals is the part of a Snapshot that all Counts have together.
func (s *Stats) totals() Snapshot {
	t := Snapshot{Commands: make([]Command, len(s.names))}
	for id, name := range s.names {
		t.Commands[id].Name = name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.ExpiredThen = s.expired
	for _, c := range s.all {
		c.addTo(&t)
	}
	return t
}

// Distributions is how long commands took, by number.
func (s *Stats) Distributions() []Distribution {
	all := make([]Distribution, len(s.names))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		for id := range all {
			if h := c.took[id].Load(); h != nil {
				all[id].add(h)
			}
		}
	}
	return all
}

// SweepTook enters that deleting keys past their deadline took so long.
func (s *Stats) SweepTook(took time.Duration) { s.swept.Add(int64(took)) }

// SawUsed enters how many bytes the keys take, for the peak.
func (s *Stats) SawUsed(bytes int64) {
	for {
		peak := s.peak.Load()
		if bytes <= peak || s.peak.CompareAndSwap(peak, bytes) {
			return
		}
	}
}

// Reset begins to count anew, at a time of the monotonic clock in nanoseconds, when so many keys have expired. A
// command that runs at the same moment may be counted or not. The peak of memory stays.
func (s *Stats) Reset(expired, now int64) {
	s.Connections.Store(0)
	s.Rejected.Store(0)
	s.swept.Store(0)
	s.errors.reset()
	s.rates.reset(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expired = expired
	for _, c := range s.all {
		c.reset()
	}
}
