//go:build linux && !poll

package loop

import "golang.org/x/sys/unix"

// unacknowledged is how many bytes are in the socket's send queue: bytes that the other side's system has not
// confirmed, and for a unix socket bytes that the other side has not read.
func unacknowledged(fd int) (bytes int, known bool) {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	return n, err == nil
}
