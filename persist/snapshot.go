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
	// syncBytes of a snapshot are written between two syncs, so that the system never has much to write at once.
	syncBytes = 8 << 20
	// A log longer than this, and than the snapshot before it, is replaced by a new snapshot.
	leastLog = 64 << 20
)

// errStopped: the store is being closed.
var errStopped = errors.New("the node stops")

// snapshots is the state of snapshots, past and running.
type snapshots struct {
	mu        sync.Mutex // protects the fields below
	wanted    bool
	running   bool
	begun     uint64    // how many were begun
	ended     uint64    // and how many ended
	err       error     // of the last one; nil: it succeeded
	last      time.Time // when the last successful one was synced, or the load ended
	took      time.Duration
	bytes     int64    // size of the last successful one
	waiters   []waiter // their group is the number of a snapshot
	progress  int64    // bytes that the running one has written
	started   time.Time
	records   int64 // records written to the log when the running one was begun
	recordsAt int64 // the same for the last successful one
}

func (sn *snapshots) init(s *Store) {
	sn.last, sn.bytes = time.UnixMilli(s.now().Wall), s.dir.SnapshotBytes()
}

// Snapshot requests a snapshot of all keys as they are now or later, and returns its number. While one runs, the next
// one is requested if queue is true; otherwise nothing is requested, and ok is false.
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

// AwaitSnapshot calls wake once when a snapshot has ended. If it has ended already, it returns false and does nothing.
func (s *Store) AwaitSnapshot(number uint64, wake func()) bool {
	s.snapshot.mu.Lock()
	defer s.snapshot.mu.Unlock()
	if s.snapshot.ended >= number {
		return false
	}
	s.snapshot.waiters = append(s.snapshot.waiters, waiter{group: number, wake: wake})
	return true
}

// SnapshotEnded reports whether a snapshot has ended, and returns the error of the last one that did.
func (s *Store) SnapshotEnded(number uint64) (ended bool, err error) {
	s.snapshot.mu.Lock()
	defer s.snapshot.mu.Unlock()
	return s.snapshot.ended >= number, s.snapshot.err
}

// begin notes that a snapshot begins.
func (sn *snapshots) begin(records int64) {
	sn.mu.Lock()
	defer sn.mu.Unlock()
	sn.wanted, sn.running, sn.progress = false, true, 0
	sn.started, sn.records = time.Now(), records
	sn.begun++
}

// end notes the result of a snapshot and wakes its waiters.
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

// giveUp ends a requested snapshot that cannot begin, with an error.
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

// walk is a snapshot that a goroutine of its own is writing.
type walk struct {
	store    *Store
	snapshot *disk.Snapshot
	began    time.Time
	stop     <-chan struct{} // closed: the walk ends with errStopped
	hurry    bool            // do not pause
}

// walkIfDue begins a snapshot if one is requested or the log has grown long.
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

// snapshotFailed puts off the next attempt. The log still has everything, unless the log itself has failed.
func (f *flusher) snapshotFailed(err error) {
	f.snapshot.end(err, 0, 0)
	if f.dir.IsSuspect() {
		f.fail(fmt.Errorf("%w: %w", disk.ErrSuspect, err))
		return
	}
	f.nextWalk = f.time().Add(f.walkPatience)
	f.log.Error("snapshot failed: nothing is lost, the log has everything", "error", err, "retry_in", f.walkPatience)
	f.walkPatience = min(2*f.walkPatience, mostRepair)
}

func (f *flusher) snapshotBytes() int64 {
	f.snapshot.mu.Lock()
	defer f.snapshot.mu.Unlock()
	return f.snapshot.bytes
}

// startWalk begins a snapshot, and a new log with it. Changes that were taken before are in memory, and so in the walk;
// later changes go to the new log. With hurry the walk does not pause; stop ends it.
func (f *flusher) startWalk(hurry bool, stop <-chan struct{}) error {
	f.waitSync()
	f.snapshot.begin(f.stats.records.Load())
	group := f.written.Load()
	snapshot, err := f.dir.StartSnapshot()
	if err != nil {
		return fmt.Errorf("start snapshot: %w", err)
	}
	// everything written is synced: the waiting reserves must count before the walk meets their quotas
	if f.failure.Load() == nil {
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

// pause pauses for as long as the last step took, so that the walk uses at most half of the time.
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

// endWalk commits a finished snapshot, or aborts a failed one.
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

// commit writes all changes that the snapshot may contain, and makes the snapshot count.
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
	f.spawn(func() { // removing large files takes long
		defer f.removing.Done()
		if err := f.dir.Remove(obsolete); err != nil {
			f.log.Warn("could not remove the files that a snapshot replaced; the next start removes them", "error", err)
		}
	})
	return nil
}

// replace begins a snapshot that takes the place of a suspect log.
func (f *flusher) replace() {
	if f.walking != nil {
		f.group() // into the new log, which counts once the snapshot does
		return
	}
	f.patience = min(2*f.patience, mostRepair)
	f.repair = f.time().Add(f.patience)
	if err := f.startWalk(false, f.stop); err != nil {
		f.snapshot.end(err, 0, 0)
		f.log.Error("could not write a new log after a failed fsync, retrying", "error", err, "retry_in", f.patience)
	}
}
