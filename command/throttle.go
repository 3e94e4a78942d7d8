package command

import (
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/resp"
)

// throttle is CL.THROTTLE key max_burst count period [quantity] of the module redis-cell. The reply: 1 if the request
// is refused, otherwise 0; the capacity; the tokens that remain; retry-after in seconds (-1 if the request is admitted,
// or larger than the bucket); the seconds until the bucket is full.
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
		c.fail(errFillTime)
		return
	}
	c.take(taking{takeByThrottle, rate, uint64(quantity)})
}

// throttled replies to CL.THROTTLE.
func (c *call) throttled(taken bool, state engine.QuotaState, quantity uint64) {
	retry, full := time.Duration(-1), time.Duration(0)
	if taken {
		_, full = c.soonest(state, 0)
	} else {
		retry, full = c.soonest(state, quantity)
	}
	c.array(5)
	c.flag(!taken)
	c.integer(int64(state.Rate.Capacity))
	c.integer(c.remaining(state))
	c.integer(waitIn(time.Second, retry))
	c.integer(ceil(full, time.Second))
}
