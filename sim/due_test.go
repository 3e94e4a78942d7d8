package sim

import (
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/internal/history"
)

// due is a key that is counted on everywhere and gets a deadline once, from any host that shows something. All clocks
// show the same. What that host showed then must be gone there after the deadline, and in the end everywhere, since no
// command has extended the deadline.
type due struct {
	world *world
	key   string
	by    *process // the process that gave the deadline; nil: none yet
	at    int64    // unix ms
	shown uint64   // the digits that the deadline ends
}

func (c *clients) due(h *host, key string) {
	if c.random.IntN(3) > 0 {
		c.increment(h, key)
	} else if x := c.watches[key].(*due); x.by == nil {
		c.do(h, history.Op{Kind: history.Expire, Key: key, TTL: int64(50 + c.random.IntN(600))})
	}
}

func (x *due) did(p *process, op history.Op, before engine.Value) {
	if op.Kind == history.Expire {
		v, _ := viewOf(before)
		x.by, x.at, x.shown = p, p.now().Wall+op.TTL, v.digits
	}
	x.look()
}

// look looks at the process that gave the deadline while it runs; a new start may find an older disk.
func (x *due) look() {
	if x.by != nil && x.by.host.process == x.by && !x.by.host.isAsleep() {
		x.lookAt(x.by)
	}
}

func (x *due) lookAt(p *process) {
	if v, _ := viewOf(p.get(x.key)); p.host.wall() >= x.at && v.digits&x.shown != 0 {
		x.world.fail("host %d shows %x in %s, of which %x was due at %d", p.host.index, v.digits, x.key, v.digits&x.shown, x.at-epoch)
	}
}

func (x *due) end() {
	if x.by == nil || x.by.host.process != x.by {
		return
	}
	for _, h := range x.world.hosts {
		if h.process != nil {
			x.lookAt(h.process)
		}
	}
}
