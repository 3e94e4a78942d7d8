package disk

import (
	"errors"
	"fmt"
)

// Snapshot is a segment that is to replace what is before it: a walk over everything, which may take its time while the log goes on.
type Snapshot struct {
	segment *segment
	records uint64
}

// StartSnapshot begins a log segment and a snapshot that stands for all that the caller has given to the log before; it and that log are everything.
// What is in the log is synced first; if that has failed once, frames go to a new log that counts only with the snapshot. Commit or Abort ends it.
func (d *Dir) StartSnapshot() (*Snapshot, error) {
	if err := d.turnLog(); err != nil {
		return nil, err
	}
	s, err := createSegment(d.fs, d.path, snapshotSegment, d.log.header.number)
	if err != nil {
		return nil, err
	}
	return &Snapshot{segment: s}, nil
}

// turnLog begins the log segment that belongs to a snapshot.
func (d *Dir) turnLog() error {
	if !d.apart && !d.log.suspect {
		if err := d.log.write(); err != nil {
			return err
		}
		if err := d.log.sync(); err != nil {
			return err
		}
		return d.startLog()
	}
	s, err := d.newLog()
	if err != nil {
		return err
	}
	err = d.log.close() // the manifest may speak of it until a snapshot is committed
	d.log, d.apart = s, true
	return err
}

// Count adds to the number of records.
func (s *Snapshot) Count(records int) { s.records += uint64(records) }

// Frame adds a frame.
func (s *Snapshot) Frame(kind Kind, fill func([]byte) []byte) error {
	s.segment.frame(kind, fill)
	if len(s.segment.buf) < writeBytes {
		return nil
	}
	return s.segment.write()
}

// writeBytes is how many bytes of a snapshot are written at once.
const writeBytes = 256 << 10

// Sync makes safe what there is of the snapshot. Called now and then it keeps the system from having to write much at once.
func (s *Snapshot) Sync() error { return errors.Join(s.segment.write(), s.segment.sync()) }

// Finish writes the end and makes the snapshot safe.
func (s *Snapshot) Finish(now Clock) error {
	s.segment.endGroup(Group{Records: s.records, Clock: now})
	return s.Sync()
}

// Bytes is the length of the snapshot.
func (s *Snapshot) Bytes() int64 { return s.segment.end() }

// Commit makes a finished snapshot count, and returns what it replaces, for Remove. The log must have, in whole groups, all that the snapshot has seen; Commit
// makes it safe. start is Identity.Start as it has become: the snapshot no longer shows which numbers keys had that are gone.
func (d *Dir) Commit(s *Snapshot, start uint64) (obsolete []string, err error) {
	number := s.segment.header.number
	if number != d.log.header.number {
		return nil, errors.New("another snapshot was begun after this one")
	}
	if err := d.log.write(); err != nil {
		return nil, err
	}
	if err := d.log.sync(); err != nil {
		return nil, err
	}
	if !d.mark.set {
		d.markRun()
	}
	m := *d.manifest
	m.Start = max(m.Start, start)
	m.segments = []segmentEntry{
		{kind: snapshotSegment, number: number, size: s.segment.size, records: s.records},
		{kind: logSegment, number: number, open: true, safe: d.log.synced},
	}
	if err := d.saveManifest(&m); err != nil {
		return nil, err // one manifest or the other is there; what both need is there too
	}
	*d.manifest, d.settled, d.apart = m, 0, false
	if err := s.segment.close(); err != nil {
		return nil, fmt.Errorf("close snapshot: %w", err)
	}
	return d.obsolete()
}

// Leave ends a snapshot whose Commit has failed: perhaps it counts.
func (s *Snapshot) Leave() error { return s.segment.close() }

// Abort ends a snapshot that is not to count.
func (s *Snapshot) Abort() error { return s.segment.discard() }
