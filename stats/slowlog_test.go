package stats

import (
	"bytes"
	"testing"
	"time"
)

func TestSlowLogHasABoundInBytesToo(t *testing.T) {
	long := make([][]byte, slowArgs)
	for i := range long {
		long[i] = bytes.Repeat([]byte("x"), 2*slowArgBytes)
	}
	e := NewSlowEntry(long, nil, 0, "127.0.0.1:5", "", 1_700_000_000_000, time.Second)
	n := 2 * slowBytes / e.footprint()
	var l SlowLog
	for range n {
		l.Add(e, 1<<40)
	}
	if got := l.Len(); got < n/3 || got > n/2 || l.bytes > slowBytes {
		t.Errorf("%d of %d entries, %d bytes", got, n, l.bytes)
	}
	if first := l.Latest(1 << 40)[0].ID; first != int64(n-1) {
		t.Errorf("the newest is %d", first)
	}
	l.Reset()
	if l.Len() != 0 || l.bytes != 0 {
		t.Errorf("after a reset: %d entries, %d bytes", l.Len(), l.bytes)
	}
}
