// Package stats keeps the figures of one server: how many commands ran, how long they took and which errors they gave,
// the slow log, latency events, rates per second, and what the process takes from the machine.
//
// Here a command is a number: its index in the list of names that New gets. Each goroutine that runs commands has
// Counts of its own, so that counting never waits for another processor; a reader adds them up. Snapshot returns all
// figures at one moment. The slow log and the latency events are lists, and have methods of their own for reading.
//
// The package does not know clients, protocols or keys. Its callers give it names, numbers and times.
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
	swept  atomic.Int64 // nanoseconds of deleting expired keys
	peak   atomic.Int64 // bytes: the largest memory of the keys that was seen
	errors errorCounts
	rates  rates

	mu      sync.Mutex // protects the fields below
	all     []*Counts  // of every goroutine that runs commands; only that goroutine writes its Counts
	expired int64      // keys that had expired at the last Reset
}

// New returns the figures of a server whose commands have these names.
func New(names []string) *Stats { return &Stats{names: names} }

// Snapshot is all figures at nearly one moment: commands continue while the figures are added up.
type Snapshot struct {
	Commands []Command        // by number
	ByError  map[string]int64 // error replies by their first word, within the bounds of CountError

	Calls    int64 // commands that ran
	Errors   int64 // error replies
	Hits     int64 // lookups by reading commands that found a key
	Misses   int64 // lookups by reading commands that found none
	Admitted int64 // commands that took tokens of a quota
	Denied   int64 // commands that were refused tokens of a quota
	Received int64 // bytes from clients
	Sent     int64 // bytes of replies to clients

	Connections int64         // accepted
	Rejected    int64         // connections refused because there were too many
	Swept       time.Duration // time of deleting expired keys
	Peak        int64         // bytes: the largest memory of the keys that was seen
	PerSecond   Flow          // between the last two samples
	ExpiredThen int64         // keys that had expired before the last Reset, so that INFO does not count them
}

// Command is the counts of one command.
type Command struct {
	Name     string
	Calls    int64         // calls that ran
	Took     time.Duration // of these calls together
	Failed   int64         // of these calls, those with an error reply
	Rejected int64         // calls that did not run
}

// Snapshot adds all figures up. It does not wait for commands.
func (s *Stats) Snapshot() Snapshot {
	snap := s.totals()
	snap.ByError = s.errors.snapshot()
	snap.Connections, snap.Rejected = s.Connections.Load(), s.Rejected.Load()
	snap.Swept = time.Duration(s.swept.Load())
	snap.Peak = s.peak.Load()
	snap.PerSecond = s.rates.perSecond()
	return snap
}

// totals is the part of a Snapshot that comes from Counts.
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

// Distributions are the durations of commands, by number.
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

// SweepTook adds the time of one round of deleting expired keys.
func (s *Stats) SweepTook(took time.Duration) { s.swept.Add(int64(took)) }

// SawUsed raises the peak if the keys take more bytes now than ever before.
func (s *Stats) SawUsed(bytes int64) {
	for {
		peak := s.peak.Load()
		if bytes <= peak || s.peak.CompareAndSwap(peak, bytes) {
			return
		}
	}
}

// Reset sets the counts to 0. expired is how many keys have expired until now, and now a time of the monotonic clock in
// nanoseconds. A command that runs at the same moment may be counted or not. The peak of memory stays.
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
