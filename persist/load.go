package persist

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/quotadb/quota-db/crdt"
	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/engine"
)

const (
	// loadAhead is how many frames may wait for a worker. A worker gets as many frames of a snapshot in a row, because
	// they are of the same shards.
	loadAhead     = 64
	progressEvery = time.Second
)

// loader loads the contents of a directory into a DB. A snapshot has each key once, so any worker may load any frame.
// In a log the order counts: every worker gets every frame, and loads its part of the keys.
type loader struct {
	db      *engine.DB
	now     engine.Moment
	age     int64 // the clock of the directory's last group, see engine.Loader.Age
	crashed bool
	writers []uint32 // writers of the segment, by their number in it
	segment int
	frames  []chan job // queues of frames, by worker
	next    int        // number of the next frame of a snapshot
	flushes uint64     // flushes of all keys in the safe part of the log
	unsafe  bool       // the frames from now on may not be synced
	done    sync.WaitGroup
	mu      sync.Mutex // protects keys and err
	keys    int64
	err     error
}

type job struct {
	frame   disk.Frame
	writers []uint32
	barrier *sync.WaitGroup // not a frame: to be notified that all jobs before are done
}

// load loads the directory into the DB.
func (s *Store) load(path string) error {
	began := time.Now()
	loaded := s.db.MakeRoom(int64(s.dir.Records()))
	l := newLoader(s.db, s.now(), s.dir.Identity().Age, !s.dir.StoppedClean())
	progress := time.NewTicker(progressEvery)
	defer progress.Stop()
	bytes := int64(0)
	cut, err := s.dir.Load(func(f disk.Frame) error {
		bytes += int64(len(f.Payload))
		select {
		case <-progress.C:
			s.log.Info("loading", "bytes", bytes, "of", s.dir.Bytes(), "keys", l.count())
		default:
		}
		return l.give(f)
	})
	if refused := l.close(); err == nil { // otherwise give has returned it already, or a worse one
		err = refused
	}
	if err != nil {
		return err
	}
	loaded()
	if !l.unsafe {
		l.flushes = s.db.Flushes()
	}
	s.flusher.flushes = l.flushes
	if s.stats.cut = cut != nil; cut != nil {
		s.log.Warn("log was cut: the last group was not written completely before an unclean stop", "file", cut.File, "offset", cut.Offset, "bytes", cut.Bytes, "reason", cut.Reason)
	}
	took := time.Since(began)
	s.stats.loaded.Store(int64(s.db.All(s.now()).Len()))
	s.stats.loadTook.Store(int64(took))
	s.log.Info("loaded", "keys", s.stats.loaded.Load(), "bytes", bytes, "took", took.Round(time.Millisecond))
	return nil
}

func newLoader(db *engine.DB, now engine.Moment, age int64, crashed bool) *loader {
	l := &loader{db: db, now: now, age: age, crashed: crashed, segment: -1}
	for part := range max(1, runtime.GOMAXPROCS(0)) {
		frames := make(chan job, loadAhead)
		l.frames = append(l.frames, frames)
		l.done.Add(1)
		go l.work(part, frames)
	}
	return l
}

// give loads the next frame, or queues it.
func (l *loader) give(f disk.Frame) error {
	if f.Segment != l.segment {
		if err := l.settle(); err != nil { // records of the log replace those of the snapshot
			return err
		}
		l.segment, l.writers = f.Segment, nil
	}
	if f.Unsafe && !l.unsafe {
		if err := l.settle(); err != nil {
			return err
		}
		l.unsafe, l.flushes = true, l.db.Flushes()
	}
	switch f.Kind {
	case kindWriters:
		return l.readWriters(f.Payload)
	case kindFlush:
		if err := l.settle(); err != nil {
			return err
		}
		l.db.All(l.now).Forget()
		return nil
	case kindRecords:
		j := job{frame: f, writers: l.writers[:len(l.writers):len(l.writers)]}
		if f.Snapshot {
			l.frames[l.next/loadAhead%len(l.frames)] <- j
			l.next++
			return nil
		}
		for _, frames := range l.frames {
			frames <- j
		}
		return nil
	}
	return fmt.Errorf("%w: frame of kind %d", disk.ErrVersion, f.Kind)
}

// readWriters reads which writers the segment's numbers stand for.
func (l *loader) readWriters(records []byte) error {
	for len(records) > 0 {
		number, w, rest, err := crdt.DecodeWriter(records)
		if err != nil {
			return err
		}
		if number != uint32(len(l.writers)) {
			return fmt.Errorf("%w: writer %d out of order", crdt.ErrCorrupt, number)
		}
		l.writers = append(l.writers, l.db.Writer(w))
		records = rest
	}
	return nil
}

// work loads frames.
func (l *loader) work(part int, frames <-chan job) {
	defer l.done.Done()
	e := engine.Loader{DB: l.db, Now: l.now, Age: l.age, Crashed: l.crashed, Part: uint64(part)}
	for j := range frames {
		if j.barrier != nil {
			j.barrier.Done()
			continue
		}
		e.Parts = uint64(len(l.frames))
		if j.frame.Snapshot {
			e.Parts = 0
		}
		e.Writers, e.Changed = j.writers, j.frame.Unsafe
		n, err := e.Load(j.frame.Payload)
		l.mu.Lock()
		if l.keys += int64(n); err != nil && l.err == nil {
			l.err = j.frame.Refuse(err)
		}
		l.mu.Unlock()
	}
}

// settle waits until all frames given so far are loaded.
func (l *loader) settle() error {
	var barrier sync.WaitGroup
	barrier.Add(len(l.frames))
	for _, frames := range l.frames {
		frames <- job{barrier: &barrier}
	}
	barrier.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *loader) count() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys
}

// close waits for the workers to end. Errors: of any frame.
func (l *loader) close() error {
	for _, frames := range l.frames {
		close(frames)
	}
	l.done.Wait()
	return l.err
}
