package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

// parse is Parse with the environment as a map.
func parse(args []string, env map[string]string) (*Config, error) {
	lookup := func(name string) (string, bool) { text, ok := env[name]; return text, ok }
	c, err := Parse(Sources{Args: args, Env: lookup, ReadFile: noFile, Out: io.Discard})
	if c != nil {
		c.sources = nil // the tests in file_test.go check the sources
	}
	return c, err
}

func noFile(name string) ([]byte, error) { return nil, fmt.Errorf("no file %s", name) }

// with is the default configuration with a change.
func with(change func(*Config)) *Config {
	c := Default()
	change(c)
	return c
}

func TestParseReadsFlagsAndEnvironment(t *testing.T) {
	tests := []struct {
		name string
		args string
		env  map[string]string
		want *Config
	}{
		{"nothing", "", nil, Default()},
		{"reference: single node", "--bind 0.0.0.0:6390 --shards 128", nil,
			with(func(c *Config) { c.Bind, c.Shards = []string{"0.0.0.0:6390"}, 128 })},
		{"short flags", "-b 127.0.0.1:7000 -s 3 -n 65535", nil,
			with(func(c *Config) { c.Bind, c.Shards, c.NodeID = []string{"127.0.0.1:7000"}, 3, 65535 })},
		{"boolean after a space", "--enable-ttl false --shards 2", nil,
			with(func(c *Config) { c.EnableTTL, c.Shards = false, 2 })},
		{"boolean after an equals sign", "--enable-ttl=false", nil, with(func(c *Config) { c.EnableTTL = false })},
		{"boolean true", "--enable-ttl true", nil, Default()},
		{"replication flags without peers", "--replication-port 7001 --batch-max-size 5 --batch-max-delay-ms 0", nil,
			with(func(c *Config) { c.ReplicationPort, c.BatchMaxSize, c.BatchMaxDelay = 7001, 5, 0 })},
		{"bind list", "--bind 127.0.0.1:1,[::1]:2 -b unix:/tmp/q.sock", nil,
			with(func(c *Config) { c.Bind = []string{"127.0.0.1:1", "[::1]:2", "unix:/tmp/q.sock"} })},
		{"milliseconds and seconds", "--ttl-tick-ms 250 --timeout 30", nil,
			with(func(c *Config) { c.TTLTick, c.Timeout = 250*time.Millisecond, 30*time.Second })},
		{"log level below debug", "--log-level trace", nil, with(func(c *Config) { c.LogLevel = slog.LevelDebug - 4 })},
		{"log level in capitals", "--log-level WARN", nil, with(func(c *Config) { c.LogLevel = slog.LevelWarn })},
		{"memory", "--maxmemory 100mb", nil, with(func(c *Config) { c.MaxMemory = 100 << 20 })},
		{"pprof", "--pprof-bind 127.0.0.1:6060", nil, with(func(c *Config) { c.PprofBind = "127.0.0.1:6060" })},
		{"reference: a node of a cluster", "--node-id 1 --bind 0.0.0.0:6380 --peers node2:6381,node3:6381", map[string]string{"QUOTADB_CLUSTER_SECRET": "s"},
			with(func(c *Config) {
				c.Bind, c.Peers, c.ClusterSecret = []string{"0.0.0.0:6380"}, []string{"node2:6381", "node3:6381"}, "s"
			})},
		{"a cluster on one machine", "--peers 127.0.0.1:1 --replication-port 0 --replication-bind 127.0.0.1 --anti-entropy-interval 100ms --insecure-cluster true --cluster-secret-file f", nil,
			with(func(c *Config) {
				c.Peers, c.ReplicationPort, c.ReplicationBind = []string{"127.0.0.1:1"}, 0, "127.0.0.1"
				c.AntiEntropyInterval, c.InsecureCluster, c.ClusterSecretFile = 100*time.Millisecond, true, "f"
			})},
		{"a wait for tokens of other nodes", "--quota-wait-ms 250", nil, with(func(c *Config) { c.QuotaWait = 250 * time.Millisecond })},
		{"an interval in seconds", "--anti-entropy-interval 30", nil, with(func(c *Config) { c.AntiEntropyInterval = 30 * time.Second })},
		{"no peers", "--peers=", nil, Default()},
		{"environment", "", map[string]string{
			"QUOTADB_BIND": "127.0.0.1:1,127.0.0.1:2", "QUOTADB_NODE_ID": "7", "QUOTADB_ENABLE_TTL": "false",
			"QUOTADB_MAX_CONNECTIONS": "5", "QUOTADB_LOG_LEVEL": "error", "QUOTADB_BATCH_MAX_DELAY_MS": "20"},
			with(func(c *Config) {
				c.Bind, c.NodeID, c.EnableTTL = []string{"127.0.0.1:1", "127.0.0.1:2"}, 7, false
				c.MaxConnections, c.LogLevel, c.BatchMaxDelay = 5, slog.LevelError, 20*time.Millisecond
			})},
		{"a flag wins over the environment", "-b 127.0.0.1:9 --shards 9", map[string]string{
			"QUOTADB_BIND": "127.0.0.1:1", "QUOTADB_SHARDS": "nonsense"},
			with(func(c *Config) { c.Bind, c.Shards = []string{"127.0.0.1:9"}, 9 })},
		{"an empty variable is not set where the flag takes no empty argument", "",
			map[string]string{"QUOTADB_SHARDS": "", "QUOTADB_BIND": "", "QUOTADB_DURABILITY": "", "QUOTADB_PEERS": ""}, Default()},
		{"an empty variable is set where the flag takes an empty argument", "", map[string]string{"QUOTADB_DATA_DIR": ""},
			with(func(c *Config) { c.DataDir = "" })},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parse(strings.Fields(test.args), test.env)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestParseNamesTheFlagThatIsWrong(t *testing.T) {
	tests := []struct{ args, want string }{
		{"--shards 0", "--shards"},
		{"--shards 65537", "--shards"},
		{"--shards x", "--shards"},
		{"-n 0", "--node-id"},
		{"-n 65536", "--node-id"},
		{"--max-connections 0", "--max-connections"},
		{"--maxmemory 1tb", "--maxmemory"},
		{"--maxmemory -1", "--maxmemory"},
		{"--timeout -1", "--timeout"},
		{"--ttl-tick-ms 0", "--ttl-tick-ms"},
		{"--enable-ttl maybe", "--enable-ttl"},
		{"--log-level loud", "--log-level"},
		{"--bind nowhere", "--bind"},
		{"--bind 127.0.0.1:65536", "--bind"},
		{"--bind 127.0.0.1:1,,127.0.0.1:2", "--bind"},
		{"--bind 127.0.0.1:1,127.0.0.1:1", "--bind"},
		{"--bind unix:", "--bind"},
		{"--bind=", "--bind"},
		{"--bind unix:/" + strings.Repeat("x", 107), "--bind"},
		{"--log-format xml", "--log-format"},
		{"--config missing.toml", "--config"},
		{"--pprof-bind 0.0.0.0:6060", "--pprof-bind"},
		{"--replication-port 65536", "--replication-port"},
		{"--replication-bind 127.0.0.1:6381", "--replication-bind"},
		{"--replication-bind [::1]", "--replication-bind"},
		{"--anti-entropy-interval 99ms", "--anti-entropy-interval"},
		{"--anti-entropy-interval 3601", "--anti-entropy-interval"},
		{"--anti-entropy-interval soon", "--anti-entropy-interval"},
		{"--anti-entropy-interval -1s", "--anti-entropy-interval"},
		{"--cluster-secret abc --cluster-secret-file f", "--cluster-secret-file"},
		{"--insecure-cluster perhaps", "--insecure-cluster"},
		{"--batch-max-size 0", "--batch-max-size"},
		{"--batch-max-delay-ms 60001", "--batch-max-delay-ms"},
		{"--quota-wait-ms 60001", "--quota-wait-ms"},
		{"--quota-wait-ms -1", "--quota-wait-ms"},
		{"--peers node2", "--peers"},
		{"--peers :6381", "--peers"},
		{"--no-such-flag", "--no-such-flag"},
		{"serve", "serve"},
	}
	for _, test := range tests {
		_, err := parse(strings.Fields(test.args), nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v does not name %s", test.args, err, test.want)
		}
	}
	_, err := parse(nil, map[string]string{"QUOTADB_NODE_ID": "x"})
	if err == nil || !strings.Contains(err.Error(), "QUOTADB_NODE_ID") {
		t.Errorf("error %v does not name the variable", err)
	}
}

func TestTheClusterSecretIsInNoError(t *testing.T) {
	for _, args := range []string{"--cluster-secret hush --cluster-secret-file f", "--cluster-secret hush --shards 0", "--cluster-secret hush hush2"} {
		if _, err := parse(strings.Fields(args), nil); err == nil || strings.Contains(strings.ReplaceAll(err.Error(), "hush2", ""), "hush") {
			t.Errorf("%s: %v", args, err)
		}
	}
	_, err := parse([]string{"--shards", "0"}, map[string]string{"QUOTADB_CLUSTER_SECRET": "hush", "QUOTADB_CLUSTER_SECRET_FILE": "f"})
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("environment: %v", err)
	}
}

func TestPeersConnectOnTheHostOfTheClients(t *testing.T) {
	for args, want := range map[string]string{
		"": "127.0.0.1:6381",
		"-b 0.0.0.0:6380 --replication-port 7000":             "0.0.0.0:7000",
		"-b unix:/tmp/q,[::1]:6380":                           "[::1]:6381",
		"-b :6380":                                            ":6381",
		"-b unix:/tmp/q --replication-port 0":                 "127.0.0.1:0",
		"-b 0.0.0.0:6380 --replication-bind ::1":              "[::1]:6381",
		"-b 127.0.0.1:6380,10.0.0.1:1 --replication-bind db1": "db1:6381",
	} {
		c, err := parse(strings.Fields(args), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.ReplicationAddress(); got != want {
			t.Errorf("%q: got %s, want %s", args, got, want)
		}
	}
}

func TestHelpListsEveryOptionWithItsDefault(t *testing.T) {
	var out strings.Builder
	if _, err := Parse(Sources{Args: []string{"--help"}, Out: &out}); !errors.Is(err, ErrHelp) {
		t.Fatal(err)
	}
	for _, g := range groups(Default()) {
		for _, o := range g.options {
			if !strings.Contains(out.String(), "--"+o.name+" <"+o.arg+">") {
				t.Errorf("help lacks --%s", o.name)
			}
		}
	}
	for _, want := range []string{
		"  -b, --bind <ADDR>", "[default: 127.0.0.1:6380]", "[default: 64]", "[default: 10000]", "[default: true]",
		"[default: 100]", "[default: info]", "\nReplication Options:\n", "[default: 6381]", "[default: 10]", "[default: 10s]",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("help lacks %q:\n%s", want, out.String())
		}
	}
}

func TestVersionIsPrinted(t *testing.T) {
	var out strings.Builder
	for _, arg := range []string{"--version", "-V", "-v", "version"} {
		out.Reset()
		if _, err := Parse(Sources{Args: []string{arg}, Out: &out}); !errors.Is(err, ErrVersion) {
			t.Fatal(arg, err)
		}
		if !strings.HasPrefix(out.String(), "quota-db "+Version+" (") || !strings.Contains(out.String(), runtime.Version()) {
			t.Errorf("%s: got %q", arg, out.String())
		}
	}
}

func TestHelpIsACommandToo(t *testing.T) {
	if _, err := parse([]string{"help"}, nil); !errors.Is(err, ErrHelp) {
		t.Error(err)
	}
}

func TestErrorsSayWhatWasMeant(t *testing.T) {
	for args, want := range map[string]string{
		"--port 6379":                         "--bind",
		"--dir /data":                         "--data-dir",
		"--maxclients 5":                      "--max-connections",
		"--datadir /data":                     "--data-dir",
		"--timeout 9999999999999":             "too large",
		"--timeout 99999999999999999999":      "too large",
		"--ttl-tick-ms 9999999999999999":      "too large",
		"--anti-entropy-interval 10000000h":   "too large",
		"--anti-entropy-interval 99999999999": "too large",
		"serve":                               "check, backup, clock, completion, man, version, help",
	} {
		if _, err := parse(strings.Fields(args), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error %v does not say %q", args, err, want)
		}
	}
}

func TestVariablesThatAreNoOptionsAreNamed(t *testing.T) {
	environ := []string{"HOME=/", "QUOTADB_SHARDS=1", "QUOTADB_MAX_MEMORY=1gb", "QUOTADB_PORT=1", "QUOTADB_REQUIREPASS_FIEL=f"}
	got := strings.Join(Unknown(environ), "; ")
	if want := "QUOTADB_MAX_MEMORY (here: --maxmemory); QUOTADB_PORT (here: --bind HOST:PORT or --bind unix:/PATH); QUOTADB_REQUIREPASS_FIEL"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseBytesReadsRedisUnits(t *testing.T) {
	good := map[string]int64{
		"0": 0, "12": 12, "5b": 5, "1k": 1000, "1kb": 1024, "2M": 2_000_000, "2MB": 2 << 20, "1g": 1_000_000_000, "1Gb": 1 << 30,
	}
	for text, want := range good {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "kb", "1.5gb", "-1", "1 mb", "9223372036854775807kb", "1bb", "0x10"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}
