package history

import "fmt"

// explain checks that each element missing from a read may have been reset, or may have ended with its window.
func (c *contents) explain(a absence) {
	call := c.call(a.call)
	var lacking set
	for n := range a.missing.all {
		if !c.removed(n, a.may) && !c.expired(n, a.may, call.top) {
			lacking = lacking.with(n)
		}
	}
	if lacking.empty() {
		return
	}
	what := "which lacks what this node had acknowledged, shown or been given"
	if c.law() != "L1" {
		what += ", and nothing that saw it has removed it"
	}
	others := c.ids(lacking)
	others = append(others, c.ids(c.resets(a.may))...)
	c.report(c.law(), c.calls[a.call], fmt.Sprintf("it read %d, %s", call.reply, what), others...)
}

// removed reports whether a reset that the node may know may have removed the element.
func (c *contents) removed(n int, may set) bool {
	w := &c.writes[n]
	for t := range may.all {
		r := &c.writes[t]
		switch {
		case !r.call.resets() || t == n:
		case w.call.kind != Incr: // of two SETs one wins
			if !w.before.has(t) {
				return true
			}
		case r.maybe.has(n) && !r.spared.has(n):
			return true
		}
	}
	return false
}

// expired reports whether the element may have been in a window that has ended for a node whose clock is at most top.
func (c *contents) expired(n int, may set, top int64) bool {
	w := &c.writes[n]
	for d := range may.and(c.deadline).without(c.void).all {
		switch {
		case c.writes[d].min > top || w.after.has(d):
		case w.call.resets() && !w.call.keepTTL && w.before.has(d): // the SET, which saw it, has cleared it
		default:
			return true
		}
	}
	return false
}
