package persist

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/engine"
)

const (
	// takeKeys is how many keys are taken under one hold of a shard's lock: at some 70 ns each a client waits for tens of microseconds.
	takeKeys = 256
	// syncInterval is how often the log is synced at the level interval.
	syncInterval = time.Second
)

// groups says how far the log is. A group's number is how many began before it, so the first is 1.
type groups struct {
	begun   atomic.Uint64
	written atomic.Uint64 // the last that the system has
	synced  atomic.Uint64 // the last that survives the loss of power

	mu      sync.Mutex
	waiting bool          // somebody wants a group synced
	kick    chan struct{} // says so
}

// Group is the one that will have every change made before the call.
func (s *Store) Group() uint64 { return s.groups.begun.Load() + 1 }

// Written and Synced are the last groups that survive the loss of this process, and of power.
func (s *Store) Written() uint64 { return s.groups.written.Load() }

// Synced is the last group that survives the loss of power.
func (s *Store) Synced() uint64 { return s.groups.synced.Load() }

// Want has the next group written and synced as soon as can be.
func (s *Store) Want() {
	select {
	case s.groups.kick <- struct{}{}:
	default: // it has been said
	}
}

var (
	_ = crdt.AppendWriter
	_ engine.Moment
)
