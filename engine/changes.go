package engine

import (
	"math/bits"

	"github.com/quotadb/quota-db/crdt"
)

// changes are what the DB's follower, the disk, has yet to take from a shard.
//
// A record that changes is marked, and its key's hash noted, once until the follower takes it: however often a hot key changes, it is one
// record. What the shard drops from memory (a deleted key's floors and stamps, say) is encoded at that moment and kept as bytes, so that memory
// holds nothing which only merging needs. The order in which the follower writes them does not matter, but what was dropped must be written at
// the latest together with what took its place.
type changes struct {
	followed bool
	noted    []uint64 // hashes of names; a record may be gone meanwhile, or noted twice
	remains  []byte   // encoded records
}

// mark notes that a record changed.
func (s *shard) mark(rec record, hash uint64) {
	if s.changes.followed && rec[0]&marked == 0 {
		rec[0] |= marked
		s.note(hash)
	}
}

// note makes the follower come to a key.
func (s *shard) note(hash uint64) {
	if len(s.changes.noted) == 0 {
		s.pending.Store(true)
	}
	s.changes.noted = append(s.changes.noted, hash)
}

// keepRemains encodes e, the new state of k, if trim is about to drop parts of it that the follower may have the like of.
func (s *shard) keepRemains(k Key, e *crdt.Entry) {
	if !s.changes.followed || !s.dropsParts(e) {
		return
	}
	if len(s.changes.remains) == 0 {
		s.pending.Store(true)
	}
	before := len(s.changes.remains)
	s.changes.remains = crdt.AppendRecord(s.changes.remains, k.Name, e)
	s.db.backlog.Add(int64(len(s.changes.remains) - before))
}

// dropsParts reports whether e has lost a part that its record, whose header's parts are in s.had, still has.
func (s *shard) dropsParts(e *crdt.Entry) bool {
	for i := range e.Rows {
		if e.Rows[i].AtFloor() {
			return true
		}
	}
	return e.Base.Kind == crdt.None && s.had&baseMask != 0 ||
		e.Deadline.At == 0 && s.had&hasDeadline != 0 ||
		e.Quota.Capacity == 0 && s.had&hasQuota != 0
}

// Changed reports whether a shard has changes that the follower has not taken. It takes no lock.
func (db *DB) Changed(shard int) bool { return db.shards[shard].pending.Load() }

// Shards is how many shards there are.
func (db *DB) Shards() int { return len(db.shards) }

// Backlog is how many bytes of remains the follower has not taken.
func (db *DB) Backlog() int64 { return db.backlog.Load() }

// Take gives the follower, the only one, what has changed in a shard: it appends records to dst, those of at most budget keys, and reports whether there is more.
// A state that changes again is given again. era counts the flushes before; what is given belongs to it.
func (db *DB) Take(shard int, dst []byte, budget int) (records []byte, more bool, era uint64) {
	s := &db.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.changes
	if n := len(c.remains); n > 0 {
		dst = append(dst, c.remains...)
		db.backlog.Add(int64(-n))
		if c.remains = c.remains[:0]; n > keptRemains {
			c.remains = nil
		}
	}
	n := min(len(c.noted), budget)
	// From the end: what is taken first was changed last, and is nearest in the cache.
	taken := c.noted[len(c.noted)-n:]
	for len(taken) > 0 {
		group := taken[:min(len(taken), maxWarm)]
		db.warmHashes(group)
		for _, hash := range group {
			dst = s.takeMarked(dst, hash)
		}
		taken = taken[len(group):]
	}
	c.noted = c.noted[:len(c.noted)-n]
	if more = len(c.noted) > 0; !more {
		s.pending.Store(false)
		if cap(c.noted) > keptNoted {
			c.noted = nil
		}
	}
	return dst, more, s.era
}

const (
	keptRemains = 64 << 10 // the largest buffer that a shard keeps for the next remains, in bytes
	keptNoted   = 16 << 10 // and the largest for hashes
)

// takeMarked appends the marked records of a hash, nearly always one.
func (s *shard) takeMarked(dst []byte, hash uint64) []byte {
	if s.index.count == 0 {
		return dst
	}
	tag := tagOf(hash)
	for b := s.index.at(s.db.position(hash)); b != nil; b = s.index.next(b) {
		for m := matches(b.low.Load(), tag); m != 0; m &= m - 1 {
			dst = s.takeSlot(dst, b, bits.TrailingZeros64(m)/8, hash)
		}
		for m := matches32(b.high.Load(), tag); m != 0; m &= m - 1 {
			dst = s.takeSlot(dst, b, firstHigh+bits.TrailingZeros64(m)/8, hash)
		}
	}
	return dst
}

// takeSlot appends a slot's record if it is marked and of that hash. The slot may be empty: a match can be false.
func (s *shard) takeSlot(dst []byte, b *bucket, slot int, hash uint64) []byte {
	r := ref(b.refs[slot].Load())
	if r == 0 {
		return dst
	}
	rec := s.arena.at(r)
	if rec[0]&marked == 0 || s.db.hash.sum(rec.key()) != hash {
		return dst
	}
	rec[0] &^= marked
	rec.unpack(&s.taken)
	return crdt.AppendRecord(dst, rec.key(), &s.taken)
}

// warmHashes fetches what takeMarked is about to look at.
func (db *DB) warmHashes(hashes []uint64) {
	var keys [maxWarm]Key
	for i, hash := range hashes {
		keys[i].Hash = hash
	}
	db.Warm(keys[:len(hashes)])
}

// forget drops what was to be taken: every key goes, and the follower begins anew.
func (c *changes) forget() { *c = changes{followed: c.followed} }
