package persist

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/engine"
)

const (
	syncBytes = 8 << 20 // of a snapshot, after which they are made safe, so that the system never has much to write at once
	// A log longer than the snapshot before it, and than this, is replaced by a new snapshot.
	leastLog = 64 << 20
)

// errStopped: the store is being closed.
var errStopped = errors.New("the node stops")

// snapshots is what there is to know of them.
type snapshots struct {
	mu        sync.Mutex // protects the fields below
	wanted    bool
	running   bool
	begun     uint64 // how many were
	ended     uint64
	err       error     // of the last; nil: it counts
	last      time.Time // when the last that counts was safe, or the load ended
	took      time.Duration
	bytes     int64    // of the last that counts
	waiters   []waiter // by the number of a snapshot
	progress  int64    // bytes of the one that runs
	started   time.Time
	records   int64 // that the log had when the one that runs was begun
	recordsAt int64 // when the last that counts was
}

func (sn *snapshots) init(s *Store) {
	sn.last, sn.bytes = time.UnixMilli(s.now().Wall), s.dir.SnapshotBytes()
}

// Snapshot asks for a snapshot of everything as it is now or later, and returns its number. If one is running already, it is the one after that; then, without queue, it is not asked for and ok is false.
func (s *Store) Snapshot(queue bool) (number uint64, ok bool) {
	s.snapshot.mu.Lock()
	defer s.snapshot.mu.Unlock()
	if s.snapshot.running && !queue {
		return 0, false
	}
	s.snapshot.wanted = true
	s.rouse()
	return s.snapshot.begun + 1, true
}

// AwaitSnapshot has wake called, once, when a snapshot has ended; false when that is so already.
func (s *Store) AwaitSnapshot(number uint64, wake func()) bool {
	s.snapshot.mu.Lock()
	defer s.snapshot.mu.Unlock()
	if s.snapshot.ended >= number {
		return false
	}
	s.snapshot.waiters = append(s.snapshot.waiters, waiter{group: number, wake: wake})
	return true
}

// SnapshotEnded reports whether a snapshot has ended, and how.
func (s *Store) SnapshotEnded(number uint64) (ended bool, err error) {
	s.snapshot.mu.Lock()
	defer s.snapshot.mu.Unlock()
	return s.snapshot.ended >= number, s.snapshot.err
}

// begin notes that one begins.
func (sn *snapshots) begin(records int64) {
	sn.mu.Lock()
	defer sn.mu.Unlock()
	sn.wanted, sn.running, sn.progress = false, true, 0
	sn.started, sn.records = time.Now(), records
	sn.begun++
}

// end notes how one has ended.
func (sn *snapshots) end(err error, took time.Duration, bytes int64) {
	sn.mu.Lock()
	sn.running, sn.err, sn.took = false, err, took
	sn.ended = sn.begun
	if err == nil {
		sn.last, sn.bytes, sn.recordsAt = time.Now(), bytes, sn.records
	}
	var woken []waiter
	sn.waiters = slices.DeleteFunc(sn.waiters, func(w waiter) bool {
		if w.group <= sn.ended {
			woken = append(woken, w)
		}
		return w.group <= sn.ended
	})
	sn.mu.Unlock()
	for _, w := range woken {
		w.wake()
	}
}

// giveUp ends one that is wanted and cannot begin.
func (sn *snapshots) giveUp(err error) {
	sn.mu.Lock()
	wanted := sn.wanted && !sn.running
	sn.mu.Unlock()
	if wanted {
		sn.begin(0)
		sn.end(err, 0, 0)
	}
}

func (sn *snapshots) isWanted() bool {
	sn.mu.Lock()
	defer sn.mu.Unlock()
	return sn.wanted
}

func (sn *snapshots) add(bytes int64) {
	sn.mu.Lock()
	sn.progress += bytes
	sn.mu.Unlock()
}

// walk is a snapshot that is being written, by a goroutine of its own.
type walk struct {
	store    *Store
	snapshot *disk.Snapshot
	began    time.Time
	stop     <-chan struct{} // ends it
	hurry    bool            // it need not leave time to others
}

// walkIfDue begins a snapshot if one is asked for or the log has grown long.
func (f *flusher) walkIfDue() {
	if f.walking != nil || f.failure.Load() != nil {
		return
	}
	isLong := f.dir.LogBytes() >= max(leastLog, f.snapshotBytes()) && !f.time().Before(f.nextWalk)
	if !isLong && !f.snapshot.isWanted() {
		return
	}
	if err := f.startWalk(false, f.stop); err != nil {
		f.snapshotFailed(err)
	}
}

// snapshotFailed puts off the next attempt. The log has everything all the same, unless it is the log that has failed.
func (f *flusher) snapshotFailed(err error) {
	f.snapshot.end(err, 0, 0)
	if f.dir.IsSuspect() {
		f.fail(fmt.Errorf("%w: %w", disk.ErrSuspect, err))
		return
	}
	f.nextWalk = f.time().Add(f.walkPatience)
	f.log.Error("snapshot failed: the log goes on", "error", err, "next attempt in", f.walkPatience)
	f.walkPatience = min(2*f.walkPatience, mostRepair)
}

func (f *flusher) snapshotBytes() int64 {
	f.snapshot.mu.Lock()
	defer f.snapshot.mu.Unlock()
	return f.snapshot.bytes
}

// startWalk begins a snapshot. In a hurry it leaves no time to others; stop ends it. What was taken before is in memory, and so in the walk; what is taken from here on is in the log that begins with it.
func (f *flusher) startWalk(hurry bool, stop <-chan struct{}) error {
	f.waitSync()
	f.snapshot.begin(f.stats.records.Load())
	group := f.written.Load()
	snapshot, err := f.dir.StartSnapshot()
	if err != nil {
		return fmt.Errorf("start snapshot: %w", err)
	}
	if f.failure.Load() == nil { // all that was written is safe: reserves that wait for it are to count before the walk meets them
		f.isSafe(group, f.grants)
	}
	f.grants = f.grants[:0]
	f.walking = &walk{store: f.Store, snapshot: snapshot, began: f.time(), stop: stop, hurry: hurry || f.stepped}
	w := f.walking
	f.spawn(func() { f.walked <- w.run() })
	return nil
}

// run writes the snapshot.
func (w *walk) run() error {
	s := w.store
	var batch engine.Batch
	writers, unsynced := 0, 0
	for from := uint64(0); ; {
		began := time.Now()
		batch.Reset()
		from = s.db.Walk(from, s.now(), &batch, s.walkBytes)
		fresh := s.db.Writers(writers)
		err := w.snapshot.Frame(kindWriters, func(dst []byte) []byte { return appendWriters(dst, writers, fresh) })
		writers += len(fresh)
		for piece := range batch.Pieces() {
			err = errors.Join(err, w.snapshot.Frame(kindRecords, func(dst []byte) []byte { return append(dst, piece...) }))
		}
		w.snapshot.Count(batch.Count)
		s.snapshot.add(int64(len(batch.Records)))
		if unsynced += len(batch.Records); err == nil && unsynced >= syncBytes {
			unsynced = 0
			err = w.snapshot.Sync()
		}
		if err != nil {
			return err
		}
		if from == 0 {
			now := s.now()
			return w.snapshot.Finish(disk.Clock{Wall: now.Wall, Age: now.Mono})
		}
		if err := w.pause(time.Since(began)); err != nil {
			return err
		}
	}
}

// pause leaves others as much time as the walk has taken.
func (w *walk) pause(took time.Duration) error {
	if w.store.rest != nil {
		w.store.rest()
	}
	if w.hurry {
		took = 0
	}
	select {
	case <-w.stop:
		return errStopped
	case <-time.After(took):
		return nil
	}
}

// endWalk makes a snapshot count.
func (f *flusher) endWalk(err error) {
	w := f.walking
	f.walking = nil
	took, bytes := f.since(w.began), w.snapshot.Bytes()
	if err == nil {
		f.waitSync()
		err = f.commit(w.snapshot)
	} else {
		err = errors.Join(err, w.snapshot.Abort())
	}
	switch {
	case errors.Is(err, errStopped):
		f.snapshot.end(err, took, 0)
		return
	case err != nil:
		f.snapshotFailed(err)
		return
	}
	f.snapshot.end(nil, took, bytes)
	f.walkPatience = leastRepair
	f.log.Info("snapshot written", "bytes", bytes, "took", took.Round(time.Millisecond))
}

// commit writes all that the snapshot may have seen, and makes it count.
func (f *flusher) commit(snapshot *disk.Snapshot) error {
	f.group()
	obsolete, err := f.dir.Commit(snapshot, f.db.Start())
	if err != nil {
		return errors.Join(err, snapshot.Leave())
	}
	f.isSafe(f.written.Load(), f.grants)
	f.grants = f.grants[:0]
	if failure := f.failure.Load(); failure != nil {
		f.recovered()
	}
	f.removing.Add(1)
	f.spawn(func() { // large files take long to remove
		defer f.removing.Done()
		if err := f.dir.Remove(obsolete); err != nil {
			f.log.Warn("what a snapshot has replaced is still there; the next start removes it", "error", err)
		}
	})
	return nil
}

// replace begins a snapshot in place of a suspect log.
func (f *flusher) replace() {
	if f.walking != nil {
		f.group() // into the new log, which counts with the snapshot
		return
	}
	f.patience = min(2*f.patience, mostRepair)
	f.repair = f.time().Add(f.patience)
	if err := f.startWalk(false, f.stop); err != nil {
		f.snapshot.end(err, 0, 0)
		f.log.Error("the log cannot be replaced yet", "error", err, "next attempt in", f.patience)
	}
}
