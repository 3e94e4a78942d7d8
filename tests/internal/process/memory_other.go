//go:build !linux

package process

import (
	"testing"
	"time"
)

// RSS skips the test: resident memory is only read on Linux.
func (s *Server) RSS(t testing.TB) int64 {
	t.Helper()
	t.Skip("resident memory is read from /proc, which only Linux has")
	return 0
}

// RSSBelow skips the test: resident memory is only read on Linux.
func (s *Server) RSSBelow(t testing.TB, _ int64, _ time.Duration) int64 {
	t.Helper()
	return s.RSS(t)
}
