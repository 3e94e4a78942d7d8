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
	now     Moment              // of the latest transaction
	watched map[string][]*Watch // watches by name; nil when there are none
	changes changes
	index   index
	arena   arena
	wheel   wheel
	lives   lives
	clock   crdt.Clock

	expired  int64       // keys that a deadline has ended
	absent   int         // records that are gone
	quotas   int         // records that are quotas in force and not gone
	pending  atomic.Bool // there are changes; read without the lock
	sendable atomic.Bool // there are some for the peers; read without the lock
	scratch  crdt.Entry  // the entry being changed
	taken    crdt.Entry  // the entry that the follower takes
	tokens   tokens      // its tokens
	epoch    uint32      // of the quota made last: see tokens
	ended    bool        // it had ended by itself: nothing of it was left
	_        [64]byte    // keeps the next shard's lock off this shard's last cache line
}

// place is where the index has a record.
type place struct {
	b    *bucket
	slot int
}

// find returns the record of k, nil if there is none, expired ones included.
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

// holds reports whether a slot's record has that name. The slot may be empty: a match can be false.
func (s *shard) holds(b *bucket, slot int, name []byte) (ref, record, bool) {
	r := ref(b.refs[slot].Load())
	if r == 0 {
		return 0, nil, false
	}
	rec := s.arena.at(r)
	if int(rec.header()>>keyLenShift) != len(name) || !bytes.Equal(rec[headerBytes:headerBytes+len(name)], name) {
		return 0, nil, false
	}
	return r, rec, true
}

// load brings the state of k into s.scratch, closed if its deadline has passed.
func (s *shard) load(k Key, now Moment) (*crdt.Entry, ref, place) {
	e := &s.scratch
	r, rec, at := s.find(k)
	if rec == nil {
		*e = crdt.Entry{Rows: e.Rows[:0]}
		s.tokens, s.ended = tokens{}, false
		return e, 0, at
	}
	return s.unpack(rec, now), r, at
}

// unpack brings a record into s.scratch, without what has ended by now.
func (s *shard) unpack(rec record, now Moment) *crdt.Entry {
	e := &s.scratch
	rec.unpack(e)
	s.tokens = rec.tokens()
	switch {
	case e.Expired(now.Wall):
		e.Close()
	case e.Quota.Transient && s.tokens.FullAfter(now.Mono) == 0:
		s.endTransient(e)
	}
	s.ended = !e.Exists()
	return e
}

// endTransient ends a quota that has become full. It was never its peers'.
func (s *shard) endTransient(e *crdt.Entry) {
	if s.db.replicated {
		e.Quota = e.Quota.Shared()
		return
	}
	e.EndQuota()
}

// begin prepares e for the write that makes its key, if there is none.
func (s *shard) begin(e *crdt.Entry, now Moment) {
	if s.db.replicated && !e.Exists() {
		e.Begin(now.Wall)
	}
}

// store makes e, which load returned together with r and at, the state of k.
func (s *shard) store(k Key, e *crdt.Entry, r ref, at place, now Moment) {
	if r != 0 {
		if rec := s.arena.at(r); rec.expired(now.Wall) && !rec.isGone() {
			s.expired++
		}
	}
	if !s.db.replicated {
		s.trim(e)
	}
	if !e.Exists() && (!s.db.replicated || isNothing(e)) {
		if r != 0 {
			rec := s.arena.at(r)
			known, own := s.ended && rec[0]&marked == 0, rec.isTransient() // what the follower took last has ended too
			switch s.remove(r, at); {
			case !known:
				s.bury(k)
			case own && s.changes.wanted&marked != 0:
				s.pending.Store(true) // how late it is, if nothing else, tells the disk that it has
			}
		}
		return
	}
	header, size := layout(k.Name, e)
	if s.db.replicated && (!e.Exists() || e.Expired(now.Wall)) {
		header |= gone
	}
	if r == 0 {
		s.insert(k, header, size, e, now)
		return
	}
	s.replace(k, r, at, header, size, e, now)
}

func (s *shard) insert(k Key, header uint32, size int, e *crdt.Entry, now Moment) {
	s.index.resizeIfDue()
	s.moveSome()
	r, rec := s.arena.alloc(size)
	rec.pack(header, k.Name, e)
	rec.setTokens(s.tokens)
	s.index.put(s.index.at(s.db.position(k.Hash)), tagOf(k.Hash), r)
	s.index.count++
	s.tally(rec, 1)
	if header&hasDeadline != 0 {
		s.link(r, rec, now)
	}
	s.mark(rec, k.Hash)
}

// replace writes a record anew, in its place if the size allows.
func (s *shard) replace(k Key, r ref, at place, header uint32, size int, e *crdt.Entry, now Moment) {
	old := s.arena.at(r)
	oldSize := old.size()
	s.tally(old, -1)
	header |= old.header() & (marked | unsent)
	if old.hasDeadline() {
		s.unlink(old)
	}
	rec := old
	if size != oldSize {
		newRef, newRec := s.arena.alloc(size)
		newRec.pack(header, k.Name, e) // before the free: e's bytes may lie in the old record
		at.b.refs[at.slot].Store(uint32(newRef))
		s.arena.free(r, oldSize)
		r, rec = newRef, newRec
	} else {
		rec.pack(header, k.Name, e)
	}
	rec.setTokens(s.tokens)
	s.tally(rec, 1)
	if header&hasDeadline != 0 {
		s.link(r, rec, now)
	}
	s.mark(rec, k.Hash)
	s.tidy()
}

// remove drops a record whose entry holds nothing that anybody still needs.
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

// tally counts a record that comes (n is 1) or goes (-1): what is gone, and what is a quota.
func (s *shard) tally(rec record, n int) {
	switch {
	case rec.isGone():
		s.absent += n
	case rec.isQuota():
		s.quotas += n
	}
}

// isNothing reports whether e says nothing to anybody: no entry is the same.
func isNothing(e *crdt.Entry) bool {
	return len(e.Rows) == 0 && e.Latest() == crdt.Stamp{}
}

// trim drops what only merging would need, where there is nobody to merge with: what the disk has of a key is replaced, not merged.
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

// fetch asks for the records of a bucket, so that whoever goes through them waits once.
func (s *shard) fetch(b *bucket) {
	for slot := range slotsPerBucket {
		if r := ref(b.refs[slot].Load()); r < firstHuge {
			prefetch(unsafe.Add(s.db.pool.base(), uint64(r)*granule))
		}
	}
}

// tidy gives a sparse page back if holes have become too many. It moves at most one page's records.
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

// reset drops every key, keeping what must outlive them: lives and clock.
func (s *shard) reset() {
	s.arena.each(func(rec record) {
		rec.unpack(&s.scratch)
		for _, row := range s.scratch.Rows {
			s.lives.dropped(row)
		}
	})
	s.forgetChanges()
	s.absent, s.quotas = 0, 0
	s.index.reset()
	s.arena.reset()
	s.wheel.reset()
}
