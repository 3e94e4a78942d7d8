// Package persist keeps an engine's keys on a disk: it follows their changes into a log, walks over them for snapshots, and loads
// them when a node starts.
//
// One goroutine, the flusher, owns the directory. Each round it takes what has changed since the one before, writes it as one group and, as the
// durability wants it, makes it safe. So however many clients write, and however often, a round costs one write and one sync, and a key that
// changed a thousand times is one record.
//
// A group is everything up to a moment. Who wants to know that what was written is safe asks for the Group that will have it, and waits for
// that one number: replies under "always", WAITAOF, and tokens beyond a quota's reserve at any durability.
//
// When the disk fails, writes are to be refused: see Refusal. What could not be written is kept and tried again. After a failed sync nobody knows what the
// log has; then a snapshot of everything takes its place, and until that is safe nothing is.
package persist

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/engine"
)

// Durability says when a change is safe.
type Durability uint8

const (
	Interval Durability = iota // a second after it was written, at the latest
	Always                     // before its client has the reply
	None                       // when the system sees fit
)

const (
	syncEvery   = time.Second
	retryEvery  = 100 * time.Millisecond // a write that has failed
	leastRepair = time.Second            // between two attempts to mend a suspect log; doubled each time, up to
	mostRepair  = time.Minute
	walkBytes   = 64 << 10
	maxBacklog  = 256 << 20 // bytes of the names of keys that are gone, beyond which the disk is held not to keep up
)

// Options of a Store.
type Options struct {
	Engine   engine.Options // of the DB that is made; Node, Life, Start, Followed, Replicated and Alone are the store's to set, and HashKey if the directory has one and there are no peers
	Identity disk.Identity  // as whose the directory goes on, see lives.Decide; without hash and clock
	Peers    bool           // there are peers

	Durability Durability
	Delay      time.Duration        // how long a change waits for others before it is written
	Now        func() engine.Moment // the clock of the DB, which stands at least where that of the directory stood
	Log        *slog.Logger
	Time       func() time.Time // for when to write and sync; nil: time.Now
}

// Store is an engine's keys on a disk. Methods are safe for concurrent use; those of a nil Store say that there is none.
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

	begun    atomic.Uint64 // groups
	written  atomic.Uint64 // the last group that the log has
	safe     atomic.Uint64 // the last that survives the machine
	failure  atomic.Pointer[Failure]
	waiters  waiters
	snapshot snapshots
	stats    stats
	flusher  *flusher

	walkBytes int    // records of a walk that are framed at once
	rest      func() // for tests: called between them
	meanwhile func() // for tests: called between the shards of a group

	wake    chan struct{} // somebody waits
	stop    chan struct{}
	stopped chan struct{}
}

// Failure is why nothing can be kept at present.
type Failure struct {
	Err     error
	Since   time.Time
	suspect bool // a sync has failed
}

// Open loads a directory and begins to follow the keys. The directory is the store's, which closes it, also after an error.
// Errors: disk.DamageError, those of the disk.
func Open(dir *disk.Dir, o Options) (*Store, error) {
	s, err := newStore(dir, o)
	if err != nil {
		return nil, err
	}
	go s.flusher.follow()
	return s, nil
}

// OpenStepped is Open for a simulation: nothing happens beside the caller, who calls Step as the flusher's goroutine would, and may leave a Store as if its process
// had ended by closing the DB.
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
	if hash := s.dir.Identity().Hash; hash != [2]uint64{} && !peers { // with peers, parts of the hash space mean the same on all nodes
		o.HashKey = hash // a snapshot is in the order of its hash, which makes it fast to load
	}
	s.identity.Hash = o.HashKey
	var err error
	if s.db, err = engine.Open(o); err != nil {
		return err
	}
	if err := s.load(s.dir.Path()); err != nil {
		return fmt.Errorf("load %s: %w; quota-db check says what is sound", s.dir.Path(), err)
	}
	s.identity.Start = s.db.Start() // what a crash has cut off, and was loaded, told of more
	s.snapshot.init(s)
	return s.flusher.begin()
}

// Earlier is the runs before this one of the life that goes on.
func (s *Store) Earlier() disk.Runs { return s.identity.Earlier }

// DB is what the store follows. Close closes it.
func (s *Store) DB() *engine.DB { return s.db }

// Now is the clock that Open made.
func (s *Store) Now() engine.Moment { return s.now() }

// Always reports whether a change is to be safe before its client has the reply.
func (s *Store) Always() bool { return s != nil && s.durability == Always }

// Refusal is why writes are to be refused at present, nil if they are not.
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

// Close writes what there is, a long log as a snapshot unless ctx ends first, and gives the directory and the DB back. Nobody may use the DB any more.
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
	case <-ctx.Done():
		s.log.Warn("the disk does not answer in time: the stop waits for it; a second signal ends the process at once, and loses what is not written")
		err = <-closed
	}
	return errors.Join(err, s.db.Close())
}

// String is the durability as --durability has it.
func (d Durability) String() string { return [...]string{"interval", "always", "none"}[d] }
