package replica

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/shares"
)

// sitting is a council that has founded a cluster already.
type sitting struct {
	part      shares.Part
	changed   bool
	connected map[uint16]bool
	heard     map[uint16][]string
	without   []string
	told      map[uint16]bool
}

func (c *sitting) Part() shares.Part      { return c.part }
func (c *sitting) Connect(node uint16)    { c.connected[node] = true }
func (c *sitting) Disconnect(node uint16) { delete(c.connected, node); delete(c.told, node) }
func (c *sitting) Tick(_, _ int64, without []string) bool {
	changed := c.changed
	c.without, c.changed = without, false
	return changed
}
func (c *sitting) Due(to uint16, _ int64) bool { return c.connected[to] && !c.told[to] }
func (c *sitting) Notice(dst []byte, to uint16, _ int64) []byte {
	c.told[to] = true
	return fmt.Appendf(dst, "from %d to %d", c.part.Node, to)
}
func (c *sitting) Hear(from uint16, notice []byte, _ int64) error {
	if string(notice) == "bad" {
		return errors.New("a bad notice")
	}
	c.heard[from] = append(c.heard[from], string(notice))
	return nil
}

// sit gives every node a council and a desk, with a table of all nodes.
func (w *world) sit() *world {
	t := &shares.Table{Seed: 7}
	for _, n := range w.nodes {
		t.Members = append(t.Members, shares.Member{Node: n.Node, Seat: uint64(n.Node) * 77})
	}
	for _, n := range w.nodes {
		n.Council = &sitting{part: shares.Part{State: shares.InForce, Table: t, Node: n.Node}, connected: map[uint16]bool{}, heard: map[uint16][]string{}, told: map[uint16]bool{}}
		n.Desk = shares.NewDesk(n.Node)
		n.setPart()
	}
	return w
}

func (n *testNode) sitting() *sitting { return n.Council.(*sitting) }

// deliver delivers what is sent, without a tick.
func (w *world) deliver() {
	w.t.Helper()
	for busy := true; busy; {
		busy = false
		for _, l := range w.links {
			for i := range l.ends {
				if ended, _ := l.sides[i].Ended(); !ended && w.carry(l, i, 0) {
					busy = true
				}
			}
		}
	}
}

func minute(limit uint64) quota.Rate {
	return quota.Rate{Capacity: limit, Count: limit, Period: time.Minute}
}

// order orders n tokens of a transient quota. It returns nil if there is no hope.
func (w *world) order(n *testNode, key string, rate quota.Rate, tokens uint64) *shares.Order {
	return n.Desk.Order([]byte(key), shares.Want{Rate: rate, Transient: true, Tokens: tokens}, w.now.Mono+int64(time.Second), w.now.Mono, func() {})
}

// left is how many tokens a node's own bucket has.
func (w *world) left(n *testNode, key string, rate quota.Rate) uint64 {
	w.t.Helper()
	k := n.db.Key([]byte(key))
	tx := n.db.Lock(k, w.now)
	defer tx.Unlock()
	_, state, err := tx.Throttle(k, rate, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return state.Bucket.Remaining(state.Part, w.now.Mono)
}

func (w *world) granted(o *shares.Order, want uint64) {
	w.t.Helper()
	if o == nil {
		w.t.Fatal("there was no hope")
	}
	if got, over := o.Result(); !over || got != want {
		w.t.Fatalf("granted %d, over %v, want %d", got, over, want)
	}
}

func TestAnOrderTakesTokensFromTheBucketsOfSeveralPeers(t *testing.T) {
	w := newWorld(t, 3).sit()
	w.connectAll()
	w.run(20 * time.Millisecond)
	rate := minute(30)
	o := w.order(w.nodes[0], "k", rate, 17)
	w.deliver()
	w.granted(o, 17)
	if b, c := w.left(w.nodes[1], "k", rate), w.left(w.nodes[2], "k", rate); b+c != 3 {
		t.Errorf("%d and %d tokens are left of 20", b, c)
	}
	if got := w.nodes[0].Desk.Others([]byte("k"), rate, w.now.Mono); got != 3 {
		t.Errorf("node 1 thinks that %d tokens are left", got)
	}
	if o := w.order(w.nodes[0], "k", rate, 4); o != nil {
		t.Error("an order that nobody can fill waits")
	}
	w.nodes[0].Desk.Cancel(o)
	w.deliver()
	if b, c := w.left(w.nodes[1], "k", rate), w.left(w.nodes[2], "k", rate); b+c != 20 {
		t.Errorf("%d and %d tokens are there after they came back, not 10 each", b, c)
	}
}

func TestAPermanentQuotaIsKnownWhereItsTokensAreOrdered(t *testing.T) {
	w := newWorld(t, 2).sit()
	w.connectAll()
	w.run(20 * time.Millisecond)
	rate := minute(10)
	q := crdt.Quota{Capacity: 10, Count: 10, Period: int64(time.Minute), Stamp: crdt.Stamp{Time: uint64(w.now.Wall) << 17, Node: 1}}
	register := crdt.AppendRecord(nil, []byte("k"), &crdt.Entry{Quota: q})
	o := w.nodes[0].Desk.Order([]byte("k"), shares.Want{Rate: rate, Register: register, Tokens: 5}, w.now.Mono+int64(time.Second), w.now.Mono, func() {})
	w.deliver()
	w.granted(o, 5)
	k := w.nodes[1].db.Key([]byte("k"))
	tx := w.nodes[1].db.Lock(k, w.now)
	defer tx.Unlock()
	if state, ok := tx.Quota(k); !ok || state.Rate != rate {
		t.Errorf("the peer has the quota %v, %v", state.Rate, ok)
	}
}

func TestOrdersGoOnlyToPeersThatKnowThem(t *testing.T) {
	w := newWorld(t, 3).sit()
	old := w.nodes[2]
	old.Council, old.Desk = nil, nil // a peer of an earlier release
	w.connectAll()
	w.run(time.Second)
	w.nodes[0].sitting().part.State, w.nodes[0].sitting().changed = shares.Waiting, true
	w.run(20 * time.Millisecond)
	if got := w.nodes[0].sitting().without; len(got) != 1 || got[0] != "node 3 at , which runs an earlier release" {
		t.Errorf("without %q", got)
	}
	if c := w.nodes[0].sitting(); !c.connected[2] || c.connected[3] || !slices.Equal(c.heard[2], []string{"from 2 to 1"}) {
		t.Errorf("connected %v, heard %v", c.connected, c.heard)
	}
	for _, l := range w.links {
		if !w.isUp(l) {
			t.Error("a connection has ended")
		}
	}
}

func TestQuotasEndWithTheSession(t *testing.T) {
	w := newWorld(t, 2).sit()
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(20 * time.Millisecond)
	rate := minute(10)
	o := w.order(w.nodes[0], "k", rate, 3)
	w.cut(l)
	w.granted(o, 0)
	if len(w.nodes[0].sitting().connected) != 0 || w.order(w.nodes[0], "k", rate, 1) != nil {
		t.Error("the peer counts as connected")
	}
	w.links = nil
	w.connect(w.nodes[0], w.nodes[1])
	w.run(20 * time.Millisecond)
	o = w.order(w.nodes[0], "k", rate, 5)
	w.deliver()
	w.granted(o, 5)
}

// slowDisk is a Disk whose groups become safe when the test says so.
type slowDisk struct {
	group, safe uint64
	waiting     []func()
}

func (d *slowDisk) Group() uint64          { return d.group + 1 }
func (d *slowDisk) Safe(group uint64) bool { return d.safe >= group }
func (d *slowDisk) SafeAge() int64         { return 0 }
func (d *slowDisk) Await(group uint64, _ bool, wake func()) bool {
	if d.Safe(group) {
		return false
	}
	d.waiting = append(d.waiting, wake)
	return true
}
func (d *slowDisk) sync() {
	d.group++
	d.safe = d.group
	for _, wake := range d.waiting {
		wake()
	}
	d.waiting = nil
}

func TestAnAnswerLeavesWhenTheTakeSurvivesACrash(t *testing.T) {
	w := newWorld(t, 2).sit()
	disk, roused := &slowDisk{}, 0
	asked := w.nodes[1]
	db, err := engine.Open(engine.Options{Shards: 2, Node: 2, HashKey: [2]uint64{1, 2}, Life: 9, Replicated: true, Followed: true, MaxBytes: 1 << 28})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	asked.db, asked.DB, asked.Disk = db, db, disk
	asked.setPart()
	asked.Attend(nil, func() { roused++ })
	w.connectAll()
	w.run(20 * time.Millisecond)
	for range 3 {
		disk.sync()
	}
	rate := minute(100)
	first := w.order(w.nodes[0], "k", rate, 3)
	w.deliver()
	second := w.order(w.nodes[0], "other", rate, 3)
	w.deliver()
	for _, o := range []*shares.Order{first, second} {
		if _, over := o.Result(); over {
			t.Fatal("an answer left before the take was synced")
		}
	}
	if len(disk.waiting) != 1 || roused != 0 || asked.IsIdle() {
		t.Fatalf("%d syncs are awaited, roused %d times, idle %v", len(disk.waiting), roused, asked.IsIdle())
	}
	disk.sync()
	if roused != 1 {
		t.Errorf("roused %d times", roused)
	}
	w.deliver()
	w.granted(first, 3)
	w.granted(second, 3)
}

func TestBadFramesAboutQuotasAreRefused(t *testing.T) {
	good := func(change func(*shares.Ask)) []byte {
		a := &shares.Ask{Number: 1, Key: []byte("k"), Want: shares.Want{Rate: minute(10), Transient: true, Tokens: 1}}
		change(a)
		return appendOrder(nil, a)[frameHeader:]
	}
	for name, c := range map[string]struct {
		kind    byte
		payload []byte
		good    bool
	}{
		"a good order":                 {kindOrder, good(func(*shares.Ask) {}), true},
		"a good look":                  {kindOrder, good(func(a *shares.Ask) { a.Want.Tokens = 0 }), true},
		"another number":               {kindOrder, good(func(a *shares.Ask) { a.Number = 2 }), false},
		"more than the limit":          {kindOrder, good(func(a *shares.Ask) { a.Want.Tokens = 11 }), false},
		"no rate":                      {kindOrder, good(func(a *shares.Ask) { a.Want.Rate.Capacity = 0 }), false},
		"a long key":                   {kindOrder, good(func(a *shares.Ask) { a.Key = make([]byte, shares.MaxAskedKey+1) }), false},
		"a register that is no record": {kindOrder, good(func(a *shares.Ask) { a.Want.Register = []byte{200, 200, 200} }), false},
		"a register beyond the frame":  {kindOrder, []byte{1, 10, 10, 100, 0, 1, 90, 'k'}, false},
		"nothing":                      {kindOrder, nil, false},
		"an answer to no order":        {kindTook, []byte{1, 0, 0}, false},
		"tokens of no order":           {kindTookBack, []byte{1, 1}, false},
		"a bad notice":                 {kindNotice, []byte("bad"), false},
		"a notice":                     {kindNotice, []byte("good"), true},
		"a long notice":                {kindNotice, make([]byte, maxNotice+1), false},
		"a later kind":                 {kindLast + 1, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1).sit()
			p := w.stranger(w.nodes[0], 9)
			if err := p.say(c.kind, c.payload...); !errors.Is(err, ErrProtocol) {
				t.Errorf("before the peers know of each other: %v", err)
			}
			w.nodes[0].Next(p.s, nil, w.now)
			if err := p.say(kindPing, saysQuotas, quotasVersion); err != nil {
				t.Fatal(err)
			}
			if err := p.say(c.kind, c.payload...); (err == nil) != c.good {
				t.Error(err)
			}
		})
	}
}

func TestMoreTokensThanWereTakenDoNotComeBack(t *testing.T) {
	w := newWorld(t, 1).sit()
	n := w.nodes[0]
	p := w.stranger(n, 9)
	n.Next(p.s, nil, w.now)
	if err := p.say(kindPing, saysQuotas, quotasVersion); err != nil {
		t.Fatal(err)
	}
	rate := minute(10)
	if err := p.say(kindOrder, appendOrder(nil, &shares.Ask{Number: 1, Key: []byte("k"), Want: shares.Want{Rate: rate, Transient: true, Tokens: 6}})[frameHeader:]...); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		back byte
		good bool
		left uint64
	}{{4, true, 8}, {3, false, 8}, {2, true, 10}, {1, true, 10}} {
		if err := p.say(kindTookBack, 1, c.back); (err == nil) != c.good {
			t.Errorf("%d tokens come back: %v", c.back, err)
		}
		if got := w.left(n, "k", rate); got != c.left {
			t.Errorf("then %d tokens are there, not %d", got, c.left)
		}
	}
}

func TestTheOldestTakesAreForgottenFirst(t *testing.T) {
	m := &takes{}
	s := &Session{quotas: quotas{takes: map[uint64]*take{}}}
	for i := range uint64(mostTakes + 10) {
		t := &take{session: s, number: i, name: "k"}
		s.quotas.takes[i] = t
		m.add(t)
	}
	if m.count != mostTakes || len(s.quotas.takes) != mostTakes || s.quotas.takes[9] != nil || s.quotas.takes[10] == nil {
		t.Errorf("%d takes, %d of the session", m.count, len(s.quotas.takes))
	}
	t2 := &take{session: s, number: 1 << 40, name: string(make([]byte, mostTakeBytes))}
	s.quotas.takes[t2.number] = t2
	if m.add(t2); m.count != 1 || m.bytes != mostTakeBytes {
		t.Errorf("%d takes with %d bytes", m.count, m.bytes)
	}
}
