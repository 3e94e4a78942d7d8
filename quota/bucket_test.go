package quota

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// exact is a bucket in rational numbers: its tokens, refilled by multiplication.
type exact struct {
	tokens *big.Rat
	at     int64
}

func tokensIn(r Rate, d int64) *big.Rat {
	return new(big.Rat).SetFrac(
		new(big.Int).Mul(big.NewInt(d), new(big.Int).SetUint64(r.Count)),
		big.NewInt(int64(r.Period)))
}

func whole(n uint64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).SetUint64(n)) }

func (e *exact) advance(r Rate, now int64) {
	e.tokens.Add(e.tokens, tokensIn(r, now-e.at))
	e.at = now
	if full := whole(r.Capacity); e.tokens.Cmp(full) > 0 {
		e.tokens = full
	}
}

func (e *exact) take(r Rate, n uint64, now int64) bool {
	e.advance(r, now)
	if e.tokens.Cmp(whole(n)) < 0 {
		return false
	}
	e.tokens.Sub(e.tokens, whole(n))
	return true
}

func (e *exact) remaining(r Rate, now int64) uint64 {
	e.advance(r, now)
	return new(big.Int).Quo(e.tokens.Num(), e.tokens.Denom()).Uint64()
}

func genRate(t *rapid.T) Rate {
	for {
		tokens := rapid.OneOf(rapid.Uint64Range(1, 10), rapid.Uint64Range(1, 1000), rapid.Uint64Range(1, MaxTokens), rapid.Just(uint64(MaxTokens)))
		period := rapid.OneOf(rapid.Int64Range(1, 10), rapid.Int64Range(1, 1e6), rapid.Int64Range(1e9, 1e18), rapid.Just(int64(MaxPeriod)))
		if r, err := New(tokens.Draw(t, "capacity"), tokens.Draw(t, "count"), time.Duration(period.Draw(t, "period"))); err == nil {
			return r
		}
	}
}

// genStep is the time between two requests: often none (a stalled clock), often about the refill time of a few tokens.
func genStep(t *rapid.T, r Rate) int64 {
	window := int64(r.Window())
	return rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 10), rapid.Int64Range(0, window/10+1), rapid.Int64Range(0, window+1)).Draw(t, "step")
}

func TestTakeAgreesWithExactRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := genRate(t)
		now := rapid.Int64Range(0, 1e15).Draw(t, "start")
		var b Bucket
		twin := exact{whole(r.Capacity), now}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += genStep(t, r)
			n := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, r.Capacity), rapid.Uint64Range(r.Capacity, r.Capacity+2)).Draw(t, "n")
			wait := b.RetryAfter(r, n, now)
			got, want := b.Take(r, n, now), twin.take(r, n, now)
			if got != want {
				t.Fatalf("%+v: take %d at %d: %v, exactly %v", r, n, now, got, want)
			}
			if got != (wait == 0) || (wait < 0) != (n > r.Capacity) {
				t.Fatalf("%+v: take %d is %v, retry after %d", r, n, got, wait)
			}
			if got, want := b.Remaining(r, now), twin.remaining(r, now); got != want {
				t.Fatalf("%+v: %d tokens remain, exactly %d", r, got, want)
			}
			full := b.FullAfter(now)
			if now+int64(full) < now {
				continue
			}
			if b.Remaining(r, now+int64(full)) != r.Capacity || full > 0 && b.missing(now+int64(full)-1) == (span{}) {
				t.Fatalf("%+v: not full after exactly %d ns", r, full)
			}
		}
	})
}

func TestRetryAfterIsTheFirstMomentThatAdmits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := genRate(t)
		var b Bucket
		b.Take(r, r.Capacity, 0)
		now := genStep(t, r)
		n := rapid.Uint64Range(1, r.Capacity).Draw(t, "n")
		wait := int64(b.RetryAfter(r, n, now))
		if early := b; wait > 0 && early.Take(r, n, now+wait-1) {
			t.Fatalf("%+v: %d tokens already %d ns after %d", r, n, wait-1, now)
		}
		if !b.Take(r, n, now+wait) {
			t.Fatalf("%+v: no %d tokens %d ns after %d", r, n, wait, now)
		}
	})
}

// TestNoIntervalAdmitsMoreThanTheLaw checks every interval of a greedy schedule against capacity + count*t/period.
func TestNoIntervalAdmitsMoreThanTheLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, err := New(rapid.Uint64Range(1, 20).Draw(t, "capacity"), rapid.Uint64Range(1, 20).Draw(t, "count"), time.Duration(rapid.Int64Range(1, 1000).Draw(t, "period")))
		if err != nil {
			t.Skip()
		}
		type grant struct {
			at int64
			n  uint64
		}
		var b Bucket
		var grants []grant
		now := int64(0)
		for range 80 {
			now += genStep(t, r)
			n := rapid.Uint64Range(1, r.Capacity).Draw(t, "n")
			if b.Take(r, n, now) {
				grants = append(grants, grant{now, n})
			}
		}
		for i := range grants {
			sum := uint64(0)
			for _, g := range grants[i:] {
				sum += g.n
				bound := new(big.Rat).Add(whole(r.Capacity), tokensIn(r, g.at-grants[i].at))
				if whole(sum).Cmp(bound) > 0 {
					t.Fatalf("%+v: %d tokens in %d ns", r, sum, g.at-grants[i].at)
				}
			}
		}
	})
}

func TestYearsOfTakingDoNotDrift(t *testing.T) {
	const year = 365 * 24 * 3600 * int64(time.Second)
	for _, r := range []Rate{{7, 7, time.Second}, {3, 3, 7 * time.Second}, {1, 1, 3}, {MaxTokens, MaxTokens, 999_999_999 * time.Nanosecond}} {
		var b Bucket
		twin := exact{whole(r.Capacity), 0}
		step := 10*year/100_003 + 1
		for now := int64(0); now < 10*year; now += step {
			for range 3 {
				n := max(r.Capacity/3, 1)
				if got, want := b.Take(r, n, now), twin.take(r, n, now); got != want {
					t.Fatalf("%+v after %d ns: %v, exactly %v", r, now, got, want)
				}
			}
		}
	}
}

// exactUsed is how many tokens are missing from the bucket.
func exactUsed(b Bucket, r Rate, now int64) *big.Rat {
	m := b.missing(now)
	units := new(big.Int).Mul(new(big.Int).SetUint64(m.ns), new(big.Int).SetUint64(r.Count))
	units.Add(units, new(big.Int).SetUint64(m.fraction))
	return new(big.Rat).SetFrac(units, big.NewInt(int64(r.Period)))
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		capacity, count uint64
		period          time.Duration
		err             error
	}{
		{0, 1, time.Second, ErrTokens}, {1, 0, time.Second, ErrTokens}, {MaxTokens + 1, 1, time.Second, ErrTokens},
		{1, 1, 0, ErrPeriod}, {1, 1, MaxPeriod + 1, ErrPeriod}, {2, 1, MaxPeriod, ErrWindow}, {MaxTokens, 1, MaxPeriod, ErrWindow},
		{MaxTokens, MaxTokens, MaxPeriod, nil}, {1, MaxTokens, 1, nil}, {1, 1, 1, nil},
	} {
		if _, err := New(c.capacity, c.count, c.period); !errors.Is(err, c.err) {
			t.Errorf("%d tokens, %d per %s: %v, want %v", c.capacity, c.count, c.period, err, c.err)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	r, _ := Limit(1_000_000_000, 60*time.Second)
	var bucket Bucket
	now := int64(0)
	for b.Loop() {
		now += 100
		bucket.Take(r, 1, now)
		_ = bucket.Remaining(r, now)
	}
}
