package server

import (
	"strings"
	"testing"
)

// pipelined is a session, and n pipelined INCRs that arrive in one round.
func pipelined(t testing.TB, n int) (*session, *worker, []byte) {
	s, w := lonely(t)
	return s, w, []byte(strings.Repeat(request("INCR", "key:000000000042"), n))
}

func TestServingAPipelineAllocatesNothing(t *testing.T) {
	s, w, chunk := pipelined(t, 16)
	out := make([]byte, 0, flushBytes)
	round := func() {
		s.feed(chunk)
		out, _ = s.run(w, out[:0])
		s.keep()
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations for 16 commands", n)
	}
}

// BenchmarkSessionIncr16 is the whole path of 16 pipelined commands except the socket.
func BenchmarkSessionIncr16(b *testing.B) {
	s, w, chunk := pipelined(b, 16)
	out := make([]byte, 0, flushBytes)
	b.ReportAllocs()
	for b.Loop() {
		s.feed(chunk)
		out, _ = s.run(w, out[:0])
		s.keep()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/16, "ns/command")
}
