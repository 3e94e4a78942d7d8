package script

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWordsAreQuotedAsInRedisCLI(t *testing.T) {
	now := time.UnixMilli(5_000_123)
	for _, tt := range []struct {
		line string
		want []string
	}{
		{`SET k v`, []string{"SET", "k", "v"}},
		{"  GET\t k ", []string{"GET", "k"}},
		{`SET "" ''`, []string{"SET", "", ""}},
		{`ECHO "a b\x00\xff\n\r\t\"\\\q\x"`, []string{"ECHO", "a b\x00\xff\n\r\t\"\\qx"}},
		{`ECHO 'a\'b\n"'`, []string{"ECHO", `a'b\n"`}},
		{`EXPIREAT k {now+100}`, []string{"EXPIREAT", "k", "5100"}},
		{`PEXPIREAT k {nowms-123}`, []string{"PEXPIREAT", "k", "5000000"}},
		{`SET {3*ab} "{3*ab}" {now}`, []string{"SET", "ababab", "{3*ab}", "5000"}},
	} {
		step, err := parseStep(tt.line)
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		if got, err := step.Command(now); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s = %q, %v; want %q", tt.line, got, err, tt.want)
		}
	}
}

func TestCasesKeepNamesLinesAndDirectives(t *testing.T) {
	cases, err := Parse(strings.NewReader("# c\n-- one --\nSET k v\n\n@about 2 TTL k\n-- two --\n@raw \"PING\\r\\n\"\n@client 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 2 || cases[0].Name != "one" || cases[1].Name != "two" {
		t.Fatalf("cases %+v", cases)
	}
	about, raw := cases[0].Steps[1], cases[1].Steps[0]
	if about.Line != 5 || about.Directive != "about" || about.Param != "2" {
		t.Errorf("got %+v", about)
	}
	if args, _ := about.Command(time.Now()); !slices.Equal(args, []string{"TTL", "k"}) {
		t.Errorf("got %q", args)
	}
	if args, _ := raw.Command(time.Now()); raw.Directive != "raw" || !slices.Equal(args, []string{"PING\r\n"}) {
		t.Errorf("got %+v", raw)
	}
}

func TestMistakesInAScriptAreErrorsWithTheirLine(t *testing.T) {
	for _, text := range []string{
		"GET k", "-- a --\n-- a --", "-- a --\n\"x", "-- a --\n\"x\"y", "-- a --\n@what GET k",
		"-- a --\n@about", "-- a --\n@about 2", "-- a --\n@client 2 GET k", "-- a --\nGET {later}",
		"-- a --\nGET {now+x}", "-- a --\nGET {x*x}",
	} {
		if _, err := Parse(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v; want an error with its line", text, err)
		}
	}
}
