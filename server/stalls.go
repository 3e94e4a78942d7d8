package server

import (
	"sync"
	"time"
)

// stalls wakes connections whose clients are behind with reading, because an event loop does not say when it has
// sent something. Its ticker runs only while there are any. A connection that makes no progress is woken ever more
// rarely, down to every stallMaxTicks ticks.
type stalls struct {
	mu   sync.Mutex
	set  map[*connection]*stall
	kick chan struct{} // says that set is no longer empty
}

// stall is one such connection; guarded by stalls.mu.
type stall struct {
	unsent int  // bytes that waited when it was last looked at
	pause  int  // ticks between two wakes
	left   int  // ticks to the next
	asked  bool // woken and not answered yet
}

func newStalls() *stalls {
	return &stalls{set: make(map[*connection]*stall), kick: make(chan struct{}, 1)}
}

// add enters a connection that has this many bytes unsent, or is its answer to having been woken.
func (s *stalls) add(c *connection, unsent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.set[c]
	switch {
	case st == nil:
		st = &stall{pause: 1}
		s.set[c] = st
		if len(s.set) == 1 {
			select {
			case s.kick <- struct{}{}:
			default:
			}
		}
	case unsent < st.unsent:
		st.pause = 1
	case st.asked:
		st.pause = min(2*st.pause, stallMaxTicks)
	default:
		return // news from the client, not an answer
	}
	st.unsent, st.left, st.asked = unsent, st.pause, false
}

// remove forgets a connection, if it is there.
func (s *stalls) remove(c *connection) {
	s.mu.Lock()
	delete(s.set, c)
	s.mu.Unlock()
}

// run wakes until stop is closed.
func (s *stalls) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-s.kick:
		}
		ticker := time.NewTicker(stallTick)
		for more := true; more; {
			select {
			case <-stop:
				ticker.Stop()
				return
			case <-ticker.C:
				more = s.tick()
			}
		}
		ticker.Stop()
	}
}

// tick wakes those whose pause is over and reports whether any connection is left.
func (s *stalls) tick() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, st := range s.set {
		if st.left--; st.left > 0 || st.asked {
			continue
		}
		st.asked = true
		_ = c.Wake(nil)
	}
	return len(s.set) > 0
}
