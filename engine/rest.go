package engine

import "sync/atomic"

// rest is the sleep of a follower that has taken all changes, or of the sweep when no key has a deadline. While nothing
// changes, they need not look again and again.
type rest struct {
	on    atomic.Bool
	rouse atomic.Pointer[func()]
}

// begin has rouse called once, when end is called next.
func (r *rest) begin(rouse func()) {
	r.rouse.Store(&rouse)
	r.on.Store(true)
}

// end is called when there is something to do again.
func (r *rest) end() {
	if r.on.Load() && r.on.CompareAndSwap(true, false) {
		(*r.rouse.Load())()
	}
}

// RestUnwritten has rouse called once, when there is the next change for Take. It returns false if there is one
// already; then rouse may be called or not. rouse is called while a shard is locked, so it must neither wait nor use
// the DB.
func (db *DB) RestUnwritten(rouse func()) bool { return db.begin(&db.diskRest, db.HasUnwritten, rouse) }

// RestUnsent is RestUnwritten for TakeUnsent.
func (db *DB) RestUnsent(rouse func()) bool { return db.begin(&db.peersRest, db.HasUnsent, rouse) }

// RestSweep is RestUnwritten for Sweep: rouse is called when there is the first key with a deadline, or the first
// transient quota. It locks each shard for a moment.
func (db *DB) RestSweep(rouse func()) bool { return db.begin(&db.sweepRest, db.hasDeadline, rouse) }

// hasDeadline reports whether a shard has anything that Sweep will have to visit.
func (db *DB) hasDeadline(shard int) bool {
	s := &db.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wheel.count > 0
}

// begin begins a rest, unless a shard has changes. The order matters: a change is noted first, and ends a rest then.
func (db *DB) begin(r *rest, has func(shard int) bool, rouse func()) bool {
	r.begin(rouse)
	for shard := range db.shards {
		if has(shard) {
			r.on.Store(false)
			return false
		}
	}
	return true
}
