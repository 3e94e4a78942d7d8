package command

import (
	"encoding/binary"
	"math/bits"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// The bits of a value are numbered from the highest one of its first byte on.

// bitOffset reads the number of a bit; false after answering an error.
func (c *call) bitOffset(arg []byte) (offset int64, ok bool) {
	offset, ok = resp.ParseInt(arg)
	if !ok || offset < 0 || offset/8 >= int64(c.server.Limits.MaxBulkBytes) {
		c.fail(errBitOffset)
		return 0, false
	}
	return offset, true
}

// bitAt is one bit of a text, 0 behind its end.
func bitAt(text []byte, offset int64) byte {
	if offset/8 >= int64(len(text)) {
		return 0
	}
	return text[offset/8] >> (7 - offset%8) & 1
}

func getBit(c *call) {
	offset, ok := c.bitOffset(c.args[2])
	if !ok {
		return
	}
	var room [maxDigits]byte
	c.integer(int64(bitAt(textOf(c.read(c.key), &room), offset)))
}

// setBit is SETBIT key offset bit. A bit that is so already changes nothing, unless the value has to become longer.
func setBit(c *call) {
	offset, ok := c.bitOffset(c.args[2])
	if !ok {
		return
	}
	bit, ok := resp.ParseInt(c.args[3])
	if !ok || bit&^1 != 0 {
		c.fail(errBitValue)
		return
	}
	v := c.tx.Get(c.key)
	if v.Kind == engine.Quota {
		c.fail(errQuota)
		return
	}
	var room [maxDigits]byte
	text, at := textOf(v, &room), int(offset/8)
	old, octet := bitAt(text, offset), byte(0)
	if at < len(text) {
		octet = text[at]
	}
	if at >= len(text) || old != byte(bit) {
		mask := byte(1) << (7 - offset%8)
		c.patch(v, at, []byte{octet&^mask | byte(bit)*mask})
	}
	c.integer(int64(old))
}

// bitRange is which bits BITCOUNT and BITPOS look at, both ends included.
type bitRange struct{ from, to int64 }

// inBits is the range between two positions in a text, in bits or in bytes; false when nothing is left.
func inBits(first, last int64, size int, unit bool) (r bitRange, ok bool) {
	if unit {
		r.from, r.to, ok = span(first, last, int64(size)*8)
		return r, ok
	}
	from, to, ok := span(first, last, int64(size))
	return bitRange{from * 8, to*8 + 7}, ok
}

// inUnitOfBits reports whether a word says BIT, not BYTE; ok is false after answering an error.
func (c *call) inUnitOfBits(word []byte) (unit, ok bool) {
	if is(word, "bit") || is(word, "byte") {
		return is(word, "bit"), true
	}
	c.fail(errSyntax)
	return false, false
}

// bitCount is BITCOUNT key [start end [BYTE|BIT]].
func bitCount(c *call) {
	var room [maxDigits]byte
	v := c.read(c.key)
	text := textOf(v, &room)
	first, last, unit, ok := int64(0), int64(-1), false, true
	switch n := len(c.args); {
	case v.Kind == engine.None: // whatever the arguments are
	case n == 3 || n > 5:
		c.fail(errSyntax)
		return
	case n > 3:
		if !c.integers(2, &first, &last) {
			return
		}
		if isBackwards(first, last) { // whatever the unit is
			c.integer(0)
			return
		}
		if n == 5 {
			if unit, ok = c.inUnitOfBits(c.args[4]); !ok {
				return
			}
		}
	}
	r, ok := inBits(first, last, len(text), unit)
	if !ok {
		c.integer(0)
		return
	}
	c.integer(countBits(text, r))
}

// countBits is how many bits of a range are 1.
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

// headMask is the bits of the range's first byte that are not in front of it, tailMask those of its last not behind it.
func headMask(r bitRange) byte { return 0xff >> (r.from % 8) }
func tailMask(r bitRange) byte { return 0xff << (7 - r.to%8) }

// bitPos is BITPOS key bit [start [end [BYTE|BIT]]].
func bitPos(c *call) {
	var bit, first int64
	if !c.integers(2, &bit) {
		return
	}
	if bit&^1 != 0 {
		c.fail(errBit)
		return
	}
	var room [maxDigits]byte
	v := c.read(c.key)
	text := textOf(v, &room)
	last, unit, ok := int64(-1), false, true
	switch n := len(c.args); {
	case v.Kind == engine.None: // whatever the arguments are
		c.integer(-bit)
		return
	case n > 6:
		c.fail(errSyntax)
		return
	case n > 3:
		if !c.integers(3, &first) {
			return
		}
		if n == 6 {
			if unit, ok = c.inUnitOfBits(c.args[5]); !ok {
				return
			}
		}
		if n > 4 && !c.integers(4, &last) {
			return
		}
	}
	r, ok := inBits(first, last, len(text), unit)
	if !ok {
		c.integer(-1)
		return
	}
	at := findBit(text, byte(bit), r)
	if at < 0 && bit == 0 && len(c.args) < 5 {
		at = int64(len(text)) * 8 // without an end, zeros follow
	}
	c.integer(at)
}

// findBit is the number of the first bit of a range that has a value, -1 if none has.
func findBit(text []byte, bit byte, r bitRange) int64 {
	flip := bit - 1 // looking for 0 is looking for 1 in what is flipped
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
