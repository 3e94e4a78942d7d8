package command

import (
	"log/slog"
	"math"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// Params are the values that CONFIG SET changes while the server runs.
type Params struct {
	MaxMemory      atomic.Int64 // bytes that the keys may take; 0: no limit
	MaxClients     atomic.Int64 // connections at one time
	roomForClients atomic.Int64 // how many the system has open files for
	TimeoutSeconds atomic.Int64 // idle time before a client is disconnected; 0: never
	KeepAlive      atomic.Int64 // seconds between two signs of life from an idle connection's host; 0: none are asked for

	SlowlogSlower    atomic.Int64 // microseconds from which on a command is slow; 0: all are, negative: none
	SlowlogLen       atomic.Int64 // entries of the slow log
	LatencyThreshold atomic.Int64 // milliseconds from which on latency is monitored; 0: not at all
	LatencyTracking  atomic.Bool  // count in histograms how long commands take

	ProtectedMode atomic.Bool  // clients from other hosts are refused as long as the default user needs no password
	AccessLogLen  atomic.Int64 // entries that ACL LOG keeps

	requirePass atomic.Pointer[string]
	output      atomic.Pointer[outputLimits]
	percentiles atomic.Pointer[[]float64] // of latencies, that INFO shows
}

// DefaultKeepAlive is the parameter tcp-keepalive at the start, in seconds, as in Redis.
const DefaultKeepAlive = 300

// Redis's defaults.
const (
	slowlogSlower = 10_000
	slowlogLength = 128
)

func newParams(cfg *config.Config) *Params {
	p := new(Params)
	p.MaxMemory.Store(cfg.MaxMemory)
	p.MaxClients.Store(int64(cfg.MaxConnections))
	p.roomForClients.Store(config.MaxClients)
	p.TimeoutSeconds.Store(int64(cfg.Timeout / time.Second))
	p.KeepAlive.Store(DefaultKeepAlive)
	p.output.Store(defaultOutputLimits())
	p.ProtectedMode.Store(cfg.ProtectedMode)
	p.AccessLogLen.Store(accessLogLen)
	p.requirePass.Store(&cfg.RequirePass)
	p.SlowlogSlower.Store(slowlogSlower)
	p.SlowlogLen.Store(slowlogLength)
	p.LatencyTracking.Store(true)
	p.percentiles.Store(defaultPercentiles())
	return p
}

// BoundClients says how many clients the system has room for: maxclients is at most that.
func (p *Params) BoundClients(room int64) {
	p.roomForClients.Store(room)
	p.MaxClients.Store(min(p.MaxClients.Load(), room))
}

// maxClientsParam is maxclients, which the limit of open files bounds too.
func (s *Server) maxClientsParam() param {
	p := integerParam("maxclients", &s.Params.MaxClients, 1, config.MaxClients)
	set := p.set
	p.set = func(value string) (func(), string) {
		apply, problem := set(value)
		room := s.Params.roomForClients.Load()
		if n, ok := resp.ParseInt([]byte(value)); problem == "" && ok && n > room {
			return nil, "The operating system is not able to handle the specified number of clients, try with " + strconv.FormatInt(room, 10)
		}
		return apply, problem
	}
	return p
}

// param is one name that CONFIG knows.
type param struct {
	name string
	get  func() string
	// set checks a value and returns what makes it so, or says what is wrong with it. Nil: fixed at the start.
	set func(value string) (apply func(), problem string)
}

// parameters is all that CONFIG knows: names of Redis's where they mean something here, and the flags of our own.
func (s *Server) parameters() []param {
	c := s.Config
	host, port, path := bound(c.Bind)
	params := []param{
		memoryParam("maxmemory", &s.Params.MaxMemory),
		{"maxmemory-policy", constant("noeviction"), setPolicy},
		s.maxClientsParam(),
		integerParam("timeout", &s.Params.TimeoutSeconds, 0, math.MaxInt32),
		integerParam("tcp-keepalive", &s.Params.KeepAlive, 0, math.MaxInt32),
		outputParam(&s.Params.output),
		s.requirePassParam(),
		switchParam("protected-mode", &s.Params.ProtectedMode),
		integerParam("acllog-max-len", &s.Params.AccessLogLen, 0, 1<<16),
		{"aclfile", constant(c.UserFile), nil},
		{"acl-pubsub-default", constant("resetchannels"), only("resetchannels", "there are no channels")},
		{"maxmemory-clients", constant("0"), only("0", "clients are bounded one by one, see client-output-buffer-limit")},
		integerParam("slowlog-log-slower-than", &s.Params.SlowlogSlower, -1, math.MaxInt64),
		integerParam("slowlog-max-len", &s.Params.SlowlogLen, 0, math.MaxInt64),
		integerParam("latency-monitor-threshold", &s.Params.LatencyThreshold, 0, math.MaxInt64),
		switchParam("latency-tracking", &s.Params.LatencyTracking),
		percentilesParam(&s.Params.percentiles),
		{"databases", constant("1"), nil}, // what SELECT accepts: one, so that a key is the same on every node
		{"bind", constant(host), nil},
		{"port", constant(port), nil},
		{"unixsocket", constant(path), nil},
		s.limitParam("proto-max-bulk-len", engine.MaxValueBytes, func(l *resp.Limits) *int { return &l.MaxBulkBytes }),
		s.limitParam("client-query-buffer-limit", mostBuffered, func(l *resp.Limits) *int { return &l.MaxBufferedBytes }),
		{"loglevel", constant(logLevel(c.LogLevel)), nil},
		{"node-id", constant(strconv.Itoa(c.NodeID)), nil},
		{"shards", constant(strconv.Itoa(c.Shards)), nil},
		{"enable-ttl", constant(strconv.FormatBool(c.EnableTTL)), nil},
		{"ttl-tick-ms", constant(strconv.FormatInt(c.TTLTick.Milliseconds(), 10)), nil},
	}
	return append(params, s.persistenceParams()...)
}

// logLevel is the level as Redis's own levels are called, in small letters.
func logLevel(level slog.Level) string { return strings.ToLower(level.String()) }

// bound is what the addresses are in Redis's parameters: hosts, the first port and the first path.
func bound(binds []string) (hosts, port, path string) {
	var all []string
	port = "0"
	for _, bind := range binds {
		network, address := config.SplitBind(bind)
		if network == "unix" {
			if path == "" {
				path = address
			}
			continue
		}
		host, p, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		if len(all) == 0 {
			port = p
		}
		if host == "" {
			host = "*"
		}
		all = append(all, host)
	}
	return strings.Join(all, " "), port, path
}

func constant(value string) func() string { return func() string { return value } }

// setPolicy takes the policy that there is.
func setPolicy(value string) (apply func(), problem string) {
	policies := []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
		"allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"}
	for _, policy := range policies {
		if is([]byte(value), policy) {
			return only("noeviction", "nothing is evicted here, the only policy is noeviction")(value)
		}
	}
	return nil, "argument(s) must be one of the following: " + strings.Join(policies, ", ")
}

// only takes the one value that a parameter has anyway.
func only(value, problem string) func(string) (func(), string) {
	return func(v string) (func(), string) {
		if !is([]byte(v), value) {
			return nil, problem
		}
		return func() {}, ""
	}
}

func integerParam(name string, field *atomic.Int64, low, high int64) param {
	get := func() string { return strconv.FormatInt(field.Load(), 10) }
	return param{name, get, func(value string) (func(), string) {
		n, ok := resp.ParseInt([]byte(value))
		if !ok {
			return nil, "argument couldn't be parsed into an integer"
		}
		if n < low || n > high {
			return nil, "argument must be between " + strconv.FormatInt(low, 10) + " and " + strconv.FormatInt(high, 10) + " inclusive"
		}
		return func() { field.Store(n) }, ""
	}}
}

func switchParam(name string, field *atomic.Bool) param {
	get := func() string {
		if field.Load() {
			return "yes"
		}
		return "no"
	}
	return param{name, get, func(value string) (func(), string) {
		yes := is([]byte(value), "yes")
		if !yes && !is([]byte(value), "no") {
			return nil, "argument must be 'yes' or 'no'"
		}
		return func() { field.Store(yes) }, ""
	}}
}

func memoryParam(name string, field *atomic.Int64) param {
	get := func() string { return strconv.FormatInt(field.Load(), 10) }
	return param{name, get, func(value string) (func(), string) {
		n, err := config.ParseBytes(value)
		if value == "" { // no limit, as in Redis
			n, err = 0, nil
		}
		if err != nil {
			return nil, "argument must be a memory value"
		}
		return func() { field.Store(n) }, ""
	}}
}

// leastLimit is the smallest limit of requests, in bytes, and mostBuffered the largest of a client's input. An argument
// may not be longer than a value (engine.MaxValueBytes).
const (
	leastLimit   = 1 << 20
	mostBuffered = 1 << 40
)

// limitParam is one of the limits of requests. A change holds from each client's next round on.
func (s *Server) limitParam(name string, most int64, field func(*resp.Limits) *int) param {
	get := func() string { return strconv.Itoa(*field(s.Limits())) }
	return param{name, get, func(value string) (func(), string) {
		n, err := config.ParseBytes(value)
		if err != nil {
			return nil, "argument must be a memory value"
		}
		if n < leastLimit || n > most {
			return nil, "argument must be between " + strconv.Itoa(leastLimit) + " and " + strconv.FormatInt(most, 10) + " inclusive"
		}
		return func() {
			limits := *s.Limits()
			*field(&limits) = int(n)
			s.limits.Store(&limits)
		}, ""
	}}
}
