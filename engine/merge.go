package engine

import (
	"fmt"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
)

// MaxAhead is how far ahead of this node's clock a stamp may be. Registers that a peer has stamped later are held back until then.
const MaxAhead = time.Hour

// Merge joins another node's state of k, whose rows have the indexes of this DB, and says what that did: see crdt.Entry.Merge. It is a change for
// the disk, not for peers. hidden: the key is past its deadline here, so digests do not tell the other node what this one has of it. remote is used up; its bytes are copied.
func (db *DB) Merge(k Key, remote *crdt.Entry, now Moment, horizon int64) (m crdt.Merged, hidden bool) {
	s := db.shard(k.Hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	now = s.moment(now)
	e, r, at := s.asStored(k)
	before := e.Quota
	e.Quota = e.Quota.Shared()
	m = e.Merge(remote, now.Wall, horizon)
	hidden = e.Expired(now.Wall)
	if m.Changed == 0 {
		return m, hidden
	}
	s.clock.Observe(e.Latest())
	s.mergeQuota(e, before, m.Closed, now)
	s.touch(k)
	wanted := s.changes.wanted
	if !m.Closed { // a closing raises the floors of rows that the other node may not have
		s.changes.wanted &= marked
	}
	s.store(k, e, r, at, now)
	s.changes.wanted = wanted
	db.digests.touch(k.Hash)
	return m, hidden
}

// asStored brings the state of k into s.scratch as it is, hidden or not.
func (s *shard) asStored(k Key) (*crdt.Entry, ref, place) {
	e := &s.scratch
	r, rec, at := s.find(k)
	s.ended = false
	if rec == nil {
		*e, s.tokens = crdt.Entry{Rows: e.Rows[:0]}, tokens{}
		return e, 0, at
	}
	rec.unpack(e)
	s.tokens = rec.tokens()
	return e, r, at
}

// mergeQuota settles what a merge means for this node's tokens: another rate keeps what is used, also what was taken from
// a transient quota, and this node's transient quota goes on where the merge brought none.
func (s *shard) mergeQuota(e *crdt.Entry, before crdt.Quota, closed bool, now Moment) {
	if before.Transient && (closed || s.tokens.FullAfter(now.Mono) == 0) { // it has ended
		before = before.Shared()
	}
	switch {
	case e.Quota.Capacity == 0:
		if before.Transient {
			before.LieOver(e.Quota.Stamp)
			e.Quota = before
		}
	case e.Quota == before:
	case before.Capacity == 0:
		s.tokens = s.fresh()
	default:
		if from, to := rateOf(&before), rateOf(&e.Quota); from != to {
			s.tokens.Change(from, to, now.Mono)
			s.vary()
		}
	}
}

// CheckQuota says what cannot be of a quota that a peer has sent. Errors: crdt.ErrCorrupt.
func CheckQuota(q *crdt.Quota) error {
	if q.Capacity == 0 {
		return nil
	}
	if _, err := quota.New(q.Capacity, q.Count, time.Duration(q.Period)); err != nil {
		return fmt.Errorf("%w: %w", crdt.ErrCorrupt, err)
	}
	return nil
}
