package crdt

import (
	"bytes"
	"cmp"
	"slices"
)

// MaxRows is how many rows an entry or a record may have. A row is one life of a node. A key with so many rows refuses
// increments of further lives.
const MaxRows = 1 << 16

// Parts is a set of parts of an entry.
type Parts uint8

const (
	PartRows     Parts = 1 << iota // Entry.Rows
	PartBase                       // Entry.Base
	PartDeadline                   // Entry.Deadline
	PartQuota                      // Entry.Quota
	PartSince                      // Entry.Since
)

// Merged says what a merge did.
type Merged struct {
	Changed Parts // parts of the local entry that changed
	Held    Parts // parts of the remote entry that were left out because their stamp is after the horizon
	Closed  bool  // the local entry was a window that has ended for the remote one, and was closed
	Ahead   bool  // the local entry has something that the remote one, before the merge, lacked
	Full    bool  // remote rows were left out, because the entry would have more than MaxRows
}

// Merge joins remote, another node's state of the same key, into e. Replication and repair both use it. A row becomes
// the maximum of each number, a register the one with the later stamp.
//
// Before that, Merge closes whichever of the two is a window that has ended for the other: see ended. now is the expiry
// clock, unix milliseconds. A part of remote with a stamp after horizon, unix milliseconds, is held back: a wrong clock
// must not win over every later write.
//
// A remote entry may have only some of its rows; then Ahead means little. It must have all registers, or its rows would
// escape their deadline. Merge overwrites remote. e.Base.Bytes may alias remote's memory afterwards. Merge allocates
// only to add rows.
func (e *Entry) Merge(remote *Entry, now, horizon int64) Merged {
	m := Merged{Held: remote.holdBack(horizon)}
	m.closeEnded(e, remote, now)
	m.joinRows(e, remote.Rows)
	m.joinRegisters(e, remote)
	return m
}

// holdBack empties the parts of e whose stamp is after horizon.
func (e *Entry) holdBack(horizon int64) (held Parts) {
	if e.Base.Stamp.Millis() > horizon {
		e.Base = Base{}
		held |= PartBase
	}
	if e.Deadline.Stamp.Millis() > horizon {
		e.Deadline = Deadline{}
		held |= PartDeadline
	}
	if e.Quota.Stamp.Millis() > horizon {
		e.Quota = Quota{}
		held |= PartQuota
	}
	if e.Since > horizon {
		e.Since = 0
		held |= PartSince
	}
	return held
}

// closeEnded closes e and remote until neither of them has ended for the other. To close one may show that the other
// has ended too; each closes at most once.
func (m *Merged) closeEnded(e, remote *Entry, now int64) {
	for range 2 {
		if remote.ended(e, now) {
			remote.Close()
			m.Ahead = true
		}
		if e.ended(remote, now) {
			m.Changed |= e.closeForMerge()
			m.Closed = true
		}
	}
}

// closeForMerge closes e and returns the parts that changed.
func (e *Entry) closeForMerge() Parts {
	changed := PartDeadline
	for i := range e.Rows {
		if !e.Rows[i].AtFloor() {
			changed |= PartRows
		}
	}
	if e.Quota.Capacity != 0 {
		changed |= PartQuota
	}
	base, since := e.Base.Stamp, e.Since
	e.Close()
	if e.Base.Stamp != base {
		changed |= PartBase
	}
	if e.Since != since {
		changed |= PartSince
	}
	return changed
}

// ended reports whether e is a window that has ended for other, so that e's content must not join other's. It has ended
// in three cases:
//   - (i) An expiry has reset other, and other's deadline was written, both after e's deadline was written.
//   - (ii) e is past its deadline at now, and other's deadline was written later, either by the end of a later deadline
//     (a half stamp), or beside a reset that was later than e's deadline too. The reset is seen in other's base. If a
//     later DEL that has heard of neither deadline has replaced both bases, the reset is seen in the reset bit of
//     other's deadline.
//   - (iii) other was created or reset after e's deadline, by whatever clock, without having heard of it. This also
//     holds where a node has dropped the closed rest of e before other was created. An other with this very deadline is
//     the same window.
//
// A reset that e itself has, a SET KEEPTTL under the deadline, does not count. In all other cases an entry past its
// deadline is only hidden, and a later EXPIRE or PERSIST reopens it. The reasons, and the histories that broke simpler
// rules: docs/design/2026-11-merge.md.
func (e *Entry) ended(other *Entry, now int64) bool {
	if e.Deadline.At == 0 {
		return false
	}
	at := e.Deadline.Stamp
	reset := at.Less(other.Base.Stamp) && other.Base.Stamp != e.Base.Stamp
	if at.Less(other.Deadline.Stamp) {
		if reset && other.expiryBase() {
			return true
		}
		if e.Expired(now) && (reset || other.Deadline.Stamp.isHalf() || e.Base.Kind == None && other.Deadline.Stamp.isOfReset()) {
			return true
		}
	}
	if at == other.Deadline.Stamp {
		return false
	}
	return other.Since >= e.Deadline.At || reset && other.Base.Stamp.Millis() >= e.Deadline.At
}

// expiryBase reports whether the last write to the base was an expiry.
func (e *Entry) expiryBase() bool { return e.Base.Kind == None && e.Base.Stamp.isHalf() }

// joinRows takes the maximum of every number of every row.
func (m *Merged) joinRows(e *Entry, remote []Row) {
	own, met := len(e.Rows), 0
	next := 0 // where the next search begins: both sides mostly have the same writers in the same order
	var places rowPlaces
	for i := range remote {
		r := &remote[i]
		if r.empty() {
			continue
		}
		at := places.find(e.Rows, r.Writer, next)
		if at < 0 {
			if len(e.Rows) >= MaxRows {
				m.Full = true
				continue
			}
			e.Rows = append(e.Rows, *r)
			places.added(e.Rows)
			m.Changed |= PartRows
			continue
		}
		met++
		next = at + 1
		l := &e.Rows[at]
		before := *l
		l.P, l.N, l.FP, l.FN = max(l.P, r.P), max(l.N, r.N), max(l.FP, r.FP), max(l.FN, r.FN)
		if *l != before {
			m.Changed |= PartRows
		}
		if *l != *r {
			m.Ahead = true
		}
	}
	if met < own {
		m.Ahead = true
	}
}

// rowPlaces is an index of the rows of an entry, by writer. It is made only if there are many rows and one of them is
// not where find looks first: to search for each row would take quadratic time.
type rowPlaces map[uint32]int

const searchedRows = 64 // up to so many rows find searches without an index

// find is the position of the row of a writer, -1 if there is none. It looks at next first.
func (p *rowPlaces) find(rows []Row, writer uint32, next int) int {
	if next < len(rows) && rows[next].Writer == writer {
		return next
	}
	if len(rows) <= searchedRows {
		return slices.IndexFunc(rows, func(r Row) bool { return r.Writer == writer })
	}
	if *p == nil {
		*p = make(rowPlaces, len(rows))
		for i := range rows {
			(*p)[rows[i].Writer] = i
		}
	}
	if at, ok := (*p)[writer]; ok {
		return at
	}
	return -1
}

// added puts the last row into the index.
func (p *rowPlaces) added(rows []Row) {
	if last := len(rows) - 1; *p != nil {
		(*p)[rows[last].Writer] = last
	}
}

// joinRegisters takes the later one of every register that was not held back, and the later Since.
func (m *Merged) joinRegisters(e, remote *Entry) {
	if m.newer(PartBase, e.Base.compare(&remote.Base)) {
		e.Base = remote.Base
	}
	if m.newer(PartDeadline, e.Deadline.compare(&remote.Deadline)) {
		e.Deadline = remote.Deadline
	}
	if m.newer(PartQuota, e.Quota.compare(&remote.Quota)) {
		e.Quota = remote.Quota
	}
	since := e.Since
	e.Since = max(since, remote.Since)
	e.settleSince()
	if e.Since != since {
		m.Changed |= PartSince
	}
	if e.Since > remote.Since && m.Held&PartSince == 0 {
		m.Ahead = true
	}
}

// newer notes the result of comparing the local register of a part with the remote one. It reports whether the remote
// one wins.
func (m *Merged) newer(part Parts, order int) bool {
	if order > 0 && m.Held&part == 0 {
		m.Ahead = true
	}
	if order < 0 {
		m.Changed |= part
	}
	return order < 0
}

// compare orders base registers by stamp, and by content where two nodes used one stamp.
func (b *Base) compare(o *Base) int {
	if order := b.Stamp.compare(o.Stamp); order != 0 {
		return order // before the content: bytes may be long
	}
	return cmp.Or(cmp.Compare(b.Kind, o.Kind), cmp.Compare(b.Int, o.Int), bytes.Compare(b.Bytes, o.Bytes))
}

func (d *Deadline) compare(o *Deadline) int {
	return cmp.Or(d.Stamp.compare(o.Stamp), cmp.Compare(d.At, o.At))
}

func (q *Quota) compare(o *Quota) int {
	return cmp.Or(q.Stamp.compare(o.Stamp), cmp.Compare(q.Capacity, o.Capacity), cmp.Compare(q.Count, o.Count),
		cmp.Compare(q.Period, o.Period), cmp.Compare(boolInt(q.Transient), boolInt(o.Transient)))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
