package stats

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// buckets is how many buckets a histogram has. The last one also takes times longer than half an hour.
const buckets = 32

// histogram counts durations. Bucket k has those up to Bound(k) that no bucket before it has. One goroutine adds.
type histogram [buckets]atomic.Int64

// Bound is the longest duration of a bucket in nanoseconds: 1024 << k and a 128th of it, less one. That is what a
// Redis whose own histograms keep two decimal digits answers for its powers of two.
func Bound(bucket int) int64 {
	power := int64(1024) << bucket
	return power + power/128 - 1
}

// bucketOf is the bucket of a duration in nanoseconds.
func bucketOf(nanos int64) int {
	return min(bits.Len64(uint64(nanos)*128/129/1024), buckets-1)
}

// add counts n commands that took so long each.
func (h *histogram) add(nanos, n int64) { h[bucketOf(nanos)].Add(n) }

// Distribution is how long the calls of one command took, in buckets: see Bound.
type Distribution struct {
	Buckets [buckets]int64
	Calls   int64
}

func (d *Distribution) add(h *histogram) {
	for i := range h {
		n := h[i].Load()
		d.Buckets[i] += n
		d.Calls += n
	}
}

// Within is the time in nanoseconds within which at least so many percent of the calls were done, and at least one: the
// bound of a bucket, up to twice the true time. There must be calls.
func (d *Distribution) Within(percent float64) int64 {
	const rounding = 1e-9 // 99.9 percent of 1000 calls are 999, though 99.9 as a float is a little more or less
	missing := max(1, int64(math.Ceil(float64(d.Calls)*percent/100-rounding)))
	for i, n := range d.Buckets {
		if missing -= n; missing <= 0 {
			return Bound(i)
		}
	}
	return Bound(buckets - 1)
}
