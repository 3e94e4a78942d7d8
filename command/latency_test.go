package command

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestLatencyAnswersAsRedis(t *testing.T) {
	runScript(t, `
		CONFIG GET latency-monitor-threshold => *2¶$25¶latency-monitor-threshold¶$1¶0
		CONFIG GET latency-tracking => *2¶$16¶latency-tracking¶$3¶yes
		CONFIG SET latency-tracking maybe => -ERR CONFIG SET failed (possibly related to argument 'latency-tracking') - argument must be 'yes' or 'no'
		CONFIG SET latency-tracking NO => +OK
		CONFIG GET latency-tracking => *2¶$16¶latency-tracking¶$2¶no
		CONFIG RESETSTAT => +OK
		LATENCY HISTOGRAM => *0
		CONFIG SET latency-monitor-threshold -1 => -ERR CONFIG SET failed (possibly related to argument 'latency-monitor-threshold') - argument must be between 0 and 9223372036854775807 inclusive
		CONFIG SET latency-monitor-threshold 100000 => +OK
		LATENCY => -ERR wrong number of arguments for 'latency' command
		LATENCY WHAT => -ERR unknown subcommand 'WHAT'. Try LATENCY HELP.
		LATENCY HISTORY => -ERR wrong number of arguments for 'latency|history' command
		LATENCY LATEST => *0
		LATENCY LATEST x => -ERR wrong number of arguments for 'latency|latest' command
		LATENCY HISTORY command => *0
		LATENCY HISTORY nosuch => *0
		LATENCY GRAPH command => -ERR No samples available for event 'command'
		LATENCY GRAPH "nosuch event" => -ERR No samples available for event 'nosuch event'
		LATENCY RESET => :0
		LATENCY RESET command nosuch => :0
		LATENCY HISTOGRAM nosuch get => *0
	`)
}

// take runs a command that takes the time took, after a pause.
func (b *bench) take(after, took time.Duration, command string) {
	b.wall += after.Milliseconds()
	b.pace = took
	b.do(strings.Fields(command)...)
	b.pace = 0
}

func TestLatencyKeepsTheLongestOfEachSecond(t *testing.T) {
	b := newBench(t, nil)
	b.take(0, time.Second, "DEL k") // not monitored yet
	b.do("CONFIG", "SET", "latency-monitor-threshold", "10")
	b.take(0, 9*time.Millisecond, "DEL k")
	b.take(0, 20*time.Millisecond, "DEL k")
	b.take(900*time.Millisecond, 50*time.Millisecond, "DEL k")
	b.take(0, 40*time.Millisecond, "DEL k")
	b.take(100*time.Millisecond, 10*time.Millisecond, "INCR k")
	b.take(time.Second, 30*time.Millisecond, "SET k 5")
	b.ObserveSweep(70 * time.Millisecond)
	for _, s := range [][2]string{
		{"LATENCY HISTORY command", "*2\r\n*2\r\n:1700000000\r\n:50\r\n*2\r\n:1700000002\r\n:30\r\n"},
		{"LATENCY HISTORY fast-command", "*1\r\n*2\r\n:1700000001\r\n:10\r\n"},
		{"LATENCY LATEST", "*3\r\n*4\r\n$7\r\ncommand\r\n:1700000002\r\n:30\r\n:50\r\n*4\r\n$12\r\nfast-command\r\n:1700000001\r\n:10\r\n:10\r\n" +
			"*4\r\n$12\r\nexpire-cycle\r\n:1700000002\r\n:70\r\n:70\r\n"},
		{"LATENCY RESET expire-cycle nosuch", ":1\r\n"},
		{"LATENCY RESET", ":2\r\n"},
		{"LATENCY LATEST", "*0\r\n"},
	} {
		if got := b.do(strings.Fields(s[0])...); got != s[1] {
			t.Errorf("%s\ngot  %q\nwant %q", s[0], got, s[1])
		}
	}
}

func TestLatencyIsDrawnAndExplained(t *testing.T) {
	b := newBench(t, nil)
	text := func(args ...string) string {
		_, reply, _ := strings.Cut(b.do(args...), "\r\n")
		return strings.TrimSuffix(reply, "\r\n")
	}
	if got := text("LATENCY", "DOCTOR"); !strings.Contains(got, "latency-monitor-threshold") {
		t.Errorf("got %q", got)
	}
	b.do("CONFIG", "SET", "latency-monitor-threshold", "10")
	if got := text("LATENCY", "DOCTOR"); got != "Nothing took 10 ms or more.\n" {
		t.Errorf("got %q", got)
	}
	for _, millis := range []time.Duration{20, 50, 1200, 30, 400} {
		b.take(time.Second, millis*time.Millisecond, "DEL k")
	}
	b.wall += 100_000
	want := fmt.Sprintf("command - high 1200 ms, low 20 ms (all time high 1200 ms)\n%s\n"+
		"  #  \n  |  \n  | _\n__|_|\n\n11111\nmmmmm\n", strings.Repeat("-", graphColumns))
	if got := text("LATENCY", "GRAPH", "command"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	want = "command: seconds with a spike 5, 340 ms on average, the longest ever 1200 ms, the last 100 s ago.\n"
	if got := text("LATENCY", "DOCTOR"); !strings.HasPrefix(got, want) {
		t.Errorf("got %q", got)
	}
}
