package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// maxViews is how often a view is tried of a directory in which a snapshot replaces files meanwhile.
const maxViews = 20

// errMoving: all attempts met another manifest.
var errMoving = errors.New("files are replaced faster than they can be opened: try again")

// view is a directory's manifest and the files that it names, as they were when the view was opened. It needs no lock: a server may go on with
// the directory, and remove the files, while they are read.
type view struct {
	vfs.FS
	files map[string]vfs.File
}

// pinned is an open file of the length that it had then.
type pinned struct {
	vfs.File
	size int64
}

func (p pinned) Size() (int64, error) { return p.size, nil }
func (p pinned) Close() error         { return nil } // the view closes it

// openView opens what the manifest names. A file that is missing, or a manifest that is not sound, is for those to find who read.
func openView(files vfs.FS, path string) (*view, error) {
	for range maxViews {
		v := &view{FS: files, files: map[string]vfs.File{}}
		missing, err := v.pinAll(path)
		if err != nil {
			return nil, errors.Join(err, v.close())
		}
		if !missing || !v.replaced(path) {
			return v, nil
		}
		if err := v.close(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: %w", path, errMoving)
}

// pinAll opens the manifest and what it names, and reports whether one of them was missing.
func (v *view) pinAll(path string) (missing bool, err error) {
	if err := v.pin(filepath.Join(path, manifestFile)); err != nil {
		return false, ignoreMissing(err)
	}
	m, err := readManifest(v, path)
	if err != nil {
		return false, nil // whoever reads it will see it
	}
	for _, s := range m.segments {
		err := v.pin(filepath.Join(path, segmentName(s.kind, s.number)))
		if err = ignoreMissing(err); err != nil {
			return false, err
		}
	}
	return len(v.files) < 1+len(m.segments), nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// pin opens a file.
func (v *view) pin(name string) error {
	f, err := v.FS.Open(name)
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	v.files[name] = pinned{f, size}
	return nil
}

// replaced reports whether the directory has another manifest by now.
func (v *view) replaced(path string) bool {
	before, err := readManifest(v, path)
	if err != nil {
		return false
	}
	now, err := readManifest(v.FS, path)
	return err != nil || string(now.text()) != string(before.text())
}

// explain adds to an error that a server has begun to use the directory, which may be why: it cuts a torn tail.
func (v *view) explain(path string, err error) error {
	if err != nil && v.replaced(path) {
		return fmt.Errorf("%w (%s has changed meanwhile: try again)", err, path)
	}
	return err
}

// Open gives the files of the view.
func (v *view) Open(name string) (vfs.File, error) {
	if f, ok := v.files[name]; ok {
		return f, nil
	}
	return v.FS.Open(name)
}

func (v *view) close() error {
	var err error
	for _, f := range v.files {
		err = errors.Join(err, f.(pinned).File.Close())
	}
	return err
}
