package engine

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
)

// disk is a follower; it keeps what it has taken, in order.
type disk struct {
	batch   Batch
	flushes uint64
	writers []crdt.Writer
	peers   bool // the DBs have peers, to whom nothing is sent
}

// take takes all changes as one group.
func (d *disk) take(t *testing.T, db *DB, budget int) {
	t.Helper()
	for shard := range db.Shards() {
		for more := db.HasUnwritten(shard); more; {
			at := len(d.batch.Records)
			more = db.Take(shard, &d.batch, budget)
			d.took(at)
		}
	}
	at := len(d.batch.Records)
	db.TakeJoined(&d.batch, func(*Batch) {
		d.took(at)
		at = len(d.batch.Records)
	})
	for shard := range db.Shards() {
		if db.HasUnwritten(shard) {
			t.Fatal("a shard that was taken from has changes")
		}
	}
	if n := db.Backlog(); n != 0 {
		t.Fatalf("%d bytes wait after all was taken", n)
	}
}

// took forgets everything before at if all keys were flushed since.
func (d *disk) took(at int) {
	if d.batch.Flushes != d.flushes {
		d.flushes = d.batch.Flushes
		d.batch.Records = append(d.batch.Records[:0], d.batch.Records[at:]...)
	}
}

// restore makes a DB of a new life from what the follower has taken, loading it in parts. The caller closes it.
func (d *disk) restore(t *testing.T, life uint64, random *rand.Rand, now Moment, crashed bool) *DB {
	t.Helper()
	db, err := Open(Options{Shards: 1 + random.IntN(5), Node: 1, Life: life, HashKey: [2]uint64{random.Uint64(), 2}, Followed: true, Replicated: d.peers, MaxBytes: 1 << 24})
	if err != nil {
		t.Fatal(err)
	}
	d.load(t, db, random, now, crashed)
	return db
}

// load loads what the follower has taken into a DB, in parts.
func (d *disk) load(t *testing.T, db *DB, random *rand.Rand, now Moment, crashed bool) {
	t.Helper()
	index := make([]uint32, len(d.writers))
	for i, w := range d.writers {
		index[i] = db.Writer(w)
	}
	parts := 1 + random.Uint64N(3)
	for part := range parts {
		l := Loader{DB: db, Now: now, Age: now.Mono, Writers: index, Crashed: crashed, Part: part, Parts: parts}
		if _, err := l.Load(d.batch.Records); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshot is a disk that holds a walk over a DB.
func snapshot(db *DB, now Moment, random *rand.Rand) *disk {
	d := &disk{writers: db.Writers(0), peers: db.replicated}
	for from := db.Walk(0, now, &d.batch, 1+random.IntN(200)); from != 0; {
		from = db.Walk(from, now, &d.batch, 1+random.IntN(200))
	}
	return d
}

// TestWhatTheDiskHasIsWhatWasThere runs random histories over several lives, with peers and without. Between two lives
// the DB is made again from what its follower has taken, and must show the same content. Deletes and expiries of later
// lives may meet numbers of earlier ones. A walk, together with what the follower takes from then on, must be as good.
func TestWhatTheDiskHasIsWhatWasThere(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for run := range 60 {
		random := rand.New(rand.NewPCG(seed, uint64(run)))
		now := at(testWall)
		d := &disk{peers: run%2 > 0}
		db := d.restore(t, 1, random, now, false)
		for life := range 5 {
			if now = churn(t, db, d, random, now); random.IntN(2) == 0 {
				d.take(t, db, 1+random.IntN(50))
				d = snapshot(db, now, random)
				d.flushes = db.flushes
				now = churn(t, db, d, random, now)
			}
			d.take(t, db, 1+random.IntN(50))
			d.writers = db.Writers(0)
			next := d.restore(t, uint64(life+2), random, now, false)
			if got, want := dump(next, now), dump(db, now); got != want {
				t.Fatalf("run %d, life %d:\ngot  %s\nwant %s", run, life, got, want)
			}
			if got, want := next.Digest(now), db.Digest(now); d.peers && got != want {
				t.Fatalf("run %d, life %d: the digest is %x, not %x, of %s", run, life, got, want, dump(db, now))
			}
			d = snapshot(next, now, random) // the next life writes to a log of its own, with its own numbers
			_ = db.Close()
			db = next
		}
		_ = db.Close()
	}
}

// TestTwoLogsLoadAsOne runs random histories of a life that is killed. The next life writes a log of its own, behind
// the first one. Both logs together must load as the first one alone does, then and later, and also if the second life
// is killed too.
func TestTwoLogsLoadAsOne(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for run := range 200 {
		random := rand.New(rand.NewPCG(seed, uint64(run)))
		first := &disk{peers: run%2 > 0}
		db := first.restore(t, 1, random, at(testWall), false)
		now := churn(t, db, first, random, at(testWall))
		first.take(t, db, 1+random.IntN(50))
		first.writers = db.Writers(0)
		_ = db.Close()
		if random.IntN(2) == 0 {
			now = at(now.Wall + int64(random.IntN(2000)))
		}

		killed := first.restore(t, 2, random, now, true)
		second := &disk{peers: first.peers}
		second.take(t, killed, 1+random.IntN(50))
		second.writers = killed.Writers(0)
		again := first.restore(t, 3, random, now, random.IntN(2) == 0)
		second.load(t, again, random, now, random.IntN(2) == 0)
		for _, later := range []int64{0, 5000} {
			moment := at(now.Wall + later)
			if got, want := kinds(again, moment), kinds(killed, moment); got != want {
				t.Fatalf("run %d, %d ms later:\ngot  %s\nwant %s", run, later, got, want)
			}
		}
		_ = killed.Close()
		_ = again.Close()
	}
}

// kinds is dump without the remaining tokens of quotas: a crash costs their reserves.
func kinds(db *DB, now Moment) string {
	return regexp.MustCompile(fmt.Sprintf(`=%d -?\d+`, Quota)).ReplaceAllString(dump(db, now), "=a quota")
}

// churn changes a few keys at random, while the follower takes now and then. It returns the time at its end.
func churn(t *testing.T, db *DB, d *disk, random *rand.Rand, now Moment) Moment {
	t.Helper()
	for range random.IntN(300) {
		k := db.Key([]byte(fmt.Sprint("k", random.IntN(6))))
		tx := db.Lock(k, now)
		switch random.IntN(16) {
		case 0, 1, 2, 3:
			_, _ = tx.Add(k, int64(random.IntN(10)))
		case 4:
			_, _ = tx.Add(k, -int64(random.IntN(10)))
		case 5:
			tx.Set(k, Value{Type: Integer, Int: int64(random.IntN(1000))}, random.IntN(2) == 0)
		case 6:
			tx.Set(k, Value{Type: Integer, Int: 7, Deadline: now.Wall + 1 + int64(random.IntN(2000))}, false)
		case 7:
			tx.Set(k, Value{Type: String, Str: []byte(fmt.Sprint("text", random.IntN(100)))}, random.IntN(2) == 0)
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
			}
			tx = db.Lock(k, now)
		case 13:
			tx.Unlock()
			d.take(t, db, 1+random.IntN(5))
			tx = db.Lock(k, now)
		case 14:
			if random.IntN(3) > 0 {
				_ = tx.SetQuota(k, quota.Rate{Capacity: 5, Count: 5, Period: time.Second})
			} else {
				tx.DeleteQuota(k)
			}
		case 15:
			_, _, _ = tx.Throttle(k, quota.Rate{Capacity: 3, Count: 3, Period: time.Second}, 1)
		}
		tx.Unlock()
		if random.IntN(5) == 0 {
			now = at(now.Wall + int64(random.IntN(1000)))
		}
	}
	return now
}

// dump is all visible content.
func dump(db *DB, now Moment) string {
	text := ""
	for i := range 6 {
		k := db.Key([]byte(fmt.Sprint("k", i)))
		tx := db.Lock(k, now)
		v := tx.Get(k)
		text += fmt.Sprintf("%s=%d %d %q %d; ", k.Name, v.Type, v.Int, v.Str, v.Deadline)
		tx.Unlock()
	}
	return text
}
