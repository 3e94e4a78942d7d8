package quota

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// debtor is a bucket under changing limits, in rational numbers: the used tokens, and the rate at which those above the
// capacity are paid. That is the faster one of the last two limits only.
type debtor struct {
	used *big.Rat
	rate Rate
	owed Rate
	at   int64
}

func (d *debtor) advance(now int64) {
	left := now - d.at
	d.at = now
	over := new(big.Rat).Sub(d.used, whole(d.rate.Capacity))
	if over.Sign() > 0 {
		if paid := tokensIn(d.owed, left); paid.Cmp(over) <= 0 {
			d.used.Sub(d.used, paid)
			return
		}
		d.used = whole(d.rate.Capacity)
		spent := new(big.Rat).Quo(over, tokensIn(d.owed, 1)) // nanoseconds
		earned := new(big.Rat).Mul(new(big.Rat).Sub(new(big.Rat).SetInt64(left), spent), tokensIn(d.rate, 1))
		d.used.Sub(d.used, earned)
	} else {
		d.used.Sub(d.used, tokensIn(d.rate, left))
	}
	if d.used.Sign() < 0 {
		d.used = new(big.Rat)
	}
}

func (d *debtor) change(to Rate, now int64) {
	d.advance(now)
	d.rate, d.owed = to, faster(d.rate, to)
}

// room is the number of tokens in the bucket, negative in debt.
func (d *debtor) room(now int64) *big.Rat {
	d.advance(now)
	return new(big.Rat).Sub(whole(d.rate.Capacity), d.used)
}

// taken is a take and the limits that were in force since the take before it.
type taken struct {
	at     int64
	n      uint64
	limits []Rate
}

// exceeds returns an interval in which more was taken than the largest capacity and the fastest rate in force within it
// allow.
func exceeds(takes []taken) (from, to int64, over bool) {
	for i := range takes {
		capacity, fastest, sum := uint64(0), takes[i].limits[len(takes[i].limits)-1], uint64(0)
		for j, t := range takes[i:] {
			limits := t.limits
			if j == 0 {
				limits = limits[len(limits)-1:]
			}
			for _, r := range limits {
				capacity, fastest = max(capacity, r.Capacity), faster(fastest, r)
			}
			sum += t.n
			bound := new(big.Rat).Add(whole(capacity), tokensIn(fastest, t.at-takes[i].at))
			if whole(sum).Cmp(bound) > 0 {
				return takes[i].at, t.at, true
			}
		}
	}
	return 0, 0, false
}

// genLimits is a few limits between which a key changes. Most have the same window, as the limits of two versions of a
// program do.
func genLimits(t *rapid.T) []Rate {
	window := rapid.Int64Range(1, 1000).Draw(t, "window")
	var limits []Rate
	for range rapid.IntRange(2, 4).Draw(t, "limits") {
		capacity := rapid.Uint64Range(1, 40).Draw(t, "capacity")
		count := capacity
		if rapid.IntRange(0, 2).Draw(t, "shape") == 0 {
			count = rapid.Uint64Range(1, 40).Draw(t, "count")
		}
		period := window
		if rapid.IntRange(0, 3).Draw(t, "own window") == 0 {
			period = rapid.Int64Range(1, 1000).Draw(t, "period")
		}
		r, err := New(capacity, count, time.Duration(period))
		if err != nil {
			t.Fatal(err)
		}
		limits = append(limits, r)
	}
	return limits
}

func TestNoIntervalAdmitsMoreThanTheLargestOfLimitsThatChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := genLimits(t)
		rate, now := limits[0], int64(0)
		var b Bucket
		var takes []taken
		since := []Rate{rate}
		for range 120 {
			now += rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 5), rapid.Int64Range(0, 400)).Draw(t, "step")
			if to := rapid.SampledFrom(limits).Draw(t, "limit"); to != rate {
				b.Change(rate, to, now)
				rate, since = to, append(since, to)
			}
			n := rapid.OneOf(rapid.Uint64Range(1, 3), rapid.Just(rate.Capacity), rapid.Just(max(1, b.Remaining(rate, now)))).Draw(t, "n")
			wait := b.RetryAfter(rate, n, now)
			got := b.Take(rate, n, now)
			if got != (wait == 0) {
				t.Fatalf("%+v: take %d is %v, retry after %d", rate, n, got, wait)
			}
			if got {
				takes = append(takes, taken{now, n, since})
				since = []Rate{rate}
			}
		}
		if from, to, over := exceeds(takes); over {
			t.Fatalf("from %d to %d ns more is taken than any of %+v allows: %+v", from, to, limits, takes)
		}
	})
}

// TestChangesCostNothingButRounding: a bucket that pays its debts at the rates of the last two limits, in rational
// numbers, admits no take that ours refuses, except for the rounding. (The test above checks that ours admits no take
// too many.)
func TestChangesCostNothingButRounding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := genRate(t)
		limits := []Rate{from, genRate(t), genRate(t)}
		if rapid.Bool().Draw(t, "close") { // close to each other, as the limits of two versions of a program
			for i := range limits[1:] {
				near := from
				near.Capacity = rapid.Uint64Range(1, from.Capacity).Draw(t, "capacity")
				near.Count = rapid.Uint64Range(1, from.Count).Draw(t, "count")
				if r, err := New(near.Capacity, near.Count, near.Period); err == nil {
					limits[i+1] = r
				}
			}
		}
		now := int64(0)
		var b Bucket
		twin := debtor{used: new(big.Rat), rate: limits[0], owed: limits[0]}
		slack := new(big.Rat)
		for range 30 {
			now += genStep(t, twin.rate)
			if to := rapid.SampledFrom(limits).Draw(t, "limit"); to != twin.rate {
				twin.advance(now)
				// Each change rounds up to a nanosecond of either rate, and a debt is paid a little slower than
				// exactly.
				fast := faster(faster(limits[0], limits[1]), limits[2])
				slack.Add(slack, tokensIn(fast, 4))
				slack.Add(slack, new(big.Rat).Mul(twin.used, big.NewRat(1, 10_000_000)))
				b.Change(twin.rate, to, now)
				twin.change(to, now)
			}
			n := rapid.OneOf(rapid.Uint64Range(1, 3), rapid.Uint64Range(1, twin.rate.Capacity)).Draw(t, "n")
			room := twin.room(now)
			room.Sub(room, whole(n))
			taken := b.Take(twin.rate, n, now)
			if !taken && n <= twin.rate.Capacity && room.Cmp(slack) > 0 {
				t.Fatalf("%+v: no %d tokens at %d, though there are %s more, and rounding has cost %s", twin.rate, n, now, room.FloatString(9), slack.FloatString(9))
			}
			if taken {
				twin.used.Add(twin.used, whole(n))
			}
		}
	})
}

func TestASmallerLimitHoldsNobodyUpForLongerThanTheLargerOneTookToFill(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := genRate(t), genRate(t)
		var b Bucket
		b.Take(from, rapid.Uint64Range(1, from.Capacity).Draw(t, "n"), 0)
		b.Change(from, to, 0)
		first := to.earn(1).roundUp()
		longest := from.Window() + from.Window()/10_000_000 + first + 3
		if wait := b.RetryAfter(to, 1, 0); wait > longest {
			t.Fatalf("from %+v to %+v: the first token is there after %d ns", from, to, wait)
		}
	})
}

func TestABucketInDebtSaysSo(t *testing.T) {
	hundred, one := Rate{100, 100, 100 * time.Second}, Rate{1, 1, 100 * time.Second}
	var b Bucket
	b.Take(hundred, 100, 0)
	b.Change(hundred, one, 0)
	debt := int64(99 * time.Second)
	for _, c := range []struct {
		now       int64
		remaining uint64
		retry     time.Duration
	}{{0, 0, 199 * time.Second}, {debt, 0, 100 * time.Second}, {debt + int64(99*time.Second), 0, time.Second}, {debt + int64(100*time.Second), 1, 0}} {
		if got := b.Remaining(one, c.now); got != c.remaining {
			t.Errorf("at %d: %d tokens remain, not %d", c.now, got, c.remaining)
		}
		if got := b.RetryAfter(one, 1, c.now); got != c.retry {
			t.Errorf("at %d: a token after %s, not %s", c.now, got, c.retry)
		}
		if got, want := b.FullAfter(c.now), c.retry; got != want {
			t.Errorf("at %d: full after %s, not %s", c.now, got, want)
		}
	}
	if b.Take(one, 1, 0) || !b.Take(one, 0, 0) || b.RetryAfter(one, 2, 0) != -1 {
		t.Error("a bucket in debt gives tokens, or does not say that there are none")
	}
	b.Change(one, hundred, int64(30*time.Second))
	if got := b.Remaining(hundred, int64(30*time.Second)); got != 30 {
		t.Errorf("back at the larger limit %d tokens remain, not 30", got)
	}
}

func TestAPaceIsNearlyItsRateAndNeverFaster(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := genRate(t)
		p := PaceOf(r)
		if !p.IsValid() {
			t.Fatalf("%+v: pace %x", r, p)
		}
		exact, got := tokensIn(r, 1), tokensIn(p.rate(), 1)
		least := new(big.Rat).Mul(exact, big.NewRat(9_999_999, 10_000_000))
		if got.Cmp(exact) > 0 || got.Cmp(least) < 0 {
			t.Fatalf("%+v has the pace %+v", r, p.rate())
		}
	})
	for _, p := range []Pace{0, 1, 1 << 32, 1<<64 - 1, 1 << 63} {
		if p.IsValid() {
			t.Errorf("%x is no pace", p)
		}
	}
}

func TestOwedTokensStayOwed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := genRate(t)
		var b Bucket
		b.Take(r, rapid.Uint64Range(0, r.Capacity).Draw(t, "used"), 0)
		before := exactUsed(b, r, 0)
		n := rapid.Uint64Range(1, r.Capacity).Draw(t, "n")
		b.Owe(r, n, 0)
		used, _ := b.used(r, 0)
		got := new(big.Rat).Add(whole(used.whole), new(big.Rat).SetFrac(new(big.Int).SetUint64(used.rest), new(big.Int).SetUint64(used.per)))
		if want := new(big.Rat).Add(before, whole(n)); got.Cmp(want) < 0 {
			t.Fatalf("%+v: %s tokens are used, not %s", r, got.FloatString(9), want.FloatString(9))
		}
	})
}
