package config

import (
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// parseFile is Parse with a file that has this text, and the environment as a map.
func parseFile(text string, env map[string]string, args ...string) (*Config, error) {
	return Parse(Sources{
		Args:     append([]string{"--config", "node.toml"}, args...),
		Env:      func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
		Out:      io.Discard,
	})
}

func TestTheFileHasTheFlagsNames(t *testing.T) {
	got, err := parseFile(`# a node
node-id = 7
bind = ["127.0.0.1:1", "unix:/tmp/q"]
peers = "a:1,b:2"
enable-ttl = false
maxmemory = "1gb"
anti-entropy-interval = "30s"
cluster-secret = "s"
log-format = "json"
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	got.sources = nil
	want := with(func(c *Config) {
		c.File, c.NodeID, c.Bind, c.Peers = "node.toml", 7, []string{"127.0.0.1:1", "unix:/tmp/q"}, []string{"a:1", "b:2"}
		c.EnableTTL, c.MaxMemory, c.AntiEntropyInterval, c.ClusterSecret, c.LogFormat = false, 1<<30, 30*time.Second, "s", LogJSON
	})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEveryOptionCanBeInTheFile(t *testing.T) {
	for _, g := range groups(Default()) {
		for _, o := range g.options {
			if o.name == fileOption {
				continue
			}
			if _, err := parseFile(o.name+" = '"+o.value.String()+"'", nil); err != nil {
				t.Errorf("%s: %v", o.name, err)
			}
		}
	}
}

func TestAFlagWinsOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	env := map[string]string{"QUOTADB_SHARDS": "2", "QUOTADB_NODE_ID": "2", "QUOTADB_TIMEOUT": ""}
	c, err := parseFile("shards = 3\nnode-id = 3\ntimeout = 3\nbind = 'f:3'\n", env, "--shards", "1", "--bind", "f:1")
	if err != nil {
		t.Fatal(err)
	}
	if c.Shards != 1 || c.NodeID != 2 || c.Timeout != 3*time.Second || !reflect.DeepEqual(c.Bind, []string{"f:1"}) {
		t.Errorf("got %+v", c)
	}
	want := map[string]string{"shards": "flag", "bind": "flag", "node-id": "environment", "timeout": "file", "peers": "default", "config": "flag"}
	for _, s := range c.Settings() {
		if w := want[s.Name]; w != "" && s.Source != w {
			t.Errorf("%s comes from the %s, want %s", s.Name, s.Source, w)
		}
	}
	if c, err := Parse(Sources{Env: func(name string) (string, bool) { return "f.toml", name == "QUOTADB_CONFIG" }, Out: io.Discard,
		ReadFile: func(name string) ([]byte, error) { return []byte("shards = 5"), nil }}); err != nil || c.Shards != 5 {
		t.Errorf("a file that QUOTADB_CONFIG names: %v", err)
	}
}

// TestOfTwoOptionsThatExcludeEachOtherTheStrongerSourceWins sets both options of each pair, from two different sources,
// in both orders.
func TestOfTwoOptionsThatExcludeEachOtherTheStrongerSourceWins(t *testing.T) {
	for _, pair := range exclusives {
		for _, names := range [][2]string{pair, {pair[1], pair[0]}} {
			strong, weak := names[0], names[1]
			variable := option{name: strong}.env()
			for name, parse := range map[string]func() (*Config, error){
				"flag over file":        func() (*Config, error) { return parseFile(weak+" = 'weak'", nil, "--"+strong, "strong") },
				"environment over file": func() (*Config, error) { return parseFile(weak+" = 'weak'", map[string]string{variable: "strong"}) },
				"flag over environment": func() (*Config, error) {
					return parseFile("", map[string]string{option{name: weak}.env(): "weak"}, "--"+strong, "strong")
				},
				"the stronger is also there": func() (*Config, error) {
					return parseFile(weak+" = 'weak'\n"+strong+" = 'x'", nil, "--"+strong, "strong")
				},
			} {
				c, err := parse()
				if err != nil {
					t.Errorf("%s, %s: %v", name, strong, err)
					continue
				}
				s, _ := find(groups(c), strong)
				w, _ := find(groups(c), weak)
				if s.value.String() != "strong" || w.value.String() != "" || c.sources[weak] != "" {
					t.Errorf("%s: %s is %q, %s is %q from the %s", name, strong, s.value, weak, w.value, c.sources[weak])
				}
			}
			c, err := parseFile(weak+" = 'kept'", map[string]string{variable: ""})
			if w, _ := find(groups(c), weak); err != nil || w.value.String() != "kept" {
				t.Errorf("an empty %s: %v, %s is %q", variable, err, weak, w.value)
			}
		}
		for _, both := range []func() (*Config, error){
			func() (*Config, error) { return parseFile(pair[0]+" = 'a'\n"+pair[1]+" = 'b'", nil) },
			func() (*Config, error) { return parseFile("", nil, "--"+pair[0], "a", "--"+pair[1], "b") },
		} {
			if _, err := both(); err == nil || !strings.Contains(err.Error(), "--"+pair[1]+": not together with --"+pair[0]) {
				t.Errorf("both of one source: %v", err)
			}
		}
	}
	for _, g := range groups(Default()) { // so that a new pair is not forgotten here
		for _, o := range g.options {
			if _, ok := find(groups(Default()), o.name+"-file"); ok && !slices.Contains(exclusives, [2]string{o.name, o.name + "-file"}) {
				t.Errorf("%s and its file are no pair", o.name)
			}
		}
	}
}

func TestAMistakeInTheFileIsRefusedWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"shards = 3\nnode-idd = 1":                  "node.toml:2: node-idd",
		"node_id = 1":                               "node.toml:1: node_id",
		"\n\n[server]\nbind = 'a:1'":                "node.toml:3: server",
		"shards = 1.5":                              "node.toml:1: shards",
		"shards = 'x'":                              "node.toml:1: shards",
		"peers = [1, 2]":                            "node.toml:1: peers",
		"shards = 3\nshards = 4":                    "node.toml:2",
		"shards 3":                                  "node.toml:1",
		"config = 'other.toml'":                     "node.toml:1: config",
		"shards = 0":                                "--shards",
		"enable-ttl = 'maybe'":                      "node.toml:1: enable-ttl",
		"cluster-secret = 'hush'\ncluster-secret 1": "node.toml:2",
		"requirepass = hush":                        "node.toml:1",
	} {
		_, err := parseFile(text, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v does not name %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("a secret is in the error: %v", err)
		}
	}
	if _, err := parseFile("shards = 'x'", nil, "--shards", "1"); err == nil {
		t.Error("a mistake that a flag overrides is taken")
	}
}

func TestSecretsAreMaskedWhereverTheConfigurationIsShown(t *testing.T) {
	c, err := parseFile("requirepass = 'hush1'\ncluster-secret = 'hush2'", nil)
	if err != nil {
		t.Fatal(err)
	}
	var out, log strings.Builder
	if err := c.PrintSettings(&out); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(&log, nil)).Info("configuration", "options", c)
	for _, shown := range []string{out.String(), log.String()} {
		if strings.Contains(shown, "hush") || strings.Count(shown, masked) != 2 {
			t.Errorf("shown: %s", shown)
		}
	}
	for _, g := range groups(c) { // so that a new secret is not forgotten here
		for _, o := range g.options {
			if secret := o.arg == "PASSWORD" || o.arg == "SECRET"; secret != isSecret(o.name) {
				t.Errorf("%s: secret %v, masked %v", o.name, secret, isSecret(o.name))
			}
		}
	}
}

func TestWhatIsPrintedIsAFileThatGivesTheSame(t *testing.T) {
	c, err := parseFile("bind = ['a:1', 'b:2']\ndata-dir = 'a \"b\" \\c'\n", map[string]string{"QUOTADB_MAXMEMORY": "1gb"}, "--timeout", "5")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := c.PrintSettings(&out); err != nil {
		t.Fatal(err)
	}
	again, err := parseFile(out.String(), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	c.sources, again.sources = nil, nil
	if !reflect.DeepEqual(c, again) {
		t.Errorf("got  %+v\nwant %+v", again, c)
	}
}
