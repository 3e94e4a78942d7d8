package engine

import (
	"math"
	"testing"

	"github.com/quotadb/quota-db/crdt"
)

// TestADeltaThatOnlyRaisesKnownRowsIsMergedInPlace says which deltas need no unpacking. That both ways come to the same
// is FuzzMerge's.
func TestADeltaThatOnlyRaisesKnownRowsIsMergedInPlace(t *testing.T) {
	base := crdt.Base{Kind: crdt.Integer, Int: 5, Stamp: crdt.Stamp{Time: 1 << 20, Node: 3}}
	deadline := crdt.Deadline{At: testWall + 1000, Stamp: crdt.Stamp{Time: 1 << 21, Node: 3}}
	rows := func(n ...uint64) (rows []crdt.Row) {
		for i, p := range n {
			rows = append(rows, crdt.Row{Writer: uint32(i + 1), P: p})
		}
		return rows
	}
	for _, c := range []struct {
		name          string
		before, delta crdt.Entry
		want          bool
	}{
		{"a count rises", crdt.Entry{Rows: rows(5)}, crdt.Entry{Rows: rows(200)}, true},
		{"one of three counts rises", crdt.Entry{Rows: rows(5, 6, 7)}, crdt.Entry{Rows: rows(0, 99)}, true},
		{"nothing rises", crdt.Entry{Rows: rows(5, 6)}, crdt.Entry{Rows: rows(5, 4)}, true},
		{"a count beside a SET and a TTL", crdt.Entry{Rows: rows(5), Base: base, Deadline: deadline}, crdt.Entry{Rows: rows(6), Base: base, Deadline: deadline}, true},
		{"a count down", crdt.Entry{Rows: []crdt.Row{{Writer: 1, P: 5, N: 1}}}, crdt.Entry{Rows: []crdt.Row{{Writer: 1, P: 5, N: 9}}}, true},
		{"a count that needs another byte", crdt.Entry{Rows: rows(5)}, crdt.Entry{Rows: rows(256)}, false},
		{"the first count down", crdt.Entry{Rows: rows(5)}, crdt.Entry{Rows: []crdt.Row{{Writer: 1, P: 5, N: 1}}}, false},
		{"a floor", crdt.Entry{Rows: []crdt.Row{{Writer: 1, P: 6, N: 3}}}, crdt.Entry{Rows: []crdt.Row{{Writer: 1, P: 6, N: 3, FP: 5, FN: 3}}}, false},
		{"a floor that has its form", crdt.Entry{Rows: []crdt.Row{{Writer: 1, P: 6, N: 3, FP: 4, FN: 3}}}, crdt.Entry{Rows: []crdt.Row{{Writer: 1, P: 6, N: 3, FP: 5, FN: 3}}}, true},
		{"a floor that leaves nothing above it", crdt.Entry{Rows: []crdt.Row{{Writer: 1, P: 6, N: 3, FP: 5, FN: 3}}}, crdt.Entry{Rows: []crdt.Row{{Writer: 1, P: 6, N: 3, FP: 6, FN: 3}}}, false},
		{"a row that is new", crdt.Entry{Rows: rows(5)}, crdt.Entry{Rows: rows(5, 1)}, false},
		{"a SET that is new", crdt.Entry{Rows: rows(5)}, crdt.Entry{Rows: rows(6), Base: base}, false},
		{"a TTL that was taken away", crdt.Entry{Rows: rows(5), Deadline: deadline}, crdt.Entry{Rows: rows(6)}, false},
	} {
		db := newCluster(t, 1, 1).dbs[0]
		for i := range 3 {
			db.Writer(crdt.Writer{Node: uint16(i + 2), Life: 1})
		}
		k, now := db.Key([]byte("k")), at(testWall)
		db.Merge(k, &c.before, now, math.MaxInt64)
		_, rec, _ := db.shard(k.Hash).find(k)
		if _, got := db.shard(k.Hash).mergeInPlace(rec, k.Hash, &c.delta, now, math.MaxInt64); got != c.want {
			t.Errorf("%s: in place %v", c.name, got)
		}
	}
}

// TestAKeyWhoseLastContentIsBelowARaisedFloorReadsAsAbsent: the delta brings no register, only a floor that has risen.
func TestAKeyWhoseLastContentIsBelowARaisedFloorReadsAsAbsent(t *testing.T) {
	db := newCluster(t, 1, 1).dbs[0]
	writer := db.Writer(crdt.Writer{Node: 3, Life: 1})
	k, now := db.Key([]byte("k")), at(testWall)
	deleted := crdt.Base{Stamp: crdt.Stamp{Time: 5 << 16, Node: 2}}
	for _, floor := range []uint64{5, 6} {
		e := crdt.Entry{Base: deleted, Rows: []crdt.Row{{Writer: writer, P: 6, N: 3, FP: floor, FN: 3}}}
		db.Merge(k, &e, now, math.MaxInt64)
		tx := db.Lock(k, now)
		v := tx.Get(k)
		tx.Unlock()
		if exists := v.Type != 0; exists != (floor == 5) {
			t.Errorf("floor %d of 6: %+v", floor, v)
		}
		checkGone(t, db, k, now)
	}
	if all := db.All(now); all.Absent() != 1 {
		t.Errorf("%d keys are absent", all.Absent())
	}
}
