package history

import "math/bits"

// maxWrites is the largest number of writes of one key that can be told apart. For a key with more, only sums are
// bounded.
const maxWrites = 128

// A set is a set of writes of one key, by their numbers in the order of invocation.
type set [maxWrites / 64]uint64

func one(i int) set { var s set; return s.with(i) }

func (s set) with(i int) set { s[i/64] |= 1 << (i % 64); return s }

func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) or(t set) set {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

func (s set) and(t set) set {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

func (s set) without(t set) set {
	for i := range s {
		s[i] &^= t[i]
	}
	return s
}

func (s set) empty() bool { return s == set{} }

func (s set) len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// all iterates over the members in order.
func (s set) all(yield func(int) bool) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			if !yield(i*64 + bits.TrailingZeros64(w)) {
				return
			}
		}
	}
}
