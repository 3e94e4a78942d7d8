//go:build !amd64 && !arm64

package engine

import "unsafe"

// prefetch does nothing: there is no instruction for it here. The commands of a batch wait for memory one by one.
func prefetch(unsafe.Pointer) {}
