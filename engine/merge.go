package engine

import (
	"fmt"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
)

// MaxAhead is how far ahead of this node's clock a stamp may be. A register with a later stamp is held back until then.
const MaxAhead = time.Hour

// Merge joins the state of k at another node with the state here and says what changed: see crdt.Entry.Merge. The rows
// of remote have the indexes of this DB. The disk follows the change, peers do not. hidden: the key is past its
// deadline here and therefore in no digest. remote is overwritten; its bytes are copied.
func (db *DB) Merge(k Key, remote *crdt.Entry, now Moment, horizon int64) (m crdt.Merged, hidden bool) {
	s := db.shard(k.Hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	now = s.moment(now)
	r, rec, at := s.find(k)
	if rec != nil {
		if m, ok := s.mergeInPlace(rec, k.Hash, remote, now, horizon); ok {
			if m.Changed != 0 {
				s.touch(k)
				s.markFor(rec, k.Hash, s.changes.wanted&toDisk)
			}
			return m, false
		}
	}
	d := s.draftOf(r, rec, at)
	before := d.Quota
	d.Quota = d.Quota.Shared()
	m = d.Merge(remote, now.Wall, horizon)
	hidden = d.Expired(now.Wall)
	if m.Changed == 0 {
		return m, hidden
	}
	s.clock.Observe(d.Latest())
	s.mergeQuota(k, d, before, m.Closed, now)
	s.touch(k)
	told := toDisk
	// Closing raises floors, also of rows that the other node may not have: peers must be told.
	if m.Closed {
		told = toAll
	}
	n := len(s.sums.list) // what store makes stale counts again at once: a peer may send every key
	s.store(k, d, now, told)
	s.settle(n, now)
	return m, hidden
}

// mergeQuota sets this node's tokens after a merge. A bucket under another rate keeps its used tokens, also those taken
// from a transient quota. If the merge brought no quota, this node's transient quota goes on.
func (s *shard) mergeQuota(k Key, d *draft, before crdt.Quota, closed bool, now Moment) {
	if before.Transient && (closed || d.tokens.FullAfter(now.Mono) == 0) { // it has ended
		before = before.Shared()
	}
	switch {
	case d.Quota.Capacity == 0:
		if before.Transient {
			before.LieOver(d.Quota.Stamp)
			d.Quota = before
		}
	case d.Quota == before:
	case before.Capacity == 0:
		d.tokens = s.fresh()
	default:
		if from, to := rateOf(&before), rateOf(&d.Quota); from != to {
			s.db.change(k.Name, &d.tokens.Bucket, from, to, now.Mono)
			s.vary(&d.tokens)
		}
	}
}

// CheckQuota checks a quota that a peer has sent. Errors: crdt.ErrCorrupt.
func CheckQuota(q *crdt.Quota) error {
	if q.Capacity == 0 {
		return nil
	}
	if _, err := quota.New(q.Capacity, q.Count, time.Duration(q.Period)); err != nil {
		return fmt.Errorf("%w: %w", crdt.ErrCorrupt, err)
	}
	return nil
}
