package vfs

import (
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
