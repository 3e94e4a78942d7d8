package vfs

import (
	"errors"
	"os"
)

// OS is the file system of the operating system.
var OS FS = system{}

type system struct{}

const (
	dirMode  = 0o700
	fileMode = 0o600
)

// file is a File of the system.
type file struct{ *os.File }

func (f file) Sync() error { return syncData(f.File) }

func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f file) ID() (FileID, error) {
	info, err := f.Stat()
	if err != nil {
		return FileID{}, err
	}
	return idOf(info), nil
}

func (system) Stat(name string) (Info, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Info{}, err
	}
	return Info{idOf(info), info.Size(), info.ModTime().UnixNano()}, nil
}

func (system) MkdirAll(dir string) error    { return os.MkdirAll(dir, dirMode) }
func (system) Rename(from, to string) error { return os.Rename(from, to) }
func (system) Remove(name string) error     { return os.Remove(name) }

func (system) Create(name string) (File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (system) Open(name string) (File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (system) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (system) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (system) Truncate(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err = shorten(f, size); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func shorten(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if size < 0 || size > info.Size() {
		return &os.PathError{Op: "truncate", Path: f.Name(), Err: os.ErrInvalid}
	}
	return f.Truncate(size)
}
