package persist

import (
	"errors"
	"sync"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/engine"
)

// Kinds of frames.
const (
	kindWriters disk.Kind = disk.FirstKind + iota // writer records of package crdt: whose rows a number stands for, from here to the segment's end
	kindRecords                                   // what engine.Loader reads
	kindFlush                                     // all keys before are gone
)

const (
	takeKeys   = 4096      // records that are taken from a shard under one lock
	writeBytes = 512 << 10 // of frames, after which they are written though the group goes on
)

// flusher is what the goroutine that owns the directory works with.
type flusher struct {
	*Store
	batch      engine.Batch
	flushes    uint64 // that the log knows of
	records    int    // of the group
	segment    uint64 // of the log
	writers    int    // that the segment knows of
	grants     []engine.WrittenReserve
	grantsKept int  // of them, when replaced ones were dropped last
	syncing    bool // in another goroutine
	covered    uint64
	granting   []engine.WrittenReserve // what that will make safe
	synced     chan syncResult
	last       time.Time // when the last sync began
	repair     time.Time // when to try to mend a suspect log
	patience   time.Duration
	walking    *walk // a snapshot
	walked     chan error
	spawn      func(func()) // runs what takes long beside the flusher
	removing   sync.WaitGroup

	nextWalk     time.Time // not before then, after a snapshot that failed
	walkPatience time.Duration
	idleSince    time.Time // of the last group
	idle         time.Duration
	groupDelay   groupDelay
	late         bool      // there was no room yet to begin the log
	inspected    time.Time // when the directory was last looked at
}

type syncResult struct {
	point disk.SyncPoint
	err   error
}

func newFlusher(s *Store) *flusher {
	return &flusher{
		Store: s, synced: make(chan syncResult, 1), walked: make(chan error, 1), last: s.time(), patience: leastRepair,
		spawn:      func(fn func()) { go fn() }, // its end is waited for: see waitSync, endWalk and removing
		groupDelay: newGroupDelay(), walkPatience: leastRepair, idleSince: s.time(), idle: leastIdle,
	}
}

func (f *flusher) since(t time.Time) time.Duration { return f.time().Sub(t) }

// follow is the flusher's goroutine.
func (f *flusher) follow() {
	defer close(f.stopped)
	tick := time.NewTicker(f.delay)
	defer tick.Stop()
	for {
		select {
		case <-f.stop:
			if f.walking != nil {
				f.endWalk(<-f.walked)
			}
			f.waitSync()
			return
		case <-tick.C:
		case <-f.wake:
		case <-f.groupDelay.timer.C:
		case r := <-f.synced:
			f.endSync(r)
		case err := <-f.walked:
			f.endWalk(err)
		}
		f.round()
	}
}

// round does all that is due.
func (f *flusher) round() {
	if failure := f.failure.Load(); failure != nil {
		f.mend(failure)
		return
	}
	waited := f.waiters.count() > 0
	if waited && f.groupDelay.isRunning(f) {
		return
	}
	if f.since(f.inspected) >= inspectEvery && !f.inspect() {
		return
	}
	switch {
	case waited || f.changed():
		f.group()
		f.idle = leastIdle
	case f.since(f.idleSince) >= f.idle:
		f.group() // tells how old the directory is: quotas earn
		f.idle *= 2
	}
	f.syncIfDue(waited)
	f.walkIfDue()
}

// leastIdle is when a store that nobody writes to writes a group all the same, and again whenever as much time has passed once more: so after a
// crash at least half of it is known to have passed.
const leastIdle = time.Second

// changed reports whether there is anything to write.
func (f *flusher) changed() bool {
	for shard := range f.db.Shards() {
		if f.db.HasUnwritten(shard) {
			return true
		}
	}
	return false
}

// group writes what has changed.
func (f *flusher) group() {
	n := f.begun.Add(1)
	f.records = 0
	age := f.now().Mono // what was taken from quotas before is in the group
	for shard := range f.db.Shards() {
		for more := f.db.HasUnwritten(shard); more; {
			more = f.db.Take(shard, &f.batch, takeKeys)
			f.frame()
			if f.dir.Buffered() >= writeBytes {
				f.write()
			}
		}
		if f.meanwhile != nil {
			f.meanwhile()
		}
	}
	f.db.TakeJoined(&f.batch, func(*engine.Batch) { f.frame() })
	f.dir.EndGroup(disk.Group{Number: n, Records: uint64(f.records), Clock: disk.Clock{Wall: f.now().Wall, Age: age}})
	f.idleSince = f.time()
	if f.write() {
		f.written.Store(n)
		f.stats.group(f.records)
	}
}

// frame makes frames of what was taken. It writes nothing: shards may be locked.
func (f *flusher) frame() {
	b := &f.batch
	if b.Flushes != f.flushes { // what was taken before is void
		f.flushes = b.Flushes
		f.dir.Frame(kindFlush, func(dst []byte) []byte { return append(dst, 1) })
	}
	if len(b.Records) > 0 {
		f.frameWriters()
	}
	for piece := range b.Pieces() {
		f.dir.Frame(kindRecords, func(dst []byte) []byte { return append(dst, piece...) })
	}
	f.records += b.Count
	f.keepGrants(b.Reserves)
	b.Reset()
}

// frameWriters adds those that the segment does not know of yet. What was taken before names no others than are there by now.
func (f *flusher) frameWriters() {
	if n := f.dir.Segment(); n != f.segment {
		f.segment, f.writers = n, 0
	}
	fresh := f.db.Writers(f.writers)
	f.dir.Frame(kindWriters, func(dst []byte) []byte { return appendWriters(dst, f.writers, fresh) })
	f.writers += len(fresh)
}

func appendWriters(dst []byte, first int, writers []crdt.Writer) []byte {
	for i, w := range writers {
		dst = crdt.AppendWriter(dst, uint32(first+i), w)
	}
	return dst
}

// write brings what is framed into the log; it is tried again later if that fails.
func (f *flusher) write() bool {
	bytes := f.dir.Buffered()
	err := f.dir.Write()
	if err != nil {
		f.fail(err)
		return false
	}
	f.stats.bytes.Add(int64(bytes))
	f.stats.logBytes.Store(f.dir.LogBytes())
	return true
}

// syncIfDue makes safe what is written: at once if somebody waits for it, else now and then.
func (f *flusher) syncIfDue(waited bool) {
	if f.syncing || f.failure.Load() != nil || f.written.Load() == f.safe.Load() {
		return
	}
	if due := f.durability != None && f.since(f.last) >= syncEvery || len(f.grants) >= mostGrants; !waited && !due {
		return
	}
	f.last = f.time()
	f.covered = f.written.Load()
	f.granting, f.grants = f.grants, f.granting[:0]
	point := f.dir.SyncPoint()
	if f.durability == Always { // everybody waits for it
		f.endSync(syncResult{point, point.Sync()})
		return
	}
	f.syncing = true
	f.spawn(func() { f.synced <- syncResult{point, point.Sync()} })
}

// endSync tells those who wait how a sync has gone.
func (f *flusher) endSync(r syncResult) {
	f.syncing = false
	f.stats.synced(f.since(f.last))
	if err := f.dir.Synced(r.point, r.err); err != nil {
		f.fail(err)
		return
	}
	f.isSafe(f.covered, f.granting)
}

// isSafe notes that a group is safe.
func (f *flusher) isSafe(group uint64, grants []engine.WrittenReserve) {
	f.db.ReservesAreSafe(grants)
	f.safe.Store(group)
	if n := f.waiters.release(group); n > 0 {
		f.groupDelay.begin(f, n)
	}
}

// waitSync waits for the end of a sync in another goroutine.
func (f *flusher) waitSync() {
	if f.syncing {
		f.endSync(<-f.synced)
	}
}

// fail has writes refused, and those who wait hear of it.
func (f *flusher) fail(err error) {
	failure := &Failure{Err: err, Since: f.time(), suspect: errors.Is(err, disk.ErrSuspect)}
	if before := f.failure.Load(); before != nil {
		failure.Since = before.Since
		failure.suspect = failure.suspect || before.suspect
	} else {
		f.log.Error(failureLine(err), "error", err)
	}
	f.dir.Unmark()
	f.failure.Store(failure)
	f.repair = f.time().Add(f.patience)
	f.snapshot.giveUp(err)
	f.waiters.wakeImpatient()
}

// mend tries to bring the log back to what it should be.
func (f *flusher) mend(failure *Failure) {
	f.waiters.wakeImpatient()
	f.snapshot.giveUp(failure.Err)
	if f.time().Before(f.repair) {
		return
	}
	if f.late {
		f.beginAgain(failure)
		return
	}
	if failure.suspect {
		f.replace()
		return
	}
	f.repair = f.time().Add(retryEvery)
	_, err := f.dir.Inspect()
	if err == nil {
		err = f.dir.Write()
	}
	if err != nil {
		f.failure.Store(&Failure{Err: err, Since: failure.Since, suspect: errors.Is(err, disk.ErrSuspect)})
		return
	}
	f.written.Store(f.begun.Load())
	f.recovered()
}

// recovered has writes accepted again.
func (f *flusher) recovered() {
	f.log.Info("the disk has recovered: writes are accepted again", "failed for", f.since(f.failure.Load().Since).Round(time.Millisecond))
	f.dir.Remark()
	f.failure.Store(nil)
	f.patience = leastRepair
}
