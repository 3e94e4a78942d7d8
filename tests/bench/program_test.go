package main

import (
	"slices"
	"testing"
)

func TestOptionsFollowTheKindOfProgram(t *testing.T) {
	for _, tt := range []struct {
		help string
		mode mode
		want []string
	}{
		{"  --bind <ADDR>\n", memory, []string{"x", "--port", "7", "--save", ""}},
		{"  --bind <ADDR>\n  --data-dir <DIR>\n", memory, []string{"x", "--port", "7", "--save", "", "--data-dir", ""}},
		{"  --data-dir <DIR>\n", interval, []string{"x", "--port", "7", "--save", "", "--data-dir", "/a b"}},
		{"  --data-dir <DIR>\n", always, []string{"x", "--port", "7", "--save", "", "--data-dir", "/a b", "--durability", "always"}},
		{"Usage: ./redis-server [options]\n", memory, []string{"x", "--port", "7", "--save", "", "--appendonly", "no"}},
		{"Usage: ./redis-server [options]\n", always, []string{"x", "--port", "7", "--save", "", "--dir", "/a b", "--appendonly", "yes", "--appendfsync", "always"}},
	} {
		p := program{line: "x --port {port} --save ''", kind: kindOf(tt.help)}
		if got, err := p.words(tt.mode, "7", "/a b"); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q, mode %d: %q %v, want %q", tt.help, tt.mode, got, err, tt.want)
		}
	}
}

func TestAProgramWithoutDurabilityIsNotMadeDurable(t *testing.T) {
	for _, m := range []mode{interval, always} {
		if words, err := (program{line: "x"}).words(m, "7", "/a"); err == nil {
			t.Errorf("mode %d: %q, want an error", m, words)
		}
	}
}
