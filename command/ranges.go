package command

import (
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// rangeCommands are the commands on a part of a value.
func rangeCommands() []*row {
	return inGroup([]*row{
		{name: "getrange", arity: 4, flags: readonly, keys: oneKey(reads), since: "2.4.0", handler: getRange,
			usage: "key start:integer end:integer", complexity: "O(N) in the bytes that are answered",
			summary: "Get the bytes of a value between two positions"},
		{name: "substr", arity: 4, flags: readonly, keys: oneKey(reads), since: "1.0.0", handler: getRange,
			usage: "key start:integer end:integer", complexity: "O(N) in the bytes that are answered",
			deprecated: deprecation{"2.0.0", "`GETRANGE`"}, summary: "The old name of GETRANGE"},
		{name: "setrange", arity: 4, flags: write | denyOOM, keys: oneKey(touches), since: "2.2.0", handler: setRange,
			usage:      "key offset:integer value",
			complexity: "O(1) within a long value, O(N) in its bytes where it grows",
			summary:    "Overwrite a part of a value"},
		{name: "append", arity: 3, flags: write | denyOOM | fast, keys: oneKey("RW insert"), since: "2.0.0", handler: appendTo,
			usage: "key value", complexity: "O(N) in the bytes of the value", summary: "Append bytes to a value"},
	}, ofStrings, aclString)
}

// isBackwards reports whether both positions count from the end, and the last is before the first. For GETRANGE and
// BITCOUNT such a range is empty. BITPOS cuts the range to the value first; so if both positions are before the first
// byte, its range is that byte.
func isBackwards(first, last int64) bool { return last < first && first < 0 }

// span cuts a range of positions to a value of n elements. Negative positions count from the end. ok is false if the
// range is empty.
func span(first, last, n int64) (from, to int64, ok bool) {
	if first < 0 {
		first = max(first+n, 0)
	}
	if last < 0 {
		last = max(last+n, 0)
	}
	last = min(last, n-1)
	return first, last, first <= last
}

// integers reads the arguments from position i into the variables; false after replying with an error.
func (c *call) integers(i int, into ...*int64) bool {
	for _, n := range into {
		var ok bool
		if *n, ok = resp.ParseInt(c.args[i]); !ok {
			c.fail(errNotInteger)
			return false
		}
		i++
	}
	return true
}

// getRange is GETRANGE and SUBSTR.
func getRange(c *call) {
	var first, last int64
	if !c.integers(2, &first, &last) {
		return
	}
	var room [maxDigits]byte
	text := textOf(c.read(c.key), &room)
	from, to, ok := span(first, last, int64(len(text)))
	if !ok || isBackwards(first, last) {
		c.bulk("")
		return
	}
	c.bulkBytes(text[from : to+1])
}

// setRange is SETRANGE key offset value.
func setRange(c *call) {
	var offset int64
	if !c.integers(2, &offset) {
		return
	}
	if offset < 0 {
		c.fail(errOffset)
		return
	}
	v, data := c.tx.Get(c.key), c.args[3]
	size := length(v)
	switch {
	case v.Type == engine.Quota:
		c.fail(errQuota)
	case len(data) == 0:
		c.integer(int64(size))
	case c.hasRoom(offset, len(data)) && c.patch(v, int(offset), data):
		c.integer(max(int64(size), offset+int64(len(data))))
	}
}

// appendTo is APPEND. On a missing key it works as SET; an empty value creates the key too.
func appendTo(c *call) {
	v, data := c.tx.Get(c.key), c.args[2]
	size := length(v)
	switch {
	case v.Type == engine.Quota:
		c.fail(errQuota)
	case !c.hasRoom(int64(size), len(data)):
	case len(data) == 0 && v.Type != engine.None:
		c.tx.Touch(c.key) // nothing changes, but WATCH notices it, as in Redis
		c.integer(int64(size))
	case c.patch(v, size, data):
		c.integer(int64(size + len(data)))
	}
}

// hasRoom reports whether a value may have size bytes after an offset; false after replying with an error.
func (c *call) hasRoom(offset int64, size int) bool {
	if offset > int64(c.server.Limits().MaxBulkBytes-size) {
		c.fail(errStringSize)
		return false
	}
	return true
}

// patch writes data over the text of v, the value of the key, from position at. If the text ends before at, zeros fill
// the gap. The deadline stays. If the new text is that of an integer, the value is an integer, as with SET. A long
// value is changed in place. False after replying with an error.
func (c *call) patch(v engine.Value, at int, data []byte) bool {
	var room [maxDigits]byte
	text := textOf(v, &room)
	size := max(len(text), at+len(data))
	if v.Type == engine.String && size == len(text) && size > maxDigits {
		c.tx.Overwrite(c.key, at, data)
		return true
	}
	patched := make([]byte, size)
	copy(patched, text)
	copy(patched[at:], data)
	return c.put(c.key, stored(patched), true, c.mark())
}
