// Package params holds the values that CONFIG SET changes while the server runs, and the parameters of CONFIG: name,
// text of the value, check of a new value. It knows no client and no command.
package params

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/config"
	"github.com/quotadb/quota-db/resp"
)

// Values are the values that CONFIG SET changes while the server runs. Any goroutine may read and change them.
type Values struct {
	MaxMemory      atomic.Int64 // bytes that the keys may take; 0: no limit
	MaxClients     atomic.Int64 // connections at one time
	TimeoutSeconds atomic.Int64 // idle time before a client is disconnected; 0: never
	KeepAlive      atomic.Int64 // seconds between two TCP keepalive probes on an idle connection; 0: no probes
	QuotaWait      atomic.Int64 // milliseconds that a command waits for tokens of other nodes; 0: it never waits

	SlowlogSlower    atomic.Int64 // a command that takes this many microseconds or more is slow; negative: none is
	SlowlogLen       atomic.Int64 // entries of the slow log
	LatencyThreshold atomic.Int64 // events that take this many milliseconds or more are kept; 0: none are
	LatencyTracking  atomic.Bool  // count the durations of commands in histograms

	ProtectedMode atomic.Bool  // clients from other hosts are refused as long as the default user needs no password
	AccessLogLen  atomic.Int64 // entries that ACL LOG keeps

	RequirePass atomic.Pointer[string] // the password as CONFIG GET shows it, never nil

	roomForClients atomic.Int64 // clients for which the limit of open files has room
	output         atomic.Pointer[outputLimits]
	percentiles    atomic.Pointer[[]float64]
}

// DefaultKeepAlive is the parameter tcp-keepalive at the start, in seconds, as in Redis.
const DefaultKeepAlive = 300

// Defaults, as in Redis.
const (
	slowlogSlower = 10_000
	slowlogLen    = 128
	accessLogLen  = 128
)

// New returns the values at the start of a server.
func New(cfg *config.Config) *Values {
	v := new(Values)
	v.MaxMemory.Store(cfg.MaxMemory)
	v.MaxClients.Store(int64(cfg.MaxConnections))
	v.roomForClients.Store(config.MaxClients)
	v.TimeoutSeconds.Store(int64(cfg.Timeout / time.Second))
	v.KeepAlive.Store(DefaultKeepAlive)
	v.output.Store(defaultOutputLimits())
	v.QuotaWait.Store(cfg.QuotaWait.Milliseconds())
	v.ProtectedMode.Store(cfg.ProtectedMode)
	v.AccessLogLen.Store(accessLogLen)
	v.RequirePass.Store(&cfg.RequirePass)
	v.SlowlogSlower.Store(slowlogSlower)
	v.SlowlogLen.Store(slowlogLen)
	v.LatencyTracking.Store(true)
	v.percentiles.Store(defaultPercentiles())
	return v
}

// BoundClients bounds maxclients by the number of clients that the limit of open files has room for.
func (v *Values) BoundClients(room int64) {
	v.roomForClients.Store(room)
	v.MaxClients.Store(min(v.MaxClients.Load(), room))
}

// MaxClientsParam is the parameter maxclients, which BoundClients bounds too.
func (v *Values) MaxClientsParam() Param {
	p := Integer("maxclients", &v.MaxClients, 1, config.MaxClients)
	set := p.Set
	p.Set = func(value string) (func(), string) {
		apply, problem := set(value)
		room := v.roomForClients.Load()
		if n, ok := resp.ParseInt([]byte(value)); problem == "" && ok && n > room {
			return nil, "The operating system is not able to handle the specified number of clients, try with " + strconv.FormatInt(room, 10)
		}
		return apply, problem
	}
	return p
}
