package node

import (
	"sync"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// sweepSlice is how many keys of a shard are deleted while its lock is held. A key takes some 100 ns, so a client waits
// for tens of microseconds.
const sweepSlice = 256

// sweepShare: sweeping may take one part in sweepShare of a tick. The rest waits for the next tick. Clients never see
// an expired key; only its memory is released late.
const sweepShare = 4

// sweeper deletes in the background keys past their deadline, and transient quotas whose bucket is full again.
type sweeper struct {
	db      *engine.DB
	now     func() engine.Moment
	tick    time.Duration
	observe func(took time.Duration) // called after every sweep
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
	roused := make(chan struct{}, 1)
	for {
		select {
		case <-s.stop:
			return
		case <-roused:
			ticker.Reset(s.tick)
		case <-ticker.C:
			s.sweep()
			if s.db.RestSweep(roused) {
				ticker.Stop()
			}
		}
	}
}

// sweep deletes all keys that are due, or as many as its share of a tick allows.
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

// close ends the goroutine and waits for its end.
func (s *sweeper) close() {
	close(s.stop)
	s.done.Wait()
}
