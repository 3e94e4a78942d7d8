package engine

import "math/bits"

// total is a sum of deadlines in 128 bits: the deadlines of a few million keys together need more than 64.
type total struct{ high, low uint64 }

func (t *total) add(n uint64) {
	var carry uint64
	t.low, carry = bits.Add64(t.low, n, 0)
	t.high += carry
}

func (t *total) sub(n uint64) {
	var borrow uint64
	t.low, borrow = bits.Sub64(t.low, n, 0)
	t.high -= borrow
}

// addTotal adds another total.
func (t *total) addTotal(o total) {
	t.add(o.low)
	t.high += o.high
}

// mean is the total of n numbers divided by n. n is above 0, and each number is at most the largest int64.
func (t *total) mean(n uint64) int64 {
	quotient, _ := bits.Div64(t.high, t.low, n)
	return int64(quotient)
}
