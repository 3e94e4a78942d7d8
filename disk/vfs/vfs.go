// Package vfs is the file operations that a log needs, done by the operating system or by a simulated one that can crash.
package vfs

import (
	"errors"
	"io"
	"time"
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
	// Lock takes a lock that goes with this process, and makes an empty file for it. It fails with ErrLocked when another has held it for lockPatience.
	Lock(name string) (Lock, error)
	// LockDir is Lock of a directory itself, which leaves nothing that could be taken for litter. Where the system has no such lock, it keeps nobody out.
	LockDir(dir string) (Lock, error)
	// Stat is what is at a name now.
	Stat(name string) (Info, error)
	// Place tells a file and its directory from all copies of them.
	Place(name string) (Place, error)
}

// lockPatience is how long Lock waits for another: one that looks whether a server has a directory holds its lock for a moment.
const lockPatience = 250 * time.Millisecond

// Lock is a lock that is held until it is closed.
type Lock interface {
	io.Closer
	// ID is that of the file or directory that is locked, whatever has its name now.
	ID() (FileID, error)
}

// FileID tells a file or directory from every other one that there is at the same time. The zero FileID is of one of which the system does not tell it.
type FileID struct{ Device, Number uint64 }

// Info is what Stat says.
type Info struct {
	ID      FileID
	Size    int64
	Changed int64 // when the content last changed, unix nanoseconds
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
	// ID is the file's own, whatever has its name now.
	ID() (FileID, error)
}
