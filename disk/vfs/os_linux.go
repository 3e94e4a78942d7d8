package vfs

import (
	"math"
	"os"
	"syscall"
)

// syncData is fdatasync: it leaves out times and other metadata that a reader does not need.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// Free asks the file system; it does not know of quotas of the user.
func (system) Free(dir string) (int64, error) {
	var st syscall.Statfs_t
	for {
		err := syscall.Statfs(dir, &st)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
		}
		return int64(min(uint64(math.MaxInt64)/uint64(st.Bsize), st.Bavail)) * int64(st.Bsize), nil
	}
}
