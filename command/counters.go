package command

import (
	"math"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

// counterCommands are the commands that count.
func counterCommands() []*row {
	return inGroup([]*row{
		{name: "incr", arity: 2, flags: write | denyOOM | fast, keys: oneKey(changes), since: "1.0.0", handler: incr,
			usage: "key", complexity: constantTime, summary: "Add 1 to a counter"},
		{name: "incrby", arity: 3, flags: write | denyOOM | fast, keys: oneKey(changes), since: "1.0.0", handler: incrBy,
			usage: "key increment:integer", complexity: constantTime, summary: "Add a number to a counter"},
		{name: "decr", arity: 2, flags: write | denyOOM | fast, keys: oneKey(changes), since: "1.0.0", handler: decr,
			usage: "key", complexity: constantTime, summary: "Subtract 1 from a counter"},
		{name: "decrby", arity: 3, flags: write | denyOOM | fast, keys: oneKey(changes), since: "1.0.0", handler: decrBy,
			usage: "key decrement:integer", complexity: constantTime, summary: "Subtract a number from a counter"},
		{name: "incrbyfloat", arity: 3, flags: write | denyOOM | fast, keys: oneKey(changes), since: "2.6.0", handler: incrByFloat,
			usage: "key increment:integer", complexity: constantTime, summary: "Not supported: counters are integers"},
	}, ofStrings, aclString)
}

func incr(c *call) { c.add(1) }
func decr(c *call) { c.add(-1) }

func incrBy(c *call) {
	n, ok := resp.ParseInt(c.args[2])
	if !ok {
		c.fail(errNotInteger)
		return
	}
	c.add(n)
}

func decrBy(c *call) {
	n, ok := resp.ParseInt(c.args[2])
	switch {
	case !ok:
		c.fail(errNotInteger)
	case n == math.MinInt64: // -n does not fit in 64 bits
		c.fail(errDecrement)
	case n <= 0 && c.tx.Get(c.key).Type == engine.Quota: // on a quota, add would take tokens
		c.fail(errQuota)
	default:
		c.add(-n)
	}
}

func incrByFloat(c *call) { c.fail(errFloat) }

// add adds delta to the counter and replies with the new value.
func (c *call) add(delta int64) {
	n, err := c.tx.Add(c.key, delta)
	switch {
	case err == engine.ErrWaiting:
		c.failQuota(err)
		return
	case err != nil:
		c.fail(engineError(err))
		return
	}
	if state, is := c.tx.OnQuota(c.key); is {
		c.took(uint64(delta), n, state)
		return
	}
	c.integer(n)
}

// showRemaining replies to INCRBY of 0 on a quota after a look.
func showRemaining(c *call) {
	if state, exists := c.tx.Quota(c.key); exists {
		taking{form: takeByIncr}.reply(c, true, state)
		return
	}
	c.add(0) // the quota has ended: the key is a counter
}

// took replies to INCR on a quota. left is how many tokens remain here, or -1 if there are fewer than n.
func (c *call) took(n uint64, left int64, state engine.QuotaState) {
	t := taking{form: takeByIncr, n: n}
	if c.server.Desk == nil {
		c.x.limited(left >= 0)
		c.integer(left)
		return
	}
	switch taken := left >= 0; {
	case !taken && c.order(t, state):
	case n == 0 && c.look(state, showRemaining):
	default:
		t.reply(c, taken, state)
	}
}
