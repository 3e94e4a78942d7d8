package command

import (
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/resp"
)

// quotaCommands are the commands on quotas.
func quotaCommands() []*row {
	return inGroup([]*row{
		{name: "quotaset", arity: 4, flags: write | denyOOM | fast, keys: oneKey(touches), since: ours, handler: quotaSet,
			usage: "key limit:integer window", complexity: constantTime,
			summary: "Make a key a quota: a token bucket with a limit per window"},
		{name: "quotaget", arity: -2, flags: readonly | fast, keys: oneKey(looksAt), since: ours, handler: quotaGet,
			usage: "key [FULL]", complexity: constantTime,
			summary: "Get the limit, window and remaining tokens of a quota"},
		{name: "quotadel", arity: 2, flags: write | fast, keys: oneKey(touches), since: ours, handler: quotaDel,
			usage: "key", complexity: constantTime, summary: "Remove a quota; the key is a counter again"},
		{name: "quotaincr", arity: -4, flags: write | denyOOM | fast, keys: oneKey(changes), since: ours, handler: quotaIncr,
			usage: "key limit:integer window [tokens:integer] [FULL]", complexity: constantTime,
			summary: "Take tokens from a quota; create or change the quota first if needed"},
		{name: "quotagive", arity: 3, flags: write | fast, keys: oneKey(changes), since: ours, handler: quotaGive,
			usage: "key tokens:integer", complexity: constantTime, summary: "Give tokens back to a quota"},
		{name: "cl.throttle", arity: -5, flags: write | denyOOM | fast, keys: oneKey(changes), since: ours, handler: throttle,
			usage: "key max-burst:integer count:integer period:integer [quantity:integer]", complexity: constantTime,
			summary: "Take tokens from a quota, with the arguments and reply of the module redis-cell"},
	}, ofQuotas, aclString)
}

// limit reads the arguments at i and i+1 as a quota's limit and window; false after replying with an error.
func (c *call) limit(i int) (quota.Rate, bool) {
	limit, ok := resp.ParseInt(c.args[i])
	if !ok || limit < 1 || limit > quota.MaxTokens {
		c.fail(errQuotaLimit)
		return quota.Rate{}, false
	}
	window, ok := parseWindow(c.args[i+1])
	if !ok {
		c.fail(errQuotaWindow)
		return quota.Rate{}, false
	}
	rate, err := quota.Limit(uint64(limit), window)
	if err != nil {
		c.fail("ERR " + err.Error())
		return quota.Rate{}, false
	}
	return rate, true
}

// quotaSet is QUOTASET key limit window.
func quotaSet(c *call) {
	rate, ok := c.limit(2)
	if !ok {
		return
	}
	if err := c.tx.SetQuota(c.key, rate); err != nil {
		c.fail(quotaError(err))
		return
	}
	c.ok()
}

// quotaIncr is QUOTAINCR key limit window [n] [FULL]. It creates the quota or changes its limit, takes n tokens, and
// replies as INCR does. With FULL it replies with the figures for the headers of a program's own reply.
func quotaIncr(c *call) {
	rate, ok := c.limit(2)
	if !ok {
		return
	}
	rest := c.args[4:]
	full := len(rest) > 0 && is(rest[len(rest)-1], "full")
	if full {
		rest = rest[:len(rest)-1]
	}
	n := int64(1)
	switch len(rest) {
	case 0:
	case 1:
		if n, ok = c.tokens(rest[0]); !ok {
			return
		}
	default:
		c.fail(errSyntax)
		return
	}
	taken, state, err := c.tx.Throttle(c.key, rate, uint64(n))
	switch {
	case err != nil:
		c.fail(quotaError(err))
	case full:
		c.decided(taken, state, uint64(n))
	case !taken:
		c.integer(-1)
	default:
		c.integer(c.remaining(state))
	}
}

// tokens reads an argument as a number of tokens; false after replying with an error.
func (c *call) tokens(arg []byte) (n int64, ok bool) {
	if n, ok = resp.ParseInt(arg); !ok || n < 0 {
		c.fail(errQuotaTokens)
		return 0, false
	}
	return n, true
}

// decided replies to QUOTAINCR with FULL: 1 if n tokens were taken, otherwise 0; the limit; the tokens that remain; the
// milliseconds until n tokens are there (0 if they were taken, -1 if n is above the limit); the milliseconds until the
// bucket is full.
func (c *call) decided(taken bool, state engine.QuotaState, n uint64) {
	retry := int64(0)
	if !taken {
		retry = -1
		if wait := state.Bucket.RetryAfter(state.Rate, n, c.now.Mono); wait >= 0 {
			retry = ceil(wait, time.Millisecond)
		}
	}
	c.array(5)
	c.flag(taken)
	c.integer(int64(state.Rate.Capacity))
	c.integer(c.remaining(state))
	c.integer(retry)
	c.integer(ceil(state.Bucket.FullAfter(c.now.Mono), time.Millisecond))
}

// remaining is the number of whole tokens in a bucket.
func (c *call) remaining(state engine.QuotaState) int64 {
	return int64(state.Bucket.Remaining(state.Rate, c.now.Mono))
}

// quotaGive is QUOTAGIVE key n. It replies with the tokens that remain, as INCR does, or nil if the key has no quota.
func quotaGive(c *call) {
	n, ok := c.tokens(c.args[2])
	if !ok {
		return
	}
	state, ok := c.tx.GiveBack(c.key, uint64(n))
	if !ok {
		c.null()
		return
	}
	c.integer(c.remaining(state))
}

// quotaGet is QUOTAGET key [FULL].
func quotaGet(c *call) {
	if len(c.args) > 3 || len(c.args) == 3 && !is(c.args[2], "full") {
		c.fail(errSyntax)
		return
	}
	state, ok := c.tx.Quota(c.key)
	if !ok {
		c.nullArray()
		return
	}
	full := len(c.args) == 3
	if full {
		c.array(5)
	} else {
		c.array(3)
	}
	c.integer(int64(state.Rate.Capacity))
	c.window(state.Rate)
	c.integer(c.remaining(state))
	if full {
		c.integer(ceil(state.Bucket.RetryAfter(state.Rate, 1, c.now.Mono), time.Millisecond))
		c.integer(ceil(state.Bucket.FullAfter(c.now.Mono), time.Millisecond))
	}
}

// quotaDel is QUOTADEL key.
func quotaDel(c *call) { c.flag(c.tx.DeleteQuota(c.key)) }

// ceil is a length of time in units, rounded up.
func ceil(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d%unit > 0 {
		n++
	}
	return n
}

// quotaError is the reply for an error of an operation on a quota.
func quotaError(err error) string {
	if err == engine.ErrNotInteger {
		return errQuotaBytes
	}
	return engineError(err)
}
