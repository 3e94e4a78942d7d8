package engine

import "github.com/quotadb/quota-db/crdt"

// Walk appends records in hash order to b, until they have about budget bytes. from is 0 in the first call, then the
// result of the call before; the result 0 means the end. A key that exists from the first call to the last is there
// once, in a state that it had in between. The lock of a shard is held for one bucket at a time.
func (db *DB) Walk(from uint64, now Moment, b *Batch, budget int) (next uint64) {
	stop := len(b.Records) + budget
	for len(b.Records) < stop {
		s := db.shard(from)
		s.mu.Lock()
		position, end := s.visitBucket(from, allHashes, func(rec record, _ uint64) {
			if !db.replicated && rec.expired(now.Wall) {
				// Only the files that the snapshot replaces still had this key's numbers.
				s.droppedAll(rec)
				return
			}
			s.walkRecord(rec, b)
		})
		s.mu.Unlock()
		if from, end = db.nextHash(db.shardOf(from), position, end); end {
			return 0
		}
	}
	return from
}

// allHashes is the last hash.
const allHashes = 1<<64 - 1

// visit calls fn with each record whose hash is from first to last, under the lock of its shard. fn may replace the
// record.
func (db *DB) visit(first, last uint64, fn func(*shard, record, uint64)) {
	for at, end := first, false; !end && at <= last; {
		s := db.shard(at)
		s.mu.Lock()
		position, done := s.visitBucket(at, last, func(rec record, hash uint64) { fn(s, rec, hash) })
		s.mu.Unlock()
		at, end = db.nextHash(db.shardOf(at), position, done)
	}
}

// visitBucket calls fn with the records in the bucket of hash first whose hashes are from first to last. It returns the
// first position behind the bucket; end: there is none.
func (s *shard) visitBucket(first, last uint64, fn func(record, uint64)) (next uint64, end bool) {
	position := s.db.position(first)
	if s.index.count == 0 {
		return 0, true
	}
	for bucket := s.index.at(position); bucket != nil; bucket = s.index.next(bucket) {
		s.fetch(bucket)
		for slot := range slotsPerBucket {
			if bucket.tag(slot) == 0 {
				continue
			}
			rec := s.arena.at(ref(bucket.refs[slot].Load()))
			if hash := s.db.hash.sum(rec.key()); hash >= first && hash <= last {
				fn(rec, hash)
			}
		}
	}
	return s.index.end(position)
}

func (s *shard) walkRecord(rec record, b *Batch) {
	if rec.isQuota() {
		t := rec.tokens()
		b.Records = appendTokens(b.Records, &t, max(t.bound, t.written)-t.spent)
	}
	rec.unpack(&s.taken)
	b.Records = crdt.AppendRecord(b.Records, rec.key(), &s.taken)
	b.Count++
	b.endRecord()
}
