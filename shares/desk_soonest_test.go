package shares

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quotadb/quota-db/quota"
)

// TestSoonestIsTheFirstMillisecondWithEnoughTokens compares with a look at every millisecond.
func TestSoonestIsTheFirstMillisecondWithEnoughTokens(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	const now = int64(time.Hour)
	for range 2000 {
		limit, n := 1+rng.Uint64N(30), 1+rng.IntN(5)
		rate, err := quota.Limit(limit, time.Duration(1+rng.IntN(2000))*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		var all []held
		full := time.Duration(0)
		for rank := range n {
			h := held{part: rate.Share(n, rank)}
			if used := h.part.Capacity; used > 0 {
				h.bucket.Drain(h.part, rng.Uint64N(used+1), now-rng.Int64N(int64(rate.Period)))
			}
			all, full = append(all, h), max(full, h.bucket.FullAfter(now))
		}
		want := rng.Uint64N(limit + 2)
		got := soonest(all, want, full, now)
		if want > limit {
			if got >= 0 {
				t.Fatalf("seed %d: %d tokens of %d: %v", seed, want, limit, got)
			}
			continue
		}
		if got < 0 || sum(all, now+int64(got)) < want {
			t.Fatalf("seed %d: after %v there are not %d tokens", seed, got, want)
		}
		first := time.Duration(0)
		for sum(all, now+int64(first)) < want {
			first += time.Millisecond
		}
		if got > first || got < first-time.Millisecond {
			t.Fatalf("seed %d: %d of %d tokens in %d parts: %v, want about %v", seed, want, limit, n, got, first)
		}
	}
}
