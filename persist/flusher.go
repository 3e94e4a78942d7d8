package persist

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/engine"
)

// Kinds of frames.
const (
	// Writer records of package crdt: they give numbers to writers, up to the end of the segment.
	kindWriters disk.Kind = disk.FirstKind + iota
	kindRecords           // records for engine.Loader
	kindFlush             // all keys before it were flushed
)

const (
	takeKeys   = 4096      // records taken from a shard under one hold of its lock
	writeBytes = 512 << 10 // bytes of frames after which they are written, though the group is not complete
)

// flusher is the state of the goroutine that owns the directory. At times an event loop owns it instead: see lead.go.
type flusher struct {
	*Store
	owner      sync.Mutex  // held by the owner; protects the fields below. It is taken before any shard's lock
	called     atomic.Bool // somebody wanted to be the owner for a round, while there was another one
	lead       lead
	rest       resting
	led        uint64   // lead.count at the last round of the flusher's goroutine
	ends       []func() // what is to be done since work beside the flusher has ended
	ended      bool     // the store is being closed
	batch      engine.Batch
	flushes    uint64 // flushes of all keys that the log contains
	records    int    // records of the group in progress
	segment    uint64 // number of the log's segment
	writers    int    // writers that the segment contains
	grants     []engine.WrittenReserve
	grantsKept int                     // len(grants) after replaced ones were last dropped
	syncing    bool                    // a sync runs in another goroutine
	covered    uint64                  // last group that this sync covers
	coveredAge int64                   // its age
	age        int64                   // Moment.Mono at the beginning of the last group
	granting   []engine.WrittenReserve // reserves that this sync makes safe
	synced     chan syncResult
	last       time.Time     // when the last sync began
	repair     time.Time     // when to repair next: write again, or replace a suspect log
	patience   time.Duration // until the attempt after the next
	walking    *walk         // snapshot in progress, or nil
	walked     chan error
	spawn      func(func()) // runs a long task beside the flusher
	removing   sync.WaitGroup

	nextWalk     time.Time // after a failed snapshot: no further one before
	walkPatience time.Duration
	idleSince    time.Time // time of the last group
	idle         time.Duration
	groupDelay   groupDelay
	late         bool      // the log has not begun yet, because the disk is full
	inspected    time.Time // when the directory was last looked at
}

type syncResult struct {
	point disk.SyncPoint
	err   error
}

func newFlusher(s *Store) *flusher {
	return &flusher{
		Store: s, synced: make(chan syncResult, 1), walked: make(chan error, 1), last: s.time(), patience: leastRepair,
		rest:       newResting(s),
		spawn:      func(fn func()) { go fn() }, // waitSync, endWalk and removing wait for its end
		groupDelay: newGroupDelay(), walkPatience: leastRepair, idleSince: s.time(), idle: leastIdle,
	}
}

func (f *flusher) since(t time.Time) time.Duration { return f.time().Sub(t) }

// follow is the flusher's goroutine.
func (f *flusher) follow() {
	defer close(f.stopped)
	tick := time.NewTicker(f.delay)
	defer tick.Stop()
	rest := &f.rest
	for {
		isTick := false
		select {
		case <-f.stop:
			f.end(tick)
			return
		case <-tick.C:
			isTick = true
			rest.next(tick)
		case <-rest.roused:
			rest.end(tick)
			continue // a group of all changes of the coming delay, not of the first one
		case <-f.wake:
		case <-f.groupDelay.timer.C:
		case r := <-f.synced:
			f.ends = append(f.ends, func() { f.endSync(r) })
		case err := <-f.walked:
			f.ends = append(f.ends, func() { f.endWalk(err) })
		}
		if f.tryOwn(!isTick) {
			f.rounds(tick)
			continue
		}
		rest.end(tick) // so that the next tick comes soon
		if isTick {
			f.lead.watch(f.time())
		}
	}
}

// rounds does a round, and others as long as somebody calls for one. The caller is the owner, until rounds returns.
func (f *flusher) rounds(tick *time.Ticker) {
	for again := true; again; again = f.disown() && f.tryOwn(true) {
		f.endBeside()
		f.round()
		f.rest.beginIfIdle(tick, f.isIdle() && f.lead.count == f.led)
		f.led = f.lead.count
	}
}

// endBeside goes on with the results of work beside the flusher.
func (f *flusher) endBeside() {
	for _, end := range f.ends {
		end()
	}
	f.ends = f.ends[:0]
}

// end waits for the end of work beside the flusher. From then on nobody leads.
func (f *flusher) end(tick *time.Ticker) {
	f.rest.end(tick) // so that a hung loop is noticed soon
	for !f.tryOwn(false) {
		<-tick.C
		f.lead.watch(f.time())
	}
	defer f.owner.Unlock()
	f.ended = true
	f.endBeside()
	if f.walking != nil {
		f.endWalk(<-f.walked)
	}
	f.waitSync()
}

// isIdle reports whether nothing is left to do but what a rest may delay: no change, no waiter, no sync, no snapshot,
// no failure.
func (f *flusher) isIdle() bool {
	return f.failure.Load() == nil && f.walking == nil && !f.syncing && f.waiters.count() == 0 &&
		(f.durability == None && len(f.grants) == 0 || f.written.Load() == f.safe.Load()) && !f.changed()
}

// round does everything that is due.
func (f *flusher) round() {
	if failure := f.failure.Load(); failure != nil {
		f.mend(failure)
		return
	}
	waited := f.waiters.count() > 0
	switch {
	case waited && !f.lead.leads && f.groupDelay.isRunning(f):
		return
	case !waited:
		f.groupDelay.endIfOver(f)
	}
	if f.since(f.inspected) >= inspectEvery && !f.inspect() {
		return
	}
	switch {
	case waited || f.changed():
		f.group()
		f.idle = leastIdle
	case f.since(f.idleSince) >= f.idle:
		f.group() // an empty group stores the time: quotas refill
		f.idle *= 2
	}
	f.syncIfDue(waited)
	f.walkIfDue()
}

// leastIdle is after how long a store without writes writes a group all the same. The next one follows after twice as
// long, and so on. So after a crash at least half of the idle time is known to have passed.
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

// group writes all changes as one group.
func (f *flusher) group() {
	n := f.begun.Add(1)
	f.records = 0
	age := f.now().Mono // every take from a quota before this time is in the group
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
	f.age = age
	f.idleSince = f.time()
	if f.write() {
		f.written.Store(n)
		f.stats.group(f.records)
	}
}

// frame puts the batch into frames. It must not write: shards may be locked.
func (f *flusher) frame() {
	b := &f.batch
	if b.Flushes != f.flushes { // all records taken before are void
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

// frameWriters adds the writers that the segment does not contain yet. All writers of the batch are in the DB by now.
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

// write writes the frames to the log. If that fails it is tried again later.
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

// syncIfDue syncs what is written: at once if somebody waits for it, otherwise once a second, or never with None.
func (f *flusher) syncIfDue(waited bool) {
	if f.syncing || f.failure.Load() != nil || f.written.Load() == f.safe.Load() {
		return
	}
	if due := f.durability != None && f.since(f.last) >= syncEvery || len(f.grants) >= mostGrants; !waited && !due {
		return
	}
	f.last = f.time()
	f.covered, f.coveredAge = f.written.Load(), f.age
	f.granting, f.grants = f.grants, f.granting[:0]
	point := f.dir.SyncPoint()
	if f.durability == Always { // every client waits for it
		f.endSync(syncResult{point, point.Sync()})
		return
	}
	f.syncing = true
	f.spawn(func() { f.synced <- syncResult{point, point.Sync()} })
}

// endSync wakes the waiters with the result of a sync.
func (f *flusher) endSync(r syncResult) {
	f.syncing = false
	took := f.since(f.last)
	f.stats.synced(took)
	f.quick.Store(took <= quickSync && r.err == nil)
	if err := f.dir.Synced(r.point, r.err); err != nil {
		f.fail(err)
		return
	}
	f.safeAge.Store(f.coveredAge)
	f.isSafe(f.covered, f.granting)
}

// isSafe notes that a group is synced, and wakes its waiters.
func (f *flusher) isSafe(group uint64, grants []engine.WrittenReserve) {
	f.db.ReservesAreSafe(grants)
	f.safe.Store(group)
	if n := f.waiters.release(group); n > 0 && !f.lead.leads {
		f.groupDelay.begin(f, n)
	}
}

// waitSync waits for the end of a sync in another goroutine.
func (f *flusher) waitSync() {
	if f.syncing {
		f.endSync(<-f.synced)
	}
}

// fail makes writes refused and wakes the waiters.
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

// mend tries to repair the log: it writes again, or replaces a suspect log.
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

// recovered makes writes accepted again.
func (f *flusher) recovered() {
	f.log.Info("the disk has recovered: writes are accepted again", "failed_for", f.since(f.failure.Load().Since).Round(time.Millisecond))
	f.dir.Remark()
	f.failure.Store(nil)
	f.patience = leastRepair
}
