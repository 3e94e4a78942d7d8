package node

import (
	"sync"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// sweepSlice is how many keys of a shard are deleted under one hold of its lock; at some 100 ns each a client waits
// for tens of microseconds.
const sweepSlice = 256

// sweepShare is the part of a tick that sweeping may take, as a divisor. What is left over waits for the next tick:
// readers see no key past its deadline anyway, only memory is late.
const sweepShare = 4

// sweeper deletes keys past their deadline, and quotas that have become as if never used, in the background.
type sweeper struct {
	db      *engine.DB
	now     func() engine.Moment
	tick    time.Duration
	observe func(took time.Duration) // is told of every round
	stop    chan struct{}
	done    sync.WaitGroup
}

func startSweeper(db *engine.DB, now func() engine.Moment, tick time.Duration, observe func(took time.Duration)) *sweeper {
	s := &sweeper{db: db, now: now, tick: tick, observe: observe, stop: make(chan struct{})}
	s.done.Go(s.run)
	return s
}

func (s *sweeper) run() {
	ticker := time.NewTicker(s.tick)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			s.sweep()
		}
	}
}

// sweep deletes what is due, or as much as fits into its share of a tick.
func (s *sweeper) sweep() {
	now := s.now()
	begin := time.Now()
	for {
		_, done := s.db.Sweep(now, sweepSlice)
		if took := time.Since(begin); done || took > s.tick/sweepShare {
			s.observe(took)
			return
		}
	}
}

// close ends the background work and waits for its end.
func (s *sweeper) close() {
	close(s.stop)
	s.done.Wait()
}
