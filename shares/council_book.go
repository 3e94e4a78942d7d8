package shares

import (
	"fmt"
	"slices"
)

// Book names one history of a directory. A directory that may have missed a part of its history gets a new book with a
// larger number. Of two books of a node with different numbers, the one with the larger number is the later one. If the
// numbers are equal and the ids differ, neither can be used.
type Book struct {
	Number uint64
	ID     uint64
}

func (b Book) String() string { return fmt.Sprintf("%d-%016x", b.Number, b.ID) }

// maxBookNumber bounds the numbers of books that are heard, so that there is always a larger one.
const maxBookNumber = 1 << 48

// known is what a node knows of another one: the latest book, the start that told its largest age last, and the largest
// age that earlier starts have told.
type known struct {
	book   Book
	run    uint64
	before int64
	age    int64
}

// maxKnown bounds of how many nodes a council remembers books.
const maxKnown = 2 * MaxMembers

// note remembers what a peer says of its own directory. Books are durable before anybody is told of them; ages need
// not be.
func (c *Council) note(node uint16, of *identity, age int64) {
	k, ok := c.known[node]
	switch {
	case !ok && len(c.known) >= maxKnown && !c.forgetOne(node):
		return
	case !ok || k.book.Number < of.book.Number:
		k = known{book: of.book, run: of.run, before: noAge, age: age}
		c.unsaved = true
	case k.book != of.book:
		return // the peer is told of the later book, and takes a new one
	case k.run != of.run:
		k.before, k.run, k.age = max(k.before, k.age), of.run, age
		c.aged = true
	case k.age >= age:
		return
	default:
		k.age = age
		c.aged = true
	}
	c.known[node] = k
}

// forgetOne makes room for what is known of a node: it forgets one that is neither connected nor a member.
func (c *Council) forgetOne(wanted uint16) bool {
	for node := range c.known {
		if c.sessions[node] == nil && (c.table == nil || !c.table.Has(node)) {
			delete(c.known, node)
			return true
		}
	}
	c.o.Log.Warn("too many nodes: the node does not remember what this one says of its data directory", "node", wanted)
	return false
}

// compare compares what a peer knows of this node's directory with the directory. If the peer knows a later state of
// it, this directory is not the newest.
func (c *Council) compare(node uint16, s *session) {
	k := s.heard.known
	if k == nil {
		return
	}
	switch latest := k.latest(c.run); {
	case k.book.Number > c.book.Number, k.book.Number == c.book.Number && k.book.ID != c.book.ID:
		c.newBook(k.book.Number+1, fmt.Sprintf("node %d knows another history of it", node))
	case k.book == c.book && latest > c.o.Age:
		c.newBook(c.book.Number+1, fmt.Sprintf("it is older than what node %d was told of it", node))
	}
}

// latest is the largest age that another start than run has told.
func (k *known) latest(run uint64) int64 {
	if k.run == run {
		return k.before
	}
	return max(k.before, k.age)
}

// newBook begins a new history: from now on the node has no tokens of its own until it is proven.
func (c *Council) newBook(number uint64, why string) {
	c.book = Book{number, c.o.Random()}
	c.doubt = true
	c.changed()
	if c.table != nil {
		c.o.Log.Warn("this node's part of quotas is withheld until all members are connected: the data directory may not be the newest of this node",
			"reason", why)
	}
}

// changed notes that the record has changed in what all peers have to be told of.
func (c *Council) changed() {
	c.unsaved = true
	c.version++
}

// isCalled reports whether the roll call of this start is over: every other member has told what it knows of this
// node's directory, or the time for that is over.
func (c *Council) isCalled(now int64) bool {
	if !c.called {
		c.called = now-c.start >= rollCall || !slices.ContainsFunc(c.others(), func(node uint16) bool { return !c.answered[node] })
	}
	return c.called
}

// prove ends the doubt about this node's directory when all other members are connected, have the same table, and have
// made this node's book durable. Then no other directory of this node is in use, and an older one would be noticed.
func (c *Council) prove(now int64) {
	if !c.isMember() || !c.doubt || c.proofWaitsFor() != "" {
		return
	}
	c.doubt, c.since = false, now
	c.changed()
	c.o.Log.Info("this node's part of quotas is in force again, from empty")
}

// proofWaitsFor says what prove waits for.
func (c *Council) proofWaitsFor() string {
	for _, node := range c.others() {
		s := c.sessions[node]
		switch {
		case s == nil:
			return fmt.Sprintf("a connection with node %d", node)
		case s.heard.self == nil:
			return fmt.Sprintf("what node %d knows of this node's data directory", node)
		case s.heard.table == nil:
			return fmt.Sprintf("node %d, which does not know yet that the cluster is founded", node)
		case !s.heard.table.equal(c.table):
			return fmt.Sprintf("node %d, which belongs to another cluster", node)
		case s.heard.known == nil || s.heard.known.book != c.book:
			return fmt.Sprintf("node %d, which has to remember this node's data directory", node)
		}
	}
	return ""
}
