package engine

import "sync/atomic"

// rest is the sleep of a follower that has taken all changes, or of the sweep when no key has a deadline. While nothing
// changes, they need not look again and again.
type rest struct {
	on     atomic.Bool
	roused atomic.Pointer[chan<- struct{}]
}

// begin has end, when it is called next, send to roused.
func (r *rest) begin(roused chan<- struct{}) {
	r.roused.Store(&roused)
	r.on.Store(true)
}

// end is called when there is something to do again.
func (r *rest) end() {
	if r.on.Load() && r.on.CompareAndSwap(true, false) {
		select {
		case *r.roused.Load() <- struct{}{}:
		default: // a send that nobody has received yet says the same; the caller holds a shard's lock and may not wait
		}
	}
}

// RestUnwritten has the DB send to roused once, when there is the next change for Take. The channel has a buffer: the
// DB does not wait. RestUnwritten returns false if there is a change already; then the DB may send or not.
func (db *DB) RestUnwritten(roused chan<- struct{}) bool {
	return db.begin(&db.diskRest, db.HasUnwritten, roused)
}

// RestUnsent is RestUnwritten for TakeUnsent.
func (db *DB) RestUnsent(roused chan<- struct{}) bool {
	return db.begin(&db.peersRest, db.HasUnsent, roused)
}

// RestSweep is RestUnwritten for Sweep: the DB sends when there is the first key with a deadline, or the first
// transient quota. It locks each shard for a moment.
func (db *DB) RestSweep(roused chan<- struct{}) bool {
	return db.begin(&db.sweepRest, db.hasDeadline, roused)
}

// hasDeadline reports whether a shard has anything that Sweep will have to visit.
func (db *DB) hasDeadline(shard int) bool {
	s := &db.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wheel.count > 0
}

// begin begins a rest, unless a shard has changes. The order matters: a change is noted first, and ends a rest then.
func (db *DB) begin(r *rest, has func(shard int) bool, roused chan<- struct{}) bool {
	r.begin(roused)
	for shard := range db.shards {
		if has(shard) {
			r.on.Store(false)
			return false
		}
	}
	return true
}
