package engine

import (
	"bytes"
	"fmt"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/shares"
)

// SetPart sets this node's part of all quotas. Until the first call it is Options.Part.
func (db *DB) SetPart(p shares.Part) { db.part.Store(&p) }

// Part is this node's part of all quotas.
func (db *DB) Part() *shares.Part { return db.part.Load() }

// own is the rate of this node's bucket of a quota, and the bucket as it counts there. A record may have a bucket from
// before the node's part began: see shares.Part.Since.
func (db *DB) own(key []byte, of quota.Rate, b quota.Bucket) (quota.Rate, quota.Bucket) {
	p := db.part.Load()
	if p.State == shares.Whole {
		return of, b
	}
	rate := p.Own(key, of)
	if p.Since != 0 {
		b = b.EmptyAt(rate, p.Since)
	}
	return rate, b.Of(rate)
}

// ownOf is own for the tokens of the quota register q.
func (db *DB) ownOf(key []byte, q *crdt.Quota, t *tokens) (rate quota.Rate) {
	rate, t.Bucket = db.own(key, rateOf(q), t.Bucket)
	t.Bucket = t.Of(rate) // the directory may have had another part
	return rate
}

// change moves the bucket of a quota from one limit to another. Used tokens stay used. As long as nobody knows how many
// were used before the node's part began, all that a larger limit adds counts as used: more may have been used under
// that limit than the smaller one holds.
func (db *DB) change(key []byte, b *quota.Bucket, from, to quota.Rate, now int64) {
	before, bucket := db.own(key, from, *b)
	after, _ := db.own(key, to, bucket)
	bucket.Change(before, after, now)
	if since := db.part.Load().Since; since != 0 && after.Capacity > before.Capacity && now < since+int64(after.Window()) {
		bucket.Owe(after, after.Capacity-before.Capacity, now)
	}
	*b = bucket
}

// state is the state of a quota whose bucket has the rate own.
func (db *DB) state(of, own quota.Rate, b quota.Bucket) QuotaState {
	if !db.part.Load().IsUsable() {
		return QuotaState{of, quota.Nothing, quota.Bucket{}}
	}
	return QuotaState{of, own, b}
}

// Want says what has to be ordered from other nodes so that n tokens of k can be taken: Tokens is n without the tokens
// that are here. rate is the limit of a transient quota that need not exist, zero to take from a quota that exists. The
// caller has tried to take the n tokens in this transaction. The register is a copy. ok is false if k has no quota and
// rate is zero.
func (tx *Tx) Want(k Key, rate quota.Rate, n uint64) (w shares.Want, ok bool) {
	s := tx.db.shard(k.Hash)
	_, rec, _ := s.find(k)
	if rec == nil || !rec.isQuota() || rec.lapsed(tx.now) {
		if rate.Capacity == 0 {
			return shares.Want{}, false
		}
		own, bucket := tx.db.own(k.Name, rate, quota.Bucket{})
		state := tx.db.state(rate, own, bucket)
		return shares.Want{Rate: rate, Transient: true, Tokens: n - min(n, state.Bucket.Remaining(state.Part, tx.now.Mono))}, true
	}
	state, _ := tx.Quota(k)
	w = shares.Want{Rate: state.Rate, Transient: rec.isTransient(), Tokens: n - min(n, state.Bucket.Remaining(state.Part, tx.now.Mono))}
	if !w.Transient {
		var e crdt.Entry
		rec.unpackQuota(quotaOffset(rec.header()), &e.Quota)
		w.Register = crdt.AppendRecord(nil, k.Name, &e)
	}
	return w, true
}

// TakeFor takes tokens of k for a client of another node: as many as are wanted, or as there are. left is how many
// remain here. epoch names the quota that they were taken from, for GiveBackFor. unsafe: the other node must not hear
// of it before everything written so far is synced. Errors: crdt.ErrCorrupt, or another error of decoding the register;
// ErrNotInteger when k holds bytes.
func (db *DB) TakeFor(k Key, w *shares.Want, now Moment) (taken, left uint64, epoch uint32, unsafe bool, err error) {
	if db.part.Load().State != shares.InForce {
		return 0, 0, 0, false, nil
	}
	if len(w.Register) > 0 {
		if err := db.mergeRegister(k, w.Register, now); err != nil {
			return 0, 0, 0, false, err
		}
	}
	tx := db.Lock(k, now)
	defer tx.Unlock()
	rate := w.Rate
	state, exists := tx.Quota(k)
	switch {
	case exists && !w.Transient:
		rate = state.Rate
	case !exists && !w.Transient:
		return 0, 0, 0, false, nil // it has ended here
	}
	if _, state, err = tx.Throttle(k, rate, 0); err != nil {
		return 0, 0, 0, false, err
	}
	taken = min(w.Tokens, state.Bucket.Remaining(state.Part, now.Mono))
	if taken > 0 {
		if _, state, err = tx.Throttle(k, rate, taken); err != nil {
			return 0, 0, 0, false, err
		}
	}
	return taken, state.Bucket.Remaining(state.Part, now.Mono), tx.epoch(k), tx.unsafe, nil
}

// mergeRegister merges the quota register of another node, so that this node knows the quota.
func (db *DB) mergeRegister(k Key, record []byte, now Moment) error {
	var e crdt.Entry
	name, _, err := crdt.DecodeRecord(record, &e)
	if err != nil {
		return err
	}
	if !bytes.Equal(name, k.Name) || len(e.Rows) > 0 {
		return fmt.Errorf("%w: not the register of the quota", crdt.ErrCorrupt)
	}
	if err := CheckQuota(&e.Quota); err != nil {
		return err
	}
	s := db.shard(k.Hash)
	s.mu.Lock()
	_, rec, _ := s.find(k)
	known := rec != nil && rec.isQuota() && !rec.isTransient() && !rec.quotaStamp(quotaOffset(rec.header())).Less(e.Quota.Stamp)
	s.mu.Unlock()
	if !known {
		db.Merge(k, &crdt.Entry{Quota: e.Quota}, now, now.Wall+MaxAhead.Milliseconds())
	}
	return nil
}

// epoch is the number of the quota of k in its shard, 0 without one.
func (tx *Tx) epoch(k Key) uint32 {
	if _, rec, _ := tx.db.shard(k.Hash).find(k); rec != nil && rec.isQuota() {
		return rec.tokens().epoch
	}
	return 0
}

// GiveBackFor gives n tokens back that TakeFor took at a moment, as far as they cannot have refilled since. Of a quota
// that has ended since, or whose limit varies, nothing comes back. It reports whether anything has come back.
func (db *DB) GiveBackFor(k Key, n uint64, epoch uint32, takenAt int64, now Moment) bool {
	tx := db.Lock(k, now)
	defer tx.Unlock()
	_, rec, _ := tx.db.shard(k.Hash).find(k)
	if rec == nil || !rec.isQuota() {
		return false
	}
	if t := rec.tokens(); t.epoch != epoch || t.varies {
		return false
	}
	given := false
	tx.giveBack(k, func(own quota.Rate, b *quota.Bucket) bool {
		given = b.GiveLate(own, n, takenAt, tx.now.Mono)
		return given
	})
	return given
}
