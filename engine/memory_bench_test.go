package engine

import (
	"fmt"
	"testing"

	"github.com/quotadb/quota-db/crdt"
)

// BenchmarkMemory makes ten million counters with 20-byte names and the value 70,000 and reports their bytes, index
// included: counted on a node alone, on a node that has peers, on another node, and on three nodes.
func BenchmarkMemory(b *testing.B) {
	const count, value, since = 10_000_000, 70_000, 1_700_000_000_000
	for _, c := range []struct {
		name          string
		peers, own    bool
		others, bound int
	}{
		{"alone", false, true, 0, 38},
		{"counted here, with peers", true, true, 0, 44},
		{"counted elsewhere", true, false, 1, 50},
		{"counted on three nodes", true, true, 2, 72},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				db, err := Open(Options{Shards: 64, Node: 1, HashKey: [2]uint64{3, 4}, Replicated: c.peers, Alone: true})
				if err != nil {
					b.Fatal(err)
				}
				var others []uint32
				for i := range c.others {
					others = append(others, db.Writer(crdt.Writer{Node: uint16(i + 2), Life: 1}))
				}
				var name []byte
				var e crdt.Entry
				for i := range count {
					name = fmt.Appendf(name[:0], "counter:%012d", i)
					k := db.Key(name)
					if c.own {
						tx := db.Lock(k, benchNow)
						_, _ = tx.Add(k, value)
						tx.Unlock()
					}
					for _, w := range others {
						e = crdt.Entry{Since: since, Rows: append(e.Rows[:0], crdt.Row{Writer: w, P: value})}
						db.Merge(k, &e, benchNow, benchNow.Wall)
					}
				}
				b.ReportMetric(float64(db.Used())/count, "bytes/key")
				b.ReportMetric(float64(c.bound), "asked")
				_ = db.Close()
			}
		})
	}
}
