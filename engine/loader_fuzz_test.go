package engine

import (
	"bytes"
	"testing"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
)

// FuzzLoader loads any bytes as the records of a file. Load must accept exactly what Verify accepts. The keys are then
// written as a snapshot and as changes; the next start must accept both and read the same content.
func FuzzLoader(f *testing.F) {
	for _, seed := range loaderSeeds(f) {
		for flags := range byte(8) {
			f.Add(seed, flags)
		}
	}
	f.Fuzz(func(t *testing.T, records []byte, flags byte) {
		replicated, crashed, changed := flags&1 != 0, flags&2 != 0, flags&4 != 0
		db := openForLoad(t, replicated)
		l := Loader{DB: db, Now: at(testWall), Crashed: crashed, Changed: changed, Writers: loaderWriters(db)}
		v := Loader{Writers: []uint32{0, 1, 2}}
		verified, verifyErr := v.Verify(records)
		loaded, loadErr := l.Load(records)
		if (verifyErr == nil) != (loadErr == nil) || verifyErr == nil && verified != loaded {
			t.Fatalf("Verify: %d, %v; Load: %d, %v", verified, verifyErr, loaded, loadErr)
		}
		if !replicated { // a replicated DB also has records that the sweep need not visit
			checkInvariants(t, db)
		}
		var snapshot, changes Batch
		for from, first := uint64(0), true; first || from != 0; first = false {
			from = db.Walk(from, at(testWall), &snapshot, 1<<20)
		}
		for shard := range db.Shards() {
			for db.Take(shard, &changes, 1<<20) {
			}
		}
		again := openForLoad(t, replicated)
		next := Loader{DB: again, Now: at(testWall)}
		for _, w := range db.Writers(0) {
			next.Writers = append(next.Writers, again.Writer(w))
		}
		for _, b := range [][]byte{snapshot.Records, changes.Records} {
			if _, err := next.Load(b); err != nil {
				t.Fatalf("what was stored is refused: %v\n%x", err, b)
			}
		}
		if a, b := visible(db), visible(again); a != b {
			t.Errorf("%q\nand after a restart\n%q", a, b)
		}
	})
}

func openForLoad(t *testing.T, replicated bool) *DB {
	db, err := Open(Options{Shards: 2, Node: 1, Life: 7, HashKey: [2]uint64{5, 7}, Replicated: replicated, Followed: true, MaxBytes: 1 << 24})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// loaderWriters are three writers. The first is the DB's own.
func loaderWriters(db *DB) (writers []uint32) {
	for node, life := range []uint64{7, 8, 9} {
		writers = append(writers, db.Writer(crdt.Writer{Node: uint16(node + 1), Life: life}))
	}
	return writers
}

// visible is what clients see of all keys, without the tokens of quotas: a crash may cost a reserve.
func visible(db *DB) string {
	var text bytes.Buffer
	for cursor, first := uint64(0), true; first || cursor != 0; first = false {
		cursor = db.All(at(testWall)).Scan(cursor, 1000, func(name []byte, v Value) {
			if v.Type == Quota {
				v.Int = 0
			}
			text.Write(name)
			text.WriteByte(0)
			text.WriteString(string(rune('0' + v.Type)))
			text.Write(v.Str)
			text.WriteString(time.UnixMilli(v.Int).UTC().String() + time.UnixMilli(v.Deadline).UTC().String())
			text.WriteByte('\n')
		})
	}
	return text.String()
}

// loaderSeeds are records of each kind of key, as in a snapshot.
func loaderSeeds(f *testing.F) [][]byte {
	var seeds [][]byte
	for _, replicated := range []bool{false, true} {
		db, err := Open(Options{Shards: 1, Node: 1, Life: 7, HashKey: [2]uint64{5, 7}, Replicated: replicated, Followed: true, MaxBytes: 1 << 24})
		if err != nil {
			f.Fatal(err)
		}
		do := func(name string, fn func(tx *Tx, k Key)) {
			k := db.Key([]byte(name))
			tx := db.Lock(k, at(testWall))
			fn(&tx, k)
			tx.Unlock()
		}
		rate := quota.Rate{Capacity: 10, Count: 10, Period: time.Minute}
		do("counter", func(tx *Tx, k Key) { _, _ = tx.Add(k, 5); _, _ = tx.Add(k, -7) })
		do("text", func(tx *Tx, k Key) {
			_ = tx.Set(k, Value{Type: String, Str: []byte("abc"), Deadline: testWall + 5000}, false)
		})
		do("number", func(tx *Tx, k Key) {
			_ = tx.Set(k, Value{Type: Integer, Int: -3}, false)
			tx.SetDeadline(k, testWall+9)
		})
		do("quota", func(tx *Tx, k Key) { _ = tx.SetQuota(k, rate); _, _ = tx.Add(k, 4) })
		do("taken", func(tx *Tx, k Key) { _, _, _ = tx.Throttle(k, rate, 3) })
		do("ended", func(tx *Tx, k Key) { _ = tx.SetQuota(k, rate); tx.DeleteQuota(k); _, _ = tx.Add(k, 1) })
		do("gone", func(tx *Tx, k Key) { _, _ = tx.Add(k, 5); tx.Delete(k) })
		var b Batch
		for from, first := uint64(0), true; first || from != 0; first = false {
			from = db.Walk(from, at(testWall), &b, 1<<20)
		}
		seeds = append(seeds, b.Records)
		_ = db.Close()
	}
	return append(seeds, []byte{tokensRecord, 1, 1, 1, 0}, nil)
}
