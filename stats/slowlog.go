package stats

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
	slowBytes    = 16 << 20 // bytes of all entries, however many their number allows
)

// Redacted stands for an argument that no log may show.
const Redacted = "(redacted)"

// SlowLog is the latest commands that took long.
type SlowLog struct {
	mu      sync.Mutex // protects the fields below
	entries []SlowEntry
	bytes   int   // of entries
	next    int64 // the next entry's ID; IDs are never used again
}

// SlowEntry is one command, or a group of pipelined ones that took long together.
type SlowEntry struct {
	ID      int64
	At      int64 // unix seconds
	Took    time.Duration
	Args    []string
	Address string // of the client
	Name    string // of the client
}

// NewSlowEntry describes a command that a client sent, and more commands that ran in the same group behind it. hidden
// are the positions of arguments that no log may show. The wall clock is in unix milliseconds.
func NewSlowEntry(args [][]byte, hidden []int, more int, address, name string, wall int64, took time.Duration) SlowEntry {
	e := SlowEntry{At: wall / 1000, Took: took, Args: clipArgs(args, hidden), Address: address, Name: name}
	if more > 0 {
		e.Args = append(e.Args, fmt.Sprintf("... (and %d more pipelined commands)", more))
	}
	return e
}

// clipArgs copies a command's words as far as the log shows them.
func clipArgs(args [][]byte, hidden []int) []string {
	kept := len(args)
	if kept > slowArgs {
		kept = slowArgs - 1
	}
	shown := make([]string, 0, slowArgs+1)
	for i, arg := range args[:kept] {
		switch {
		case slices.Contains(hidden, i):
			shown = append(shown, Redacted)
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

// footprint is about how much memory an entry takes.
func (e *SlowEntry) footprint() int {
	const header, word = 96, 16 // of the entry, of a string
	n := header + len(e.Address) + len(e.Name) + word*cap(e.Args)
	for _, arg := range e.Args {
		n += len(arg)
	}
	return n
}

// Add enters an entry, whose ID it sets. Then it drops the oldest entries until there are at most so many, within the
// bound in bytes.
func (l *SlowLog) Add(e SlowEntry, most int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.ID = l.next
	l.next++
	l.entries = append(l.entries, e)
	l.bytes += e.footprint()
	for len(l.entries) > 0 && (int64(len(l.entries)) > most || l.bytes > slowBytes) {
		l.bytes -= l.entries[0].footprint()
		l.entries[0] = SlowEntry{} // lets go of its words
		l.entries = l.entries[1:]
	}
}

// Latest copies up to n entries, the newest first.
func (l *SlowLog) Latest(n int64) []SlowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	some := slices.Clone(l.entries[len(l.entries)-int(min(n, int64(len(l.entries)))):])
	slices.Reverse(some)
	return some
}

// Len is how many entries there are.
func (l *SlowLog) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// Reset drops all entries.
func (l *SlowLog) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.bytes = nil, 0
}
