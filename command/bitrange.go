package command

import (
	"encoding/binary"
	"math/bits"
)

// bitRange is the range of bits of BITCOUNT and BITPOS, both ends included.
type bitRange struct{ from, to int64 }

// inBits is the range of bits between two positions in a text of size bytes. The positions count bits (asBits) or
// bytes. ok is false if the range is empty.
func inBits(first, last int64, size int, asBits bool) (r bitRange, ok bool) {
	if asBits {
		r.from, r.to, ok = span(first, last, int64(size)*8)
		return r, ok
	}
	from, to, ok := span(first, last, int64(size))
	return bitRange{from * 8, to*8 + 7}, ok
}

// countBits counts the bits of a range that are 1.
func countBits(text []byte, r bitRange) int64 {
	from, to := r.from/8, r.to/8
	n := -bits.OnesCount8(text[from]&^headMask(r)) - bits.OnesCount8(text[to]&^tailMask(r))
	rest := text[from : to+1]
	for ; len(rest) >= 8; rest = rest[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(rest))
	}
	for _, octet := range rest {
		n += bits.OnesCount8(octet)
	}
	return int64(n)
}

// headMask has the bits of the range in its first byte, tailMask those in its last byte.
func headMask(r bitRange) byte { return 0xff >> (r.from % 8) }
func tailMask(r bitRange) byte { return 0xff << (7 - r.to%8) }

// findBit is the number of the first bit of a range that equals bit; -1 if there is none.
func findBit(text []byte, bit byte, r bitRange) int64 {
	flip := bit - 1 // for bit 0 the bytes are flipped, so that the search is for 1
	const octets = 0x0101010101010101
	for i := r.from / 8; i <= r.to/8; i++ {
		if i > r.from/8 && i+8 <= r.to/8 && binary.LittleEndian.Uint64(text[i:]) == octets*uint64(flip) {
			i += 7
			continue
		}
		octet := text[i] ^ flip
		if i == r.from/8 {
			octet &= headMask(r)
		}
		if i == r.to/8 {
			octet &= tailMask(r)
		}
		if octet != 0 {
			return i*8 + int64(bits.LeadingZeros8(octet))
		}
	}
	return -1
}
