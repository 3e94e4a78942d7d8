package stats

import (
	"fmt"
	"testing"
	"time"
)

// TestDurationsAreInTheFirstBucketThatHoldsThem compares with a linear search from the first bucket.
func TestDurationsAreInTheFirstBucketThatHoldsThem(t *testing.T) {
	slow := func(nanos int64) int {
		for k := range buckets {
			if nanos <= Bound(k) {
				return k
			}
		}
		return buckets - 1
	}
	for k := range buckets {
		for around := Bound(k) - 3; around <= Bound(k)+3; around++ {
			if got, want := bucketOf(around), slow(around); got != want {
				t.Errorf("%d ns: bucket %d, want %d", around, got, want)
			}
		}
	}
	if got := bucketOf(int64(10 * time.Hour)); got != buckets-1 {
		t.Errorf("ten hours: bucket %d", got)
	}
}

func TestPercentilesAreBoundsOfBuckets(t *testing.T) {
	var h histogram
	h.add(500, 989)
	h.add(5_000, 10)
	h.add(5_000_000, 1)
	var d Distribution
	d.add(&h)
	got := fmt.Sprint(d.Calls, d.Within(50), d.Within(98.9), d.Within(99), d.Within(99.9), d.Within(100))
	if want := fmt.Sprint(1000, Bound(0), Bound(0), Bound(3), Bound(3), Bound(13)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
