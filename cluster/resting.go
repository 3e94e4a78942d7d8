package cluster

import "time"

// restAfter is after how many ticks with nothing on its way the owner rests.
const restAfter = 16

// resting lets the owner's ticks come as seldom as peers allow, mostTick, while nothing changes and nothing is on its
// way. The engine rouses the owner at the next change; frames of peers come to it anyhow.
type resting struct {
	roused chan struct{}
	every  time.Duration // between two ticks outside of a rest
	quiet  int           // ticks since something was on its way
	on     bool
}

// beginIfIdle begins a rest if nothing has been on its way for long enough. begin is DB.RestUnsent.
func (r *resting) beginIfIdle(tick *time.Ticker, idle bool, begin func(roused chan<- struct{}) bool) {
	if !idle {
		r.end(tick)
		return
	}
	if r.on || r.quiet < restAfter || r.every >= mostTick {
		return
	}
	if r.on = begin(r.roused); r.on {
		tick.Reset(mostTick)
	}
}

// end goes back to the owner's own ticks.
func (r *resting) end(tick *time.Ticker) {
	r.quiet = 0
	if r.on {
		r.on = false
		tick.Reset(r.every)
	}
}
