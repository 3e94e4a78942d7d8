package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quotadb/quota-db/disk/vfs"
)

const lockFile = "LOCK"

// Dir is a data directory in use. Load reads it, once; then Begin prepares it for writing. One goroutine uses a Dir;
// another one may use its Snapshot.
type Dir struct {
	fs       vfs.FS
	path     string
	guard    *guard // nil if the directory is only read
	manifest *manifest
	found    bool // there was a manifest
	tail     tail
	log      *segment // the segment that frames go to; nil before Begin
	// The log is not in the manifest, because it replaced a suspect log. It counts with the next snapshot.
	apart   bool
	settled int64 // bytes of the logs that count, without the one in use
	mark    runMark
	ahead   int64                      // zeros to write ahead in a log: see Prewrite
	newest  uint64                     // number of the newest segment ever made
	onGroup func(segment int, g Group) // if not nil: called for each group that Load has read
}

// Open opens a directory for this process alone, and makes it if there is none. Errors: vfs.ErrLocked, ErrVersion,
// ErrEarlier, DamageError.
func Open(files vfs.FS, path string) (*Dir, error) {
	if err := files.MkdirAll(path); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	g, err := lockPath(files, path)
	if err != nil {
		return nil, fmt.Errorf("lock data directory %s: %w", path, err)
	}
	d := &Dir{fs: files, path: path, guard: g}
	if err = d.read(); err == nil && d.found {
		err = d.knowManifest(d.manifest.text())
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	return d, nil
}

// read reads the manifest.
func (d *Dir) read() error {
	var err error
	d.manifest, err = readManifest(d.fs, d.path)
	if !errors.Is(err, fs.ErrNotExist) {
		if d.found = err == nil; d.found {
			err = d.findTail()
		}
		return err
	}
	d.manifest = &manifest{clean: true}
	names, err := segmentsIn(d.fs, d.path)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return &DamageError{filepath.Join(d.path, manifestFile), 0, "it is missing, but these files are there: " + strings.Join(names, ", ")}
	}
	return nil
}

// findTail finds the end of the open segment, and the clocks there.
func (d *Dir) findTail() error {
	m := d.manifest
	if len(m.segments) == 0 || !m.segments[len(m.segments)-1].open {
		return nil
	}
	var err error
	d.tail, err = findTail(d.fs, d.path, m.segments[len(m.segments)-1])
	m.advance(d.tail.last.Clock)
	return err
}

// Path is the path of the directory.
func (d *Dir) Path() string { return d.path }

// Identity is the identity under which the last run used the directory; the zero Identity for a new directory.
func (d *Dir) Identity() Identity { return d.manifest.Identity }

// IsNew reports whether there was nothing in the directory.
func (d *Dir) IsNew() bool { return !d.found }

// StoppedClean reports whether the last run has written everything it knew, and nothing has been written since.
func (d *Dir) StoppedClean() bool { return d.found && d.manifest.clean && d.manifest.Node != 0 }

// Begin prepares the directory for frames under an Identity. From then on it no longer counts as stopped clean. first
// writes again, as a group, the frames that Load marked Unsafe: the process before may have had a failed sync, so they
// may exist in the page cache only. After an error Begin may be called again with the same arguments. It goes on where
// it failed, and does not call first twice.
func (d *Dir) Begin(id Identity, first func()) error {
	if d.log == nil {
		if err := d.prepare(); err != nil {
			return err
		}
		first()
	}
	if err := d.log.write(); err != nil {
		return err
	}
	if err := d.log.sync(); err != nil {
		return err
	}
	id.advance(d.manifest.Clock)
	d.manifest.Identity, d.manifest.clean = id, false
	d.markRun()
	if err := d.list(d.log); err != nil {
		return err
	}
	return d.cutLogs()
}

// cutLogs cuts off what is behind the end of logs that have ended: a torn tail, or zeros that were written ahead. A
// start before this one may have been killed before it did so.
func (d *Dir) cutLogs() error {
	for _, s := range d.manifest.segments {
		if s.kind != logSegment || s.open {
			continue
		}
		name := filepath.Join(d.path, segmentName(s.kind, s.number))
		info, err := d.fs.Stat(name)
		if err == nil && info.Size > s.size {
			err = d.fs.Truncate(name, s.size)
		}
		if err != nil {
			return fmt.Errorf("cut the end off a log: %w", err)
		}
	}
	return nil
}

// prepare makes the log that Begin writes to.
func (d *Dir) prepare() error {
	obsolete, err := d.obsolete()
	if err == nil {
		err = d.Remove(obsolete)
	}
	if err != nil {
		return fmt.Errorf("remove files that a crash has left: %w", err)
	}
	if !d.found { // the manifest first: segments are never without one
		if err := d.saveManifest(d.manifest); err != nil {
			return err
		}
		d.found = true
	}
	d.settle()
	d.log, err = d.newLog()
	return err
}

// settle gives the open segment its end.
func (d *Dir) settle() {
	m := d.manifest
	d.settled = 0
	for i := range m.segments {
		s := &m.segments[i]
		if s.open {
			s.open, s.safe, s.size = false, 0, d.tail.safe
		}
		if s.kind == logSegment {
			d.settled += s.size
		}
		d.newest = max(d.newest, s.number)
	}
}

// list writes into the manifest that s is the log segment in use.
func (d *Dir) list(s *segment) error {
	m := d.manifest
	before := m.segments
	m.segments = append(m.segments[:len(before):len(before)], segmentEntry{kind: logSegment, number: s.header.number, open: true, safe: s.synced})
	err := d.saveManifest(m)
	if err != nil {
		m.segments = before
	}
	return err
}

// obsolete are the segments that do not count: a snapshot has replaced them, or a crash has left them.
func (d *Dir) obsolete() ([]string, error) {
	names, err := segmentsIn(d.fs, d.path)
	if err != nil {
		return nil, err
	}
	counts := map[string]bool{}
	for _, s := range d.manifest.segments {
		counts[segmentName(s.kind, s.number)] = true
	}
	return slices.DeleteFunc(names, func(name string) bool { return counts[name] }), nil
}

// Remove removes the segments that Commit has returned. Any goroutine may call it.
func (d *Dir) Remove(obsolete []string) error {
	var err error
	for _, name := range obsolete {
		err = errors.Join(err, d.fs.Remove(filepath.Join(d.path, name)))
	}
	return err
}

// segmentsIn are the names of the segments in a directory.
func segmentsIn(files vfs.FS, dir string) ([]string, error) {
	names, err := files.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no directory, no segments
	}
	if err != nil {
		return nil, fmt.Errorf("list data directory: %w", err)
	}
	segments := names[:0]
	for _, name := range names {
		if strings.HasPrefix(name, "log-") || strings.HasPrefix(name, "snapshot-") {
			segments = append(segments, name)
		}
	}
	return segments, nil
}

// startLog begins a log segment and writes that into the manifest. Everything in the log before must be safe.
func (d *Dir) startLog() error {
	if err := d.log.trim(); err != nil {
		return err
	}
	s, err := d.newLog()
	if err != nil {
		return err
	}
	d.endLog()
	if err := d.list(s); err != nil {
		d.log.suspect = true // the manifest may say that the old log has ended
		return errors.Join(err, s.close())
	}
	d.settled += d.log.size
	err = d.log.close()
	d.log = s
	return err
}

// endLog writes the end of the log segment in use into d.manifest.
func (d *Dir) endLog() {
	last := &d.manifest.segments[len(d.manifest.segments)-1]
	*last = segmentEntry{kind: logSegment, number: last.number, size: d.log.size}
}

// newLog makes the next log segment.
func (d *Dir) newLog() (*segment, error) {
	if _, err := d.checkOurs(); err != nil {
		return nil, err
	}
	d.newest++
	s, err := createSegment(d.fs, d.path, logSegment, d.newest)
	if err == nil {
		s.ahead = d.ahead
	}
	return s, err
}

// Frame adds a frame to the group in progress: fill appends its payload. The frame stays in memory until Write.
func (d *Dir) Frame(kind Kind, fill func([]byte) []byte) { d.log.frame(kind, fill) }

// EndGroup ends the group. The group counts once it is written.
func (d *Dir) EndGroup(g Group) {
	d.log.endGroup(g)
	d.manifest.advance(g.Clock)
}

// Segment is the number of the log segment in use.
func (d *Dir) Segment() uint64 { return d.log.header.number }

// Buffered is how many bytes wait for Write.
func (d *Dir) Buffered() int { return len(d.log.buf) }

// LogBytes is the length of all logs that count, in bytes, with the frames that wait for Write.
func (d *Dir) LogBytes() int64 { return d.settled + d.log.end() }

// Write writes all frames to the file: they survive this process. After an error they are kept, and Write may be tried
// again. Errors: ErrSuspect, and those of the disk.
func (d *Dir) Write() error { return d.log.write() }

// Sync syncs what is written: it survives a loss of power. Errors: ErrSuspect, from the first failure until a snapshot
// is committed.
func (d *Dir) Sync() error {
	if err := d.log.sync(); err != nil {
		return err
	}
	if d.apart {
		return ErrSuspect
	}
	return nil
}

// IsSuspect reports whether nobody knows what the log contains: see ErrSuspect.
func (d *Dir) IsSuspect() bool { return d.log.suspect || d.apart }

// SyncPoint is the present end of the log, for a sync by another goroutine. The result must be passed to Synced before
// the next StartSnapshot, Commit or Close.
func (d *Dir) SyncPoint() SyncPoint { return SyncPoint{d.log, d.log.size} }

// Synced notes the result of a SyncPoint's Sync, and returns what Sync would have returned.
func (d *Dir) Synced(p SyncPoint, err error) error {
	if err := p.segment.note(p, err); err != nil {
		return err
	}
	if d.IsSuspect() {
		return ErrSuspect
	}
	return nil
}

// Close closes the directory and gives up its locks. With clean, the caller has written everything it knew: Close syncs
// it and marks the directory as stopped clean under an Identity. That is safe when Close returns no error.
func (d *Dir) Close(clean bool, id Identity) error {
	var err error
	if d.log != nil {
		if clean {
			err = d.stopClean(id)
		}
		err = errors.Join(err, d.log.close())
	}
	return errors.Join(err, d.guard.close())
}

func (d *Dir) stopClean(id Identity) error {
	if _, err := d.Inspect(); err != nil {
		return err
	}
	if err := d.Write(); err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		return err
	}
	if err := d.log.trim(); err != nil {
		return err
	}
	d.advanceMark()
	d.endLog()
	m := d.manifest
	id.advance(m.Clock)
	m.Identity, m.clean = id, true
	if !d.mark.set {
		d.markRun()
	}
	return d.saveManifest(m)
}
