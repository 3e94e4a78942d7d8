package history

import (
	"fmt"
	"maps"
)

// arm notes what the node has in windows that have not ended for it: its clock is at most late. What was made where the
// deadline may have passed already is not of the window.
func (c *contents) arm(v *view, late int64) {
	open := v.known.and(c.deadline)
	if open.empty() {
		return
	}
	hides := maps.Clone(v.hides) // earlier versions keep theirs
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

// over is the deadlines that have passed for the node of the call since before it was invoked, whatever else may be
// known there.
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

// undisputed says whether the deadline is certainly the last one, of all writes that may be known except the one
// itself.
func (c *contents) undisputed(d int, may set, except int) bool {
	for t := range may.without(c.writes[d].before).all {
		if t != d && t != except && c.writes[t].call.times() {
			return false
		}
	}
	return true
}

// superseded says whether one of the writes has certainly replaced the deadline.
func (c *contents) superseded(d int, by set) bool {
	for t := range by.all {
		if c.writes[t].call.times() && c.writes[t].before.has(d) {
			return true
		}
	}
	return false
}

// compareHidden says whether the read shows nothing of a window that is over here.
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

// close notes that a write which gives the key a value has closed the windows that were over: they never come back, and
// it is in none of them.
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

// hidden says whether a window may have ended at a node whose clock is at most top, so that what is not shown may come
// back.
func (c *contents) hidden(may set, top int64) bool {
	for d := range may.and(c.deadline).without(c.void).all {
		if c.writes[d].min <= top {
			return true
		}
	}
	return false
}

// between says whether a deadline may have passed for some nodes and not for others, from the last quiescence to a
// read.
func (c *contents) between(may set, top int64) bool {
	for d := range may.and(c.deadline).without(c.void).all {
		if c.writes[d].min <= top && c.writes[d].max > c.calm.low {
			return true
		}
	}
	return false
}

// compareTTL says whether a deadline, or that there is none, can be shown.
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
		// A millisecond each way: the reply is rounded.
		if c.writes[d].min-1 <= call.late+call.reply && c.writes[d].max >= call.early+call.reply-1 {
			return
		}
	}
	c.report("L3", c.calls[i], fmt.Sprintf("it read that %d ms remain, which no deadline says that may hold there", call.reply),
		c.ids(may.and(c.deadline))...)
}
