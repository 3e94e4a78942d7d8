package stats

import (
	"maps"
	"strings"
	"sync"
)

// Bounds of the errors that are counted by their first word. Without them a client could fill the memory with new
// words.
const (
	errorKinds     = 128
	errorKindBytes = 64
)

// errorCounts counts error replies by their first word. Errors are rare enough for a lock.
type errorCounts struct {
	mu     sync.Mutex // protects byKind
	byKind map[string]int64
}

// CountError counts an error reply by its first word. If there are errorKinds words already, or the word is too long,
// the error counts only in Snapshot.Errors.
func (s *Stats) CountError(text string) {
	kind, _, _ := strings.Cut(text, " ")
	e := &s.errors
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.byKind[kind]; !known {
		if len(e.byKind) == errorKinds || len(kind) > errorKindBytes || strings.ContainsAny(kind, ":\r\n") {
			return
		}
		if e.byKind == nil {
			e.byKind = make(map[string]int64)
		}
		kind = strings.Clone(kind) // the text may be long
	}
	e.byKind[kind]++
}

// snapshot copies the counts.
func (e *errorCounts) snapshot() map[string]int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.byKind)
}

func (e *errorCounts) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.byKind = nil
}
