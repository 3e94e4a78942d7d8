package engine

import (
	"fmt"
	"testing"
)

// openReplicated is a DB with count counters, whose changes peers have not taken.
func openReplicated(t *testing.T, keys int) *DB {
	t.Helper()
	db, err := Open(Options{Shards: 4, Node: 1, HashKey: [2]uint64{1, 2}, Life: 7, Followed: true, Replicated: true, MaxBytes: 1 << 28})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for i := range keys {
		countOn(t, db, i)
	}
	return db
}

func keyOf(db *DB, i int) Key { return db.Key(fmt.Appendf(nil, "counter-%012d", i)) }

func countOn(t *testing.T, db *DB, i int) {
	t.Helper()
	k := keyOf(db, i)
	tx := db.Lock(k, Moment{Wall: 1000})
	defer tx.Unlock()
	if _, err := tx.Add(k, 1); err != nil {
		t.Fatal(err)
	}
}

// TestFLUSHALLInSlicesHoldsAShardForOneBucket counts records for each hold of a lock, and for each slice.
func TestFLUSHALLInSlicesHoldsAShardForOneBucket(t *testing.T) {
	const (
		keys   = 300_000
		most   = 64 // records in a bucket and its overflow buckets: nine on average
		budget = 256
	)
	db := openReplicated(t, keys)
	longest, seen := 0, 0
	var name []byte
	for at, end := uint64(0), false; !end; {
		s := db.shard(at)
		s.mu.Lock()
		n, position, done := s.deleteBucket(at, Moment{Wall: 2000}, &name)
		s.mu.Unlock()
		longest, seen = max(longest, n), seen+n
		at, end = db.nextHash(db.shardOf(at), position, done)
	}
	if longest > most || seen != keys || db.All(Moment{Wall: 2000}).Len() != 0 {
		t.Errorf("%d records under one hold of a lock, %d records in all, %d keys left", longest, seen, db.All(Moment{Wall: 2000}).Len())
	}
	slices := 0
	for place := db.FlushSome(0, Moment{Wall: 2000}, budget); place != 0; place = db.FlushSome(place, Moment{Wall: 2000}, budget) {
		slices++
	}
	if slices < keys/(budget+most) {
		t.Errorf("%d slices for %d records", slices, keys)
	}
}

// TestFLUSHALLInSlicesDeletesWhatWasThere: keys that exist all the time are deleted, also while tables grow. An
// increment behind the place that FLUSHALL has reached stays.
func TestFLUSHALLInSlicesDeletesWhatWasThere(t *testing.T) {
	const keys = 20_000
	db := openReplicated(t, keys)
	now := Moment{Wall: 2000}
	fresh := 0
	for place := db.FlushSome(0, now, 16); place != 0; place = db.FlushSome(place, now, 16) {
		for range 8 { // other clients create keys meanwhile
			countOn(t, db, keys+fresh)
			fresh++
		}
	}
	left := 0
	for i := range keys + fresh {
		k := keyOf(db, i)
		tx := db.Lock(k, now)
		v := tx.Get(k)
		tx.Unlock()
		if v.Type != None {
			left++
			if i < keys || v.Int != 1 {
				t.Fatalf("key %d of %d has %+v", i, keys, v)
			}
		}
	}
	if left == 0 || left == fresh {
		t.Errorf("of %d keys that were made meanwhile %d are left", fresh, left)
	}
	if got := db.All(now).Len(); got != left {
		t.Errorf("%d keys, not %d", got, left)
	}
}

// TestFLUSHALLDoesNotDoubleMemory: a deleted key needs little more memory than before, as long as the followers take
// their notes.
func TestFLUSHALLDoesNotDoubleMemory(t *testing.T) {
	const keys = 100_000
	db := openReplicated(t, keys)
	var batch Batch
	var deltas Deltas
	take := func() {
		for shard := range db.Shards() {
			for more := true; more; {
				batch.Reset()
				more = db.Take(shard, &batch, 4096)
			}
			for more := true; more; {
				deltas.Reset()
				more = db.TakeUnsent(shard, &deltas)
			}
		}
	}
	take()
	before := db.Used()
	for place := db.FlushSome(0, Moment{Wall: 2000}, 4096); place != 0; place = db.FlushSome(place, Moment{Wall: 2000}, 4096) {
		take()
	}
	if after := db.Used(); after > before*17/10 {
		t.Errorf("%d bytes before and %d after", before, after)
	}
}
