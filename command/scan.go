package command

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/glob"
	"github.com/quotadb/quota-db/resp"
)

// scanCommands are KEYS and SCAN. The handler of KEYS is in keys_command.go.
func scanCommands() []*row {
	return inGroup([]*row{
		{name: "keys", arity: 2, flags: readonly | wholeKeyspace, acl: aclDangerous, since: "1.0.0", tips: []string{allShards, noFixedOrder}, handler: listKeys,
			usage: "pattern", complexity: "O(N) in the number of all keys",
			summary: "List all keys that match a pattern"},
		{name: "scan", arity: -2, flags: readonly | wholeKeyspace, since: "2.8.0", tips: []string{noFixedOutput, "request_policy:special"}, handler: scan,
			usage:      "cursor:integer [MATCH pattern] [COUNT count:integer] [TYPE type]",
			complexity: "O(1) for a call that counts 1, O(N) for all of them, in the number of all keys",
			summary:    "List some keys, and return the cursor for the next call"},
	}, ofKeys, aclKeyspace)
}

const (
	defaultScanCount = 10
	// maxScanCount bounds how many keys one call of SCAN visits, whatever COUNT says: COUNT is only a hint.
	maxScanCount = 1 << 20
	// keptNameBytes is the largest buffer of names that an executor keeps.
	keptNameBytes = 1 << 20
)

// filter selects the keys of SCAN and KEYS.
type filter struct {
	pattern  *glob.Pattern // nil: every name matches, also the empty name, which the pattern * does not match
	budget   glob.Budget   // bounds the work of matching
	typeName []byte
}

func (f *filter) match(name []byte, v engine.Value) bool {
	return (f.pattern == nil || !f.budget.Exceeded() && f.pattern.Match(name, &f.budget)) && (f.typeName == nil || is(f.typeName, typeName(v)))
}

// setPattern selects only names that match.
func (f *filter) setPattern(pattern []byte) {
	if f.pattern = nil; !isStar(pattern) {
		f.pattern, f.budget = glob.Compile(pattern), glob.NewBudget()
	}
}

func isStar(pattern []byte) bool { return len(pattern) == 1 && pattern[0] == '*' }

// scan is SCAN. A cursor is a place in the order of hashes, where the next call continues. engine.DB.Scan says what a
// whole scan promises.
func scan(c *call) {
	cursor, ok := parseCursor(c.args[1])
	if !ok {
		c.fail(errCursor)
		return
	}
	f, count, problem := parseScan(c.args[2:])
	if problem != "" {
		c.fail(problem)
		return
	}
	names, n := c.x.names[:0], 0
	next := c.all().Scan(cursor, count, func(name []byte, v engine.Value) {
		if f.match(name, v) {
			names = appendName(names, name)
			n++
		}
	})
	if f.budget.Exceeded() {
		c.fail(errPattern)
		return
	}
	c.array(2)
	c.cursor(next)
	c.answerNames(names, n)
}

// parseScan reads the options of SCAN. problem is the error reply, or empty.
func parseScan(args [][]byte) (f filter, count int, problem string) {
	count = defaultScanCount
	for ; len(args) > 0; args = args[2:] {
		if len(args) < 2 {
			return f, 0, errSyntax
		}
		switch value := args[1]; {
		case is(args[0], "count"):
			n, ok := resp.ParseInt(value)
			if !ok {
				return f, 0, errNotInteger
			}
			if n < 1 {
				return f, 0, errSyntax
			}
			count = int(min(n, maxScanCount))
		case is(args[0], "match"):
			f.setPattern(value)
		case is(args[0], "type"):
			f.typeName = value
		default:
			return f, 0, errSyntax
		}
	}
	return f, count, ""
}

// appendName appends a name, preceded by its length.
func appendName(names, name []byte) []byte {
	names = binary.AppendUvarint(names, uint64(len(name)))
	return append(names, name...)
}

// nextName splits names, which appendName has collected, into the first name and the rest.
func nextName(names []byte) (name, rest []byte) {
	size, used := binary.Uvarint(names)
	return names[used:][:size], names[used+int(size):]
}

// answerNames replies with n names that appendName has collected.
func (c *call) answerNames(names []byte, n int) {
	c.x.keepNames(names)
	c.array(n)
	for len(names) > 0 {
		var name []byte
		name, names = nextName(names)
		c.bulkBytes(name)
	}
}

// keepNames keeps the buffer for the next command, unless the buffer has grown large.
func (x *Executor) keepNames(names []byte) {
	if x.names = names[:0]; cap(names) > keptNameBytes {
		x.names = nil
	}
}

// parseCursor reads a cursor as Redis does with C's strtoul: a sign is allowed, the empty text is zero, and a zero byte
// ends the text.
func parseCursor(text []byte) (cursor uint64, ok bool) {
	if i := bytes.IndexByte(text, 0); i >= 0 {
		text = text[:i]
	}
	if len(text) == 0 {
		return 0, true
	}
	digits, negative := text, text[0] == '-'
	if negative || text[0] == '+' {
		digits = text[1:]
	}
	if len(digits) == 0 {
		return 0, false
	}
	for _, b := range digits {
		d := uint64(b - '0')
		if d > 9 || cursor > math.MaxUint64/10 || cursor*10 > math.MaxUint64-d {
			return 0, false
		}
		cursor = cursor*10 + d
	}
	if negative {
		cursor = -cursor
	}
	return cursor, true
}

// cursor replies with a cursor as a bulk string.
func (c *call) cursor(cursor uint64) {
	var digits [20]byte
	c.bulkBytes(strconv.AppendUint(digits[:0], cursor, 10))
}
