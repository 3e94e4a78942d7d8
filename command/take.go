package command

import (
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
)

// taking is what a command wants to take from a quota. All commands that take tokens use it: each names the quota and
// replies in its own way.
type taking struct {
	form takingForm
	rate quota.Rate // that the command names; not with INCR
	n    uint64     // tokens
}

type takingForm uint8

const (
	takeByIncr      takingForm = iota // INCR and INCRBY: the key has a quota, or it is a counter
	takeByQuotaIncr                   // QUOTAINCR
	takeInFull                        // QUOTAINCR with FULL
	takeByThrottle                    // CL.THROTTLE
)

// take takes the tokens and replies. If this node has too few, the client may wait for tokens of other nodes. A command
// that takes no tokens looks how many other nodes have.
func (c *call) take(t taking) {
	taken, state, err := c.tx.Throttle(c.key, t.rate, t.n)
	switch {
	case err != nil:
		c.failQuota(err)
	case !taken && c.order(t, state):
	case t.n == 0 && c.look(state, func(c *call) { c.takeNow(t) }):
	default:
		t.reply(c, taken, state)
	}
}

// takeNow is take, but never waits.
func (c *call) takeNow(t taking) {
	taken, state, err := c.tx.Throttle(c.key, t.rate, t.n)
	if err != nil {
		c.failQuota(err)
		return
	}
	t.reply(c, taken, state)
}

// reply replies to a command that has taken its tokens, or was refused.
func (t taking) reply(c *call, taken bool, state engine.QuotaState) {
	c.x.limited(taken)
	switch {
	case t.form == takeByThrottle:
		c.throttled(taken, state, t.n)
	case t.form == takeInFull:
		c.decided(taken, state, t.n)
	case !taken:
		c.integer(-1)
	default:
		c.integer(c.remaining(state))
	}
}

// limited counts a command that took tokens, or was refused.
func (x *Executor) limited(taken bool) {
	if taken {
		x.admitted++
	} else {
		x.denied++
	}
}

// remaining is the number of whole tokens that remain: in this node's bucket, and at the other members as far as known.
func (c *call) remaining(state engine.QuotaState) int64 { return c.remainingOf(c.key, state) }

func (c *call) remainingOf(k engine.Key, state engine.QuotaState) int64 {
	tokens := state.Bucket.Remaining(state.Part, c.now.Mono)
	if desk := c.server.Desk; desk != nil {
		tokens = min(tokens+desk.Beside(k.Name, state.Rate, state.Part, c.now.Mono), state.Rate.Capacity)
	}
	return int64(tokens)
}

// soonest says how long it takes until this node and the other members that are connected, as far as known, can have n
// tokens together, if nobody takes any; negative: they cannot hold so many. And how long until all their buckets are
// full.
func (c *call) soonest(state engine.QuotaState, n uint64) (retry, full time.Duration) {
	if desk := c.server.Desk; desk != nil {
		return desk.Soonest(c.key.Name, state.Rate, state.Part, state.Bucket, n, c.now.Mono)
	}
	return state.Bucket.RetryAfter(state.Part, n, c.now.Mono), state.Bucket.FullAfter(c.now.Mono)
}

// failQuota replies with the error of an operation on a quota.
func (c *call) failQuota(err error) {
	switch err {
	case engine.ErrWaiting:
		c.fail(errWaiting + c.server.DB.Part().Why)
	case engine.ErrNotInteger:
		c.fail(errQuotaBytes)
	default:
		c.fail(engineError(err))
	}
}
