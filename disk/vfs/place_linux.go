package vfs

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	bootFile    = "/proc/sys/kernel/random/boot_id"
	machineFile = "/etc/machine-id" // many containers do not have it
)

// Place uses inode numbers and birth times: an inode number alone is soon used for another file. Where a file system
// does not keep birth times, Place uses the time of the last change of the inode, which nobody can set either; chown
// and chmod change it.
func (system) Place(name string) (Place, error) {
	dir, err := statx(filepath.Dir(name))
	if err != nil {
		return Place{}, err
	}
	file, err := statx(name)
	if err != nil {
		return Place{}, err
	}
	if file.Ino == 0 || file.Nlink != 1 { // a copy made of hard links has the same inodes
		return Place{}, nil
	}
	born, dirBorn := file.Btime, dir.Btime // zero where the file system does not keep them
	if born == (unix.StatxTimestamp{}) {
		born = file.Ctime
	}
	object := fmt.Sprintf("%d-%s/%d-%s", dir.Ino, inWords(dirBorn), file.Ino, inWords(born))
	machine := sha256.Sum256([]byte(firstLine(machineFile)))
	return Place{
		Object: fmt.Sprintf("%s@%x", object, machine[:8]),
		Device: fmt.Sprintf("%d:%d", file.Dev_major, file.Dev_minor),
		Boot:   firstLine(bootFile),
	}, nil
}

// statx gives zeros where the system does not have the call.
func statx(name string) (*unix.Statx_t, error) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, name, 0, unix.STATX_INO|unix.STATX_BTIME|unix.STATX_CTIME|unix.STATX_NLINK, &st)
	for errors.Is(err, unix.EINTR) {
		err = unix.Statx(unix.AT_FDCWD, name, 0, unix.STATX_INO|unix.STATX_BTIME|unix.STATX_CTIME|unix.STATX_NLINK, &st)
	}
	if err != nil && !errors.Is(err, unix.ENOSYS) {
		return nil, &os.PathError{Op: "statx", Path: name, Err: err}
	}
	return &st, nil
}

func inWords(t unix.StatxTimestamp) string { return fmt.Sprintf("%d.%09d", t.Sec, t.Nsec) }

// firstLine is the first line of a small file, "" if the file cannot be read.
func firstLine(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.Join(strings.Fields(line), "-")
}
