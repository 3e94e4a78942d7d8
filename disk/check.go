package disk

import (
	"errors"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// Report is the result of Check.
type Report struct {
	Identity
	Known bool // the manifest is sound: the other fields come from it
	Clean bool // the last run was stopped clean
	Busy  bool // a process uses the directory, and may still be writing its log
	Files []FileReport
	Cut   *Cut // a torn tail, which the next start cuts
}

// FileReport is a segment that counts.
type FileReport struct {
	Name   string
	Bytes  int64 // bytes that count
	Groups int64
	Err    error // why the file is not sound; bytes behind that place were not checked
}

// Check reads everything that a start would read, and changes nothing. fn gets the same frames as from Load, except
// those behind damage in their file; an error of fn counts as such damage. Check needs no lock: of a directory in use
// it sees the content when it began. The error says, for all files, why a start would fail; the report is returned also
// with an error. Errors: ErrNoData, ErrVersion, ErrEarlier, DamageError, those of fn.
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

// isBusy reports whether a process uses the directory. It takes the locks for a moment, since there is no other way to
// ask. A start at that moment waits for them.
func isBusy(files vfs.FS, path string) bool {
	name := filepath.Join(path, lockFile)
	// Stat first, because to take the lock would make the file.
	if _, err := files.Stat(name); err == nil && isLocked(files.Lock(name)) {
		return true
	}
	return isLocked(files.LockDir(path))
}

// isLocked reports whether Lock or LockDir has failed with ErrLocked. It releases the lock if they have taken one.
func isLocked(lock vfs.Lock, err error) bool {
	if err != nil {
		return errors.Is(err, vfs.ErrLocked)
	}
	_ = lock.Close()
	return false
}
