package disk

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/quotadb/quota-db/disk/vfs"
)

// runFile begins the name of an empty file that each run makes anew. The manifest says which file that is, in which
// directory: see vfs.Place. So a start knows whether it has the directory that the last run used, or a copy: all of it
// copied elsewhere, or older files copied back into it. A run whose disk fails removes the file until all is well again.
//
// The name ends in a number, and the file gets the next number once a second if the log has grown, and at a clean stop.
// Where an older copy of the same run is put back, cp leaves the files of both numbers, and rsync makes the older one
// anew: a start sees both. A copy that is put back after a kill, and was made in the last second before that kill, is not
// seen.
const runFile = "RUN-"

// Errors that say why nobody can be certain that a directory has all that was ever written into it, or that no other
// has that too.
var (
	ErrUnplaced  = errors.New("it is not known whether the directory is a copy: an earlier release wrote it, or its file system does not tell")
	ErrCopied    = errors.New("the directory is a copy, or an older copy was put back")
	ErrUnmarked  = errors.New("the disk failed in the last run, or somebody removed the file whose name begins with " + runFile[:len(runFile)-1])
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
	files, err := d.runFiles()
	switch {
	case err != nil:
		return err
	case len(files) == 0:
		return ErrUnmarked
	case len(files) > 1:
		return ErrCopied
	}
	now, err := d.fs.Place(files[0])
	switch before := d.manifest.place; {
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

// runFiles are the paths of the files of runs: one, unless somebody has put files there.
func (d *Dir) runFiles() (paths []string, err error) {
	names, err := d.fs.List(d.path)
	for _, name := range names {
		if strings.HasPrefix(name, runFile) {
			paths = append(paths, filepath.Join(d.path, name))
		}
	}
	return paths, err
}

// runPath is the path of this run's file.
func (d *Dir) runPath() string { return filepath.Join(d.path, fmt.Sprint(runFile, d.mark.number)) }

// unlinkRuns removes the files of all runs.
func (d *Dir) unlinkRuns() error {
	paths, err := d.runFiles()
	for _, path := range paths {
		err = errors.Join(err, ignoreMissing(d.fs.Remove(path)))
	}
	return err
}

// runMark is what a Dir knows of this run's file.
type runMark struct {
	set    bool   // the manifest tells of it
	number uint64 // in its name
	log    int64  // bytes of the log when it was given that number
}

// markRun makes the run's file, for the next manifest to tell of. A directory of which a system can say nothing is taken
// for a copy.
func (d *Dir) markRun() {
	d.manifest.place, d.mark.set = vfs.Place{}, true
	if d.unlinkRuns() != nil {
		return
	}
	if d.mark.number++; d.log != nil {
		d.mark.log = d.LogBytes()
	}
	name := d.runPath()
	f, err := d.fs.Create(name)
	if err != nil || f.Close() != nil {
		return
	}
	if place, err := d.fs.Place(name); err == nil {
		d.manifest.place = place
	}
}

// advanceMark gives the run's file the next number if the log has grown.
func (d *Dir) advanceMark() {
	if !d.mark.set || d.LogBytes() == d.mark.log {
		return
	}
	before := d.runPath()
	d.mark.number, d.mark.log = d.mark.number+1, d.LogBytes()
	if d.fs.Rename(before, d.runPath()) != nil {
		d.Unmark()
	}
}

// Unmark is to be called when the disk has failed: what is in the log may be less than what was there before. Errors
// are nothing that anybody could do more about. Of a directory that another process has taken over it leaves all as it
// is.
func (d *Dir) Unmark() {
	d.mark.set = false
	if _, err := d.checkOurs(); errors.Is(err, ErrNotOurs) {
		return
	}
	_ = d.unlinkRuns()
}

// Remark is to be called when the disk has recovered and the log has everything again.
func (d *Dir) Remark() {
	if d.mark.set || d.IsSuspect() {
		return
	}
	if d.markRun(); d.saveManifest(d.manifest) != nil {
		d.Unmark()
	}
}
