// Package vfs is the file operations that a log needs, done by the operating system or by a simulated one that can crash.
package vfs

import (
	"errors"
	"io"
)

// ErrLocked: another process, or another part of this one, holds the lock.
var ErrLocked = errors.New("in use by another process")

// FS is a file system. Names are full paths. Errors are those of package os: fs.ErrNotExist, fs.ErrExist, and what the system says.
type FS interface {
	// MkdirAll makes a directory for this user alone, and its parents. None is an error if it is there.
	MkdirAll(dir string) error
	// Create makes a file to be appended to. It fails with fs.ErrExist if there is one.
	Create(name string) (File, error)
	// Open opens a file for reading.
	Open(name string) (File, error)
	// Rename gives a file another name, and removes the file that had it.
	Rename(from, to string) error
	Remove(name string) error
	// List returns the names in a directory without their path, sorted.
	List(dir string) ([]string, error)
	// SyncDir makes safe which names there are in a directory.
	SyncDir(dir string) error
	// Truncate cuts a file; what is left is safe when it returns. It fails with fs.ErrInvalid if the file is shorter than size.
	Truncate(name string, size int64) error
	// Lock takes a lock that goes with this process, and makes an empty file for it. It fails with ErrLocked at once.
	Lock(name string) (io.Closer, error)
}

// File is an open file.
type File interface {
	io.Writer // at the end
	io.ReaderAt
	io.Closer
	// Sync makes safe what was written before it was called. Other goroutines may write meanwhile.
	Sync() error
	// Size is its length in bytes.
	Size() (int64, error)
}
