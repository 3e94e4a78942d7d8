package stats

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Bounds of the slow log.
const (
	slowArgs     = 32       // arguments of an entry, as in Redis
	slowArgBytes = 128      // bytes of each argument
	slowBytes    = 16 << 20 // bytes of all entries together
)

// Redacted replaces an argument that no log may show.
const Redacted = "(redacted)"

// SlowLog keeps the latest commands that took long.
type SlowLog struct {
	mu      sync.Mutex // protects the fields below
	entries []SlowEntry
	bytes   int   // footprint of all entries
	next    int64 // ID of the next entry; no ID is used twice
}

// SlowEntry is one slow command, or a slow group of pipelined commands.
type SlowEntry struct {
	ID      int64
	At      int64 // unix seconds
	Took    time.Duration
	Args    []string
	Address string // of the client
	Name    string // of the client
}

// NewSlowEntry makes an entry of a command and of the more commands that ran after it in the same group. hidden are the
// positions of arguments that no log may show. wall is the time in unix milliseconds.
func NewSlowEntry(args [][]byte, hidden []int, more int, address, name string, wall int64, took time.Duration) SlowEntry {
	e := SlowEntry{At: wall / 1000, Took: took, Args: clipArgs(args, hidden), Address: address, Name: name}
	if more > 0 {
		e.Args = append(e.Args, fmt.Sprintf("... (and %d more pipelined commands)", more))
	}
	return e
}

// clipArgs copies the part of a command's arguments that the log shows.
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

// footprint is the approximate memory of an entry in bytes.
func (e *SlowEntry) footprint() int {
	const header, word = 96, 16 // bytes of the entry, and of the header of a string
	n := header + len(e.Address) + len(e.Name) + word*cap(e.Args)
	for _, arg := range e.Args {
		n += len(arg)
	}
	return n
}

// Add sets the ID of an entry and adds the entry. Then it removes the oldest entries until there are at most most
// entries, with at most slowBytes bytes.
func (l *SlowLog) Add(e SlowEntry, most int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.ID = l.next
	l.next++
	l.entries = append(l.entries, e)
	l.bytes += e.footprint()
	for len(l.entries) > 0 && (int64(len(l.entries)) > most || l.bytes > slowBytes) {
		l.bytes -= l.entries[0].footprint()
		l.entries[0] = SlowEntry{} // so that its arguments can be freed
		l.entries = l.entries[1:]
	}
}

// Latest returns copies of up to n entries, the newest first.
func (l *SlowLog) Latest(n int64) []SlowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	some := slices.Clone(l.entries[len(l.entries)-int(min(n, int64(len(l.entries)))):])
	slices.Reverse(some)
	return some
}

// Len is the number of entries.
func (l *SlowLog) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// Reset removes all entries.
func (l *SlowLog) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.bytes = nil, 0
}
