package engine

// Flush deletes all keys of all shards at once. If the DB is replicated and has many keys, all clients wait for a long
// time: FlushSome avoids that.
func (a All) Flush() {
	if !a.held {
		tx := a.db.LockEvery(a.now)
		defer tx.Unlock()
		a = tx.All()
	}
	if a.db.replicated {
		a.deleteAll()
		return
	}
	a.Forget()
}

// deleteAll deletes each key that is visible.
func (a All) deleteAll() {
	var name []byte
	for at, end := uint64(0), false; !end; {
		s := a.db.shard(at)
		var position uint64
		_, position, end = s.deleteBucket(at, a.now, &name)
		at, end = a.db.nextHash(a.db.shardOf(at), position, end)
	}
}

// FlushesAtOnce reports whether Flush takes no time, however many keys there are, because it keeps nothing of them.
func (db *DB) FlushesAtOnce() bool { return !db.replicated }

// FlushSome deletes visible keys in hash order, until it has looked at budget records or a few more. from is 0 in the
// first call, then the result of the call before; the result 0 means the end. After the last call every key that
// existed at the first call is deleted, except for writes that came to a key after FlushSome had passed it. A shard is
// locked for one bucket at a time, some nine records; the keys of a bucket are deleted at one moment.
func (db *DB) FlushSome(from uint64, now Moment, budget int) (next uint64) {
	var name []byte
	for budget > 0 {
		s := db.shard(from)
		s.mu.Lock()
		n, position, end := s.deleteBucket(from, now, &name)
		s.mu.Unlock()
		if from, end = db.nextHash(db.shardOf(from), position, end); end {
			return 0
		}
		budget -= n + 1 // an empty bucket takes time too
	}
	return from
}

// deleteBucket deletes the visible keys in the bucket of hash first whose hashes are first or larger. It returns how
// many records it looked at, and the first position behind the bucket; end: there is none. name is a buffer for one
// name.
func (s *shard) deleteBucket(first uint64, now Moment, name *[]byte) (n int, next uint64, end bool) {
	tx := Tx{db: s.db, now: now, one: s}
	next, end = s.visitBucket(first, allHashes, func(rec record, hash uint64) {
		if n++; !rec.isGone() {
			*name = append((*name)[:0], rec.key()...)
			tx.Delete(Key{*name, hash})
		}
	})
	return n, next, end
}
