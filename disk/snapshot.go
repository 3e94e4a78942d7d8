package disk

import (
	"errors"
	"fmt"
)

// Snapshot is a segment that will replace everything before it: a walk over all keys, which may take its time while the
// log goes on.
type Snapshot struct {
	segment *segment
	records uint64
}

// StartSnapshot begins a log segment, and a snapshot that stands for everything that the caller has given to the log
// before. Snapshot and new log together are everything. The old log is synced first. If a sync of it has failed, frames
// go to a new log that counts only once the snapshot does. Commit or Abort ends the snapshot.
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
	err = d.log.close() // the manifest may name it until a snapshot is committed
	d.log, d.apart = s, true
	return err
}

// Count adds to the number of records in the snapshot.
func (s *Snapshot) Count(records int) { s.records += uint64(records) }

// Frame adds a frame: fill appends its payload.
func (s *Snapshot) Frame(kind Kind, fill func([]byte) []byte) error {
	s.segment.frame(kind, fill)
	if len(s.segment.buf) < writeBytes {
		return nil
	}
	return s.segment.write()
}

// writeBytes is how many bytes of a snapshot are written at once.
const writeBytes = 256 << 10

// Sync writes and syncs the snapshot so far. Calls now and then keep the system from having to write much at once.
func (s *Snapshot) Sync() error { return errors.Join(s.segment.write(), s.segment.sync()) }

// Finish writes the end of the snapshot and syncs it. now is the time at its end.
func (s *Snapshot) Finish(now Clock) error {
	s.segment.endGroup(Group{Records: s.records, Clock: now})
	return s.Sync()
}

// Bytes is the length of the snapshot in bytes.
func (s *Snapshot) Bytes() int64 { return s.segment.end() }

// Commit makes a finished snapshot count. It returns the segments that the snapshot replaces, for Remove. The log must
// contain, in whole groups, all changes that the snapshot may contain; Commit syncs the log. start is the present
// Identity.Start: unlike the old logs, the snapshot does not show the numbers of dropped keys.
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
		return nil, err // the old or the new manifest is there, and all segments of both
	}
	*d.manifest, d.settled, d.apart = m, 0, false
	if err := s.segment.close(); err != nil {
		return nil, fmt.Errorf("close snapshot: %w", err)
	}
	return d.obsolete()
}

// Leave ends a snapshot whose Commit has failed: it may count all the same.
func (s *Snapshot) Leave() error { return s.segment.close() }

// Abort ends and removes a snapshot that must not count.
func (s *Snapshot) Abort() error { return s.segment.discard() }
