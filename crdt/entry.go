package crdt

// Row is what one writer has counted on a key. P counts up, N counts down; the floors FP and FN are the parts
// that a reset has removed. A row at its floors contributes nothing.
type Row struct {
	Writer       uint32 // index of the writer (node, life) in its database's table
	P, N, FP, FN uint64
}

// AtFloor reports whether nothing of the row is left.
func (r *Row) AtFloor() bool { return r.P == r.FP && r.N == r.FN }

// empty reports whether the row says nothing: no row at all is the same.
func (r *Row) empty() bool { return r.P|r.N == 0 }

// Kind says what a base register holds.
type Kind uint8

const (
	None Kind = iota
	Integer
	Bytes
)

// Base is the register that SET writes.
type Base struct {
	Kind  Kind
	Int   int64  // when Kind is Integer
	Bytes []byte // when Kind is Bytes
	Stamp Stamp  // zero: never written
}

// Deadline is the register that EXPIRE and PERSIST write, and SET and DEL, with Stamp.OfReset.
type Deadline struct {
	At    int64 // unix milliseconds; 0: none
	Stamp Stamp // zero: never written
}

// Quota is the register that makes a counter a token bucket: its configuration, not its tokens.
type Quota struct {
	Capacity  uint64 // tokens; 0: no quota
	Count     uint64 // tokens earned per Period
	Period    int64  // nanoseconds
	Transient bool   // ends by itself once the bucket is full, and is its node's alone
	Stamp     Stamp  // zero: never written. A transient quota's with the half bit: see LieOver
}

// Shared is what other nodes are told of q: of a transient quota only that a lasting one ended before it, if one did.
func (q Quota) Shared() Quota {
	switch {
	case !q.Transient:
		return q
	case q.Stamp.isHalf():
		return Quota{Stamp: q.Stamp}
	}
	return Quota{}
}

// LieOver keeps the stamp of the end of a lasting quota while a transient quota q is in its place. Without it, a node that
// has not heard of the end would bring the lasting quota back. The zero Stamp is no end.
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
	Since    int64 // unix milliseconds at which a write made the key; 0: not noted, or not after the base's stamp
}

// Exists reports whether the key has content, whatever its deadline: a quota, or what a counter has.
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

// Expired reports whether the deadline has passed at now, unix milliseconds.
func (e *Entry) Expired(now int64) bool {
	return e.Deadline.At != 0 && e.Deadline.At <= now
}

// Int is the counter's value: the base and everything above the floors, held within int64.
func (e *Entry) Int() int64 {
	s := e.sum()
	return s.clamp()
}

// HasRoom reports whether the counter, with delta, stays within int64, or comes nearer to it: several nodes that could not see
// each other may have counted beyond it together. An increment that leads further away has no room.
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

// Add counts delta on the row, which must fit.
func (r *Row) Add(delta int64) {
	if delta >= 0 {
		r.P += uint64(delta)
	} else {
		r.N += magnitude(delta)
	}
}

// magnitude is -delta for a negative delta, the smallest int64 included.
func magnitude(delta int64) uint64 { return -uint64(delta) }

// Set makes b the whole content: what is visible is removed, a quota ends, and the base becomes b, at b.Stamp.
// The deadline is the caller's.
func (e *Entry) Set(b Base) {
	e.raiseFloors()
	e.Base = b
	if e.Quota.Capacity != 0 {
		e.Quota = Quota{Stamp: e.Quota.Stamp.Half().Later(b.Stamp)}
	}
	e.settleSince()
}

// EndQuota makes the key a counter again, as it was before its quota. It is the same as if the quota had never been, so it
// needs no stamp of its own beyond the half step that lets it win over what it ends.
func (e *Entry) EndQuota() {
	e.Quota = Quota{Stamp: e.Quota.Stamp.Half()}
}

// Begin prepares an entry that does not exist for the write that makes its key at now, unix milliseconds: a deadline
// left over from before must not end the new content, nor may a window that ended by now join it.
func (e *Entry) Begin(now int64) {
	if e.Deadline.At != 0 {
		e.Deadline = Deadline{Stamp: e.Deadline.Stamp.Half()}
	}
	e.Since = max(e.Since, now)
	e.settleSince()
}

// settleSince keeps one form per state: a base says itself when it was written.
func (e *Entry) settleSince() {
	if e.Since <= e.Base.Stamp.Millis() {
		e.Since = 0
	}
}

// Latest is the latest stamp of e's registers: what a clock must have observed before it stamps a write to e.
func (e *Entry) Latest() Stamp {
	return e.Base.Stamp.Later(e.Deadline.Stamp).Later(e.Quota.Stamp)
}

// Delete removes what is visible.
func (e *Entry) Delete(at Stamp) {
	e.Set(Base{Stamp: at})
}

// Close turns an expiry into a reset. The result depends only on what is in the entry, not on when or where it
// is closed, so every node that closes the same state gets the same one. The half stamps let any ordinary write
// made after the deadline was set win over the closing.
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
