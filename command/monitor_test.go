package command

import (
	"strings"
	"testing"
)

func TestMonitorIsSilentUnderClientReply(t *testing.T) {
	b := newBench(t, nil)
	other := b.Connect("127.0.0.1:6", "127.0.0.1:6380", Connection{})
	b.do("MONITOR")
	for _, step := range []struct {
		command string
		shown   bool // what another client runs next
	}{
		{"CLIENT REPLY OFF", false},
		{"PING", false},
		{"CLIENT REPLY SKIP", false},
		{"CLIENT REPLY ON", true},
		{"CLIENT REPLY SKIP", false},
		{"PING", true},
		{"MULTI", true},
		{"CLIENT REPLY OFF", false},
		{"EXEC", false},
		{"CLIENT REPLY ON", true},
	} {
		b.do(strings.Fields(step.command)...)
		b.client.TakePushed()
		b.x.Run(other, [][][]byte{words([]string{"ECHO", "x"})}, nil)
		if got := string(b.client.TakePushed()); strings.Contains(got, "ECHO") != step.shown {
			t.Errorf("after %s: %q", step.command, got)
		}
	}
}
