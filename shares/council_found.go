package shares

import (
	"fmt"
	"slices"
	"strings"
)

// Founder is a node that founds the cluster.
type Founder struct {
	Node  uint16
	Seat  uint64
	Whole bool // it may have used whole quotas before
}

// tableOf is the table that founders found. Its members are in the order of the founders, that is, of their nodes.
func tableOf(founders []Founder) *Table {
	t := &Table{Seed: hash(0, []byte("quotadb table 1"))}
	for _, f := range founders {
		t.Seed = mix(mix(t.Seed^uint64(f.Node)) ^ f.Seat)
		t.Members = append(t.Members, Member{Node: f.Node, Seat: f.Seat, Since: 1})
	}
	return t
}

func (t *Table) equal(o *Table) bool { return t.Seed == o.Seed && slices.Equal(t.Members, o.Members) }

// hearTable looks at the table that a peer has, if it has one.
func (c *Council) hearTable(from uint16, t *Table, now int64) {
	switch {
	case t == nil || c.table != nil && c.table.equal(t):
	case c.table != nil && c.hasNothing() && !c.isTold(c.table):
		c.adopt(from, t, now)
	case c.table != nil:
		c.warnConflict(from, t, now)
	case c.promise == nil:
		c.adopt(from, t, now)
	case tableOf(c.promise).equal(t):
		c.begin(now)
	}
}

// adopt takes over the table of a peer. If it names this node, the node has once promised it, and has lost that with
// its directory. So it cannot know what it has used.
func (c *Council) adopt(from uint16, t *Table, now int64) {
	c.table, c.whole, c.since, c.doubt = t, false, 0, false
	c.changed()
	c.o.Log.Info("the cluster is founded: this node has learned its members from a peer", "peer", from, "members", t.nodes())
	if c.isMember() {
		c.newBook(c.book.Number+1, "it does not know that this node is a member", now)
	}
}

// hasNothing reports whether this node has no tokens by its table, and therefore may follow another one.
func (c *Council) hasNothing() bool { return c.doubt || !c.isMember() }

// isTold reports whether a connected node has a table.
func (c *Council) isTold(t *Table) bool {
	for _, s := range c.sessions {
		if s.heard.table != nil && s.heard.table.equal(t) {
			return true
		}
	}
	return false
}

// begin founds the cluster that this node has promised to found. A node that has used whole quotas begins with empty
// buckets. The others begin when all have begun, so that whole quotas are in use nowhere.
func (c *Council) begin(now int64) {
	wholeElsewhere := slices.ContainsFunc(c.promise, func(f Founder) bool { return f.Whole && f.Node != c.node })
	switch {
	case c.whole:
		c.since = now
	case wholeElsewhere:
		c.doubt = true
	}
	c.table = tableOf(c.promise)
	c.whole = false
	c.setPromise(nil, false)
	c.unsaved = true
	c.o.Log.Info("the cluster is founded", "members", c.table.nodes())
}

// setPromise sets the promise of this node, and whether the node wants to withdraw it. A promise that is being
// withdrawn is still on the disk.
func (c *Council) setPromise(p []Founder, withdrawing bool) {
	c.unsaved = c.unsaved || !slices.Equal(p, c.promise)
	c.promise, c.withdrawing = p, withdrawing
	c.turn++
	c.version++
}

// found does the next step of a founding.
func (c *Council) found(now int64) {
	switch {
	case c.promise == nil:
		if set, why := c.agreed(); why == "" {
			c.setPromise(set, false)
		}
	case c.withdrawing:
		if c.isWithdrawn() {
			c.setPromise(nil, false)
		}
	case c.isDisputed():
		c.setPromise(c.promise, true)
	case c.isPromisedByAll():
		c.begin(now)
	}
}

// agreed is the set of nodes that this node may promise to found the cluster with: all that it has sessions with, if
// each of them says the same of its own sessions. Otherwise it says what the founding waits for.
func (c *Council) agreed() (set []Founder, why string) {
	if len(c.without) > 0 {
		return nil, strings.Join(c.without, ", ")
	}
	met := c.met()
	switch n := c.o.Founders; {
	case n > 0 && len(met) != n:
		return nil, fmt.Sprintf("%d nodes that are connected with each other, as --founders says: %d are", n, len(met))
	case n == 0 && len(met) == 1:
		return nil, "a first peer"
	}
	if len(met) > MaxMembers {
		return nil, fmt.Sprintf("a smaller cluster: %d nodes, at most %d can found one", len(met), MaxMembers)
	}
	for _, node := range met {
		if node == c.node {
			set = append(set, Founder{node, c.seat, c.whole})
			continue
		}
		h := &c.sessions[node].heard
		if h.self == nil {
			return nil, fmt.Sprintf("node %d, which has not told its connections yet", node)
		}
		if why := differs(node, h.met, met); why != "" {
			return nil, why
		}
		if slices.ContainsFunc(set, func(f Founder) bool { return f.Seat == h.self.seat }) {
			return nil, fmt.Sprintf("node %d, whose data directory is a copy of another node's", node)
		}
		set = append(set, Founder{node, h.self.seat, h.self.whole})
	}
	for _, node := range c.connected() {
		if h := &c.sessions[node].heard; h.promise != nil && (h.withdrawing || !slices.Equal(h.promise, set)) {
			return nil, fmt.Sprintf("node %d, which has to give up an earlier attempt to found the cluster", node)
		}
	}
	return set, ""
}

// differs says how the sessions of a peer differ from those of this node.
func differs(peer uint16, theirs, ours []uint16) string {
	for _, node := range ours {
		if !slices.Contains(theirs, node) {
			return fmt.Sprintf("a connection between nodes %d and %d", peer, node)
		}
	}
	for _, node := range theirs {
		if !slices.Contains(ours, node) {
			return fmt.Sprintf("a connection with node %d, which node %d has", node, peer)
		}
	}
	return ""
}

// met are the nodes with which this node has sessions, and itself, in order.
func (c *Council) met() []uint16 {
	met := c.connected()
	at, _ := slices.BinarySearch(met, c.node)
	return slices.Insert(met, at, c.node)
}

// isPromisedByAll reports whether all other founders have told, in their present sessions, that they promise the same.
func (c *Council) isPromisedByAll() bool {
	for _, f := range c.promise {
		if f.Node == c.node {
			continue
		}
		s := c.sessions[f.Node]
		if s == nil || s.heard.withdrawing || !slices.Equal(s.heard.promise, c.promise) {
			return false
		}
	}
	return true
}

// isDisputed reports whether the promise of this node may be in the way of all promises becoming equal: a connected
// node says something that does not fit.
func (c *Council) isDisputed() bool {
	for node, s := range c.sessions {
		h := &s.heard
		if h.self == nil {
			continue
		}
		at := slices.IndexFunc(c.promise, func(f Founder) bool { return f.Node == node })
		switch {
		case h.table != nil:
			return true // another one than the promised: see hearTable
		case h.promise != nil && !slices.Equal(h.promise, c.promise):
			return true
		case at >= 0 && c.promise[at] != Founder{node, h.self.seat, h.self.whole}:
			return true
		case at >= 0 && h.promise == nil && slices.ContainsFunc(h.met, func(n uint16) bool { return !promises(c.promise, n) }):
			return true
		}
	}
	return false
}

func promises(set []Founder, node uint16) bool {
	return slices.ContainsFunc(set, func(f Founder) bool { return f.Node == node })
}

// isWithdrawn reports whether no other node can found by the promise of this node any more: each of the other founders
// has said, after it had heard that the promise is being withdrawn, that it has not begun. It keeps to that, because it
// counts only promises that it has heard in the present session.
func (c *Council) isWithdrawn() bool {
	for _, f := range c.promise {
		if f.Node == c.node {
			continue
		}
		// A table that a connected founder has is another one: see hearTable.
		if s := c.sessions[f.Node]; s == nil || s.heard.self == nil || s.heard.echo != c.turn {
			return false
		}
	}
	return true
}

// foundingWaitsFor says what the founding waits for.
func (c *Council) foundingWaitsFor() string {
	if c.promise == nil {
		_, why := c.agreed()
		if why == "" {
			return "the other nodes"
		}
		return why
	}
	for _, f := range c.promise {
		s := c.sessions[f.Node]
		switch {
		case f.Node == c.node:
		case s == nil:
			return fmt.Sprintf("a connection with node %d, with which the founding has begun", f.Node)
		case !slices.Equal(s.heard.promise, c.promise):
			if _, why := c.agreed(); why != "" {
				return why
			}
			return fmt.Sprintf("node %d, which has not agreed yet", f.Node)
		}
	}
	return "the other nodes"
}

// warnConflict logs, once a minute at most, that a peer has another table than this node.
func (c *Council) warnConflict(from uint16, t *Table, now int64) {
	if at, ok := c.warnedAt[from]; ok && now-at < logEvery {
		return
	}
	c.warnedAt[from] = now
	c.o.Log.Error("a peer belongs to another cluster: each of the two gives out the tokens of its own quotas; make one of them join with empty data directories",
		"peer", from, "members", c.table.nodes(), "members_there", t.nodes())
}

// nodes are the ids of the members.
func (t *Table) nodes() []uint16 {
	nodes := make([]uint16, len(t.Members))
	for i := range t.Members {
		nodes[i] = t.Members[i].Node
	}
	return nodes
}
