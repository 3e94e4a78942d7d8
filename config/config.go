// Package config turns the command line, the environment and a TOML file into one checked Config.
//
// A flag --x-y has the environment twin QUOTADB_X_Y and the key x-y in the file that --config names. The flag wins over the variable, the
// variable over the file. An empty variable counts as not set, unless the flag takes an empty argument, as --data-dir does. The table in
// options.go is the only place that names flags; Validate is the only place that judges values. The package is pure: it opens nothing and
// asks nothing of the machine; the file is read by a function that the caller gives.
package config

import (
	"log/slog"
	"time"
)

// LevelTrace is finer than slog's debug: one line for each thing that happens to a connection.
const LevelTrace = slog.LevelDebug - 4

// What Config.Durability can be.
const (
	DurabilityInterval = "interval" // the loss of the process costs what BatchMaxDelay has held back, that of the machine a second
	DurabilityAlways   = "always"   // nothing that was answered is lost
	DurabilityNone     = "none"     // as interval, but the system decides what the loss of the machine costs
)

// What Config.LogFormat can be.
const (
	LogText = "text" // key=value
	LogJSON = "json" // one JSON object a line
)

// Config is everything that a node is told at its start. The zero value is not valid; Default is.
type Config struct {
	// File names the TOML file that options were read from. Empty, the default: there is none.
	File string
	// Bind lists the addresses that serve clients: host:port, :port for all interfaces, or unix:/path.
	// Port 0 takes a free one. Default 127.0.0.1:6380.
	Bind []string
	// Shards is how many parts the keys are divided into, each with its own lock: 1 to MaxShards. Default 64.
	Shards int
	// NodeID is this node's number in its cluster: 1 to 65535, never used twice. Default 1.
	NodeID int
	// MaxConnections is how many clients may be connected at one time. Default 10000.
	MaxConnections int
	// MaxMemory is how many bytes the keys may take before writes that need memory are refused. 0, the default: no limit.
	MaxMemory int64
	// Timeout is how long a client may be idle before it is disconnected, in whole seconds. 0, the default: forever.
	Timeout time.Duration
	// EnableTTL allows commands that give a key a deadline. Default true.
	EnableTTL bool
	// TTLTick is how often keys past their deadline are swept, in whole milliseconds. Default 100 ms.
	TTLTick time.Duration
	// RequirePass is the default user's password. Empty, the default: none is needed. It is not to be shown.
	RequirePass string
	// RequirePassFile names a file whose first line is the default user's password. Empty, the default: there is none.
	RequirePassFile string
	// UserFile names a file of users in the form of Redis's ACL files. Empty, the default: there is none.
	UserFile string
	// ProtectedMode refuses clients from other hosts as long as the default user needs no password. Default true.
	ProtectedMode bool
	// DataDir is the directory that keeps the keys, made if there is none. Empty: they are kept in memory only. Default ./quota-data.
	DataDir string
	// Durability says what a write survives once it is answered: DurabilityInterval, the default, DurabilityAlways or DurabilityNone.
	Durability string
	// LogLevel is the lowest level that is logged, LevelTrace to slog.LevelError. Default info.
	LogLevel slog.Level
	// LogFormat is LogText or LogJSON. Default LogText.
	LogFormat string
	// PprofBind is the loopback host:port that serves profiles of the running process. Empty, the default: none.
	PprofBind string

	// Peers lists the replication addresses, host:port, of the other nodes of the cluster. Empty, the default: a
	// node of its own, which opens no replication port.
	Peers []string
	// ReplicationPort is where peers connect; 0 takes a free one. Default 6381. Not used without Peers.
	ReplicationPort int
	// ReplicationBind is the host, without a port, on which peers connect. Empty, the default: that of the first address of Bind.
	ReplicationBind string
	// BatchMaxSize is how many deltas a message to a peer holds at most. Default 100.
	BatchMaxSize int
	// BatchMaxDelay is how long a change waits for others before it is written and sent, in whole milliseconds. Default 10 ms.
	BatchMaxDelay time.Duration
	// AntiEntropyInterval is how often a node compares what it stores with each of its peers: 100 ms to an hour. Default 10 s.
	AntiEntropyInterval time.Duration
	// ClusterSecret is what all nodes of a cluster know and nobody else. Empty, the default: there is none, and nodes
	// connect on loopback only. It is not to be shown.
	ClusterSecret string
	// ClusterSecretFile names a file whose first line is ClusterSecret. Empty, the default: there is none.
	ClusterSecretFile string
	// InsecureCluster lets nodes of different hosts connect without a secret. Default false.
	InsecureCluster bool

	sources map[string]string // where each option that was set comes from, by its name; nil: all are defaults
}

// Default is the configuration of a node that is told nothing.
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

		AntiEntropyInterval: 10 * time.Second,
	}
}
