package server

import (
	"slices"
	"sync"
)

// roster has every open connection, and counts the connections that are open or on their way to a loop. Its methods are
// safe for concurrent use.
type roster struct {
	mu      sync.Mutex
	counted int
	members []*connection // each knows its index, as its place
	gone    chan struct{} // set by drain; closed when the last member has left
}

// countIn counts one more connection, unless there are limit already.
func (r *roster) countIn(limit int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if int64(r.counted) >= limit {
		return false
	}
	r.counted++
	return true
}

// countOut counts one connection less: one that did not open.
func (r *roster) countOut() {
	r.mu.Lock()
	r.counted--
	r.mu.Unlock()
}

// enter makes an open connection a member.
func (r *roster) enter(c *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.place = len(r.members)
	r.members = append(r.members, c)
}

// leave ends a connection's membership and counts one less.
func (r *roster) leave(c *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.members) - 1
	r.members[c.place] = r.members[last]
	r.members[c.place].place = c.place
	r.members[last] = nil
	r.members = r.members[:last]
	r.counted--
	if r.gone != nil && len(r.members) == 0 {
		close(r.gone)
		r.gone = nil
	}
}

// each calls fn with every member. Loops that open or close connections do not wait meanwhile, so a member may have
// left when fn gets it.
func (r *roster) each(fn func(*connection)) {
	r.mu.Lock()
	members := slices.Clone(r.members)
	r.mu.Unlock()
	for _, c := range members {
		fn(c)
	}
}

// drain calls fn with every member and returns a channel that is closed when all have left. The caller sees to it that
// no connection enters any more.
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
	return r.counted
}
