package engine

// All is all shards, for operations on all keys. Its methods lock one shard after the other, unless it comes from a
// transaction that holds all locks.
type All struct {
	db   *DB
	now  Moment
	held bool
}

// All gives access to all keys at one moment.
func (db *DB) All(now Moment) All { return All{db: db, now: now} }

// All gives access to all keys, in a transaction that LockEvery has begun.
func (tx *Tx) All() All { return All{tx.db, tx.now, true} }

// Len is the number of keys, including expired ones that the sweep has not deleted yet.
func (a All) Len() int {
	n := 0
	a.each(func(s *shard) { n += s.index.count - s.absent })
	return n
}

// Len is All.Len at one moment, with all shards locked: a key that is being renamed counts once.
func (db *DB) Len(now Moment) int {
	tx := db.LockEvery(now)
	defer tx.Unlock()
	return tx.All().Len()
}

// Absent is the number of records of deleted or expired keys, which are kept for merging with peers.
func (a All) Absent() int {
	n := 0
	a.each(func(s *shard) { n += s.absent })
	return n
}

// Quotas is the number of keys that are quotas, including expired ones that the sweep has not deleted yet.
func (a All) Quotas() int {
	n := 0
	a.each(func(s *shard) { n += s.quotas })
	return n
}

// Deadlines is the number of keys that have a deadline.
func (a All) Deadlines() int {
	n := 0
	a.each(func(s *shard) { n += s.wheel.deadlines })
	return n
}

// AverageTTL is the average TTL of the keys with a deadline, in milliseconds; 0 if there is none.
func (a All) AverageTTL() int64 {
	n, sum := 0, total{}
	a.each(func(s *shard) {
		n += s.wheel.deadlines
		sum.addTotal(s.wheel.sum)
	})
	if n == 0 {
		return 0
	}
	return max(0, sum.mean(uint64(n))-a.now.Wall)
}

// Expired is the number of keys that have expired so far.
func (a All) Expired() int64 {
	n := int64(0)
	a.each(func(s *shard) { n += s.expired })
	return n
}

// Forget empties all shards at once. Only the numbers that lives have used are kept.
func (a All) Forget() {
	if !a.held {
		tx := a.db.LockEvery(a.now)
		defer tx.Unlock()
		a = tx.All()
	}
	a.db.flushes++
	a.each(func(s *shard) {
		s.touchAll(a.now)
		s.reset()
	})
}

// each calls fn with each shard, with its lock held.
func (a All) each(fn func(*shard)) {
	for i := range a.db.shards {
		a.with(&a.db.shards[i], fn)
	}
}

// with calls fn with a shard, with its lock held.
func (a All) with(s *shard, fn func(*shard)) {
	if !a.held {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	fn(s)
}
