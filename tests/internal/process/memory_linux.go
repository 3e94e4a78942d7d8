package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// RSS returns the resident memory of the process in bytes.
func (s *Server) RSS(t testing.TB) int64 {
	t.Helper()
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.PID()))
	if err != nil {
		t.Fatalf("memory of the process: %v\n%s", err, s.output)
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		t.Fatalf("statm says %q", statm)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// RSSBelow waits until the resident memory is at most limit bytes, and returns
// the last value seen; it is above limit when that took longer than wait.
func (s *Server) RSSBelow(t testing.TB, limit int64, wait time.Duration) int64 {
	t.Helper()
	for deadline := time.Now().Add(wait); ; time.Sleep(pollInterval) {
		rss := s.RSS(t)
		if rss <= limit || time.Now().After(deadline) {
			return rss
		}
	}
}
