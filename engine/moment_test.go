package engine

import (
	"testing"
	"time"
)

func TestATransactionIsNotBeforeAnEarlierOneOnItsShards(t *testing.T) {
	db := openTest(t, 4)
	a, b := db.Key([]byte("a")), db.Key([]byte("b"))
	for i := 0; db.shard(a.Hash) == db.shard(b.Hash); i++ {
		b = db.Key([]byte{'b', byte(i)})
	}
	at := func(tx Tx) int64 {
		tx.Unlock()
		return tx.Now().Mono
	}
	early, late := Moment{Wall: 1000, Mono: 1e9}, Moment{Wall: 2000, Mono: 2e9}
	if at(db.Lock(a, late)) != late.Mono || at(db.Lock(a, early)) != late.Mono {
		t.Error("one shard's moment went back")
	}
	if at(db.Lock(b, early)) != early.Mono {
		t.Error("another shard's moment went on by itself")
	}
	if at(db.LockAll([]Key{a, b}, early)) != late.Mono || at(db.Lock(b, early)) != late.Mono {
		t.Error("a transaction on two shards did not carry the moment to the other")
	}
	later := Moment{Wall: 3000, Mono: 3e9}
	tx := db.LockEvery(early)
	tx.Renew(later)
	tx.Unlock()
	if at(db.Lock(a, early)) != later.Mono || at(db.Lock(b, early)) != later.Mono {
		t.Error("a transaction that was renewed left its shards behind")
	}
}

func TestATransactionSaysThatItHadToWait(t *testing.T) {
	db := openTest(t, 1)
	k := db.Key([]byte("k"))
	tx := db.Lock(k, Moment{})
	if tx.Waited() {
		t.Error("it waited for nobody")
	}
	tx.Unlock()
	deadline := time.Now().Add(10 * time.Second)
	for _, lock := range []func() Tx{
		func() Tx { return db.Lock(k, Moment{}) },
		func() Tx { return db.LockAll([]Key{k}, Moment{}) },
		func() Tx { return db.LockEvery(Moment{}) },
	} {
		for waited := false; !waited; { // the other transaction may come only when the lock is free again
			if time.Now().After(deadline) {
				t.Fatal("no transaction had to wait for the lock within 10s")
			}
			holder, done := db.Lock(k, Moment{}), make(chan bool)
			go func() {
				tx := lock()
				tx.Unlock()
				done <- tx.Waited()
			}()
			time.Sleep(time.Millisecond)
			holder.Unlock()
			waited = <-done
		}
	}
}
