package shares

import (
	"encoding/binary"
	"math"
)

// noticeReader reads bytes. After a failure it returns zeros.
type noticeReader struct {
	rest   []byte
	failed bool
}

func (r *noticeReader) fail() {
	r.rest, r.failed = nil, true
}

func (r *noticeReader) uvarint() uint64 {
	x, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *noticeReader) varint() int64 {
	x, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

// atMost is a varint up to a limit.
func (r *noticeReader) atMost(limit uint64) uint64 {
	x := r.uvarint()
	if x > limit {
		r.fail()
		return 0
	}
	return x
}

func (r *noticeReader) uint64() uint64 {
	if len(r.rest) < 8 {
		r.fail()
		return 0
	}
	x := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return x
}

func (r *noticeReader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *noticeReader) section() *noticeReader {
	n := r.atMost(uint64(MaxNotice))
	if n > uint64(len(r.rest)) {
		r.fail()
		return &noticeReader{failed: true}
	}
	s := &noticeReader{rest: r.rest[:n]}
	r.rest = r.rest[n:]
	return s
}

func (r *noticeReader) book() Book { return Book{r.atMost(maxBookNumber), r.uint64()} }

func (r *noticeReader) identity() *identity {
	of := &identity{seat: r.uint64(), book: r.book(), run: r.uint64()}
	b := r.byte()
	of.whole, of.doubt = b&flagWhole != 0, b&flagDoubt != 0
	for range r.atMost(maxBooks) {
		of.past.books = append(of.past.books, replaced{r.book(), r.varint()})
	}
	of.past.floor = r.varint()
	for len(r.rest) > 0 {
		if len(of.past.runs) == maxRuns {
			r.fail()
			return nil
		}
		of.past.runs = append(of.past.runs, r.run())
	}
	return of
}

func (r *noticeReader) run() run { return run{r.uint64(), r.varint()} }

// node is a node id that is larger than the last one of a list.
func (r *noticeReader) node(last int) uint16 {
	node := r.atMost(math.MaxUint16)
	if int(node) <= last {
		r.fail()
	}
	return uint16(node)
}

func (r *noticeReader) nodes() (nodes []uint16) {
	last := -1
	for len(r.rest) > 0 {
		if len(nodes) > MaxMembers { // one more says that there are too many
			r.fail()
			return nil
		}
		node := r.node(last)
		last = int(node)
		nodes = append(nodes, node)
	}
	return nodes
}

func (r *noticeReader) founders() (set []Founder) {
	last := -1
	for len(r.rest) > 0 {
		if len(set) == MaxMembers {
			r.fail()
			return nil
		}
		f := Founder{Node: r.node(last), Seat: r.uint64(), Whole: r.byte()&1 != 0}
		last = int(f.Node)
		set = append(set, f)
	}
	return set
}

func (r *noticeReader) table() *Table {
	if len(r.rest) == 0 {
		return nil
	}
	t := &Table{Seed: r.uint64()}
	last := -1
	for len(r.rest) > 0 {
		if len(t.Members) == MaxMembers {
			r.fail()
			return nil
		}
		m := Member{Node: r.node(last), Seat: r.uint64(), Since: uint32(r.atMost(math.MaxUint32))}
		last = int(m.Node)
		t.Members = append(t.Members, m)
	}
	if !t.isValid() {
		r.fail()
	}
	return t
}

// isValid reports whether the members of a table that was read are in order, and their ranks differ.
func (t *Table) isValid() bool {
	seats := map[uint64]bool{}
	for i, m := range t.Members {
		seats[m.Seat] = true
		if i > 0 && m.Node <= t.Members[i-1].Node {
			return false
		}
	}
	return len(t.Members) > 0 && len(t.Members) <= MaxMembers && len(seats) == len(t.Members)
}

func (r *noticeReader) known() *known {
	if len(r.rest) == 0 {
		return nil
	}
	return &known{book: r.book(), run: r.run(), later: r.byte()&1 != 0}
}
