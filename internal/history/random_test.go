package history_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quotadb/quota-db/crdt"
	. "github.com/quotadb/quota-db/internal/history"
)

// A profile is the kind of content of a random history.
type profile struct {
	name   string
	digits bool // amounts can be told apart
	minus  bool
	resets bool
	timed  bool
}

var profiles = []profile{
	{name: "increments", digits: true},
	{name: "increments and decrements", digits: true, minus: true},
	{name: "sums", minus: false},
	{name: "sums up and down", minus: true},
	{name: "resets", digits: true, resets: true},
	{name: "resets of sums", resets: true, minus: true},
	{name: "windows", digits: true, timed: true},
	{name: "windows and resets", digits: true, timed: true, resets: true},
}

// A bug is a fault planted in the model.
type bug int

const (
	none bug = iota
	lostIncrement
	doubleCount
	goesBack
	resurrected
	removesUnseen
	unequal
	unknownTwice
	fromNowhere
	losesTheSafe
	oldNumbering
	lostUpdate
	everyLoserWins
	ghostJoins
	ghostShows
	floorsLeftOut
)

var bugs = []struct {
	bug     bug
	name    string
	profile profile
	of      int // found in most sets of so many histories
}{
	{lostIncrement, "an acknowledged increment is lost", profiles[0], 1},
	{lostIncrement, "the same, in sums", profiles[2], 1},
	{doubleCount, "an exchange counts twice", profiles[0], 1},
	{doubleCount, "the same, in sums", profiles[2], 1},
	{doubleCount, "the same, beside resets", profiles[4], 1},
	{goesBack, "a read is of an older state", profiles[0], 1},
	{goesBack, "the same, in sums", profiles[2], 1},
	{resurrected, "a reset is forgotten in an exchange", profiles[4], 1},
	{removesUnseen, "SET and DEL remove what others have", profiles[4], 5},
	{unequal, "one node's increments do not arrive", profiles[0], 1},
	{unequal, "the same, in sums", profiles[3], 1},
	{unknownTwice, "an operation without a reply is done twice", profiles[0], 1},
	{fromNowhere, "a value of nobody", profiles[1], 1},
	{losesTheSafe, "a start loses what was safe", profiles[0], 1},
	{oldNumbering, "a restored node uses numbers again", profiles[0], 3},
	{oldNumbering, "the same, in sums", profiles[2], 3},
	{lostUpdate, "increments at once replace each other", profiles[0], 1},
	{everyLoserWins, "of two SETs each node keeps its own", profiles[4], 5},
	{ghostJoins, "a new window begins with the old one", profiles[6], 5},
	{ghostShows, "a passed deadline does not hide", profiles[6], 8},
	{floorsLeftOut, "a row goes without its floors", profiles[6], 1},
}

// A cluster makes a random history from a model.
type cluster struct {
	*History
	r       *rand.Rand
	p       profile
	bug     bug
	now     int64
	ahead   []int64 // of each node's clock
	nodes   []replica
	before  []replica // older states
	saved   []saved
	writers []uint32
	lives   uint32
	open    []*request
	digit   int
	digits  int // that may be used yet
	cut     bool
	side    []bool
}

type saved struct {
	state replica
	mark  Mark
	node  int
}

type request struct {
	id    ID
	op    Op
	done  bool
	fails bool
	reply int64
}

const skew = 5

func newCluster(seed uint64, p profile, b bug) *cluster {
	c := &cluster{r: rand.New(rand.NewPCG(seed, 1)), p: p, bug: b, now: 1_000_000}
	c.History = New(3, func(int) (int64, int64) { return c.now - skew, c.now + skew })
	for n := range 3 {
		c.ahead = append(c.ahead, c.r.Int64N(2*skew+1)-skew)
		c.nodes = append(c.nodes, c.fresh(n))
		c.before = append(c.before, c.fresh(n))
		c.saved = append(c.saved, saved{c.fresh(n), 0, n})
		c.writers = append(c.writers, c.life())
		c.side = append(c.side, false)
	}
	return c
}

func (c *cluster) life() uint32 { c.lives++; return c.lives }

func (c *cluster) fresh(node int) replica {
	if c.p.timed {
		return &entry{node: uint16(node)}
	}
	return newHeard()
}

func (c *cluster) clockOf(node int) int64 {
	if c.bug == ghostShows {
		return c.now + c.ahead[node] - 40
	}
	return c.now + c.ahead[node]
}

func (c *cluster) one(n int) bool { return c.r.IntN(n) == 0 }

// run is a history with four quiescences.
func (c *cluster) run() {
	for i := range 4 {
		c.digits = (i + 1) * (Digits - 2) / 4
		for range 80 {
			c.step()
		}
		c.calm()
	}
}

func (c *cluster) step() {
	c.now += c.r.Int64N(4)
	switch k := c.r.IntN(40); {
	case k < 14:
		c.invoke()
	case k < 22:
		c.progress()
	case k < 32:
		c.exchange(c.r.IntN(3), c.r.IntN(3))
	case k < 34:
		n := c.r.IntN(3)
		c.saved[n] = saved{c.nodes[n].clone(), c.Mark(), n}
	case k == 34:
		c.crash(c.r.IntN(3))
	case k == 35:
		c.Partition([]int{0}, []int{1, 2})
		c.cut = true
	case k < 38 && c.cut:
		c.Heal()
		c.cut = false
	case k == 39:
		n := c.r.IntN(3)
		c.before[n] = c.nodes[n].clone()
	}
}

func (c *cluster) invoke() {
	if len(c.open) > 6 {
		return
	}
	op := Op{Node: c.r.IntN(3), Key: "k", Kind: Get}
	switch k := c.r.IntN(12); {
	case k < 6:
		op.Kind = Incr
		op.Delta = c.amount()
		if c.p.minus && c.one(3) {
			op.Delta = -op.Delta
		}
		if op.Delta == 0 {
			op.Kind = Get
		}
	case k < 8 && c.p.resets:
		op.Kind = []Kind{Set, Del, GetSet, GetDel}[c.r.IntN(4)]
		if op.Kind == Set || op.Kind == GetSet {
			op.Value = c.amount()
		}
	case k == 8 && c.p.timed:
		op.Kind, op.Deadline = Expire, c.now+10+c.r.Int64N(40)
		if c.one(10) {
			op.Kind, op.Deadline = Persist, 0
		}
		if !c.one(4) {
			op.Node = 0 // deadlines of several nodes at once leave little to be certain of
		}
	}
	if op.Kind == Get && c.p.timed && c.one(3) {
		op.Kind = TTL
	}
	c.open = append(c.open, &request{id: c.Invoke(op), op: op})
}

func (c *cluster) amount() int64 {
	if !c.p.digits {
		return 5 + 2*c.r.Int64N(3)
	}
	if c.digit >= c.digits {
		return 0
	}
	c.digit++
	return Digit(c.digit - 1)
}

// progress executes a request, or ends one that was executed.
func (c *cluster) progress() {
	if len(c.open) == 0 {
		return
	}
	i := c.r.IntN(len(c.open))
	q := c.open[i]
	if !q.done {
		c.carryOut(q)
		return
	}
	c.open = append(c.open[:i], c.open[i+1:]...)
	switch {
	case q.fails:
		c.Fail(q.id)
	case c.one(12):
		c.Unknown(q.id)
		if c.bug == unknownTwice && q.op.Kind == Incr {
			if h := c.nodes[q.op.Node].(*heard); h.ops[int(q.id)].amount != 0 {
				h.twice[int(q.id)] = true
			}
		}
	default:
		c.Ok(q.id, q.reply)
	}
}

func (c *cluster) carryOut(q *request) {
	q.done = true
	node, now := q.op.Node, c.clockOf(q.op.Node)
	state := c.nodes[node]
	op := modelOp{id: int(q.id), node: node, writer: c.writers[node], amount: q.op.Delta + q.op.Value}
	q.reply = state.value(now)
	switch q.op.Kind {
	case Get:
		if c.bug == goesBack && c.one(4) {
			q.reply = c.before[node].value(now)
		}
	case Incr:
		c.increment(node, op, now)
		q.reply = c.nodes[node].value(now)
		if c.bug == lostIncrement && c.one(5) {
			delete(state.(*heard).ops, op.id)
		}
	case Set, GetSet, Del, GetDel:
		if c.bug == removesUnseen {
			for _, other := range c.nodes {
				state.merge(other, now)
			}
		}
		if q.op.Kind == Set || q.op.Kind == GetSet {
			state.set(op, now)
		} else {
			state.del(op, now)
		}
	case TTL:
		q.reply = state.(*entry).ttl(now)
	case Expire, Persist:
		q.fails = !state.deadline(op, q.op.Deadline, now)
	}
	if c.bug == fromNowhere && c.one(20) {
		q.reply += Digit(Digits - 2)
	}
}

func (c *cluster) increment(node int, op modelOp, now int64) {
	if e, is := c.nodes[node].(*entry); is && c.bug == ghostJoins && e.e.Expired(now) {
		e.e.Deadline.At = 0
	}
	c.nodes[node].incr(op, now)
	if c.bug != lostUpdate {
		return
	}
	for _, q := range c.open { // one that was carried out since, and is not answered, is overwritten
		if q.done && q.op.Kind == Incr && q.op.Node == node && int(q.id) != op.id {
			delete(c.nodes[node].(*heard).ops, int(q.id))
			return
		}
	}
}

func (c *cluster) exchange(from, to int) {
	if from == to || c.cut && (from == 0) != (to == 0) {
		return
	}
	now := c.clockOf(to)
	sent := c.nodes[from].clone()
	if h, is := sent.(*heard); is {
		c.spoil(h, to)
	}
	if e, is := sent.(*entry); is && c.bug == floorsLeftOut {
		mine := c.nodes[to].(*entry)
		mine.e.Since, e.e.Since = 0, 0
		for _, r := range e.e.Rows { // rows without their floors
			if row := mine.e.Row(r.Writer); row != nil {
				row.P = max(row.P, r.P)
			} else {
				mine.e.Rows = append(mine.e.Rows, crdt.Row{Writer: r.Writer, P: r.P, N: r.N})
			}
		}
		return
	}
	c.nodes[to].merge(sent, now)
}

// spoil changes a message as the bug does.
func (c *cluster) spoil(h *heard, to int) {
	have := c.nodes[to].(*heard)
	for id, op := range h.ops {
		_, known := have.ops[id]
		switch {
		case c.bug == doubleCount && !op.resets && !known && c.one(6):
			h.twice[id] = true
		case c.bug == resurrected && op.resets && c.one(2):
			delete(h.ops, id)
			if known && c.one(2) {
				delete(have.ops, id)
			}
		case c.bug == unequal && op.node == 2 && to == 1:
			delete(h.ops, id)
		case c.bug == everyLoserWins && op.resets && !known:
			if mine, stamp := have.last(); mine == to && stamp > 0 {
				op.stamp, op.node = 0, 0
				h.ops[id] = op
			}
		}
	}
	if c.bug == oldNumbering {
		for id := range h.ops {
			if _, known := have.ops[id]; !known && c.reused(h.ops[id], have) {
				delete(h.ops, id)
			}
		}
	}
}

// reused reports whether the receiving node knows an increment with the same number.
func (c *cluster) reused(op heardOp, have *heard) bool {
	for _, o := range have.ops {
		if o.node == op.node && o.number == op.number && o.id != op.id {
			return true
		}
	}
	return false
}

// last returns the writer of the base, and its stamp.
func (h *heard) last() (node, stamp int) {
	for _, op := range h.ops {
		if op.resets && op.stamp > stamp {
			node, stamp = op.node, op.stamp
		}
	}
	return node, stamp
}

// crash ends a node's run, and begins another with its disk as it was, with an older disk, with another node's, or with
// none.
func (c *cluster) crash(n int) {
	open := c.open[:0]
	for _, q := range c.open {
		if q.op.Node == n {
			c.Unknown(q.id)
		} else {
			open = append(open, q)
		}
	}
	c.open = open
	from := c.saved[n]
	switch c.r.IntN(6) {
	case 0:
		from = saved{c.nodes[n].clone(), c.Mark(), n} // a clean stop
	case 1:
		from = saved{c.fresh(n), 0, n} // wiped
	case 2:
		from = c.saved[c.r.IntN(3)] // a copy
	}
	c.Start(n, DiskAt(from.node, from.mark))
	c.nodes[n] = from.state.clone()
	if e, is := c.nodes[n].(*entry); is {
		e.node = uint16(n)
	}
	if h, is := c.nodes[n].(*heard); is && c.bug == losesTheSafe {
		for id := range h.ops {
			if c.one(2) {
				delete(h.ops, id)
			}
		}
	}
	c.writers[n] = c.life()
	c.before[n] = c.nodes[n].clone()
}

// calm ends the open operations, lets all nodes exchange, and reads from all.
func (c *cluster) calm() {
	c.Heal()
	c.cut = false
	for len(c.open) > 0 {
		c.progress()
	}
	for range 3 {
		for from := range 3 {
			for to := range 3 {
				c.exchange(from, to)
			}
		}
	}
	c.Quiescent()
	for range 2 {
		for n := range 3 {
			q := &request{op: Op{Node: n, Key: "k", Kind: Get}}
			q.id = c.Invoke(q.op)
			c.carryOut(q)
			c.Ok(q.id, q.reply)
		}
	}
}

func TestNoCorrectHistoryIsRefused(t *testing.T) {
	seeds := uint64(1000)
	if testing.Short() {
		seeds = 200
	}
	for _, p := range profiles {
		t.Run(p.name, func(t *testing.T) {
			for seed := range seeds {
				c := newCluster(seed, p, none)
				c.run()
				if found := c.Check(); len(found) != 0 {
					t.Fatalf("seed %d: %v", seed, found[0])
				}
			}
		})
	}
}

func TestPlantedMistakesAreFoundInMostHistories(t *testing.T) {
	const seeds = 200
	for _, b := range bugs {
		t.Run(fmt.Sprintf("%s (%s)", b.name, b.profile.name), func(t *testing.T) {
			found, of := 0, uint64(b.of)
			for set := range uint64(seeds) {
				for seed := set * of; seed < (set+1)*of; seed++ {
					c := newCluster(seed, b.profile, b.bug)
					c.run()
					if len(c.Check()) != 0 {
						found++
						break
					}
				}
			}
			t.Logf("found in %d of %d", found, seeds)
			if found <= seeds/2 {
				t.Errorf("found in %d of %d histories only", found, seeds)
			}
		})
	}
}
