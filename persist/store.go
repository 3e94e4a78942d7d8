// Package persist keeps an engine's keys on a disk. It follows their changes into a log, walks over all keys for
// snapshots, and loads them when a node starts.
//
// One goroutine, the flusher, owns the directory; with "always", an event loop does in its place for moments: see
// lead.go. In each round it takes everything that changed since the last round, writes it as one group and, where the
// durability demands it, syncs it. So a round costs one write and one sync, however many clients write; a key that
// changed a thousand times is one record.
//
// A group is everything up to a moment. To learn when a write is synced, a caller asks for the Group that will contain
// it, and waits for that one number. Replies under "always", WAITAOF, and takes beyond a quota's reserve at any
// durability do that. A group is called safe once it is synced.
//
// When the disk fails, writes must be refused: see Refusal. What could not be written is kept and tried again. After a
// failed sync nobody knows what the log contains. Then a snapshot of all keys replaces the log, and no group is safe
// until that snapshot is.
package persist

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/engine"
)

// Durability says when a change is synced.
type Durability uint8

const (
	Interval Durability = iota // at most a second after it was written
	Always                     // before its client gets the reply
	None                       // when the operating system writes it, or when somebody waits for it
)

const (
	syncEvery  = time.Second
	retryEvery = 100 * time.Millisecond // before a failed write is tried again
	// leastRepair is the time between two attempts to replace a suspect log. It doubles each time, up to mostRepair.
	leastRepair = time.Second
	mostRepair  = time.Minute
	walkBytes   = 64 << 10
	// prewrittenBytes: more would delay the one group that writes so much; fewer would let more groups do so.
	prewrittenBytes = 256 << 10
	maxBacklog      = 256 << 20 // bytes of unwritten deletions, above which writes are refused
)

// Options of a Store.
type Options struct {
	// Of the DB that is made. The store sets Node, Life, Start, Followed, Replicated and Alone, and also HashKey, if
	// the directory has one and there are no peers.
	Engine engine.Options
	// The identity under which this run counts, see lives.Decide. Its Hash and Clock are ignored.
	Identity disk.Identity
	Peers    bool // the node has peers now

	Durability Durability
	Delay      time.Duration        // how long a change waits for further ones before it is written
	Prewritten int64                // bytes of the log written ahead at a time with Always; 0: 256 KiB
	Now        func() engine.Moment // the clock of the DB; it must not be behind the clock that the directory stored
	Log        *slog.Logger
	Time       func() time.Time // the clock that decides when to write and sync; nil: time.Now
}

// Store is an engine's keys on a disk. Methods are safe for concurrent use. Always and Refusal of a nil Store
// answer for a node without a disk.
type Store struct {
	db         *engine.DB
	dir        *disk.Dir
	identity   disk.Identity
	now        func() engine.Moment
	log        *slog.Logger
	durability Durability
	delay      time.Duration
	time       func() time.Time
	stepped    bool

	begun    atomic.Uint64 // groups taken so far
	written  atomic.Uint64 // the last group that was written to the log
	safe     atomic.Uint64 // the last group that is synced
	safeAge  atomic.Int64  // Moment.Mono at its beginning
	failure  atomic.Pointer[Failure]
	waiters  waiters
	snapshot snapshots
	stats    stats
	flusher  *flusher
	quick    atomic.Bool // the last sync was: see quickSync

	walkBytes int    // bytes of records that a walk frames at once
	rest      func() // for tests: called between these
	meanwhile func() // for tests: called between the shards of a group

	wake    chan struct{} // the flusher must run a round: somebody waits
	stop    chan struct{}
	stopped chan struct{}
}

// Failure is why nothing can be written at present.
type Failure struct {
	Err     error
	Since   time.Time
	suspect bool // a sync has failed: nobody knows what the log contains
}

// Open loads a directory and begins to follow the keys. The store owns dir and closes it, also after an error. Errors:
// disk.DamageError, and those of the disk.
func Open(dir *disk.Dir, o Options) (*Store, error) {
	s, err := newStore(dir, o)
	if err != nil {
		return nil, err
	}
	go s.flusher.follow()
	return s, nil
}

// OpenStepped is Open for a simulation: no goroutine runs beside the caller, who calls Step in place of the flusher's
// goroutine. To end the process without a stop, the caller closes the DB and leaves the Store.
func OpenStepped(dir *disk.Dir, o Options) (*Store, error) {
	s, err := newStore(dir, o)
	if err != nil {
		return nil, err
	}
	s.stepped = true
	s.flusher.spawn = func(fn func()) { fn() }
	close(s.stopped)
	return s, nil
}

// Step does what the flusher would do now.
func (s *Store) Step() {
	f := s.flusher
	select {
	case r := <-f.synced:
		f.endSync(r)
	case err := <-f.walked:
		f.endWalk(err)
	default:
	}
	f.round()
}

// newStore is Open without the flusher's goroutine.
func newStore(dir *disk.Dir, o Options) (*Store, error) {
	s := &Store{
		dir: dir, identity: o.Identity, now: o.Now, log: o.Log, durability: o.Durability, delay: o.Delay, time: o.Time,
		walkBytes: walkBytes,
		wake:      make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if s.time == nil {
		s.time = time.Now
	}
	if s.durability == Always {
		s.delay = min(s.delay, watchEvery)
		dir.Prewrite(cmp.Or(o.Prewritten, prewrittenBytes))
	}
	s.flusher = newFlusher(s)
	if err := s.open(o.Engine, o.Peers); err != nil {
		err = errors.Join(Advise(err), dir.Close(false, disk.Identity{}))
		if s.db != nil {
			err = errors.Join(err, s.db.Close())
		}
		return nil, err
	}
	return s, nil
}

func (s *Store) open(o engine.Options, peers bool) error {
	o.Node, o.Life, o.Start = s.identity.Node, s.identity.Life, s.identity.Start
	o.Followed, o.Replicated, o.Alone = true, s.identity.Clustered, !peers
	// With peers, parts of the hash space must mean the same on all nodes.
	if hash := s.dir.Identity().Hash; hash != [2]uint64{} && !peers {
		o.HashKey = hash // a snapshot is in hash order: with the same hash it loads fast
	}
	s.identity.Hash = o.HashKey
	var err error
	if s.db, err = engine.Open(o); err != nil {
		return err
	}
	if err := s.load(s.dir.Path()); err != nil {
		return fmt.Errorf("load %s: %w; run quota-db check to see which files are sound", s.dir.Path(), err)
	}
	s.identity.Start = s.db.Start() // loading may have found larger numbers than the manifest tells
	s.snapshot.init(s)
	return s.flusher.begin()
}

// Earlier is the runs before this one that counted under the same life.
func (s *Store) Earlier() disk.Runs { return s.identity.Earlier }

// DB is the DB that the store follows. Close closes it.
func (s *Store) DB() *engine.DB { return s.db }

// Now is the clock of Options.Now.
func (s *Store) Now() engine.Moment { return s.now() }

// Always reports whether a change must be synced before its client gets the reply.
func (s *Store) Always() bool { return s != nil && s.durability == Always }

// Refusal is why writes must be refused at present, nil if they need not be.
func (s *Store) Refusal() *Failure {
	if s == nil {
		return nil
	}
	if f := s.failure.Load(); f != nil {
		return f
	}
	if s.db.Backlog() > maxBacklog {
		return &Failure{Err: errBacklog}
	}
	return nil
}

var errBacklog = errors.New("the disk does not keep up with deletes")

// Close writes all changes and closes the directory and the DB. A long log becomes a snapshot unless ctx ends first.
// Nobody may use the DB any more. Errors: not everything could be written.
func (s *Store) Close(ctx context.Context) error {
	close(s.stop)
	closed := make(chan error)
	go func() {
		<-s.stopped
		closed <- s.closeClean(ctx)
	}()
	var err error
	select {
	case err = <-closed:
	case <-late(ctx):
		s.log.Warn("the disk does not answer in time: the stop waits for it; a second signal ends the process at once, and loses what is not written")
		err = <-closed
	}
	return errors.Join(err, s.db.Close())
}

// late is closed a while after ctx has ended. The time of a stop may be over before the store is closed, and on a disk
// that works Close needs only milliseconds then.
func late(ctx context.Context) <-chan struct{} {
	late := make(chan struct{})
	context.AfterFunc(ctx, func() { time.AfterFunc(lateAfter, func() { close(late) }) })
	return late
}

const lateAfter = time.Second

// String is the value of --durability.
func (d Durability) String() string { return [...]string{"interval", "always", "none"}[d] }
