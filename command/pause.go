package command

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quotadb/quota-db/resp"
)

// pause is the state of CLIENT PAUSE, for all clients. A command that it holds waits until its end, and so do the next
// commands of the same client.
type pause struct {
	server *Server
	mu     sync.Mutex   // held while a pause begins or is stopped
	until  atomic.Int64 // nanoseconds on the clock of engine.Moment.Mono; 0: no pause
	writes atomic.Bool  // it holds only writes
}

// holdsUntil is the end of the pause if the command has to wait for it; 0: the command need not wait. If the time of
// the pause is over, holdsUntil ends the pause.
func (p *pause) holdsUntil(r *row, client *Client, now int64) int64 {
	until := p.until.Load()
	if until == 0 {
		return 0
	}
	if now >= until {
		if p.until.CompareAndSwap(until, 0) {
			p.server.attention.Add(-1)
		}
		return 0
	}
	onlyWrites := p.writes.Load()
	switch {
	case r.flags&endsPause != 0:
		return 0
	case !onlyWrites, r.flags&write != 0:
		return until
	case r.flags&commits != 0 && client.isOpen() && client.transaction.has(write):
		return until
	}
	return 0
}

// end is when the pause ends; 0: there is none.
func (p *pause) end() int64 { return p.until.Load() }

// begin begins a pause. If another pause has not ended yet, the later end and the stricter mode hold.
func (p *pause) begin(now, until int64, writes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.until.Load(); old > now {
		until, writes = max(until, old), writes && p.writes.Load()
	}
	p.writes.Store(writes)
	if p.until.Swap(until) == 0 {
		p.server.attention.Add(1)
	}
}

// stop ends the pause, and rouses the clients that wait for it.
func (p *pause) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until.Swap(0) == 0 {
		return
	}
	p.server.attention.Add(-1)
	p.server.Clients.each(func(c *Client) {
		if c.waits.Load() {
			c.rouse()
		}
	})
}

// clientPause is CLIENT PAUSE milliseconds [WRITE | ALL].
func clientPause(c *call) {
	writes := false
	switch args := c.args[3:]; {
	case len(args) == 0, len(args) == 1 && is(args[0], "all"):
	case len(args) == 1 && is(args[0], "write"):
		writes = true
	case len(args) == 1:
		c.fail(errPauseMode)
		return
	default:
		c.fail(wrongSubcommand(c.args))
		return
	}
	ms, ok := resp.ParseInt(c.args[2])
	switch {
	case !ok:
		c.fail(errTimeout)
		return
	case ms < 0:
		c.fail(errTimeoutNegative)
		return
	case ms > (math.MaxInt64-c.now.Mono)/int64(time.Millisecond):
		c.fail(errTimeout)
		return
	}
	if ms == 0 {
		c.server.pause.stop()
	} else {
		c.server.pause.begin(c.now.Mono, c.now.Mono+ms*int64(time.Millisecond), writes)
		c.client.order(c.server)
	}
	c.ok()
}

func clientUnpause(c *call) {
	c.server.pause.stop()
	c.ok()
}
