package disk

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// ErrNotEmpty: the directory that should be made exists and is not empty.
var ErrNotEmpty = errors.New("the directory is not empty")

// copied is a new directory, made from the frames of another. It has no identity, so a start on it begins a new life.
// It counts, and is safe, once it is committed.
type copied struct {
	fs       vfs.FS
	path     string
	lock     vfs.Lock       // of the directory: keeps out other copies into it
	segments []segmentEntry // the finished segments
	names    []string       // names of the files made here
	segment  *segment
	entry    segmentEntry // the segment's entry in the manifest of the original
	unsynced int
}

// newCopy makes the directory, or takes an empty one.
func newCopy(files vfs.FS, path string) (*copied, error) {
	if err := files.MkdirAll(path); err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	lock, err := files.LockDir(path)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	c := &copied{fs: files, path: path, lock: lock}
	if err := c.prepare(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return c, nil
}

// prepare checks that the directory is empty, and makes its name safe.
func (c *copied) prepare() error {
	names, err := c.fs.List(c.path)
	if err != nil {
		return fmt.Errorf("list %s: %w", c.path, err)
	}
	if len(names) > 0 {
		return fmt.Errorf("%s: %w", c.path, ErrNotEmpty)
	}
	if err := c.fs.SyncDir(filepath.Dir(filepath.Clean(c.path))); err != nil {
		return fmt.Errorf("make %s: %w", c.path, err)
	}
	return nil
}

// begin finishes the segment in progress, and begins the copy of the next one.
func (c *copied) begin(e segmentEntry) error {
	if err := c.finish(); err != nil {
		return err
	}
	segment, err := createSegment(c.fs, c.path, e.kind, e.number)
	if err != nil {
		return err
	}
	c.names = append(c.names, segmentName(e.kind, e.number)) // only files made here are ever removed
	c.segment, c.entry = segment, e
	return nil
}

// syncBytes is how many bytes are written between two syncs, so that the system never has much to write at once.
const syncBytes = 8 << 20

// frame adds a frame to the segment.
func (c *copied) frame(kind Kind, payload []byte) error {
	s := c.segment
	s.frame(kind, func(dst []byte) []byte { return append(dst, payload...) })
	if len(s.buf) < writeBytes {
		return nil
	}
	c.unsynced += len(s.buf)
	if err := s.write(); err != nil || c.unsynced < syncBytes {
		return err
	}
	c.unsynced = 0
	return s.sync()
}

// finish syncs the segment in progress.
func (c *copied) finish() error {
	s := c.segment
	if s == nil {
		return nil
	}
	c.segment, c.unsynced = nil, 0
	err := s.write()
	if err == nil {
		err = s.sync()
	}
	e := c.entry
	e.size, e.open, e.safe = s.size, false, 0
	c.segments = append(c.segments, e)
	return errors.Join(err, s.close())
}

// commit makes the directory count. Of the identity it keeps only the parts that belong to no life.
func (c *copied) commit(id Identity) error {
	if err := c.finish(); err != nil {
		return err
	}
	id.Node, id.Life, id.Start, id.Run, id.Earlier = 0, 0, 0, 0, Runs{}
	m := manifest{Identity: id, clean: true, segments: c.segments}
	if err := m.write(c.fs, c.path); err != nil {
		return err
	}
	_ = c.lock.Close() // everything is safe: an error does not matter
	return nil
}

// abort removes the files that were made here, but not the directory.
func (c *copied) abort() error {
	var err error
	if c.segment != nil {
		err = c.segment.close()
	}
	for _, name := range append(c.names, newManifest) {
		err = errors.Join(err, ignoreMissing(c.fs.Remove(filepath.Join(c.path, name))))
	}
	return errors.Join(err, c.lock.Close())
}
