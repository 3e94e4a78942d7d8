package stats

import (
	"testing"
	"time"
)

func TestLatencyKeepsOnlySoManySamples(t *testing.T) {
	var l Latency
	for i := range int64(3 * latencySamples) {
		l.Observe(EventFast, 1000*i, time.Duration(i+1)*time.Millisecond, 1)
	}
	s := l.History(EventFast)
	if n := len(s.Samples); n != latencySamples || s.Samples[n-1].At != 3*latencySamples-1 || s.Max != 3*latencySamples {
		t.Errorf("%d samples, max %d", n, s.Max)
	}
}
