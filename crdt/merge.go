package crdt

import (
	"bytes"
	"cmp"
	"slices"
)

// MaxRows is the most rows that an entry or a record may have: a writer is a life of a node, and a key that more of
// them have counted on than this is refused further ones.
const MaxRows = 1 << 16

// Parts is a set of parts of an entry.
type Parts uint8

const (
	PartRows Parts = 1 << iota
	PartBase
	PartDeadline
	PartQuota
	PartSince
)

// Merged says what a merge did.
type Merged struct {
	Changed Parts // parts of the local entry that are not what they were
	Held    Parts // parts of the remote entry stamped after the horizon, and left out
	Closed  bool  // the local entry was a window that had ended, and was closed
	Ahead   bool  // the local entry has something that the remote one, as it came, lacks
	Full    bool  // rows were left out: there would be more than MaxRows
}

// Merge joins remote, another node's state of the same key, into e. It is the only way in which states meet: on
// replication and repair alike. Of rows it takes the maximum of each number, of registers the later one.
//
// Before that it closes whichever of the two is a window that has ended for the other (see ended). now is the expiry
// clock, unix milliseconds. A part of remote stamped after horizon, unix milliseconds, is held back:
// a wrong clock must not win over every write to come.
//
// A remote entry may have only some of its rows; it must have all registers, or its rows escape their deadline. (Ahead
// then means little.) Merge uses remote up, and leaves e.Base.Bytes in remote's memory if they came from there. It
// allocates only to add rows.
func (e *Entry) Merge(remote *Entry, now, horizon int64) Merged {
	m := Merged{Held: remote.holdBack(horizon)}
	m.closeEnded(e, remote, now)
	m.joinRows(e, remote.Rows)
	m.joinRegisters(e, remote)
	return m
}

// holdBack empties the parts of e that are stamped after horizon.
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

// closeEnded closes what has ended, until neither of the two ends the other: closing one may show that the other has
// ended too, and each closes at most once.
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

// closeForMerge closes e and returns which parts that changed.
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

// ended reports whether e is a window that has ended for what other is, so that its content must not join other's:
//
//   - (i) an expiry has reset other, and its deadline was written, after e's deadline was;
//   - (ii) e is past its deadline at now, and other's deadline was written later, either by an end of its own or beside a
//     reset that was later than e's deadline too. The reset shows in other's base, or where a DEL that has not heard of either deadline came over it at both,
//     in the deadline itself;
//   - (iii) other was made or reset after e's deadline, by whatever clock, without having heard of it. This holds
//     also where the closed remains of e were dropped before other was made. What holds this very deadline is no other window.
//
// A reset that e itself has, a SET KEEPTTL under the deadline, is none. Otherwise an entry past its deadline is only
// hidden, and a later EXPIRE or PERSIST reopens it.
// Why, and the histories that broke simpler rules: docs/design/2026-11-merge.md.
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
	next := 0 // where the search begins: both sides mostly have the same writers in the same order
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

// rowPlaces says where the rows of an entry are. Of many it makes an index once one is not where it is looked for first:
// searching for each would take time by the square.
type rowPlaces map[uint32]int

const fewRows = 64 // that are searched

// find is where the row of a writer is, -1 if there is none. It looks at next first.
func (p *rowPlaces) find(rows []Row, writer uint32, next int) int {
	if next < len(rows) && rows[next].Writer == writer {
		return next
	}
	if len(rows) <= fewRows {
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

// added notes the last row.
func (p *rowPlaces) added(rows []Row) {
	if last := len(rows) - 1; *p != nil {
		(*p)[rows[last].Writer] = last
	}
}

// joinRegisters takes the later one of every register that was not held back, and the later moment of making.
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

// newer notes how the local register of a part compares with the remote one, and reports whether the remote one wins.
func (m *Merged) newer(part Parts, order int) bool {
	if order > 0 && m.Held&part == 0 {
		m.Ahead = true
	}
	if order < 0 {
		m.Changed |= part
	}
	return order < 0
}

// compare orders base registers: by stamp, and by content where two nodes claimed one stamp.
func (b *Base) compare(o *Base) int {
	if order := b.Stamp.compare(o.Stamp); order != 0 {
		return order // bytes may be long
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
