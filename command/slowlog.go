package command

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Bounds of the slow log.
const (
	slowArgs     = 32       // arguments that an entry keeps, as in Redis
	slowArgBytes = 128      // bytes that it keeps of each
	slowBytes    = 16 << 20 // bytes of all entries, however many slowlog-max-len allows
)

// redacted stands for an argument that is nobody's business.
const redacted = "(redacted)"

// slowlog is the latest commands that took long.
type slowlog struct {
	mu      sync.Mutex // protects the fields below
	entries []slowEntry
	bytes   int   // of entries
	next    int64 // the next entry's id; ids are never used again
}

// slowEntry is one command, or a group of pipelined ones that took long together.
type slowEntry struct {
	id      int64
	at      int64 // unix seconds
	took    time.Duration
	args    []string
	address string
	name    string // of the client
}

// newSlowEntry describes a command, and more that ran in the same group behind it. The wall clock is in unix milliseconds.
func newSlowEntry(c *Client, r *row, args [][]byte, more int, wall int64, took time.Duration) slowEntry {
	e := slowEntry{at: wall / 1000, took: took, args: clipArgs(r, args), address: c.RemoteAddr, name: c.Name}
	if more > 0 {
		e.args = append(e.args, fmt.Sprintf("... (and %d more pipelined commands)", more))
	}
	return e
}

// clipArgs copies a command's words as far as the log shows them.
func clipArgs(r *row, args [][]byte) []string {
	var hidden []int
	if r.secrets != nil {
		hidden = r.secrets(args)
	}
	kept := len(args)
	if kept > slowArgs {
		kept = slowArgs - 1
	}
	shown := make([]string, 0, slowArgs+1)
	for i, arg := range args[:kept] {
		switch {
		case slices.Contains(hidden, i):
			shown = append(shown, redacted)
		case len(arg) > slowArgBytes:
			shown = append(shown, fmt.Sprintf("%s... (%d more bytes)", arg[:slowArgBytes], len(arg)-slowArgBytes))
		default:
			shown = append(shown, string(arg))
		}
	}
	if kept < len(args) {
		shown = append(shown, fmt.Sprintf("... (%d more arguments)", len(args)-kept))
	}
	return shown
}

// footprint is about what an entry takes in memory.
func (e *slowEntry) footprint() int {
	const header, word = 96, 16 // of the entry, of a string
	n := header + len(e.address) + len(e.name) + word*cap(e.args)
	for _, arg := range e.args {
		n += len(arg)
	}
	return n
}

// add enters an entry, whose id it sets, and lets go of the oldest beyond the bounds.
func (l *slowlog) add(e slowEntry, most int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.next
	l.next++
	l.entries = append(l.entries, e)
	l.bytes += e.footprint()
	for len(l.entries) > 0 && (int64(len(l.entries)) > most || l.bytes > slowBytes) {
		l.bytes -= l.entries[0].footprint()
		l.entries[0] = slowEntry{} // lets go of its words
		l.entries = l.entries[1:]
	}
}

// latest copies up to n entries, the newest first.
func (l *slowlog) latest(n int64) []slowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	some := slices.Clone(l.entries[len(l.entries)-int(min(n, int64(len(l.entries)))):])
	slices.Reverse(some)
	return some
}

func (l *slowlog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

func (l *slowlog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.bytes = nil, 0
}
