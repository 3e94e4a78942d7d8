package engine

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestRandomKeyGivesEachKeyAboutAsOftenAsAnyOther: with few keys and with many, also while tables are replaced and
// beside many deleted keys.
func TestRandomKeyGivesEachKeyAboutAsOftenAsAnyOther(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for _, c := range []struct{ keys, gone, shards int }{{2, 0, 64}, {200, 0, 64}, {200, 0, 1}, {500, 0, 3}, {200, 1000, 4}} {
		db, err := Open(Options{Shards: c.shards, Node: 1, HashKey: [2]uint64{seed, 2}, Replicated: true, MaxBytes: 1 << 26})
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.keys + c.gone {
			countOn(t, db, i)
		}
		for i := range c.gone {
			k := keyOf(db, c.keys+i)
			tx := db.Lock(k, Moment{Wall: 1000})
			tx.Delete(k)
			tx.Unlock()
		}
		const mean = 100
		times := map[string]int{}
		for range c.keys * mean {
			name, ok := db.All(Moment{Wall: 1000}).RandomKey(nil, random.Uint64)
			if !ok {
				t.Fatal("no key")
			}
			times[string(name)]++
		}
		least, most := c.keys*mean, 0
		for i := range c.keys {
			n := times[string(keyOf(db, i).Name)]
			least, most = min(least, n), max(most, n)
		}
		if least < mean*4/10 || most > mean*19/10 { // six standard deviations
			t.Errorf("%+v: from %d to %d times", c, least, most)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRandomKeyAndDbsizeSeeAKeyThatIsRenamed: at every moment there is one key, under one of several names.
func TestRandomKeyAndDbsizeSeeAKeyThatIsRenamed(t *testing.T) {
	const names = 64
	db, err := Open(Options{Shards: 16, Node: 1, HashKey: [2]uint64{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	countOn(t, db, 0)
	stop := make(chan bool)
	var renames sync.WaitGroup
	renames.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			keys := []Key{keyOf(db, i%names), keyOf(db, (i+1)%names)}
			tx := db.LockAll(keys, Moment{Wall: 1000})
			if err := tx.Set(keys[1], tx.Get(keys[0]), false); err != nil {
				t.Error(err)
			}
			tx.Delete(keys[0])
			tx.Unlock()
		}
	})
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 10_000 {
		if _, ok := db.All(Moment{Wall: 1000}).RandomKey(nil, random.Uint64); !ok {
			t.Errorf("call %d: there is no key", i)
			break
		}
		if n := db.Len(Moment{Wall: 1000}); n != 1 {
			t.Errorf("call %d: there are %d keys", i, n)
			break
		}
	}
	close(stop)
	renames.Wait()
	if got := db.All(Moment{Wall: 1000}).Len(); got != 1 {
		t.Errorf("%d keys", got)
	}
}
