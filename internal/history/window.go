package history

import (
	"fmt"
	"maps"
)

// arm notes the elements that the node has in windows that have not ended for it; its clock is at most late. Elements
// made after their deadline may have passed do not belong to the window.
func (c *contents) arm(v *view, late int64) {
	open := v.known.and(c.deadline)
	if open.empty() {
		return
	}
	hides := maps.Clone(v.hides) // earlier versions keep their own map
	if hides == nil {
		hides = map[int]set{}
	}
	for d := range open.all {
		if late >= c.writes[d].min {
			continue
		}
		s := hides[d]
		for n := range v.known.and(c.elements).all {
			if c.writes[n].call.late < c.writes[d].min {
				s = s.with(n)
			}
		}
		hides[d] = s
	}
	v.hides = hides
}

// over returns the deadlines that had certainly passed for the node of the call before the invocation, whatever else
// the node may know.
func (c *contents) over(i int) set {
	call := c.call(i)
	var over set
	for d := range c.begun[i].known.and(c.deadline).all {
		if call.early >= c.writes[d].max && c.undisputed(d, c.may[call.node], c.number[i]) {
			over = over.with(d)
		}
	}
	return over
}

// undisputed reports whether the deadline is certainly the last one among all writes that the node may know, apart from
// one.
func (c *contents) undisputed(d int, may set, except int) bool {
	for t := range may.without(c.writes[d].before).all {
		if t != d && t != except && c.writes[t].call.times() {
			return false
		}
	}
	return true
}

// superseded reports whether one of the writes has certainly replaced the deadline.
func (c *contents) superseded(d int, by set) bool {
	for t := range by.all {
		if c.writes[t].call.times() && c.writes[t].before.has(d) {
			return true
		}
	}
	return false
}

// compareHidden checks that the read shows nothing of a window that has ended here.
func (c *contents) compareHidden(i int, in set) bool {
	for d := range c.over(i).all {
		if ghosts := in.and(c.views[c.call(i).node].hides[d]); !ghosts.empty() {
			c.report("L3", c.calls[i], fmt.Sprintf("it read %d, which shows what its deadline had ended", c.call(i).reply),
				append([]ID{c.writes[d].id}, c.ids(ghosts)...)...)
			return false
		}
	}
	return true
}

// close notes that a write which gives the key a value has closed the ended windows: they never come back, and the
// write is in none of them.
func (c *contents) close(i int) {
	call, w := c.call(i), &c.writes[c.number[i]]
	if !call.counts() {
		return
	}
	v := &c.views[call.node]
	over := c.over(i)
	w.after = over
	v.ended = v.ended.or(over)
	for d := range over.all {
		v.gone = v.gone.or(v.hides[d])
	}
}

// hidden reports whether a window may have ended for a node whose clock is at most top, so that elements not shown may
// come back.
func (c *contents) hidden(may set, top int64) bool {
	for d := range may.and(c.deadline).without(c.void).all {
		if c.writes[d].min <= top {
			return true
		}
	}
	return false
}

// between reports whether, between the last quiescence and a read, a deadline may have passed for some nodes and not
// for others.
func (c *contents) between(may set, top int64) bool {
	for d := range may.and(c.deadline).without(c.void).all {
		if c.writes[d].min <= top && c.writes[d].max > c.calm.low {
			return true
		}
	}
	return false
}

// compareTTL checks that the shown deadline, or the absence of one, is possible.
func (c *contents) compareTTL(i int) {
	call := c.call(i)
	if !c.steady[i] || call.reply == -2 {
		return
	}
	known := c.begun[i].known.and(c.deadline)
	may := c.may[call.node]
	if call.reply < 0 {
		for d := range known.all {
			if call.late < c.writes[d].min && c.undisputed(d, may, -1) {
				c.report("L3", c.calls[i], "it read no deadline, although one was set and nothing has cleared it", c.writes[d].id)
				return
			}
		}
		return
	}
	for d := range may.and(c.deadline).without(c.begun[i].ended).all {
		// One millisecond in each direction, since the reply is rounded.
		if c.writes[d].min-1 <= call.late+call.reply && c.writes[d].max >= call.early+call.reply-1 {
			return
		}
	}
	c.report("L3", c.calls[i], fmt.Sprintf("it read that %d ms remain, which no deadline says that may hold there", call.reply),
		c.ids(may.and(c.deadline))...)
}
