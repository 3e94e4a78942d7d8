// Package command has all commands of the server: each command is one row of one table, and a handler.
//
// An Executor runs a client's pipelined commands as a batch. It finds each command's row, checks the number of
// arguments, hashes the keys, and warms the cache for all of them. Then it runs the handlers in order. Replies and
// error texts are those of Redis 7.0.
//
// Invariants:
//   - Each command has exactly one reply. Only SHUTDOWN and the verbs of HTTP have none; they end the client.
//   - Only the executor locks shards: one shard for a command with one key, all shards of the keys for a command with
//     several, none without keys. Handlers of commands without keys may call methods of DB, which lock by themselves.
//   - A handler uses one reading of the clock for all its decisions. It is less than a millisecond old when the handler
//     begins.
//   - To add a command, add a row to the list at the top of its family's file, and its handler below. No other code
//     knows the command.
//
// Lock order: first a shard's lock; then pause.mu, monitors.mu, or a lock of the error counts, the slow log or latency;
// then Clients.mu or a client's outbox.mu.
package command

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/acl"
	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/params"
	"github.com/quotadb/quota-db/persist"
	"github.com/quotadb/quota-db/replica"
	"github.com/quotadb/quota-db/resp"
	"github.com/quotadb/quota-db/shares"
	"github.com/quotadb/quota-db/stats"
)

// RedisVersion is the version of Redis in INFO and HELLO. Clients choose by it which commands and options they use.
const RedisVersion = "7.2.4"

const runIDBytes = 20 // shown as 40 hexadecimal digits

// Server is the state that all clients of one node share. Its methods are safe for concurrent use.
type Server struct {
	DB      *engine.DB
	Store   *persist.Store // nil: data is kept in memory only
	Config  *config.Config
	Params  *params.Values
	Stats   *stats.Stats
	Clients *Clients
	Users   *acl.Users
	Now     func() engine.Moment // both clocks; never goes back
	Start   time.Time
	Log     *slog.Logger
	Stop    func() // asks the process to shut down; does not block
	// Fences says that the code that runs Executors obeys Hold.Order. Otherwise no reply waits for other goroutines.
	Fences bool
	// Replication returns the state of replication; nil: there are no peers.
	Replication func() replica.Status
	// Desk gets tokens of quotas from other nodes; nil: there are no other nodes.
	Desk *shares.Desk
	// ClockOffset, if not nil, is how far Now is ahead of the machine's clock.
	ClockOffset func() time.Duration

	background sync.WaitGroup // work of commands beside the event loops, with keys
	files      sync.WaitGroup // work of commands beside the event loops, with files and without keys
	besides    atomic.Int64   // number of commands with work in background or files
	listing    sync.Mutex     // held by the KEYS that runs beside its event loop
	userFile   sync.Mutex     // held while the file of users is read or written
	loads      passes         // of ACL LOAD
	saves      passes         // of ACL SAVE
	purges     passes         // of MEMORY PURGE
	digests    digests
	flushes    flushes
	over       chan struct{} // closed by End
	end        sync.Once
	limits     atomic.Pointer[resp.Limits]
	locked     *resp.Limits // for clients that have not logged in
	attention  atomic.Int32 // reasons to run every command through Executor.step: clients of MONITOR, CLIENT PAUSE
	pause      pause
	monitors   monitors
	accessLog  accessLog
	failures   failures

	started engine.Moment
	runID   string
	random  func() uint64
	table   *table
	params  []params.Param
	missing map[string]string // the reason for each command of Redis that this server does not have
}

// NewServer returns a server for the keys of db. The clocks of now must never go back. SHUTDOWN calls stop.
func NewServer(cfg *config.Config, db *engine.DB, now func() engine.Moment, log *slog.Logger, stop func()) *Server {
	id := make([]byte, runIDBytes)
	_, _ = rand.Read(id) // never fails, by its documentation
	s := &Server{
		DB: db, Config: cfg, Params: params.New(cfg), Clients: newClients(),
		Now: now, Log: log, Stop: stop,
		started: now(), runID: hex.EncodeToString(id), random: mathrand.Uint64,
		over: make(chan struct{}), table: newTable(commands()), locked: resp.LockedLimits(), missing: missingCommands(),
	}
	s.limits.Store(resp.DefaultLimits())
	s.pause.server = s
	s.failures.rate = failureRate()
	s.Users = s.newUsers()
	s.Stats = stats.New(s.table.names())
	s.Start = time.UnixMilli(s.started.Wall)
	s.params = s.parameters()
	return s
}

// Connect adds a new client. remote and local are its addresses as CLIENT LIST shows them.
func (s *Server) Connect(remote, local string, connection Connection) *Client {
	s.Stats.Connections.Add(1)
	u := s.Users.Default()
	c := s.Clients.connect(remote, local, connection, u, s.Now().Wall)
	if p := u.Permissions(); p.NoPass && p.Enabled {
		c.loggedIn = true // stays logged in when a password is set later, as in Redis
	}
	return c
}

// Disconnect removes a client. None of its commands may run any more.
func (s *Server) Disconnect(c *Client) {
	c.killed.Store(true) // ends its work beside the event loops
	c.leave()
	s.endTransaction(c)
	s.leaveMonitors(c)
	s.Clients.disconnect(c)
}

// Attention is the number of reasons to look at every command of every client: clients of MONITOR, and CLIENT PAUSE.
func (s *Server) Attention() int { return int(s.attention.Load()) }

// Limits are the limits of requests. The caller must not change them.
func (s *Server) Limits() *resp.Limits { return s.limits.Load() }

// LimitsOf are the limits for the next request of a client. The caller must not change them.
func (s *Server) LimitsOf(c *Client) *resp.Limits {
	if c.NeedsLogin() {
		return s.locked
	}
	return s.Limits()
}

// Sample takes a sample of the counters, for the figures per second and the peak of memory in INFO. The caller calls it
// about once a second.
func (s *Server) Sample() {
	s.Stats.SawUsed(s.DB.Used())
	s.Stats.Sample(s.Now().Mono)
}

// ObserveSweep counts the time of one round of deleting expired keys.
func (s *Server) ObserveSweep(took time.Duration) {
	s.Stats.SweepTook(took)
	s.Stats.Latency.Observe(stats.EventSweep, s.Now().Wall, took, s.Params.LatencyThreshold.Load())
}

// uptime is the time since the start.
func (s *Server) uptime(now engine.Moment) time.Duration {
	return time.Duration(now.Mono - s.started.Mono)
}
