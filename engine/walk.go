package engine

import "github.com/quotadb/quota-db/crdt"

// Walk appends the records of keys in hash order to b, from a place that it returned before on, 0 at first, until they are about budget
// bytes. It returns the place to go on from, 0 at the end. A key that is there from the first call to the last is there once, in the state of
// some moment in between; the lock of a shard is held for one bucket at a time.
func (db *DB) Walk(from uint64, now Moment, b *Batch, budget int) (next uint64) {
	stop := len(b.Records) + budget
	for len(b.Records) < stop {
		s := db.shard(from)
		s.mu.Lock()
		position, end := s.walkBucket(from, now, b)
		s.mu.Unlock()
		if from, end = db.nextHash(db.shardOf(from), position, end); end {
			return 0
		}
	}
	return from
}

// walkBucket appends the records with hashes from first on in first's bucket, and returns where the positions begin that it has not covered.
func (s *shard) walkBucket(first uint64, now Moment, b *Batch) (next uint64, end bool) {
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
			if !rec.expired(now.Wall) && s.db.hash.sum(rec.key()) >= first {
				s.walkRecord(rec, b)
			}
		}
	}
	return s.index.end(position)
}

func (s *shard) walkRecord(rec record, b *Batch) {
	if h := rec.header(); h&hasQuota != 0 {
		t := rec.tokens()
		b.Records = appendTokens(b.Records, t.Bucket, max(t.bound, t.written)-t.spent)
	}
	rec.unpack(&s.taken)
	b.Records = crdt.AppendRecord(b.Records, rec.key(), &s.taken)
	b.Count++
	b.ended()
}
