package disk

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/quotadb/quota-db/disk/vfs"
)

// ErrNotEmpty: what is to be made anew is there.
var ErrNotEmpty = errors.New("there is something in it already")

// copied is a directory that is made of the frames of another. It is nobody's, so that a start from it is a new life, and it counts, and is safe,
// once it is committed.
type copied struct {
	fs       vfs.FS
	path     string
	lock     vfs.Lock       // of the directory: another copy into it is refused
	segments []segmentEntry // that are finished
	names    []string       // of files that were made
	segment  *segment
	entry    segmentEntry // what the manifest it comes from says of it
	unsynced int
}

// newCopy makes the directory, or takes one that is empty.
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

// prepare sees to it that the directory is empty, and that it is there after a loss of power.
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

// begin begins the copy of a segment, and finishes the one before.
func (c *copied) begin(e segmentEntry) error {
	if err := c.finish(); err != nil {
		return err
	}
	segment, err := createSegment(c.fs, c.path, e.kind, e.number)
	if err != nil {
		return err
	}
	c.names = append(c.names, segmentName(e.kind, e.number)) // only what was made here is ever removed
	c.segment, c.entry = segment, e
	return nil
}

// syncBytes is how many bytes are written before they are made safe, so that the system never has much to write at once.
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

// finish makes safe the segment that was begun.
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

// commit makes the directory count. Of the identity it keeps what is not that of a life.
func (c *copied) commit(id Identity) error {
	if err := c.finish(); err != nil {
		return err
	}
	id.Node, id.Life, id.Start, id.Run, id.Earlier = 0, 0, 0, 0, Runs{}
	m := manifest{Identity: id, clean: true, segments: c.segments}
	if err := m.write(c.fs, c.path); err != nil {
		return err
	}
	_ = c.lock.Close() // all is safe
	return nil
}

// abort removes what was made, but for the directory.
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
