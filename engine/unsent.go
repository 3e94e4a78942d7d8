package engine

import "github.com/quotadb/quota-db/crdt"

// Deltas are states of keys for peers, as records of package crdt.
type Deltas struct {
	Records []byte
	Ends    []int    // the offset at which each record ends
	Hashes  []uint64 // the hash of each record's key
	// The hashes of keys that AppendRange has passed without their states, because the states together would be too
	// long.
	Left []uint64
}

// Reset empties d.
func (d *Deltas) Reset() {
	*d = Deltas{Records: d.Records[:0], Ends: d.Ends[:0], Hashes: d.Hashes[:0], Left: d.Left[:0]}
	if cap(d.Records) > keptBatch {
		d.Records = nil
	}
}

func (d *Deltas) add(rec record, hash uint64, e *crdt.Entry) {
	d.Records = crdt.AppendRecord(d.Records, rec.key(), e)
	d.Ends = append(d.Ends, len(d.Records))
	d.Hashes = append(d.Hashes, hash)
}

// HasUnsent reports whether clients of this node have changed keys of a shard that TakeUnsent has not given yet. It
// takes no lock.
func (db *DB) HasUnsent(shard int) bool { return db.shards[shard].sendable.Load() }

// TakeUnsent appends the keys of a shard that clients of this node have changed since the last call, at most about
// takeUnsent records. more says that there are others left. A key without a reset and without a deadline comes with the
// rows of this node only.
func (db *DB) TakeUnsent(shard int, d *Deltas) (more bool) {
	s := &db.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.changes
	stop := len(d.Records) + takeBytes
	for budget := min(takeUnsent, len(c.unsent)); budget > 0 && len(d.Records) < stop; {
		group := c.unsent[len(c.unsent)-min(budget, maxWarm):]
		db.warmHashes(group)
		for i := len(group) - 1; i >= 0 && len(d.Records) < stop; i-- { // values may be long
			hash := group[i]
			s.records(hash, func(rec record) {
				if rec[0]&unsent != 0 {
					rec.unset(unsent)
					s.addState(d, rec, hash, false)
				}
			})
			c.unsent = c.unsent[:len(c.unsent)-1]
			budget--
		}
	}
	if more = len(c.unsent) > 0; !more {
		s.sendable.Store(false)
		if cap(c.unsent) > keptNoted {
			c.unsent = nil
		}
	}
	return more
}

// takeUnsent is how many keys TakeUnsent takes under one hold of the lock.
const takeUnsent = 4096

// AppendState appends the states of the keys of a hash: with all rows if whole, else with the same rows as TakeUnsent.
func (db *DB) AppendState(d *Deltas, hash uint64, whole bool) {
	s := db.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records(hash, func(rec record) { s.addState(d, rec, hash, whole) })
}

// AppendRange appends the whole states of the keys with hashes from first to last that digests count now, until they
// have about budget bytes. The hashes of the keys in the last bucket that did not fit are in d.Left. It returns the
// hash to go on from; done: there is none.
func (db *DB) AppendRange(d *Deltas, first, last uint64, now Moment, budget int) (next uint64, done bool) {
	stop := len(d.Records) + budget
	for next = first; !done && next <= last && len(d.Records) < stop; {
		s := db.shard(next)
		s.mu.Lock()
		position, end := s.visitBucket(next, last, func(rec record, hash uint64) {
			switch {
			case rec.expired(now.Wall):
			case len(d.Records) >= stop:
				d.Left = append(d.Left, hash)
			default:
				s.addState(d, rec, hash, true)
			}
		})
		s.mu.Unlock()
		next, done = db.nextHash(db.shardOf(next), position, end)
	}
	return next, done || next > last
}

// addState appends the state of a record to d.
func (s *shard) addState(d *Deltas, rec record, hash uint64, whole bool) {
	e := &s.taken
	rec.unpack(e)
	e.Quota = e.Quota.Shared()
	// With a deadline, send all rows. A node that has the deadline without the counts takes it for the rest of a
	// deleted key, and clears it.
	if !whole && e.Deadline.At == 0 {
		s.keepOwn(e)
	}
	if !isNothing(e) {
		d.add(rec, hash, e)
	}
}

// keepOwn drops the rows of other writers. If one of those rows has floors it drops none: the floors may be new, and a
// row never travels without its floors.
func (s *shard) keepOwn(e *crdt.Entry) {
	own := 0
	for i := range e.Rows {
		row := e.Rows[i]
		if s.lives.owns(row.Writer) {
			e.Rows[i], e.Rows[own] = e.Rows[own], row
			own++
		} else if row.FP|row.FN != 0 {
			return
		}
	}
	e.Rows = e.Rows[:own]
}
