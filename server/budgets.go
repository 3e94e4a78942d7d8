package server

import (
	"container/heap"
	"sync/atomic"
	"time"
)

// Bytes that clients make the server hold are bounded by budgets: one for unread input and one for unsent replies, and
// both twice, for clients that have not logged in have budgets of their own. So whatever strangers do, a client that has
// logged in does not pay for it. When a budget is exceeded, those that hold the most are closed, not whoever came last; of
// those with unsent replies first the viewers of MONITOR, who do no work, and others only if that is not enough.

// direction is the way that held bytes go.
type direction int

const (
	unread direction = iota // input: parts of commands, and commands that wait
	unsent                  // replies: those that the socket has not taken, and those that wait for the disk; what MONITOR shows
	directions
)

// class is who holds them.
type class int

const (
	known    class = iota // clients that have logged in, or need not
	stranger              // clients that have to log in
	classes
)

// budget bounds the bytes of one class and direction.
type budget struct {
	limit  int64
	total  atomic.Int64
	doomed atomic.Int64 // part of total: of connections that are about to be closed
}

// isExceeded reports whether more than the limit is held, but for what is about to be freed.
func (b *budget) isExceeded() bool { return b.total.Load()-b.doomed.Load() > b.limit }

// budgets are those of a server.
type budgets [classes][directions]budget

func (bs *budgets) setLimits(l limits) {
	bs[known][unread].limit, bs[known][unsent].limit = l.unread, l.unsent
	bs[stranger][unread].limit, bs[stranger][unsent].limit = l.strangers, l.strangers
}

// held is what is held in one direction for all clients.
func (bs *budgets) held(d direction) int64 {
	return bs[known][d].total.Load() + bs[stranger][d].total.Load()
}

// share is one connection's part of the budgets. Its loop alone changes it; any goroutine reads it.
type share struct {
	bytes  [directions]atomic.Int64
	class  atomic.Int64
	doomed atomic.Pointer[doom]
}

// doom is on whose account a connection is about to be closed.
type doom struct {
	budget *budget
	bytes  int64
}

func (s *share) isNone() bool { return s.bytes[unread].Load()|s.bytes[unsent].Load() == 0 }

// account notes what a connection holds now, and has the largest holders closed soon if that is too much.
func (s *Server) account(c *connection, input, output int) {
	own, client := known, c.session.client
	if client.NeedsLogin() {
		own = stranger
	}
	was := class(c.share.class.Swap(int64(own)))
	client.Input.Store(int64(input))
	client.Output.Store(int64(output))
	for d, now := range [directions]int{input, output} {
		before := c.share.bytes[d].Swap(int64(now))
		if before == int64(now) && was == own {
			continue
		}
		s.budgets[was][d].total.Add(-before)
		b := &s.budgets[own][d]
		if b.total.Add(int64(now)); int64(now) > before && b.isExceeded() {
			select {
			case s.exceeded <- struct{}{}:
			default: // it is known
			}
		}
	}
}

// giveBack frees what a connection held that is closed.
func (s *Server) giveBack(c *connection) {
	own := class(c.share.class.Load())
	for d := range c.share.bytes {
		s.budgets[own][d].total.Add(-c.share.bytes[d].Swap(0))
	}
	if !c.share.doomed.CompareAndSwap(nil, &doom{}) { // else nobody dooms it any more
		gone := c.share.doomed.Load()
		gone.budget.doomed.Add(-gone.bytes)
	}
}

// shedder closes the largest holders when a budget is exceeded. It is a goroutine of its own: to look for the largest among
// thousands takes a while, and meanwhile the loops serve.
func (s *Server) shedder() {
	for {
		select {
		case <-s.stop:
			return
		case <-s.exceeded:
		}
		for own := range classes {
			for d := range directions {
				if s.budgets[own][d].isExceeded() {
					s.shed(own, d)
				}
			}
		}
	}
}

// holder is a connection and what it holds of a budget.
type holder struct {
	*connection
	bytes   int64
	watches bool // it is a viewer of MONITOR that does not keep up: most of what it holds is what others did
}

// fewBytes is what a viewer of MONITOR that keeps up may hold for a moment.
const fewBytes = 64 << 10

// holders is a heap of connections: viewers of MONITOR first, the largest first. With thousands of connections only a
// few are to be closed, so sorting all of them would take the processor from the loops for nothing.
type holders []holder

func (hs holders) Len() int      { return len(hs) }
func (hs holders) Swap(i, j int) { hs[i], hs[j] = hs[j], hs[i] }
func (hs *holders) Push(any)     { panic("server: holders are only taken") }
func (hs holders) Less(i, j int) bool {
	if hs[i].watches != hs[j].watches {
		return hs[i].watches
	}
	return hs[i].bytes > hs[j].bytes
}

func (hs *holders) Pop() any {
	last := len(*hs) - 1
	h := (*hs)[last]
	*hs = (*hs)[:last]
	return h
}

// shed closes the connections of a class that hold the most, until an eighth of the budget is free, or only viewers if the
// budget is kept without them.
func (s *Server) shed(own class, d direction) {
	b, largest := &s.budgets[own][d], s.holders(own, d)
	first, closed, freed := holder{}, 0, int64(0)
	viewers := false // the last that was closed is one
	for len(largest) > 0 && b.total.Load()-b.doomed.Load() > b.limit-b.limit/8 {
		h := heap.Pop(&largest).(holder)
		if viewers && !h.watches && !b.isExceeded() {
			break
		}
		viewers = h.watches
		if !h.share.doomed.CompareAndSwap(nil, &doom{b, h.bytes}) {
			continue
		}
		b.doomed.Add(h.bytes)
		h.conn.Close()
		freed += h.bytes
		if closed++; closed == 1 {
			first = h
		}
		if closed%shedAtOnce == 0 {
			time.Sleep(shedPause)
		}
	}
	if closed > 0 {
		s.log.Warn("clients closed: they held the most of what all may hold together", "clients", closed, "bytes", freed,
			"largest", first.remote, "limit", b.limit, "unsent_replies", d == unsent, "logged_in", own == known)
	}
}

// holders are the connections of a class that hold something, as a heap.
func (s *Server) holders(own class, d direction) holders {
	var all holders
	s.roster.each(func(c *connection) {
		if n := c.share.bytes[d].Load(); n > 0 && class(c.share.class.Load()) == own && c.share.doomed.Load() == nil {
			all = append(all, holder{c, n, d == unsent && n > fewBytes && c.session.client.Monitors()})
		}
	})
	heap.Init(&all)
	return all
}
