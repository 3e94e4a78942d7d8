package engine

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/shares"
)

func tableOf(nodes int) *shares.Table {
	t := &shares.Table{Seed: 7}
	for i := range nodes {
		t.Members = append(t.Members, shares.Member{Node: uint16(i + 1), Seat: uint64(i)*977 + 5})
	}
	return t
}

// divided are the DBs of nodes that divide each quota among them.
type divided struct {
	t     *testing.T
	table *shares.Table
	dbs   []*DB
	now   Moment
}

func divide(t *testing.T, nodes int) *divided {
	d := &divided{t: t, table: tableOf(nodes), now: testNow}
	d.now.Mono = int64(time.Hour)
	for i := range nodes {
		d.dbs = append(d.dbs, d.open(i, 0, uint64(i+1)))
	}
	t.Cleanup(func() {
		for _, db := range d.dbs {
			_ = db.Close()
		}
	})
	return d
}

func (d *divided) open(node int, since int64, life uint64) *DB {
	db, err := Open(Options{
		Shards: 2, Node: uint16(node + 1), Life: life, HashKey: [2]uint64{1, 2}, Followed: true, Replicated: true, MaxBytes: 1 << 24,
		Part: d.part(node, shares.InForce, since),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return db
}

func (d *divided) part(node int, state shares.State, since int64) shares.Part {
	return shares.Part{State: state, Table: d.table, Node: uint16(node + 1), Since: since}
}

// takeAll takes single tokens at a node until it has none, and returns how many there were.
func (d *divided) takeAll(node int, key string, rate quota.Rate) (n uint64) {
	for {
		db := d.dbs[node]
		k := db.Key([]byte(key))
		tx := db.Lock(k, d.now)
		taken, _, err := tx.Throttle(k, rate, 1)
		tx.Unlock()
		if err != nil {
			d.t.Fatal(err)
		}
		if !taken {
			return n
		}
		n++
	}
}

func TestAllNodesTogetherHaveTheLimit(t *testing.T) {
	for nodes := 1; nodes <= 5; nodes++ {
		d := divide(t, nodes)
		for limit := uint64(1); limit <= 12; limit++ {
			rate, key := mustLimit(t, limit, time.Minute), string(rune('a'+limit))
			sum := uint64(0)
			for node := range nodes {
				n := d.takeAll(node, key, rate)
				if least := limit / uint64(nodes); n < least || n > least+1 {
					t.Errorf("one of %d nodes has %d of %d tokens", nodes, n, limit)
				}
				sum += n
			}
			if sum != limit {
				t.Errorf("%d nodes have %d of %d tokens", nodes, sum, limit)
			}
		}
	}
}

func TestTokensBelongToAllNodesInTurn(t *testing.T) {
	d := divide(t, 3)
	var owned [3]int
	for i := range 300 {
		for node := range d.dbs {
			owned[node] += int(d.takeAll(node, "key"+string(rune('a'+i%26))+string(rune('a'+i/26)), mustLimit(t, 1, time.Minute)))
		}
	}
	for node, n := range owned {
		if n < 60 || n > 140 {
			t.Errorf("node %d owns %d of 300 single tokens", node+1, n)
		}
	}
}

func TestAPartThatBeginsWithoutKnowledgeBeginsEmpty(t *testing.T) {
	d := divide(t, 2)
	rate := mustLimit(t, 10, time.Minute)
	d.takeAll(0, "used before", rate)
	d.dbs[0].SetPart(d.part(0, shares.InForce, d.now.Mono))
	for _, key := range []string{"used before", "heard of later"} {
		if n := d.takeAll(0, key, rate); n != 0 {
			t.Errorf("%s: %d tokens at once", key, n)
		}
	}
	d.now.Mono += int64(12 * time.Second) // a token of five for each 12 seconds
	for _, key := range []string{"used before", "heard of later"} {
		if n := d.takeAll(0, key, rate); n != 1 {
			t.Errorf("%s: %d tokens after 12 seconds", key, n)
		}
	}
	d.now.Mono += int64(time.Hour)
	if n := d.takeAll(0, "used before", rate); n != 5 {
		t.Errorf("%d tokens after an hour", n)
	}
}

// TestALargerLimitAddsNothingWhileNobodyKnowsWhatWasUsed: before the node lost its disk, all of the larger limit may
// have been used. After the change to the smaller one that node does not know of it.
func TestALargerLimitAddsNothingWhileNobodyKnowsWhatWasUsed(t *testing.T) {
	d := divide(t, 1)
	large, small := mustLimit(t, 60, time.Minute), mustLimit(t, 10, time.Minute)
	d.takeAll(0, "k", large)
	_ = d.dbs[0].Close()
	d.dbs[0] = d.open(0, d.now.Mono, 99)
	k := d.dbs[0].Key([]byte("k"))
	d.now.Mono += int64(30 * time.Second)
	tx := d.dbs[0].Lock(k, d.now)
	_, _, _ = tx.Throttle(k, small, 0)
	tx.Unlock()
	if n := d.takeAll(0, "k", small) + d.takeAll(0, "k", large); n > 30 {
		t.Errorf("%d tokens within half a minute", n)
	}
}

// TestAfterACrashAPartLacksItsReserve: a token of the part, which takes longer to refill than one of the whole quota.
func TestAfterACrashAPartLacksItsReserve(t *testing.T) {
	d := divide(t, 4)
	rate := mustLimit(t, 8, time.Minute)
	var stored disk
	stored.peers = true
	db := d.dbs[0]
	k := db.Key([]byte("k"))
	tx := db.Lock(k, d.now)
	_ = tx.SetQuota(k, rate)
	tx.Unlock()
	stored.take(t, db, 100)
	stored.writers = db.Writers(0)
	d.dbs[0] = d.open(0, 0, 99)
	_ = db.Close()
	stored.load(t, d.dbs[0], rand.New(rand.NewPCG(1, 1)), d.now, true)
	if n := d.takeAll(0, "k", rate); n != 1 {
		t.Errorf("%d of two tokens are there, with a reserve of one", n)
	}
	d.now.Mono += int64(29 * time.Second)
	if n := d.takeAll(0, "k", rate); n != 0 {
		t.Errorf("%d tokens are there before one can have refilled", n)
	}
}

func TestAPartThatIsWithheldGivesNothingAndLosesNothing(t *testing.T) {
	d := divide(t, 2)
	rate := mustLimit(t, 10, time.Minute)
	db := d.dbs[0]
	k := db.Key([]byte("k"))
	tx := db.Lock(k, d.now)
	_ = tx.SetQuota(k, rate)
	_, _ = tx.Add(k, 2)
	tx.Unlock()
	db.SetPart(d.part(0, shares.Withheld, 0))
	if n := d.takeAll(0, "k", rate); n != 0 {
		t.Errorf("%d tokens", n)
	}
	if n, left, _, _, err := db.TakeFor(k, &shares.Want{Rate: rate, Transient: true, Tokens: 1}, d.now); n != 0 || left != 0 || err != nil {
		t.Errorf("another node gets %d and sees %d, %v", n, left, err)
	}
	tx = db.Lock(k, d.now)
	if v := tx.Get(k); v.Int != 0 {
		t.Errorf("the key shows %d", v.Int)
	}
	if left, err := tx.Add(k, 1); left != -1 || err != nil {
		t.Errorf("INCR: %d, %v", left, err)
	}
	tx.Unlock()
	db.SetPart(d.part(0, shares.InForce, 0))
	if n := d.takeAll(0, "k", rate); n != 3 {
		t.Errorf("then %d tokens of the five, of which two were taken", n)
	}
}

func TestQuotasOfAClusterThatIsNotFoundedCannotBeUsed(t *testing.T) {
	d := divide(t, 1)
	db, rate := d.dbs[0], mustLimit(t, 10, time.Minute)
	k, plain := db.Key([]byte("k")), db.Key([]byte("plain"))
	tx := db.Lock(k, d.now)
	_ = tx.SetQuota(k, rate)
	tx.Unlock()
	db.SetPart(shares.Part{State: shares.Waiting})
	tx = db.LockAll([]Key{k, plain}, d.now)
	defer tx.Unlock()
	if err := tx.SetQuota(plain, rate); !errors.Is(err, ErrWaiting) {
		t.Errorf("SetQuota: %v", err)
	}
	if _, _, err := tx.Throttle(plain, rate, 1); !errors.Is(err, ErrWaiting) {
		t.Errorf("Throttle: %v", err)
	}
	if _, err := tx.Add(k, 1); !errors.Is(err, ErrWaiting) {
		t.Errorf("Add: %v", err)
	}
	if v, err := tx.Add(plain, 1); v != 1 || err != nil {
		t.Errorf("a counter: %d, %v", v, err)
	}
}

func TestANodeTakesForOthersWhatItHas(t *testing.T) {
	d := divide(t, 2)
	rate := mustLimit(t, 10, time.Minute)
	db := d.dbs[0]
	k := db.Key([]byte("k"))
	// of a permanent quota that it has not heard of
	register := crdt.AppendRecord(nil, []byte("k"), &crdt.Entry{Quota: crdt.Quota{Capacity: 10, Count: 10, Period: int64(time.Minute), Stamp: crdt.Stamp{Time: uint64(d.now.Wall) << 16, Node: 2}}})
	for i, c := range []struct{ wanted, taken, left uint64 }{{0, 0, 5}, {2, 2, 3}, {1, 1, 2}, {7, 2, 0}, {1, 0, 0}} {
		taken, left, _, _, err := db.TakeFor(k, &shares.Want{Rate: rate, Register: register, Tokens: c.wanted}, d.now)
		if taken != c.taken || left != c.left || err != nil {
			t.Errorf("%d: %d of %d are taken, and %d left, not %d, %d: %v", i, taken, c.wanted, left, c.taken, c.left, err)
		}
	}
	tx := db.Lock(k, d.now)
	if _, ok := tx.Quota(k); !ok {
		t.Error("the quota is not there")
	}
	tx.Unlock()
	// of a transient one
	k = db.Key([]byte("transient"))
	for i, c := range []struct{ wanted, taken, left uint64 }{{0, 0, 5}, {6, 5, 0}, {1, 0, 0}} {
		taken, left, _, _, err := db.TakeFor(k, &shares.Want{Rate: rate, Transient: true, Tokens: c.wanted}, d.now)
		if taken != c.taken || left != c.left || err != nil {
			t.Errorf("transient, %d: %d of %d are taken, and %d left, not %d, %d: %v", i, taken, c.wanted, left, c.taken, c.left, err)
		}
	}
	// of none
	if taken, left, _, _, err := db.TakeFor(db.Key([]byte("none")), &shares.Want{Rate: rate, Tokens: 1}, d.now); taken != 0 || left != 0 || err != nil {
		t.Errorf("of no quota: %d, %d, %v", taken, left, err)
	}
	if _, _, _, _, err := db.TakeFor(k, &shares.Want{Rate: rate, Register: register[:3], Tokens: 1}, d.now); err == nil {
		t.Error("a register that is cut short is no error")
	}
}

func TestGivingBackGivesNothingTwice(t *testing.T) {
	d := divide(t, 1)
	rate := mustLimit(t, 10, 10*time.Second)
	db := d.dbs[0]
	k := db.Key([]byte("k"))
	want := &shares.Want{Rate: rate, Transient: true, Tokens: 4}
	_, _, epoch, _, _ := db.TakeFor(k, want, d.now)
	at := d.now.Mono
	tx := db.Lock(k, d.now)
	_, _, _ = tx.Throttle(k, rate, 5)
	tx.Unlock()
	d.now.Mono += int64(1500 * time.Millisecond) // one and a half of them have refilled
	if !db.GiveBackFor(k, 4, epoch, at, d.now) {
		t.Error("nothing comes back")
	}
	tx = db.Lock(k, d.now)
	if state, _ := tx.Quota(k); state.Bucket.FullAfter(d.now.Mono) != 5*time.Second {
		t.Errorf("%v until the bucket is full", state.Bucket.FullAfter(d.now.Mono))
	}
	tx.Unlock()
	if db.GiveBackFor(k, 4, epoch+1, at, d.now) {
		t.Error("tokens of another quota come back")
	}
	if db.GiveBackFor(k, 1, epoch, at, d.now) {
		t.Error("a token comes back that has refilled")
	}
	_, _, epoch, _, _ = db.TakeFor(k, want, d.now)
	at = d.now.Mono
	tx = db.Lock(k, d.now)
	_, _, _ = tx.Throttle(k, mustLimit(t, 5, 10*time.Second), 0)
	tx.Unlock()
	if db.GiveBackFor(k, 4, epoch, at, d.now) {
		t.Error("tokens come back under another limit")
	}
}

// partWorld is nodes that take, ask each other, give back, restart and lose their disks, with limits that change.
type partWorld struct {
	*divided
	random  *rand.Rand
	disks   []disk
	synced  []int64 // moments of the disks' last syncs
	lives   uint64
	rates   []quota.Rate
	takes   []taking // by all nodes together
	lent    []loan
	largest uint64
	fastest float64 // tokens for each nanosecond: where windows differ, the largest limit in the shortest window
	trace   []string
}

type taking struct {
	at int64
	n  int64
}

type loan struct {
	by    int
	n     uint64
	epoch uint32
	at    int64
}

// TestNodesWithPartsNeverAdmitMoreThanTheLimit: over every interval, whatever happens to the nodes.
func TestNodesWithPartsNeverAdmitMoreThanTheLimit(t *testing.T) {
	worlds := 300
	if testing.Short() {
		worlds = 40
	}
	first := rand.Uint64()
	for i := range worlds {
		if seed := first + uint64(i); !runParts(t, seed) {
			t.Fatalf("seed %d", seed)
		}
	}
}

func runParts(t *testing.T, seed uint64) bool {
	random := rand.New(rand.NewPCG(seed, 3))
	nodes := 1 + random.IntN(4)
	w := &partWorld{divided: divide(t, nodes), random: random, disks: make([]disk, nodes), synced: make([]int64, nodes), lives: 1000}
	window, shortest, one := time.Duration(1+random.IntN(5))*time.Second, time.Hour, random.IntN(2) == 0
	for range 1 + random.IntN(3) {
		rate := mustLimit(t, 1+random.Uint64N(12), time.Duration(1+random.IntN(5))*time.Second)
		if one {
			rate = mustLimit(t, 1+random.Uint64N(12), window)
		} else if random.IntN(3) == 0 {
			var err error
			if rate, err = quota.New(1+random.Uint64N(9), 1+random.Uint64N(5), time.Duration(1+random.IntN(3000))*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		w.rates = append(w.rates, rate)
		w.largest, shortest = max(w.largest, rate.Capacity), min(shortest, rate.Window())
	}
	w.fastest = float64(w.largest) / float64(shortest)
	for i := range w.disks {
		w.disks[i].peers = true
	}
	permanent := random.IntN(2) == 0
	for range 150 {
		w.step(permanent)
		if sum, over := w.worst(); over {
			t.Errorf("%d nodes, limits %+v: %d tokens too early: %v\n%s", nodes, w.rates, sum, w.takes, strings.Join(w.trace, "\n"))
			return false
		}
	}
	for _, db := range w.dbs {
		_ = db.Close()
	}
	w.dbs = nil
	return true
}

func (w *partWorld) step(permanent bool) {
	node := w.random.IntN(len(w.dbs))
	db := w.dbs[node]
	k := db.Key([]byte("k"))
	rate := w.rates[w.random.IntN(len(w.rates))]
	n := 1 + w.random.Uint64N(3)
	what := w.random.IntN(20)
	w.trace = append(w.trace, fmt.Sprintf("%v: node %d does %d with %d tokens of %v", time.Duration(w.now.Mono), node, what, n, rate))
	switch {
	case what < 8:
		tx := db.Lock(k, w.now)
		var taken bool
		if permanent && w.random.IntN(4) > 0 {
			if _, ok := tx.Quota(k); !ok {
				_ = tx.SetQuota(k, rate)
			}
			left, err := tx.Add(k, int64(n))
			taken = left >= 0 && err == nil
		} else if !permanent {
			taken, _, _ = tx.Throttle(k, rate, n)
		}
		unsafe := tx.Unsafe()
		tx.Unlock()
		if unsafe {
			w.sync(node)
		}
		if taken {
			w.takes = append(w.takes, taking{w.now.Mono, int64(n)})
		}
	case what < 11:
		want := &shares.Want{Rate: rate, Transient: !permanent, Tokens: n}
		taken, _, epoch, unsafe, err := db.TakeFor(k, want, w.now)
		if err != nil {
			w.t.Error(err)
		}
		if unsafe {
			w.sync(node)
		}
		if taken > 0 {
			w.takes = append(w.takes, taking{w.now.Mono, int64(taken)})
			w.lent = append(w.lent, loan{node, taken, epoch, w.now.Mono})
		}
	case what < 13 && len(w.lent) > 0:
		i := w.random.IntN(len(w.lent))
		l := w.lent[i]
		w.lent = append(w.lent[:i], w.lent[i+1:]...)
		w.dbs[l.by].GiveBackFor(k, l.n, l.epoch, l.at, w.now)
		w.undo(l)
	case what == 13 && permanent:
		tx := db.Lock(k, w.now)
		_ = tx.SetQuota(k, rate)
		tx.Unlock()
	case what == 14:
		w.exchange(node, w.random.IntN(len(w.dbs)))
	case what == 15:
		w.restart(node)
	case what == 16 && w.random.IntN(3) == 0:
		w.wipe(node)
	case what == 17:
		w.sync(node)
	default:
		w.now.Mono += int64(w.random.IntN(1500)) * 1e6
		w.now.Wall += 1500
	}
}

// undo: a client that has given a token back has not got it.
func (w *partWorld) undo(l loan) {
	for i := range w.takes {
		if w.takes[i].at == l.at && w.takes[i].n == int64(l.n) {
			w.takes[i].n = 0
			return
		}
	}
}

// exchange merges the state of the key at one node into another.
func (w *partWorld) exchange(from, to int) {
	if from == to {
		return
	}
	var d Deltas
	w.dbs[from].AppendRange(&d, 0, math.MaxUint64, w.now, 1<<20)
	for rest := d.Records; len(rest) > 0; {
		var e crdt.Entry
		name, after, err := crdt.DecodeRecord(rest, &e)
		if err != nil {
			w.t.Fatal(err)
		}
		rest = after
		w.dbs[to].Merge(w.dbs[to].Key(name), &e, w.now, math.MaxInt64)
	}
}

// sync writes everything to the disk.
func (w *partWorld) sync(node int) {
	d := &w.disks[node]
	d.take(w.t, w.dbs[node], 100)
	w.dbs[node].ReservesAreSafe(LastReserves(d.batch.Reserves))
	d.batch.Reserves = d.batch.Reserves[:0]
	d.writers, w.synced[node] = w.dbs[node].Writers(0), w.now.Mono
}

// load loads the disk of a node.
func (w *partWorld) load(node int, crashed bool) {
	d, db := &w.disks[node], w.dbs[node]
	var index []uint32
	for _, writer := range d.writers {
		index = append(index, db.Writer(writer))
	}
	l := Loader{DB: db, Now: w.now, Age: w.synced[node], Writers: index, Crashed: crashed}
	if _, err := l.Load(d.batch.Records); err != nil {
		w.t.Fatal(err)
	}
}

// restart starts the node again from its disk, after a clean stop or a crash.
func (w *partWorld) restart(node int) {
	crashed := w.random.IntN(2) == 0
	if !crashed || w.random.IntN(3) == 0 {
		w.sync(node)
	}
	part := *w.dbs[node].Part()
	_ = w.dbs[node].Close()
	w.lives++
	w.dbs[node] = w.open(node, part.Since, w.lives)
	if w.random.IntN(3) == 0 { // its part is withheld while it loads
		w.dbs[node].SetPart(w.part(node, shares.Withheld, part.Since))
	}
	w.now.Mono += int64(w.random.IntN(300)) * 1e6
	w.load(node, crashed)
	w.dbs[node].SetPart(part)
	w.forget(node)
}

// wipe replaces the node's disk by an empty one.
func (w *partWorld) wipe(node int) {
	_ = w.dbs[node].Close()
	w.lives++
	w.disks[node] = disk{peers: true}
	w.dbs[node] = w.open(node, w.now.Mono, w.lives)
	w.forget(node)
}

// forget: the sessions of the node have ended, and with them the right to give back.
func (w *partWorld) forget(node int) {
	kept := w.lent[:0]
	for _, l := range w.lent {
		if l.by != node {
			kept = append(kept, l)
		}
	}
	w.lent = kept
}

// worst is the largest number of tokens beyond the law that were taken within an interval which ends now.
func (w *partWorld) worst() (sum int64, over bool) {
	for i := len(w.takes) - 1; i >= 0; i-- {
		sum += w.takes[i].n
		if float64(sum) > float64(w.largest)+w.fastest*float64(w.now.Mono-w.takes[i].at)+1e-6 {
			return sum, true
		}
	}
	return sum, false
}

func TestAWantNamesTheTokensThatAreMissingHere(t *testing.T) {
	d := divide(t, 2)
	rate := mustLimit(t, 10, time.Minute)
	a, b := d.dbs[0], d.dbs[1]
	k := a.Key([]byte("k"))
	tx := a.Lock(k, d.now)
	defer tx.Unlock()
	if _, ok := tx.Want(k, quota.Rate{}, 1); ok {
		t.Error("a key without a quota is wanted")
	}
	if w, ok := tx.Want(k, rate, 7); !ok || !w.Transient || w.Tokens != 2 || w.Register != nil {
		t.Errorf("of a new transient quota: %+v", w)
	}
	_ = tx.SetQuota(k, rate)
	_, _ = tx.Add(k, 4)
	w, ok := tx.Want(k, quota.Rate{}, 3)
	if !ok || w.Transient || w.Tokens != 2 || w.Rate != rate {
		t.Errorf("of a permanent quota: %+v", w)
	}
	if taken, _, _, _, err := b.TakeFor(b.Key([]byte("k")), &w, d.now); taken != 2 || err != nil {
		t.Errorf("the other node takes %d, %v", taken, err)
	}
	if taken, _, _, _, err := b.TakeFor(b.Key([]byte("other")), &w, d.now); taken != 0 || err == nil {
		t.Errorf("of another key: %d, %v", taken, err)
	}
}
