package command

import (
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/shares"
)

// waiter is a command that waits for tokens of other nodes, because this node has too few. Only its own client waits.
// The other nodes have taken the tokens from their buckets before they are counted here. So the tokens are either used
// for this command or given back.
type waiter struct {
	taking
	row      *row
	key      engine.Key
	orders   []*shares.Order // all but the last have been granted
	has      uint64          // tokens that other nodes have given
	deadline int64           // nanoseconds of engine.Moment.Mono
}

// longestAnswer bounds the wait for nodes that answer slowly.
const longestAnswer = time.Second

// mayWait reports whether the command may wait for other nodes.
func (c *call) mayWait() bool {
	return c.server.Desk != nil && c.server.Params.QuotaWait.Load() > 0 && !c.nothingWaits()
}

// waitsUntil is how long a command that may wait for other nodes waits at most: quota-wait-ms, or the time that their
// answers take lately if that is longer.
func (c *call) waitsUntil() (deadline int64) {
	wait := time.Duration(c.server.Params.QuotaWait.Load()) * time.Millisecond
	return c.now.Mono + int64(max(wait, min(c.server.Desk.RoundTrip(), longestAnswer)))
}

// order orders the tokens that this node lacks for a command, and makes the client wait. It returns false if the
// command must be answered now, because it must not wait, or because nobody can have the tokens.
func (c *call) order(t taking, state engine.QuotaState) bool {
	if !c.mayWait() || t.n > state.Rate.Capacity || c.isHopeless(state, t.n) {
		return false
	}
	deadline := c.waitsUntil()
	order := c.orderRest(state, t.n, deadline)
	if order == nil {
		return false
	}
	w := &waiter{taking: t, row: c.row, key: c.ownKey(), orders: []*shares.Order{order}, deadline: deadline}
	desk := c.server.Desk
	c.client.comeLate(deadline, w.goOn, func() { w.withdraw(desk) })
	return true
}

// orderRest orders what this node lacks of n tokens; nil: nobody can have them.
func (c *call) orderRest(state engine.QuotaState, n uint64, deadline int64) *shares.Order {
	want, _ := c.tx.Want(c.key, state.Rate, n)
	return c.server.Desk.Order(c.key.Name, want, deadline, c.now.Mono, c.client.rouser())
}

// isHopeless reports whether nobody can have what this node lacks of n tokens. It costs less than an order.
func (c *call) isHopeless(state engine.QuotaState, n uint64) bool {
	lacks := n - min(n, state.Bucket.Remaining(state.Part, c.now.Mono))
	return c.server.Desk.Hopeless(c.key.Name, state.Rate, lacks, c.now.Mono)
}

// goOn is called when other nodes have answered, or when the time is over. It returns false if the client must wait
// longer.
func (w *waiter) goOn(c *call, _ bool) (done bool) {
	s, client := c.server, c.client
	hurried := client.wait == hurried
	c.row, c.key = w.row, w.key
	problem := c.x.refusalOf(w.row)
	if until := s.pause.holdsUntil(w.row, client, c.now.Mono); until != 0 { // no tokens are taken during CLIENT PAUSE
		if !hurried {
			client.waitUntil(until)
			return false
		}
		problem = errQuotaEnds
	}
	over := hurried || c.now.Mono >= w.deadline
	granted, ended := w.orders[len(w.orders)-1].Result()
	if !ended && !over {
		client.waitUntil(w.deadline)
		return false
	}
	w.has += granted
	if problem != "" {
		w.withdraw(s.Desk)
		c.fail(problem)
		return true
	}
	c.lockAgain()
	defer c.unlockAgain()
	return w.finish(c, ended, granted > 0 && !over)
}

// refusalOf is the error for a write that has waited and may not run now; empty: it may run.
func (x *Executor) refusalOf(r *row) string {
	switch {
	case r.flags&denyOOM != 0 && x.server.isFull():
		return errOOM
	case x.refusing && r.flags&write != 0:
		return x.server.misconfigured()
	}
	return ""
}

// finish takes here what is still missing, and replies. If somebody has taken that meanwhile, the client may wait for
// one more order. ended: the last order has ended, and its tokens are counted in w.has. If it has not, no reply may
// leave before it is cancelled: nobody would use, or give back, the tokens that come for it later.
func (w *waiter) finish(c *call, ended, mayWait bool) (done bool) {
	rate, rest := w.rate, w.n-w.has
	if w.form == takeByIncr {
		state, exists := c.tx.Quota(c.key)
		if !exists { // the quota has ended: the key is a counter
			w.withdraw(c.server.Desk)
			c.add(int64(w.n))
			return true
		}
		rate = state.Rate
	}
	taken, state, err := c.tx.Throttle(c.key, rate, rest)
	if err == nil && !taken && mayWait {
		if order := c.orderRest(state, rest, w.deadline); order != nil {
			w.orders = append(w.orders, order)
			c.client.waitUntil(w.deadline)
			return false
		}
	}
	switch {
	case !taken:
		w.withdraw(c.server.Desk)
	case !ended: // the missing tokens have refilled here
		c.server.Desk.Cancel(w.orders[len(w.orders)-1])
	}
	if err != nil {
		c.failQuota(err)
		return true
	}
	w.reply(c, taken, state)
	return true
}

// withdraw cancels the orders: what others have given, or give later, goes back to them.
func (w *waiter) withdraw(desk *shares.Desk) {
	for _, order := range w.orders {
		desk.Cancel(order)
	}
}

// look makes the client wait until the other nodes have told how many tokens of the key's quota they have; then answer
// replies. It returns false if the command must be answered now: the key has no quota, nothing may wait, no other node
// is connected, or all have told it a moment ago.
func (c *call) look(state engine.QuotaState, answer func(*call)) bool {
	if !c.mayWait() {
		return false
	}
	deadline := c.waitsUntil()
	desk := c.server.Desk
	want, _ := c.tx.Want(c.key, state.Rate, 0)
	order := desk.Look(c.key.Name, want, deadline, c.now.Mono, c.client.rouser())
	if order == nil {
		return false
	}
	row, key := c.row, c.ownKey()
	c.client.comeLate(deadline, func(c *call, over bool) bool {
		if _, ended := order.Result(); !ended && !over {
			return false
		}
		desk.Cancel(order)
		c.row, c.key = row, key
		c.lockAgain()
		defer c.unlockAgain()
		answer(c)
		return true
	}, func() { desk.Cancel(order) })
	return true
}

// ownKey is the command's key, with a copy of its name.
func (c *call) ownKey() engine.Key {
	return engine.Key{Name: append([]byte(nil), c.key.Name...), Hash: c.key.Hash}
}

// lockAgain locks the shard of a command that has waited, and unlockAgain unlocks it.
func (c *call) lockAgain() {
	c.tx = c.server.DB.Lock(c.key, c.now)
	c.x.setMoment()
}

func (c *call) unlockAgain() {
	c.tx.Unlock()
	c.x.unsafe = c.x.unsafe || c.tx.Unsafe() || c.x.always && c.row.flags&write != 0
}
