package engine

// All is every shard, for what concerns all keys. Its methods lock one shard after the other, unless the transaction that it
// comes from holds them all.
type All struct {
	db   *DB
	now  Moment
	held bool
}

// All gives access to all keys at one moment.
func (db *DB) All(now Moment) All { return All{db: db, now: now} }

// All gives access to all keys, in a transaction that LockEvery has begun.
func (tx *Tx) All() All { return All{tx.db, tx.now, true} }

// Len is the number of keys, those included whose deadline has passed and that the sweep has not met yet.
func (a All) Len() int {
	n := 0
	a.each(func(s *shard) { n += s.index.count - s.absent })
	return n
}

// Len is All.Len at one moment: a key that is renamed counts once. It locks all shards together for that.
func (db *DB) Len(now Moment) int {
	tx := db.LockEvery(now)
	defer tx.Unlock()
	return tx.All().Len()
}

// Absent is the number of records of keys that are deleted or have expired, which are kept for merging with peers.
func (a All) Absent() int {
	n := 0
	a.each(func(s *shard) { n += s.absent })
	return n
}

// Quotas is the number of keys that are quotas, those included whose deadline has passed and that the sweep has not met yet.
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

// AverageTTL is how many milliseconds the keys with a deadline have left, on average; 0 without any.
func (a All) AverageTTL() int64 {
	n, sum := 0, total{}
	a.each(func(s *shard) {
		n += s.wheel.deadlines
		sum.join(s.wheel.sum)
	})
	if n == 0 {
		return 0
	}
	return max(0, sum.mean(uint64(n))-a.now.Wall)
}

// Expired is the number of keys that a deadline has ended so far.
func (a All) Expired() int64 {
	n := int64(0)
	a.each(func(s *shard) { n += s.expired })
	return n
}

// Forget empties all shards at once, as if nothing had ever been in them but for the numbers that are used.
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

// each calls fn with each shard, locked.
func (a All) each(fn func(*shard)) {
	for i := range a.db.shards {
		a.with(&a.db.shards[i], fn)
	}
}

// with calls fn with a shard, locked.
func (a All) with(s *shard, fn func(*shard)) {
	if !a.held {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	fn(s)
}
