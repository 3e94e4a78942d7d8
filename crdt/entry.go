package crdt

// Row is what one writer has counted on a key: P up, N down. The floors FP and FN are the parts of P and N that a reset
// has removed. A row at its floors contributes nothing.
type Row struct {
	Writer       uint32 // index of the writer (node, life) in the writer table of its database
	P, N, FP, FN uint64
}

// AtFloor reports whether a reset has removed everything that the row has counted.
func (r *Row) AtFloor() bool { return r.P == r.FP && r.N == r.FN }

// empty reports whether the row says no more than a missing row does.
func (r *Row) empty() bool { return r.P|r.N == 0 }

// Kind says what a base register holds.
type Kind uint8

const (
	None    Kind = iota // no content
	Integer             // an integer, in Base.Int
	Bytes               // bytes, in Base.Bytes
)

// Base is the register that SET writes.
type Base struct {
	Kind  Kind
	Int   int64  // when Kind is Integer
	Bytes []byte // when Kind is Bytes
	Stamp Stamp  // zero: never written
}

// Deadline is the register that EXPIRE and PERSIST write. SET and DEL write it too, with Stamp.OfReset.
type Deadline struct {
	At    int64 // unix milliseconds; 0: none
	Stamp Stamp // zero: never written
}

// Quota is the register that makes a counter a token bucket. It has the configuration, not the tokens.
type Quota struct {
	Capacity  uint64 // tokens; 0: no quota
	Count     uint64 // tokens earned per Period
	Period    int64  // nanoseconds
	Transient bool   // ends by itself once the bucket is full; no other node knows of it
	Stamp     Stamp  // zero: never written. In a transient quota with the half bit: see LieOver
}

// Shared is the part of q that other nodes are told. Of a transient quota that is only the end of a permanent quota
// before it, if there was one.
func (q Quota) Shared() Quota {
	switch {
	case !q.Transient:
		return q
	case q.Stamp.isHalf():
		return Quota{Stamp: q.Stamp}
	}
	return Quota{}
}

// LieOver keeps in q, a transient quota, the stamp of the end of the permanent quota that q replaces. Without it a node
// that has not heard of that end would bring the permanent quota back. The zero Stamp means that there was none.
func (q *Quota) LieOver(end Stamp) {
	if end != (Stamp{}) {
		q.Stamp = end.Half()
	}
}

// Entry is the state of one key. The zero Entry is a key that nobody has touched.
type Entry struct {
	Rows     []Row // at most one per writer, no order
	Base     Base
	Deadline Deadline
	Quota    Quota
	Since    int64 // unix milliseconds at which a write created the key; 0: not noted, or not after the base's stamp
}

// Exists reports whether the key has content, expired or not: a quota, or the content of a counter.
func (e *Entry) Exists() bool { return e.Quota.Capacity != 0 || e.Counts() }

// Counts reports whether the key has content besides its quota: a base, or a row above its floor
// (five up and five down is a counter with the value 0).
func (e *Entry) Counts() bool {
	if e.Base.Kind != None {
		return true
	}
	for i := range e.Rows {
		if !e.Rows[i].AtFloor() {
			return true
		}
	}
	return false
}

// Expired reports whether the deadline has passed at now, unix milliseconds. An expired entry that is not closed is
// called hidden: it reads as absent, but an EXPIRE or PERSIST with a later stamp makes it visible again.
func (e *Entry) Expired(now int64) bool {
	return e.Deadline.At != 0 && e.Deadline.At <= now
}

// Int is the counter's value: the base plus all rows above their floors, clamped to int64.
func (e *Entry) Int() int64 {
	s := e.sum()
	return s.clamp()
}

// HasRoom reports whether the counter plus delta stays within int64, or comes nearer to it: several nodes that could
// not see each other may have counted beyond int64 together. An increment that leads further away has no room.
func (e *Entry) HasRoom(delta int64) bool {
	s := e.sum()
	s.addSigned(delta)
	if delta > 0 {
		return !s.above()
	}
	return delta == 0 || !s.below()
}

// sum is the counter's value, which may be beyond int64.
func (e *Entry) sum() (s sum128) {
	if e.Base.Kind == Integer {
		s.addSigned(e.Base.Int)
	}
	for i := range e.Rows {
		r := &e.Rows[i]
		s.add(r.P - r.FP)
		s.sub(r.N - r.FN)
	}
	return s
}

// Row is the row of a writer, nil if it has none.
func (e *Entry) Row(writer uint32) *Row {
	for i := range e.Rows {
		if e.Rows[i].Writer == writer {
			return &e.Rows[i]
		}
	}
	return nil
}

// Fits reports whether the row can count delta within its 64 bits.
func (r *Row) Fits(delta int64) bool {
	if delta >= 0 {
		return r.P+uint64(delta) >= r.P
	}
	return r.N+magnitude(delta) >= r.N
}

// Add counts delta on the row. Fits must be true for delta.
func (r *Row) Add(delta int64) {
	if delta >= 0 {
		r.P += uint64(delta)
	} else {
		r.N += magnitude(delta)
	}
}

// magnitude is -delta for a negative delta, the smallest int64 included.
func magnitude(delta int64) uint64 { return -uint64(delta) }

// Set makes b the whole content, at b.Stamp: everything visible is removed, and a quota ends. The caller sets the
// deadline.
func (e *Entry) Set(b Base) {
	e.raiseFloors()
	e.Base = b
	if e.Quota.Capacity != 0 {
		e.Quota = Quota{Stamp: e.Quota.Stamp.Half().Later(b.Stamp)}
	}
	e.settleSince()
}

// EndQuota makes the key a counter again, as it was before its quota. The end needs no stamp of its own, only the half
// step that lets it win over the quota.
func (e *Entry) EndQuota() {
	e.Quota = Quota{Stamp: e.Quota.Stamp.Half()}
}

// Begin prepares an entry that does not exist for a write that creates its key at now, unix milliseconds. A deadline
// left over from before must not end the new content, and a window that ended before now must not join it.
func (e *Entry) Begin(now int64) {
	if e.Deadline.At != 0 {
		e.Deadline = Deadline{Stamp: e.Deadline.Stamp.Half()}
	}
	e.Since = max(e.Since, now)
	e.settleSince()
}

// settleSince clears Since where the base's stamp says as much, so that each state has one form.
func (e *Entry) settleSince() {
	if e.Since <= e.Base.Stamp.Millis() {
		e.Since = 0
	}
}

// Latest is the latest stamp of e's registers. A clock must observe it before it stamps a write to e.
func (e *Entry) Latest() Stamp {
	return e.Base.Stamp.Later(e.Deadline.Stamp).Later(e.Quota.Stamp)
}

// Delete removes everything visible, at a stamp. The caller sets the deadline.
func (e *Entry) Delete(at Stamp) {
	e.Set(Base{Stamp: at})
}

// Close turns an expiry into a reset. The result depends only on the entry, not on when or where it is closed: every
// node that closes the same state gets the same result. The half stamps let every ordinary write after the deadline was
// set win over the closing.
func (e *Entry) Close() {
	e.Delete(e.Base.Stamp.Later(e.Deadline.Stamp).Half())
	e.Deadline = Deadline{Stamp: e.Deadline.Stamp.Half()}
}

func (e *Entry) raiseFloors() {
	for i := range e.Rows {
		r := &e.Rows[i]
		r.FP, r.FN = r.P, r.N
	}
}
