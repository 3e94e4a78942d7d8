// Package crdt is the state of one key, as every node may hold it, and the operations on it.
//
// An entry is a join-semilattice. It has rows (one per writer, with numbers that only grow, each with a floor), three
// registers (base, deadline and quota; the later stamp wins), and the time at which the key was created (the later one
// wins). Merge joins two states of a key, AppendRecord writes one as bytes, Digest compares them. This package knows
// nothing of memory layout, locks or clocks: package engine keeps entries packed, and calls this package whenever an
// operation changes the shape of an entry. The tests of package engine use it as the slow, obvious twin of the fast
// paths.
//
// Invariants: a row's numbers and floors never decrease, and a floor is never above its number. A register changes only
// together with its stamp.
package crdt

import (
	"cmp"
	"math/bits"
)

// Stamp orders the writes to one register. It is a hybrid logical clock (Kulkarni et al., "Logical Physical Clocks",
// 2014); the node decides between equal times.
//
// Time has unix milliseconds in the upper 47 bits, then a 15-bit counter, then two bits that are no time. The half bit
// orders a consequence directly after its cause and before the writes of other nodes in the same tick; no ordinary
// write has it. The reset bit marks a deadline that was written together with a reset.
type Stamp struct {
	Time uint64
	Node uint16
}

const (
	halfBit  = 1
	resetBit = 2
	noTime   = halfBit | resetBit
	msShift  = 17
	tickStep = 4 // one step of the counter, which lies above the two bits
)

// Less reports whether s is earlier than o.
func (s Stamp) Less(o Stamp) bool {
	return s.compare(o) < 0
}

// Millis is the stamp's time in unix milliseconds.
func (s Stamp) Millis() int64 { return int64(s.Time >> msShift) }

// isHalf reports whether s belongs to a consequence. No ordinary write has such a stamp.
func (s Stamp) isHalf() bool { return s.Time&halfBit != 0 }

// OfReset is the stamp of the deadline that a SET or DEL at s writes.
func (s Stamp) OfReset() Stamp { return Stamp{s.Time | resetBit, s.Node} }

// isOfReset reports whether s belongs to a deadline that was written together with a reset, or to the end of such a
// deadline.
func (s Stamp) isOfReset() bool { return s.Time&resetBit != 0 }

// compare is -1, 0 or 1 if s is earlier than, equal to or later than o.
func (s Stamp) compare(o Stamp) int {
	return cmp.Or(cmp.Compare(s.Time&^noTime, o.Time&^noTime), cmp.Compare(s.Node, o.Node), cmp.Compare(s.Time, o.Time))
}

// Half is the moment directly after s, before every ordinary stamp that is later than s.
func (s Stamp) Half() Stamp {
	return Stamp{s.Time | halfBit, s.Node}
}

// Later is the later one of s and o.
func (s Stamp) Later(o Stamp) Stamp {
	if s.Less(o) {
		return o
	}
	return s
}

// Clock gives ordinary stamps that only grow, also while the wall clock stands still or goes back. The zero Clock is
// ready. It is not safe for concurrent use.
type Clock struct {
	last uint64
}

// Next is a stamp later than all before. nowMillis is unix milliseconds.
func (c *Clock) Next(nowMillis int64, node uint16) Stamp {
	t := uint64(nowMillis) << msShift
	if t <= c.last {
		t = c.last + tickStep
	}
	c.last = t
	return Stamp{t, node}
}

// Observe makes all stamps from now on later than s, which came from another node. The caller limits how far in the
// future s may be.
func (c *Clock) Observe(s Stamp) {
	c.last = max(c.last, s.Time&^noTime)
}

// sum128 is a signed 128-bit accumulator: sums of 64-bit numbers in it cannot overflow in practice
// (that would take 2^63 rows).
type sum128 struct {
	hi int64
	lo uint64
}

func (s *sum128) add(u uint64) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, u, 0)
	s.hi += int64(carry)
}

func (s *sum128) sub(u uint64) {
	var borrow uint64
	s.lo, borrow = bits.Sub64(s.lo, u, 0)
	s.hi -= int64(borrow)
}

func (s *sum128) addSigned(n int64) {
	s.add(uint64(n))
	if n < 0 {
		s.hi-- // sign extension
	}
}

const maxInt64 = 1<<63 - 1

// above and below report whether the sum is above or below the range of int64.
func (s *sum128) above() bool { return s.hi > 0 || s.hi == 0 && s.lo > maxInt64 }
func (s *sum128) below() bool { return s.hi < -1 || s.hi == -1 && s.lo <= maxInt64 }

// clamp is the sum as an int64, or the nearest int64.
func (s *sum128) clamp() int64 {
	switch {
	case s.above():
		return maxInt64
	case s.below():
		return -maxInt64 - 1
	}
	return int64(s.lo)
}
