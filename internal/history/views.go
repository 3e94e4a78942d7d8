package history

import "sort"

// A view is what one run of a node certainly has, as far as clients can know.
type view struct {
	acked set // writes acknowledged by the node, or by the node whose disk it has
	known set // these, and all that it has shown, whether they still count or not
	gone  set // elements that have certainly ended for it
	ended set // deadlines that have passed and whose windows it has closed
	// hides has, for each deadline that the node knew before it passed, the elements that the node had then.
	hides map[int]set
}

// A version is a view from one position on.
type version struct {
	pos  int
	view view
}

func (c *contents) event(e *event) {
	switch e.kind {
	case partitioned:
		copy(c.group, e.group)
		c.exchange()
	case started:
		c.start(e)
	case quiescent:
		c.agree(e)
	}
}

// exchange lets everything that a node may have reach its group.
func (c *contents) exchange() {
	for a := range c.may {
		for b := range c.may {
			if c.group[a] == c.group[b] {
				c.may[a] = c.may[a].or(c.may[b])
				c.may[b] = c.may[a]
			}
		}
	}
}

func (c *contents) start(e *event) {
	old := c.views[e.node]
	v := c.at(e.disk.Node, e.disk.Shown)
	v.acked = c.at(e.disk.Node, e.disk.Acked).acked
	v.known = v.known.or(v.acked)
	for n, w := range c.writes {
		if w.call.mayBeLost {
			v.acked, v.known = v.acked.without(one(n)), v.known.without(one(n))
		}
	}
	for t := range v.acked.all {
		v.gone = v.gone.or(c.writes[t].sure)
	}
	c.lost = c.lost.or(old.known.without(v.known)) // if another node has it, that node's view knows it
	c.views[e.node] = v
	c.may[e.node] = c.may[e.node].or(c.may[e.disk.Node])
	c.exchange()
	c.keep(e.node, e.pos)
	c.runs[e.node]++
	c.quiet = false
	if c.calm != nil && int(e.disk.Acked) < c.calm.pos && e.disk != (Disk{}) {
		c.settled = set{} // an old disk may have writes of which the others had not heard
	}
}

// agree gives every node everything that any node has.
func (c *contents) agree(e *event) {
	var all view
	all.hides = map[int]set{}
	for n, w := range c.writes {
		if w.steady && w.call.returned < e.pos && !w.call.mayBeLost && !c.lost.has(n) {
			all.known = all.known.with(n)
		}
	}
	for _, v := range c.views {
		all.known, all.gone, all.ended = all.known.or(v.known), all.gone.or(v.gone), all.ended.or(v.ended)
		for d, s := range v.hides {
			all.hides[d] = all.hides[d].or(s)
		}
	}
	for t := range all.known.all {
		all.gone = all.gone.or(c.writes[t].sure)
	}
	c.arm(&all, e.top)
	c.give(e.pos)
	for d := range c.deadline.all {
		if c.writes[d].min > e.top && c.superseded(d, all.known) {
			c.void = c.void.with(d)
		}
	}
	for node := range c.views {
		acked := c.views[node].acked
		c.views[node] = all
		c.views[node].acked = acked
		c.keep(node, e.pos)
	}
	c.quiet, c.calm, c.shown = true, e, -1
}

// give decides, for resets of unknown result that can have no effect after the position, what they may have removed.
func (c *contents) give(pos int) {
	for n := range c.writes {
		w := &c.writes[n]
		if w.call.resets() && w.call.outcome != ok && w.call.invoked < pos && w.maybe.empty() {
			w.maybe = c.may[w.call.node].and(c.elements)
		}
	}
}

func (c *contents) finish() { c.give(c.h.pos + 1) }

func (c *contents) keep(node, pos int) {
	c.versions[node] = append(c.versions[node], version{pos, c.views[node]})
}

// at returns what the node certainly had at the mark.
func (c *contents) at(node int, m Mark) view {
	vs := c.versions[node]
	i := sort.Search(len(vs), func(i int) bool { return vs[i].pos > int(m) })
	if i == 0 {
		return view{}
	}
	return vs[i-1].view
}
