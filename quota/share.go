package quota

import (
	"math/bits"
	"time"
)

// Value is how many whole tokens of a limit the part of a rank is worth, where n parts have the ranks 0 to n-1. The
// values of all ranks sum to the limit, differ by one at most, and never fall while the limit rises.
func Value(limit uint64, n, rank int) uint64 {
	return (limit + uint64(n-1-rank)) / uint64(n)
}

// Nothing is the rate of a bucket that holds no tokens. It refills, and pays a debt, as slowly as can be.
var Nothing = Rate{0, 1, MaxPeriod}

// Share is the part of a rank in a quota of rate r: its value, and as large a part of the refill. It refills exactly as
// fast where 63 bits allow that, otherwise slower by less than one token in a period. So all shares together hold
// r.Capacity tokens and refill no faster than r. A share without tokens has the capacity 0: nothing can be taken.
func (r Rate) Share(n, rank int) Rate {
	value := Value(r.Capacity, n, rank)
	switch {
	case value == 0:
		return Nothing
	case r.Count == r.Capacity:
		return Rate{value, value, r.Period}
	}
	// count * value / capacity for each period
	hi, lo := bits.Mul64(r.Count, value)
	count, rest := bits.Div64(hi, lo, r.Capacity) // value is at most the capacity, so hi is below it
	if rest != 0 {
		if exact, ok := r.shareExactly(value); ok {
			return exact
		}
	}
	if count == 0 {
		return Nothing // slower than one token in a period
	}
	share, err := New(value, count, r.Period)
	if err != nil { // it would fill too slowly
		return Nothing
	}
	return share
}

// shareExactly is Share with a longer period, if that is a valid rate.
func (r Rate) shareExactly(value uint64) (Rate, bool) {
	divisor := gcd(r.Count, r.Capacity)
	count, capacity := r.Count/divisor, r.Capacity/divisor
	divisor = gcd(value, capacity)
	part, capacity := value/divisor, capacity/divisor
	hi, count := bits.Mul64(count, part)
	over, period := bits.Mul64(capacity, uint64(r.Period))
	if hi != 0 || over != 0 || count > MaxTokens || period > uint64(MaxPeriod) {
		return Rate{}, false
	}
	return Rate{value, count, time.Duration(period)}, true
}
