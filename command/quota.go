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
			usage: "key limit:integer window:integer", complexity: constantTime,
			summary: "Make a key a quota: a token bucket with a limit per window"},
		{name: "quotaget", arity: -2, flags: readonly | fast, keys: oneKey(looksAt), since: ours, handler: quotaGet,
			usage: "key [FULL]", complexity: constantTime,
			summary: "Get the limit, window and remaining tokens of a quota"},
		{name: "quotadel", arity: 2, flags: write | fast, keys: oneKey(touches), since: ours, handler: quotaDel,
			usage: "key", complexity: constantTime, summary: "Remove a quota; the key is a counter again"},
		{name: "quotaincr", arity: -4, flags: write | denyOOM | fast, keys: oneKey(changes), since: ours, handler: quotaIncr,
			usage: "key limit:integer window:integer [tokens:integer]", complexity: constantTime,
			summary: "Take tokens from a quota; create or change the quota first if needed"},
		{name: "cl.throttle", arity: -5, flags: write | denyOOM | fast, keys: oneKey(changes), since: ours, handler: throttle,
			usage: "key max-burst:integer count:integer period:integer [quantity:integer]", complexity: constantTime,
			summary: "Take tokens from a quota, with the arguments and reply of the module redis-cell"},
	}, ofQuotas, aclString)
}

// maxWindowSeconds is the longest window of a quota.
const maxWindowSeconds = int64(quota.MaxPeriod / time.Second)

// limit reads the arguments at i and i+1 as a quota's limit and window; false after answering an error.
func (c *call) limit(i int) (quota.Rate, bool) {
	limit, ok := resp.ParseInt(c.args[i])
	if !ok || limit < 1 || limit > quota.MaxTokens {
		c.fail(errQuotaLimit)
		return quota.Rate{}, false
	}
	window, ok := resp.ParseInt(c.args[i+1])
	if !ok || window < 1 || window > maxWindowSeconds {
		c.fail(errQuotaWindow)
		return quota.Rate{}, false
	}
	rate, err := quota.Limit(uint64(limit), time.Duration(window)*time.Second)
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

// quotaIncr is QUOTAINCR key limit window [n]: it makes sure of the quota, takes, and answers as INCR does.
func quotaIncr(c *call) {
	rate, ok := c.limit(2)
	if !ok {
		return
	}
	n := int64(1)
	switch len(c.args) {
	case 4:
	case 5:
		if n, ok = resp.ParseInt(c.args[4]); !ok || n < 0 {
			c.fail(errQuotaTokens)
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
	case !taken:
		c.integer(-1)
	default:
		c.integer(int64(state.Bucket.Remaining(rate, c.now.Mono)))
	}
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
	c.integer(ceil(state.Rate.Window(), time.Second))
	c.integer(int64(state.Bucket.Remaining(state.Rate, c.now.Mono)))
	if full {
		c.integer(ceil(state.Bucket.RetryAfter(state.Rate, 1, c.now.Mono), time.Millisecond))
		c.integer(ceil(state.Bucket.FullAfter(c.now.Mono), time.Millisecond))
	}
}

// quotaDel is QUOTADEL key.
func quotaDel(c *call) { c.flag(c.tx.DeleteQuota(c.key)) }

// ceil is a time in units, rounded up.
func ceil(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d%unit > 0 {
		n++
	}
	return n
}

// throttle is CL.THROTTLE key max_burst count period [quantity], as the module redis-cell has it: whether it was
// refused, the capacity, what remains, seconds until it is worth trying again (-1 when it was not refused, or never
// will be), and seconds until the bucket is full.
func throttle(c *call) {
	var n [4]int64
	n[3] = 1 // quantity
	if len(c.args) > 6 {
		c.fail(errSyntax)
		return
	}
	for i, arg := range c.args[2:] {
		v, ok := resp.ParseInt(arg)
		if !ok {
			c.fail(errNotInteger)
			return
		}
		n[i] = v
	}
	burst, count, period, quantity := n[0], n[1], n[2], n[3]
	switch {
	case burst < 0 || burst >= quota.MaxTokens:
		c.fail(errBurst)
		return
	case count < 1 || count > quota.MaxTokens:
		c.fail(errCount)
		return
	case period < 1 || period > maxWindowSeconds:
		c.fail(errPeriod)
		return
	case quantity < 0:
		c.fail(errQuantity)
		return
	}
	rate, err := quota.New(uint64(burst)+1, uint64(count), time.Duration(period)*time.Second)
	if err != nil {
		c.fail(errQuotaWindow)
		return
	}
	taken, state, err := c.tx.Throttle(c.key, rate, uint64(quantity))
	if err != nil {
		c.fail(quotaError(err))
		return
	}
	c.throttled(taken, state, uint64(quantity))
}

// throttled answers CL.THROTTLE.
func (c *call) throttled(taken bool, state engine.QuotaState, quantity uint64) {
	retry := int64(-1)
	if wait := state.Bucket.RetryAfter(state.Rate, quantity, c.now.Mono); !taken && wait >= 0 {
		retry = ceil(wait, time.Second)
	}
	c.array(5)
	c.flag(!taken)
	c.integer(int64(state.Rate.Capacity))
	c.integer(int64(state.Bucket.Remaining(state.Rate, c.now.Mono)))
	c.integer(retry)
	c.integer(ceil(state.Bucket.FullAfter(c.now.Mono), time.Second))
}

// quotaError is the text for an error of an operation on a quota.
func quotaError(err error) string {
	if err == engine.ErrNotInteger {
		return errQuotaBytes
	}
	return engineError(err)
}
