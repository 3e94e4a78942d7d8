package loop

import "golang.org/x/sys/unix"

// unacknowledged is how many bytes are in the socket's send buffer: TCP keeps bytes there until the other side's system
// has confirmed them.
func unacknowledged(fd int) (bytes int, known bool) {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NWRITE)
	return n, err == nil
}
