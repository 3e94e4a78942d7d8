package command

import (
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/shares"
)

// company is nodes of one cluster, whose desks exchange messages when the test says so. All have the clock of the
// first.
type company struct {
	t      testing.TB
	nodes  []*bench
	asks   int // that were delivered
	lots   map[lotName]lot
	roused int // how often the first node's client was roused
}

// lotName names tokens that one ask has taken.
type lotName struct {
	asker, asked int
	number       uint64
}

type lot struct {
	key   string
	epoch uint32
	at    int64
}

// newCompany founds a cluster of n nodes.
func newCompany(t testing.TB, n int, change func(*config.Config)) *company {
	t.Helper()
	c := &company{t: t, lots: map[lotName]lot{}}
	table := &shares.Table{Seed: 7}
	for i := range n {
		table.Members = append(table.Members, shares.Member{Node: uint16(i + 1), Seat: uint64(1000 + i)})
	}
	for i := range n {
		b := newBench(t, change)
		b.passed = time.Second // a moment of 0 may mean none
		if i > 0 {
			b.Now = func() engine.Moment { return c.nodes[0].Now() }
		}
		c.nodes = append(c.nodes, b)
		part := shares.Part{State: shares.InForce, Table: table, Node: uint16(i + 1)}
		b.DB.SetPart(part)
		b.Desk = shares.NewDesk(uint16(i + 1))
		b.Desk.SetPart(part)
	}
	c.nodes[0].client.connection.Rouse = func() { c.roused++ }
	for i := range c.nodes {
		for j := range c.nodes {
			c.connect(i, j)
		}
	}
	return c
}

func (c *company) now() int64 { return c.nodes[0].Now().Mono }

func (c *company) connect(i, j int) {
	if i != j {
		c.nodes[i].Desk.Connect(uint16(j+1), c.now())
	}
}

// cut ends the sessions of two nodes.
func (c *company) cut(i, j int) {
	c.nodes[i].Desk.Disconnect(uint16(j + 1))
	c.nodes[j].Desk.Disconnect(uint16(i + 1))
}

// pass lets time pass.
func (c *company) pass(d time.Duration) {
	c.nodes[0].passed += d
	for _, b := range c.nodes {
		b.Desk.Tick(c.now())
	}
}

// deliver delivers all messages, and the answers.
func (c *company) deliver() {
	c.t.Helper()
	for busy := true; busy; {
		busy = false
		for i := range c.nodes {
			for j := range c.nodes {
				if i != j {
					busy = c.send(i, j) || busy
				}
			}
		}
	}
}

// send delivers what node i has for node j, and j's answers.
func (c *company) send(i, j int) (any bool) {
	c.t.Helper()
	asker, asked := c.nodes[i], c.nodes[j]
	var asks []shares.Ask
	var backs []shares.Back
	asker.Desk.Send(uint16(j+1), c.now(), func() bool { return true },
		func(a *shares.Ask) { asks = append(asks, *a) }, func(b shares.Back) { backs = append(backs, b) })
	now := c.nodes[0].Now()
	for _, b := range backs {
		l := c.lots[lotName{i, j, b.Number}]
		asked.DB.GiveBackFor(asked.DB.Key([]byte(l.key)), b.Tokens, l.epoch, l.at, now)
	}
	for _, a := range asks {
		key := asked.DB.Key(a.Key)
		taken, _, epoch, _, err := asked.DB.TakeFor(key, &a.Want, now)
		if err != nil {
			c.t.Fatalf("take for node %d: %v", i+1, err)
		}
		c.asks++
		c.lots[lotName{i, j, a.Number}] = lot{string(a.Key), epoch, now.Mono}
		tx := asked.DB.Lock(key, now)
		state, _ := tx.Quota(key)
		tx.Unlock()
		took := shares.Took{Number: a.Number, Tokens: taken, Full: state.Bucket.FullAfter(now.Mono)}
		if err := asker.Desk.Heard(uint16(j+1), took, now.Mono); err != nil {
			c.t.Fatal(err)
		}
	}
	return len(asks)+len(backs) > 0
}

func (c *company) do(i int, args ...string) string { return c.nodes[i].do(args...) }

// doLate runs a command whose client has to wait for other nodes, and returns its reply.
func (c *company) doLate(i int, args ...string) string {
	c.t.Helper()
	b := c.nodes[i]
	if out := b.do(args...); out != "" || b.turn.Next != Late {
		c.t.Fatalf("%s: answered %q at once, turn %+v", strings.Join(args, " "), out, b.turn)
	}
	c.deliver()
	return b.run(b.client, nil)
}

// level is how many tokens a node's own bucket of a quota has; false: the node does not know the quota.
func (c *company) level(i int, key string) (tokens uint64, known bool) {
	db := c.nodes[i].DB
	k := db.Key([]byte(key))
	tx := db.Lock(k, c.nodes[0].Now())
	defer tx.Unlock()
	state, known := tx.Quota(k)
	if !known {
		return 0, false
	}
	return state.Bucket.Remaining(state.Part, c.now()), true
}
