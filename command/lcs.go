package command

import (
	"slices"
)

// lcsCommands is LCS.
func lcsCommands() []*row {
	return inGroup([]*row{
		{name: "lcs", arity: -3, flags: readonly, keys: twoKeys(reads), since: "7.0.0", handler: lcs,
			usage:      "key1:key key2:key [LEN] [IDX] [MINMATCHLEN len:integer] [WITHMATCHLEN]",
			complexity: "O(N*M) in the bytes of the values",
			summary:    "Find the longest common subsequence of two values"},
	}, ofStrings, aclString)
}

// maxLCSPairs is how many pairs of bytes LCS compares at most. That needs 32 MiB and some milliseconds. Redis has about
// the same limit: it needs 4 bytes for each pair, up to proto-max-bulk-len in all. A second text below 64 bytes counts
// as 64, one word of the table.
const maxLCSPairs = 1 << 27

// lcsOptions are the options of LCS.
type lcsOptions struct {
	length, indexes, withLength bool
	least                       int64 // MINMATCHLEN: length of the shortest run that IDX shows
}

// parseLCS reads the options; false after replying with an error.
func (c *call) parseLCS() (o lcsOptions, ok bool) {
	for i := 3; i < len(c.args); i++ {
		switch arg := c.args[i]; {
		case is(arg, "len"):
			o.length = true
		case is(arg, "idx"):
			o.indexes = true
		case is(arg, "withmatchlen"):
			o.withLength = true
		case is(arg, "minmatchlen") && i+1 < len(c.args):
			i++
			if !c.integers(i, &o.least) {
				return o, false
			}
		default:
			c.fail(errSyntax)
			return o, false
		}
	}
	if o.length && o.indexes {
		c.fail(errLCSBoth)
		return o, false
	}
	return o, true
}

// lcs is LCS key key [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN].
func lcs(c *call) {
	var rooms [2][maxDigits]byte
	a, b := textOf(c.read(c.keys[0]), &rooms[0]), textOf(c.read(c.keys[1]), &rooms[1])
	o, ok := c.parseLCS()
	if !ok {
		return
	}
	if (len(a)+1)*max(len(b)+1, 64) > maxLCSPairs {
		c.fail(errLCSSize)
		return
	}
	t := compareTexts(a, b)
	switch {
	case o.length:
		c.integer(t.length())
	case o.indexes:
		c.commonRuns(t, o)
	default:
		c.bulkBytes(t.common())
	}
}

// commonRuns replies with the places of the runs of the longest common subsequence, the last run first.
func (c *call) commonRuns(t *comparison, o lcsOptions) {
	runs := slices.DeleteFunc(t.runs(), func(r run) bool { return int64(r.length) < o.least })
	c.pairs(2)
	c.bulk("matches")
	c.array(len(runs))
	for _, r := range runs {
		if o.withLength {
			c.array(3)
		} else {
			c.array(2)
		}
		for _, first := range []int{r.a, r.b} {
			c.array(2)
			c.integer(int64(first))
			c.integer(int64(first + r.length - 1))
		}
		if o.withLength {
			c.integer(int64(r.length))
		}
	}
	c.bulk("len")
	c.integer(t.length())
}
