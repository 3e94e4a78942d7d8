package history

import "fmt"

// contents checks a key whose values name the operations that they contain.
type contents struct {
	*timeline
	notation *notation
	elements set // writes that values show
	deadline set // writes that set a deadline

	views    []view
	may      []set // by node: writes that may have reached it
	versions [][]version
	group    []int
	begun    []view // by call: what its node certainly had at the invocation
	lost     set    // writes that a node had and its next disk lacked: lost, unless another node has them
	void     set    // deadlines that no node follows any more
	settled  set    // writes that had no effect before a quiescence, so they never will

	quiet   bool // nothing was written since all nodes agreed
	calm    *event
	shown   int // the call that showed the agreed value; -1: none yet
	missing []absence
	runs    []int // by node: number of its starts
	chains  map[chain][]reading
	parts   []part
}

// An absence is a read that lacks elements. It is explained at the end, when all resets are known.
type absence struct {
	call    int
	missing set
	may     set
}

func checkContents(k *timeline, n *notation) []Violation {
	c := &contents{
		timeline: k, notation: n,
		views: make([]view, k.h.nodes), may: make([]set, k.h.nodes), versions: make([][]version, k.h.nodes),
		group: make([]int, k.h.nodes), begun: make([]view, len(k.calls)), shown: -1,
		runs: make([]int, k.h.nodes),
	}
	for i, w := range k.writes {
		if w.element {
			c.elements = c.elements.with(i)
		}
		if w.call.bounds() {
			c.deadline = c.deadline.with(i)
		}
	}
	if k.plain() {
		c.chains = map[chain][]reading{}
	}
	for _, p := range k.points {
		switch {
		case p.call >= 0 && !p.end:
			c.invoke(p.call)
		case p.call >= 0:
			c.end(p.call, p.pos)
		default:
			c.event(p.event)
		}
	}
	c.finish()
	for _, a := range c.missing {
		c.explain(a)
	}
	c.checkChains()
	return c.found
}

func (c *contents) invoke(i int) {
	call := c.call(i)
	v := c.views[call.node]
	c.begun[i] = v
	n := c.number[i]
	if n < 0 {
		return
	}
	w := &c.writes[n]
	if c.steady[i] {
		w.before = v.known
		if call.resets() {
			w.sure = v.known.and(c.elements)
		}
	}
	for node := range c.may {
		if c.group[node] == c.group[call.node] {
			c.may[node] = c.may[node].with(n)
		}
	}
	c.quiet = false
}

func (c *contents) end(i, pos int) {
	call := c.call(i)
	if call.outcome != ok {
		return
	}
	v := &c.views[call.node]
	n := c.number[i]
	if call.reads() {
		c.reads++
		in, whole := c.read(i)
		if whole {
			if c.compare(i, in) && c.steady[i] {
				c.learn(i, in)
			}
		}
		if n >= 0 && call.resets() {
			w := &c.writes[n]
			w.maybe = c.may[call.node].and(c.elements)
			if whole { // the reply told which writes it removes
				w.maybe = in
				w.sure = w.sure.or(in)
			}
		}
	} else if call.kind == TTL {
		c.reads++
		c.compareTTL(i)
	} else if n >= 0 && call.resets() {
		c.writes[n].maybe = c.may[call.node].and(c.elements)
	}
	if n >= 0 && c.steady[i] {
		c.close(i)
		v.acked, v.known = v.acked.with(n), v.known.with(n)
		v.gone = v.gone.or(c.writes[n].sure)
	}
	if c.steady[i] {
		c.arm(v, call.late)
		c.keep(int(call.node), pos)
	}
}

// read finds the operations in a reply. If the reply has a part that no value can have, it reports that, and whole is
// false.
func (c *contents) read(i int) (in set, whole bool) {
	call, id := c.call(i), c.calls[i]
	parts, strange, rest := c.notation.read(call.reply, c.parts[:0])
	c.parts = parts
	if strange >= 0 {
		c.report("L1", id, fmt.Sprintf("it read %d, which contains an operation that failed", call.reply), strange)
		return in, false
	}
	if rest {
		c.report("L1", id, fmt.Sprintf("it read %d, which no operations of this key add up to, each at most once", call.reply))
		return in, false
	}
	base := -1
	for _, p := range parts {
		w := &c.writes[p.write]
		if p.times != 1 {
			c.report("L1", id, fmt.Sprintf("it read %d, which contains an operation %d times", call.reply, p.times), w.id)
			return in, false
		}
		if w.call.kind != Incr {
			if base >= 0 {
				c.report("L2", id, fmt.Sprintf("it read %d, which contains what two SETs have set", call.reply), c.writes[base].id, w.id)
				return in, false
			}
			base = p.write
		}
		in = in.with(p.write)
	}
	return in, true
}

// compare checks, as far as is known yet, whether the node may show exactly these operations.
func (c *contents) compare(i int, in set) bool {
	call, id := c.call(i), c.calls[i]
	may := c.may[call.node]
	n := c.number[i]
	if extra := in.without(may); !extra.empty() {
		c.report(c.law(), id, fmt.Sprintf("it read %d, which contains what could not be there yet", call.reply), c.ids(extra)...)
		return false
	}
	var must set
	if n >= 0 && call.kind == Incr && call.amount != 0 {
		must = must.with(n)
	}
	if n >= 0 && call.resets() {
		may = may.without(one(n)) // the operation read before it reset
	}
	if c.steady[i] {
		begun := c.begun[i]
		if back := in.and(begun.gone.or(c.settled)); !back.empty() {
			c.report(c.law(), id, fmt.Sprintf("it read %d, which contains what was gone", call.reply),
				append(c.ids(back), c.ids(c.removers(back, begun.known))...)...)
			return false
		}
		for t := range in.all {
			if both := in.and(c.writes[t].sure); !both.empty() && t != n {
				c.report("L2", id, fmt.Sprintf("it read %d, which contains a SET and what that has removed", call.reply),
					append([]ID{c.writes[t].id}, c.ids(both)...)...)
				return false
			}
		}
		if !c.compareHidden(i, in) {
			return false
		}
		must = must.or(begun.known.and(c.elements))
	}
	if missing := must.without(in); !missing.empty() {
		c.missing = append(c.missing, absence{call: i, missing: missing, may: may})
	}
	c.compareQuiet(i)
	if c.chains != nil && c.steady[i] {
		c.link(i, in)
	}
	return true
}

// compareQuiet checks that the nodes agree after a quiescence.
func (c *contents) compareQuiet(i int) {
	call := c.call(i)
	if !c.quiet || call.invoked < c.calm.pos || c.between(c.may[call.node], call.top) {
		return
	}
	if c.shown < 0 {
		c.shown = i
		return
	}
	if first := c.call(c.shown); first.reply != call.reply {
		c.report("L8", c.calls[i], fmt.Sprintf("it read %d after all nodes had exchanged, but node %d showed %d",
			call.reply, first.node, first.reply), c.calls[c.shown])
	}
}

// learn notes the conclusions from a read.
func (c *contents) learn(i int, in set) {
	call := c.call(i)
	v, begun := &c.views[call.node], c.begun[i]
	for t := range begun.known.all {
		w := &c.writes[t]
		if w.call.resets() {
			w.spared = w.spared.or(in)
		}
	}
	v.known = v.known.or(in)
	for t := range in.all {
		w := &c.writes[t]
		if w.call.resets() {
			v.gone = v.gone.or(w.sure)
			w.before = w.before.or(c.resets(begun.known)).without(one(t)) // these writes have lost against t
		}
	}
	// A known element that is not shown was reset, and stays reset, unless it is only hidden.
	if !c.hidden(c.may[call.node], call.top) {
		v.gone = v.gone.or(begun.known.and(c.elements).without(in))
	}
	if c.quiet && c.shown == i {
		for n, w := range c.writes {
			if w.element && w.call.invoked < c.calm.pos && w.call.returned < c.calm.pos && !in.has(n) {
				c.settled = c.settled.with(n)
			}
		}
	}
}

func (c *contents) ids(s set) []ID {
	var ids []ID
	for n := range s.all {
		ids = append(ids, c.writes[n].id)
	}
	return ids
}

func (c *contents) resets(s set) set {
	var r set
	for n := range s.all {
		if c.writes[n].call.resets() {
			r = r.with(n)
		}
	}
	return r
}

// removers returns the writes in of that have certainly removed one of the elements.
func (c *contents) removers(elements, of set) set {
	var r set
	for t := range of.all {
		if !c.writes[t].sure.and(elements).empty() {
			r = r.with(t)
		}
	}
	return r
}
