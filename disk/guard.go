package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// ErrNotOurs: another process has taken over the directory, or somebody has moved, deleted or changed it. This process
// must not write to it.
var ErrNotOurs = errors.New("the data directory is not this server's any more")

// guard is the locks that a process holds on its directory. The LOCK file keeps out older releases, which know no other
// lock, but somebody may take the file for litter and remove it. The lock of the directory itself cannot be removed.
type guard struct {
	file, dir vfs.Lock
	manifest  vfs.Info // of the manifest when it was last read or written
	text      []byte   // its text then
	next      []byte   // text of a manifest that could not be written: it may be there all the same
}

// lockPath takes both locks.
func lockPath(files vfs.FS, path string) (*guard, error) {
	file, err := files.Lock(filepath.Join(path, lockFile))
	if err != nil {
		return nil, err
	}
	dir, err := files.LockDir(path)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &guard{file: file, dir: dir}, nil
}

func (g *guard) close() error { return errors.Join(g.dir.Close(), g.file.Close()) }

// Inspect checks that the directory is still this process's and still holds what was written to it. It costs a few
// system calls, once a second. mended says what was wrong and has been repaired. Errors: ErrNotOurs; ErrSuspect if only
// segments have changed, which a snapshot repairs.
func (d *Dir) Inspect() (mended string, err error) {
	if mended, err = d.checkOurs(); err != nil {
		return "", err
	}
	if err := d.checkFiles(); err != nil {
		return mended, err
	}
	d.advanceMark()
	return mended, nil
}

// checkOurs is Inspect without the segments. Everything that adds, removes or replaces files calls it first.
func (d *Dir) checkOurs() (mended string, err error) {
	if same, err := isAt(d.fs, d.path, d.guard.dir); err != nil || !same {
		return "", notOurs(err, "%s was moved away, deleted or replaced", d.path)
	}
	lock := filepath.Join(d.path, lockFile)
	same, err := isAt(d.fs, lock, d.guard.file)
	if err != nil {
		return "", notOurs(err, "")
	}
	if !same {
		fresh, err := d.fs.Lock(lock)
		if err != nil {
			return "", notOurs(ignoreLocked(err), "%s is held by another process", lock)
		}
		_ = d.guard.file.Close() // it has no name any more
		d.guard.file = fresh
		mended = lock + " was removed while the server held it; it was made again"
	}
	return mended, d.checkManifest()
}

// isAt reports whether a name still stands for the file or directory that is locked.
func isAt(files vfs.FS, name string, lock vfs.Lock) (bool, error) {
	id, err := lock.ID()
	if err != nil {
		return false, err
	}
	info, err := files.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return info.ID == id, err
}

func ignoreLocked(err error) error {
	if errors.Is(err, vfs.ErrLocked) {
		return nil
	}
	return err
}

// notOurs is ErrNotOurs, or, if err is not nil, the error that prevented the check.
func notOurs(err error, format string, args ...any) error {
	if err != nil {
		return fmt.Errorf("inspect the data directory: %w", err)
	}
	return fmt.Errorf("%w: "+format, append([]any{ErrNotOurs}, args...)...)
}

// checkManifest checks that the manifest is the one that this process last read or wrote.
func (d *Dir) checkManifest() error {
	g, name := d.guard, filepath.Join(d.path, manifestFile)
	info, err := d.fs.Stat(name)
	if errors.Is(err, fs.ErrNotExist) && len(g.text) == 0 {
		return nil // none was written yet
	}
	if ignoreMissing(err) != nil {
		return notOurs(err, "")
	}
	if err == nil && info == g.manifest {
		return nil
	}
	text, err := readText(d.fs, name, maxManifest)
	if ignoreMissing(err) != nil {
		return notOurs(err, "")
	}
	if err != nil || string(text) != string(g.text) && string(text) != string(g.next) {
		return notOurs(nil, "%s is not the file that this server has written", name)
	}
	g.manifest, g.text, g.next = info, text, nil
	return nil
}

// saveManifest writes a manifest if the directory is still ours.
func (d *Dir) saveManifest(m *manifest) error {
	if _, err := d.checkOurs(); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	d.guard.next = m.text()
	if err := m.write(d.fs, d.path); err != nil {
		return err
	}
	return d.knowManifest(d.guard.next)
}

// knowManifest notes the text of the manifest that is on the disk now.
func (d *Dir) knowManifest(text []byte) error {
	info, err := d.fs.Stat(filepath.Join(d.path, manifestFile))
	d.guard.manifest, d.guard.text, d.guard.next = info, text, nil
	return err
}

// checkFiles checks that the segments that count are there and have the length that was written.
func (d *Dir) checkFiles() error {
	if d.log == nil || d.IsSuspect() {
		return nil
	}
	for _, s := range d.manifest.segments {
		name := filepath.Join(d.path, segmentName(s.kind, s.number))
		info, err := d.fs.Stat(name)
		if ignoreMissing(err) != nil {
			return fmt.Errorf("inspect the data directory: %w", err)
		}
		if reason := d.misses(s, info, err); reason != "" {
			d.log.suspect = true
			return fmt.Errorf("%w: %s %s: somebody else has changed it", ErrSuspect, name, reason)
		}
	}
	return nil
}

// misses says what is wrong with a segment, given the result of Stat; "" for nothing.
func (d *Dir) misses(s segmentEntry, info vfs.Info, err error) string {
	size := s.size
	if s.open {
		size = d.log.length
	}
	switch {
	case err != nil:
		return "is missing"
	case s.open && d.log.torn: // the next write first cuts what a failed write has left behind the end
		return ""
	case info.Size != size:
		return fmt.Sprintf("has %d bytes and not the %d that were written", info.Size, size)
	case s.open:
		if id, err := d.log.file.ID(); err == nil && id != info.ID {
			return "is another file"
		}
	}
	return ""
}
