package shares

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math"
	"reflect"
	"testing"
)

// fullRecord is a record with lines of all kinds.
func fullRecord() record {
	return record{
		node: 1, seat: 2, book: Book{3, 4}, run: 5, since: 6, doubt: true, whole: true,
		past:    past{runs: []run{{7, 8}, {9, 10}}, floor: -11, books: []replaced{{Book{12, 13}, 14}}},
		promise: []Founder{{1, 2, true}, {65535, math.MaxUint64, false}},
		known:   map[uint16]known{2: {Book{15, 16}, run{17, noAge}, true}, 3: {Book{18, 19}, run{20, 21}, false}},
	}
}

// FuzzTheFileOfACouncil reads any text as the file MEMBERS, as it is and with a right checksum. A text that is accepted
// is the text that would be written, and a council can go on with it.
func FuzzTheFileOfACouncil(f *testing.F) {
	r := fullRecord()
	f.Add(r.text())
	r.promise, r.table = nil, &Table{22, []Member{{1, 2, 1}, {2, 23, 4}}}
	f.Add(r.text())
	f.Add([]byte(recordName + "2\n"))
	f.Add([]byte(recordHead + "member 1 1 1\n"))
	f.Fuzz(func(t *testing.T, lines []byte) {
		whole := fmt.Appendf(bytes.Clone(lines), "crc %08x\n", crc32.Checksum(lines, castagnoli))
		for _, text := range [][]byte{lines, whole} {
			r, err := parseRecord(text)
			if err != nil {
				continue
			}
			if written := r.text(); !bytes.Equal(written, text) {
				t.Errorf("%q is taken for %q", text, written)
			}
			c := newCouncil(t, CouncilOptions{Node: r.node, Text: text}, 0)
			c.Connect(r.node + 1)
			c.Tick(1, 1, nil)
			if len(c.Notice(nil, r.node+1, 1)) > MaxNotice {
				t.Error("the notice is too long")
			}
			if _, err := parseRecord(c.text()); err != nil {
				t.Errorf("after %q it writes %q: %v", text, c.text(), err)
			}
		}
	})
}

// FuzzANotice hears any bytes. Those that are accepted say what would be written, and a council that has heard them
// works on.
func FuzzANotice(f *testing.F) {
	r := fullRecord()
	n := notice{
		age: -1, self: &identity{2, Book{3, 4}, 5, r.past, true, true}, met: []uint16{1, 2, 65535},
		promise: r.promise, turn: 6, withdrawing: true, known: &known{Book{7, 8}, run{9, 10}, true}, echo: 11,
	}
	f.Add(n.append(nil))
	n.promise, n.table = nil, &Table{22, []Member{{1, 2, 1}, {2, 23, 4}}}
	f.Add(n.append(nil))
	f.Add(appendSection(n.append(nil), 99, []byte("of a later release")))
	f.Add((&notice{age: 5}).append(nil))
	f.Fuzz(func(t *testing.T, text []byte) {
		var n, again notice
		if _, err := n.read(text); err != nil {
			return
		}
		if n.self != nil {
			written := n.append(nil)
			if _, err := again.read(written); err != nil || !reflect.DeepEqual(n, again) {
				t.Errorf("%x says %+v; written anew, as %x, it says %+v: %v", text, n, written, again, err)
			}
		}
		c := newCouncil(t, CouncilOptions{Node: 1}, 0)
		c.Connect(2)
		c.Tick(1, 1, nil)
		c.Notice(nil, 2, 1)
		if err := c.Hear(2, text, 2); (err == nil) != (n.self != nil) {
			t.Fatalf("it hears %+v: %v", n, err)
		}
		for now := range int64(3) {
			c.Tick(3+now*saveEvery, 3, nil)
			c.Notice(nil, 2, 3+now*saveEvery)
		}
		if _, err := parseRecord(c.text()); err != nil {
			t.Errorf("after %x it writes %q: %v", text, c.text(), err)
		}
	})
}
