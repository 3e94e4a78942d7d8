package server

import "sync"

// roster knows every connection, and how many there are: those that a loop has opened and those on their way there.
// Its methods are safe for concurrent use.
type roster struct {
	mu       sync.Mutex
	reserved int
	members  map[*connection]struct{}
	gone     chan struct{} // set by drain; closed when the last member has left
}

// reserve counts one more connection unless there are limit already.
func (r *roster) reserve(limit int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if int64(r.reserved) >= limit {
		return false
	}
	r.reserved++
	return true
}

// release takes back a reservation whose connection did not open.
func (r *roster) release() {
	r.mu.Lock()
	r.reserved--
	r.mu.Unlock()
}

// enter makes an open connection a member.
func (r *roster) enter(c *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members == nil {
		r.members = make(map[*connection]struct{})
	}
	r.members[c] = struct{}{}
}

// leave ends a connection's membership and its reservation.
func (r *roster) leave(c *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, c)
	r.reserved--
	if r.gone != nil && len(r.members) == 0 {
		close(r.gone)
		r.gone = nil
	}
}

// each calls fn with every member. fn must not wait and must not call the roster.
func (r *roster) each(fn func(*connection)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.members {
		fn(c)
	}
}

// drain calls fn with every member and returns a channel that is closed when all have left. No one enters any more.
func (r *roster) drain(fn func(*connection)) <-chan struct{} {
	gone := make(chan struct{})
	r.mu.Lock()
	if len(r.members) == 0 {
		close(gone)
	} else {
		r.gone = gone
	}
	r.mu.Unlock()
	r.each(fn)
	return gone
}

// size is how many connections are open or on their way.
func (r *roster) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reserved
}
