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

// Dir is a data directory in use. Load reads it, once; Begin makes it ready to be written to. One goroutine uses it, except for
// a Snapshot, which may be another's.
type Dir struct {
	fs       vfs.FS
	path     string
	guard    *guard // nil of one that is only read
	manifest *manifest
	found    bool // there was a manifest
	tail     tail
	cut      string   // the name of the last segment if it goes on behind its last whole group
	log      *segment // what frames go to; nil before Begin
	apart    bool     // the log is not in the manifest: it took the place of a suspect one, and counts with the next snapshot
	settled  int64    // bytes of the logs that count, without the one that is written
	mark     runMark
	newest   uint64                     // number of the newest segment that was made
	onGroup  func(segment int, g Group) // if not nil: hears of each group that Load has read
}

// Open takes a directory, which it makes if there is none, for this process alone. Errors: vfs.ErrLocked, ErrVersion, DamageError.
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
		return &DamageError{filepath.Join(d.path, manifestFile), 0, "it is missing beside " + strings.Join(names, ", ")}
	}
	return nil
}

// findTail finds where the open segment ends, and so what the clocks have come to.
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

// Path is where the directory is.
func (d *Dir) Path() string { return d.path }

// Identity is whose directory it is; the zero Identity for one that is new.
func (d *Dir) Identity() Identity { return d.manifest.Identity }

// IsNew reports whether there was nothing in the directory.
func (d *Dir) IsNew() bool { return !d.found }

// StoppedClean reports whether the last run has left everything it knew, and nothing has been written since.
func (d *Dir) StoppedClean() bool { return d.found && d.manifest.clean && d.manifest.Node != 0 }

// Begin makes the directory ready for frames, as this Identity's; a stop is no longer clean. first gives, as a group, the frames that take the place of what
// Load gave as Unsafe: nobody knows what a sync that failed before has left of that, so it is written anew.
// After an error it may be called again, with the same arguments: it goes on where it has failed, and does not call first twice.
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
	if d.cut != "" {
		return d.fs.Truncate(d.cut, d.tail.safe)
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
		return fmt.Errorf("remove what a crash has left: %w", err)
	}
	if !d.found { // before there are segments: they are never without a manifest
		if err := d.saveManifest(d.manifest); err != nil {
			return err
		}
		d.found = true
	}
	d.settle()
	d.log, err = d.newLog()
	return err
}

// settle gives the open segment its end, and notes the name of one that goes on behind it.
func (d *Dir) settle() {
	m := d.manifest
	d.settled = 0
	for i := range m.segments {
		s := &m.segments[i]
		if s.open {
			s.open, s.safe, s.size = false, 0, d.tail.safe
			if d.tail.safe < d.tail.end+d.tail.cut {
				d.cut = filepath.Join(d.path, segmentName(s.kind, s.number))
			}
		}
		if s.kind == logSegment {
			d.settled += s.size
		}
		d.newest = max(d.newest, s.number)
	}
}

// list has the manifest say that a log segment is the one that is written.
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

// obsolete is the segments that do not count: a snapshot has replaced them, or a crash has left them.
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

// Remove removes what Commit has returned. Any goroutine may call it.
func (d *Dir) Remove(obsolete []string) error {
	var err error
	for _, name := range obsolete {
		err = errors.Join(err, d.fs.Remove(filepath.Join(d.path, name)))
	}
	return err
}

// segmentsIn is the names of the segments in a directory.
func segmentsIn(files vfs.FS, dir string) ([]string, error) {
	names, err := files.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no directory: none
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

// startLog begins a log segment and has the manifest say so. What is in the log before must be safe.
func (d *Dir) startLog() error {
	s, err := d.newLog()
	if err != nil {
		return err
	}
	d.endLog()
	if err := d.list(s); err != nil {
		d.log.suspect = true // the manifest may say that it has ended
		return errors.Join(err, s.close())
	}
	d.settled += d.log.size
	err = d.log.close()
	d.log = s
	return err
}

// endLog gives the log that is written its end in the manifest.
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
	return createSegment(d.fs, d.path, logSegment, d.newest)
}

// Frame adds a frame to the group that is being written: fill appends its payload. It stays in memory until Write.
func (d *Dir) Frame(kind Kind, fill func([]byte) []byte) { d.log.frame(kind, fill) }

// EndGroup closes the group, which counts once it is written.
func (d *Dir) EndGroup(g Group) {
	d.log.endGroup(g)
	d.manifest.advance(g.Clock)
}

// Segment is the number of the log segment that frames go to.
func (d *Dir) Segment() uint64 { return d.log.header.number }

// Buffered is how many bytes wait for Write.
func (d *Dir) Buffered() int { return len(d.log.buf) }

// LogBytes is the length of all logs that count.
func (d *Dir) LogBytes() int64 { return d.settled + d.log.end() }

// Write brings all frames into the file: they survive this process. After an error they are kept, and Write may be tried again. Errors: ErrSuspect.
func (d *Dir) Write() error { return d.log.write() }

// Sync makes safe what is written: it survives the machine. Errors: ErrSuspect, from the first failure until a snapshot is committed.
func (d *Dir) Sync() error {
	if err := d.log.sync(); err != nil {
		return err
	}
	if d.apart {
		return ErrSuspect
	}
	return nil
}

// IsSuspect reports whether nobody knows what the log has: see ErrSuspect.
func (d *Dir) IsSuspect() bool { return d.log.suspect || d.apart }

// SyncPoint is what is written now, to be made safe by another goroutine. Synced must be told of the outcome before the next StartSnapshot, Commit or Close.
func (d *Dir) SyncPoint() SyncPoint { return SyncPoint{d.log, d.log.size} }

// Synced notes the outcome of a SyncPoint's Sync, and returns what Sync would have.
func (d *Dir) Synced(p SyncPoint, err error) error {
	if err := p.segment.note(p, err); err != nil {
		return err
	}
	if d.IsSuspect() {
		return ErrSuspect
	}
	return nil
}

// Close gives the directory back. With clean, all that was known is in it, as this Identity's, and is safe when Close returns without an error.
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
