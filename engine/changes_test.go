package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quotadb/quota-db/crdt"
)

// disk is a follower: records in the order in which they were taken.
type disk struct {
	writers []crdt.Writer
	records [][]byte
}

// take takes all that changed.
func (d *disk) take(t *testing.T, db *DB, budget int) {
	t.Helper()
	for shard := range db.Shards() {
		for more := db.Changed(shard); more; {
			var taken []byte
			taken, more, _ = db.Take(shard, nil, budget)
			for len(taken) > 0 {
				var e crdt.Entry
				_, rest, err := crdt.DecodeRecord(taken, &e)
				if err != nil {
					t.Fatal(err)
				}
				d.records = append(d.records, taken[:len(taken)-len(rest)])
				taken = rest
			}
		}
		if db.Changed(shard) {
			t.Fatal("a shard that was taken from has changes")
		}
	}
	if n := db.Backlog(); n != 0 {
		t.Fatalf("%d bytes wait after all was taken", n)
	}
	d.writers = append(d.writers, db.Writers(len(d.writers))...)
}

// restore makes a DB of a new life from the records.
func (d *disk) restore(t *testing.T, life uint64, random *rand.Rand, now Moment) *DB {
	t.Helper()
	db, err := Open(Options{Shards: 1 + random.IntN(5), Node: 1, Life: life, HashKey: [2]uint64{random.Uint64(), 2}, Followed: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	index := make([]uint32, len(d.writers))
	for i, w := range d.writers {
		index[i] = db.Writer(w)
	}
	for _, record := range d.records {
		var e crdt.Entry
		name, _, err := crdt.DecodeRecord(record, &e)
		if err != nil {
			t.Fatal(err)
		}
		for j := range e.Rows {
			e.Rows[j].Writer = index[e.Rows[j].Writer]
		}
		db.Restore(db.Key(name), &e, now)
	}
	return db
}

// TestWhatTheDiskHasIsWhatWasThere runs random histories over several lives. Between two lives the DB is made anew from all that
// its follower has taken, and must show the same; numbers of earlier lives may meet deletes and expiries of later ones.
func TestWhatTheDiskHasIsWhatWasThere(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for run := range 60 {
		random := rand.New(rand.NewPCG(seed, uint64(run)))
		now := at(testWall)
		var d disk
		db := d.restore(t, 1, random, now)
		for life := range 5 {
			now = churn(t, db, &d, random, now)
			d.take(t, db, 1+random.IntN(50))
			d.writers = append([]crdt.Writer(nil), db.Writers(0)...)
			d.records = renumber(t, d.records, nil)
			next := (&disk{d.writers, d.records}).restore(t, uint64(life+2), random, now)
			if got, want := dump(next, now), dump(db, now); got != want {
				t.Fatalf("run %d, life %d:\ngot  %s\nwant %s", run, life, got, want)
			}
			// The next life writes to a log of its own, with its own numbers.
			records := d.records
			old := d.writers
			d = disk{writers: next.Writers(0)}
			index := make([]uint32, len(old))
			for i, w := range old {
				index[i] = next.Writer(w)
			}
			d.writers = next.Writers(0)
			d.records = renumber(t, records, index)
			db = next
		}
	}
}

// renumber gives records the writers' numbers of another stream; nil leaves them.
func renumber(t *testing.T, records [][]byte, index []uint32) [][]byte {
	t.Helper()
	if index == nil {
		return records
	}
	var out [][]byte
	for _, record := range records {
		var e crdt.Entry
		name, _, err := crdt.DecodeRecord(record, &e)
		if err != nil {
			t.Fatal(err)
		}
		for j := range e.Rows {
			e.Rows[j].Writer = index[e.Rows[j].Writer]
		}
		out = append(out, crdt.AppendRecord(nil, name, &e))
	}
	return out
}

// churn changes few keys at random, while the follower takes now and then, and returns the time at its end.
func churn(t *testing.T, db *DB, d *disk, random *rand.Rand, now Moment) Moment {
	t.Helper()
	for range random.IntN(300) {
		k := db.Key([]byte(fmt.Sprint("k", random.IntN(6))))
		tx := db.Lock(k, now)
		switch random.IntN(14) {
		case 0, 1, 2, 3:
			_, _ = tx.Add(k, int64(random.IntN(10)))
		case 4:
			_, _ = tx.Add(k, -int64(random.IntN(10)))
		case 5:
			tx.Set(k, Value{Kind: Integer, Int: int64(random.IntN(1000))}, random.IntN(2) == 0)
		case 6:
			tx.Set(k, Value{Kind: Integer, Int: 7, Deadline: now.Wall + 1 + int64(random.IntN(2000))}, false)
		case 7:
			tx.Set(k, Value{Kind: String, Str: []byte(fmt.Sprint("text", random.IntN(100)))}, random.IntN(2) == 0)
		case 8, 9:
			tx.Delete(k)
		case 10:
			tx.SetDeadline(k, now.Wall+1+int64(random.IntN(2000)))
		case 11:
			tx.SetDeadline(k, 0)
		case 12:
			tx.Unlock()
			if db.Sweep(now, 1+random.IntN(10)); random.IntN(40) == 0 {
				db.All(now).Flush()
				*d = disk{writers: d.writers} // the follower begins anew
			}
			tx = db.Lock(k, now)
		case 13:
			tx.Unlock()
			d.take(t, db, 1+random.IntN(5))
			tx = db.Lock(k, now)
		}
		tx.Unlock()
		if random.IntN(5) == 0 {
			now = at(now.Wall + int64(random.IntN(1000)))
		}
	}
	return now
}

// dump is all that is visible.
func dump(db *DB, now Moment) string {
	text := ""
	for i := range 6 {
		k := db.Key([]byte(fmt.Sprint("k", i)))
		tx := db.Lock(k, now)
		v := tx.Get(k)
		text += fmt.Sprintf("%s=%d %d %q %d; ", k.Name, v.Kind, v.Int, v.Str, v.Deadline)
		tx.Unlock()
	}
	return text
}
