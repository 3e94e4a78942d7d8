package sim

import (
	"fmt"
	"time"

	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/internal/history"
	"github.com/quotadb/quota-db/persist"
)

// maxDigits is the largest number of writes of a key: each is told from the others by a digit of the value.
const maxDigits = 28

// clients run commands.
type clients struct {
	*world
	keys    []string
	digits  map[string]int
	watches map[string]watch // by key
	quotas  *quotas          // nil: no quotas
}

// watch knows the commands that clients ran on a key, and checks what nodes show of it. It knows more than package
// history, which uses only the replies to clients.
type watch interface {
	did(p *process, op history.Op, before engine.Value) // called when an operation was executed
	look()                                              // called after each event
	end()                                               // called when all nodes have exchanged
}

func newClients(w *world) *clients {
	c := &clients{world: w, digits: map[string]int{}, watches: map[string]watch{}}
	kinds, each := []string{"sum", "reset", "window"}, 3
	switch {
	case w.streams && w.agreed: // only a comparison can find that a window has ended for another node
		kinds = []string{"sum", "lease"}
	case w.streams:
		kinds = []string{"sum", "reset"}
	case w.limits:
		kinds = []string{"limit"}
	case w.pairs:
		kinds, each = []string{"due"}, 9
	case w.agreed:
		kinds = []string{"cell"}
	case w.rolling:
		kinds, each = []string{"sum"}, 8
	case w.quotas:
		kinds, each = []string{"sum"}, 1
		c.quotas = newQuotas(w)
	}
	for _, kind := range kinds {
		for i := range each {
			c.add(kind, fmt.Sprint(kind, i))
		}
	}
	return c
}

func (c *clients) add(kind, key string) {
	c.keys = append(c.keys, key)
	switch kind {
	case "limit":
		c.watches[key] = newWindows(c.world, key)
	case "cell":
		c.watches[key] = newCell(c.world, key)
	case "due":
		c.watches[key] = &due{world: c.world, key: key}
	case "lease":
		c.watches[key] = &lease{world: c.world, key: key}
	}
}

// digit returns an amount that no other write of the key has; false if none is left.
func (c *clients) digit(key string) (int64, bool) {
	n := c.digits[key]
	if n >= maxDigits {
		return 0, false
	}
	c.digits[key]++
	return history.Digit(n), true
}

// mustDigit is digit for a key that is new.
func (c *clients) mustDigit(key string) int64 {
	amount, ok := c.digit(key)
	if !ok {
		c.t.Fatalf("%s has no digit left", key)
	}
	return amount
}

// command runs one command of one client, or a few commands as a transaction.
func (c *clients) command(h *host) {
	if h.process == nil || h.isAsleep() {
		return
	}
	if c.quotas != nil && !c.chance(8) {
		c.quotas.command(h)
		return
	}
	key := c.keys[c.random.IntN(len(c.keys))]
	n := c.random.IntN(100)
	switch {
	case n < 15:
		c.do(h, history.Op{Kind: history.Get, Key: key})
		return
	case n == 15 && !c.limits && !c.agreed:
		c.flush(h)
		return
	}
	switch key[:3] {
	case "sum":
		c.increment(h, key)
	case "lim":
		c.limit(h, key)
	case "cel":
		c.cell(h, key)
	case "due":
		c.due(h, key)
	case "lea":
		c.lease(h, key)
	case "res":
		c.reset(h, key)
	default:
		c.window(h, key)
	}
}

func (c *clients) increment(h *host, key string) {
	if amount, ok := c.digit(key); ok {
		if c.chance(6) {
			amount = -amount
		}
		c.do(h, history.Op{Kind: history.Incr, Key: key, Delta: amount})
	}
}

// maxWindow is the longest window of a limiter, in ms.
const maxWindow = 600

// limit acts as a limiter: it counts, and a client that begins a window sets its deadline in the same transaction. Some
// clients extend the window, or set the count within it.
func (c *clients) limit(h *host, key string) {
	ttl := int64(100 + c.random.IntN(maxWindow-100))
	n := c.random.IntN(8)
	if key != "limit0" { // windows are long, and are shortened later
		if ttl = maxWindow; n < 2 {
			n, ttl = 0, int64(10+c.random.IntN(60))
		}
	}
	if n < 2 {
		if there, _ := h.process.execute(history.Op{Kind: history.TTL, Key: key}); there < 0 {
			return
		}
		if n == 0 {
			c.do(h, history.Op{Kind: history.Expire, Key: key, TTL: ttl})
		} else if amount, ok := c.digit(key); ok {
			c.do(h, history.Op{Kind: history.Set, Key: key, Value: amount, KeepTTL: true})
		}
		return
	}
	amount, ok := c.digit(key)
	if !ok {
		return
	}
	first := history.Op{Kind: history.Incr, Key: key, Delta: amount, Node: h.index}
	id := c.history.Invoke(first)
	p := h.process
	value, _ := p.execute(first)
	var second history.ID
	if value == amount {
		expire := history.Op{Kind: history.Expire, Key: key, TTL: ttl, Node: h.index}
		second = c.history.Invoke(expire)
		p.execute(expire)
	}
	if h.level == persist.Always {
		p.await()
	}
	c.note("host %d: a limiter counts %d on %s -> %d", h.index, amount, key, value)
	if c.history.Ok(id, value); value == amount {
		c.saw("a limiter begins a window")
		c.history.Ok(second, 0)
	}
	p.answered = c.history.Mark()
}

func (c *clients) reset(h *host, key string) {
	switch n := c.random.IntN(10); {
	case n < 5:
		c.increment(h, key)
	case n < 7:
		if amount, ok := c.digit(key); ok {
			c.do(h, history.Op{Kind: []history.Kind{history.Set, history.GetSet}[n-5], Key: key, Value: amount})
		}
	case n < 9:
		c.do(h, history.Op{Kind: history.Del, Key: key})
	default:
		c.do(h, history.Op{Kind: history.GetDel, Key: key})
	}
}

// window acts as limiters do, and also as clients that change deadlines later.
func (c *clients) window(h *host, key string) {
	ttl := int64(50 + c.random.IntN(1500))
	switch n := c.random.IntN(20); {
	case n < 8:
		c.increment(h, key)
	case n < 12:
		c.do(h, history.Op{Kind: history.Expire, Key: key, TTL: ttl})
	case n < 13:
		c.do(h, history.Op{Kind: history.Persist, Key: key})
	case n < 15:
		if amount, ok := c.digit(key); ok {
			c.do(h, history.Op{Kind: history.Set, Key: key, Value: amount, TTL: ttl})
		}
	case n < 16:
		if amount, ok := c.digit(key); ok {
			c.do(h, history.Op{Kind: history.Set, Key: key, Value: amount, KeepTTL: true})
		}
	case n < 18:
		c.do(h, history.Op{Kind: history.Del, Key: key})
	default:
		c.do(h, history.Op{Kind: history.TTL, Key: key})
	}
}

// do executes an operation, and gives the client its reply or loses it.
func (c *clients) do(h *host, op history.Op) {
	op.Node = h.index
	p := h.process
	id := c.history.Invoke(op)
	reply, done := p.execute(op)
	if op.Kind != history.Get && op.Kind != history.TTL && h.level == persist.Always {
		if !c.streams && c.chance(40) {
			c.history.Unknown(id)
			c.saw("a process dies before its reply")
			h.die(c.chance(2))
			return
		}
		p.await()
	}
	c.note("host %d: %+v -> %d %t", h.index, op, reply, done)
	switch {
	case !done:
		c.history.Fail(id)
	case c.chance(25):
		c.saw("a reply is lost")
		c.history.Unknown(id)
	default:
		c.history.Ok(id, reply)
		p.answered = c.history.Mark()
	}
}

// await makes everything written so far durable.
func (p *process) await() {
	number, mark := p.store.Group(), p.host.world.history.Mark()
	p.store.Await(number, true, func() {})
	for tries := 0; !p.store.Safe(number); tries++ {
		p.host.world.now += time.Millisecond // waits for others, but not for long
		if p.store.Step(); tries > 100 {
			p.host.world.t.Fatal("a group does not become safe")
		}
	}
	p.groups = append(p.groups, group{number, mark})
}

// get returns the visible value of a key.
func (p *process) get(key string) engine.Value {
	db := p.store.DB()
	k := db.Key([]byte(key))
	tx := db.Lock(k, p.now())
	defer tx.Unlock()
	return tx.Get(k)
}

// execute executes an operation.
func (p *process) execute(op history.Op) (reply int64, done bool) {
	before, stored := p.get(op.Key), p.stored(op.Key)
	reply, done = p.apply(op)
	stored.check(p, op, done)
	if after := p.get(op.Key); op.Kind == history.Incr && before.Type == engine.None && done && (after.Int != op.Delta || after.Deadline != 0) {
		p.host.world.fail("host %d: INCRBY %s %d made a key that has %d and ends at %d", p.host.index, op.Key, op.Delta, after.Int, after.Deadline)
	}
	if x := p.host.world.clients.watches[op.Key]; x != nil && done {
		x.did(p, op, before)
	}
	return reply, done
}

// apply changes the engine as the commands do.
func (p *process) apply(op history.Op) (reply int64, done bool) {
	db, now := p.store.DB(), p.now()
	k := db.Key([]byte(op.Key))
	tx := db.Lock(k, now)
	defer tx.Unlock()
	before := tx.Get(k)
	deadline := int64(0)
	if op.TTL != 0 {
		deadline = now.Wall + op.TTL
	}
	switch op.Kind {
	case history.Get:
	case history.Incr:
		value, err := tx.Add(k, op.Delta)
		if err != nil {
			p.host.world.fail("INCRBY %s %d: %v", op.Key, op.Delta, err)
		}
		return value, err == nil
	case history.Set, history.GetSet:
		tx.Set(k, engine.Value{Type: engine.Integer, Int: op.Value, Deadline: deadline}, op.KeepTTL)
	case history.Del, history.GetDel:
		return before.Int, tx.Delete(k) // a key that is absent here is not deleted, even if another node has it
	case history.Expire:
		return 0, tx.SetDeadline(k, deadline)
	case history.Persist:
		if before.Deadline == 0 {
			return 0, false
		}
		return 0, tx.SetDeadline(k, 0)
	case history.TTL:
		switch {
		case before.Type == engine.None:
			return -2, true
		case before.Deadline == 0:
			return -1, true
		}
		return before.Deadline - now.Wall, true
	}
	return before.Int, true
}

// flush runs FLUSHALL, within a transaction or not.
func (c *clients) flush(h *host) {
	switch {
	case c.plain:
		return
	case c.quotas != nil:
		c.quotas.common.outside = true // all quotas end
	}
	if c.chance(2) {
		c.flushAtOnce(h)
	} else {
		c.flushSlowly(h)
	}
}

func (c *clients) flushAtOnce(h *host) {
	c.deletes(h, func() { h.process.store.DB().All(h.process.now()).Flush() })
	c.saw("FLUSHALL")
	c.note("host %d: FLUSHALL", h.index)
}

// flushSlowly deletes each key at a moment of its own; other clients run commands meanwhile.
func (c *clients) flushSlowly(h *host) {
	p := h.process
	c.note("host %d: FLUSHALL begins", h.index)
	for place, more := uint64(0), true; more && h.process == p && !h.isAsleep(); {
		c.deletes(h, func() { place = p.store.DB().FlushSome(place, p.now(), 1) })
		if more = place != 0; more && c.chance(2) {
			c.command(c.hosts[c.random.IntN(len(c.hosts))])
			c.pass(time.Duration(c.random.IntN(15)) * time.Millisecond)
		}
	}
	c.saw("FLUSHALL in slices")
	c.note("host %d: FLUSHALL ends", h.index)
}

// deletes runs a function that deletes keys.
func (c *clients) deletes(h *host, run func()) {
	p := h.process
	there := func() map[string]bool {
		keys := map[string]bool{}
		for _, key := range c.keys {
			keys[key] = p.get(key).Type != engine.None
		}
		return keys
	}
	before := there()
	ids := map[string]history.ID{}
	for _, key := range c.keys {
		if before[key] {
			ids[key] = c.history.Invoke(history.Op{Kind: history.Del, Key: key, Node: h.index})
		}
	}
	run()
	after := there()
	if h.level == persist.Always {
		p.await()
	}
	for _, key := range c.keys {
		switch id, asked := ids[key]; {
		case !asked:
		case after[key]:
			c.history.Fail(id)
		default:
			c.history.Ok(id, 0)
		}
	}
	p.answered = c.history.Mark()
}
