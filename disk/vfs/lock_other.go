//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package vfs

import "os"

// Lock keeps nobody out where there is no flock: the operator must run only one server on each directory.
func (system) Lock(name string) (Lock, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

// LockDir keeps nobody out.
func (system) LockDir(string) (Lock, error) { return noLock{}, nil }

type noLock struct{}

func (noLock) Close() error        { return nil }
func (noLock) ID() (FileID, error) { return FileID{}, nil }

func idOf(os.FileInfo) FileID { return FileID{} }
