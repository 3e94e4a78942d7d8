package engine

import (
	"sync"
	"testing"
	"time"
)

// TestAFollowerThatRestsIsRousedByTheNextChange, once, whatever the change is.
func TestAFollowerThatRestsIsRousedByTheNextChange(t *testing.T) {
	db := openReplicated(t, 0)
	var b Batch
	var d Deltas
	takeAll := func() {
		for shard := range db.Shards() {
			for db.Take(shard, &b, 100) {
			}
			for db.TakeUnsent(shard, &d) {
			}
		}
	}
	for i := range 20 {
		takeAll()
		disk, peers := make(chan struct{}, 2), make(chan struct{}, 2)
		if !db.RestUnwritten(disk) || !db.RestUnsent(peers) {
			t.Fatal("there is nothing to take, and a follower may not rest")
		}
		countOn(t, db, i%3)
		countOn(t, db, 100)
		if len(disk) != 1 || len(peers) != 1 {
			t.Fatalf("round %d: the followers are roused %d and %d times", i, len(disk), len(peers))
		}
		if db.RestUnwritten(disk) || db.RestUnsent(peers) {
			t.Fatal("a follower may rest although there are changes")
		}
	}
}

// TestAFlushOfAllKeysRousesTheDisksFollower: without peers it leaves no change of any key.
func TestAFlushOfAllKeysRousesTheDisksFollower(t *testing.T) {
	db, err := Open(Options{Shards: 4, Node: 1, Followed: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	roused := make(chan struct{}, 1)
	db.RestUnwritten(roused)
	tx := db.LockEvery(Moment{Wall: 1000})
	tx.All().Flush()
	tx.Unlock()
	if len(roused) == 0 {
		t.Error("FLUSHALL does not rouse the disk's follower")
	}
}

// TestNoChangeIsMissedByAFollowerThatBeginsToRest while clients write.
func TestNoChangeIsMissedByAFollowerThatBeginsToRest(t *testing.T) {
	db := openReplicated(t, 0)
	const writes = 20_000
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for i := range writes {
				countOn(t, db, 100*w+i%50)
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	var b Batch
	roused := make(chan struct{}, 1)
	for over := false; !over; {
		for shard := range db.Shards() {
			for db.Take(shard, &b, 100) {
			}
			b.Reset()
		}
		if !db.RestUnwritten(roused) {
			continue
		}
		select {
		case <-roused:
		case <-done:
			over = true
		case <-time.After(20 * time.Second):
			t.Fatal("the follower sleeps while clients write")
		}
	}
}

// TestTheSweepIsRousedByTheFirstDeadline, and may rest when no key has one.
func TestTheSweepIsRousedByTheFirstDeadline(t *testing.T) {
	db := openTest(t, 4)
	k := keyOf(db, 1)
	roused := make(chan struct{}, 4)
	for round := range 3 {
		if !db.RestSweep(roused) {
			t.Fatal("the sweep may not rest, although no key has a deadline")
		}
		now := Moment{Wall: 1000 * int64(round+1)}
		tx := db.Lock(k, now)
		if err := tx.Set(k, Value{Type: String, Str: []byte("v"), Deadline: now.Wall + 10}, false); err != nil {
			t.Fatal(err)
		}
		tx.Unlock()
		if len(roused) != round+1 {
			t.Fatalf("roused %d times by %d deadlines", len(roused), round+1)
		}
		if db.RestSweep(roused) {
			t.Fatal("the sweep may rest, although a key has a deadline")
		}
		for done := false; !done; {
			_, done = db.Sweep(Moment{Wall: now.Wall + 100}, 100)
		}
	}
}
