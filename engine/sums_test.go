package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/quotadb/quota-db/crdt"
)

// checkSums compares the kept sums with those of all keys, leaf by leaf.
func checkSums(t testing.TB, db *DB, now Moment) {
	t.Helper()
	db.RefreshDigests(now)
	leaves := map[int]uint64{}
	h := keyHasher{db: db}
	db.visit(0, allHashes, func(_ *shard, rec record, hash uint64) {
		if digest, ok := h.digest(rec, now); ok {
			leaves[Leaf(hash)] += digest
		}
	})
	for parent := range Leaves / Fanout {
		for i, got := range db.Sums(Levels-1, parent) {
			if leaf := parent*Fanout + i; got != leaves[leaf] {
				t.Fatalf("leaf %d: the kept sum is %x, its keys come to %x", leaf, got, leaves[leaf])
			}
		}
	}
	for level := Levels - 2; level >= 0; level-- {
		for i, parents := 0, 1<<(4*level); i < parents; i++ {
			for child, got := range db.Sums(level, i) {
				sum := uint64(0)
				for _, v := range db.Sums(level+1, i*Fanout+child) {
					sum += v
				}
				if got != sum {
					t.Fatalf("level %d, node %d: its sum is %x, its children's %x", level, i*Fanout+child, got, sum)
				}
			}
		}
	}
}

// TestKeptSumsAreThoseOfTheKeys lets clients and peers change a shard that is counted by differences, that is counted
// anew in the middle of changes, and that expires keys between two ticks of the sweep.
func TestKeptSumsAreThoseOfTheKeys(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { changeMany(t, seed) })
	}
}

func changeMany(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 3))
	db, err := Open(Options{Shards: 1 + random.IntN(5), Node: 1, Life: 100, HashKey: [2]uint64{seed, 7}, Followed: random.IntN(2) == 0, Replicated: true, MaxBytes: 1 << 26})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	writers := []uint32{primary}
	for i := range 3 {
		writers = append(writers, db.Writer(crdt.Writer{Node: uint16(2 + i), Life: 5}))
	}
	now := Moment{Wall: 1_700_000_000_000, Mono: 1}
	names := 1 + random.IntN(4000)
	var e crdt.Entry
	for step := range 15_000 {
		k := db.Key(fmt.Appendf(nil, "key:%d", random.IntN(names)))
		switch random.IntN(40) {
		case 0:
			now.Wall += random.Int64N(400)
			now.Mono += 1e8
		case 1:
			db.Sweep(now, random.IntN(50))
		case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16:
			e = crdt.Entry{Since: now.Wall - 5, Rows: e.Rows[:0]}
			for _, w := range writers {
				if random.IntN(3) == 0 {
					e.Rows = append(e.Rows, crdt.Row{Writer: w, P: 1 + random.Uint64()>>(random.IntN(63)+1)})
				}
			}
			if random.IntN(9) == 0 {
				e.Deadline = crdt.Deadline{At: now.Wall + random.Int64N(500) - 100, Stamp: crdt.Stamp{Time: uint64(now.Wall) << 16, Node: 2}}
			}
			db.Merge(k, &e, now, math.MaxInt64)
		case 18:
			tx := db.Lock(k, now)
			if v := tx.Get(k); v.Type == String {
				tx.Overwrite(k, 1, []byte{byte(step)})
			}
			tx.Unlock()
		case 17:
			if random.IntN(40) == 0 {
				db.All(now).Flush()
			}
		default:
			c := cluster{random: random, now: now}
			c.changeKey(db, k)
		}
		if random.IntN(1000) == 0 || step%5000 == 4999 {
			checkSums(t, db, now)
		}
	}
}

// TestKeysLeaveTheSumsAtTheirDeadlinesBetweenTwoTicksOfTheSweep: also where the wheel would first move them to a nearer
// slot at the next tick.
func TestKeysLeaveTheSumsAtTheirDeadlinesBetweenTwoTicksOfTheSweep(t *testing.T) {
	const tick = 100 // milliseconds, the default
	for _, ticks := range []int64{1, 17, nearSlots, nearSlots * farSlots} {
		db := newCluster(t, 1, 1).dbs[0]
		boundary := (testWall/(tick*ticks) + 2) * tick * ticks
		now := at(testWall)
		k := db.Key([]byte("k"))
		tx := db.Lock(k, now)
		_ = tx.Set(k, Value{Type: Integer, Int: 1, Deadline: boundary - 30}, false)
		tx.Unlock()
		for _, wall := range []int64{testWall, boundary - 95, boundary - 31, boundary - 30, boundary - 29, boundary + 300} {
			db.Sweep(at(wall-tick), 10)
			if wall >= testWall {
				checkSums(t, db, at(wall))
			}
			if gone := db.Digest(at(wall)) == 0; gone != (wall >= boundary-30) {
				t.Errorf("%d ticks: %d ms after the deadline the digest counts the key: %v", ticks, wall-boundary+30, !gone)
			}
		}
	}
}

// TestSumsStayRightWhereARefreshHasAnOlderClockThanAMerge: the merge has hidden a key, so no deadline takes it out of
// the sums later.
func TestSumsStayRightWhereARefreshHasAnOlderClockThanAMerge(t *testing.T) {
	db := newCluster(t, 1, 1).dbs[0]
	k := db.Key([]byte("k"))
	checkSums(t, db, at(testWall)) // from here on, the sums are kept by differences
	tx := db.Lock(k, at(testWall))
	_, _ = tx.Add(k, 1)
	tx.Unlock()
	e := crdt.Entry{Deadline: crdt.Deadline{At: testWall + 50, Stamp: crdt.Stamp{Time: 1, Node: 2}}}
	db.Merge(k, &e, at(testWall+60), math.MaxInt64)
	db.RefreshDigests(at(testWall + 20))
	checkSums(t, db, at(testWall+100))
}

// TestSumsAreRightAfterChangesBesideTheirCounting: a refresh counts a shard anew bucket by bucket, and others change
// keys between two buckets, ahead of the counting and behind it.
func TestSumsAreRightAfterChangesBesideTheirCounting(t *testing.T) {
	const keys = 20_000
	for seed := range uint64(4) {
		db, err := Open(Options{Shards: 2, Node: 1, Life: 100, HashKey: [2]uint64{seed, 7}, Replicated: true, MaxBytes: 1 << 26})
		if err != nil {
			t.Fatal(err)
		}
		now := at(testWall)
		writer := db.Writer(crdt.Writer{Node: 2, Life: 1})
		for i := range keys {
			k := db.Key(fmt.Append(nil, i))
			tx := db.Lock(k, now)
			_, _ = tx.Add(k, 1)
			tx.Unlock()
		}
		stop, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			random := rand.New(rand.NewPCG(seed, 1))
			c := cluster{random: random, now: now}
			for i := uint64(0); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				k := db.Key(fmt.Append(nil, random.IntN(keys)))
				if i%2 == 0 {
					c.changeKey(db, k)
					continue
				}
				e := crdt.Entry{Rows: []crdt.Row{{Writer: writer, P: i}}}
				db.Merge(k, &e, now, math.MaxInt64)
			}
		}()
		for range 20 {
			db.RefreshDigests(now)
		}
		close(stop)
		<-ended
		checkSums(t, db, now)
		_ = db.Close()
	}
}

// TestAnAbsentKeyLeavesTheSumsIfTheSweepComesAfterItsDeadline: an absent key has a deadline far enough ahead to wait in
// a slot of a coarser level. When the wheel moves the key to a finer level, the deadline has already passed.
func TestAnAbsentKeyLeavesTheSumsIfTheSweepComesAfterItsDeadline(t *testing.T) {
	const tick = 100 // milliseconds, the default
	for _, ticks := range []int64{nearSlots, nearSlots * farSlots} {
		db := newCluster(t, 1, 1).dbs[0]
		writer, now := db.Writer(crdt.Writer{Node: 3, Life: 1}), at(testWall)
		checkSums(t, db, now) // from here on, the sums are kept by differences
		deadline := (testWall/(tick*ticks)+2)*tick*ticks + tick/2
		e := crdt.Entry{
			Base:     crdt.Base{Stamp: crdt.Stamp{Time: (testWall - 5) << 16, Node: 2}},
			Deadline: crdt.Deadline{At: deadline, Stamp: crdt.Stamp{Time: (testWall - 3) << 16, Node: 3}},
			Rows:     []crdt.Row{{Writer: writer, P: 6, FP: 6}},
		}
		k := db.Key([]byte("k"))
		db.Merge(k, &e, now, math.MaxInt64)
		checkSums(t, db, now)
		checkGone(t, db, k, now)
		db.Sweep(at(deadline-2*tick), 1_000_000)
		checkSums(t, db, at(deadline-2*tick))
		db.Sweep(at(deadline+5*tick), 1_000_000)
		checkSums(t, db, at(deadline+5*tick))
		if db.Digest(at(deadline+5*tick)) != 0 {
			t.Errorf("%d ticks: the digest counts the key after its deadline", ticks)
		}
	}
}

// TestAShardThatIsNotCountedKeepsTheSumsOfBefore: it has been uncounted in each try of a refresh, the last time in the
// middle of the counting.
func TestAShardThatIsNotCountedKeepsTheSumsOfBefore(t *testing.T) {
	db, err := Open(Options{Shards: 1, Node: 1, Life: 100, HashKey: [2]uint64{5, 7}, Replicated: true, MaxBytes: 1 << 24})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := at(testWall)
	for i := range 100 {
		k := db.Key(fmt.Append(nil, i))
		tx := db.Lock(k, now)
		_, _ = tx.Add(k, 1)
		tx.Unlock()
	}
	checkSums(t, db, now)
	x := &db.shards[0].sums
	clear(x.now)
	x.uncount()
	if changed := x.tell(nil); len(changed) > 0 {
		t.Errorf("%d leaves have other sums", len(changed))
	}
	checkSums(t, db, now)
}

// TestAShardIsCountedAtTheMomentOfItsLatestTransaction: a sweep beside a refresh has hidden a key before the counting
// comes to it. The refresh began before the key's deadline.
func TestAShardIsCountedAtTheMomentOfItsLatestTransaction(t *testing.T) {
	db, err := Open(Options{Shards: 1, Node: 1, Life: 100, HashKey: [2]uint64{5, 7}, Replicated: true, MaxBytes: 1 << 24})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	k, s := db.Key([]byte("k")), &db.shards[0]
	tx := db.Lock(k, at(testWall))
	_ = tx.Set(k, Value{Type: Integer, Int: 1, Deadline: testWall + 50}, false)
	tx.Unlock()
	db.Sweep(at(testWall+1000), 100)
	s.mu.Lock()
	s.countAll(0)
	s.mu.Unlock()
	checkSums(t, db, at(testWall+2000))
}
