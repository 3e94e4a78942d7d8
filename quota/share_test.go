package quota

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestTheValuesOfAllRanksSumToTheLimitAndGrowWithIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.OneOf(rapid.Uint64Range(0, 40), rapid.Uint64Range(0, MaxTokens)).Draw(t, "limit")
		more := limit + rapid.Uint64Range(0, 40).Draw(t, "more")
		n := rapid.IntRange(1, 12).Draw(t, "n")
		sum := uint64(0)
		for rank := range n {
			v := Value(limit, n, rank)
			if sum += v; v > limit/uint64(n)+1 || v < limit/uint64(n) {
				t.Fatalf("rank %d of %d is worth %d of %d", rank, n, v, limit)
			}
			if Value(more, n, rank) < v {
				t.Fatalf("rank %d of %d is worth %d of %d, and less of %d", rank, n, v, limit, more)
			}
		}
		if sum != limit {
			t.Fatalf("%d ranks are worth %d of %d", n, sum, limit)
		}
	})
}

// TestSharesRefillNoFasterThanTheirPartOfTheQuota compares with rational numbers. Where count is the capacity, shares
// are exactly as fast.
func TestSharesRefillNoFasterThanTheirPartOfTheQuota(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := genRate(t)
		if rapid.Bool().Draw(t, "limit") {
			r, _ = Limit(r.Capacity, r.Period)
		}
		n := rapid.IntRange(1, 256).Draw(t, "n")
		rank := rapid.IntRange(0, n-1).Draw(t, "rank")
		value, share := Value(r.Capacity, n, rank), r.Share(n, rank)
		right := new(big.Rat).SetFrac(new(big.Int).Mul(bigOf(r.Count), bigOf(value)), new(big.Int).Mul(bigOf(r.Capacity), bigOf(uint64(r.Period))))
		got := new(big.Rat).SetFrac(bigOf(share.Count), bigOf(uint64(share.Period)))
		onePerPeriod := new(big.Rat).SetFrac(bigOf(1), bigOf(uint64(r.Period)))
		if share.Capacity == 0 {
			if value != 0 && right.Cmp(onePerPeriod) >= 0 && Value(r.Capacity, n, rank) > 0 {
				if _, err := New(value, 1, r.Period); err == nil {
					t.Fatalf("%+v: rank %d of %d holds nothing", r, rank, n)
				}
			}
			return
		}
		if share.Capacity != value {
			t.Fatalf("%+v: rank %d of %d has %+v, its value is %d", r, rank, n, share, value)
		}
		if _, err := New(share.Capacity, share.Count, share.Period); err != nil {
			t.Fatalf("%+v: rank %d of %d has %+v: %v", r, rank, n, share, err)
		}
		slower := new(big.Rat).Sub(right, got)
		if slower.Sign() < 0 || slower.Cmp(onePerPeriod) >= 0 || r.Count == r.Capacity && slower.Sign() != 0 {
			t.Fatalf("%+v: rank %d of %d refills %v per ns, right is %v", r, rank, n, got, right)
		}
	})
}

func bigOf(n uint64) *big.Int { return new(big.Int).SetUint64(n) }
