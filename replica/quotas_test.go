package replica

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/shares"
)

// sit makes all nodes members of a cluster, without councils.
func (w *world) sit() *world {
	t := &shares.Table{Seed: 7}
	for _, n := range w.nodes {
		t.Members = append(t.Members, shares.Member{Node: n.Node, Seat: uint64(n.Node) * 77})
	}
	for _, n := range w.nodes {
		n.Desk = shares.NewDesk(n.Node)
		n.Desk.SetPart(shares.Part{State: shares.InForce, Table: t, Node: n.Node})
		n.DB.SetPart(shares.Part{State: shares.InForce, Table: t, Node: n.Node})
	}
	return w
}

// convene gives a node a desk and a council that has not founded a cluster yet.
func (w *world) convene(nodes ...*testNode) *world {
	for _, n := range nodes {
		c, err := shares.NewCouncil(shares.CouncilOptions{Node: n.Node, Fresh: true, Random: rand.New(rand.NewPCG(uint64(n.Node), 5)).Uint64}, w.now.Mono)
		if err != nil {
			w.t.Fatal(err)
		}
		n.Council, n.Desk = c, shares.NewDesk(n.Node)
		n.setPart()
	}
	return w
}

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

func TestNodesFoundTheClusterInTheirSessions(t *testing.T) {
	w := newWorld(t, 3)
	w.convene(w.nodes...)
	rate := minute(30)
	k := w.nodes[0].db.Key([]byte("k"))
	tx := w.nodes[0].db.Lock(k, w.now)
	if _, _, err := tx.Throttle(k, rate, 1); !errors.Is(err, engine.ErrWaiting) {
		t.Errorf("before the founding: %v", err)
	}
	tx.Unlock()
	w.connectAll()
	w.run(100 * time.Millisecond)
	for _, n := range w.nodes {
		if p := n.db.Part(); p.State != shares.InForce || len(p.Table.Members) != 3 {
			t.Fatalf("node %d: %+v", n.Node, p)
		}
	}
	o := w.order(w.nodes[0], "k", rate, 20)
	w.deliver()
	w.granted(o, 20)
}

func TestPeersOfEarlierReleasesAreToldNothingNewAndNamed(t *testing.T) {
	w := newWorld(t, 3)
	w.convene(w.nodes[:2]...)
	w.connectAll()
	w.run(time.Second)
	if p := w.nodes[0].db.Part(); p.State != shares.Waiting || !strings.Contains(p.Why, "node 3") || !strings.Contains(p.Why, "an earlier release") {
		t.Errorf("%+v", p)
	}
	for _, l := range w.links {
		if !w.isUp(l) {
			t.Error("a connection has ended")
		}
	}
	w.cut(w.links[1])
	w.nodes[2] = w.newNode(3, 900) // it is upgraded
	w.convene(w.nodes[2])
	w.cut(w.links[2])
	w.links = w.links[:1]
	w.connect(w.nodes[0], w.nodes[2])
	w.connect(w.nodes[1], w.nodes[2])
	w.run(100 * time.Millisecond)
	if p := w.nodes[0].db.Part(); p.State != shares.InForce {
		t.Errorf("%+v", p)
	}
}

func TestConfiguredPeersWithoutAConnectionAreNamed(t *testing.T) {
	w := newWorld(t, 2)
	w.convene(w.nodes...)
	missing := []string{"10.0.0.9:6381"}
	w.nodes[0].Attend(func() []string { return missing }, func() {})
	w.connectAll()
	w.run(100 * time.Millisecond)
	if p := w.nodes[0].db.Part(); p.State != shares.Waiting || !strings.Contains(p.Why, "10.0.0.9:6381") {
		t.Errorf("%+v", p)
	}
	missing = nil
	w.run(100 * time.Millisecond)
	if p := w.nodes[0].db.Part(); p.State != shares.InForce {
		t.Errorf("%+v", p)
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
	if w.order(w.nodes[0], "k", rate, 1) != nil {
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

// follow gives a node that has a part an empty engine that a disk follows.
func (w *world) follow(n *testNode, disk *slowDisk) {
	w.t.Helper()
	db, err := engine.Open(engine.Options{Shards: 2, Node: n.Node, HashKey: [2]uint64{1, 2}, Life: 9, Replicated: true, Followed: true, MaxBytes: 1 << 28})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = db.Close() })
	db.SetPart(*n.db.Part())
	n.db, n.DB, n.Disk = db, db, disk
}

func TestAnAnswerLeavesWhenTheTakeSurvivesACrash(t *testing.T) {
	w := newWorld(t, 2).sit()
	disk, roused := &slowDisk{}, 0
	asked := w.nodes[1]
	w.follow(asked, disk)
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

// TestTokensOfAnswersThatNeverLeftAreNotUsed ends a session while two answers wait for a sync, after one has left.
func TestTokensOfAnswersThatNeverLeftAreNotUsed(t *testing.T) {
	w := newWorld(t, 2).sit()
	disk := &slowDisk{}
	asked := w.nodes[1]
	w.follow(asked, disk)
	asked.Attend(nil, func() {})
	w.connectAll()
	w.run(20 * time.Millisecond)
	rate := minute(100)
	order := func(key string, n uint64) *shares.Order {
		o := w.order(w.nodes[0], key, rate, n)
		w.deliver()
		return o
	}
	sent := order("sent", 3)
	disk.sync()
	w.deliver()
	w.granted(sent, 3)
	order("k", 5)
	order("other", 6)
	if k, other := w.left(asked, "k", rate), w.left(asked, "other", rate); k != 45 || other != 44 {
		t.Fatalf("%d and %d tokens of 50 are left while the answers wait", k, other)
	}
	w.cut(w.links[0])
	for key, want := range map[string]uint64{"sent": 47, "k": 50, "other": 50} {
		if got := w.left(asked, key, rate); got != want {
			t.Errorf("%s: %d tokens of 50 are left after the session, want %d", key, got, want)
		}
	}
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
		"a long notice":                {kindNotice, make([]byte, shares.MaxNotice+1), false},
		"a later kind":                 {kindLast + 1, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1).sit()
			if c.kind == kindNotice {
				w.convene(w.nodes[0])
			}
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

// TestTokensThatHaveRefilledDoNotComeBackToo: else they would be there twice.
func TestTokensThatHaveRefilledDoNotComeBackToo(t *testing.T) {
	w := newWorld(t, 2).sit()
	n := w.nodes[0]
	p := w.stranger(n, 2)
	n.Next(p.s, nil, w.now)
	if err := p.say(kindPing, saysQuotas, quotasVersion); err != nil {
		t.Fatal(err)
	}
	rate := minute(4) // of which this node has 2, and one more each 30 s
	if err := p.say(kindOrder, appendOrder(nil, &shares.Ask{Number: 1, Key: []byte("k"), Want: shares.Want{Rate: rate, Transient: true, Tokens: 2}})[frameHeader:]...); err != nil {
		t.Fatal(err)
	}
	w.now.Mono += int64(30 * time.Second)
	w.now.Wall += 30_000
	k := n.db.Key([]byte("k"))
	tx := n.db.Lock(k, w.now)
	taken, _, err := tx.Throttle(k, rate, 1)
	tx.Unlock()
	if err != nil || !taken {
		t.Fatalf("the token that has refilled is taken: %v, %v", taken, err)
	}
	if err := p.say(kindTookBack, 1, 2); err != nil {
		t.Fatal(err)
	}
	if got := w.left(n, "k", rate); got != 1 {
		t.Errorf("%d tokens are there: of the 2 that come back one had refilled already", got)
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
