package stats

import (
	"sync"
	"time"
)

// Flow is commands, bytes received and bytes sent, per second.
type Flow struct{ Commands, Received, Sent float64 }

// rates computes the Flow between the last two samples.
type rates struct {
	mu    sync.Mutex // protects the fields below
	at    int64      // of the last sample, in nanoseconds of the monotonic clock
	last  Flow       // totals at the last sample
	rated Flow       // per second, between the last two samples
}

// Sample takes a sample of the counters for the figures per second. now is a time of the monotonic clock in
// nanoseconds. The caller calls it about once a second.
func (s *Stats) Sample(now int64) {
	t := s.totals()
	s.rates.sample(now, Flow{float64(t.Calls), float64(t.Received), float64(t.Sent)})
}

func (r *rates) sample(now int64, all Flow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seconds := time.Duration(now - r.at).Seconds()
	if seconds <= 0 {
		return
	}
	per := func(before, after float64) float64 { return max(0, after-before) / seconds }
	r.rated = Flow{per(r.last.Commands, all.Commands), per(r.last.Received, all.Received), per(r.last.Sent, all.Sent)}
	r.at, r.last = now, all
}

func (r *rates) perSecond() Flow {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rated
}

func (r *rates) reset(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.last, r.rated = now, Flow{}, Flow{}
}
