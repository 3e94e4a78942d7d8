package shares

import (
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// record is what a council keeps on disk. As text:
//
//	quotadb-members 1
//	node 1
//	seat 8f3a93c1d2e4b5a6
//	book 2 5d4c3b2a19087f6e          number and id
//	before 1 e07fc2a91b3d5864 17643  each book before it, and the moment at which it was replaced
//	run 9b1c77d0e4a2f653             number of this start
//	floor 0                          how far the last start had written that ended and has no line "ran"
//	ran 41d07be3925fc8aa 17641       starts before: number, and how far the directory was written at the end
//	since 17643                      from when on it knows what it has used; 0: from the founding on
//	doubt                            if it may have missed a part of its history
//	whole                            if it uses whole quotas until the founding
//	promise 2 5f2493514899e3ad       nodes that it has promised to found the cluster with: id and seat
//	promise 3 0c8a7d1e55b94f23 whole
//	table 77d1c0e45a8b9f30           if the cluster is founded: seed
//	member 1 8f3a93c1d2e4b5a6 1      members: node id, seat, number of the table in which it came in
//	peer 2 1 3c0f5a9e77d1b284 6d4821ff7e03a95c 17642
//	crc 1a2b3c4d                     CRC-32C of the lines before
//
// Moments are nanoseconds; they have more digits than shown. A line peer has the node id of another node, number and id
// of its book, the number of its last start that was heard, and how far that had written. The word later is at its end
// if the directory did not know of all that it had told before.
type record struct {
	node    uint16
	seat    uint64
	book    Book
	run     uint64 // random number of this start
	past    past
	since   int64
	doubt   bool
	whole   bool
	promise []Founder
	table   *Table
	known   map[uint16]known
}

const (
	recordName = "quotadb-members "
	recordHead = recordName + "1\n"
)

var errRecord = errors.New("the file MEMBERS of the data directory is damaged: it is not as this program has written it; " +
	"put back an undamaged one of this directory, or start the node with an empty data directory, which the other nodes fill")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (r *record) text() []byte {
	b := fmt.Appendf(nil, recordHead+"node %d\nseat %016x\nbook %d %016x\n", r.node, r.seat, r.book.Number, r.book.ID)
	for _, old := range r.past.books {
		b = fmt.Appendf(b, "before %d %016x %d\n", old.book.Number, old.book.ID, old.at)
	}
	b = fmt.Appendf(b, "run %016x\nfloor %d\n", r.run, r.past.floor)
	for _, ran := range r.past.runs {
		b = fmt.Appendf(b, "ran %016x %d\n", ran.id, ran.age)
	}
	b = fmt.Appendf(b, "since %d\n", r.since)
	if r.doubt {
		b = append(b, "doubt\n"...)
	}
	if r.whole {
		b = append(b, "whole\n"...)
	}
	for _, f := range r.promise {
		b = fmt.Appendf(b, "promise %d %016x", f.Node, f.Seat)
		if f.Whole {
			b = append(b, " whole"...)
		}
		b = append(b, '\n')
	}
	if r.table != nil {
		b = fmt.Appendf(b, "table %016x\n", r.table.Seed)
		for _, m := range r.table.Members {
			b = fmt.Appendf(b, "member %d %016x %d\n", m.Node, m.Seat, m.Since)
		}
	}
	for _, node := range slices.Sorted(maps.Keys(r.known)) {
		k := r.known[node]
		b = fmt.Appendf(b, "peer %d %d %016x %016x %d", node, k.book.Number, k.book.ID, k.run.id, k.run.age)
		if k.later {
			b = append(b, " later"...)
		}
		b = append(b, '\n')
	}
	return fmt.Appendf(b, "crc %08x\n", crc32.Checksum(b, castagnoli))
}

// parseRecord reads what text has made.
func parseRecord(text []byte) (record, error) {
	if !strings.HasPrefix(string(text), recordHead) {
		line, _, _ := strings.Cut(string(text), "\n")
		if format, ok := strings.CutPrefix(line, recordName); ok && len(line) < 80 {
			return record{}, fmt.Errorf("the file MEMBERS of the data directory has the format %q of a later release: start that release", format)
		}
		return record{}, errRecord
	}
	r := record{known: map[uint16]known{}}
	for line := range strings.Lines(string(text)) {
		r.parseLine(strings.Fields(line))
	}
	if !r.isValid() || string(r.text()) != string(text) {
		return record{}, errRecord
	}
	return r, nil
}

// isValid reports whether a council can have written the record.
func (r *record) isValid() bool {
	for i := range r.promise {
		if i > 0 && r.promise[i].Node <= r.promise[i-1].Node {
			return false
		}
	}
	return len(r.promise) <= MaxMembers && len(r.past.runs) <= maxRuns && len(r.past.books) <= maxBooks &&
		len(r.known) <= maxKnown && r.book.Number <= maxBookNumber+1 &&
		(r.table == nil || r.table.isValid() && r.promise == nil)
}

// parseLine reads what it knows from a line. parseRecord compares the whole text, so parseLine reports no errors.
func (r *record) parseLine(f []string) {
	field := func(i int) string {
		if i < len(f) {
			return f[i]
		}
		return ""
	}
	node := func(i int) uint16 {
		n, _ := strconv.ParseUint(field(i), 10, 16)
		return uint16(n)
	}
	id := func(i int) uint64 {
		n, _ := strconv.ParseUint(field(i), 16, 64)
		return n
	}
	moment := func(i int) int64 {
		n, _ := strconv.ParseInt(field(i), 10, 64)
		return n
	}
	book := func(i int) Book {
		n, _ := strconv.ParseUint(field(i), 10, 64)
		return Book{n, id(i + 1)}
	}
	switch field(0) {
	case "node":
		r.node = node(1)
	case "seat":
		r.seat = id(1)
	case "book":
		r.book = book(1)
	case "before":
		r.past.books = append(r.past.books, replaced{book(1), moment(3)})
	case "run":
		r.run = id(1)
	case "floor":
		r.past.floor = moment(1)
	case "ran":
		r.past.runs = append(r.past.runs, run{id(1), moment(2)})
	case "since":
		r.since = moment(1)
	case "doubt":
		r.doubt = true
	case "whole":
		r.whole = true
	case "promise":
		r.promise = append(r.promise, Founder{node(1), id(2), field(3) == "whole"})
	case "table":
		r.table = &Table{Seed: id(1)}
	case "member":
		if r.table != nil {
			since, _ := strconv.ParseUint(field(3), 10, 32)
			r.table.Members = append(r.table.Members, Member{node(1), id(2), uint32(since)})
		}
	case "peer":
		r.known[node(1)] = known{book(2), run{id(4), moment(5)}, field(6) == "later"}
	}
}
