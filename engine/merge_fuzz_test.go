package engine

import (
	"cmp"
	"slices"
	"testing"

	"github.com/quotadb/quota-db/crdt"
)

// FuzzMerge merges any states of a key into a DB and into an entry, and counts between the merges. Both must come to
// the same, must say the same of each merge, the DB's sums must be those of its keys, and a key without content must be
// gone.
func FuzzMerge(f *testing.F) {
	const rise = "\x02\x00\x01\x01\x00\x01" // one row of writer 1: P 1
	// A deleted key with one row of writer 2, P 6, N 3 and floors 5 and 3; then its floors are 6 and 3.
	const emptied = "\x01\x22\x00\x01\x01\x06\x07\x01\x03\x01\x05\x01\x03" + "\x01\x22\x00\x01\x01\x06\x07\x01\x03\x01\x06\x01\x03"
	for _, seed := range []string{
		emptied, rise, rise + "\x02\x00\x01\x02\x00\x01", "\x03\x00\x01\x05\x00\x00\x01\x07\x00\x01\x02\xff\xff",
		"\x02\x21\x02\x01\x01\x01\x09\x03\x01\x02\x01\x01\x00\x01\x10",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		db, err := Open(Options{Shards: 1, Node: 1, Life: 7, HashKey: [2]uint64{5, 7}, Replicated: true, Followed: true, MaxBytes: 1 << 24})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		writers := []uint32{primary}
		for node := range uint16(5) {
			writers = append(writers, db.Writer(crdt.Writer{Node: node + 2, Life: 1}))
		}
		now, horizon := at(testWall), int64(1<<40)
		db.RefreshDigests(now) // from here on, the sums are kept by differences
		k := db.Key([]byte("k"))
		var twin crdt.Entry
		for r := (&entryReader{text}); len(r.rest) > 0; {
			if count := r.byte(); count&15 == 0 {
				addAndCheck(t, db, k, now, int64(count)-128)
				twin = storedEntry(db, k)
				continue
			}
			e := r.delta(writers)
			m, _ := db.Merge(k, copyEntry(&e), now, horizon)
			want := twin.Merge(copyEntry(&e), now.Wall, horizon)
			if got := storedEntry(db, k); m != want || !isNothing(&twin) && sortedRows(&got) != sortedRows(&twin) {
				t.Fatalf("after a merge of %+v: %+v %+v, not %+v %+v", e, m, got, want, twin)
			}
			checkGone(t, db, k, now)
			if isNothing(&twin) {
				twin = crdt.Entry{} // since alone is not stored
			}
		}
		checkLeaf(t, db, k, now)
	})
}

// delta is a state of a key as a peer may send it: rows of some writers, and registers, often those of before.
func (r *entryReader) delta(writers []uint32) (e crdt.Entry) {
	parts := r.byte()
	if parts&1 != 0 {
		e.Since = int64(r.byte())
	}
	if parts&2 != 0 {
		e.Base = crdt.Base{Kind: crdt.Kind(r.byte() % 3), Stamp: crdt.Stamp{Time: uint64(r.byte()%4+1) << 16, Node: 2}}
		switch e.Base.Kind {
		case crdt.Integer:
			e.Base.Int = int64(e.Base.Stamp.Time)
		case crdt.Bytes:
			e.Base.Bytes = []byte("text")
		}
	}
	if parts&4 != 0 {
		e.Deadline = crdt.Deadline{Stamp: crdt.Stamp{Time: uint64(r.byte()%4+1) << 16, Node: 2}}
		e.Deadline.At = testWall - 1 + int64(e.Deadline.Stamp.Time>>15)%4
	}
	for i, w := range writers {
		if parts>>(3+i%4)&1 != 0 && len(r.rest) > 0 {
			e.Rows = append(e.Rows, r.row(w))
		}
	}
	if parts&128 != 0 {
		slices.Reverse(e.Rows)
	}
	return e
}

func addAndCheck(t *testing.T, db *DB, k Key, now Moment, delta int64) {
	t.Helper()
	tx := db.Lock(k, now)
	defer tx.Unlock()
	before := tx.Get(k)
	if got, err := tx.Add(k, delta); err == nil && before.Type == Integer {
		e := crdt.Entry{Base: crdt.Base{Kind: crdt.Integer, Int: before.Int}, Rows: []crdt.Row{{}}}
		if e.Rows[0].Add(delta); got != e.Int() && before.Int > -small && before.Int < small {
			t.Fatalf("%d and %d is %d", before.Int, delta, got)
		}
	}
}

// checkGone checks that a key reads as absent exactly if it has no content, or is past its deadline.
func checkGone(t *testing.T, db *DB, k Key, now Moment) {
	t.Helper()
	_, rec, _ := db.shard(k.Hash).find(k)
	if rec == nil {
		return
	}
	if e := storedEntry(db, k); rec.isGone() != (!e.Exists() || e.Expired(now.Wall)) {
		t.Fatalf("gone is %v: %+v", rec.isGone(), e)
	}
}

func storedEntry(db *DB, k Key) (e crdt.Entry) {
	if _, rec, _ := db.shard(k.Hash).find(k); rec != nil {
		rec.unpack(&e)
		e.Base.Bytes = slices.Clone(e.Base.Bytes)
	}
	return e
}

func copyEntry(e *crdt.Entry) *crdt.Entry {
	c := *e
	c.Rows, c.Base.Bytes = slices.Clone(e.Rows), slices.Clone(e.Base.Bytes)
	return &c
}

// sortedRows is the text of an entry, for comparing. Rows that say nothing are left out.
func sortedRows(e *crdt.Entry) string {
	c := copyEntry(e)
	c.Rows = slices.DeleteFunc(c.Rows, func(r crdt.Row) bool { return r.P|r.N == 0 })
	slices.SortFunc(c.Rows, func(a, b crdt.Row) int { return cmp.Compare(a.Writer, b.Writer) })
	return describe(c)
}

// checkLeaf compares the kept sum of one key's leaf with the key's digest. There are no other keys.
func checkLeaf(t *testing.T, db *DB, k Key, now Moment) {
	t.Helper()
	db.RefreshDigests(now)
	leaf, want := Leaf(k.Hash), uint64(0)
	db.LeafKeys(leaf, now, func(_, digest uint64) { want += digest })
	if got := db.Sums(Levels-1, leaf/Fanout)[leaf%Fanout]; got != want || db.Digest(now) != want {
		t.Fatalf("the kept sum is %x, of all leaves %x; the key's digest is %x", got, db.Digest(now), want)
	}
}
