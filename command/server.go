// Package command is what clients can ask for: every command is one row of one table, and a handler.
//
// An Executor runs a client's pipelined commands as a batch: it finds each command's row, checks the arguments' number,
// hashes the keys and warms the cache for all of them; then it runs the handlers in order. Replies and error texts are
// Redis 7.0's.
//
// Invariants:
//   - A command gives exactly one reply; only SHUTDOWN and the verbs of HTTP, which end the client, give none.
//   - Only the executor locks shards: one for a command with one key, all that are needed for several, none without
//     keys. Handlers of commands without keys may call the DB's own methods, which lock for themselves.
//   - A handler decides everything by one reading of the clock, which is less than a millisecond old when it begins.
//   - Adding a command is adding a row to the list at the top of its family's file, and its handler below; nothing else
//     knows the command.
//
// Lock order: a shard's lock, then pause.mu, monitors.mu or those of the counts of errors, the slow log and latency,
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
	"github.com/quotadb/quota-db/stats"
)

// RedisVersion is the version that clients are told in INFO and HELLO, so that they use what servers of that age know.
const RedisVersion = "7.2.4"

const runIDBytes = 20 // shown as 40 hexadecimal digits

// Server is what the commands of one node work on. Its methods are safe for concurrent use.
type Server struct {
	DB      *engine.DB
	Store   *persist.Store // nil: nothing is kept on a disk
	Config  *config.Config
	Params  *params.Values
	Stats   *stats.Stats
	Clients *Clients
	Users   *acl.Users
	Now     func() engine.Moment // both clocks; never goes back
	Start   time.Time
	Log     *slog.Logger
	Stop    func() // asks the process to shut down; does not block
	// Fences says that whoever runs Executors keeps to Hold.Order. Otherwise no reply waits for that.
	Fences bool
	// Replication says how things stand between the nodes; nil: there are no others.
	Replication func() replica.Status
	// ClockOffset, if not nil, is how far Now is ahead of the machine's clock.
	ClockOffset func() time.Duration

	background sync.WaitGroup // what commands have begun beside them with the keys
	files      sync.WaitGroup // likewise, with files and without the keys
	besides    atomic.Int64   // how many commands have work in either
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
	locked     *resp.Limits // of clients that have not logged in
	attention  atomic.Int32 // how many reasons there are to look at each command of every client: see Executor.step
	pause      pause
	monitors   monitors
	accessLog  accessLog
	failures   failures

	started engine.Moment
	runID   string
	random  func() uint64
	table   *table
	params  []params.Param
	missing map[string]string // commands of Redis that are not here: why
}

// NewServer makes the commands for db. The clocks of now must never go back; stop is what SHUTDOWN calls.
func NewServer(cfg *config.Config, db *engine.DB, now func() engine.Moment, log *slog.Logger, stop func()) *Server {
	id := make([]byte, runIDBytes)
	_, _ = rand.Read(id) // never fails, as its documentation says
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

// Connect enters a new client. The addresses are as CLIENT LIST shows them.
func (s *Server) Connect(remote, local string, connection Connection) *Client {
	s.Stats.Connections.Add(1)
	u := s.Users.Default()
	c := s.Clients.connect(remote, local, connection, u, s.Now().Wall)
	if p := u.Permissions(); p.NoPass && p.Enabled {
		c.loggedIn = true // also when a password is set later, as in Redis
	}
	return c
}

// Disconnect forgets a client, whose commands no longer run.
func (s *Server) Disconnect(c *Client) {
	c.killed.Store(true) // what it has begun beside itself stops
	s.endTransaction(c)
	s.leaveMonitors(c)
	s.Clients.disconnect(c)
}

// Attention is for how many reasons every command of every client is looked at: MONITOR and CLIENT PAUSE.
func (s *Server) Attention() int { return int(s.attention.Load()) }

// Limits are those of requests. What they point to does not change.
func (s *Server) Limits() *resp.Limits { return s.limits.Load() }

// LimitsOf are those of a client's next request.
func (s *Server) LimitsOf(c *Client) *resp.Limits {
	if c.NeedsLogin() {
		return s.locked
	}
	return s.Limits()
}

// Sample looks at the counters, for the figures of INFO that are per second and for the peak of memory. It is to be
// called regularly, about once a second.
func (s *Server) Sample() {
	s.Stats.SawUsed(s.DB.Used())
	s.Stats.Sample(s.Now().Mono)
}

// ObserveSweep enters that deleting keys past their deadline took so long.
func (s *Server) ObserveSweep(took time.Duration) {
	s.Stats.SweepTook(took)
	s.Stats.Latency.Observe(stats.EventSweep, s.Now().Wall, took, s.Params.LatencyThreshold.Load())
}

// uptime is how long the server runs.
func (s *Server) uptime(now engine.Moment) time.Duration {
	return time.Duration(now.Mono - s.started.Mono)
}
