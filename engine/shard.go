package engine

import (
	"bytes"
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/quotadb/quota-db/crdt"
)

// shard keeps the keys of one range of the hash space. A key's position is its hash's place within that range,
// spread over 64 bits.
type shard struct {
	mu      sync.Mutex // protects everything below; order: see DB.LockAll
	db      *DB
	now     Moment              // the moment of the latest transaction
	watched map[string][]*Watch // watches by name; nil when there are none
	changes changes
	index   index
	arena   arena
	wheel   wheel
	lives   lives
	sums    sums
	clock   crdt.Clock

	expired  int64       // how many keys have expired, ever
	absent   int         // records with the flag gone
	quotas   int         // records of quotas in force, without those with the flag gone
	pending  atomic.Bool // the disk has changes to take; read without the lock
	sendable atomic.Bool // the peers have changes to take; read without the lock
	draft    draft       // the state of the key that is being changed
	added    QuotaState  // of the quota that the last Add has found: see Tx.OnQuota
	seen     crdt.Entry  // the state of the key that is being read
	taken    crdt.Entry  // the state that a follower is taking
	epoch    uint32      // number of the quota made last: see tokens
	_        [64]byte    // keeps the next shard's lock off this shard's last cache line
}

// place is where the index has a record.
type place struct {
	b    *bucket
	slot int
}

// find returns the record of k, also an expired one; nil if there is none.
func (s *shard) find(k Key) (ref, record, place) {
	if s.index.count == 0 {
		return 0, nil, place{}
	}
	tag := tagOf(k.Hash)
	for b := s.index.at(s.db.position(k.Hash)); b != nil; b = s.index.next(b) {
		for m := matches(b.low.Load(), tag); m != 0; m &= m - 1 {
			if r, rec, ok := s.holds(b, bits.TrailingZeros64(m)/8, k.Name); ok {
				return r, rec, place{b, bits.TrailingZeros64(m) / 8}
			}
		}
		for m := matches32(b.high.Load(), tag); m != 0; m &= m - 1 {
			slot := firstHigh + bits.TrailingZeros64(m)/8
			if r, rec, ok := s.holds(b, slot, k.Name); ok {
				return r, rec, place{b, slot}
			}
		}
	}
	return 0, nil, place{}
}

// holds reports whether the record in a slot has that name. The slot may be empty: a match of tags can be false.
func (s *shard) holds(b *bucket, slot int, name []byte) (ref, record, bool) {
	r := ref(b.refs[slot].Load())
	if r == 0 {
		return 0, nil, false
	}
	rec := s.arena.at(r)
	if !bytes.Equal(rec.key(), name) {
		return 0, nil, false
	}
	return r, rec, true
}

// store makes d the state of k and announces the change to told.
func (s *shard) store(k Key, d *draft, now Moment, told audience) {
	told &= s.changes.wanted
	e := &d.Entry
	if d.record != 0 {
		rec := s.arena.at(d.record)
		s.changing(rec, k.Hash)
		if rec.expired(now.Wall) && !rec.isGone() {
			s.expired++
		}
	}
	if !s.db.replicated {
		s.trim(e)
	}
	if !e.Exists() && (!s.db.replicated || isNothing(e)) {
		if d.record != 0 {
			s.drop(k, d, told)
		}
		return
	}
	h, size := layout(k.Name, e)
	if s.db.replicated && (!e.Exists() || e.Expired(now.Wall)) {
		h |= gone
	}
	if d.record == 0 {
		s.insert(k, h, size, d, now, told)
		return
	}
	s.replace(k, h, size, d, now, told)
}

// drop removes the record of k. Nothing of it needs to be kept.
func (s *shard) drop(k Key, d *draft, told audience) {
	rec := s.arena.at(d.record)
	// known: the disk has taken the latest state, so it also knows the deadline, or the bucket, that has ended the key.
	known, transient := d.lapsed && rec[0]&unwritten == 0, rec.isTransient()
	s.remove(d.record, d.at)
	switch {
	case told&toDisk == 0:
	case !known:
		s.bury(k)
	case transient:
		// The flusher must write a group after this, if only an empty one: its time tells a start that the quota had
		// ended.
		s.pend()
	}
}

func (s *shard) insert(k Key, h header, size int, d *draft, now Moment, told audience) {
	s.index.resizeIfDue()
	s.moveSome()
	r, rec := s.arena.alloc(size)
	rec.pack(h, k.Name, &d.Entry)
	rec.setTokens(d.tokens)
	s.index.put(s.index.at(s.db.position(k.Hash)), tagOf(k.Hash), r)
	s.index.count++
	s.tally(rec, 1)
	if h&hasDeadline != 0 {
		s.link(r, rec, now)
	}
	s.born(rec, k.Hash)
	s.markFor(rec, k.Hash, told)
}

// replace writes a new state over a record: in its place if the size is the same.
func (s *shard) replace(k Key, h header, size int, d *draft, now Moment, told audience) {
	r := d.record
	old := s.arena.at(r)
	oldSize := old.size()
	s.tally(old, -1)
	h |= old.header() & (unwritten | unsent | stale)
	if old.hasDeadline() {
		s.unlink(old)
	}
	rec := old
	if size != oldSize {
		newRef, newRec := s.arena.alloc(size)
		newRec.pack(h, k.Name, &d.Entry) // before the free: d's bytes may lie in the old record
		d.at.b.refs[d.at.slot].Store(uint32(newRef))
		s.arena.free(r, oldSize)
		r, rec = newRef, newRec
	} else {
		rec.pack(h, k.Name, &d.Entry)
	}
	rec.setTokens(d.tokens)
	s.tally(rec, 1)
	if h&hasDeadline != 0 {
		s.link(r, rec, now)
	}
	s.markFor(rec, k.Hash, told)
	s.tidy()
}

// remove drops a record. Nobody needs anything of its entry any more.
func (s *shard) remove(r ref, at place) {
	rec := s.arena.at(r)
	if rec.hasDeadline() {
		s.unlink(rec)
	}
	s.tally(rec, -1)
	at.b.setTag(at.slot, 0)
	at.b.refs[at.slot].Store(0)
	s.arena.free(r, rec.size())
	s.index.count--
	s.index.resizeIfDue()
	s.moveSome()
	s.tidy()
}

// tally counts a record in (n is 1) or out (-1) of absent and quotas.
func (s *shard) tally(rec record, n int) {
	switch {
	case rec.isGone():
		s.absent += n
	case rec.isQuota():
		s.quotas += n
	}
}

// isNothing reports whether e says no more than a missing entry does.
func isNothing(e *crdt.Entry) bool {
	return len(e.Rows) == 0 && e.Latest() == crdt.Stamp{}
}

// trim drops from e what only merging needs, on a node that never merges: there the disk replaces the state of a key.
func (s *shard) trim(e *crdt.Entry) {
	kept := e.Rows[:0]
	for _, row := range e.Rows {
		if row.AtFloor() {
			s.lives.dropped(row)
			continue
		}
		kept = append(kept, row)
	}
	e.Rows = kept
	if e.Base.Kind == crdt.None {
		e.Base = crdt.Base{}
	}
	if e.Deadline.At == 0 {
		e.Deadline = crdt.Deadline{}
	}
	if e.Quota.Capacity == 0 {
		e.Quota = crdt.Quota{}
	}
	e.Since = 0
}

// moveSome moves a few buckets of a table that is being replaced.
func (s *shard) moveSome() {
	for range movesPerWrite {
		if s.index.old == nil {
			return
		}
		s.moveBucket()
	}
}

// moveBucket moves the bucket at the frontier to the new table.
func (s *shard) moveBucket() {
	x := &s.index
	first := x.old.bucket(x.moved)
	t := x.current.Load()
	s.fetch(first)
	for b := first; b != nil; b = x.next(b) {
		for slot := range slotsPerBucket {
			if b.tag(slot) == 0 {
				continue
			}
			r := ref(b.refs[slot].Load())
			position := s.db.position(s.db.hash.sum(s.arena.at(r).key()))
			home := t.home(position)
			x.clearTo(home)
			x.put(t.bucket(home), b.tag(slot), r)
		}
	}
	x.freeChain(first)
	x.clearTo(t.home(x.lastMoved()))
	x.advance()
}

// fetch prefetches all records of a bucket, so that their cache misses overlap.
func (s *shard) fetch(b *bucket) {
	for slot := range slotsPerBucket {
		if r := ref(b.refs[slot].Load()); r < firstHuge {
			prefetch(unsafe.Add(s.db.pool.base(), uint64(r)*granule))
		}
	}
}

// tidy empties a sparse page and gives it back, if the arena has too many holes. One call moves the records of at most
// one page.
func (s *shard) tidy() {
	page, ok := s.arena.sparse()
	if !ok {
		return
	}
	s.arena.empty(page, func(from, to ref, rec record) {
		name := rec.key()
		at := s.locate(s.db.hash.sum(name), from)
		at.b.refs[at.slot].Store(uint32(to))
		if rec.hasDeadline() {
			s.relink(to, rec)
		}
	})
}

// locate finds the slot that holds r, which must be there.
func (s *shard) locate(hash uint64, r ref) place {
	for b := s.index.at(s.db.position(hash)); b != nil; b = s.index.next(b) {
		for slot := range slotsPerBucket {
			if b.refs[slot].Load() == uint32(r) && b.tag(slot) != 0 {
				return place{b, slot}
			}
		}
	}
	panic("engine: a record is not in the index")
}

// reset drops every key. It keeps what must outlive the keys: lives and clock.
func (s *shard) reset() {
	s.arena.each(func(rec record) {
		rec.unpack(&s.seen)
		for _, row := range s.seen.Rows {
			s.lives.dropped(row)
		}
	})
	s.forgetChanges()
	s.sums.uncount()
	s.absent, s.quotas = 0, 0
	s.index.reset()
	s.arena.reset()
	s.wheel.reset()
}
