package shares

import "slices"

// CouncilStatus is what an operator may want to know about a council.
type CouncilStatus struct {
	State   State
	Why     string // what a Waiting or Withheld part waits for
	Seat    uint64
	Book    Book
	Since   int64
	Table   *Table    // nil: the cluster is not founded
	Promise []Founder // the nodes with which this node has promised to found the cluster
	Members []MemberStatus
	// Conflicts are connected nodes that have another table.
	Conflicts []uint16
}

// MemberStatus is what a node knows of another member of the table or, before there is one, of a connected node.
type MemberStatus struct {
	Node      uint16
	Connected bool
	Proven    bool // it is connected and says that it knows what it has used
	Book      Book
	Age       int64 // the largest that it has told
}

// Status is the council's status as of the last Tick.
func (c *Council) Status() CouncilStatus {
	s := CouncilStatus{
		State: c.part.State, Why: c.part.Why, Seat: c.seat, Book: c.book, Since: c.since,
		Table: c.table, Promise: slices.Clone(c.promise),
	}
	nodes := c.connected()
	if c.table != nil {
		for _, node := range nodes {
			if t := c.sessions[node].heard.table; t != nil && !t.equal(c.table) {
				s.Conflicts = append(s.Conflicts, node)
			}
		}
		nodes = c.others()
	}
	for _, node := range nodes {
		m := MemberStatus{Node: node, Book: c.known[node].book, Age: c.known[node].run.age}
		if p := c.sessions[node]; p != nil {
			m.Connected = true
			m.Proven = p.heard.self != nil && !p.heard.self.doubt
		}
		s.Members = append(s.Members, m)
	}
	return s
}
