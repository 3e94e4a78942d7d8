package crash

import (
	"fmt"
	"strings"
	"time"
)

// clockSlack is how far the server's clock and ours may read differently, and how late either may be read.
const clockSlack = 50 * time.Millisecond

// forever is later than any acknowledgement.
var forever = time.Unix(1<<40, 0)

// count is what a key holds; the zero count is a key that is not there.
type count struct {
	value int64
	there bool
	// ttl is what the step that made this count gave it to live, 0 without a deadline.
	ttl time.Duration
	// quota: it holds a quota, with at most value tokens.
	quota bool
}

// step is one command or transaction and the counts of the unit's keys after it.
type step struct {
	command string
	sent    time.Time
	acked   time.Time // zero: no reply came
	after   []count
}

// history is what happened to a unit in one life of the server. The first step is what was there when the life began;
// it is acknowledged. Steps were sent in this order over one connection, so the acknowledged ones come first.
type history struct {
	keys  []string
	steps []step
}

// observation is what a key held some time between two moments.
type observation struct {
	count
	from, to time.Time
}

// verdict is the place in its history where a unit was found: the number of steps after that moment.
type verdict struct {
	lostAcked, lostUnknown int
	// oldest is how long before the end the first of the acknowledged ones was acknowledged.
	oldest time.Duration
}

// verify finds the last moment of the history that explains the observed state. It must contain the steps that were
// acknowledged by durable; gone is when the server had ended.
func (h history) verify(seen []observation, durable, gone time.Time) (verdict, error) {
	required := h.required(durable)
	for at := len(h.steps) - 1; at >= 0; at-- {
		if !h.explains(at, seen, gone) {
			continue
		}
		if at >= required {
			return h.found(at, gone), nil
		}
		last := h.steps[required]
		return verdict{}, fmt.Errorf("%s: lost %d steps that had to be there, the last one %s, acknowledged %v before the end",
			h.describe(seen), required-at, last.command, gone.Sub(last.acked))
	}
	return verdict{}, fmt.Errorf("%s: was never so; %s", h.describe(seen), h.around(required))
}

// with is the verdict on two units.
func (v verdict) with(w verdict) verdict {
	return verdict{v.lostAcked + w.lostAcked, v.lostUnknown + w.lostUnknown, max(v.oldest, w.oldest)}
}

// required is the last step that must be in.
func (h history) required(durable time.Time) int {
	required := 0
	for i, s := range h.steps {
		if !s.acked.IsZero() && !s.acked.After(durable) {
			required = i
		}
	}
	return required
}

func (h history) found(at int, gone time.Time) verdict {
	var v verdict
	for _, s := range h.steps[at+1:] {
		if s.acked.IsZero() {
			v.lostUnknown++
		} else {
			v.lostAcked++
			v.oldest = max(v.oldest, gone.Sub(s.acked))
		}
	}
	return v
}

func (h history) explains(at int, seen []observation, gone time.Time) bool {
	s := h.steps[at]
	for i, c := range s.after {
		if !c.explains(seen[i], s.sent, s.ackedBy(gone)) {
			return false
		}
	}
	return true
}

// ackedBy is when the step had happened at the latest.
func (s step) ackedBy(gone time.Time) time.Time {
	if s.acked.IsZero() {
		return gone
	}
	return s.acked
}

// explains reports whether a count that was made between made and ready may look so.
func (c count) explains(seen observation, made, ready time.Time) bool {
	mortal := c.there && c.ttl > 0
	earliest, latest := made.Add(c.ttl-clockSlack), ready.Add(c.ttl+clockSlack)
	if !seen.there {
		return !c.there || mortal && !seen.to.Before(earliest)
	}
	if !c.there || c.quota != seen.quota || c.value < seen.value || c.value > seen.value && !c.quota || mortal != (seen.ttl > 0) {
		return false
	}
	return !mortal || !seen.from.Add(seen.ttl).After(latest) && !seen.to.Add(seen.ttl).Before(earliest)
}

func (h history) describe(seen []observation) string {
	var b strings.Builder
	for i, k := range h.keys {
		fmt.Fprintf(&b, "%s=%v ", k, seen[i].count)
	}
	return strings.TrimSpace(b.String())
}

// around shows the history near the last step that must be in.
func (h history) around(required int) string {
	const before, behind = 2, 6
	var b strings.Builder
	fmt.Fprintf(&b, "%d steps, %d of them required:", len(h.steps)-1, required)
	for i := max(0, required-before); i < min(len(h.steps), required+behind); i++ {
		s := h.steps[i]
		fmt.Fprintf(&b, "\n  %d: %s: %v", i, s.command, s.after)
		if s.acked.IsZero() {
			b.WriteString(" (no reply)")
		}
	}
	return b.String()
}

func (c count) String() string {
	switch {
	case !c.there:
		return "none"
	case c.quota:
		return fmt.Sprintf("a quota of %d for %v", c.value, c.ttl)
	case c.ttl > 0:
		return fmt.Sprintf("%d for %v", c.value, c.ttl)
	}
	return fmt.Sprint(c.value)
}
