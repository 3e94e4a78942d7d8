//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package vfs

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// Lock locks the file with flock, which ends with the process, however it ends.
func (system) Lock(name string) (Lock, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	if err := hold(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return file{f}, nil
}

// LockDir locks the directory with flock. Some network file systems have no locks for directories: then it keeps nobody
// out.
func (system) LockDir(dir string) (Lock, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := hold(f); errors.Is(err, ErrLocked) {
		return nil, errors.Join(err, f.Close())
	}
	return file{f}, nil
}

// hold takes the lock. If another process has it, hold waits up to lockPatience.
func hold(f *os.File) error {
	const pause = 5 * time.Millisecond
	for began := time.Now(); ; time.Sleep(pause) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		if time.Since(began) > lockPatience {
			return ErrLocked
		}
	}
}

func idOf(info os.FileInfo) FileID {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return FileID{uint64(s.Dev), s.Ino}
	}
	return FileID{}
}
