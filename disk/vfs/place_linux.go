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
	machineFile = "/etc/machine-id" // not there in many containers
)

// Place goes by inode numbers and times of birth: an inode number alone is soon another file's. Where a file system
// does not keep times of birth it goes by the time of the last change of the inode, which nobody can set either. That
// is another one after chown or chmod.
func (system) Place(name string) (Place, error) {
	dir, err := statx(filepath.Dir(name))
	if err != nil {
		return Place{}, err
	}
	file, err := statx(name)
	if err != nil {
		return Place{}, err
	}
	if file.Ino == 0 || file.Nlink != 1 { // a copy by hard links has the same inodes
		return Place{}, nil
	}
	born, dirBorn := file.Btime, dir.Btime // zero where they are not kept
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

// statx is all zero where the system does not have it.
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

// firstLine is that of a small file, "" if it cannot be read.
func firstLine(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.Join(strings.Fields(line), "-")
}
