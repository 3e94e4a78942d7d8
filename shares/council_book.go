package shares

import (
	"fmt"
	"maps"
	"slices"
)

// Book names one history of a directory. A directory that may have missed a part of its history gets a new book with a
// larger number than those of all books that the node has heard of. A directory knows the last books before its own.
type Book struct {
	Number uint64
	ID     uint64
}

func (b Book) String() string { return fmt.Sprintf("%d-%016x", b.Number, b.ID) }

// maxBookNumber bounds the numbers of books that are heard, so that there is always a larger one.
const maxBookNumber = 1 << 48

// past is what a directory knows of its starts. A start has a random number. Of each of the last starts the directory
// knows how far it had written when the start ended.
type past struct {
	runs  []run
	floor int64      // how far it had written when the last start ended that is not among them
	books []replaced // before the present one
}

// run is a start that has ended, or the largest age that a start has told.
type run struct {
	id  uint64
	age int64
}

const (
	maxRuns  = 8  // starts that a directory remembers
	maxBooks = 16 // books that a directory remembers
)

// end appends a start that has ended.
func (p *past) end(r run) {
	if p.runs = append(slices.Clone(p.runs), r); len(p.runs) > maxRuns {
		p.floor = p.runs[0].age
		p.runs = p.runs[1:]
	}
}

// replaced is a book that a later one has replaced at a moment.
type replaced struct {
	book Book
	at   int64
}

// replace notes that the present book has replaced another one.
func (p *past) replace(b Book, now int64) {
	p.books = slices.DeleteFunc(slices.Clone(p.books), func(r replaced) bool { return r.book == b })
	p.books = append(p.books, replaced{b, now})
	p.books = p.books[max(0, len(p.books)-maxBooks):]
}

// hasReplaced reports whether the present book has replaced another one, and that had not written more until then.
func (p *past) hasReplaced(b Book, age int64) bool {
	return slices.ContainsFunc(p.books, func(r replaced) bool { return r.book == b && age <= r.at })
}

// contains reports whether a directory with this past has what a start has told. If it has not, it is an older copy of
// a directory, and what was written after it has been lost.
func (p *past) contains(r run) bool {
	for _, known := range p.runs {
		if known.id == r.id {
			return r.age <= known.age
		}
	}
	return r.age <= p.floor
}

// known is what a node knows of the directory of another one: the latest book, and how far the start had written that
// was heard last. later: the directory does not know of all that it had told before, as if it was an older copy.
type known struct {
	book  Book
	run   run
	later bool
}

// maxKnown bounds of how many nodes a council remembers books.
const maxKnown = 2 * MaxMembers

// note remembers what a peer says of its own directory. Books are durable before anybody is told of them; ages need
// not be.
func (c *Council) note(node uint16, of *identity, age int64) {
	k, ok := c.known[node]
	told := run{of.run, age}
	switch {
	case !ok && len(c.known) >= maxKnown && !c.forgetOne(node):
		return
	case !ok:
		k = known{book: of.book, run: told}
		c.unsaved = true
	case k.book.Number < of.book.Number:
		k = known{of.book, told, !of.doubt && !of.past.hasReplaced(k.book, k.run.age)}
		c.unsaved = true
	case k.book != of.book && k.later:
	case k.book != of.book: // the peer is told of the book that is known, and takes a new one
		k.later = true
		c.unsaved = true
	case k.run.id != of.run:
		k.later = k.later || !of.past.contains(k.run)
		k.run = told
		c.aged = true
	case k.run.age >= age:
		return
	default:
		k.run = told
		c.aged = true
	}
	c.known[node] = k
}

// forgetOne makes room for what is known of a node: it forgets one that is neither connected nor a member.
func (c *Council) forgetOne(wanted uint16) bool {
	for _, node := range slices.Sorted(maps.Keys(c.known)) {
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
func (c *Council) compare(node uint16, k *known, now int64) {
	if k == nil {
		return
	}
	isOlder := k.later || k.run.id != c.run && !c.past.contains(k.run)
	switch {
	case k.book == c.book && isOlder:
		c.newBook(c.book.Number+1, fmt.Sprintf("it is older than what node %d was told of it", node), now)
	case k.book == c.book:
	case k.book.Number >= c.book.Number, !c.doubt && !c.past.hasReplaced(k.book, k.run.age):
		c.newBook(max(k.book.Number, c.book.Number)+1, fmt.Sprintf("node %d knows another history of it", node), now)
		c.past.replace(k.book, now)
	}
}

// newBook begins a new history: from now on the node has no tokens of its own until it is proven.
func (c *Council) newBook(number uint64, why string, now int64) {
	c.past.replace(c.book, now)
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
		c.called = c.start != 0 && now-c.start >= rollCall || !slices.ContainsFunc(c.others(), func(node uint16) bool { return !c.answered[node] })
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
