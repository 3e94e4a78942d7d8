package shares

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

const (
	rollCall  = int64(time.Second)            // how long a start waits for what the other members know of the directory
	ageEvery  = int64(250 * time.Millisecond) // between two notices that tell only a larger age
	saveEvery = int64(time.Second)            // between two attempts to save, after one has failed
	logEvery  = int64(time.Minute)            // between two log lines about the same conflict
)

// CouncilOptions are what a Council starts from.
type CouncilOptions struct {
	Node uint16
	Text []byte                  // what Save got last; nil: the directory holds none
	Save func(text []byte) error // makes a text durable; nil: nothing is kept

	// Whole: the node may use whole quotas until the founding: it has no peers, or its directory is of a release before
	// the founding. It counts only without Text.
	Whole bool
	// Alone: the node has no peers. If it is not a member and has promised nothing, it has the whole of each quota.
	Alone bool
	// Fresh: the directory holds no identity: it is new, wiped, in memory, or restored from a backup.
	Fresh bool
	// Copied: the directory is a copy of files of another one. It counts as wiped, but keeps the table.
	Copied bool
	// Founders is how many nodes found the cluster; 0: those that all nodes have met.
	Founders int
	// Age is the moment of the last group of writes in the directory.
	Age    int64
	Random func() uint64
	Log    *slog.Logger
}

// Council founds the cluster together with the councils of the other nodes, and decides whether this node may use its
// part of quotas. docs/design/2026-11-founding.md has its rules. All moments are those of engine.Moment.Mono.
//
// Councils send each other notices, in sessions. The caller drops what arrives from a session that has ended. A session
// delivers notices in the order in which Notice made them, each once, until it ends.
//
// Hear, Connect and Disconnect only note what happens. Tick decides and saves, so it should soon follow them. What is
// not durable is not told, and gives no right to tokens. A Council is not safe for concurrent use.
type Council struct {
	o     CouncilOptions
	start int64 // moment of the first Tick; 0: there was none
	age   int64 // up to which everything that this node has served is safe

	record
	unsaved bool  // the record, apart from ages, differs from what Save got last
	aged    bool  // an age in it differs
	retryAt int64 // not to save before

	sessions    map[uint16]*session
	without     []string
	version     uint64 // grows with each change that all peers have to be told of
	turn        uint64 // grows with each change of the promise
	withdrawing bool   // the promise does not count any more, but is not forgotten yet
	answered    map[uint16]bool
	called      bool // the roll call of this start is over
	part        Part
	warnedAt    map[uint16]int64
	warnedSave  int64
}

// session is what this node knows of a session with a peer, and what the peer has said in it.
type session struct {
	heard notice // the last value of each section
	told  notified
}

// notified is what a peer was told in the present session.
type notified struct {
	version uint64
	owes    bool // what this node knows of the peer, or the turn heard, has changed
	age     int64
	at      int64
}

// NewCouncil is the council of a node that starts. Errors: the text is damaged or of a
// later release.
func NewCouncil(o CouncilOptions, now int64) (*Council, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Council{
		o: o, age: o.Age, version: 1,
		sessions: map[uint16]*session{}, answered: map[uint16]bool{}, warnedAt: map[uint16]int64{},
	}
	if o.Text == nil {
		c.record = record{
			node: o.Node, seat: o.Random(), book: Book{1, o.Random()}, whole: o.Whole,
			run: o.Random(), past: past{floor: o.Age}, known: map[uint16]known{},
		}
	} else {
		var err error
		if c.record, err = parseRecord(o.Text); err != nil {
			return nil, err
		}
		if o.Fresh || o.Copied || c.node != o.Node {
			c.moved()
		}
		c.past.end(run{c.run, o.Age})
		c.run = o.Random()
		c.since = min(c.since, max(now, 1)) // after a crash the clock goes on from an earlier moment
	}
	c.whole = c.whole || o.Alone && c.table == nil && c.promise == nil
	// A start is durable before a peer hears of it, and before the node has a part.
	c.part = Part{State: Waiting, Node: c.node, Why: "room to write the file MEMBERS"}
	if c.table != nil {
		c.part.State, c.part.Table = Withheld, c.table
	}
	c.unsaved = true
	c.saveAgain(now)
	c.part = c.decide(now)
	return c, nil
}

// saveAgain makes the record durable, or notes when to try again.
func (c *Council) saveAgain(now int64) {
	err := c.save(now)
	if err == nil {
		return
	}
	c.retryAt = now + saveEvery
	if c.warnedSave == 0 || now-c.warnedSave >= logEvery {
		c.warnedSave = max(now, 1)
		c.o.Log.Error("could not save what this node knows of the cluster, trying again", "error", err)
	}
}

// moved makes the record of another directory, or of another node, this node's own.
func (c *Council) moved() {
	c.node, c.seat, c.promise = c.o.Node, c.o.Random(), nil
	isDoubtful := c.doubt || c.isMember()
	// What its book has written later is missing here.
	c.newBook(c.book.Number+1, "the data directory is a copy", c.o.Age)
	c.doubt = isDoubtful // before a founding a copy has nothing to lose
}

// Part is the node's part of quotas as of the last Tick.
func (c *Council) Part() Part { return c.part }

// Connect notes that a session with a peer that knows notices has begun. It ends the one before.
func (c *Council) Connect(node uint16) {
	if node == c.node {
		return
	}
	if c.sessions[node] == nil {
		c.version++
	}
	c.sessions[node] = &session{}
}

// Disconnect notes that the session with a peer has ended.
func (c *Council) Disconnect(node uint16) {
	if c.sessions[node] != nil {
		delete(c.sessions, node)
		c.version++
	}
}

// Tick does what is due, and reports whether the part has changed. Everything up to safeAge survives a crash. without
// names what stands in the way of a founding: peers without a connection, and peers of older releases.
func (c *Council) Tick(now, safeAge int64, without []string) (changed bool) {
	if c.start == 0 { // only now there can be sessions
		c.start = now
	}
	c.age = max(c.age, safeAge)
	c.without = slices.Clone(without)
	for _, node := range c.connected() {
		c.hearTable(node, c.sessions[node].heard.table, now)
	}
	if c.table == nil {
		c.found(now)
	}
	c.prove(now)
	if c.unsaved && now >= c.retryAt {
		c.saveAgain(now)
	}
	before := c.part
	c.part = c.decide(now)
	return c.part != before
}

// save makes the record durable.
func (c *Council) save(now int64) error {
	if c.o.Save != nil {
		if err := c.o.Save(c.text()); err != nil {
			return fmt.Errorf("save the members of the cluster: %w", err)
		}
	}
	c.unsaved, c.aged, c.retryAt = false, false, now
	return nil
}

// Stop saves the ages that this node has heard. Nothing else may be called after it.
func (c *Council) Stop() error {
	if !c.unsaved && !c.aged {
		return nil
	}
	return c.save(c.retryAt)
}

// decide is the part that follows from the record. As long as that is not durable, the node gets no right from it.
func (c *Council) decide(now int64) Part {
	p := Part{Node: c.node, Table: c.table}
	switch {
	case c.table == nil && c.whole && c.mayHaveHeard(now):
		p.State = Whole
	case c.table == nil && c.whole:
		p.State, p.Why = Waiting, "what the other nodes know of the cluster"
	case c.table == nil:
		p.State, p.Why = Waiting, c.foundingWaitsFor()
	case !c.isMember():
		p.State = InForce
	case c.doubt:
		p.State, p.Why = Withheld, c.proofWaitsFor()
	case !c.isCalled(now):
		p.State, p.Why = Withheld, "what the other members know of this node's data directory"
	default:
		p.State, p.Since = InForce, c.since
	}
	if c.unsaved && p.State == InForce {
		return c.part
	}
	return p
}

// mayHaveHeard reports whether the other nodes have had the time to tell this one that the cluster is founded. A node
// without peers need not wait.
func (c *Council) mayHaveHeard(now int64) bool {
	return c.o.Alone || c.start != 0 && now-c.start >= rollCall
}

// isMember reports whether there is a table with this node.
func (c *Council) isMember() bool { return c.table != nil && c.table.Has(c.node) }

// others are the members of the table without this node.
func (c *Council) others() []uint16 {
	var nodes []uint16
	for _, m := range c.table.Members {
		if m.Node != c.node {
			nodes = append(nodes, m.Node)
		}
	}
	return nodes
}

// connected are the nodes with which there are sessions, in order.
func (c *Council) connected() []uint16 { return slices.Sorted(maps.Keys(c.sessions)) }
