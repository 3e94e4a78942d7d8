package quota

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// TestTokensGivenBackAreThoseThatAreMissing compares with rational numbers: a bucket has as many tokens more as were
// given back, up to full; one that owes tokens gets none.
func TestTokensGivenBackAreThoseThatAreMissing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := genRate(t)
		now := rapid.Int64Range(0, 1e15).Draw(t, "start")
		var b Bucket
		twin := exact{whole(r.Capacity), now}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += genStep(t, r)
			n := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, r.Capacity), rapid.Just(uint64(1)<<63)).Draw(t, "n")
			if rapid.Bool().Draw(t, "give") {
				twin.advance(r, now)
				room := new(big.Rat).Sub(whole(r.Capacity), twin.tokens)
				if got, want := b.Give(r, n, now), n > 0 && room.Sign() > 0; got != want {
					t.Fatalf("%+v: %d tokens given back: changed %v, want %v", r, n, got, want)
				}
				if back := whole(n); back.Cmp(room) < 0 {
					room = back
				}
				twin.tokens.Add(twin.tokens, room)
			} else if got, want := b.Take(r, n, now), twin.take(r, n, now); got != want {
				t.Fatalf("%+v: take %d at %d: %v, exactly %v", r, n, now, got, want)
			}
			if got, want := b.Remaining(r, now), twin.remaining(r, now); got != want {
				t.Fatalf("%+v: %d tokens remain, exactly %d", r, got, want)
			}
		}
	})
}

// TestTokensGivenBackAdmitNoMoreThanTheLaw checks every interval of takes and gives under limits that change: what is
// taken, less what is given back, is within the largest capacity and the refill at the fastest rate.
func TestTokensGivenBackAdmitNoMoreThanTheLaw(t *testing.T) {
	gave := false
	rapid.Check(t, func(t *rapid.T) {
		limits := genLimits(t)
		largest := limits[0]
		for _, r := range limits {
			largest = Rate{max(largest.Capacity, r.Capacity), faster(largest, r).Count, faster(largest, r).Period}
		}
		type event struct {
			at int64
			n  *big.Rat
		}
		rate, now := limits[0], int64(0)
		var b Bucket
		var events []event
		for range 100 {
			now += rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 5), rapid.Int64Range(0, 400)).Draw(t, "step")
			if to := rapid.SampledFrom(limits).Draw(t, "limit"); to != rate {
				b.Change(rate, to, now)
				rate = to
			}
			n := rapid.OneOf(rapid.Uint64Range(1, 3), rapid.Just(rate.Capacity)).Draw(t, "n")
			if rapid.IntRange(0, 3).Draw(t, "kind") > 0 {
				if b.Take(rate, n, now) {
					events = append(events, event{now, whole(n)})
				}
				continue
			}
			before := exactUsed(b, rate, now)
			if b.Give(rate, n, now) {
				back := new(big.Rat).Sub(exactUsed(b, rate, now), before)
				if back.Sign() >= 0 || new(big.Rat).Add(back, whole(n)).Sign() < 0 {
					t.Fatalf("%+v: %d tokens given back change what is used by %v", rate, n, back)
				}
				events, gave = append(events, event{now, back}), true
			}
		}
		for i := range events {
			sum := new(big.Rat)
			for _, e := range events[i:] {
				sum.Add(sum, e.n)
				if bound := new(big.Rat).Add(whole(largest.Capacity), tokensIn(largest, e.at-events[i].at)); sum.Cmp(bound) > 0 {
					t.Fatalf("%v tokens in %d ns, of %+v", sum, e.at-events[i].at, limits)
				}
			}
		}
	})
	if !gave {
		t.Error("nothing was given back")
	}
}

func TestABucketInDebtGetsNothingBack(t *testing.T) {
	large, smaller := Rate{10, 10, 1000}, Rate{4, 4, 1000}
	var b Bucket
	b.Take(large, 10, 0)
	b.Change(large, smaller, 0)
	if before := b; b.Give(smaller, 10, 0) || b != before {
		t.Errorf("a bucket that owes 6 tokens became %+v", b)
	}
	b.Change(smaller, large, 0)
	if !b.Give(large, 3, 0) || b.Remaining(large, 0) != 3 {
		t.Errorf("under the large limit %d tokens remain, not 3", b.Remaining(large, 0))
	}
}
