package config

import (
	"errors"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sources(env map[string]string, args ...string) Sources {
	return Sources{Args: args, Out: &strings.Builder{},
		Env:      func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: func(string) ([]byte, error) { return []byte("from file\r\nmore"), nil }}
}

func TestToolsTakeThePasswordOfTheServersEnvironment(t *testing.T) {
	for want, s := range map[string]Sources{
		"a":         sources(map[string]string{"QUOTADB_REQUIREPASS": "a"}),
		"b":         sources(map[string]string{"QUOTADB_REQUIREPASS": "a"}, "--password", "b"),
		"from file": sources(map[string]string{"QUOTADB_REQUIREPASS_FILE": "f"}),
		"":          sources(map[string]string{"QUOTADB_TIMEOUT": "x", "QUOTADB_USER": "y"}),
	} {
		p, err := ParsePing(s)
		if err != nil || p.Password != want || p.User != "" {
			t.Errorf("got %+v, %v; want password %q", p, err, want)
		}
	}
}

func TestToolsFindTheirNodes(t *testing.T) {
	p, err := ParsePing(sources(nil))
	if err != nil || !reflect.DeepEqual(p.Addrs, []string{DefaultAddr}) {
		t.Errorf("%+v, %v", p, err)
	}
	s, err := ParseStatus(sources(nil, "a:1", "--json", "unix:/x", "--patience", "500ms"))
	if err != nil || !s.JSON || s.Patience != 500*time.Millisecond || !reflect.DeepEqual(s.Addrs, []string{"a:1", "unix:/x"}) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestToolsNameTheFlagThatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"a":                              "host:port",
		"a:1 a:1":                        "twice",
		"--patience 0":                   "--patience",
		"--clients 0":                    "--clients",
		"--clients 1 a:1 b:1":            "--clients",
		"--pipeline 0":                   "--pipeline",
		"--keys 0":                       "--keys",
		"--duration 0":                   "--duration",
		"--requests -1":                  "--requests",
		"--test incr,dance":              "--test",
		"--limit 0":                      "--limit",
		"--window 0":                     "--window",
		"--password a --password-file f": "--password-file",
		"--no-such-flag":                 "--no-such-flag",
	} {
		if _, err := ParseBench(sources(nil, strings.Fields(args)...)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not name %s", args, err, want)
		}
	}
	if _, err := ParsePing(sources(nil, "a:1", "b:1")); err == nil {
		t.Error("ping takes two nodes")
	}
}

func TestEachToolHasHelp(t *testing.T) {
	for name, parse := range map[string]func(Sources) error{
		"ping":   func(s Sources) error { _, err := ParsePing(s); return err },
		"status": func(s Sources) error { _, err := ParseStatus(s); return err },
		"bench":  func(s Sources) error { _, err := ParseBench(s); return err },
	} {
		s := sources(nil, "--help")
		if err := parse(s); !errors.Is(err, ErrHelp) {
			t.Errorf("%s: %v", name, err)
		}
		text := s.Out.(*strings.Builder).String()
		for _, want := range []string{"Usage: quota-db " + name + " [OPTIONS] [ADDR", "--patience <TIME>", "--help"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: help lacks %q:\n%s", name, want, text)
			}
		}
	}
}

func TestBashCompletesSubcommandsAndOptions(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("needs bash: %v", err)
	}
	var script strings.Builder
	PrintCompletion(&script, "bash")
	complete := func(words string, at string) []string {
		t.Helper()
		run := exec.Command(bash, "-c", script.String()+"\nCOMP_WORDS=("+words+")\nCOMP_CWORD="+at+"\n_quota_db\necho \"${COMPREPLY[@]}\"")
		out, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.Fields(string(out))
	}
	for _, test := range []struct{ words, at, want string }{
		{"quota-db st", "1", "status"},
		{"quota-db --node", "1", "--node-id"},
		{"quota-db bench --pip", "2", "--pipeline"},
		{"quota-db --bind x --repl", "3", "--replication-port --replication-bind"},
		{"quota-db completion z", "2", "zsh"},
		{"quota-db config ch", "2", "check"},
		{"quota-db backup --n", "2", ""},
	} {
		if got := complete(test.words, test.at); strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %q, want %q", test.words, got, test.want)
		}
	}
}

func TestEveryCompletionKnowsEverySubcommandAndOption(t *testing.T) {
	for _, shell := range Shells {
		var script strings.Builder
		if !PrintCompletion(&script, shell) {
			t.Fatalf("%s is not known", shell)
		}
		for _, word := range words() {
			if !strings.Contains(script.String(), word) {
				t.Errorf("%s: no %s", shell, word)
			}
		}
		for _, o := range optionsOf("") {
			if !strings.Contains(script.String(), o.name) {
				t.Errorf("%s: no %s", shell, o.name)
			}
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("no %s to read its script", shell)
			continue
		}
		check := exec.Command(path, "-n")
		check.Stdin = strings.NewReader(script.String())
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s -n: %v\n%s", shell, err, out)
		}
	}
	if PrintCompletion(&strings.Builder{}, "csh") {
		t.Error("csh is known")
	}
}

func TestTheManualPageHasEveryOptionOfTheHelpText(t *testing.T) {
	var page strings.Builder
	if err := PrintManual(&page); err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer(`\-`, "-", `\fB`, "", `\fI`, "", `\fR`, "", `\e`, `\`).Replace(page.String())
	for _, name := range append(words(), "") {
		for _, o := range optionsOf(name) {
			if o.name != "help" && o.name != "version" && !strings.Contains(plain, "--"+o.name) {
				t.Errorf("the page lacks --%s", o.name)
			}
		}
	}
	for _, c := range Subcommands() {
		if !strings.Contains(plain, "quota-db "+c.Name) {
			t.Errorf("the page lacks %s", c.Name)
		}
	}
	man, err := exec.LookPath("man")
	if err != nil {
		t.Skipf("needs man: %v", err)
	}
	run := exec.Command(man, "--warnings", "-l", "-")
	run.Env = append(run.Environ(), "MANPAGER=cat", "MANWIDTH=100", "LC_ALL=C.UTF-8")
	run.Stdin = strings.NewReader(page.String())
	var warnings strings.Builder
	run.Stderr = &warnings
	out, err := run.Output()
	if err != nil || warnings.String() != "" || !strings.Contains(string(out), "SUBCOMMANDS") {
		t.Errorf("man: %v\n%s\n%s", err, warnings.String(), out)
	}
}
