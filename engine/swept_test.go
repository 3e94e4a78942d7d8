package engine

import "testing"

// TestWhatALoadBringsIsSweptAtItsDeadline: before the load, the wheel of the DB has not turned to the present.
func TestWhatALoadBringsIsSweptAtItsDeadline(t *testing.T) {
	for _, peers := range []bool{false, true} {
		open := func(life uint64) *DB {
			db, err := Open(Options{Shards: 1, Node: 1, Life: life, Followed: true, Replicated: peers, MaxBytes: minPoolBytes})
			if err != nil {
				t.Fatal(err)
			}
			return db
		}
		before := open(1)
		now := at(testWall)
		for _, name := range []string{"deadline", "quota"} {
			k := before.Key([]byte(name))
			tx := before.Lock(k, now)
			if name == "quota" {
				_, _, _ = tx.Throttle(k, testRate(2), 1)
			} else {
				tx.Set(k, Value{Type: Integer, Int: 1, Deadline: now.Wall + 400}, false)
			}
			tx.Unlock()
		}
		d := &disk{peers: peers}
		d.take(t, before, 10)
		for part := range uint64(2) { // each of the two records alone
			after := open(2)
			l := Loader{DB: after, Now: now, Writers: []uint32{after.Writer(before.Writers(0)[0])}, Part: part, Parts: 2}
			if _, err := l.Load(d.batch.Records); err != nil {
				t.Fatal(err)
			}
			loaded := after.All(now).Len()
			if deleted, done := after.Sweep(at(now.Wall+2000), 100); deleted != loaded || !done {
				t.Errorf("peers %v, part %d: %d of %d keys swept, done %v", peers, part, deleted, loaded, done)
			}
			_ = after.Close()
		}
		_ = before.Close()
	}
}

// TestTheDiskIsToldTheTimeWhenAQuotaHasEnded: after a crash nothing else says that the quota had ended.
func TestTheDiskIsToldTheTimeWhenAQuotaHasEnded(t *testing.T) {
	db, err := Open(Options{Shards: 1, Node: 1, Life: 1, Followed: true, MaxBytes: minPoolBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	k := db.Key([]byte("k"))
	tx := db.Lock(k, at(testWall))
	_, _, err = tx.Throttle(k, testRate(2), 1)
	tx.Unlock()
	d := &disk{}
	d.take(t, db, 10)
	if db.Sweep(at(testWall+2000), 100); err != nil || db.All(at(testWall)).Len() > 0 || !db.HasUnwritten(0) {
		t.Errorf("%d keys, changed %v, %v", db.All(at(testWall)).Len(), db.HasUnwritten(0), err)
	}
}

// TestPeersAreNotToldThatATransientQuotaHasEnded: they never heard of the quota, and know the counter below it.
func TestPeersAreNotToldThatATransientQuotaHasEnded(t *testing.T) {
	db, err := Open(Options{Shards: 1, Node: 1, Life: 1, Followed: true, Replicated: true, MaxBytes: minPoolBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	k := db.Key([]byte("k"))
	tx := db.Lock(k, at(testWall))
	_, _ = tx.Add(k, 5)
	_, _, err = tx.Throttle(k, testRate(2), 1)
	tx.Unlock()
	if err != nil || !db.HasUnsent(0) {
		t.Fatalf("peers have nothing to hear of the counter: %v", err)
	}
	(&disk{peers: true}).take(t, db, 10)
	for more := true; more; {
		more = db.TakeUnsent(0, &Deltas{})
	}
	db.Sweep(at(testWall+2000), 100)
	tx = db.Lock(k, at(testWall+2000))
	v := tx.Get(k)
	tx.Unlock()
	if v.Type != Integer || v.Int != 5 || db.HasUnsent(0) || !db.HasUnwritten(0) {
		t.Errorf("after the quota's end: %+v, peers to be told %v, the disk to be told %v", v, db.HasUnsent(0), db.HasUnwritten(0))
	}
}
