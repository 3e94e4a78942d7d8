package command

import (
	"log/slog"
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/params"
	"github.com/quotadb/quota-db/resp"
)

// parameters are all parameters of CONFIG: those of Redis that mean something here, and the flags of this server.
func (s *Server) parameters() []params.Param {
	c := s.Config
	host, port, path := bound(c.Bind)
	all := []params.Param{
		params.Memory("maxmemory", &s.Params.MaxMemory),
		{Name: "maxmemory-policy", Get: params.Constant("noeviction"), Set: setPolicy},
		s.Params.MaxClientsParam(),
		params.Integer("timeout", &s.Params.TimeoutSeconds, 0, math.MaxInt32),
		params.Integer("tcp-keepalive", &s.Params.KeepAlive, 0, math.MaxInt32),
		s.Params.OutputParam(),
		s.requirePassParam(),
		params.Switch("protected-mode", &s.Params.ProtectedMode),
		params.Integer("acllog-max-len", &s.Params.AccessLogLen, 0, 1<<16),
		params.Fixed("aclfile", c.UserFile),
		params.Sole("acl-pubsub-default", "resetchannels", "there are no channels"),
		params.Sole("maxmemory-clients", "0", "clients are bounded one by one, see client-output-buffer-limit"),
		params.Integer("slowlog-log-slower-than", &s.Params.SlowlogSlower, -1, math.MaxInt64),
		params.Integer("slowlog-max-len", &s.Params.SlowlogLen, 0, math.MaxInt64),
		params.Integer("latency-monitor-threshold", &s.Params.LatencyThreshold, 0, math.MaxInt64),
		params.Switch("latency-tracking", &s.Params.LatencyTracking),
		s.Params.PercentilesParam(),
		params.Integer("quota-wait-ms", &s.Params.QuotaWait, 0, config.MaxQuotaWait.Milliseconds()),
		params.Fixed("databases", "1"), // as SELECT: one database, so that a name is the same key on every node
		params.Fixed("bind", host),
		params.Fixed("port", port),
		params.Fixed("unixsocket", path),
		s.limitParam("proto-max-bulk-len", engine.MaxValueBytes, func(l *resp.Limits) *int { return &l.MaxBulkBytes }),
		s.limitParam("client-query-buffer-limit", mostBuffered, func(l *resp.Limits) *int { return &l.MaxBufferedBytes }),
		params.Fixed("loglevel", logLevel(c.LogLevel)),
		params.Fixed("node-id", strconv.Itoa(c.NodeID)),
		params.Fixed("shards", strconv.Itoa(c.Shards)),
		params.Fixed("enable-ttl", strconv.FormatBool(c.EnableTTL)),
		params.Fixed("ttl-tick-ms", strconv.FormatInt(c.TTLTick.Milliseconds(), 10)),
	}
	return append(all, s.persistenceParams()...)
}

// logLevel is the level in small letters, as Redis writes its own levels.
func logLevel(level slog.Level) string { return strings.ToLower(level.String()) }

// bound splits the addresses of --bind into Redis's parameters: all hosts, the first port and the first path.
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

// setPolicy accepts only the policy that the server has.
func setPolicy(value string) (apply func(), problem string) {
	policies := []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
		"allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"}
	for _, policy := range policies {
		if is([]byte(value), policy) {
			return params.Only("noeviction", "nothing is evicted here, the only policy is noeviction")(value)
		}
	}
	return nil, "argument(s) must be one of the following: " + strings.Join(policies, ", ")
}

// leastLimit is the smallest value of a limit of requests, in bytes. mostBuffered is the largest value of the limit of
// a client's input. An argument may not be longer than a value (engine.MaxValueBytes).
const (
	leastLimit   = 1 << 20
	mostBuffered = 1 << 40
)

// limitParam is the parameter of one limit of requests. A change holds for each client from its next batch.
func (s *Server) limitParam(name string, most int64, field func(*resp.Limits) *int) params.Param {
	get := func() string { return strconv.Itoa(*field(s.Limits())) }
	return params.Param{Name: name, Get: get, Set: func(value string) (func(), string) {
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
