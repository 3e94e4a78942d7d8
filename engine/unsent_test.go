package engine

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/quotadb/quota-db/crdt"
)

func TestATakeOfLongValuesEndsAtItsBudget(t *testing.T) {
	const keys, length = 200, 256 << 10
	db := newCluster(t, 1, 1).dbs[0]
	now := Moment{Wall: 1_700_000_000_000, Mono: 1}
	for i := range keys {
		k := db.Key(fmt.Append(nil, "key", i))
		tx := db.Lock(k, now)
		tx.Set(k, Value{Type: String, Str: bytes.Repeat([]byte{byte(i)}, length)}, false)
		tx.Unlock()
	}
	taken := map[uint64]int{}
	for shard := range db.Shards() {
		for more := true; more; {
			var d Deltas
			more = db.TakeUnsent(shard, &d)
			if len(d.Records) > takeBytes+length+100 {
				t.Fatalf("%d bytes in one take", len(d.Records))
			}
			for _, hash := range d.Hashes {
				taken[hash]++
			}
		}
	}
	if len(taken) != keys {
		t.Errorf("%d of %d keys were taken", len(taken), keys)
	}
	for hash, n := range taken {
		if n != 1 {
			t.Errorf("key %x was taken %d times", hash, n)
		}
	}
}

// TestAKeyThatIsFullOfRowsRefusesToCount: an entry with more rows than a record may have could be neither sent nor
// written.
func TestAKeyThatIsFullOfRowsRefusesToCount(t *testing.T) {
	db := newCluster(t, 1, 1).dbs[0]
	now := Moment{Wall: 1_700_000_000_000, Mono: 1}
	k := db.Key([]byte("key"))
	var e crdt.Entry
	for i := range crdt.MaxRows {
		e.Rows = append(e.Rows, crdt.Row{Writer: db.Writer(crdt.Writer{Node: 9, Life: uint64(i + 1)}), P: 1})
	}
	db.Merge(k, &e, now, now.Wall)
	tx := db.Lock(k, now)
	_, err := tx.Add(k, 1)
	got := tx.Get(k).Int
	tx.Unlock()
	if !errors.Is(err, ErrOverflow) || got != crdt.MaxRows {
		t.Errorf("%v, and the value is %d", err, got)
	}
	var d Deltas
	db.AppendState(&d, k.Hash, true)
	if _, _, err := crdt.DecodeRecord(d.Records, &e); err != nil {
		t.Error(err)
	}
}
