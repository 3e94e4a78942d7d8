package engine

import (
	"iter"
	"math/bits"

	"github.com/quotadb/quota-db/crdt"
)

// changes are the changes of a shard that the DB's followers, the disk and the peers, have not taken yet. The comments
// here speak of the disk and hold for the peers too; the peers' follower takes only changes by clients of this node:
// see TakeUnsent.
//
// A record that changes gets the flag unwritten, and the hash of its key is noted, once until the follower takes it: a
// hot key is one record however often it changes. A key that is dropped leaves its name in buried. Only the last state
// taken of a key counts; recovery lets it replace earlier ones. So nothing needs to stay in memory for the disk.
type changes struct {
	wanted audience // who follows this shard: disk, peers
	unsent []uint64 // the peers' noted
	fresh  bool     // something has changed since the current transaction of several shards began: see Tx.join
	noted  []uint64 // hashes of the keys of unwritten records; a record may be gone meanwhile, or noted twice
	buried []byte   // encoded empty records, one for each dropped key
	graves int
}

// mark notes that a record changed.
func (s *shard) mark(rec record, hash uint64) { s.markFor(rec, hash, s.changes.wanted) }

// markFor is mark for the given followers.
func (s *shard) markFor(rec record, hash uint64, wanted audience) {
	if wanted == 0 {
		return
	}
	s.changes.fresh = true
	if fresh := uint32(wanted) &^ rec.u32(0); fresh != 0 {
		s.note(rec, hash, fresh)
	}
}

// note sets the flags fresh of a record and notes its hash, so that the followers take it.
func (s *shard) note(rec record, hash uint64, fresh uint32) {
	c := &s.changes
	rec.set(fresh)
	if fresh&unwritten != 0 {
		if len(c.noted) == 0 {
			s.pend()
		}
		c.noted = append(c.noted, hash)
	}
	if fresh&unsent != 0 {
		if len(c.unsent) == 0 {
			s.sendable.Store(true)
			s.db.peersRest.end()
		}
		c.unsent = append(c.unsent, hash)
	}
}

// bury notes for the disk that k has been dropped.
func (s *shard) bury(k Key) {
	c := &s.changes
	c.fresh = true
	if len(c.buried) == 0 {
		s.pend()
	}
	before := len(c.buried)
	c.buried = crdt.AppendRecord(c.buried, k.Name, &crdt.Entry{})
	c.graves++
	s.db.backlog.Add(int64(len(c.buried) - before))
}

// pend says that the shard has changes for the disk.
func (s *shard) pend() {
	s.pending.Store(true)
	s.db.diskRest.end()
}

// Shards is how many shards there are.
func (db *DB) Shards() int { return len(db.shards) }

// HasUnwritten reports whether a shard has changes that Take has not given. It takes no lock.
func (db *DB) HasUnwritten(shard int) bool { return db.shards[shard].pending.Load() }

// Flushes is how often all keys were flushed.
func (db *DB) Flushes() uint64 {
	s := &db.shards[0]
	s.mu.Lock()
	defer s.mu.Unlock()
	return db.flushes
}

// Backlog is about how many bytes of deletions wait for the follower.
func (db *DB) Backlog() int64 { return db.backlog.Load() }

// Batch is what Take or Walk gives. Reset prepares it for the next use.
type Batch struct {
	// For the form see Loader. If a key occurs twice the later record counts. An empty record: the key was dropped.
	Records  []byte
	Count    int              // number of records
	Reserves []WrittenReserve // for ReservesAreSafe, once the records are synced
	// How often all keys had been flushed when this was taken. Records that were taken under a smaller number are void.
	Flushes uint64

	cuts []int // offsets at which Records can be divided
}

const (
	pieceBytes = 64 << 10 // bytes of records after which a batch can be divided
	takeBytes  = 1 << 20  // bytes of records after which a take ends
	keptBatch  = 4 << 20  // the largest buffer that is kept for the next batch, in bytes
)

// endRecord says that a record ends here. It marks a place to divide, if the piece is long enough.
func (b *Batch) endRecord() {
	last := 0
	if n := len(b.cuts); n > 0 {
		last = b.cuts[n-1]
	}
	if len(b.Records)-last >= pieceBytes {
		b.cuts = append(b.cuts, len(b.Records))
	}
}

// Pieces are the records in pieces of whole records. A piece has about 64 KiB, or one longer record.
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

// Take appends changes of a shard to b: all dropped keys, and records of at most budget keys or a little more than 1
// MiB. more says that there are others left. There is one follower only.
func (db *DB) Take(shard int, b *Batch, budget int) (more bool) {
	s := &db.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.take(b, budget)
}

func (s *shard) take(b *Batch, budget int) (more bool) {
	c := &s.changes
	b.Flushes = s.db.flushes
	if n := len(c.buried); n > 0 { // before the records: a key may have been created again
		b.Records = append(b.Records, c.buried...)
		b.Count += c.graves
		b.endRecord()
		s.db.backlog.Add(int64(-n))
		if c.buried, c.graves = c.buried[:0], 0; n > keptBuried {
			c.buried = nil
		}
	}
	stop := len(b.Records) + takeBytes
	// From the end: the keys that changed last are the most likely to be in the cache.
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
	keptBuried = 64 << 10 // the largest buffer that a shard keeps for names of dropped keys, in bytes
	keptNoted  = 16 << 10 // the largest buffer that a shard keeps for hashes, in hashes
)

// takeUnwritten appends the unwritten records of a hash, nearly always one.
func (s *shard) takeUnwritten(b *Batch, hash uint64) {
	s.records(hash, func(rec record) {
		if rec[0]&unwritten == 0 {
			return
		}
		rec.unset(unwritten)
		b.Count++
		rec.unpack(&s.taken)
		if rec.isQuota() { // an ended quota has no tokens, though its register stays with the stamp of its end
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

// recordIn calls fn with the record in a slot, if its key has that hash. The slot may be empty: a match of tags can be
// false.
func (s *shard) recordIn(b *bucket, slot int, hash uint64, fn func(record)) {
	if r := ref(b.refs[slot].Load()); r != 0 {
		if rec := s.arena.at(r); s.db.hash.sum(rec.key()) == hash {
			fn(rec)
		}
	}
}

// warmHashes prefetches the buckets and records that takeUnwritten is about to read.
func (db *DB) warmHashes(hashes []uint64) {
	var keys [maxWarm]Key
	for i, hash := range hashes {
		keys[i].Hash = hash
	}
	db.Warm(keys[:len(hashes)])
}

// forgetChanges drops all changes that were not taken yet, because every key is dropped. The follower learns that by
// Batch.Flushes.
func (s *shard) forgetChanges() {
	c := &s.changes
	s.db.backlog.Add(-int64(len(c.buried)))
	followed := c.wanted&toDisk != 0
	*c = changes{wanted: c.wanted, fresh: followed}
	if s.pending.Store(followed); followed {
		s.db.diskRest.end()
	}
	s.sendable.Store(false)
}
