package disk

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// runFile is an empty file that each run makes anew. The manifest says which file that is, in which directory: see
// vfs.Place. So a start knows whether it has the directory that the last run used, or a copy: all of it copied
// elsewhere, or older files copied back into it. A run whose disk fails removes the file until all is well again.
const runFile = "RUN"

// Errors that say why nobody can be certain that a directory has all that was ever written into it, or that no other
// has that too.
var (
	ErrUnplaced  = errors.New("it is not known whether the directory is a copy: an earlier release wrote it, or its file system does not tell")
	ErrCopied    = errors.New("the directory is a copy, or an older copy was put back")
	ErrUnmarked  = errors.New("the disk failed in the last run, or somebody removed the file " + runFile)
	ErrRestarted = errors.New("the last run was not stopped clean, and the system may have been restarted since")
	ErrWriteLost = errors.New("the last run was not stopped clean, and the system could not write what it had left")
)

// Whole is nil if the directory has all that was ever written into it, and nobody who goes on from a copy takes that
// copy for the directory itself. After a kill the system still has what was written. After a loss of power a copy of
// the files may have something that is lost here. It is called before Begin.
func (d *Dir) Whole() error {
	if !d.found {
		return nil
	}
	now, err := d.fs.Place(filepath.Join(d.path, runFile))
	switch before := d.manifest.place; {
	case errors.Is(err, fs.ErrNotExist):
		return ErrUnmarked
	case err != nil:
		return err
	case !before.IsKnown() || !now.IsKnown():
		return ErrUnplaced
	case !before.IsSame(now):
		return ErrCopied
	case d.manifest.clean:
		return nil
	case !before.IsSameBoot(now):
		return ErrRestarted
	}
	if err := d.syncTail(); err != nil {
		return errors.Join(ErrWriteLost, err)
	}
	return nil
}

// syncTail syncs the open segment: the system may have failed to write it since the last run ended, and says so once.
func (d *Dir) syncTail() error {
	if len(d.manifest.segments) == 0 {
		return nil
	}
	last := d.manifest.segments[len(d.manifest.segments)-1]
	f, err := d.fs.Open(filepath.Join(d.path, segmentName(last.kind, last.number)))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// mark makes the run's file, for the next manifest to tell of. A directory of which a system can say nothing is taken
// for a copy.
func (d *Dir) mark() {
	d.manifest.place, d.marked = vfs.Place{}, true
	name := filepath.Join(d.path, runFile)
	if ignoreMissing(d.fs.Remove(name)) != nil {
		return
	}
	f, err := d.fs.Create(name)
	if err != nil || f.Close() != nil {
		return
	}
	if place, err := d.fs.Place(name); err == nil {
		d.manifest.place = place
	}
}

// Unmark is to be called when the disk has failed: what is in the log may be less than what was there before. Errors
// are nothing that anybody could do more about. Of a directory that another process has taken over it leaves all as it
// is.
func (d *Dir) Unmark() {
	d.marked = false
	if _, err := d.checkOurs(); errors.Is(err, ErrNotOurs) {
		return
	}
	_ = d.fs.Remove(filepath.Join(d.path, runFile))
}

// Remark is to be called when the disk has recovered and the log has everything again.
func (d *Dir) Remark() {
	if d.marked || d.IsSuspect() {
		return
	}
	if d.mark(); d.saveManifest(d.manifest) != nil {
		d.Unmark()
	}
}
