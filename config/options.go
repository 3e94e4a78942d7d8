package config

import (
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// envPrefix begins the name of every environment variable of an option.
const envPrefix = "QUOTADB_"

// option is one flag, a row of the table. Parsing, environment and help are loops over that table.
type option struct {
	name  string // long name; in capitals also the name of the environment variable
	short string // one letter, or empty
	arg   string // the word for the argument in the help text; empty: the flag has no argument
	usage string
	value pflag.Value
}

// env is the name of the option's environment variable.
func (o option) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(o.name, "-", "_"))
}

// group is a heading of the help text with its options.
type group struct {
	title   string
	options []option
}

// groups is the table of the server's options; each sets a field of c.
func groups(c *Config) []group {
	return []group{
		{"Options", []option{
			{fileOption, "", "FILE", "TOML file of options; flags and variables win over it", text(&c.File)},
			{"bind", "b", "ADDR", "Address for clients, host:port or unix:/path (comma list, may repeat)", &listValue{dst: &c.Bind}},
			{"shards", "s", "NUM", "Number of lock shards (64 is right for most)", number(&c.Shards)},
			{"node-id", "n", "ID", "This node's unique identifier, 1 to 65535", number(&c.NodeID)},
			{"max-connections", "", "NUM", "Maximum concurrent connections", number(&c.MaxConnections)},
			{"maxmemory", "", "BYTES", "Refuse writes above this much memory, for example 100mb or 1gb (0: no limit)", memory(&c.MaxMemory)},
			{"timeout", "", "SECONDS", "Disconnect clients that are idle for this long (0: never)", duration(&c.Timeout, time.Second)},
			{"enable-ttl", "", "BOOL", "Enable TTL support", boolean(&c.EnableTTL)},
			{"ttl-tick-ms", "", "MS", "How often expired keys are removed from memory", duration(&c.TTLTick, time.Millisecond)},
			{"requirepass", "", "PASSWORD", "Password of the default user (empty: none is needed)", text(&c.RequirePass)},
			{"requirepass-file", "", "PATH", "File whose first line is the password of the default user", text(&c.RequirePassFile)},
			{"user-file", "", "PATH", "File of users, in the form of Redis's ACL files", text(&c.UserFile)},
			{"protected-mode", "", "BOOL", "Reject clients from other hosts unless a password is set", boolean(&c.ProtectedMode)},
			{"data-dir", "", "DIR", "Directory that keeps the data (empty: in memory only)", text(&c.DataDir)},
			{"durability", "", "LEVEL", "Which failures an acknowledged write survives: interval, always (power loss), none", word(&c.Durability)},
			{"log-level", "", "LEVEL", "Log level (trace, debug, info, warn, error)", level(&c.LogLevel)},
			{"log-format", "", "FORMAT", "Format of log lines: text (key=value) or json", text(&c.LogFormat)},
			{"pprof-bind", "", "ADDR", "Loopback address that serves Go profiles (empty: none)", text(&c.PprofBind)},
		}},
		{"Replication Options", []option{
			{"peers", "", "ADDR,ADDR,...", "Peer nodes for replication (comma list, may repeat)", &listValue{dst: &c.Peers}},
			{"founders", "", "NUM", "How many nodes found the cluster (0: this one and all that --peers names)", number(&c.Founders)},
			{"replication-port", "", "PORT", "Port for replication connections (0: a free one)", number(&c.ReplicationPort)},
			{"replication-bind", "", "HOST", "Host for replication connections (empty: the host of --bind)", text(&c.ReplicationBind)},
			{"batch-max-size", "", "NUM", "Largest number of deltas in one message to a peer", number(&c.BatchMaxSize)},
			{"batch-max-delay-ms", "", "MS", "Longest time that a change waits for others before it is written and sent", duration(&c.BatchMaxDelay, time.Millisecond)},
			{"quota-wait-ms", "", "MS", "How long a command waits for a quota's tokens from other nodes (0: it never waits)", duration(&c.QuotaWait, time.Millisecond)},
			{"anti-entropy-interval", "", "TIME", "How often nodes compare their data, for example 10 (seconds), 500ms, 1m", interval(&c.AntiEntropyInterval)},
			{"cluster-secret", "", "SECRET", "Shared secret, the same on every node", text(&c.ClusterSecret)},
			{"cluster-secret-file", "", "PATH", "File whose first line is the shared secret", text(&c.ClusterSecretFile)},
			{"insecure-cluster", "", "BOOL", "Replicate with other hosts without a secret", boolean(&c.InsecureCluster)},
		}},
	}
}

// levels are the names of --log-level.
var levels = []struct {
	name  string
	level slog.Level
}{
	{"trace", LevelTrace},
	{"debug", slog.LevelDebug},
	{"info", slog.LevelInfo},
	{"warn", slog.LevelWarn},
	{"error", slog.LevelError},
}
