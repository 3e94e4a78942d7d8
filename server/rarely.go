package server

import (
	"sync"
	"time"
)

// lineEvery is the time between two lines in the log about connections that could not be served.
const lineEvery = time.Minute

// rarely lets one line in lineEvery into the log, and counts the others.
type rarely struct {
	mu     sync.Mutex // protects what follows
	next   time.Time
	silent int
}

// now reports whether it is time for a line, and how many there would have been since the last.
func (r *rarely) now(at time.Time) (silent int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.Before(r.next) {
		r.silent++
		return 0, false
	}
	silent, r.silent, r.next = r.silent, 0, at.Add(lineEvery)
	return silent, true
}
