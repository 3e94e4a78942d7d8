package persist

import "sync"

// waiters wait for a group to be synced.
type waiters struct {
	mu     sync.Mutex // protects list and enough
	list   []waiter
	enough int      // Await wakes the flusher only if more than this many wait
	chosen []waiter // memory of wake
}

type waiter struct {
	group   uint64
	patient bool // it waits through a failure of the disk
	wake    func()
}

// Group is the number of the group that will contain, at the latest, everything written before this call.
func (s *Store) Group() uint64 { return s.begun.Load() + 1 }

// Written reports whether a group is in the log: it survives the end of this process.
func (s *Store) Written(group uint64) bool { return s.written.Load() >= group }

// Safe reports whether a group is synced.
func (s *Store) Safe(group uint64) bool { return s.safe.Load() >= group }

// SafeAge is a Moment.Mono: every change before then is synced. 0: nothing has been synced since the start.
func (s *Store) SafeAge() int64 { return s.safeAge.Load() }

// Await calls wake once, from another goroutine, when the group is synced or, unless patient, the disk fails; Safe
// tells which. It also asks for a sync, at any durability. If the group is synced already, Await returns false and does
// nothing.
func (s *Store) Await(group uint64, patient bool, wake func()) bool {
	s.waiters.mu.Lock()
	if s.Safe(group) {
		s.waiters.mu.Unlock()
		return false
	}
	s.waiters.list = append(s.waiters.list, waiter{group, patient, wake})
	enough := len(s.waiters.list) > s.waiters.enough
	s.waiters.mu.Unlock()
	if enough {
		s.rouse()
	}
	return true
}

// rouse makes the flusher run a round soon.
func (s *Store) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// count is the number of waiters.
func (w *waiters) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.list)
}

// expect tells Await not to wake the flusher before n clients wait. If n clients wait already it returns false, and
// Await wakes the flusher for each client again.
func (w *waiters) expect(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.list) >= n {
		w.enough = 0
		return false
	}
	w.enough = n - 1
	return true
}

// release wakes the waiters of all groups up to this one, and returns how many there were. Only the flusher calls it.
func (w *waiters) release(group uint64) int {
	return w.wake(func(one waiter) bool { return one.group <= group })
}

// wakeImpatient wakes the waiters that do not wait through a failure of the disk.
func (w *waiters) wakeImpatient() { w.wake(func(one waiter) bool { return !one.patient }) }

// wake wakes the chosen waiters, and returns how many there were.
func (w *waiters) wake(chosen func(waiter) bool) int {
	w.mu.Lock()
	kept := w.list[:0]
	for _, one := range w.list {
		if chosen(one) {
			w.chosen = append(w.chosen, one)
		} else {
			kept = append(kept, one)
		}
	}
	clear(w.list[len(kept):])
	w.list = kept
	w.mu.Unlock()
	n := len(w.chosen)
	for _, one := range w.chosen {
		one.wake()
	}
	clear(w.chosen)
	w.chosen = w.chosen[:0]
	return n
}
