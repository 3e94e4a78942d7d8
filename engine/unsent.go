package engine

import "github.com/quotadb/quota-db/crdt"

// Deltas are states of keys for peers, as records of package crdt.
type Deltas struct {
	Records []byte
	Ends    []int    // where each record ends
	Hashes  []uint64 // and whose it is
	Left    []uint64 // of keys that AppendRange has passed without their states, because these would be too long together
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

// HasUnsent reports whether clients of this node have changed keys of a shard that TakeUnsent has not given. It takes no lock.
func (db *DB) HasUnsent(shard int) bool { return db.shards[shard].sendable.Load() }

// TakeUnsent appends what clients of this node have changed in a shard since it was called last, some takeKeys records at most. It reports whether there is more.
// Of a key that nothing has reset and that has no deadline only this node's rows are among it.
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
				if h := rec.header(); h&unsent != 0 {
					rec.setHeader(h &^ unsent)
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

// AppendState appends the states of the keys of a hash: whole, or as TakeUnsent does.
func (db *DB) AppendState(d *Deltas, hash uint64, whole bool) {
	s := db.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records(hash, func(rec record) { s.addState(d, rec, hash, whole) })
}

// AppendRange appends the whole states of the keys with hashes from first to last that are in digests now, until they are about budget bytes. What it has passed
// without its state is in d.Left. It returns the hash to go on from, done at the end.
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

// addState appends a record's state.
func (s *shard) addState(d *Deltas, rec record, hash uint64, whole bool) {
	e := &s.taken
	rec.unpack(e)
	e.Quota = e.Quota.Shared()
	if !whole && e.Deadline.At == 0 { // a deadline goes with what it is for: who has it alone takes it for one that was left behind by a key that is gone
		s.keepOwn(e)
	}
	if !isNothing(e) {
		d.add(rec, hash, e)
	}
}

// keepOwn drops the rows of others, unless one of them has floors: a row never goes without them, and they may be new.
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
