package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// benchNow is the time of all transactions in benchmarks.
var benchNow = at(1_700_000_000_000)

// filled is a DB with count counters, and their 20-byte names in one block.
func filled(b *testing.B, count int) (*DB, []byte) {
	b.Helper()
	db, err := Open(Options{Shards: 64, Node: 1, HashKey: [2]uint64{3, 4}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	names := make([]byte, 0, 20*count)
	for i := range count {
		names = fmt.Appendf(names, "counter:%012d", i)
		k := db.Key(names[20*i:])
		tx := db.Lock(k, benchNow)
		if _, err := tx.Add(k, 70_000); err != nil {
			b.Fatal(err)
		}
		tx.Unlock()
	}
	return db, names
}

// BenchmarkAddBatch increments random counters in batches of 16, as a pipelining client does, with and without warming
// the cache for the batch. The difference is what overlapping the cache misses saves.
func BenchmarkAddBatch(b *testing.B) {
	for _, count := range []int{10_000, 1_000_000} {
		for _, warm := range []bool{false, true} {
			b.Run(fmt.Sprintf("keys=%d/warm=%v", count, warm), func(b *testing.B) {
				db, names := filled(b, count)
				random := rand.New(rand.NewPCG(1, 2))
				keys := make([]Key, 16)
				name := make([]byte, 20*16)
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					if i := n % 16; i != 0 {
						continue
					}
					for i := range keys {
						own := name[20*i : 20*i+20]
						copy(own, names[20*random.IntN(count):])
						keys[i] = db.Key(own)
					}
					if warm {
						db.Warm(keys)
					}
					for _, k := range keys {
						tx := db.Lock(k, benchNow)
						if _, err := tx.Add(k, 1); err != nil {
							b.Fatal(err)
						}
						tx.Unlock()
					}
				}
			})
		}
	}
}

// BenchmarkGet reads counters in order, one transaction each.
func BenchmarkGet(b *testing.B) {
	const count = 10_000
	db, names := filled(b, count)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		k := db.Key(names[20*(n%count):][:20])
		tx := db.Lock(k, benchNow)
		if tx.Get(k).Type != Integer {
			b.Fatal("a counter is gone")
		}
		tx.Unlock()
	}
}

// BenchmarkInsert makes new counters, so that the index grows all the time. It reports the memory per counter.
func BenchmarkInsert(b *testing.B) {
	db, _ := filled(b, 0)
	var name []byte
	b.ReportAllocs()
	n := 0
	for ; b.Loop(); n++ {
		name = fmt.Appendf(name[:0], "counter:%012d", n)
		k := db.Key(name)
		tx := db.Lock(k, benchNow)
		if _, err := tx.Add(k, 1); err != nil {
			b.Fatal(err)
		}
		tx.Unlock()
	}
	b.ReportMetric(float64(db.Used())/float64(n), "bytes/key")
}

// BenchmarkSetExpiring sets keys with a deadline one second ahead while the clock goes on and the sweep follows, as a
// limiter built on SET EX or INCR and EXPIRE does.
func BenchmarkSetExpiring(b *testing.B) {
	db, _ := filled(b, 0)
	var name []byte
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		now := at(benchNow.Wall + int64(n/1000))
		name = fmt.Appendf(name[:0], "window:%012d", n)
		k := db.Key(name)
		tx := db.Lock(k, now)
		tx.Set(k, Value{Type: Integer, Int: 1, Deadline: now.Wall + 1000}, false)
		tx.Unlock()
		if n%100_000 == 0 {
			db.Sweep(now, 1<<20)
		}
	}
}

// BenchmarkTake measures what one changed key costs the follower, with 64 increments for each Take on a million keys.
func BenchmarkTake(b *testing.B) {
	const keys = 1_000_000
	db, err := Open(Options{Shards: 64, Node: 1, HashKey: [2]uint64{1, 2}, Followed: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	names := make([]Key, keys)
	for i := range names {
		names[i] = db.Key([]byte(fmt.Sprintf("counter:%012d", i)))
		tx := db.Lock(names[i], testNow)
		_, _ = tx.Add(names[i], 70000)
		tx.Unlock()
	}
	var batch Batch
	random := rand.New(rand.NewPCG(1, 2))
	take := func() {
		for shard := range db.Shards() {
			for more := db.HasUnwritten(shard); more; {
				batch.Reset()
				more = db.Take(shard, &batch, 1024)
			}
		}
	}
	take()
	b.ResetTimer()
	var taking time.Duration
	for i := 0; i < b.N; i++ {
		k := names[random.IntN(keys)]
		tx := db.Lock(k, testNow)
		_, _ = tx.Add(k, 1)
		tx.Unlock()
		if i%10_000 == 9_999 {
			start := time.Now()
			take()
			taking += time.Since(start)
		}
	}
	b.ReportMetric(float64(taking.Nanoseconds())/float64(b.N), "take-ns/key")
}
