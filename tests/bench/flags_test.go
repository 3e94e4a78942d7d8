package main

import (
	"io"
	"strings"
	"testing"
)

func TestOnlyServersThatDoNotReplicateArePinned(t *testing.T) {
	for _, tt := range []struct {
		args       []string
		processors string
		changed    int
	}{
		{nil, "0", awayChanged},
		{[]string{"-durable"}, "0", awayChanged},
		{[]string{"-snapshot", "-processors", "0,1"}, "0,1", awayChanged},
		{[]string{"-replicated"}, "", awayChanged},
		{[]string{"-delay"}, "", awayChanged},
		{[]string{"-hotkey", "-processors", "1"}, "1", awayChanged},
		{[]string{"-away", "10m"}, "", awayChanged},
		{[]string{"-away", "1m", "-changed", "7"}, "", 7},
		{[]string{"-away", "1m", "-keys", "1000"}, "", 1000},
		{[]string{"-different"}, "", differentChanged},
	} {
		f, err := parse(tt.args)
		if err != nil || f.processors != tt.processors || f.changed != tt.changed {
			t.Errorf("%v: processors %q, %d changed, %v; want %q, %d", tt.args, f.processors, f.changed, err, tt.processors, tt.changed)
		}
	}
}

func TestAWorkloadThatThereIsNotIsAnErrorBeforeAnythingIsBuilt(t *testing.T) {
	for _, list := range []string{"nosuch", "c100,nosuch", ","} {
		err := run([]string{"-only", list, "-quota-db", "/nothing/here"}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "there are c100, ") {
			t.Errorf("-only %s: %v", list, err)
		}
	}
	if names, err := named("c100,p16-1m"); err != nil || len(names) != 2 {
		t.Errorf("%v, %v", names, err)
	}
}
