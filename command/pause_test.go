package command

import (
	"strings"
	"testing"
	"time"
)

// TestLaterPauseNeitherEndsNorLoosensAnEarlierOne: end and mode are those of Redis, except for CLIENT PAUSE 0.
func TestLaterPauseNeitherEndsNorLoosensAnEarlierOne(t *testing.T) {
	for _, test := range []struct {
		commands string
		passed   int64 // milliseconds between the last command and those before
		held     map[string]time.Duration
	}{
		{"PAUSE 100 WRITE, PAUSE 10 WRITE", 0, map[string]time.Duration{"SET k 1": 100, "GET k": 0}},
		{"PAUSE 100 WRITE, PAUSE 10 ALL", 0, map[string]time.Duration{"SET k 1": 100, "GET k": 100}},
		{"PAUSE 10 WRITE, PAUSE 100 ALL", 0, map[string]time.Duration{"SET k 1": 100, "GET k": 100}},
		{"PAUSE 100 ALL, PAUSE 10 WRITE", 0, map[string]time.Duration{"SET k 1": 100, "GET k": 100}},
		{"PAUSE 10 ALL, PAUSE 100 WRITE", 0, map[string]time.Duration{"SET k 1": 100, "GET k": 100}},
		{"PAUSE 100 ALL, PAUSE 10 WRITE", 100, map[string]time.Duration{"SET k 1": 10, "GET k": 0}},
		{"PAUSE 100 WRITE, PAUSE 0", 0, map[string]time.Duration{"SET k 1": 0, "GET k": 0}},
		{"PAUSE 100 ALL, UNPAUSE", 0, map[string]time.Duration{"SET k 1": 0, "GET k": 0}},
	} {
		b := newBench(t, nil)
		first, last, _ := strings.Cut(test.commands, ", ")
		b.do("MULTI")
		b.do(strings.Fields("CLIENT " + first)...)
		if test.passed == 0 { // in one EXEC, because nothing else runs while all clients are paused
			b.do(strings.Fields("CLIENT " + last)...)
		}
		b.do("EXEC")
		if b.wall += test.passed; test.passed > 0 {
			b.do(strings.Fields("CLIENT " + last)...)
		}
		for command, want := range test.held {
			other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
			b.run(other, [][][]byte{words(strings.Fields(command))})
			if got := b.turn.Wait; got != want*time.Millisecond {
				t.Errorf("%s: %s waits %v, want %v", test.commands, command, got, want*time.Millisecond)
			}
		}
		b.do("CLIENT", "UNPAUSE")
		if got := b.Attention(); got != 0 {
			t.Errorf("%s: then %d reasons to look at commands are left", test.commands, got)
		}
	}
}
