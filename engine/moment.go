package engine

// Clients see one order of events only if the clocks of their commands agree with that order. Each goroutine that runs
// commands reads the clock once for several commands. So a command may have an older clock reading than a command that
// another goroutine has already run: it could find a key alive although the other one found the key expired. So a shard
// remembers the latest moment of all its transactions, and no later transaction is at an earlier moment. A goroutine
// that goes on with the moment of its last transaction carries that moment to the next shard, as Lamport's clocks do
// (Time, Clocks, and the Ordering of Events in a Distributed System, 1978).

// bulkBytes is the length of a value from which a command on it takes a noticeable time.
const bulkBytes = 128 << 10

// lock locks the shard and reports whether another goroutine had it.
func (s *shard) lock() (waited bool) {
	if s.mu.TryLock() {
		return false
	}
	s.mu.Lock()
	return true
}

// moment is now, or the moment of the shard's latest transaction if that is later. The caller holds the lock, which
// lies in the same cache line.
func (s *shard) moment(now Moment) Moment {
	s.now = Moment{Wall: max(s.now.Wall, now.Wall), Mono: max(s.now.Mono, now.Mono)}
	return s.now
}

// Now is the moment of the transaction: the moment passed to Lock or a later one.
func (tx *Tx) Now() Moment { return tx.now }

// Renew moves the transaction to another moment, which must not be earlier.
func (tx *Tx) Renew(now Moment) {
	tx.now = now
	if tx.one != nil {
		tx.one.moment(now)
		return
	}
	tx.each(func(_ uint32, s *shard) { s.moment(now) })
}

// Waited reports whether the transaction had to wait for a lock. Then time has passed since the clock was read.
func (tx *Tx) Waited() bool { return tx.waited }

// Bulky reports whether the transaction has read or written a long value. Then it may have taken a noticeable time.
func (tx *Tx) Bulky() bool { return tx.bulky }
