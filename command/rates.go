package command

import (
	"sync"
	"time"
)

// rates is what happens per second, between the last two samples.
type rates struct {
	mu    sync.Mutex // protects the fields below
	at    int64      // of the last sample, in nanoseconds of the monotonic clock
	last  flow       // what had happened by then
	rated flow       // per second
}

// flow is amounts that only grow, or how fast they do.
type flow struct{ commands, received, sent float64 }

// Sample looks at the counters, for the figures of INFO that are per second and for the peak of memory. It is to be called
// regularly, about once a second.
func (s *Server) Sample() {
	s.Stats.sawUsed(s.DB.Used())
	t := s.Stats.totals(len(s.table.rows))
	s.Stats.rates.sample(s.Now().Mono, flow{float64(t.calls), float64(t.received), float64(t.sent)})
}

// ObserveSweep enters that deleting keys past their deadline took so long.
func (s *Server) ObserveSweep(took time.Duration) {
	s.Stats.swept.Add(int64(took))
	s.observe(eventSweep, s.Now().Wall, took)
}

// sawUsed notes what the keys take and returns the most they have been seen to take.
func (s *Stats) sawUsed(bytes int64) int64 {
	for {
		peak := s.peak.Load()
		if bytes <= peak {
			return peak
		}
		if s.peak.CompareAndSwap(peak, bytes) {
			return bytes
		}
	}
}

func (r *rates) sample(now int64, all flow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seconds := time.Duration(now - r.at).Seconds()
	if seconds <= 0 {
		return
	}
	per := func(before, after float64) float64 { return max(0, after-before) / seconds }
	r.rated = flow{per(r.last.commands, all.commands), per(r.last.received, all.received), per(r.last.sent, all.sent)}
	r.at, r.last = now, all
}

func (r *rates) perSecond() flow {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rated
}

func (r *rates) reset(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.last, r.rated = now, flow{}, flow{}
}
