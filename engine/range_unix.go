//go:build unix && !linux

package engine

import "golang.org/x/sys/unix"

// mapRange maps n bytes of addresses that cost nothing until touched.
func mapRange(n int) ([]byte, error) {
	return unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

// unmapRange unmaps a range of mapRange.
func unmapRange(mem []byte) error { return unix.Munmap(mem) }

// forget tells the system that the content of a page is not needed.
func forget(page []byte) { _ = unix.Madvise(page, unix.MADV_DONTNEED) }
