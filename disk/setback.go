package disk

import (
	"errors"
	"fmt"

	"github.com/quotadb/quota-db/disk/vfs"
)

// Errors of SetBack.
var (
	// ErrUnclean: the last run was not stopped clean, so the log may contain a later time than the manifest.
	ErrUnclean = errors.New("the last run was not stopped clean: start a server on the directory, stop it with SIGTERM, and try again")
	// ErrNotAhead: the clock is not later than the time to set.
	ErrNotAhead = errors.New("its clock is not ahead")
)

// ReadClock is the clock of a directory, and whether the last run was stopped clean. It needs no lock. Errors:
// ErrNoData, ErrVersion, ErrEarlier, DamageError.
func ReadClock(files vfs.FS, path string) (clock Clock, clean bool, err error) {
	d := &Dir{fs: files, path: path}
	if err := d.read(); err != nil {
		return Clock{}, false, err
	}
	if !d.found {
		return Clock{}, false, ErrNoData
	}
	return d.manifest.Clock, d.manifest.clean, nil
}

// SetBack sets the clock of a directory that nobody uses back to wall, unix milliseconds. The next start begins there,
// though clients were served with a later, wrong time. Everything written is kept; stamps of the wrong time are set
// back when they are loaded. Errors: those of ReadClock, vfs.ErrLocked, ErrUnclean, ErrNotAhead.
func SetBack(files vfs.FS, path string, wall int64) error {
	if _, _, err := ReadClock(files, path); err != nil { // because Open would make a directory
		return err
	}
	d, err := Open(files, path)
	if err != nil {
		return err
	}
	switch m := d.manifest; {
	case !d.StoppedClean() && m.Node != 0:
		err = ErrUnclean
	case m.Wall <= wall:
		err = ErrNotAhead
	default:
		m.Wall = wall
		if err = d.saveManifest(m); err != nil {
			err = fmt.Errorf("set the clock back: %w", err)
		}
	}
	return errors.Join(err, d.Close(false, Identity{}))
}
