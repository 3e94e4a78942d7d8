package persist

import (
	"sync/atomic"
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

// resting lets the flusher's ticks come seldom while nothing changes. The engine rouses it at the next change, and a
// loop that leads does so too, since the flusher has to look at that loop. Only rouse may be called by others than the
// flusher's goroutine.
type resting struct {
	*Store
	roused chan struct{}
	quiet  int         // ticks in a row without anything to do
	on     atomic.Bool // a rest begins only while the flusher's goroutine is the flusher's owner
}

func newResting(s *Store) resting { return resting{Store: s, roused: make(chan struct{}, 1)} }

// beginIfIdle begins a rest if the store has been idle for long enough.
func (r *resting) beginIfIdle(tick *time.Ticker, idle bool) {
	if !idle {
		r.end(tick)
		return
	}
	if r.quiet++; r.on.Load() || r.quiet < restAfter || r.delay >= restTick {
		return
	}
	if r.db.RestUnwritten(r.roused) {
		r.on.Store(true)
		tick.Reset(pulse.Until(restTick))
	}
}

// next is called after each tick.
func (r *resting) next(tick *time.Ticker) {
	if r.on.Load() {
		tick.Reset(pulse.Until(restTick))
	}
}

// end goes back to the flusher's own ticks.
func (r *resting) end(tick *time.Ticker) {
	r.quiet = 0
	if r.on.Load() {
		r.on.Store(false)
		tick.Reset(r.delay)
	}
}

// rouse ends a rest soon. Any goroutine may call it.
func (r *resting) rouse() {
	if !r.on.Load() {
		return
	}
	select {
	case r.roused <- struct{}{}:
	default: // it is being roused
	}
}
