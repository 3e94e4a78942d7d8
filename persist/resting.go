package persist

import (
	"time"

	"github.com/quotadb/quota-db/pulse"
)

const (
	// restTick is how often a flusher that rests looks for what is due by time: the empty groups of an idle store, and
	// the inspection of the directory.
	restTick = time.Second
	// restAfter is after how many ticks without changes a flusher rests.
	restAfter = 4
)

// resting lets the flusher's ticks come seldom while nothing changes. The engine rouses it at the next change.
type resting struct {
	*Store
	roused chan struct{}
	quiet  int // ticks in a row without anything to do
	on     bool
}

// beginIfIdle begins a rest if the store has been idle for long enough.
func (r *resting) beginIfIdle(tick *time.Ticker, idle bool) {
	if !idle {
		r.end(tick)
		return
	}
	if r.quiet++; r.on || r.quiet < restAfter || r.delay >= restTick {
		return
	}
	if r.on = r.db.RestUnwritten(r.roused); r.on {
		tick.Reset(pulse.Until(restTick))
	}
}

// next is called after each tick.
func (r *resting) next(tick *time.Ticker) {
	if r.on {
		tick.Reset(pulse.Until(restTick))
	}
}

// end goes back to the flusher's own ticks.
func (r *resting) end(tick *time.Ticker) {
	r.quiet = 0
	if r.on {
		r.on = false
		tick.Reset(r.delay)
	}
}
