package server

import (
	"container/heap"
	"sync/atomic"
	"time"
)

// Budgets bound the bytes that the server holds for all clients together: one budget for unread input and one for
// unsent replies. Clients that have not logged in have two budgets of their own. So a client that has logged in does
// not pay for what strangers do. When a budget is exceeded, the clients that hold most are closed, not the client that
// came last. If the budget for unsent replies is exceeded, viewers of MONITOR are closed first, because they do no
// work, and other clients only if that is not enough.

// direction says whether held bytes come from the client or go to it.
type direction int

const (
	unread direction = iota // input: parts of commands, and commands that wait
	unsent                  // replies that the socket has not taken or that wait for the disk, and lines of MONITOR
	directions
)

// class is the kind of client for which bytes are held.
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
	doomed atomic.Int64 // the part of total that belongs to connections that are about to be closed
}

// isExceeded reports whether more bytes than the limit are held, not counting the bytes that are about to be freed.
func (b *budget) isExceeded() bool { return b.total.Load()-b.doomed.Load() > b.limit }

// budgets are all budgets of a server.
type budgets [classes][directions]budget

func (bs *budgets) setLimits(l limits) {
	bs[known][unread].limit, bs[known][unsent].limit = l.unread, l.unsent
	bs[stranger][unread].limit, bs[stranger][unsent].limit = l.strangers, l.strangers
}

// held is how many bytes are held in one direction for all clients.
func (bs *budgets) held(d direction) int64 {
	return bs[known][d].total.Load() + bs[stranger][d].total.Load()
}

// share is one connection's part of the budgets. Only the connection's loop changes it; any goroutine may read it.
type share struct {
	bytes  [directions]atomic.Int64
	class  atomic.Int64
	doomed atomic.Pointer[doom]
}

// doom is the budget because of which a connection is about to be closed, and the connection's bytes in it.
type doom struct {
	budget *budget
	bytes  int64
}

func (s *share) isNone() bool { return s.bytes[unread].Load()|s.bytes[unsent].Load() == 0 }

// account notes how many bytes a connection holds now. If a budget is then exceeded, the shedder closes the largest
// holders soon.
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
			default: // the shedder has been told already
			}
		}
	}
}

// giveBack takes the bytes of a closed connection out of the budgets.
func (s *Server) giveBack(c *connection) {
	own := class(c.share.class.Load())
	for d := range c.share.bytes {
		s.budgets[own][d].total.Add(-c.share.bytes[d].Swap(0))
	}
	if !c.share.doomed.CompareAndSwap(nil, &doom{}) { // if nil, no shedder dooms it from now on
		gone := c.share.doomed.Load()
		gone.budget.doomed.Add(-gone.bytes)
	}
}

// shedder closes the largest holders when a budget is exceeded. It is a goroutine of its own: finding the largest among
// thousands takes a while, and meanwhile the loops serve clients.
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

// holder is a connection and the bytes that it holds of one budget.
type holder struct {
	*connection
	bytes   int64
	watches bool // the client is a viewer of MONITOR that does not keep up
}

// fewBytes is how many bytes a viewer of MONITOR that keeps up may hold for a moment.
const fewBytes = 64 << 10

// holders is a heap of connections: first viewers of MONITOR, then the others, in each group the largest first. With
// thousands of connections only a few are closed, so sorting all of them would take processor time from the loops for
// nothing.
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

// shed closes the connections of a class that hold most, until an eighth of the budget is free. After viewers of
// MONITOR it closes others only as long as the budget is exceeded.
func (s *Server) shed(own class, d direction) {
	b, largest := &s.budgets[own][d], s.holders(own, d)
	first, closed, freed := holder{}, 0, int64(0)
	viewers := false // the connection that was closed last belongs to a viewer
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
		s.log.Warn("clients closed: all clients together held too many bytes, and these clients held most", "clients", closed, "bytes", freed,
			"largest", first.remote, "limit", b.limit, "unsent_replies", d == unsent, "logged_in", own == known)
	}
}

// holders are the connections of a class that hold bytes, as a heap.
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
