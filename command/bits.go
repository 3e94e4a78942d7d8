package command

import (
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// bitCommands are the commands on bits of a value.
func bitCommands() []*row {
	return inGroup([]*row{
		{name: "setbit", arity: 4, flags: write | denyOOM, keys: oneKey(changes), since: "2.2.0", handler: setBit,
			usage: "key offset:integer value", complexity: constantTime,
			summary: "Set one bit of a value and return the old bit"},
		{name: "getbit", arity: 3, flags: readonly | fast, keys: oneKey(reads), since: "2.2.0", handler: getBit,
			usage: "key offset:integer", complexity: constantTime, summary: "Get one bit of a value"},
		{name: "bitcount", arity: -2, flags: readonly, keys: oneKey(reads), since: "2.6.0", handler: bitCount,
			usage: "key [start:integer end:integer [BYTE | BIT]]", complexity: "O(N) in the bytes of the range",
			summary: "Count the bits of a value that are 1"},
		{name: "bitpos", arity: -3, flags: readonly, keys: oneKey(reads), since: "2.8.7", handler: bitPos,
			usage:      "key bit:integer [start:integer [end:integer [BYTE | BIT]]]",
			complexity: "O(N) in the bytes of the range", summary: "Find the first bit of a value that is 1, or 0"},
	}, ofBitmaps, aclBitmap)
}

// Bit 0 of a value is the highest bit of its first byte.

// bitOffset reads the number of a bit; false after replying with an error.
func (c *call) bitOffset(arg []byte) (offset int64, ok bool) {
	offset, ok = resp.ParseInt(arg)
	if !ok || offset < 0 || offset/8 >= int64(c.server.Limits().MaxBulkBytes) {
		c.fail(errBitOffset)
		return 0, false
	}
	return offset, true
}

// bitAt is one bit of a text; 0 after the end of the text.
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

// setBit is SETBIT key offset bit. If the bit already has this value, nothing changes, unless the value must grow.
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
	if v.Type == engine.Quota {
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
		if !c.patch(v, at, []byte{octet&^mask | byte(bit)*mask}) {
			return
		}
	}
	c.integer(int64(old))
}

// isUnitBits reports whether a word is BIT, and not BYTE; ok is false after replying with an error.
func (c *call) isUnitBits(word []byte) (asBits, ok bool) {
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
	first, last, asBits, ok := int64(0), int64(-1), false, true
	switch n := len(c.args); {
	case v.Type == engine.None: // whatever the arguments are
	case n == 3 || n > 5:
		c.fail(errSyntax)
		return
	case n > 3:
		if !c.integers(2, &first, &last) {
			return
		}
		if isBackwards(first, last) { // in both units
			c.integer(0)
			return
		}
		if n == 5 {
			if asBits, ok = c.isUnitBits(c.args[4]); !ok {
				return
			}
		}
	}
	r, ok := inBits(first, last, len(text), asBits)
	if !ok {
		c.integer(0)
		return
	}
	c.integer(countBits(text, r))
}

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
	last, asBits, ok := int64(-1), false, true
	switch n := len(c.args); {
	case v.Type == engine.None: // whatever the arguments are
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
			if asBits, ok = c.isUnitBits(c.args[5]); !ok {
				return
			}
		}
		if n > 4 && !c.integers(4, &last) {
			return
		}
	}
	r, ok := inBits(first, last, len(text), asBits)
	if !ok {
		c.integer(-1)
		return
	}
	at := findBit(text, byte(bit), r)
	if at < 0 && bit == 0 && len(c.args) < 5 {
		at = int64(len(text)) * 8 // without an end in the arguments, zeros follow the value
	}
	c.integer(at)
}
