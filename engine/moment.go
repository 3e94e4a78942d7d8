package engine

// Clients see one order of events only if the clocks of their commands agree with it. Each goroutine that runs commands reads
// the clock once for several of them, so what one runs may go by an earlier reading than what another has run already: it
// could find a key alive that the other has found expired, after it has seen what the other did next. So a shard remembers
// the latest moment of all transactions on it, and a later transaction is never at an earlier moment. Whoever goes on with
// the moment of its last transaction carries it to the next shard, as Lamport's clocks do (Time, Clocks, and the Ordering of
// Events in a Distributed System, 1978).

// bulkBytes is how long a value must be for a command on it to take a while.
const bulkBytes = 128 << 10

// lock locks the shard and reports whether another goroutine had it.
func (s *shard) lock() (waited bool) {
	if s.mu.TryLock() {
		return false
	}
	s.mu.Lock()
	return true
}

// moment is now, or the moment of the shard's latest transaction if that is later. The lock is held, in whose cache line the
// moment lies.
func (s *shard) moment(now Moment) Moment {
	s.now = Moment{Wall: max(s.now.Wall, now.Wall), Mono: max(s.now.Mono, now.Mono)}
	return s.now
}

// Now is the moment of the transaction: the one it was begun with or a later one.
func (tx *Tx) Now() Moment { return tx.now }

// Renew changes the moment of the transaction to one that is not earlier.
func (tx *Tx) Renew(now Moment) {
	tx.now = now
	if tx.one != nil {
		tx.one.moment(now)
		return
	}
	tx.each(func(_ uint32, s *shard) { s.moment(now) })
}

// Waited reports whether the transaction had to wait for another to begin. Then the clock has gone on.
func (tx *Tx) Waited() bool { return tx.waited }

// Bulky reports whether the transaction has read or written a long value. Then it may have taken a while.
func (tx *Tx) Bulky() bool { return tx.bulky }
