package engine

// Flush deletes all keys, of all shards at once. With many keys and a DB that is kept for merging all clients wait for
// it: see FlushSome.
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

// FlushesAtOnce reports whether Flush takes no time, however many keys there are: nothing is kept of them.
func (db *DB) FlushesAtOnce() bool { return !db.replicated }

// FlushSome deletes visible keys from a place on that it has returned before, 0 at first, until it has looked at budget
// records, or a few more. It returns the place to go on from, 0 at the end. After the last call each key is gone that
// was there from the first on, but for what was written to it behind the place. A shard is locked for one bucket at a
// time, some nine records; each bucket's keys are deleted at one moment.
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

// deleteBucket deletes the visible keys with hashes from first on in first's bucket. It returns how many records it has
// looked at, and where the positions begin that it has not covered. name is room for one.
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
