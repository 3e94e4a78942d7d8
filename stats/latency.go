package stats

import (
	"slices"
	"sync"
	"time"
)

// latencySamples is how many samples of an event are kept.
const latencySamples = 160

// Event is something that clients may have had to wait for.
type Event uint8

// The events, in the order in which they are listed.
const (
	EventCommand Event = iota // a command, or a group that a command which is not marked as fast began
	EventFast                 // a command that is marked as fast, or a group that one began
	EventSweep                // a round of deleting keys past their deadline
	events
)

// EventNames are the words of the events, as in Redis, by event.
func EventNames() []string { return []string{"command", "fast-command", "expire-cycle"} }

// Latency is when events took long.
type Latency struct {
	mu     sync.Mutex // protects the fields below
	events [events]Series
}

// Series is the samples of one event.
type Series struct {
	Samples []Sample // the oldest first, at most one for each second
	Max     int64    // milliseconds, since the last reset
}

// Sample is the longest of an event within one second.
type Sample struct {
	At   int64 // unix seconds
	Took int64 // milliseconds
}

// Observe enters an event that took at least threshold milliseconds; with a threshold of 0 it enters nothing. The wall
// clock is in unix milliseconds.
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

// History copies the samples of an event.
func (l *Latency) History(e Event) Series {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.events[e]
	s.Samples = slices.Clone(s.Samples)
	return s
}

// Reset drops the samples of an event and reports whether there were any.
func (l *Latency) Reset(e Event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	had := len(l.events[e].Samples) > 0
	l.events[e] = Series{}
	return had
}

// Lowest is the least of the samples in milliseconds; there must be some.
func (s *Series) Lowest() int64 {
	low := s.Samples[0].Took
	for _, one := range s.Samples {
		low = min(low, one.Took)
	}
	return low
}

// Highest is the largest of the samples in milliseconds.
func (s *Series) Highest() (high int64) {
	for _, one := range s.Samples {
		high = max(high, one.Took)
	}
	return high
}
