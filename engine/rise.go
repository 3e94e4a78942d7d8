package engine

import (
	"slices"

	"github.com/quotadb/quota-db/crdt"
)

// mostRising is how many rows a record may have for mergeInPlace: it has a bit for each.
const mostRising = 64

// mergeInPlace is Merge for the usual delta: the record has all rows that remote has, in forms that hold the new
// numbers too, and remote says nothing new besides. If ok is false nothing has changed, and the entry must be unpacked.
func (s *shard) mergeInPlace(rec record, hash uint64, remote *crdt.Entry, now Moment, horizon int64) (m crdt.Merged, ok bool) {
	h := rec.header()
	if h&(hasQuota|gone|unsummed) != 0 || len(remote.Rows) > mostRising {
		return m, false
	}
	e := &s.seen
	rec.unpack(e)
	if len(e.Rows) > mostRising || !saysNothingNew(e, remote, now.Wall, horizon) {
		return m, false
	}
	m.Ahead = e.Base.Stamp != remote.Base.Stamp || e.Since > remote.Since
	rising, digest, ok := s.raiseRows(rec, hash, e, remote, &m)
	if !ok || rising == 0 {
		return m, ok
	}
	m.Changed = crdt.PartRows
	s.sums.add(hash, digest)
	i := 0
	if h&shapeMask != 0 {
		i++ // the own row, which is not raised here
	}
	for off, end := rec.rowsWithin(h); off < end; i++ {
		f, numbers := rec.rowForm(off)
		if rising>>i&1 != 0 {
			rec.packNumbers(numbers, &e.Rows[i], f)
		}
		off = numbers + f.shape.numbers()*f.width
	}
	return m, true
}

// saysNothingNew reports whether a merge of remote into e, which is the state of a record that is not gone, changes
// rows at most, and holds nothing back. If both have the same deadline, neither of them has ended for the other.
func saysNothingNew(e, remote *crdt.Entry, now, horizon int64) bool {
	base := &remote.Base
	return remote.Quota == crdt.Quota{} && remote.Deadline == e.Deadline && !e.Expired(now) &&
		(base.Stamp == crdt.Stamp{} || base.Stamp == e.Base.Stamp && base.Kind == e.Base.Kind && base.Kind != crdt.Bytes && base.Int == e.Base.Int) &&
		remote.Since <= max(e.Since, e.Base.Stamp.Millis()) &&
		max(remote.Since, base.Stamp.Millis(), remote.Deadline.Stamp.Millis()) <= horizon
}

// raiseRows raises the rows of e, which is the state of rec, to those of remote. It returns a bit for each row that has
// risen, and the difference that this makes to the sum of the key's leaf, which is 0 if no sum has the key. ok is false
// if a row is missing or needs another form, or if a raised floor leaves a row without content: then the key may have
// no content left, and its record needs the flag gone.
func (s *shard) raiseRows(rec record, hash uint64, e, remote *crdt.Entry, m *crdt.Merged) (rising, digest uint64, ok bool) {
	writers, before := s.db.writers.all(), uint64(0)
	if len(s.sums.list) < leastStale {
		s.changing(rec, hash) // a few hot keys, which others change again and again until the next refresh
	}
	counted := rec.u32(0)&stale == 0 && s.sums.counts(hash)
	if counted {
		for i := range e.Rows {
			before += crdt.DigestOfRow(&e.Rows[i], writers)
		}
	}
	after, met, next := before, 0, 0
	for i := range remote.Rows {
		r := &remote.Rows[i]
		if r.P|r.N == 0 {
			continue
		}
		at := rowAfter(e.Rows, r.Writer, next)
		if at < 0 {
			return 0, 0, false
		}
		met, next = met+1, at+1
		l := &e.Rows[at]
		raised := crdt.Row{Writer: l.Writer, P: max(l.P, r.P), N: max(l.N, r.N), FP: max(l.FP, r.FP), FN: max(l.FN, r.FN)}
		if raised != *r {
			m.Ahead = true
		}
		if raised == *l {
			continue
		}
		old, form := formOf(l), formOf(&raised)
		if l.Writer == primary || form.shape != old.shape || form.width > old.width || raised.AtFloor() {
			return 0, 0, false
		}
		rising |= 1 << at
		if counted {
			after += crdt.DigestOfRow(&raised, writers) - crdt.DigestOfRow(l, writers)
		}
		*l = raised
	}
	m.Ahead = m.Ahead || met < len(e.Rows)
	if counted && rising != 0 {
		registers := crdt.DigestOfRegisters(rec.key(), e)
		digest = crdt.JoinDigest(registers, after) - crdt.JoinDigest(registers, before)
	}
	return rising, digest, true
}

// rowAfter is the position of the row of a writer, -1 if there is none. It looks at next first: both sides mostly have
// the same writers in the same order.
func rowAfter(rows []crdt.Row, writer uint32, next int) int {
	if next < len(rows) && rows[next].Writer == writer {
		return next
	}
	return slices.IndexFunc(rows, func(r crdt.Row) bool { return r.Writer == writer })
}
