package config

import (
	"errors"
	"io/fs"
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
	s, err := ParseStatus(sources(nil, "a:1", "--json", "unix:/x", "--patience", "500ms"))
	if err != nil || !s.JSON || s.Patience != 500*time.Millisecond || !reflect.DeepEqual(s.Addrs, []string{"a:1", "unix:/x"}) {
		t.Errorf("%+v, %v", s, err)
	}
}

// withFiles is Sources with these files.
func withFiles(files map[string]string, env map[string]string, args ...string) Sources {
	s := sources(env, args...)
	s.ReadFile = func(name string) ([]byte, error) {
		text, ok := files[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}
	return s
}

func TestToolsAskTheNodeOfThisMachineIfNoneIsNamed(t *testing.T) {
	files := map[string]string{"n.toml": "bind = ['10.0.0.1:7', 'b:8']\nno-such-option = 1\ntimeout = 'x'\n", "bare.toml": "shards = 1\n"}
	for _, test := range []struct {
		env  map[string]string
		args []string
		want string
	}{
		{nil, nil, "127.0.0.1:6380"},
		{map[string]string{"QUOTADB_BIND": "0.0.0.0:7000,unix:/x", "QUOTADB_TIMEOUT": "x"}, nil, "127.0.0.1:7000"},
		{map[string]string{"QUOTADB_BIND": ":7000"}, nil, "127.0.0.1:7000"},
		{map[string]string{"QUOTADB_BIND": "[::]:7000"}, nil, "[::1]:7000"},
		{map[string]string{"QUOTADB_BIND": "10.0.0.1:7000"}, nil, "10.0.0.1:7000"},
		{map[string]string{"QUOTADB_BIND": "unix:/run/q"}, nil, "unix:/run/q"},
		{map[string]string{"QUOTADB_BIND": "a:1"}, []string{"b:2"}, "b:2"},
		{map[string]string{"QUOTADB_BIND": "not an address"}, []string{"b:2"}, "b:2"},
		{nil, []string{"--config", "n.toml"}, "10.0.0.1:7"},
		{map[string]string{"QUOTADB_CONFIG": "n.toml"}, nil, "10.0.0.1:7"},
		// The environment has all that the tool needs, so a missing file is no error.
		{map[string]string{"QUOTADB_CONFIG": "gone", "QUOTADB_BIND": "a:1", "QUOTADB_REQUIREPASS": "p"}, nil, "a:1"},
		{map[string]string{"QUOTADB_CONFIG": "n.toml"}, []string{"--config", "bare.toml"}, "127.0.0.1:6380"},
	} {
		p, err := ParsePing(withFiles(files, test.env, test.args...))
		if err != nil || !reflect.DeepEqual(p.Addrs, []string{test.want}) {
			t.Errorf("%v %v: got %v, %v, want %s", test.env, test.args, p.Addrs, err, test.want)
		}
	}
	for _, env := range []map[string]string{{"QUOTADB_BIND": "127.0.0.1:0"}, {"QUOTADB_BIND": "x"}, {"QUOTADB_CONFIG": "gone"}} {
		if _, err := ParsePing(withFiles(files, env)); err == nil {
			t.Errorf("%v is taken", env)
		}
	}
}

func TestToolsTakeThePasswordOfTheServersFile(t *testing.T) {
	files := map[string]string{"a.toml": "requirepass = 'a'\n", "b.toml": "requirepass-file = 'secret'\n", "secret": "b\n", "own": "own\n"}
	for _, test := range []struct {
		env  map[string]string
		args []string
		want string
	}{
		{nil, []string{"--config", "a.toml"}, "a"},
		{nil, []string{"--config", "b.toml"}, "b"},
		{nil, []string{"--config", "b.toml", "x:1"}, "b"},
		{map[string]string{"QUOTADB_CONFIG": "a.toml", "QUOTADB_REQUIREPASS": "env"}, nil, "env"},
		{map[string]string{"QUOTADB_CONFIG": "b.toml", "QUOTADB_REQUIREPASS": ""}, nil, "b"},
		{map[string]string{"QUOTADB_REQUIREPASS": "env"}, []string{"--password-file", "own"}, "own"},
		{map[string]string{"QUOTADB_CONFIG": "a.toml"}, []string{"--password="}, ""},
	} {
		p, err := ParsePing(withFiles(files, test.env, test.args...))
		if err != nil || p.Password != test.want {
			t.Errorf("%v %v: got %q, %v, want %q", test.env, test.args, p.Password, err, test.want)
		}
	}
	if _, err := ParsePing(withFiles(files, map[string]string{"QUOTADB_REQUIREPASS": "x", "QUOTADB_REQUIREPASS_FILE": "own"})); !errors.Is(err, ErrUsage) {
		t.Errorf("two passwords in the environment: %v", err)
	}
}

func TestABenchOfSoManyRequestsHasNoOtherEnd(t *testing.T) {
	for args, want := range map[string]time.Duration{
		"":            10 * time.Second,
		"-n 5":        0,
		"-n 0":        10 * time.Second,
		"-n 5 -d 10":  10 * time.Second,
		"-n 5 -d 10s": 10 * time.Second,
	} {
		if b, err := ParseBench(sources(nil, strings.Fields(args)...)); err != nil || b.Duration != want {
			t.Errorf("%s: %v, %v, want %v", args, b, err, want)
		}
	}
}

// TestWrongUsageIsTold: main turns ErrUsage into exit code 2.
func TestWrongUsageIsTold(t *testing.T) {
	parse := map[string]func(Sources) error{
		"server": func(s Sources) error { _, err := Parse(s); return err },
		"ping":   func(s Sources) error { _, err := ParsePing(s); return err },
		"status": func(s Sources) error { _, err := ParseStatus(s); return err },
		"bench":  func(s Sources) error { _, err := ParseBench(s); return err },
	}
	env := map[string]string{"QUOTADB_SHARDS": "x"}
	for _, test := range []struct {
		tool  string
		s     Sources
		usage bool
	}{
		{"server", sources(nil, "--no-such"), true},
		{"server", sources(nil, "word"), true},
		{"server", sources(nil, "--shards", "x"), true},
		{"server", sources(nil, "--shards", "0"), true},
		{"server", sources(env), true},
		{"server", sources(nil, "--requirepass", "a", "--requirepass-file", "b"), true},
		{"server", withFiles(map[string]string{"f": "shards = 0"}, nil, "--config", "f"), false},
		{"server", withFiles(map[string]string{"f": "shard = 1"}, nil, "--config", "f"), false},
		{"server", withFiles(map[string]string{"f": "requirepass = 'a'\nrequirepass-file = 'b'"}, nil, "--config", "f"), false},
		{"server", withFiles(nil, nil, "--config", "gone"), false},
		{"ping", sources(nil, "--no-such"), true},
		{"ping", sources(nil, "a:1", "b:1"), true},
		{"ping", sources(nil, "--patience", "x"), true},
		{"status", sources(nil, "a"), true},
		{"status", sources(nil, "a:1", "a:1"), true},
		{"bench", sources(nil, "--clients", "0"), true},
		{"bench", sources(nil, "--test", "dance"), true},
		{"bench", sources(nil, "--test", ""), true},
		{"ping", withFiles(nil, nil, "--password-file", "gone"), false},
	} {
		err := parse[test.tool](test.s)
		if err == nil || errors.Is(err, ErrUsage) != test.usage {
			t.Errorf("%s %q: usage is to be %v: %v", test.tool, test.s.Args, test.usage, err)
		}
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
