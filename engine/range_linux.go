package engine

import "golang.org/x/sys/unix"

// mapRange maps n bytes of addresses that cost nothing until touched, and asks for huge pages: lookups go all over the
// range, and with small pages each would also miss the address translation cache (TLB).
func mapRange(n int) ([]byte, error) {
	mem, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	_ = unix.Madvise(mem, unix.MADV_HUGEPAGE) // only a wish: kernels without huge pages refuse it
	return mem, nil
}

// unmapRange unmaps a range of mapRange.
func unmapRange(mem []byte) error { return unix.Munmap(mem) }

// forget gives the memory of a page back to the system; its addresses stay usable.
func forget(page []byte) { _ = unix.Madvise(page, unix.MADV_DONTNEED) }
