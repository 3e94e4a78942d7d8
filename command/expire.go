package command

import (
	"math"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// expireCommands are the commands on the deadlines of keys. A deadline is the moment at which the TTL ends.
func expireCommands() []*row {
	return inGroup([]*row{
		{name: "expire", arity: -3, flags: write | fast, keys: oneKey(touches), since: "1.0.0", handler: expire,
			usage: "key seconds:integer" + expireWords, complexity: constantTime,
			summary: "Set a key's TTL in seconds"},
		{name: "pexpire", arity: -3, flags: write | fast, keys: oneKey(touches), since: "2.6.0", handler: pexpire,
			usage: "key milliseconds:integer" + expireWords, complexity: constantTime,
			summary: "Set a key's TTL in milliseconds"},
		{name: "expireat", arity: -3, flags: write | fast, keys: oneKey(touches), since: "1.2.0", handler: expireAt,
			usage: "key unix-time-seconds:unix-time" + expireWords, complexity: constantTime,
			summary: "Set when a key expires, in unix seconds"},
		{name: "pexpireat", arity: -3, flags: write | fast, keys: oneKey(touches), since: "2.6.0", handler: pexpireAt,
			usage: "key unix-time-milliseconds:unix-time" + expireWords, complexity: constantTime,
			summary: "Set when a key expires, in unix milliseconds"},
		{name: "ttl", arity: 2, flags: readonly | fast, keys: oneKey(reads), since: "1.0.0", tips: []string{noFixedOutput}, handler: ttl,
			usage: "key", complexity: constantTime, summary: "Get a key's TTL in seconds"},
		{name: "pttl", arity: 2, flags: readonly | fast, keys: oneKey(reads), since: "2.6.0", tips: []string{noFixedOutput}, handler: pttl,
			usage: "key", complexity: constantTime, summary: "Get a key's TTL in milliseconds"},
		{name: "expiretime", arity: 2, flags: readonly | fast, keys: oneKey(reads), since: "7.0.0", handler: expireTime,
			usage: "key", complexity: constantTime, summary: "Get when a key expires, in unix seconds"},
		{name: "pexpiretime", arity: 2, flags: readonly | fast, keys: oneKey(reads), since: "7.0.0", handler: pexpireTime,
			usage: "key", complexity: constantTime, summary: "Get when a key expires, in unix milliseconds"},
		{name: "persist", arity: 2, flags: write | fast, keys: oneKey(touches), since: "2.2.0", handler: persistKey,
			usage: "key", complexity: constantTime, summary: "Remove a key's TTL"},
	}, ofKeys, aclKeyspace)
}

func expire(c *call)    { c.expireIn(seconds) }
func pexpire(c *call)   { c.expireIn(millis) }
func expireAt(c *call)  { c.expireIn(secondsAt) }
func pexpireAt(c *call) { c.expireIn(millisAt) }

// expireOptions are the conditions of the EXPIRE family.
type expireOptions struct{ nx, xx, gt, lt bool }

// parse reads the options; false after replying with an error.
func (o *expireOptions) parse(c *call) bool {
	for _, arg := range c.args[3:] {
		switch {
		case is(arg, "nx"):
			o.nx = true
		case is(arg, "xx"):
			o.xx = true
		case is(arg, "gt"):
			o.gt = true
		case is(arg, "lt"):
			o.lt = true
		default:
			c.failf("ERR Unsupported option %s", clip(arg, len(arg)))
			return false
		}
	}
	switch {
	case o.nx && (o.xx || o.gt || o.lt):
		c.fail(errExpireNX)
		return false
	case o.gt && o.lt:
		c.fail(errExpireGTLT)
		return false
	}
	return true
}

// allow reports whether the deadline at may replace the present one; 0 means no deadline, which counts as later than
// any.
func (o expireOptions) allow(at, present int64) bool {
	switch {
	case o.nx && present != 0, o.xx && present == 0:
		return false
	case o.gt:
		return present != 0 && at > present
	case o.lt:
		return present == 0 || at < present
	}
	return true
}

// expireIn is EXPIRE in all its forms. Unlike in SET, a time in the past is no error: it deletes the key.
func (c *call) expireIn(form expiry) {
	var options expireOptions
	if !options.parse(c) {
		return
	}
	at, ok := resp.ParseInt(c.args[2])
	if !ok {
		c.fail(errNotInteger)
		return
	}
	if form.inSeconds() {
		if at > math.MaxInt64/millisPerUnit || at < math.MinInt64/millisPerUnit {
			c.fail(invalidExpire(c.row))
			return
		}
		at *= millisPerUnit
	}
	if form.relative() {
		if at > math.MaxInt64-c.now.Wall {
			c.fail(invalidExpire(c.row))
			return
		}
		at += c.now.Wall
	}
	if !c.server.Config.EnableTTL {
		c.fail(errNoTTL)
		return
	}
	v := c.tx.Get(c.key)
	if v.Type == engine.None || !options.allow(at, v.Deadline) {
		c.flag(false)
		return
	}
	c.expire(at)
	c.flag(true)
}

// Replies of the TTL family that are no times.
const (
	noKey      = -2
	noDeadline = -1
)

// roundToSeconds rounds milliseconds to the nearest second. ms must not be negative.
func roundToSeconds(ms int64) int64 { return int64((uint64(ms) + 500) / 1000) }

// sameMillis returns milliseconds unchanged.
func sameMillis(ms int64) int64 { return ms }

func ttl(c *call)         { c.deadlineSince(c.now.Wall, roundToSeconds) }
func pttl(c *call)        { c.deadlineSince(c.now.Wall, sameMillis) }
func expireTime(c *call)  { c.deadlineSince(0, roundToSeconds) }
func pexpireTime(c *call) { c.deadlineSince(0, sameMillis) }

// deadlineSince replies with the key's deadline, counted from origin (unix milliseconds) in units.
func (c *call) deadlineSince(origin int64, unit func(int64) int64) {
	switch v := c.read(c.key); {
	case v.Type == engine.None:
		c.integer(noKey)
	case v.Deadline == 0:
		c.integer(noDeadline)
	default:
		c.integer(unit(v.Deadline - origin))
	}
}

func persistKey(c *call) {
	if c.tx.Get(c.key).Deadline == 0 {
		c.flag(false)
		return
	}
	c.flag(c.tx.SetDeadline(c.key, 0))
}
