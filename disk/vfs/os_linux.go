package vfs

import (
	"os"
	"syscall"
)

// syncData leaves out times and other things that a reader does not need.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
