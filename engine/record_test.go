package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quotadb/quota-db/crdt"
)

// TestARecordHoldsAnyKeyAndAnyParts: unpack reads what pack has written, the key too: for each key length at which the
// layout changes, with each part alone and with all parts.
func TestARecordHoldsAnyKeyAndAnyParts(t *testing.T) {
	parts := []func(*crdt.Entry){
		func(e *crdt.Entry) { e.Rows = append(e.Rows, crdt.Row{Writer: primary, P: 9}) },
		func(e *crdt.Entry) {
			e.Base = crdt.Base{Kind: crdt.Bytes, Bytes: []byte("value"), Stamp: crdt.Stamp{Time: 5, Node: 6}}
		},
		func(e *crdt.Entry) { e.Deadline = crdt.Deadline{At: 7, Stamp: crdt.Stamp{Time: 8, Node: 9}} },
		func(e *crdt.Entry) {
			e.Quota = crdt.Quota{Capacity: 1, Count: 2, Period: 3, Stamp: crdt.Stamp{Time: 4, Node: 5}}
		},
		func(e *crdt.Entry) { e.Since = 77 },
		func(e *crdt.Entry) { e.Rows = append(e.Rows, crdt.Row{Writer: 3, P: 5, N: 4, FP: 3, FN: 2}) },
	}
	const since = 1 << 4 // an entry with nothing else is never stored
	for _, length := range []int{0, 1, 3, 4, 5, longKey - 9, longKey - 1, longKey, longKey + 1, longKey + 8, MaxKeyBytes} {
		key := []byte(strings.Repeat("k", length))
		for chosen := 1; chosen < 1<<len(parts); chosen++ {
			if chosen == since {
				continue
			}
			var e, got crdt.Entry
			for i, add := range parts {
				if chosen>>i&1 == 1 {
					add(&e)
				}
			}
			h, size := layout(key, &e)
			rec := record(slices.Repeat([]byte{0xaa}, size+tailBytes))
			rec.pack(h|unsent, key, &e)
			if h&plain == 0 { // a plain record is never gone
				rec.set(gone)
			}
			rec.unpack(&got)
			if rec.size() != size || string(rec.key()) != string(key) || rec.isGone() != (h&plain == 0) || rec.header()&unsent == 0 || describe(&e) != describe(&got) {
				t.Fatalf("a key of %d bytes: size %d, not %d; %v, not %v", length, rec.size(), size, describe(&got), describe(&e))
			}
			if rec.markDead(size); !rec.isDead() || rec.size() != size {
				t.Fatalf("a key of %d bytes: the dead record has %d bytes, not %d", length, rec.size(), size)
			}
		}
	}
}

func describe(e *crdt.Entry) string { return fmt.Sprintf("%+v", *e) }
