package disk

import (
	"errors"

	"github.com/quotadb/quota-db/disk/vfs"
)

// Backup makes a copy of a directory. A server may be using the directory; the copy has the whole groups that were
// there when the backup began. Backup verifies everything it copies: fn gets the same frames as from Load. The copy has
// no identity. Errors: those of Check, and ErrNotEmpty; after an error there is no copy.
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

// copyTo loads the directory into a copy.
func (d *Dir) copyTo(c *copied, fn func(Frame) error) error {
	next := 0
	begin := func(i int) error { // segments without groups too, so that no number is missing
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
