//go:build !amd64 && !arm64

package engine

import "unsafe"

// prefetch has no instruction here; the commands of a batch then wait for memory one by one.
func prefetch(unsafe.Pointer) {}
