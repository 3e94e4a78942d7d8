// Package vfs is the file operations that a log needs, on the files of the operating system or on simulated ones that
// can crash.
package vfs

import (
	"errors"
	"io"
	"time"
)

// ErrLocked: another process, or another part of this one, holds the lock.
var ErrLocked = errors.New("in use by another process")

// FS is a file system. Names are full paths. Errors are those of package os: fs.ErrNotExist, fs.ErrExist, and those of
// the system.
type FS interface {
	// MkdirAll makes a directory that only this user can use, and its parents. It is no error if they exist.
	MkdirAll(dir string) error
	// Create makes a file for writing. It fails with fs.ErrExist if there is one.
	Create(name string) (File, error)
	// Open opens a file for reading.
	Open(name string) (File, error)
	// Rename gives a file another name, and removes the file that had the name.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(name string) error
	// List returns the names in a directory without their path, sorted.
	List(dir string) ([]string, error)
	// SyncDir syncs the names in a directory: files made, renamed or removed.
	SyncDir(dir string) error
	// Truncate cuts a file to size bytes and syncs it. It fails with fs.ErrInvalid if the file is shorter.
	Truncate(name string, size int64) error
	// Lock makes an empty file and locks it. The lock ends with this process at the latest. Lock fails with ErrLocked
	// if another process holds the lock for longer than lockPatience.
	Lock(name string) (Lock, error)
	// LockDir locks the directory itself, so it leaves no file that somebody could take for litter. Where the system
	// has no such lock, it keeps nobody out.
	LockDir(dir string) (Lock, error)
	// Stat describes the file or directory that has a name now.
	Stat(name string) (Info, error)
	// Free is how many bytes this user may still write to the file system of a directory.
	Free(dir string) (int64, error)
	// Place identifies a file and its directory, so that they differ from all copies of them.
	Place(name string) (Place, error)
}

// lockPatience is how long Lock waits: a tool that asks whether a server uses a directory holds its lock for a moment.
const lockPatience = 250 * time.Millisecond

// Lock is a lock that is held until it is closed.
type Lock interface {
	io.Closer
	// ID is the identity of the locked file or directory, whatever has its name now.
	ID() (FileID, error)
}

// FileID is different for any two files or directories that exist at the same time. The zero FileID means that the
// system gives none.
type FileID struct{ Device, Number uint64 }

// Info is the result of Stat.
type Info struct {
	ID      FileID
	Size    int64
	Changed int64 // when the content last changed, unix nanoseconds
}

// File is an open file.
type File interface {
	io.Writer   // appends
	io.WriterAt // replaces bytes, or appends; a file gets either Write or WriteAt
	io.ReaderAt
	io.Closer
	// Sync syncs everything that was written before the call. Other goroutines may write meanwhile.
	Sync() error
	// Size is the length of the file in bytes.
	Size() (int64, error)
	// ID is the identity of the file, whatever has its name now.
	ID() (FileID, error)
}
