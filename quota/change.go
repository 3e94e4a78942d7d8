package quota

import (
	"math/bits"
	"time"
)

// amount is a number of tokens: whole, plus rest/per of another one.
type amount struct {
	whole     uint64
	rest, per uint64 // rest < per
}

// Change moves the bucket from one rate to another. Used tokens stay used, rounded up. If more are used than the new
// capacity, the rest is debt: it is paid at the faster of the rates in force since the debt arose. Until the debt is
// paid the bucket is empty; then it refills as usual.
//
// Why the bound holds: every take increases the used tokens, and right after a take they are at most the capacity. So
// right after a take there is no debt, and between two takes everything is paid at a rate that was in force between
// them. The takes of an interval are therefore at most the capacity at its last take plus the refill at the fastest
// rate in force within the interval. And under a smaller limit nobody waits longer than the larger one takes to fill.
func (b *Bucket) Change(from, to Rate, now int64) {
	used, owed := b.used(from, now)
	if used.whole < to.Capacity || used.whole == to.Capacity && used.rest == 0 {
		after := to.earn(used.whole)
		if used.rest > 0 {
			after = to.add(after, to.part(used.rest, used.per))
		}
		*b = at(now, after)
		return
	}
	used.whole -= to.Capacity
	*b = to.owing(used, PaceOf(faster(owed, to)), now)
}

// Owe takes n tokens at now, also tokens that the bucket does not have. Those become debt. It is paid at the pace of a
// debt that the bucket already has, otherwise at the bucket's own rate.
func (b *Bucket) Owe(r Rate, n uint64, now int64) {
	used, owed := b.used(r, now)
	if used.whole += n; used.whole < r.Capacity {
		b.Drain(r, n, now)
		return
	}
	used.whole -= r.Capacity
	*b = r.owing(used, PaceOf(owed), now)
}

// used is how many tokens are missing from the bucket, and the rate at which the part above the capacity is paid.
func (b Bucket) used(r Rate, now int64) (amount, Rate) {
	missing, window := b.missing(now), r.earn(r.Capacity)
	if b.Pace == 0 || !window.less(missing) {
		return r.amount(missing), r
	}
	pace := b.Pace.rate()
	debt := pace.amount(span{ns: uint64(r.sub(missing, window).roundUp())})
	debt.whole += r.Capacity
	return debt, pace
}

// amount is the tokens that refill in s.
func (r Rate) amount(s span) amount {
	// (ns + fraction/count) / (period/count) = (ns*count + fraction) / period
	hi, lo := bits.Mul64(s.ns, r.Count)
	lo, carry := bits.Add64(lo, s.fraction, 0)
	if hi += carry; hi >= uint64(r.Period) {
		return amount{whole: mostUsed, per: 1}
	}
	q, rest := bits.Div64(hi, lo, uint64(r.Period))
	return amount{min(q, mostUsed), rest, uint64(r.Period)}
}

// mostUsed is more than can be used of any bucket: its capacity and a reserve.
const mostUsed = 4 * MaxTokens

// owing is a bucket that is empty and owes debt.
func (r Rate) owing(debt amount, pace Pace, now int64) Bucket {
	p := pace.rate()
	wait := uint64(longestDebt)
	if hi, lo := bits.Mul64(debt.whole, uint64(p.Period)); hi < p.Count {
		q, rest := bits.Div64(hi, lo, p.Count)
		s := span{q, rest}
		if debt.rest > 0 {
			s = p.add(s, p.part(debt.rest, debt.per))
		}
		wait = min(wait, uint64(s.roundUp()))
	}
	return Bucket{FullAt: now + int64(wait) + int64(r.Window()), Pace: pace}
}

// longestDebt is longer than any debt under a smaller limit takes to pay: no bucket takes longer than MaxPeriod to
// fill, and a pace is a little slower than its rate.
const longestDebt = MaxPeriod + MaxPeriod>>20

// faster is the faster of two rates.
func faster(a, b Rate) Rate {
	aHi, aLo := bits.Mul64(a.Count, uint64(b.Period))
	bHi, bLo := bits.Mul64(b.Count, uint64(a.Period))
	if aHi > bHi || aHi == bHi && aLo >= bLo {
		return a
	}
	return b
}

// Pace is a rate in 64 bits: the count in the upper half, rounded down, and the period in nanoseconds in the lower
// half, rounded up. Each has paceBits bits and an exponent. A pace is never faster than its rate, and slower by less
// than one part in ten million. 0 means no pace.
type Pace uint64

const (
	paceBits = 26
	paceExp  = 32 - paceBits
)

// PaceOf is the pace of a rate.
func PaceOf(r Rate) Pace {
	count, period := r.Count, uint64(r.Period)
	divisor := gcd(count, period)
	count, period = count/divisor, period/divisor
	return Pace(shorten(count, false)<<32 | shorten(period, true))
}

// rate is the pace as a rate, without a capacity.
func (p Pace) rate() Rate {
	return Rate{Count: lengthen(uint64(p >> 32)), Period: time.Duration(lengthen(uint64(p) & (1<<32 - 1)))}
}

// IsValid reports whether p is the pace of some rate.
func (p Pace) IsValid() bool {
	for _, half := range [2]uint64{uint64(p >> 32), uint64(p) & (1<<32 - 1)} {
		if m, e := half>>paceExp, half&(1<<paceExp-1); m == 0 || bits.Len64(m)+int(e) > 62 {
			return false
		}
	}
	r := p.rate()
	return r.Count <= MaxTokens && r.Period <= 2*MaxPeriod
}

// shorten keeps the upper paceBits bits of v, which has up to 60 bits.
func shorten(v uint64, up bool) uint64 {
	e := max(0, bits.Len64(v)-paceBits)
	m := v >> e
	if up && m<<e != v {
		m++
	}
	if m>>paceBits != 0 { // all bits were ones
		m, e = m>>1, e+1
	}
	return m<<paceExp | uint64(e)
}

func lengthen(half uint64) uint64 { return half >> paceExp << (half & (1<<paceExp - 1)) }

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
