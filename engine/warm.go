package engine

import (
	"math/bits"
	"unsafe"
)

// maxWarm is how many keys Warm handles at most: enough to hide the latency of memory, few enough to stay in the
// nearest cache.
const maxWarm = 64

// warmBytes is from the beginning of a record to the second place that Warm fetches: a counter of 24 to 40 bytes can
// lie in two cache lines.
const warmBytes = 4 * granule

// Warm prefetches the buckets and then the records of keys that are about to be used, so that the cache misses of a
// batch overlap instead of adding up (BenchmarkAddBatch has the figures). It takes no lock and changes nothing: what it
// reads may change at the same moment, and a wrong guess only fetches a useless line. Keys beyond maxWarm are ignored.
func (db *DB) Warm(keys []Key) {
	keys = keys[:min(len(keys), maxWarm)]
	var buckets [maxWarm]*bucket
	for i := range keys {
		hash := keys[i].Hash
		if t := db.shard(hash).index.current.Load(); t != nil {
			b := t.bucket(t.home(db.position(hash)))
			prefetch(unsafe.Pointer(b))
			buckets[i] = b
		}
	}
	base := db.pool.base()
	for i, b := range buckets[:len(keys)] {
		if b == nil {
			continue
		}
		if r := b.guess(tagOf(keys[i].Hash)); r != 0 && r < firstHuge {
			rec := unsafe.Add(base, uint64(r)*granule)
			prefetch(rec)
			prefetch(unsafe.Add(rec, warmBytes))
		}
	}
}

// guess is the first ref whose tag matches, 0 for none.
func (b *bucket) guess(tag uint8) ref {
	if m := matches(b.low.Load(), tag); m != 0 {
		return ref(b.refs[bits.TrailingZeros64(m)/8].Load())
	}
	if m := matches32(b.high.Load(), tag); m != 0 {
		return ref(b.refs[firstHigh+bits.TrailingZeros64(m)/8].Load())
	}
	return 0
}
