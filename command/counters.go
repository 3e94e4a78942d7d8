package command

import (
	"math"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/resp"
)

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
	case n == math.MinInt64: // has no opposite
		c.fail(errDecrement)
	case n <= 0 && c.tx.Get(c.key).Kind == engine.Quota: // adding would take tokens
		c.fail(errQuota)
	default:
		c.add(-n)
	}
}

func incrByFloat(c *call) { c.fail(errFloat) }

// add counts on the key and answers the new value.
func (c *call) add(delta int64) {
	n, err := c.tx.Add(c.key, delta)
	if err != nil {
		c.fail(engineError(err))
		return
	}
	c.integer(n)
}
