package engine

import (
	"bytes"
	"fmt"
	"testing"
)

// TestAnIndexBeginsOnClearedMemory: whatever the pool's pages hold, and however many shards share them, the first table
// after a flush finds the keys that are put into it, and nothing else. Room for many keys was reserved, as a load does,
// so that the table is paged.
func TestAnIndexBeginsOnClearedMemory(t *testing.T) {
	for shards := 1; shards <= 64; shards++ {
		db, err := Open(Options{Shards: shards, Node: 1, Life: 1, HashKey: [2]uint64{3, uint64(shards)}, MaxBytes: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		now := at(testWall)
		loaded := db.MakeRoom(int64(shards) * bucketsPerPage * 2 * loadedLoad)
		count(t, db, 2*shards, now)
		db.All(now).Forget()
		db.pool.soil()
		count(t, db, 50*shards, now)
		loaded()
		if n := db.All(now).Len(); n != 50*shards {
			t.Errorf("%d shards: %d keys, not %d", shards, n, 50*shards)
		}
		_ = db.Close()
	}
}

// TestAnIndexBeginsWithoutRoom: the pool is used up before the first key.
func TestAnIndexBeginsWithoutRoom(t *testing.T) {
	db, err := Open(Options{Shards: 1, Node: 1, Life: 1, MaxBytes: minPoolBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for {
		if _, ok := db.pool.acquire(); !ok {
			break
		}
	}
	defer db.MakeRoom(100_000)()
	count(t, db, 10_000, at(testWall))
}

// TestAnEmptySlotHasNoRef: an empty slot has no ref, also in an overflow bucket that is used again. A search may look
// at empty slots: see matches.
func TestAnEmptySlotHasNoRef(t *testing.T) {
	db, err := Open(Options{Shards: 1, Node: 1, Life: 1, HashKey: [2]uint64{3, 4}, MaxBytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := at(testWall)
	for round := range 3 {
		for i := range 8000 { // records too long for a page: the ref of a dropped one names no memory
			set(db, fmt.Sprint("long", round, ":", i), Value{Type: String, Str: make([]byte, maxPagedBytes)}, now)
		}
		checkEmptySlots(t, &db.shards[0].index)
		for i := range 8000 {
			k := db.Key(fmt.Append(nil, "long", round, ":", i))
			tx := db.Lock(k, now)
			tx.Delete(k)
			tx.Unlock()
		}
		checkEmptySlots(t, &db.shards[0].index)
		count(t, db, 20_000, now)
		checkEmptySlots(t, &db.shards[0].index)
		db.All(now).Flush()
	}
}

func set(db *DB, name string, v Value, now Moment) {
	k := db.Key([]byte(name))
	tx := db.Lock(k, now)
	_ = tx.Set(k, v, false)
	tx.Unlock()
}

// checkEmptySlots checks the buckets in use and the free overflow buckets.
func checkEmptySlots(t *testing.T, x *index) {
	t.Helper()
	check := func(b *bucket) {
		for slot := range b.refs {
			if r := b.refs[slot].Load(); r != 0 && b.tag(slot) == 0 {
				t.Fatalf("an empty slot has the ref %x", r)
			}
		}
	}
	for n := range uint32(len(x.overflow) * bucketsPerPage) {
		check(x.over(n + 1))
	}
	if x.old != nil {
		for i := x.moved; i < x.old.n; i++ {
			check(x.old.bucket(i))
		}
		return
	}
	for i := range x.current.Load().n {
		check(x.current.Load().bucket(i))
	}
}

// count counts keys that do not exist yet, each once.
func count(t *testing.T, db *DB, keys int, now Moment) {
	t.Helper()
	for round := range int64(2) {
		for i := range keys {
			k := db.Key(fmt.Append(nil, "counter:", i))
			tx := db.Lock(k, now)
			n, err := tx.Add(k, 1)
			tx.Unlock()
			if err != nil || n != round+1 {
				t.Fatalf("%d shards: key %d of %d is %d, not %d: %v", db.Shards(), i, keys, n, round+1, err)
			}
		}
	}
}

// soil fills free pages of the pool: the pool hands out pages with arbitrary content.
func (p *pool) soil() {
	for _, page := range p.free {
		copy(p.page(page), bytes.Repeat([]byte{0x5a}, pageBytes))
	}
}
