package sim

import (
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/internal/history"
)

// lease is a key that is created once; then clients that see it count on it, give it deadlines and remove them. All
// clocks show the same, and no process dies. In the end the last EXPIRE or PERSIST must hold on all nodes, whatever was
// hidden meanwhile, and all counts must be there.
type lease struct {
	world    *world
	key      string
	made     bool
	sum      int64
	deadline int64
	last     int64 // unix ms of the last EXPIRE or PERSIST
	tied     bool  // two commands ran at that moment
}

func (c *clients) lease(h *host, key string) {
	x := c.watches[key].(*lease)
	there, _ := h.process.execute(history.Op{Kind: history.TTL, Key: key})
	if x.made && there == -2 {
		return
	}
	switch n := c.random.IntN(10); {
	case !x.made && n < 5:
		c.do(h, history.Op{Kind: history.Set, Key: key, Value: c.mustDigit(key), TTL: 500})
		c.do(h, history.Op{Kind: history.Set, Key: key, Value: c.mustDigit(key), KeepTTL: true})
	case n < 4 || !x.made:
		if amount, ok := c.digit(key); ok {
			c.do(h, history.Op{Kind: history.Incr, Key: key, Delta: amount})
		}
	case n < 7:
		c.do(h, history.Op{Kind: history.Expire, Key: key, TTL: int64(50 + c.random.IntN(500))})
	default:
		c.do(h, history.Op{Kind: history.Persist, Key: key})
	}
}

func (x *lease) did(p *process, op history.Op, _ engine.Value) {
	wall := p.now().Wall
	switch op.Kind {
	case history.Incr:
		x.made = true
		x.sum += op.Delta
		return
	case history.Set: // creates the key
		if x.made, x.sum, x.last = true, op.Value, wall; !op.KeepTTL {
			x.deadline = wall + op.TTL
		}
		return
	case history.Expire:
		x.deadline = wall + op.TTL
	case history.Persist:
		x.deadline = 0
	default:
		return
	}
	x.tied = x.last == wall || x.tied && x.last > wall
	x.last = wall
}

func (x *lease) look() {}

func (x *lease) end() {
	if x.tied || !x.made {
		return
	}
	for _, h := range x.world.hosts[:x.world.members] {
		want := x.sum
		if x.deadline != 0 && x.deadline <= h.wall() {
			want = 0
		}
		if got := h.process.get(x.key); got.Int != want || got.Deadline != x.deadline && want != 0 {
			x.world.fail("host %d shows %d in %s, which ends at %d, and not %d, which ends at %d", h.index, got.Int, x.key, got.Deadline, want, x.deadline)
		}
		if x.deadline == 0 {
			x.world.saw("a deadline is put off for ever, in time")
		}
	}
}
