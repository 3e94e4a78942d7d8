package engine

import (
	"fmt"
	"slices"
	"testing"
)

// TestAnExpiredKeyIsCountedOnce: commands meet the expired key before the sweep does, with peers and without.
func TestAnExpiredKeyIsCountedOnce(t *testing.T) {
	for _, o := range []Options{{}, {Replicated: true}} {
		for name, meet := range map[string]func(*Tx, Key){
			"GET": func(tx *Tx, k Key) { tx.Get(k) }, "DEL": func(tx *Tx, k Key) { tx.Delete(k) }, "EXPIRE": func(tx *Tx, k Key) { tx.SetDeadline(k, 0) },
			"INCR": func(tx *Tx, k Key) { _, _ = tx.Add(k, 1) }, "nothing": func(*Tx, Key) {},
		} {
			for _, isQuota := range []bool{false, true} {
				o.Shards, o.Node, o.Life, o.MaxBytes = 1, 1, 1, minPoolBytes
				db, err := Open(o)
				if err != nil {
					t.Fatal(err)
				}
				now := at(testWall)
				k := db.Key([]byte("k"))
				tx := db.Lock(k, now)
				tx.Set(k, Value{Type: Integer, Int: 1}, false)
				if isQuota {
					_ = tx.SetQuota(k, testRate(3))
				}
				tx.SetDeadline(k, now.Wall+10)
				tx.Unlock()
				now = at(now.Wall + 20)
				for range 1000 {
					tx = db.Lock(k, now)
					meet(&tx, k)
					tx.Unlock()
				}
				db.Sweep(at(now.Wall+1000), 10)
				if n := db.All(now).Expired(); n != 1 {
					t.Errorf("peers %v, quota %v, %s: %d keys have expired", o.Replicated, isQuota, name, n)
				}
				_ = db.Close()
			}
		}
	}
}

// TestEachNameThatIsGoneIsARecord: each dropped key is one record in what the follower takes.
func TestEachNameThatIsGoneIsARecord(t *testing.T) {
	const keys = 1000
	db, err := Open(Options{Shards: 2, Node: 1, Life: 1, Followed: true, MaxBytes: minPoolBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var d disk
	for _, change := range []func(*Tx, Key){func(tx *Tx, k Key) { _, _ = tx.Add(k, 1) }, func(tx *Tx, k Key) { tx.Delete(k) }} {
		d.batch.Reset()
		d.batch.Count = 0
		for i := range keys {
			k := db.Key(fmt.Append(nil, i))
			tx := db.Lock(k, at(testWall))
			change(&tx, k)
			tx.Unlock()
		}
		if d.take(t, db, keys); d.batch.Count != keys {
			t.Errorf("%d records of %d changes", d.batch.Count, keys)
		}
	}
}

// TestANodeWithoutPeersKeepsNothingForThem: the node had peers before. Transient quotas that come and go, and counters,
// leave no notes for peers.
func TestANodeWithoutPeersKeepsNothingForThem(t *testing.T) {
	db, err := Open(Options{Shards: 1, Node: 1, Life: 1, Followed: true, Replicated: true, Alone: true, MaxBytes: minPoolBytes})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := at(testWall)
	var d disk
	for round := range 50 {
		for i := range 100 {
			k := db.Key(fmt.Append(nil, i))
			tx := db.Lock(k, now)
			if round%2 == 0 {
				_, _, err = tx.Throttle(k, testRate(5), 1)
			} else {
				_, err = tx.Add(k, 1)
			}
			if err != nil {
				t.Fatal(err)
			}
			tx.Unlock()
		}
		d.take(t, db, 1000)
		now = at(now.Wall + 5000)
		db.Sweep(now, 1000)
	}
	if s := &db.shards[0]; len(s.changes.unsent) > 0 || db.HasUnsent(0) {
		t.Errorf("%d notes for peers", len(s.changes.unsent))
	}
}

func TestLastGrantsAreThoseThatNoLaterOneReplaces(t *testing.T) {
	const one, two = 1, 2 // epochs
	got := LastReserves([]WrittenReserve{{2, one, 5, 1}, {1, one, 6, 1}, {2, one, 7, 2}, {2, two, 1, 1}, {1, one, 9, 2}, {2, one, 8, 3}})
	if want := []WrittenReserve{{1, one, 9, 2}, {2, one, 8, 3}, {2, two, 1, 1}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
