package disk

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/quotadb/quota-db/disk/vfs"
)

// runFile begins the name of an empty file that each run makes anew. The manifest says which file that is, in which
// directory: see vfs.Place. So a start knows whether it has the directory that the last run used, or a copy: the whole
// directory copied elsewhere, or older files copied back into it. A run whose disk fails removes the file until all is
// well again.
//
// The name ends in a number. The file gets the next number once a second if the log has grown, and at a clean stop. If
// somebody puts back an older copy of the same run, cp leaves the files of both numbers, and rsync makes the older one
// anew: a start sees both. One case is not seen: the process is killed, and a copy is put back that was made in the
// last second before that.
const runFile = "RUN-"

// earlierRunFile is the name that earlier development versions gave the file.
const earlierRunFile = "RUN"

// Errors that say why it is not certain that the directory has everything that was ever written to it and that no other
// directory has the same.
var (
	ErrUnplaced  = errors.New("it is not known whether the directory is a copy: an earlier release wrote it, or its file system does not tell")
	ErrCopied    = errors.New("the directory is a copy, or an older copy was put back")
	ErrUnmarked  = errors.New("the disk failed in the last run, or somebody removed the file whose name begins with " + runFile[:len(runFile)-1])
	ErrRestarted = errors.New("the last run was not stopped clean, and the system may have been restarted since")
	ErrWriteLost = errors.New("the last run was not stopped clean, and the system failed to write the rest of the data")
)

// Whole is nil if the directory has everything that was ever written to it, and a start on any copy of it would notice
// that it is a copy. After a kill the system still has everything that was written. After a loss of power a copy of the
// files may have something that is lost here. The caller calls Whole before Begin. Errors: those above, and those of
// the disk.
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

// syncTail syncs the open segment. The system may have failed to write it since the last run ended, and reports that
// once.
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

// runFiles are the paths of run files. There is one, unless somebody has copied files into the directory.
func (d *Dir) runFiles() (paths []string, err error) {
	names, err := d.fs.List(d.path)
	for _, name := range names {
		if strings.HasPrefix(name, runFile) || name == earlierRunFile {
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

// runMark is the state of this run's file.
type runMark struct {
	set    bool   // the manifest names the file
	number uint64 // number in its name
	fixed  bool   // a rename changes how the system identifies the file, so the number stays
	log    int64  // length of the log when it got that number
}

// markRun makes the run's file. The next manifest names it. If the system cannot identify the file, a start takes the
// directory for a copy.
func (d *Dir) markRun() {
	d.manifest.place, d.mark.set = vfs.Place{}, true
	if d.unlinkRuns() != nil {
		return
	}
	if d.mark.number++; d.log != nil {
		d.mark.log = d.LogBytes()
	}
	first := d.runPath()
	f, err := d.fs.Create(first)
	if err != nil || f.Close() != nil {
		return
	}
	before, err := d.fs.Place(first)
	if err != nil {
		return
	}
	// Where a file system keeps no birth times, a rename changes the place: see vfs.Place.
	d.mark.number++
	if d.fs.Rename(first, d.runPath()) != nil {
		return
	}
	if place, err := d.fs.Place(d.runPath()); err == nil {
		d.manifest.place, d.mark.fixed = place, !place.IsSame(before)
	}
}

// advanceMark gives the run's file the next number if the log has grown.
func (d *Dir) advanceMark() {
	if !d.mark.set || d.mark.fixed || d.LogBytes() == d.mark.log {
		return
	}
	before := d.runPath()
	d.mark.number, d.mark.log = d.mark.number+1, d.LogBytes()
	if d.fs.Rename(before, d.runPath()) != nil {
		d.Unmark()
	}
}

// Unmark removes the run's file. It must be called when the disk has failed: the log may now have less than it had
// before. Errors are ignored, because nobody could do more about them. If another process has taken over the directory,
// Unmark changes nothing.
func (d *Dir) Unmark() {
	d.mark.set = false
	if _, err := d.checkOurs(); errors.Is(err, ErrNotOurs) {
		return
	}
	_ = d.fs.Remove(d.runPath()) // first, since this needs no list: the disk fails, or descriptors are used up
	_ = d.unlinkRuns()
}

// Remark makes the run's file again. It must be called when the disk has recovered and the log has everything again.
func (d *Dir) Remark() {
	if d.mark.set || d.IsSuspect() {
		return
	}
	if d.markRun(); d.saveManifest(d.manifest) != nil {
		d.Unmark()
	}
}
