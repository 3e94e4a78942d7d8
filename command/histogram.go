package command

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// latencyBuckets is how many buckets a histogram has; the last also takes what is longer than half an hour.
const latencyBuckets = 32

// histogram counts durations. Bucket k has those up to latencyBound(k) that no bucket before it has. One goroutine adds.
type histogram [latencyBuckets]atomic.Int64

// latencyBound is the longest duration of a bucket in nanoseconds: 1024 << k and a 128th of it, less one. That is what a
// Redis whose own histograms keep two decimal digits answers for its powers of two.
func latencyBound(bucket int) int64 {
	power := int64(1024) << bucket
	return power + power/128 - 1
}

// latencyBucket is the bucket of a duration in nanoseconds.
func latencyBucket(nanos int64) int {
	return min(bits.Len64(uint64(nanos)*128/129/1024), latencyBuckets-1)
}

// add counts n commands that took so long each.
func (h *histogram) add(nanos, n int64) { h[latencyBucket(nanos)].Add(n) }

// distribution is what several histograms have counted together.
type distribution struct {
	buckets [latencyBuckets]int64
	calls   int64
}

func (d *distribution) add(h *histogram) {
	for i := range h {
		n := h[i].Load()
		d.buckets[i] += n
		d.calls += n
	}
}

// within is the time in nanoseconds within which at least so many percent of the calls were done, and at least one: the bound of a
// bucket, up to twice the true time. There must be calls.
func (d *distribution) within(percent float64) int64 {
	const rounding = 1e-9 // 99.9 percent of 1000 calls are 999, though 99.9 as a float is a little more or less
	missing := max(1, int64(math.Ceil(float64(d.calls)*percent/100-rounding)))
	for i, n := range d.buckets {
		if missing -= n; missing <= 0 {
			return latencyBound(i)
		}
	}
	return latencyBound(latencyBuckets - 1)
}
