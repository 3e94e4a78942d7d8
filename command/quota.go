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
		c.failQuota(err)
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
	form := takeByQuotaIncr
	if full {
		form = takeInFull
	}
	c.take(taking{form, rate, uint64(n)})
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
// milliseconds until n tokens are there (0 if they were taken, -1 if there can never be so many); the milliseconds
// until all buckets are full.
func (c *call) decided(taken bool, state engine.QuotaState, n uint64) {
	if taken {
		n = 0 // there is nothing to wait for
	}
	retry, full := c.soonest(state, n)
	c.array(5)
	c.flag(taken)
	c.integer(int64(state.Rate.Capacity))
	c.integer(c.remaining(state))
	c.integer(waitIn(time.Millisecond, retry))
	c.integer(ceil(full, time.Millisecond))
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
	full := len(c.args) == 3
	answer := func(c *call) {
		if state, ok := c.tx.Quota(c.key); ok {
			c.quota(state, full)
		} else {
			c.nullArray()
		}
	}
	if state, ok := c.tx.Quota(c.key); !ok || !c.look(state, answer) {
		answer(c)
	}
}

// quota replies to QUOTAGET: the limit, the window, the tokens that remain. With full also the milliseconds until there
// is a token, and until all buckets are full; this node's part of the limit, and the tokens in it; the tokens of the
// other members that are connected, as far as known; the tokens of members that are not connected, which nobody can
// take.
func (c *call) quota(state engine.QuotaState, full bool) {
	if full {
		c.array(9)
	} else {
		c.array(3)
	}
	c.integer(int64(state.Rate.Capacity))
	c.window(state.Rate)
	remaining := c.remaining(state)
	c.integer(remaining)
	if !full {
		return
	}
	retry, all := c.soonest(state, 1)
	own, stranded := int64(state.Bucket.Remaining(state.Part, c.now.Mono)), uint64(0)
	if desk := c.server.Desk; desk != nil {
		stranded = desk.Stranded(c.key.Name, state.Rate)
	}
	c.integer(waitIn(time.Millisecond, retry))
	c.integer(ceil(all, time.Millisecond))
	c.integer(int64(state.Part.Capacity))
	c.integer(own)
	c.integer(remaining - own)
	c.integer(int64(stranded))
}

// quotaDel is QUOTADEL key.
func quotaDel(c *call) { c.flag(c.tx.DeleteQuota(c.key)) }

// waitIn is the time until there are tokens in units, rounded up; -1 if there can never be so many.
func waitIn(unit, wait time.Duration) int64 {
	if wait < 0 {
		return -1
	}
	return ceil(wait, unit)
}

// ceil is a length of time in units, rounded up.
func ceil(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d%unit > 0 {
		n++
	}
	return n
}
