package sim

import (
	"math"
	"math/bits"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/internal/history"
)

// windows says whether what nodes show of limiters' keys is within L3, and is stricter than package history, which
// knows only what clients were answered: after each event it looks at all nodes. On such a key there are counts, each
// of a digit of its own, deadlines, and SETs within a window.
//
//   - What is visible has a deadline: who begins a window sets it in one transaction.
//   - A count is never seen in a window that it cannot be of: one that began, by the clock of who began it, when the count's own window had ended.
//   - What a node shows stays there until a deadline has passed for somebody that is the count's own or later, and no SET has removed it.
type windows struct {
	world    *world
	key      string
	versions []version
	counts   [maxDigits]count
	removed  uint64 // digits that SETs have seen
	sets     bool   // there has been a SET
	shown    map[*process]view
	last     map[*process]int64 // the last deadline that it showed
	lawful   map[[2]int64]bool  // pairs of deadlines: what is of the first may be seen under the second
}

// version is one writing of the deadline.
type version struct {
	at    int64 // unix ms
	since int64 // when the key was made that had it, by its node's clock
	wrote time.Duration
	after int64 // the deadline that it replaced; 0: it began a window
	// deadlines whose windows do not join it though they are not past: its node knew that they had been cut short, and
	// were over
	over map[int64]bool
}

// count is an increment, or a SET.
type count struct {
	deadline int64 // that the key had where it was made
	made     time.Duration
	set      bool
}

// view is what a node shows.
type view struct {
	digits   uint64
	deadline int64
}

func newWindows(w *world, key string) *windows {
	return &windows{world: w, key: key, shown: map[*process]view{}, last: map[*process]int64{}, lawful: map[[2]int64]bool{}}
}

// viewOf is the digits of a value.
func viewOf(v engine.Value) (view, bool) {
	s := view{deadline: v.Deadline}
	for n := range maxDigits {
		switch uint64(v.Int) >> (2 * n) & 3 {
		case 0:
		case 1:
			s.digits |= 1 << n
		default:
			return s, false
		}
	}
	return s, v.Int < history.Digit(maxDigits)
}

// did notes that a process has carried out an operation on what was there before.
func (x *windows) did(p *process, op history.Op, before engine.Value) {
	now, wall := x.world.now, p.now().Wall
	switch op.Kind {
	case history.Incr:
		x.counts[digitOf(op.Delta)] = count{deadline: before.Deadline, made: now}
	case history.Set:
		x.counts[digitOf(op.Value)] = count{deadline: before.Deadline, made: now, set: true}
		seen, _ := viewOf(before)
		x.removed |= seen.digits
		x.sets = true
	case history.Expire:
		v := version{at: wall + op.TTL, since: wall, wrote: now, over: map[int64]bool{}}
		if before.Deadline != 0 { // it was put off
			v.since, v.after = x.since(before.Deadline), before.Deadline
			if old := x.only(before.Deadline); old != nil {
				v.over = old.over
			}
		} else {
			x.addOver(v.over, x.last[p])
		}
		x.versions = append(x.versions, v)
		for seen, _ := viewOf(before); seen.digits != 0; seen.digits &= seen.digits - 1 {
			if c := &x.counts[bits.TrailingZeros64(seen.digits)]; c.deadline == 0 {
				c.deadline = v.at
			}
		}
	}
}

// addOver adds a deadline that has passed to those that are over, and those that it replaced.
func (x *windows) addOver(over map[int64]bool, at int64) {
	for v := x.only(at); v != nil && !over[at]; v = x.only(at) {
		over[at] = true
		for other := range v.over {
			over[other] = true
		}
		at = v.after
	}
}

// only is the writing of a deadline, nil if there is none or more than one.
func (x *windows) only(at int64) (found *version) {
	for i := range x.versions {
		if x.versions[i].at != at {
			continue
		}
		if found != nil {
			return nil
		}
		found = &x.versions[i]
	}
	return found
}

func digitOf(amount int64) int { return bits.TrailingZeros64(uint64(amount)) / 2 }

// since is when the key was made that had a deadline.
func (x *windows) since(deadline int64) int64 {
	since := int64(math.MaxInt64)
	for _, v := range x.versions {
		if v.at == deadline {
			since = min(since, v.since)
		}
	}
	return since
}

func (x *windows) end() {}

// look looks at what all nodes show.
func (x *windows) look() {
	for _, h := range x.world.hosts {
		if h.process != nil && !h.isAsleep() {
			x.lookAt(h.process)
		}
	}
}

func (x *windows) lookAt(p *process) {
	w, h := x.world, p.host
	value := p.get(x.key)
	v, ok := viewOf(value)
	if !ok {
		w.fail("host %d shows %d in %s: something was counted twice", h.index, value.Int, x.key)
	}
	if value.Kind != engine.None && v.deadline == 0 {
		w.fail("host %d shows %d in %s without a deadline", h.index, value.Int, x.key)
	}
	before := x.shown[p]
	if x.shown[p] = v; v.deadline != 0 {
		x.last[p] = v.deadline
	}
	for n := range maxDigits {
		switch digit := uint64(1) << n; {
		case v.digits&digit != 0:
			if of := x.counts[n].deadline; !x.mayShow(of, v.deadline) {
				w.fail("host %d shows the %d of a window that ended at %d in one of %s that ends at %d", h.index, history.Digit(n), of, x.key, v.deadline)
			}
		case before.digits&digit != 0 && !x.mayEnd(n):
			w.fail("host %d shows %d no more in %s", h.index, history.Digit(n), x.key)
		}
	}
}

// mayShow reports whether what was counted under one deadline may be seen under another: windows that overlap become
// one.
func (x *windows) mayShow(of, under int64) bool {
	if of == under || of == 0 || under == 0 || x.lawful[[2]int64{of, under}] {
		return true
	}
	reached := map[int64]bool{of: true}
	for grown := true; grown && !reached[under]; {
		grown = false
		for _, v := range x.versions {
			if reached[v.at] {
				continue
			}
			for at := range reached {
				if v.since < at && (x.sets || !v.over[at]) {
					reached[v.at], grown = true, true
					break
				}
			}
		}
	}
	if reached[under] {
		x.lawful[[2]int64{of, under}] = true
	}
	return reached[under]
}

// mayEnd reports whether a count may be gone: a deadline has passed for a node that was its own or one written later,
// or a SET has removed it.
func (x *windows) mayEnd(n int) bool {
	if x.removed&(1<<n) != 0 {
		return true
	}
	c := &x.counts[n]
	_, latest := x.world.clocks()
	written := time.Duration(math.MaxInt64)
	for _, v := range x.versions {
		if v.at == c.deadline {
			written = min(written, v.wrote)
		}
	}
	for _, v := range x.versions {
		if v.at <= latest && v.wrote >= written-maxLittle {
			return true
		}
	}
	for i := range x.counts {
		// Another SET wins; and the expiry of a window with a SET in it stands at the SET: see
		// docs/design/2026-11-merge.md, "What remains".
		if o := &x.counts[i]; o.set && i != n && o.made >= min(c.made, written)-maxLittle {
			return true
		}
	}
	return false
}
