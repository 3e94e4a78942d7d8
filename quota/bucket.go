// Package quota is the arithmetic of token buckets, exact in integers.
//
// A bucket holds up to Capacity tokens and refills with Count tokens per Period, continuously. Its state is the moment
// at which it will be full again: the generic cell rate algorithm (ITU-T I.371, appendix on GCRA), turned round. One
// token takes Period/Count to refill, which need not be a whole number of nanoseconds. So the moment has a fraction
// with the denominator Count, and nothing is ever rounded: no drift over years, for one token or for 10^15.
//
// Over every interval of length t a bucket admits at most Capacity + Count*t/Period tokens. If its rate changes, the
// largest capacity and the fastest rate in force within the interval bound it: see Change.
package quota

import (
	"errors"
	"math/bits"
	"time"
)

// Bounds of a Rate.
const (
	MaxTokens = 1_000_000_000_000_000       // the largest capacity and the largest count
	MaxPeriod = 1_000_000_000 * time.Second // the longest period, and the longest window
)

// Errors of New and Limit.
var (
	ErrTokens = errors.New("quota: tokens must be from 1 to 10^15")
	ErrPeriod = errors.New("quota: the period must be from one nanosecond to 10^9 seconds")
	ErrWindow = errors.New("quota: filling the bucket would take longer than 10^9 seconds")
)

// Rate is the configuration of a bucket.
type Rate struct {
	Capacity uint64        // tokens, 1 to MaxTokens
	Count    uint64        // tokens per Period, 1 to MaxTokens
	Period   time.Duration // up to MaxPeriod
}

// Limit is the rate of limit tokens per window: a bucket of that capacity, filled once per window.
func Limit(limit uint64, window time.Duration) (Rate, error) {
	return New(limit, limit, window)
}

// New checks a rate. Errors: ErrTokens; ErrPeriod; ErrWindow if an empty bucket would take longer than MaxPeriod to
// fill.
func New(capacity, count uint64, period time.Duration) (Rate, error) {
	r := Rate{capacity, count, period}
	switch {
	case capacity < 1 || capacity > MaxTokens || count < 1 || count > MaxTokens:
		return Rate{}, ErrTokens
	case period < 1 || period > MaxPeriod:
		return Rate{}, ErrPeriod
	}
	if hi, lo := bits.Mul64(capacity, uint64(period)); hi >= count || !r.within(hi, lo) {
		return Rate{}, ErrWindow
	}
	return r, nil
}

func (r Rate) within(hi, lo uint64) bool {
	q, _ := bits.Div64(hi, lo, r.Count)
	return q <= uint64(MaxPeriod)
}

// Window is the time that an empty bucket takes to fill, rounded up to whole nanoseconds.
func (r Rate) Window() time.Duration { return r.earn(r.Capacity).roundUp() }

// span is a length of time: nanoseconds, and Fraction/Count of another one.
type span struct {
	ns       uint64
	fraction uint64
}

func (s span) roundUp() time.Duration {
	if s.fraction > 0 {
		return time.Duration(s.ns) + 1
	}
	return time.Duration(s.ns)
}

func (s span) less(o span) bool {
	return s.ns < o.ns || s.ns == o.ns && s.fraction < o.fraction
}

// earn is the time in which n tokens refill. n is at most the capacity, so the quotient fits 64 bits.
func (r Rate) earn(n uint64) span {
	hi, lo := bits.Mul64(n, uint64(r.Period))
	q, rest := bits.Div64(hi, lo, r.Count)
	return span{q, rest}
}

func (r Rate) add(a, b span) span {
	s := span{a.ns + b.ns, a.fraction + b.fraction}
	if s.fraction >= r.Count {
		s.fraction -= r.Count
		s.ns++
	}
	return s
}

// sub is a-b. It must not be negative.
func (r Rate) sub(a, b span) span {
	if a.fraction < b.fraction {
		a.ns--
		a.fraction += r.Count
	}
	return span{a.ns - b.ns, a.fraction - b.fraction}
}

// Bucket is the state of a bucket: the moment at which it is full. The zero Bucket is full. Moments are nanoseconds of
// a clock that runs evenly and never goes back, with any origin, from 0 on.
//
// A bucket whose FullAt is more than a window away is in debt: under a larger limit more was taken than the bucket
// holds now. It is empty until the debt is paid, and refills from then on.
type Bucket struct {
	FullAt   int64  // nanoseconds
	Fraction uint64 // a further Fraction/Count of a nanosecond, below 1; 0 while there is a Pace
	Pace     Pace   // pace at which the debt is paid, 0: the bucket's own rate; without meaning once the debt is paid
}

// missing is the time until the bucket is full. It is more than a window while the bucket owes tokens.
func (b Bucket) missing(now int64) span {
	if b.FullAt < now {
		return span{}
	}
	return span{uint64(b.FullAt - now), b.Fraction}
}

// EmptyAt is the bucket if it was empty at a moment, or later in debt: it is not full before at and a window.
func (b Bucket) EmptyAt(r Rate, at int64) Bucket {
	full := r.earn(r.Capacity)
	if moment := at + int64(full.ns); b.FullAt < moment || b.FullAt == moment && b.Pace == 0 && b.Fraction < full.fraction {
		return Bucket{FullAt: moment, Fraction: full.fraction}
	}
	return b
}

// Of is the bucket for a rate with another count: the fraction of a nanosecond is rounded up to a whole one if it does
// not fit.
func (b Bucket) Of(r Rate) Bucket {
	if b.Pace == 0 && b.Fraction >= r.Count {
		return Bucket{FullAt: b.FullAt + 1}
	}
	return b
}

// Take takes n tokens at now if the bucket has them, and reports whether it took them. A take of 0 tokens always
// succeeds.
func (b *Bucket) Take(r Rate, n uint64, now int64) bool {
	if n > r.Capacity {
		return false
	}
	after := r.add(b.missing(now), r.earn(n))
	if r.earn(r.Capacity).less(after) {
		return n == 0
	}
	if n > 0 {
		*b = at(now, after)
	}
	return true
}

// Drain takes n tokens at now, or all tokens if there are fewer. n is at most the capacity.
func (b *Bucket) Drain(r Rate, n uint64, now int64) {
	after := r.add(b.missing(now), r.earn(n))
	if window := r.earn(r.Capacity); window.less(after) {
		after = window
	}
	*b = at(now, after)
}

// Give gives n tokens back at now, or as many as are missing if those are fewer. It reports whether the bucket has
// changed. A bucket in debt gets nothing: whoever took the tokens, they are owed.
func (b *Bucket) Give(r Rate, n uint64, now int64) bool {
	return b.give(r, r.earn(min(n, r.Capacity)), now)
}

// GiveLate is Give for n tokens that were taken at a moment: it gives back as much of them as cannot have refilled
// since. If all of them came back, what has refilled would come twice.
func (b *Bucket) GiveLate(r Rate, n uint64, takenAt, now int64) bool {
	back, passed := r.earn(min(n, r.Capacity)), span{ns: uint64(max(now-takenAt, 0))}
	return passed.less(back) && b.give(r, r.sub(back, passed), now)
}

// give gives back what refills in a time.
func (b *Bucket) give(r Rate, back span, now int64) bool {
	missing := b.missing(now)
	if back == (span{}) || missing == (span{}) || r.earn(r.Capacity).less(missing) {
		return false
	}
	left := span{}
	if back.less(missing) {
		left = r.sub(missing, back)
	}
	*b = at(now, left)
	return true
}

// Remaining is the number of whole tokens in the bucket at now, 0 while it owes some.
func (b Bucket) Remaining(r Rate, now int64) uint64 {
	window, missing := r.earn(r.Capacity), b.missing(now)
	if window.less(missing) {
		return 0
	}
	return r.tokens(r.sub(window, missing))
}

// tokens is the number of whole tokens that refill in s. s is at most the window.
func (r Rate) tokens(s span) uint64 {
	// (ns + fraction/count) / (period/count) = (ns*count + fraction) / period
	hi, lo := bits.Mul64(s.ns, r.Count)
	lo, carry := bits.Add64(lo, s.fraction, 0)
	q, _ := bits.Div64(hi+carry, lo, uint64(r.Period))
	return q
}

// RetryAfter is the time from now until the bucket has n tokens if nobody takes any, rounded up. It is 0 if the bucket
// has them now, and negative if n is more than the capacity.
func (b Bucket) RetryAfter(r Rate, n uint64, now int64) time.Duration {
	if n > r.Capacity {
		return -1
	}
	window, after := r.earn(r.Capacity), r.add(b.missing(now), r.earn(n))
	if !window.less(after) {
		return 0
	}
	return r.sub(after, window).roundUp()
}

// FullAfter is the time from now until the bucket is full, rounded up to whole nanoseconds.
func (b Bucket) FullAfter(now int64) time.Duration { return b.missing(now).roundUp() }

// part is the time in which rest/whole of a token refills, rounded up to the next fraction. rest is below whole.
func (r Rate) part(rest, whole uint64) span {
	// rest*period/whole in units of 1/count ns, rounded up.
	hi, lo := bits.Mul64(rest, uint64(r.Period))
	units, left := bits.Div64(hi, lo, whole) // units are below period
	if left > 0 {
		units++
	}
	return span{units / r.Count, units % r.Count}
}

func at(now int64, missing span) Bucket {
	return Bucket{FullAt: now + int64(missing.ns), Fraction: missing.fraction}
}
