package command

import (
	"slices"

	"github.com/quotadb/quota-db/resp"
)

// maxLCSPairs is how many pairs of bytes LCS compares at most: 32 MiB and some 50 ms. Redis goes to eight times as many.
const maxLCSPairs = 1 << 24

// lcsOptions are the options of LCS.
type lcsOptions struct {
	length, indexes, withLength bool
	least                       int64 // shortest run of IDX
}

// parseLCS reads the options; false after answering an error.
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
	if (len(a)+1)*(len(b)+1) > maxLCSPairs {
		c.fail(errLCSSize)
		return
	}
	t := compareTexts(a, b)
	switch {
	case o.length:
		c.integer(int64(t.at(len(a), len(b))))
	case o.indexes:
		c.commonRuns(t, o)
	default:
		c.out = resp.AppendBulk(c.out, t.common())
	}
}

// commonRuns answers where the runs are that the longest common subsequence is made of, the last one first.
func (c *call) commonRuns(t *lcsTable, o lcsOptions) {
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
	c.integer(int64(t.at(len(t.a), len(t.b))))
}

// lcsTable has the length of the longest common subsequence of each two beginnings of two texts (Wagner and Fischer,
// "The String-to-String Correction Problem", 1974). The shorter text has below 2^12 bytes, so a length fits 16 bits.
type lcsTable struct {
	a, b    []byte
	lengths []uint16 // of a[:i] and b[:j] at i*(len(b)+1)+j
}

func compareTexts(a, b []byte) *lcsTable {
	width := len(b) + 1
	t := &lcsTable{a, b, make([]uint16, (len(a)+1)*width)}
	for i, x := range a {
		above, row := t.lengths[i*width:][:width], t.lengths[(i+1)*width:][:width]
		for j, y := range b {
			if x == y {
				row[j+1] = above[j] + 1
			} else {
				row[j+1] = max(above[j+1], row[j])
			}
		}
	}
	return t
}

// at is the length for the beginnings a[:i] and b[:j].
func (t *lcsTable) at(i, j int) int { return int(t.lengths[i*(len(t.b)+1)+j]) }

// run is a piece that both texts have, at a in the one and at b in the other.
type run struct{ a, b, length int }

// runs are the pieces that the subsequence consists of, found from the end. Of several subsequences it is the one that Redis finds.
func (t *lcsTable) runs() []run {
	var found []run
	for i, j := len(t.a), len(t.b); i > 0 && j > 0; {
		n := 0
		for ; n < min(i, j) && t.a[i-1-n] == t.b[j-1-n]; n++ {
		}
		switch {
		case n > 0:
			i, j = i-n, j-n
			found = append(found, run{i, j, n})
		case t.at(i-1, j) > t.at(i, j-1):
			i--
		default:
			j--
		}
	}
	return found
}

// common is the longest common subsequence.
func (t *lcsTable) common() []byte {
	var text []byte
	for _, r := range slices.Backward(t.runs()) {
		text = append(text, t.a[r.a:][:r.length]...)
	}
	return text
}
