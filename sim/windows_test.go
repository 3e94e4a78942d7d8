package sim

import (
	"math"
	"math/bits"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/internal/history"
)

// windows checks law L3 for the keys of limiters. It is stricter than package history, which knows only the replies to
// clients: after each event it looks at all nodes. Such a key has counts, each with its own digit, deadlines, and SETs
// within a window.
//
//   - A visible key has a deadline, since the client that begins a window sets it in the same transaction.
//   - A count never shows in a window that cannot be its own: one that began, by the clock of the node that began it,
//     after the count's own window had ended.
//   - A count that a node shows stays visible there until a SET removes it, or until a deadline has passed, for some
//     node, that is the count's own or a later one.
type windows struct {
	world    *world
	key      string
	versions []version
	counts   [maxDigits]count
	removed  uint64 // digits that a SET has seen
	sets     bool   // there has been a SET
	shown    map[*process]view
	last     map[*process]int64 // by process: the last deadline that it showed
	lawful   map[[2]int64]bool  // pairs of deadlines: counts made under the first may show under the second
}

// version is one write of the deadline.
type version struct {
	at    int64 // unix ms
	since int64 // when the key was created under it, by the clock of its node
	wrote time.Duration
	after int64 // the deadline that it replaced; 0: it began a window
	// deadlines whose windows do not join this one though they have not passed: the node knew that these windows had
	// been shortened and were over
	over map[int64]bool
}

// count is an increment, or a SET.
type count struct {
	deadline int64 // the key's deadline at the node where the count was made
	made     time.Duration
	set      bool
}

// view is the content of a key as a node shows it.
type view struct {
	digits   uint64
	deadline int64
}

func newWindows(w *world, key string) *windows {
	return &windows{world: w, key: key, shown: map[*process]view{}, last: map[*process]int64{}, lawful: map[[2]int64]bool{}}
}

// viewOf splits a value into its digits.
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

// did notes an operation of a process, and the value before it.
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
		if before.Deadline != 0 { // the deadline was moved
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

// addOver adds a deadline that has passed to over, with the deadlines that it replaced.
func (x *windows) addOver(over map[int64]bool, at int64) {
	for v := x.only(at); v != nil && !over[at]; v = x.only(at) {
		over[at] = true
		for other := range v.over {
			over[other] = true
		}
		at = v.after
	}
}

// only returns the single write of a deadline, nil if there is none or more than one.
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

// since returns when the key with a deadline was created.
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

// look checks what all nodes show.
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
	if value.Type != engine.None && v.deadline == 0 {
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

// mayShow reports whether a count made under one deadline may show under another: overlapping windows become one.
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

// mayEnd reports whether a count may be gone: a SET has removed it, or for some node a deadline has passed that is the
// count's own or was written later.
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
