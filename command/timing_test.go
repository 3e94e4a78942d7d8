package command

import (
	"strings"
	"testing"
	"time"
)

// batchOf is a batch of one command per line.
func batchOf(lines ...string) [][][]byte {
	var batch [][][]byte
	for _, line := range lines {
		batch = append(batch, words(strings.Fields(line)))
	}
	return batch
}

// expectLines checks that a reply of INFO has these lines.
func expectLines(t *testing.T, info string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(info, "\n"+line+"\r\n") {
			t.Errorf("no %s in\n%s", line, info)
		}
	}
}

func TestFastCommandsShareTheTimeAndSlowOnesHaveTheirOwn(t *testing.T) {
	b := newBench(t, nil)
	b.pace = time.Millisecond
	b.x.Run(b.client, batchOf("INCR k", "INCR k", "GET k", "INCR k", "DEL a", "NOSUCH", "DEL b", "PING", "INCR k", "GET"), nil)
	expectLines(t, b.do("INFO", "commandstats"),
		"cmdstat_incr:calls=4,usec=1250,usec_per_call=312.50,rejected_calls=0,failed_calls=0",
		"cmdstat_get:calls=1,usec=250,usec_per_call=250.00,rejected_calls=1,failed_calls=0",
		"cmdstat_del:calls=2,usec=2000,usec_per_call=1000.00,rejected_calls=0,failed_calls=0",
		"cmdstat_ping:calls=1,usec=500,usec_per_call=500.00,rejected_calls=0,failed_calls=0")
	want := "*4\r\n$4\r\nincr\r\n*4\r\n$5\r\ncalls\r\n:4\r\n$14\r\nhistogram_usec\r\n*4\r\n:264\r\n:3\r\n:528\r\n:4\r\n" +
		"$3\r\ndel\r\n*4\r\n$5\r\ncalls\r\n:2\r\n$14\r\nhistogram_usec\r\n*2\r\n:1056\r\n:2\r\n"
	if got := b.do("LATENCY", "HISTOGRAM", "incr", "nosuch", "DEL", "incr", "object"); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	expectLines(t, b.do("INFO", "latencystats"), "latency_percentiles_usec_incr:p50=264.191,p99=528.383,p99.9=528.383")
}

func TestGroupIsTimedFromTheEndOfTheOneBefore(t *testing.T) {
	b := newBench(t, nil)
	b.pace = time.Millisecond
	b.x.Run(b.client, pipeline(3*groupCommands, "INCR", "k"), nil)
	expectLines(t, b.do("INFO", "commandstats"), "cmdstat_incr:calls=192,usec=3000,usec_per_call=15.62,rejected_calls=0,failed_calls=0")
}

func TestEveryCommandIsTimedAloneForASlowLogOfShortTimes(t *testing.T) {
	b := newBench(t, nil)
	b.pace = time.Millisecond
	b.x.Run(b.client, batchOf("CONFIG SET slowlog-log-slower-than 999", "INCR k", "INCR k", "INCR k"), nil)
	expectLines(t, b.do("INFO", "commandstats"), "cmdstat_incr:calls=3,usec=3000,usec_per_call=1000.00,rejected_calls=0,failed_calls=0")
	if got := b.do("SLOWLOG", "LEN"); got != ":5\r\n" { // CONFIG SET, INCR three times, INFO
		t.Errorf("got %q", got)
	}
	b.x.Run(b.client, batchOf("CONFIG SET slowlog-log-slower-than -1", "CONFIG RESETSTAT", "INCR k", "INCR k"), nil)
	expectLines(t, b.do("INFO", "commandstats"), "cmdstat_incr:calls=2,usec=1000,usec_per_call=500.00,rejected_calls=0,failed_calls=0")
}

func TestLatencyTrackingCanBeTurnedOff(t *testing.T) {
	b := newBench(t, nil)
	b.do("CONFIG", "SET", "latency-tracking", "no")
	b.do("GET", "k")
	if got := b.do("LATENCY", "HISTOGRAM"); got != "*0\r\n" {
		t.Errorf("got %q", got)
	}
	b.do("CONFIG", "SET", "latency-tracking", "yes")
	b.do("GET", "k")
	if got := b.do("LATENCY", "HISTOGRAM", "get"); !strings.Contains(got, "calls\r\n:1\r\n") {
		t.Errorf("got %q", got)
	}
}
