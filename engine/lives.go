package engine

import (
	"slices"

	"github.com/quotadb/quota-db/crdt"
)

// primary is the index of the writer under which this node counts as long as that writer's numbers last.
const primary = 0

const (
	// maxStart is the largest number at which a row may start: most of 64 bits is left to count in.
	maxStart = 1 << 62
	// spareRows is how many rows an entry may have for add to begin another spare life. Only a key that has counted
	// past 2^64 thousands of times gets there.
	spareRows = 4096
)

// lives says under which writers a shard of this node counts, and from which numbers new rows start. Numbers are never
// used again: once a row was dropped, a new row of the same writer starts at the largest number dropped. Nearly always
// the writer is primary. When the numbers of primary are used up, on one key or for the whole shard, counting goes on
// under a spare writer, in ordinary rows.
type lives struct {
	start      uint64   // where new rows of primary start
	spare      uint32   // index of the spare writer in use; 0: none yet
	spares     []uint32 // all spare writers of this run
	spareStart uint64
}

// dropped notes the numbers of a row that is dropped.
func (l *lives) dropped(r crdt.Row) {
	high := max(r.P, r.N)
	switch r.Writer {
	case primary:
		l.start = max(l.start, high)
	case l.spare:
		l.spareStart = max(l.spareStart, high)
	}
}

// droppedAll notes the numbers of all rows of a record that is dropped.
func (s *shard) droppedAll(rec record) {
	rec.unpack(&s.taken)
	for _, row := range s.taken.Rows {
		s.lives.dropped(row)
	}
}

// Start is a number at or above all that this life has used on dropped keys. The next run passes it as Options.Start if
// the life goes on.
func (db *DB) Start() uint64 {
	start := uint64(0)
	db.All(Moment{}).each(func(s *shard) { start = max(start, s.lives.start) })
	return start
}

// rowFor returns a row of e that can count delta, and adds one if need be; nil if the entry has too many rows. fresh
// makes a new writer.
func (l *lives) rowFor(e *crdt.Entry, delta int64, fresh func() uint32) *crdt.Row {
	if r := ownRow(e, primary, l.start); r != nil && r.Fits(delta) {
		return r
	}
	if l.spare != 0 {
		if r := ownRow(e, l.spare, l.spareStart); r != nil && r.Fits(delta) {
			return r
		}
	}
	if len(e.Rows) >= spareRows {
		return nil
	}
	l.spare, l.spareStart = fresh(), 0
	l.spares = append(l.spares, l.spare)
	return ownRow(e, l.spare, 0)
}

// ownRow is the row of a writer in e. If there is none it adds one that starts at start; nil if start is too large for
// a new row, or the entry has too many rows.
func ownRow(e *crdt.Entry, writer uint32, start uint64) *crdt.Row {
	if r := e.Row(writer); r != nil {
		level(r)
		return r
	}
	if start > maxStart || len(e.Rows) >= crdt.MaxRows {
		return nil
	}
	e.Rows = append(e.Rows, crdt.Row{Writer: writer, P: start, N: start, FP: start, FN: start})
	return &e.Rows[len(e.Rows)-1]
}

// level gives a row whose P and N are at different floors one common number, the largest, as a new row would have: such
// a row is compact. Only the row's own writer may do that.
func level(r *crdt.Row) {
	if high := max(r.P, r.N); r.AtFloor() && r.P != r.N && high <= maxStart {
		r.P, r.N, r.FP, r.FN = high, high, high, high
	}
}

// levelOwn levels the own row, which a write of this node has just brought to its floors: a level row is one number in
// a record, a row with two floors is four.
func levelOwn(e *crdt.Entry) {
	if r := e.Row(primary); r != nil {
		level(r)
	}
}

// owns reports whether a writer is this node in this run.
func (l *lives) owns(writer uint32) bool {
	return writer == primary || slices.Contains(l.spares, writer)
}
