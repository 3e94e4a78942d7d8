package command

import (
	"slices"
	"sync"
	"time"
)

// latencySamples is how many samples of an event are kept.
const latencySamples = 160

// event is something that clients may have had to wait for.
type event uint8

const (
	eventCommand event = iota // a command, or a group that a command which is not marked as fast began
	eventFast                 // a command that is marked as fast, or a group that one began
	eventSweep                // a round of deleting keys past their deadline
	events
)

// eventNames are the words of the events, as in Redis.
func eventNames() []string { return []string{"command", "fast-command", "expire-cycle"} }

// latency is when events took at least latency-monitor-threshold.
type latency struct {
	mu     sync.Mutex // protects the fields below
	events [events]series
}

// series is the samples of one event.
type series struct {
	samples []sample // the oldest first, at most one for each second
	max     int64    // milliseconds, since the last reset
}

// sample is the longest of an event within one second.
type sample struct {
	at   int64 // unix seconds
	took int64 // milliseconds
}

// observe enters what took long enough. The wall clock is in unix milliseconds.
func (s *Server) observe(e event, wall int64, took time.Duration) {
	threshold := s.Params.LatencyThreshold.Load()
	if threshold > 0 && took.Milliseconds() >= threshold {
		s.latency.add(e, sample{wall / 1000, took.Milliseconds()})
	}
}

func (l *latency) add(e event, latest sample) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.events[e]
	s.max = max(s.max, latest.took)
	if n := len(s.samples); n > 0 && s.samples[n-1].at == latest.at {
		s.samples[n-1].took = max(s.samples[n-1].took, latest.took)
		return
	}
	if len(s.samples) == latencySamples {
		s.samples = s.samples[:copy(s.samples, s.samples[1:])]
	}
	s.samples = append(s.samples, latest)
}

// history copies the samples of an event.
func (l *latency) history(e event) series {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.events[e]
	s.samples = slices.Clone(s.samples)
	return s
}

// reset forgets an event and says whether there was anything to forget.
func (l *latency) reset(e event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	had := len(l.events[e].samples) > 0
	l.events[e] = series{}
	return had
}

// lowest is the least of the samples in milliseconds; there must be some.
func (s *series) lowest() int64 {
	low := s.samples[0].took
	for _, one := range s.samples {
		low = min(low, one.took)
	}
	return low
}

// highest is the largest of the samples in milliseconds.
func (s *series) highest() (high int64) {
	for _, one := range s.samples {
		high = max(high, one.took)
	}
	return high
}
