package crdt

import (
	"fmt"
	"math"
	"slices"
)

const diverged = "convergence: the nodes differ after everything was exchanged"

// broken lets a copy of the cluster exchange everything it holds. It returns the law that the outcome breaks, "" for
// none.
func (m *model) broken() string {
	c := m.clone()
	for i := range c.nodes {
		c.nodes[i].offset = 0
	}
	c.now += c.slack
	if !c.exchange() {
		return diverged
	}
	for i := range c.items {
		x := &c.items[i]
		f := &c.nodes[0].Entry
		visible := x.in(f) && !f.Expired(c.now)
		if law := c.brokenFor(x, f, visible); law != "" {
			return fmt.Sprintf("%s (item %d, %+v; %+v at %d)", law, i, *x, *f, c.now)
		}
	}
	return ""
}

// exchange makes every node merge every other's state until nothing changes.
func (m *model) exchange() bool {
	for range 10 {
		quiet := true
		for i := range m.nodes {
			for j := range m.nodes {
				if i == j {
					continue
				}
				remote, before := cloneEntry(&m.nodes[j].Entry), cloneEntry(&m.nodes[i].Entry)
				m.travel(&remote)
				m.merge(&m.nodes[i].Entry, &remote, m.now)
				m.watch(i)
				quiet = quiet && equal(&before, &m.nodes[i].Entry)
			}
		}
		if quiet {
			break
		}
	}
	for i := range m.nodes {
		if !equal(&m.nodes[0].Entry, &m.nodes[i].Entry) {
			return false
		}
	}
	return true
}

// brokenFor returns the law that the fate of an item breaks. Some fates are open: where no case below decides, the item
// may count or not.
func (m *model) brokenFor(x *item, f *Entry, visible bool) string {
	if x.reset && visible {
		return "L2: a reset that saw it has not removed it"
	}
	for i := range m.deadlines {
		if x.under>>i&1 == 0 || !visible {
			continue
		}
		end := m.latestEnd(x, i)
		if end <= m.now {
			return "L3, ghost: its window has ended, and nothing reopened it"
		}
		if end != math.MaxInt64 && f.Deadline.At == 0 {
			return "L3, immortal: its window has become a counter without a deadline"
		}
	}
	if !visible && !m.mayBeGone(x) {
		return "L1: it has vanished, and neither a reset nor an expiry may have removed it"
	}
	return ""
}

// latestEnd is the last moment at which an item that stood under a deadline may be visible. A later EXPIRE or PERSIST
// moves that moment, if its node's content was begun before. So does a write that clears the deadline beside other
// content, unless the item was hidden somewhere. A SET or DEL after the deadline that did not see the item removes the
// end for good: then L2, that the item counts on top, goes before L3, that it ends.
func (m *model) latestEnd(x *item, deadline int) int64 {
	d := m.deadlines[deadline]
	wasHidden := (x.hidden[0]|x.hidden[1]|x.hidden[2])>>deadline&1 != 0
	beside := slices.ContainsFunc(m.resets, func(r Stamp) bool { return d.Stamp.Less(r) && r != x.base })
	if d.At == 0 || beside && !wasHidden {
		return math.MaxInt64
	}
	end := d.At
	for i, w := range m.deadlines {
		if d.Stamp.Less(w.Stamp) && w.birth < d.At+m.slack && (w.direct || !wasHidden || m.kept(d)) {
			end = max(end, m.latestEnd(x, i))
		}
	}
	return end
}

// kept reports whether a SET KEEPTTL after d left the deadline alone. Then a SET elsewhere that cleared the deadline is
// an earlier write, and reopens the window as a PERSIST does.
func (m *model) kept(d deadlineWrite) bool {
	return slices.ContainsFunc(m.items, func(x item) bool {
		return d.Stamp.Less(x.base) && !slices.ContainsFunc(m.deadlines, func(w deadlineWrite) bool { return w.Stamp == x.base.OfReset() })
	})
}

// mayBeGone reports whether something may have removed the item: a reset that saw it, or a deadline. The deadline is
// one under which the item stood, or a later one written over it, unless the content of that later one was begun after
// the first deadline or after it had been deleted, or an EXPIRE or PERSIST must have reopened the window.
func (m *model) mayBeGone(x *item) bool {
	if x.reset {
		return true
	}
	for i, d := range m.deadlines {
		if x.base != (Stamp{}) && d.At != 0 && d.At <= m.now && x.base.OfReset().Less(d.Stamp) {
			return true // for a register the expiry of a later deadline is a later write
		}
		if (x.under&^x.over)>>i&1 == 0 {
			continue
		}
		for j, w := range m.deadlines {
			if !w.Stamp.Less(d.Stamp) && x.over>>j&1 == 0 && x.birth < d.At+m.slack && w.At != 0 && w.At <= m.now && !m.mustReopen(x, w) {
				return true
			}
		}
	}
	return false
}

// mustReopen reports whether an EXPIRE or PERSIST certainly cancelled d for the item: it came in time, no reset came
// beside it except one that wrote the item and that it knew, and nobody wrote to the key at or after d.
func (m *model) mustReopen(x *item, d deadlineWrite) bool {
	if m.lastWrite >= d.At-m.slack {
		return false
	}
	last := d
	for _, w := range m.deadlines {
		if last.Stamp.Less(w.Stamp) {
			last = w
		}
	}
	for _, r := range m.resets {
		if d.Stamp.Less(r) && (r != x.base || r != last.base) {
			return false
		}
	}
	return last.direct && last.Stamp != d.Stamp && (last.At == 0 || last.At > m.now)
}
