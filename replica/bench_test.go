package replica

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
)

// BenchmarkHear is what a delta costs a durable node that hears 200,000 of them a second: merging, taking for the disk
// every 2,000 deltas, and bringing the sums up to date every two million. Without the socket and without writing.
func BenchmarkHear(b *testing.B) {
	const round, interval = 2000, 2_000_000
	for _, keys := range []int{10_000, 1_000_000, 10_000_000} {
		b.Run(fmt.Sprint("keys=", keys), func(b *testing.B) {
			db, err := engine.Open(engine.Options{Shards: 64, Node: 1, Life: 1, HashKey: [2]uint64{1, 2}, Followed: true, Replicated: true})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			now := engine.Moment{Wall: 1_700_000_000_000, Mono: 1}
			m := New(Options{Node: 1, Run: 1, Life: 1, DB: db, Interval: 1e10})
			s := &Session{machine: m, peer: &peer{node: 2}}
			s.writers = []uint32{db.Writer(crdt.Writer{Node: 2, Life: 2})}
			var batch engine.Batch
			var records []byte
			e := crdt.Entry{Since: now.Wall, Rows: make([]crdt.Row, 1)}
			hear := func(count int, key func(i int) int, value uint64) {
				records = records[:0]
				for i := range count {
					e.Rows[0] = crdt.Row{P: value}
					records = crdt.AppendRecord(records, fmt.Appendf(nil, "counter:%012d", key(i)), &e)
				}
				b.StartTimer()
				if n, _, err := s.merge(records, now, nil); err != nil || n != count {
					b.Fatal(n, err)
				}
				for shard := range db.Shards() {
					for more := db.HasUnwritten(shard); more; batch.Reset() {
						more = db.Take(shard, &batch, 4096)
					}
				}
				b.StopTimer()
			}
			b.StopTimer()
			for first := 0; first < keys; first += round {
				hear(round, func(i int) int { return first + i }, 70_000)
			}
			db.RefreshDigests(now)
			b.ResetTimer()
			random := rand.New(rand.NewPCG(1, 2))
			for done := 0; done < b.N; done += round {
				hear(min(round, b.N-done), func(int) int { return random.IntN(keys) }, 70_001+uint64(done))
				if done%interval == interval-round {
					b.StartTimer()
					db.RefreshDigests(now)
					b.StopTimer()
				}
			}
		})
	}
}
