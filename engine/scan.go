package engine

import "math/bits"

// cursorShift makes a cursor from a hash: its upper 48 bits, which the number types of all clients can hold.
const cursorShift = 16

// maxScanBytes is how many bytes of names end a call of Scan early: names may be long.
const maxScanBytes = 16 << 20

// Scan calls fn for visible keys from cursor on, and returns the cursor to go on from; 0 at the end. It reports whole
// buckets, until at least count keys were reported or their names are very long. Buckets come in hash order whatever
// happens to the tables meanwhile: a key that exists from the first call (cursor 0) to the last is reported, and
// reported once, unless two names agree in 48 bits of their hashes. Cursors stay below 2^48. fn runs under the lock of
// the shard: name and value are valid only inside, and fn must not call the DB.
func (a All) Scan(cursor uint64, count int, fn func(name []byte, v Value)) uint64 {
	if cursor >= 1<<(64-cursorShift) {
		return 0
	}
	hash := cursor << cursorShift
	bytes := 0
	// Empty buckets count a little too, so that a call over an empty range ends.
	for work := 0; work < count*visitsPerKey && bytes < maxScanBytes; {
		var next uint64
		var end bool
		a.with(a.db.shard(hash), func(s *shard) {
			var n int
			n, next, end = s.scanBucket(hash, a.now, func(name []byte, v Value) {
				bytes += len(name)
				fn(name, v)
			})
			work += n*visitsPerKey + 1
		})
		if hash, end = a.db.nextHash(a.db.shardOf(hash), next, end); end {
			return 0
		}
	}
	return hash >> cursorShift
}

// visitsPerKey is how many buckets without a visible key count as much as one key in a scan.
const visitsPerKey = 10

// nextHash is the least hash whose position in a shard is position or larger. As a parameter end stands for the end of
// the shard's positions; as a result it means that there is no further hash.
func (db *DB) nextHash(shard, position uint64, end bool) (uint64, bool) {
	n := uint64(len(db.shards))
	if end {
		shard, position = shard+1, 0
		if shard == n {
			return 0, true
		}
	}
	hash, rest := bits.Div64(shard, position, n)
	if rest != 0 {
		hash++
	}
	return hash, hash == 0 && shard != 0
}

// scanBucket calls fn for the visible keys in the bucket of hash first whose hashes are first or larger; smaller ones
// were reported before, perhaps from another table. It returns how many keys there were, and the first position behind
// the bucket; end: there is none.
func (s *shard) scanBucket(first uint64, now Moment, fn func([]byte, Value)) (n int, next uint64, end bool) {
	position := s.db.position(first)
	if s.index.count == 0 {
		return 0, 0, true
	}
	for b := s.index.at(position); b != nil; b = s.index.next(b) {
		for slot := range slotsPerBucket {
			if b.tag(slot) == 0 {
				continue
			}
			rec := s.arena.at(ref(b.refs[slot].Load()))
			if v := s.value(rec, now); v.Type != None && s.db.hash.sum(rec.key()) >= first {
				fn(rec.key(), v)
				n++
			}
		}
	}
	next, end = s.index.end(position)
	return n, next, end
}

// end is the first position behind the bucket of a position.
func (x *index) end(position uint64) (next uint64, end bool) {
	t := x.current.Load()
	if x.old == nil {
		return t.start(t.home(position) + 1)
	}
	if i := x.old.home(position); i >= x.moved {
		return x.old.start(i + 1)
	}
	frontier, _ := x.old.start(x.moved)
	next, end = t.start(t.home(position) + 1)
	if end || next > frontier {
		return frontier, false // the rest of this bucket's positions is still in the old table
	}
	return next, end
}
