package engine

import (
	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/quota"
)

// Restore makes e the state of k, as Take once gave it. It is no change to the follower. The caller sees to it that the last state of each key comes last;
// keys may be restored by several goroutines at once. e's bytes are copied.
func (db *DB) Restore(k Key, e *crdt.Entry, now Moment) {
	s := db.shard(k.Hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	followed := s.changes.followed
	s.changes.followed = false
	r, _, at := s.find(k)
	s.bucket = quota.Bucket{}
	s.clock.Observe(e.Latest())
	s.store(k, e, r, at, now)
	s.changes.followed = followed
}
