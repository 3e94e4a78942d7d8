package stats

import (
	"slices"
	"sync"
	"time"
)

// latencySamples is how many samples of an event are kept.
const latencySamples = 160

// Event is a kind of work for which clients may have had to wait.
type Event uint8

// The events, in the order in which they are listed.
const (
	EventCommand Event = iota // a command that is not marked fast, or a group whose first command is not
	EventFast                 // a command that is marked fast, or a group whose first command is
	EventSweep                // one round of deleting expired keys
	events
)

// EventNames are the names of the events, as in Redis, in the order of the constants.
func EventNames() []string { return []string{"command", "fast-command", "expire-cycle"} }

// Latency keeps samples of events that took long.
type Latency struct {
	mu     sync.Mutex // protects the fields below
	events [events]Series
}

// Series is the samples of one event.
type Series struct {
	Samples []Sample // the oldest first, at most one for each second
	Max     int64    // milliseconds, since the last reset
}

// Sample is the longest event of one kind within one second.
type Sample struct {
	At   int64 // unix seconds
	Took int64 // milliseconds
}

// Observe adds a sample if the event took threshold milliseconds or more; with a threshold of 0 it adds nothing. wall
// is the time in unix milliseconds.
func (l *Latency) Observe(e Event, wall int64, took time.Duration, threshold int64) {
	if threshold > 0 && took.Milliseconds() >= threshold {
		l.add(e, Sample{wall / 1000, took.Milliseconds()})
	}
}

func (l *Latency) add(e Event, latest Sample) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.events[e]
	s.Max = max(s.Max, latest.Took)
	if n := len(s.Samples); n > 0 && s.Samples[n-1].At == latest.At {
		s.Samples[n-1].Took = max(s.Samples[n-1].Took, latest.Took)
		return
	}
	if len(s.Samples) == latencySamples {
		s.Samples = s.Samples[:copy(s.Samples, s.Samples[1:])]
	}
	s.Samples = append(s.Samples, latest)
}

// History returns a copy of the samples of an event.
func (l *Latency) History(e Event) Series {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.events[e]
	s.Samples = slices.Clone(s.Samples)
	return s
}

// Reset deletes the samples of an event, and reports whether there were any.
func (l *Latency) Reset(e Event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	had := len(l.events[e].Samples) > 0
	l.events[e] = Series{}
	return had
}

// Lowest is the smallest of the samples, in milliseconds. There must be samples.
func (s *Series) Lowest() int64 {
	low := s.Samples[0].Took
	for _, one := range s.Samples {
		low = min(low, one.Took)
	}
	return low
}

// Highest is the largest of the samples, in milliseconds; 0 without samples.
func (s *Series) Highest() (high int64) {
	for _, one := range s.Samples {
		high = max(high, one.Took)
	}
	return high
}
