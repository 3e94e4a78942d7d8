package history

// Digits is the number of different deltas that Digit makes; more would not fit in 64 bits.
const Digits = 32

// Digit is the delta for the i-th increment or SET of a key, with i from 0 to Digits-1. With it, a value names its
// operations: in base 4 each operation has its own digit, and a digit of 2 or 3 shows that an operation was counted
// twice or three times.
func Digit(i int) int64 { return 1 << (2 * i) }

// bases are tried in this order; a larger base tells more kinds of faults apart.
var bases = [...]int64{10, 8, 4, 3, 2}

// maxPowers is the largest number of powers of any base in an int64.
const maxPowers = 63

// A digit is the place of one operation in the values of its key.
type digit struct {
	write    int  // -1: of no operation
	failed   ID   // of an operation that failed; -1: of none
	negative bool // the operation subtracts
}

// A notation reads values as sums of different operations.
type notation struct {
	base   int64
	digits [maxPowers]digit
}

// A part is an operation in a value, and the number of times that it is counted there.
type part struct {
	write int
	times int64
}

// notationOf finds a base in which all amounts are different powers, apart from their signs. Amounts of failed writes
// may be used again.
func notationOf(h *History, writes []write, failures []ID) (*notation, bool) {
	for _, base := range bases {
		n := &notation{base: base}
		if n.fill(h, writes, failures) {
			return n, true
		}
	}
	return nil, false
}

func (n *notation) fill(h *History, writes []write, failures []ID) bool {
	for i := range n.digits {
		n.digits[i] = digit{write: -1, failed: -1}
	}
	for i := range writes {
		c := writes[i].call
		if !c.counts() || c.amount == 0 {
			continue
		}
		p, power := powerOf(c.amount, n.base)
		if !power || n.digits[p].write >= 0 {
			return false
		}
		n.digits[p] = digit{write: i, failed: -1, negative: c.amount < 0}
	}
	for _, id := range failures {
		c := &h.calls[id]
		if p, power := powerOf(c.amount, n.base); power && c.counts() && n.digits[p].write < 0 {
			n.digits[p] = digit{write: -1, failed: id, negative: c.amount < 0}
		}
	}
	return true
}

func powerOf(v, base int64) (p int, power bool) {
	if v == 0 {
		return 0, false
	}
	for ; v%base == 0; v /= base {
		p++
	}
	return p, (v == 1 || v == -1) && p < maxPowers
}

// read splits the value into parts. strange is a failed operation that it contains, or -1; rest tells that something is
// left that belongs to no operation.
func (n *notation) read(v int64, parts []part) (_ []part, strange ID, rest bool) {
	strange = -1
	for p := 0; v != 0 && p < maxPowers; p++ {
		r := v % n.base
		v /= n.base
		if r < 0 {
			r += n.base
			v--
		}
		d := n.digits[p]
		times := r
		if d.negative {
			times = (n.base - r) % n.base
		}
		// If the base has room, a count of one too few is told apart from a count of many too many.
		if n.base > 3 && times == n.base-1 {
			times = -1
		}
		if digit := times; d.negative && digit > 0 || !d.negative && digit < 0 {
			v++ // the digit was below zero
		}
		switch {
		case times == 0:
		case d.write >= 0:
			parts = append(parts, part{d.write, times})
		case d.failed >= 0:
			strange = d.failed
		default:
			rest = true
		}
	}
	return parts, strange, rest || v != 0
}
