// Package config turns the command line, the environment and a TOML file into one checked Config.
//
// The flag --x-y is also the environment variable QUOTADB_X_Y and the key x-y of the file that --config names. The flag
// wins over the variable, the variable over the file. An empty variable counts as not set, unless the flag accepts an
// empty argument, as --data-dir does. The table in options.go is the only place that names flags; Validate is the only
// place that checks bounds of values. The package is pure: it opens nothing and does not look at the machine. The
// caller passes the function that reads the file.
package config

import (
	"log/slog"
	"time"
)

// LevelTrace is below slog's debug level: one line for each event of a connection.
const LevelTrace = slog.LevelDebug - 4

// Values of Config.Durability.
const (
	// DurabilityInterval: a kill of the process loses the last BatchMaxDelay of writes, a power loss the last second.
	DurabilityInterval = "interval"
	// DurabilityAlways: no acknowledged write is lost.
	DurabilityAlways = "always"
	// DurabilityNone: as interval, but the operating system decides how much a power loss loses.
	DurabilityNone = "none"
)

// Values of Config.LogFormat.
const (
	LogText = "text" // key=value
	LogJSON = "json" // one JSON object a line
)

// Config is the configuration of one node. The zero value is not valid; Default is.
type Config struct {
	// File names the TOML file of options. Empty, the default: there is none.
	File string
	// Bind lists the addresses that serve clients: host:port, :port for all interfaces, or unix:/path.
	// Port 0 means a free port. Default 127.0.0.1:6380.
	Bind []string
	// Shards is how many parts the keys are divided into, each with its own lock: 1 to MaxShards. Default 64.
	Shards int
	// NodeID is this node's number in its cluster: 1 to 65535, never used for two nodes. Default 1.
	NodeID int
	// MaxConnections is how many clients may be connected at one time. Default 10000.
	MaxConnections int
	// MaxMemory is how many bytes the keys may take before writes that need memory are refused. 0, the default: no
	// limit.
	MaxMemory int64
	// Timeout is how long a client may be idle before it is disconnected, in whole seconds. 0, the default: forever.
	Timeout time.Duration
	// EnableTTL allows commands that set a TTL. Default true.
	EnableTTL bool
	// TTLTick is how often expired keys are removed from memory, in whole milliseconds. Default 100 ms.
	TTLTick time.Duration
	// RequirePass is the default user's password. Empty, the default: none is needed. It must never be shown.
	RequirePass string
	// RequirePassFile names a file whose first line is the default user's password. Empty, the default: there is none.
	RequirePassFile string
	// UserFile names a file of users in the form of Redis's ACL files. Empty, the default: there is none.
	UserFile string
	// ProtectedMode refuses clients from other hosts as long as the default user needs no password. Default true.
	ProtectedMode bool
	// DataDir is the directory that keeps the keys; it is created if it is missing. Empty: keys are kept in memory
	// only. Default ./quota-data.
	DataDir string
	// Durability says which failures an acknowledged write survives: DurabilityInterval, the default, DurabilityAlways
	// or DurabilityNone.
	Durability string
	// LogLevel is the lowest level that is logged, LevelTrace to slog.LevelError. Default info.
	LogLevel slog.Level
	// LogFormat is LogText or LogJSON. Default LogText.
	LogFormat string
	// PprofBind is the loopback host:port that serves profiles of the running process. Empty, the default: none.
	PprofBind string

	// Peers lists the replication addresses, host:port, of the other nodes of the cluster. Empty, the default: the
	// node has no peers and opens no replication port.
	Peers []string
	// ReplicationPort is the port for peers; 0 means a free port. Default 6381. Not used without Peers.
	ReplicationPort int
	// ReplicationBind is the host, without a port, on which the node accepts peers. Empty, the default: the host of
	// the first address of Bind.
	ReplicationBind string
	// BatchMaxSize is the largest number of deltas in one message to a peer. Default 100.
	BatchMaxSize int
	// BatchMaxDelay is how long a change waits for other changes before it is written and sent, in whole
	// milliseconds. Default 10 ms.
	BatchMaxDelay time.Duration
	// QuotaWait is how long a command waits at most for tokens of a quota that other nodes have, in whole milliseconds,
	// up to a minute. 0: it never waits. Default 20 ms.
	QuotaWait time.Duration
	// Founders is how many nodes found the cluster: 1 to 256, the same on all of them. It is needed where an entry of
	// Peers is a name of several nodes. 0, the default: this node and all that Peers names.
	Founders int
	// AntiEntropyInterval is how often a node compares its data with each of its peers: 100 ms to an hour. Default 10
	// s.
	AntiEntropyInterval time.Duration
	// ClusterSecret is the shared secret of all nodes of the cluster. Empty, the default: there is none, and nodes
	// connect on loopback only. It must never be shown.
	ClusterSecret string
	// ClusterSecretFile names a file whose first line is ClusterSecret. Empty, the default: there is none.
	ClusterSecretFile string
	// InsecureCluster lets nodes of different hosts connect without a secret. Default false.
	InsecureCluster bool

	sources map[string]string // the source of each option that was set, by the option's name; nil: all are defaults
}

// Default is the configuration of a node without flags, variables and file.
func Default() *Config {
	return &Config{
		Bind:            []string{"127.0.0.1:6380"},
		Shards:          64,
		NodeID:          1,
		MaxConnections:  10000,
		EnableTTL:       true,
		TTLTick:         100 * time.Millisecond,
		ProtectedMode:   true,
		DataDir:         "./quota-data",
		Durability:      DurabilityInterval,
		LogLevel:        slog.LevelInfo,
		LogFormat:       LogText,
		ReplicationPort: 6381,
		BatchMaxSize:    100,
		BatchMaxDelay:   10 * time.Millisecond,
		QuotaWait:       20 * time.Millisecond,

		AntiEntropyInterval: 10 * time.Second,
	}
}
