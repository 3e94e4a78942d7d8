//go:build amd64 || arm64

package engine

import "unsafe"

// prefetch fetches the cache line at p. It never faults, whatever p is.
//
//go:noescape
func prefetch(p unsafe.Pointer)
