package vfs

import (
	"errors"
	"io"
	"io/fs"
)

// memoryFile is an open file.
type memoryFile struct {
	m      *Memory
	name   string
	file   *inode
	writes bool // it was opened by Create, not by Open
	closed bool
}

// usable returns the error of an operation on a file that is closed or has crashed. The caller holds the lock.
func (f *memoryFile) usable(op string) error {
	if f.m.crashed {
		return ErrCrashed
	}
	if f.closed {
		return &fs.PathError{Op: op, Path: f.name, Err: fs.ErrClosed}
	}
	return nil
}

func (f *memoryFile) Write(b []byte) (int, error) { return f.write(b, -1) }

func (f *memoryFile) WriteAt(b []byte, offset int64) (int, error) { return f.write(b, int(offset)) }

// write writes at an offset, which is at most the length of the file; -1: at its end.
func (f *memoryFile) write(b []byte, at int) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.usable("write"); err != nil {
		return 0, err
	}
	if !f.writes {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: fs.ErrPermission}
	}
	data := f.file.data
	if at < 0 {
		at = len(data)
	}
	if at > len(data) {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: errors.ErrUnsupported}
	}
	keep, err := f.m.begin(OpWrite, f.name, len(b))
	if err == nil {
		keep = len(b)
	}
	f.file.data = append(data, make([]byte, max(0, at+keep-len(data)))...)
	copy(f.file.data[at:], b[:keep])
	// A page in limbo that is written again goes to the disk as a whole. A write of no bytes touches no page.
	for page := at / f.m.page; keep > 0 && page*f.m.page < at+keep; page++ {
		f.file.page[page] = dirty
	}
	return keep, err
}

func (f *memoryFile) ReadAt(b []byte, offset int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.usable("read"); err != nil {
		return 0, err
	}
	if offset >= int64(len(f.file.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.file.data[offset:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.usable("sync"); err != nil {
		return err
	}
	if _, err := f.m.begin(OpSync, f.name, 0); err != nil {
		for page, state := range f.file.page {
			if state == dirty && !f.m.crashed {
				f.file.page[page] = limbo
			}
		}
		return err
	}
	f.file.sync(f.m.page)
	return nil
}

// sync copies dirty pages and the length to the disk.
func (f *inode) sync(page int) {
	disk := make([]byte, len(f.data))
	copy(disk, f.disk)
	for i, state := range f.page {
		if from := min(i*page, len(f.data)); state == dirty {
			copy(disk[from:], f.data[from:min(from+page, len(f.data))])
			f.page[i] = clean
		}
	}
	f.disk = disk
}

func (f *memoryFile) Size() (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.usable("size"); err != nil {
		return 0, err
	}
	return int64(len(f.file.data)), nil
}

func (f *memoryFile) ID() (FileID, error) { return f.file.id(), nil }

// Close is no operation on the disk: it works after a crash too.
func (f *memoryFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return &fs.PathError{Op: "close", Path: f.name, Err: fs.ErrClosed}
	}
	f.closed = true
	return nil
}
