package persist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quotadb/quota-db/disk"
)

// closeClean writes all changes and closes the directory; if nothing is missing it marks the directory as stopped
// clean. The flusher's goroutine has ended.
func (s *Store) closeClean(ctx context.Context) error {
	f := s.flusher
	if failure := f.failure.Load(); failure != nil && !failure.suspect {
		f.repair = time.Time{}
		f.mend(failure) // the disk may have recovered since the last attempt
	}
	if f.failure.Load() == nil && f.inspect() {
		f.group()
	}
	switch failure := f.failure.Load(); {
	// With a suspect log, a snapshot is the last way to keep everything.
	case failure == nil && f.dir.LogBytes() > keptLog, failure != nil && failure.suspect:
		f.lastWalk(ctx)
	}
	f.removing.Wait()
	id := s.identity
	id.Start = s.db.Start()
	failure := f.failure.Load()
	if failure != nil && f.late {
		return s.dir.Close(false, id) // no client's write was accepted, and peers still have what they sent
	}
	if failure != nil {
		return errors.Join(notKept(failure.Err), s.dir.Close(false, id))
	}
	now := s.now()
	id.Clock = disk.Clock{Wall: now.Wall, Age: now.Mono}
	if err := s.dir.Close(true, id); err != nil {
		return notKept(err) // at least the mark of a clean stop could not be written
	}
	return nil
}

func notKept(err error) error { return fmt.Errorf("not everything could be kept: %w", err) }

// keptLog is the longest log, in bytes, that a stop leaves as it is.
const keptLog = 1 << 20

// lastWalk writes a snapshot, so that the next start has less to do, or in place of a suspect log. If it fails, a log
// that is not suspect is enough.
func (f *flusher) lastWalk(ctx context.Context) {
	if err := f.startWalk(true, ctx.Done()); err != nil {
		f.snapshotFailed(err)
		return
	}
	f.endWalk(<-f.walked)
}
