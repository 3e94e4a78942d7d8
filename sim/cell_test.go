package sim

import (
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/internal/history"
)

// cell is a key that is set, with a deadline or without, counted on and deleted. It gets no deadline other than a
// SET's, and all clocks show the same. So digits that have ended with their deadline at a node never come back there,
// since no command has extended the deadline.
type cell struct {
	world *world
	key   string
	shown map[*process]*remembered
}

// remembered is what clients have seen at a process.
type remembered struct {
	last  view
	ended uint64 // digits that were visible until their deadline passed
}

func newCell(w *world, key string) *cell {
	return &cell{world: w, key: key, shown: map[*process]*remembered{}}
}

func (c *clients) cell(h *host, key string) {
	n := c.random.IntN(20)
	if n < 4 {
		c.do(h, history.Op{Kind: history.Del, Key: key})
		return
	}
	amount, ok := c.digit(key)
	switch {
	case !ok:
	case n < 11:
		c.do(h, history.Op{Kind: history.Incr, Key: key, Delta: amount})
	case n < 15:
		c.do(h, history.Op{Kind: history.Set, Key: key, Value: amount, TTL: int64(50 + c.random.IntN(400))})
	default:
		c.do(h, history.Op{Kind: history.Set, Key: key, Value: amount})
	}
}

func (x *cell) did(*process, history.Op, engine.Value) { x.look() }

func (x *cell) look() {
	for _, h := range x.world.hosts {
		if h.process != nil && !h.isAsleep() {
			x.lookAt(h.process)
		}
	}
}

func (x *cell) end() { x.look() }

func (x *cell) lookAt(p *process) {
	h := p.host
	r := x.shown[p]
	if r == nil {
		r = &remembered{}
		x.shown[p] = r
	}
	value := p.get(x.key)
	v, ok := viewOf(value)
	if !ok {
		x.world.fail("host %d shows %d in %s: something was counted twice", h.index, value.Int, x.key)
	}
	if r.last.deadline != 0 && r.last.deadline <= h.wall() {
		r.ended |= r.last.digits &^ v.digits
	}
	if back := v.digits & r.ended; back != 0 {
		x.world.fail("host %d shows %d in %s, of which %x was gone with its deadline", h.index, value.Int, x.key, back)
	}
	r.last = v
}
