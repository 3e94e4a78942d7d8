package stats

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// buckets is how many buckets a histogram has. The last one also counts durations above its bound, about half an hour.
const buckets = 32

// histogram counts durations. Bucket k counts those above Bound(k-1) and up to Bound(k). Only one goroutine adds.
type histogram [buckets]atomic.Int64

// Bound is the longest duration of a bucket, in nanoseconds: 1024 << bucket, plus a 128th of that, minus 1. Redis,
// whose histograms keep two decimal digits, replies with the same bounds for powers of two.
func Bound(bucket int) int64 {
	power := int64(1024) << bucket
	return power + power/128 - 1
}

// bucketOf is the bucket of a duration in nanoseconds.
func bucketOf(nanos int64) int {
	return min(bits.Len64(uint64(nanos)*128/129/1024), buckets-1)
}

// add counts n commands that took nanos nanoseconds each.
func (h *histogram) add(nanos, n int64) { h[bucketOf(nanos)].Add(n) }

// Distribution is the durations of the calls of one command, in buckets: see Bound.
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

// Within is the percentile: the time in nanoseconds within which at least percent of the calls, and at least one call,
// ended. It is the bound of a bucket, and so up to twice the true time. There must be calls.
func (d *Distribution) Within(percent float64) int64 {
	const rounding = 1e-9 // 99.9 percent of 1000 calls are 999, although the float 99.9 is a little more or less
	missing := max(1, int64(math.Ceil(float64(d.Calls)*percent/100-rounding)))
	for i, n := range d.Buckets {
		if missing -= n; missing <= 0 {
			return Bound(i)
		}
	}
	return Bound(buckets - 1)
}
