package engine

import "sync/atomic"

// joined is the set of shards that transactions over several shards have changed since the last TakeJoined. All writes
// of one transaction must be in one group of the follower, or a crash could leave half of it.
type joined []atomic.Uint64 // a bit for each shard, set under its lock

func (j joined) add(shard uint32) { j[shard/64].Or(1 << (shard % 64)) }

// any reports whether the set is not empty.
func (j joined) any() bool {
	for i := range j {
		if j[i].Load() != 0 {
			return true
		}
	}
	return false
}

// join adds the shards that the transaction has changed to the set, if they are several.
func (tx *Tx) join() {
	db := tx.db
	if !db.followed {
		return
	}
	changed, first := 0, uint32(0)
	tx.each(func(i uint32, s *shard) {
		if !s.changes.fresh {
			return
		}
		s.changes.fresh = false
		switch changed++; changed {
		case 1:
			first = i
		case 2:
			db.joined.add(first)
			fallthrough
		default:
			db.joined.add(i)
		}
	})
}

// each calls fn with each shard of a transaction over several.
func (tx *Tx) each(fn func(i uint32, s *shard)) {
	if tx.every {
		for i := range tx.db.shards {
			fn(uint32(i), &tx.db.shards[i])
		}
		return
	}
	for _, i := range *tx.many {
		fn(i, &tx.db.shards[i])
	}
}

// TakeJoined ends a group, after Take from every shard. It locks every shard that a transaction over several shards has
// changed since the last call, and takes the rest of their changes: so each transaction is in the group as a whole or
// not at all. It calls take with each batch while it holds the locks; take must not call the DB.
func (db *DB) TakeJoined(b *Batch, take func(*Batch)) {
	if !db.joined.any() {
		return
	}
	held := make([]uint64, len(db.joined))
	for try := 0; ; try++ {
		for i := range held {
			held[i] |= db.joined[i].Load()
			if try >= joinTries {
				held[i] = ^uint64(0)
			}
		}
		db.lockSet(held)
		if db.joinedWithin(held) {
			break
		}
		db.unlockSet(held)
	}
	for i := range db.shards {
		if held[i/64]>>(i%64)&1 != 0 && db.shards[i].pending.Load() {
			for more := true; more; {
				more = db.shards[i].take(b, len(db.shards[i].changes.noted))
				take(b)
			}
		}
	}
	for i := range held {
		db.joined[i].And(^held[i])
	}
	db.unlockSet(held)
}

// joinTries is how often TakeJoined tries to lock the joined shards before another transaction joins more of them.
// After that it locks all shards.
const joinTries = 3

// joinedWithin reports whether all joined shards are in set. The shards of set are locked.
func (db *DB) joinedWithin(set []uint64) bool {
	for i := range set {
		if db.joined[i].Load()&^set[i] != 0 {
			return false
		}
	}
	return true
}

func (db *DB) lockSet(set []uint64) {
	for i := range db.shards {
		if set[i/64]>>(i%64)&1 != 0 {
			db.shards[i].mu.Lock()
		}
	}
}

func (db *DB) unlockSet(set []uint64) {
	for i := range db.shards {
		if set[i/64]>>(i%64)&1 != 0 {
			db.shards[i].mu.Unlock()
		}
	}
}
