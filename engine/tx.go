package engine

import (
	"github.com/quotadb/quota-db/crdt"
)

// Type says whether a key holds an integer, bytes or a quota.
type Type uint8

const (
	None    Type = iota // no such key, or past its deadline
	Integer             // a counter, or an integer that Set stored
	String              // bytes that Set stored
	Quota               // a token bucket
)

// Moment is one reading of both clocks.
type Moment struct {
	Wall int64 // unix milliseconds, for deadlines; must not go back
	Mono int64 // nanoseconds of a clock that runs evenly, for token buckets; must not go back
}

// Value is the visible content of a key at one moment.
type Value struct {
	Type     Type
	Int      int64  // the value if Type is Integer; the whole tokens that remain if it is Quota
	Str      []byte // the value if Type is String; aliases the engine's memory: valid until the next write or Unlock
	Deadline int64  // unix milliseconds; 0: none
}

// Tx is a set of locked shards at one moment. It may touch only keys of those shards, and only until Unlock.
type Tx struct {
	db    *DB
	now   Moment
	one   *shard    // from Lock
	many  *[]uint32 // from LockAll
	every bool      // from LockEvery

	unsafe bool // see Unsafe
	waited bool // see Waited
	bulky  bool // see Bulky
	quota  bool // see OnQuota
}

// Unlock ends the transaction.
func (tx *Tx) Unlock() {
	if tx.one != nil {
		tx.one.mu.Unlock()
		return
	}
	tx.join()
	if tx.every {
		for i := range tx.db.shards {
			tx.db.shards[i].mu.Unlock()
		}
		return
	}
	for _, i := range *tx.many {
		tx.db.shards[i].mu.Unlock()
	}
	tx.db.sets.Put(tx.many)
	tx.many = nil
}

// Get returns the visible value of k. Type is None if there is no such key or its deadline has passed.
func (tx *Tx) Get(k Key) Value {
	s := tx.db.shard(k.Hash)
	_, rec, _ := s.find(k)
	if rec == nil {
		return Value{}
	}
	v := s.value(rec, tx.now)
	tx.bulky = tx.bulky || len(v.Str) >= bulkBytes
	return v
}

// Add adds delta to k, which starts from zero, and returns the new value. A deadline stays. On a quota, Add takes delta
// tokens and returns how many remain here, or -1 if there are fewer than delta. Errors: ErrNotInteger; ErrOverflow; on
// a quota ErrQuota for a negative delta, and ErrWaiting.
func (tx *Tx) Add(k Key, delta int64) (int64, error) {
	s := tx.db.shard(k.Hash)
	if _, rec, _ := s.find(k); rec != nil {
		s.changing(rec, k.Hash)
		if value, ok := rec.addInPlace(delta, tx.now.Wall); ok {
			s.touch(k)
			s.mark(rec, k.Hash)
			return value, nil
		}
		if rec.isQuota() && !rec.lapsed(tx.now) {
			left, err := s.takeInPlace(rec, delta, tx.now.Mono)
			tx.quota = err == nil
			if left >= 0 && err == nil {
				tx.spend(s, rec, uint64(delta))
				s.touch(k)
				s.markFor(rec, k.Hash, s.changes.wanted&toDisk)
			}
			return left, err
		}
	}
	return s.add(k, delta, tx.now)
}

// OnQuota reports whether the last Add, of k, found a quota: it took tokens, or it was refused. state is the quota's
// state after that. Call it once after an Add.
func (tx *Tx) OnQuota(k Key) (state QuotaState, is bool) {
	if is = tx.quota; is {
		tx.quota, state = false, tx.db.shard(k.Hash).added
	}
	return state, is
}

// Set stores v, an Integer or a String, with its deadline, which must lie in the future. With keepDeadline the key's
// own deadline stays and v.Deadline is ignored. v.Str is copied; it must not alias the engine's memory. Errors:
// ErrValueSize; then nothing has changed.
func (tx *Tx) Set(k Key, v Value, keepDeadline bool) error {
	if len(v.Str) > MaxValueBytes {
		return ErrValueSize
	}
	s := tx.db.shard(k.Hash)
	s.touch(k)
	tx.bulky = tx.bulky || len(v.Str) >= bulkBytes
	d := s.load(k, tx.now)
	stamp := s.clock.Next(tx.now.Wall, tx.db.node)
	base := crdt.Base{Kind: crdt.Integer, Int: v.Int, Stamp: stamp}
	if v.Type == String {
		base = crdt.Base{Kind: crdt.Bytes, Bytes: v.Str, Stamp: stamp}
	}
	if keepDeadline {
		s.begin(d, tx.now)
	}
	d.Set(base)
	levelOwn(&d.Entry)
	if !keepDeadline {
		d.Deadline = crdt.Deadline{At: v.Deadline, Stamp: stamp.OfReset()}
	}
	s.store(k, d, tx.now, toAll)
	return nil
}

// Delete removes k and reports whether it existed.
func (tx *Tx) Delete(k Key) bool {
	s := tx.db.shard(k.Hash)
	d := s.load(k, tx.now)
	if d.record == 0 {
		return false
	}
	existed := d.Exists()
	if !existed && s.db.replicated {
		return false // nothing visible to remove; counts that are not visible here must stay
	}
	if existed {
		s.touch(k)
	}
	stamp := s.clock.Next(tx.now.Wall, tx.db.node)
	d.Delete(stamp)
	if levelOwn(&d.Entry); d.Deadline.At != 0 {
		d.Deadline = crdt.Deadline{Stamp: stamp.OfReset()} // or it would end a key created later
	}
	s.store(k, d, tx.now, toAll)
	return existed
}

// SetDeadline makes k expire at the given unix millisecond, 0 for never. It reports whether the key exists. For a
// deadline in the past the caller calls Delete instead.
func (tx *Tx) SetDeadline(k Key, at int64) bool {
	s := tx.db.shard(k.Hash)
	d := s.load(k, tx.now)
	exists := d.Exists()
	if exists {
		s.touch(k)
		d.Deadline = crdt.Deadline{At: at, Stamp: s.clock.Next(tx.now.Wall, tx.db.node)}
	}
	if exists || d.record != 0 && !s.db.replicated {
		s.store(k, d, tx.now, toAll)
	}
	return exists
}

// add is Add for entries whose shape changes, and for refusals.
func (s *shard) add(k Key, delta int64, now Moment) (int64, error) {
	d := s.load(k, now)
	if d.Base.Kind == crdt.Bytes {
		return 0, ErrNotInteger
	}
	if !d.HasRoom(delta) {
		return 0, ErrOverflow
	}
	exists := d.Exists()
	s.begin(d, now)
	switch {
	case delta != 0:
		row := s.lives.rowFor(&d.Entry, delta, s.db.newWriter)
		if row == nil {
			return 0, ErrOverflow
		}
		row.Add(delta)
	case !exists:
		d.Set(crdt.Base{Kind: crdt.Integer, Stamp: s.clock.Next(now.Wall, s.db.node)}) // adding 0 still creates the key
	}
	value := d.Int() // not the old value plus delta: together, nodes may have counted beyond 64 bits
	s.touch(k)
	s.store(k, d, now, toAll)
	return value, nil
}

// value is the visible value of a record.
func (s *shard) value(rec record, now Moment) Value {
	if rec[0]&plain != 0 {
		return Value{Type: Integer, Int: int64(rec.plainP())}
	}
	deadline := rec.deadline()
	if deadline != 0 && deadline <= now.Wall || rec.isGone() {
		return Value{}
	}
	if rec.isQuota() {
		return s.quotaValue(rec, now)
	}
	if rec.header()&baseMask == baseBytes {
		return Value{Type: String, Str: rec.str(), Deadline: deadline}
	}
	if v, ok := rec.sum(); ok {
		return Value{Type: Integer, Int: v, Deadline: deadline}
	}
	rec.unpack(&s.seen)
	return Value{Type: Integer, Int: s.seen.Int(), Deadline: deadline}
}
