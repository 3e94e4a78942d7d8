package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// maxViews is how often openView tries again because a snapshot has replaced files meanwhile.
const maxViews = 20

// errMoving: each attempt found a new manifest.
var errMoving = errors.New("snapshots replace the files faster than they can be opened: try again")

// view is a directory's manifest and the files that it names, as they were when the view was opened. A view needs no
// lock: a server may use the directory meanwhile, and even remove the files.
type view struct {
	vfs.FS
	files map[string]vfs.File
}

// pinned is an open file with the length that it had when the view was opened.
type pinned struct {
	vfs.File
	size int64
}

func (p pinned) Size() (int64, error) { return p.size, nil }
func (p pinned) Close() error         { return nil } // the view closes it

// openView opens the files that the manifest names. A missing file, or an unsound manifest, is no error here: the
// readers of the view will find it.
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

// pinAll opens the manifest and the files that it names, and reports whether one of them was missing.
func (v *view) pinAll(path string) (missing bool, err error) {
	if err := v.pin(filepath.Join(path, manifestFile)); err != nil {
		return false, ignoreMissing(err)
	}
	m, err := readManifest(v, path)
	if err != nil {
		return false, nil // the readers of the manifest will see the error
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

// pin opens a file for the view.
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

// explain adds to an error, if the directory has changed, that a server has begun to use it. That may be the cause: a
// start cuts a torn tail.
func (v *view) explain(path string, err error) error {
	if err != nil && v.replaced(path) {
		return fmt.Errorf("%w (%s has changed meanwhile: try again)", err, path)
	}
	return err
}

// Open opens a file of the view, or another one of the directory.
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
