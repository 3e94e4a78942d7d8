package persist

import "sync"

// waiters are those who want to hear that a group is safe.
type waiters struct {
	mu   sync.Mutex // protects list
	list []waiter
}

type waiter struct {
	group uint64
	wake  func()
}

// Group is the group that has, at the latest, what was written before the call.
func (s *Store) Group() uint64 { return s.begun.Load() + 1 }

// Safe reports whether a group is safe.
func (s *Store) Safe(group uint64) bool { return s.safe.Load() >= group }

// Await has wake called, once, by another goroutine, when a group is safe or the disk fails: Safe tells which. It has the group made safe soon, at any durability. It is false, and wake
// is not called, when the group is safe already.
func (s *Store) Await(group uint64, wake func()) bool {
	s.waiters.mu.Lock()
	if s.Safe(group) {
		s.waiters.mu.Unlock()
		return false
	}
	s.waiters.list = append(s.waiters.list, waiter{group, wake})
	s.waiters.mu.Unlock()
	s.rouse()
	return true
}

// rouse has the flusher look at what it is asked for.
func (s *Store) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// any reports whether anybody waits.
func (w *waiters) any() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.list) > 0
}

// release wakes those who wait for a group up to this one.
func (w *waiters) release(group uint64) {
	w.mu.Lock()
	var woken []waiter
	kept := w.list[:0]
	for _, one := range w.list {
		if one.group <= group {
			woken = append(woken, one)
		} else {
			kept = append(kept, one)
		}
	}
	clear(w.list[len(kept):])
	w.list = kept
	w.mu.Unlock()
	for _, one := range woken {
		one.wake()
	}
}
