package cluster

import "time"

const (
	// restAfter is after how many ticks with nothing on its way the owner rests.
	restAfter = 4
	// restTick is how often nodes that rest send Pings, all at the same moments: see package pulse. The node with the
	// smallest id begins. To another node its Ping is an event, at which the other node sends its own Pings. It begins
	// itself followAfter later, if nobody else did. So a node wakes less often.
	restTick    = 500 * time.Millisecond
	followAfter = 20 * time.Millisecond
)

// resting lets the owner's ticks come seldom while nothing changes and nothing is on its way. The engine rouses the
// owner at the next change; frames of peers come to it anyhow.
type resting struct {
	roused chan struct{}
	every  time.Duration // between two ticks outside of a rest
	quiet  int           // ticks since something was on its way
	on     bool
}

// beginIfIdle is called after each event. It begins a rest if nothing has been on its way for long enough, and says
// when a rest has its next tick. begin is DB.RestUnsent. due is for how long the owner may wait for an event.
func (r *resting) beginIfIdle(tick *time.Ticker, idle bool, begin func(roused chan<- struct{}) bool, due func() time.Duration) {
	switch {
	case !idle:
		r.end(tick)
		return
	case r.on:
	case r.quiet < restAfter || !begin(r.roused):
		return
	}
	r.on = true
	tick.Reset(max(due(), leastTick))
}

// end goes back to the owner's own ticks.
func (r *resting) end(tick *time.Ticker) {
	r.quiet = 0
	if r.on {
		r.on = false
		tick.Reset(r.every)
	}
}
