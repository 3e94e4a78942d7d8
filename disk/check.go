package disk

import (
	"errors"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// Report is what there is to say about a data directory.
type Report struct {
	Identity
	Known bool // the manifest is sound: what is above and below is from there
	Clean bool // the last run has left everything it knew
	Busy  bool // a process has the directory: its log is still being written
	Files []FileReport
	Cut   *Cut // a torn tail, which the next start cuts
}

// FileReport is a segment that counts.
type FileReport struct {
	Name   string
	Bytes  int64 // that count
	Groups int64
	Err    error // why it is not sound; what is behind that was not looked at
}

// Check reads all that a start would read, and changes nothing. fn is given what Load would give it, but for what is behind damage in its file; an error of
// fn is held to be such damage. It needs no lock: of a directory that is written meanwhile it sees what there was at its beginning. The error says why a start would
// fail, in all files; the report is there all the same. Errors: ErrNoData, ErrVersion, DamageError, fn's.
func Check(files vfs.FS, path string, fn func(Frame) error) (*Report, error) {
	v, err := openView(files, path)
	if err != nil {
		return &Report{}, err
	}
	d := &Dir{fs: v, path: path}
	r, err := d.check(fn)
	r.Busy = r.Known && !r.Clean && isBusy(files, path)
	return r, errors.Join(v.explain(path, err), v.close())
}

func (d *Dir) check(fn func(Frame) error) (*Report, error) {
	tailErr := d.read()
	if !d.found {
		if tailErr == nil {
			tailErr = ErrNoData
		}
		return &Report{}, tailErr
	}
	r := &Report{Identity: d.manifest.Identity, Known: true, Clean: d.manifest.clean}
	if tailErr == nil {
		r.Cut = d.torn()
	}
	d.onGroup = func(segment int, _ Group) { r.Files[segment].Groups++ }
	var damage []error
	for i, s := range d.manifest.segments {
		r.Files = append(r.Files, FileReport{Name: segmentName(s.kind, s.number), Bytes: s.size})
		f := &r.Files[i]
		if s.open {
			f.Bytes, f.Err = d.tail.end, tailErr
		}
		if f.Err == nil {
			f.Err = d.loadSegment(i, f.Bytes, fn)
		}
		damage = append(damage, f.Err)
	}
	return r, errors.Join(damage...)
}

// isBusy reports whether a process has the directory. It takes the locks for a moment, since there is no other way to ask; a start that meets it there waits.
func isBusy(files vfs.FS, path string) bool {
	name := filepath.Join(path, lockFile)
	if _, err := files.Stat(name); err == nil && isLocked(files.Lock(name)) { // without the file, taking the lock would make it
		return true
	}
	return isLocked(files.LockDir(path))
}

// isLocked gives back what Lock or LockDir has taken, if they have.
func isLocked(lock vfs.Lock, err error) bool {
	if err != nil {
		return errors.Is(err, vfs.ErrLocked)
	}
	_ = lock.Close()
	return false
}
