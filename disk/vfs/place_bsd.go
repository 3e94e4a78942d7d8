//go:build darwin || freebsd || netbsd

package vfs

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Place uses inode numbers and birth times. It does not ask for the boot of the system.
func (system) Place(name string) (Place, error) {
	dir, _, _, err := bornBSD(filepath.Dir(name))
	if err != nil {
		return Place{}, err
	}
	file, device, links, err := bornBSD(name)
	if err != nil || dir == "" || file == "" || links != 1 {
		return Place{}, err
	}
	return Place{Object: dir + "/" + file, Device: device}, nil
}

func bornBSD(name string) (born, device string, links uint64, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", "", 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", "", 0, nil
	}
	if st.Birthtimespec.Sec > 0 {
		born = fmt.Sprintf("%d-%d.%09d", st.Ino, st.Birthtimespec.Sec, st.Birthtimespec.Nsec)
	}
	return born, fmt.Sprint(st.Dev), uint64(st.Nlink), nil
}
