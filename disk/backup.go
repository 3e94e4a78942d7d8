package disk

import (
	"errors"

	"github.com/quotadb/quota-db/disk/vfs"
)

// Backup makes a copy of a directory, which a server may go on with: it has what was in whole groups when the backup began. What is copied is verified, by fn too, which is given what Load
// would give it. The copy is nobody's. Errors: those of Check, after which there is no copy, and ErrNotEmpty.
func Backup(files vfs.FS, path, out string, fn func(Frame) error) error {
	v, err := openView(files, path)
	if err != nil {
		return err
	}
	err = backup(v, path, out, fn)
	return errors.Join(v.explain(path, err), v.close())
}

func backup(v *view, path, out string, fn func(Frame) error) error {
	d := &Dir{fs: v, path: path}
	if err := d.read(); err != nil {
		return err
	}
	if !d.found {
		return ErrNoData
	}
	c, err := newCopy(v.FS, out)
	if err != nil {
		return err
	}
	if err := d.copyTo(c, fn); err != nil {
		return errors.Join(err, c.abort())
	}
	return nil
}

// copyTo loads what the directory has into a copy.
func (d *Dir) copyTo(c *copied, fn func(Frame) error) error {
	next := 0
	begin := func(i int) error { // those without groups too, so that no number is missing
		for ; next <= i; next++ {
			if err := c.begin(d.manifest.segments[next]); err != nil {
				return err
			}
		}
		return nil
	}
	var endErr error
	d.onGroup = func(i int, g Group) {
		if endErr == nil {
			if endErr = begin(i); endErr == nil {
				c.segment.endGroup(g)
			}
		}
	}
	_, err := d.Load(func(f Frame) error {
		if err := fn(f); err != nil {
			return err
		}
		if err := begin(f.Segment); err != nil {
			return err
		}
		return c.frame(f.Kind, f.Payload)
	})
	if err = errors.Join(err, endErr); err == nil {
		err = begin(len(d.manifest.segments) - 1)
	}
	if err != nil {
		return err
	}
	return c.commit(d.manifest.Identity)
}
