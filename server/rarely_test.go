package server

import (
	"testing"
	"time"
)

func TestAThousandFailuresAreALineAMinuteWithTheirNumber(t *testing.T) {
	var r rarely
	start, lines, told := time.Unix(1_000_000, 0), 0, 0
	for i := range 1200 { // one every 100 ms
		if silent, ok := r.now(start.Add(time.Duration(i) * 100 * time.Millisecond)); ok {
			lines++
			told += silent
		}
	}
	if lines != 2 || told != 599 {
		t.Errorf("%d lines that tell of %d others, want 2 and 599", lines, told)
	}
}
