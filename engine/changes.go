package engine

import (
	"iter"
	"math/bits"

	"github.com/quotadb/quota-db/crdt"
)

// changes are what the DB's followers, the disk and the peers, have yet to take from a shard. What is said of the disk here holds for the peers too, whose
// follower takes only what clients of this node have changed: see TakeUnsent.
//
// A record that changes is unwritten, and its key's hash noted, once until the follower takes it: however often a hot key changes meanwhile, it is
// one record. A key that goes leaves its name. What the follower has taken of a key last is what there is of it: an older
// state means nothing, so nothing needs to be kept in memory for the sake of the disk.
type changes struct {
	wanted audience // who is to be told of changes at all
	unsent []uint64 // hashes of names, as noted
	fresh  bool     // something changed since a transaction of several shards began: see Tx.join
	noted  []uint64 // hashes of names; a record may be gone meanwhile, or noted twice
	buried []byte   // encoded empty records of the keys that are gone
	graves int      // how many
}

// mark notes that a record changed.
func (s *shard) mark(rec record, hash uint64) { s.markFor(rec, hash, s.changes.wanted) }

// markFor is mark for some of those who want to know.
func (s *shard) markFor(rec record, hash uint64, wanted audience) {
	if wanted == 0 {
		return
	}
	s.changes.fresh = true
	if fresh := header(wanted) &^ rec.header(); fresh != 0 {
		s.note(rec, hash, fresh)
	}
}

// note makes followers come to a key.
func (s *shard) note(rec record, hash uint64, fresh header) {
	c := &s.changes
	rec.setHeader(rec.header() | fresh)
	if fresh&unwritten != 0 {
		if len(c.noted) == 0 {
			s.pending.Store(true)
		}
		c.noted = append(c.noted, hash)
	}
	if fresh&unsent != 0 {
		if len(c.unsent) == 0 {
			s.sendable.Store(true)
		}
		c.unsent = append(c.unsent, hash)
	}
	s.db.digests.touch(hash)
}

// bury notes that a key is gone.
func (s *shard) bury(k Key) {
	c := &s.changes
	c.fresh = true
	if len(c.buried) == 0 {
		s.pending.Store(true)
	}
	before := len(c.buried)
	c.buried = crdt.AppendRecord(c.buried, k.Name, &crdt.Entry{})
	c.graves++
	s.db.backlog.Add(int64(len(c.buried) - before))
}

// Shards is how many shards there are.
func (db *DB) Shards() int { return len(db.shards) }

// HasUnwritten reports whether a shard has changes that the follower has not taken. It takes no lock.
func (db *DB) HasUnwritten(shard int) bool { return db.shards[shard].pending.Load() }

// Flushes is how often all keys were flushed.
func (db *DB) Flushes() uint64 {
	s := &db.shards[0]
	s.mu.Lock()
	defer s.mu.Unlock()
	return db.flushes
}

// Backlog is about how many bytes wait for the follower because keys are gone.
func (db *DB) Backlog() int64 { return db.backlog.Load() }

// Batch is what the follower takes. It is used again after Reset.
type Batch struct {
	Records []byte  // the last record of a key is what there is of it, an empty one that it is gone; see Loader for their form
	Count   int     // of them
	Reserves  []WrittenReserve // for DB.Grant, once the records are safe
	Flushes uint64  // how often all keys were flushed before; what was taken with a smaller number is void

	cuts []int // where Records can be divided
}

const (
	pieceBytes = 64 << 10 // of records, after which a batch can be divided
	takeBytes  = 1 << 20  // of records, after which a take ends
	keptBatch  = 4 << 20  // the largest buffer that is kept for the next batch
)

// endRecord notes the end of a record.
func (b *Batch) endRecord() {
	last := 0
	if n := len(b.cuts); n > 0 {
		last = b.cuts[n-1]
	}
	if len(b.Records)-last >= pieceBytes {
		b.cuts = append(b.cuts, len(b.Records))
	}
}

// Pieces are the records in pieces of whole ones, of some 64 KiB unless one alone is larger.
func (b *Batch) Pieces() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		from := 0
		for _, to := range append(b.cuts, len(b.Records)) {
			if to > from && !yield(b.Records[from:to]) {
				return
			}
			from = to
		}
	}
}

// Reset empties the batch.
func (b *Batch) Reset() {
	*b = Batch{Records: b.Records[:0], Reserves: b.Reserves[:0], Flushes: b.Flushes, cuts: b.cuts[:0]}
	if cap(b.Records) > keptBatch {
		b.Records = nil
	}
}

// Take gives the follower, the only one, what has changed in a shard, records of at most budget keys, and of not many more than 1 MiB, and of those that are gone. It reports whether there is more.
func (db *DB) Take(shard int, b *Batch, budget int) (more bool) {
	s := &db.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take(b, budget)
}

func (s *shard) take(b *Batch, budget int) (more bool) {
	c := &s.changes
	b.Flushes = s.db.flushes
	if n := len(c.buried); n > 0 { // before the records: a name may have come back
		b.Records = append(b.Records, c.buried...)
		b.Count += c.graves
		b.endRecord()
		s.db.backlog.Add(int64(-n))
		if c.buried, c.graves = c.buried[:0], 0; n > keptBuried {
			c.buried = nil
		}
	}
	stop := len(b.Records) + takeBytes
	// From the end: what is taken first was changed last, and is nearest in the cache.
	for budget = min(budget, len(c.noted)); budget > 0 && len(b.Records) < stop; {
		group := c.noted[len(c.noted)-min(budget, maxWarm):]
		s.db.warmHashes(group)
		for i := len(group); i > 0 && len(b.Records) < stop; i-- {
			s.takeUnwritten(b, group[i-1])
			c.noted = c.noted[:len(c.noted)-1]
			budget--
		}
	}
	if more = len(c.noted) > 0; !more {
		s.pending.Store(false)
		if cap(c.noted) > keptNoted {
			c.noted = nil
		}
	}
	return more
}

const (
	keptBuried = 64 << 10 // the largest buffer that a shard keeps for the names of keys that are gone, in bytes
	keptNoted  = 16 << 10 // and the largest for hashes
)

// takeUnwritten appends the unwritten records of a hash, nearly always one.
func (s *shard) takeUnwritten(b *Batch, hash uint64) {
	s.records(hash, func(rec record) {
		if rec[0]&unwritten == 0 {
			return
		}
		rec[0] &^= unwritten
		b.Count++
		rec.unpack(&s.taken)
		if rec.isQuota() { // one that has ended has no tokens, though the register with its end stays
			s.writeReserve(rec, hash, b)
		}
		b.Records = crdt.AppendRecord(b.Records, rec.key(), &s.taken)
		b.endRecord()
	})
}

// records calls fn with the records of a hash, nearly always one.
func (s *shard) records(hash uint64, fn func(record)) {
	if s.index.count == 0 {
		return
	}
	tag := tagOf(hash)
	for b := s.index.at(s.db.position(hash)); b != nil; b = s.index.next(b) {
		for m := matches(b.low.Load(), tag); m != 0; m &= m - 1 {
			s.recordIn(b, bits.TrailingZeros64(m)/8, hash, fn)
		}
		for m := matches32(b.high.Load(), tag); m != 0; m &= m - 1 {
			s.recordIn(b, firstHigh+bits.TrailingZeros64(m)/8, hash, fn)
		}
	}
}

// recordIn calls fn with a slot's record if it is of that hash. The slot may be empty: a match can be false.
func (s *shard) recordIn(b *bucket, slot int, hash uint64, fn func(record)) {
	if r := ref(b.refs[slot].Load()); r != 0 {
		if rec := s.arena.at(r); s.db.hash.sum(rec.key()) == hash {
			fn(rec)
		}
	}
}

// warmHashes fetches what takeUnwritten is about to look at.
func (db *DB) warmHashes(hashes []uint64) {
	var keys [maxWarm]Key
	for i, hash := range hashes {
		keys[i].Hash = hash
	}
	db.Warm(keys[:len(hashes)])
}

// forgetChanges drops what was to be taken: every key goes.
func (s *shard) forgetChanges() {
	c := &s.changes
	s.db.backlog.Add(-int64(len(c.buried)))
	followed := c.wanted&toDisk != 0
	*c = changes{wanted: c.wanted, fresh: followed}
	s.pending.Store(followed)
	s.sendable.Store(false)
}
