package engine

import (
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/shares"
)

// QuotaState is a quota at one moment: its rate, and this node's part of it. The bucket is that of the part.
type QuotaState struct {
	Rate   quota.Rate
	Part   quota.Rate
	Bucket quota.Bucket
}

// Quota returns the quota of k, false if it has none.
func (tx *Tx) Quota(k Key) (QuotaState, bool) {
	s := tx.db.shard(k.Hash)
	_, rec, _ := s.find(k)
	if rec == nil || !rec.isQuota() || rec.lapsed(tx.now) {
		return QuotaState{}, false
	}
	off := quotaOffset(rec.header())
	rate := rec.rate(off)
	own, bucket := s.db.own(k.Name, rate, rec.bucket(off))
	return s.db.state(rate, own, bucket), true
}

// SetQuota makes k a full token bucket of that rate. The value of a counter is kept for DeleteQuota, and its deadline
// stays. On a quota the same rate changes nothing, and another rate keeps the used tokens. A transient quota becomes
// permanent. Errors: ErrNotInteger when k holds bytes; ErrWaiting.
func (tx *Tx) SetQuota(k Key, rate quota.Rate) error {
	s := tx.db.shard(k.Hash)
	if tx.db.part.Load().State == shares.Waiting {
		return ErrWaiting
	}
	d := s.load(k, tx.now)
	if d.Base.Kind == crdt.Bytes {
		return ErrNotInteger
	}
	if d.Quota.Capacity != 0 && rateOf(&d.Quota) == rate && !d.Quota.Transient {
		return nil
	}
	unsafe := s.retune(k, d, rate, tx.now.Mono) || d.Quota.Transient
	tx.unsafe = tx.unsafe || unsafe && tx.db.followed
	s.touch(k)
	s.begin(d, tx.now)
	s.configure(d, rate, false, tx.now)
	s.store(k, d, tx.now, toAll)
	return nil
}

// Throttle takes n tokens from the quota of k. If there is no quota it creates a transient one of that rate; if the
// quota has another rate it changes the rate. It returns whether it took the tokens, and the quota's state then. If
// this node has fewer than n tokens it takes none and creates no quota. Errors: ErrNotInteger when k holds bytes;
// ErrWaiting.
func (tx *Tx) Throttle(k Key, rate quota.Rate, n uint64) (taken bool, state QuotaState, err error) {
	s := tx.db.shard(k.Hash)
	if tx.db.part.Load().State == shares.Waiting {
		return false, QuotaState{}, ErrWaiting
	}
	if _, rec, _ := s.find(k); rec != nil && rec.isQuota() && !rec.lapsed(tx.now) {
		if off := quotaOffset(rec.header()); rec.rate(off) == rate {
			own, bucket := tx.db.own(k.Name, rate, rec.bucket(off))
			if taken = tx.db.take(own, &bucket, n, tx.now.Mono); taken {
				rec.putBucket(off, bucket)
				tx.spend(s, rec, n)
				s.touch(k)
				s.markFor(rec, k.Hash, s.changes.wanted&toDisk)
			}
			return taken, tx.db.state(rate, own, bucket), nil
		}
	}
	return tx.throttle(s, k, rate, n)
}

// throttle is Throttle for a quota that must be created or changed.
func (tx *Tx) throttle(s *shard, k Key, rate quota.Rate, n uint64) (taken bool, state QuotaState, err error) {
	d := s.load(k, tx.now)
	if d.Base.Kind == crdt.Bytes {
		return false, QuotaState{}, ErrNotInteger
	}
	existed, own := d.Quota.Capacity != 0, d.Quota.Transient
	unsafe := s.retune(k, d, rate, tx.now.Mono)
	part, bucket := tx.db.own(k.Name, rate, d.tokens.Bucket)
	taken = tx.db.take(part, &bucket, n, tx.now.Mono)
	d.tokens.Bucket = bucket
	state = tx.db.state(rate, part, bucket)
	if existed || taken && n > 0 {
		if tx.unsafe = tx.unsafe || unsafe && tx.db.followed; taken {
			tx.spendInHand(&d.tokens, n)
		}
		s.touch(k)
		s.begin(d, tx.now)
		s.configure(d, rate, !existed || own, tx.now)
	}
	if d.record != 0 || d.Exists() {
		told := toAll
		if own { // peers know nothing of a transient quota
			told = toDisk
		}
		s.store(k, d, tx.now, told)
	}
	return taken, state, nil
}

// GiveBack gives n tokens back to the quota of k, and returns the quota's state then; false if k has no quota. It gives
// no more than are used now, and none to a quota that owes tokens. A transient quota that is full by that has ended.
//
// The reserve stays as it is. The disk has a bucket without the given tokens or with them, and its reserve covers all
// takes since that was written. So after a crash the bucket lacks at least as many tokens as it lacks now.
func (tx *Tx) GiveBack(k Key, n uint64) (QuotaState, bool) {
	return tx.giveBack(k, func(own quota.Rate, b *quota.Bucket) bool { return b.Give(own, n, tx.now.Mono) })
}

// giveBack is GiveBack; give changes the bucket, or returns false.
func (tx *Tx) giveBack(k Key, give func(own quota.Rate, b *quota.Bucket) bool) (QuotaState, bool) {
	s := tx.db.shard(k.Hash)
	r, rec, _ := s.find(k)
	if rec == nil || !rec.isQuota() || rec.lapsed(tx.now) {
		return QuotaState{}, false
	}
	off := quotaOffset(rec.header())
	rate := rec.rate(off)
	own, bucket := s.db.own(k.Name, rate, rec.bucket(off))
	if !give(own, &bucket) {
		return s.db.state(rate, own, bucket), true
	}
	rec.putBucket(off, bucket)
	s.touch(k)
	s.markFor(rec, k.Hash, s.changes.wanted&toDisk) // also before the quota ends: the disk does not know why
	switch {
	case rec.lapsed(tx.now):
		s.store(k, s.load(k, tx.now), tx.now, toDisk)
	case rec.isTransient(): // it is full earlier than the sweep would visit it
		s.unlink(rec)
		s.link(r, rec, tx.now)
	}
	return s.db.state(rate, own, bucket), true
}

// configure writes the quota register. A transient quota, of which no other node hears, gets no stamp of its own: it
// keeps the register's stamp, or that of the ended quota that it lies over.
func (s *shard) configure(d *draft, rate quota.Rate, transient bool, now Moment) {
	before := d.Quota
	d.Quota = crdt.Quota{Capacity: rate.Capacity, Count: rate.Count, Period: int64(rate.Period), Transient: transient, Stamp: before.Stamp}
	switch {
	case transient && before.Transient:
	case transient && s.db.replicated && before.Stamp != (crdt.Stamp{}):
		d.Quota.LieOver(before.Stamp)
	default:
		d.Quota.Stamp = s.clock.Next(now.Wall, s.db.node)
	}
}

// DeleteQuota makes k a plain counter again, with the value that it had before the quota. It reports whether k had a
// quota.
func (tx *Tx) DeleteQuota(k Key) bool {
	s := tx.db.shard(k.Hash)
	d := s.load(k, tx.now)
	existed := d.Quota.Capacity != 0
	if existed {
		s.touch(k)
		d.EndQuota()
	}
	if d.record != 0 {
		s.store(k, d, tx.now, toAll)
	}
	return existed
}

func rateOf(q *crdt.Quota) quota.Rate {
	return quota.Rate{Capacity: q.Capacity, Count: q.Count, Period: time.Duration(q.Period)}
}

// take takes n tokens from a bucket of this node, if the node may use it.
func (db *DB) take(own quota.Rate, b *quota.Bucket, n uint64, now int64) bool {
	return (n == 0 || db.part.Load().IsUsable()) && b.Take(own, n, now)
}

// takeInPlace takes n tokens from the bucket of a record. It returns how many remain here, or -1 if there are fewer
// than n.
func (s *shard) takeInPlace(rec record, n, now int64) (int64, error) {
	switch {
	case n < 0:
		return 0, ErrQuota
	case s.db.part.Load().State == shares.Waiting:
		return 0, ErrWaiting
	}
	off := quotaOffset(rec.header())
	own, bucket := s.db.own(rec.key(), rec.rate(off), rec.bucket(off))
	taken := s.db.take(own, &bucket, uint64(n), now)
	s.added = s.db.state(rec.rate(off), own, bucket)
	if !taken {
		return -1, nil
	}
	rec.putBucket(off, bucket)
	return int64(bucket.Remaining(own, now)), nil
}

// quotaValue is the visible value of a record that has a quota and is not past its deadline.
func (s *shard) quotaValue(rec record, now Moment) Value {
	if !rec.lapsed(now) {
		off := quotaOffset(rec.header())
		rate := rec.rate(off)
		own, bucket := s.db.own(rec.key(), rate, rec.bucket(off))
		state := s.db.state(rate, own, bucket)
		return Value{Type: Quota, Int: int64(state.Bucket.Remaining(state.Part, now.Mono)), Deadline: rec.deadline()}
	}
	e, t := &s.seen, rec.tokens()
	rec.unpack(e)
	s.lapse(e, &t, now)
	if !e.Exists() {
		return Value{}
	}
	if e.Base.Kind == crdt.Bytes { // set by a node that did not know of the quota
		return Value{Type: String, Str: e.Base.Bytes, Deadline: e.Deadline.At}
	}
	return Value{Type: Integer, Int: e.Int(), Deadline: e.Deadline.At}
}

// lapsed reports whether the record has ended by itself: it is past its deadline, or a transient quota that is full.
func (r record) lapsed(now Moment) bool {
	return r.expired(now.Wall) || r.isTransient() && r.isFull(now.Mono)
}

// isFull reports whether a quota's bucket is full.
func (r record) isFull(now int64) bool { return r.tokens().FullAfter(now) == 0 }
