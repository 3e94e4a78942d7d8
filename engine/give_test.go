package engine

import (
	"math/rand/v2"
	"testing"
	"time"
)

func giveBack(t *testing.T, db *DB, k Key, n uint64, now Moment) (QuotaState, bool) {
	t.Helper()
	tx := db.Lock(k, now)
	defer tx.Unlock()
	return tx.GiveBack(k, n)
}

// TestATransientQuotaEndsWhenAllItsTokensAreGivenBack: at once, also for DBSIZE, and a crash after that does not bring
// it back. A counter below it is there again.
func TestATransientQuotaEndsWhenAllItsTokensAreGivenBack(t *testing.T) {
	for _, peers := range []bool{false, true} {
		for _, counts := range []bool{false, true} {
			random := rand.New(rand.NewPCG(1, 2))
			d := &disk{peers: peers}
			now := at(testWall)
			db := d.restore(t, 1, random, now, false)
			k := db.Key([]byte("k"))
			tx := db.Lock(k, now)
			if counts {
				_, _ = tx.Add(k, 7)
			}
			if taken, _, err := tx.Throttle(k, mustLimit(t, 10, time.Hour), 3); !taken || err != nil {
				t.Fatal(taken, err)
			}
			tx.Unlock()
			d.take(t, db, 10)
			if state, ok := giveBack(t, db, k, 5, now); !ok || state.Bucket.Remaining(state.Rate, now.Mono) != 10 {
				t.Fatalf("peers %v: all tokens given back: %v, %+v", peers, ok, state)
			}
			check := func(when string, db *DB) {
				t.Helper()
				k := db.Key([]byte("k"))
				tx := db.Lock(k, now)
				v := tx.Get(k)
				_, quota := tx.Quota(k)
				tx.Unlock()
				if quota || counts && v.Int != 7 || !counts && (v.Type != None || db.All(now).Len() != 0) {
					t.Errorf("peers %v, over a counter %v, %s: a quota %v, %+v, %d keys", peers, counts, when, quota, v, db.All(now).Len())
				}
			}
			check("afterwards", db)
			d.take(t, db, 10)
			d.writers = append(d.writers, db.Writers(0)...)
			after := d.restore(t, 2, random, now, true)
			check("after a crash", after)
			checkInvariants(t, after)
			_ = db.Close()
			_ = after.Close()
		}
	}
}

// TestTheSweepVisitsATransientQuotaWhenItIsFull: tokens given back make that earlier than it was when they were taken.
func TestTheSweepVisitsATransientQuotaWhenItIsFull(t *testing.T) {
	db := openTest(t, 1)
	k := db.Key([]byte("k"))
	tx := db.Lock(k, testNow)
	if taken, _, err := tx.Throttle(k, mustLimit(t, 100, 100*time.Second), 100); !taken || err != nil {
		t.Fatal(taken, err)
	}
	tx.Unlock()
	if _, ok := giveBack(t, db, k, 98, testNow); !ok {
		t.Fatal("the quota is not there")
	}
	checkInvariants(t, db)
	for done := false; !done; {
		_, done = db.Sweep(after(3*time.Second), 100)
	}
	if n := db.All(after(3 * time.Second)).Len(); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

// TestGivingBackChangesNothingWhereNothingIsUsed: neither without a quota, nor on a full one.
func TestGivingBackChangesNothingWhereNothingIsUsed(t *testing.T) {
	d := &disk{}
	db := d.restore(t, 1, rand.New(rand.NewPCG(1, 2)), testNow, false)
	defer db.Close()
	full, counter := db.Key([]byte("full")), db.Key([]byte("counter"))
	tx := db.LockAll([]Key{full, counter}, testNow)
	if _, err := tx.Add(counter, 3); err != nil {
		t.Fatal(err)
	}
	if err := tx.SetQuota(full, mustLimit(t, 10, time.Hour)); err != nil {
		t.Fatal(err)
	}
	tx.Unlock()
	d.take(t, db, 10)
	if _, ok := giveBack(t, db, counter, 1, testNow); ok {
		t.Error("a counter takes tokens back")
	}
	if _, ok := giveBack(t, db, db.Key([]byte("none")), 1, testNow); ok {
		t.Error("a key that is not there takes tokens back")
	}
	if state, ok := giveBack(t, db, full, 1, testNow); !ok || state.Bucket.Remaining(state.Rate, testNow.Mono) != 10 {
		t.Errorf("a full quota became %+v, %v", state, ok)
	}
	for shard := range db.Shards() {
		if db.HasUnwritten(shard) {
			t.Errorf("shard %d has a change for the disk", shard)
		}
	}
}
