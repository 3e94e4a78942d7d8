package server

import (
	"sync"
	"time"
)

// lineEvery is the least time between two log lines about connections that could not be served.
const lineEvery = time.Minute

// rarely allows one log line in lineEvery, and counts the others.
type rarely struct {
	mu     sync.Mutex // protects what follows
	next   time.Time
	silent int
}

// now reports whether a line may be logged, and how many lines were left out since the last one.
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
