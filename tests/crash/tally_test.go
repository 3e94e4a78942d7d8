package crash

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

const (
	// One in leastTested kills must have torn the log or lost an unacknowledged step; otherwise nothing was tested.
	leastTested = 5
	// usualLoss: in most lives no lost acknowledgement is older than this: one batch delay before the write, one that
	// the harness may have cut, and a little. Most lives have no stall of the machine.
	usualLoss = 5 * batchDelay
	// minKills is the number of kills from which on usualLoss is checked.
	minKills = 10
)

// tally counts what the rounds have tested.
type tally struct {
	steps                        int64
	kills, stops, saves, flushes int
	cuts, garbled                int             // damaged by the harness
	torn, lostUnknown, lostAcked int             // lives
	tested                       int             // kills that cut a torn tail or lost an unacknowledged step
	lost                         verdict         // of all lives
	oldest                       []time.Duration // age of the oldest lost step, of each killed life
}

func (y *tally) live(p plan, l life) {
	y.steps += l.steps
	if p.stop {
		y.stops++
	} else {
		y.kills++
	}
	if p.flush {
		y.flushes++
	}
	if p.save > 0 {
		y.saves++
	}
}

func (y *tally) start(p plan, torn bool, v verdict) {
	y.lost = y.lost.with(v)
	if !p.stop {
		y.oldest = append(y.oldest, v.oldest)
	}
	if torn {
		y.torn++
	}
	if v.lostUnknown > 0 {
		y.lostUnknown++
	}
	if v.lostAcked > 0 {
		y.lostAcked++
	}
	if !p.stop && (torn || v.lostUnknown > 0) {
		y.tested++
	}
}

// check fails the test if all lives together tested too little, or lost too much, though no single life did.
func (y *tally) check(t *testing.T) {
	t.Helper()
	if y.tested*leastTested < y.kills {
		t.Errorf("only %d of %d kills cut a torn tail or lost what was not acknowledged", y.tested, y.kills)
	}
	if y.kills < minKills {
		return
	}
	slices.Sort(y.oldest)
	if median := y.oldest[len(y.oldest)/2]; median > usualLoss {
		t.Errorf("half of the kills lost what was acknowledged %v before, and more", median)
	}
}

func (y *tally) String() string {
	return fmt.Sprintf("%d kills and %d stops, %d with BGSAVE, %d with FLUSHALL, over %d steps; %d logs cut and %d garbled here; "+
		"%d torn tails cut by the server; %d lives lost %d steps without a reply, %d lives lost %d acknowledged ones, up to %v old",
		y.kills, y.stops, y.saves, y.flushes, y.steps, y.cuts, y.garbled, y.torn, y.lostUnknown, y.lost.lostUnknown,
		y.lostAcked, y.lost.lostAcked, y.lost.oldest)
}
