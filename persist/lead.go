package persist

import (
	"sync"
	"time"
)

// With durability always, every reply to a write waits for a sync. The cheapest thread for that sync is the one that
// ran the commands: another one would have to be woken, and would have to wake the first one again. So the event loop
// itself owns the flusher for a moment, and leads: it writes and syncs one group. A loop that finds another one leading
// leaves its changes to that one's next round.
//
// A disk may hang. So the flusher's goroutine looks at a leading loop at every tick, and has the rest of the loop
// handed over to another goroutine when the sync takes long. Then nobody but the clients of that group wait for it.

const (
	// quickSync is how long a sync may take so that a loop leads the next one: meanwhile the loop serves nobody. Syncs
	// on a slower disk are made by the flusher's goroutine.
	quickSync = 10 * time.Millisecond
	// watchEvery is the longest time between two looks at a leading loop. The first look that finds a loop leading for
	// leadTime hands it over: so after at most leadTime + watchEvery.
	watchEvery = 10 * time.Millisecond
	leadTime   = quickSync
)

// lead is what the flusher's goroutine knows of a leading loop.
type lead struct {
	leads    bool   // protected by flusher.owner
	count    uint64 // of leads; protected by flusher.owner
	mu       sync.Mutex
	handOver func()    // nil: no loop leads, or it has been handed over; protected by mu
	since    time.Time // when the present one began; protected by mu
}

func (l *lead) begin(handOver func(), now time.Time) {
	l.leads = true
	l.count++
	l.mu.Lock()
	l.handOver, l.since = handOver, now
	l.mu.Unlock()
}

// end returns true if the loop has been handed over meanwhile.
func (l *lead) end() (handedOver bool) {
	l.leads = false
	l.mu.Lock()
	defer l.mu.Unlock()
	handedOver = l.handOver == nil
	l.handOver = nil
	return handedOver
}

// watch is called at every tick at which the flusher's goroutine is not the owner. Ticks may be much shorter than
// leadTime, so their number says nothing.
func (l *lead) watch(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handOver != nil && now.Sub(l.since) >= leadTime {
		l.handOver()
		l.handOver = nil
	}
}

// tryOwn makes the caller the owner of the flusher, if nobody is. If somebody is, and the caller calls, the owner does
// another round.
func (f *flusher) tryOwn(calls bool) bool {
	if calls {
		f.called.Store(true)
	}
	if !f.owner.TryLock() {
		return false
	}
	f.called.Store(false) // who has called until now is served by the round that follows
	return true
}

// disown ends what tryOwn began. It returns true if somebody has called meanwhile.
func (f *flusher) disown() (again bool) {
	f.owner.Unlock()
	return f.called.Swap(false)
}

// AwaitLed is Await for a caller that calls Lead soon afterwards if led is true: the flusher has not been told then.
func (s *Store) AwaitLed(group uint64, wake func()) (waits, led bool) {
	if s.durability != Always || s.stepped || !s.quick.Load() {
		return s.Await(group, false, wake), false
	}
	s.waiters.mu.Lock()
	defer s.waiters.mu.Unlock()
	if s.Safe(group) {
		return false, false
	}
	s.waiters.list = append(s.waiters.list, waiter{group, false, wake})
	return true, true
}

// Lead writes and syncs all changes on the caller's goroutine, and wakes those that wait for them. It returns true if
// it has to be called again soon, because others have come meanwhile. If it takes long, handOver is called, once, on
// another goroutine: nobody waits for the caller from then on.
func (s *Store) Lead(handOver func()) (again bool) {
	f := s.flusher
	if !f.tryOwn(true) {
		return false
	}
	healthy := !f.ended && !f.late && !f.syncing && f.failure.Load() == nil
	f.lead.begin(handOver, f.time())
	f.rest.rouse() // a write that changes nothing has not roused it
	if healthy {
		f.waiters.expect(0)
		f.round()
	}
	handedOver := f.lead.end()
	again = f.disown()
	if !healthy || again && handedOver {
		s.rouse()
		return false
	}
	return again
}
