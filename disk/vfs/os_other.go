//go:build !linux

package vfs

import (
	"errors"
	"os"
)

func syncData(f *os.File) error { return f.Sync() }

// Free does not tell here.
func (system) Free(string) (int64, error) { return 0, errors.ErrUnsupported }
