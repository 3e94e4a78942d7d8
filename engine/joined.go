package engine

import "sync/atomic"

// joined are the shards that transactions of several shards have changed since the follower took them together. What one transaction wrote is to
// be in one group of the follower's, or a crash would leave a half of it.
type joined []atomic.Uint64 // a bit for each shard, set under its lock

func (j joined) add(shard uint32) { j[shard/64].Or(1 << (shard % 64)) }

// any reports whether there are any.
func (j joined) any() bool {
	for i := range j {
		if j[i].Load() != 0 {
			return true
		}
	}
	return false
}

// join notes the shards that the transaction has changed, if they are several.
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

// each calls fn with each shard of a transaction of several.
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

// TakeJoined ends a group: after Take from every shard, it takes what is left of transactions over several shards of which a part has been taken,
// or may have been. After it, each transaction is in the group as a whole or not at all. take is called with each batch, under the locks, and must not call the DB.
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

// joinTries is how often TakeJoined looks for a set of shards that nobody has joined to others meanwhile, before it takes all.
const joinTries = 3

// joinedWithin reports whether all joined shards are in a set, which is locked.
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
