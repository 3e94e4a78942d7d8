package command

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/quotadb/quota-db/manual"
)

// table finds rows by name, ignoring case: a hash table with open addressing over folded names, at most a quarter full.
// A lookup costs about 4 ns and no allocation (BenchmarkTableFind).
type table struct {
	slots []slot // a power of two
	rows  []*row // by id, subcommands after their container
	top   []*row // without subcommands, in the order of the source
}

type slot struct {
	name folded
	row  *row
}

// folded is a command's name in lower case, in two 64-bit words; the last byte is its length. Two names are the same
// command if and only if their folded values are equal.
type folded struct{ low, high uint64 }

// maxNameBytes is the longest name that can be folded. A longer name is no command.
const maxNameBytes = 15

// fold folds a name of 1 to maxNameBytes bytes. For any other name it returns the zero folded, which no command has.
func fold(name []byte) folded {
	var f folded
	switch n := len(name); {
	case n > maxNameBytes || n == 0:
		return f
	case n >= 8:
		f.low = lower(binary.LittleEndian.Uint64(name))
		f.high = lower(binary.LittleEndian.Uint64(name[n-8:]) >> (8 * (16 - n)))
	case n >= 4:
		f.low = lower(uint64(binary.LittleEndian.Uint32(name)) |
			uint64(binary.LittleEndian.Uint32(name[n-4:]))<<(8*(n-4)))
	default:
		f.low = lower(uint64(name[0]) | uint64(name[n/2])<<(8*(n/2)) | uint64(name[n-1])<<(8*(n-1)))
	}
	f.high |= uint64(len(name)) << 56
	return f
}

// lower turns the ASCII capitals among eight bytes into small letters. Two sums set the top bit of each byte: the first
// if its low seven bits are at least 'A', the second if they are above 'Z'. If the two differ, and the byte is ASCII,
// the byte is a capital.
func lower(w uint64) uint64 {
	const each = 0x0101010101010101
	low := w & (0x7f * each)
	fromA := low + (0x80-'A')*each
	aboveZ := low + (0x7f-'Z')*each
	capital := (fromA ^ aboveZ) &^ w & (0x80 * each)
	return w | capital>>2
}

func (f folded) hash() uint64 {
	return (f.low ^ bits.RotateLeft64(f.high, 23)) * 0x9e3779b97f4a7c15 >> 32
}

// newTable completes the rows and makes a table of them.
func newTable(rows []*row) *table {
	t := &table{slots: make([]slot, 1<<bits.Len(uint(4*len(rows)))), top: rows}
	for _, r := range rows {
		r.full = r.name
		t.complete(r)
		for _, sub := range r.subs {
			sub.full = r.name + "|" + sub.name
			sub.group = r.group
			t.complete(sub)
		}
		f := fold([]byte(r.name))
		if f == (folded{}) || r.name != strings.ToLower(r.name) {
			panic("command: not a name for a row: " + r.name)
		}
		i := t.slot(f)
		if t.slots[i].row != nil {
			panic("command: two rows have the name " + r.name)
		}
		t.slots[i] = slot{f, r}
	}
	return t
}

func (t *table) complete(r *row) {
	r.id = len(t.rows)
	r.lock = r.keys.locking()
	r.need, r.needThen = needOf(r.keys.use), needOf(r.keys.then)
	arguments, err := manual.Parse(r.usage)
	if err != nil {
		panic("command: " + r.full + ": " + err.Error())
	}
	r.arguments = arguments
	r.variable = strings.Contains(r.keys.use, "variable_flags")
	t.rows = append(t.rows, r)
}

// names are the full names of the rows, by id.
func (t *table) names() []string {
	names := make([]string, len(t.rows))
	for id, r := range t.rows {
		names[id] = r.full
	}
	return names
}

// slot is the index of the slot with a folded name, or of the free slot where the name would be.
func (t *table) slot(f folded) uint64 {
	mask := uint64(len(t.slots) - 1)
	i := f.hash() & mask
	for t.slots[i].row != nil && t.slots[i].name != f {
		i = (i + 1) & mask
	}
	return i
}

// find is the row of the command with a name; nil if there is none.
func (t *table) find(name []byte) *row { return t.slots[t.slot(fold(name))].row }

// findSub is the row of the subcommand with a name; nil if there is none.
func (r *row) findSub(name []byte) *row {
	for _, sub := range r.subs {
		if is(name, sub.name) {
			return sub
		}
	}
	return nil
}

// findFull is the row with a full name such as "get" or "config|get"; nil if there is none.
func (t *table) findFull(name []byte) *row {
	if i := strings.IndexByte(string(name), '|'); i >= 0 {
		if r := t.find(name[:i]); r != nil {
			return r.findSub(name[i+1:])
		}
		return nil
	}
	return t.find(name)
}

// is compares an argument with a word in lower case, ignoring the case of ASCII letters.
func is(arg []byte, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i, b := range arg {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != word[i] {
			return false
		}
	}
	return true
}
