package loop

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// window is how long a loop is watched before the load of the loops is compared.
	window = 100 * time.Millisecond
	// fullShare is the share of the window from which a loop is full: it may need help. Loops that together are busy
	// for less than fewShare of one are too many. patientWindows is for how many windows in a row it must be so.
	fullShare      = 0.9
	fewShare       = 0.6
	patientWindows = 3
	// While a loop does not wait, the clock is read once in clockRounds rounds, and after a round with more input than
	// longRound bytes.
	clockRounds = 64
	longRound   = 16 << 10
)

// meter measures how busy a loop is. The loop's goroutine uses it.
type meter struct {
	began  time.Time // the window
	paused time.Time // the present wait
	waited time.Duration
	rounds int         // since the clock was read
	due    bool        // the window is over
	waits  atomic.Bool // now; any goroutine reads it
}

func (m *meter) start() { m.began = time.Now() }

// wait is called before the loop waits, and resume when something has come.
func (m *meter) wait() {
	m.paused = time.Now()
	m.waits.Store(true)
}

func (m *meter) resume() {
	now := time.Now()
	m.waits.Store(false)
	m.waited += now.Sub(m.paused)
	m.rounds = 0
	m.due = now.Sub(m.began) >= window
}

// round ends a round in which so many bytes were read, and reports whether the window is over.
func (m *meter) round(bytes int) bool {
	if m.rounds++; m.rounds == clockRounds || bytes > longRound {
		m.rounds = 0
		m.due = time.Since(m.began) >= window
	}
	return m.due
}

// end ends the window, and returns the part of it in which the loop was busy.
func (m *meter) end() float64 {
	now := time.Now()
	busy := 1 - float64(m.waited)/float64(max(now.Sub(m.began), 1))
	m.began, m.waited, m.due = now, 0, false
	return busy
}

// balance says which loops serve connections: the first ones, as many as the load needs. Fewer loops make larger
// rounds, and a round costs wake-ups and system calls whatever it serves; on the other hand one loop has one processor.
// So another loop joins when one is full and a processor would otherwise idle, and the last one leaves when few would
// do.
type balance struct {
	// hasProcessor reports whether a processor has idled since the last call.
	hasProcessor func() bool

	mu         sync.Mutex // protects the fields below
	active     int
	most       int    // active is at most this; it never changes
	loads      []load // by loop: how busy it was
	fewWindows int    // windows in a row in which the loops were too many
}

// load is how busy a loop was, at a time.
type load struct {
	busy float64
	at   time.Time
	full int // windows in a row in which it was full
}

// balance compares the loops, and moves connections if that helps.
func (l *Loop) balance() {
	busy := l.meter.end()
	g := l.group
	if to, part := g.compare(l, busy, time.Now()); to != nil {
		l.moveSome(to, part)
	}
	for _, c := range l.conns {
		if c != nil {
			c.traffic = 0
		}
	}
}

// compare notes how busy a loop was, and returns where it is to move a part of its traffic; nil: nowhere.
func (g *Group) compare(l *Loop, busy float64, now time.Time) (to *Loop, part float64) {
	b := &g.balance
	idle := busy >= fullShare && b.most > 1 && b.hasProcessor() // asked in each full window: it tells of the last one
	to, part, leaving := b.decide(g, l, busy, now, idle)
	if leaving != nil {
		leaving.Post(func() { leaving.moveSome(g.loops[0], 1) })
	}
	return to, part
}

// decide is compare without acting. leaving is a loop whose connections have to move to the first one.
func (b *balance) decide(g *Group, l *Loop, busy float64, now time.Time, idle bool) (to *Loop, part float64,
	leaving *Loop) {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := g.index(l)
	mine := &b.loads[own]
	mine.busy, mine.at = busy, now
	if busy < fullShare {
		mine.full = 0
	}
	if own >= b.active { // it serves no longer: connections that were on their way to it follow to the first loop
		return g.loops[0], 1, nil
	}
	total, least := 0.0, 0
	for i := range b.active {
		if total += g.busy(i, now); g.busy(i, now) < g.busy(least, now) {
			least = i
		}
	}
	switch {
	case busy >= fullShare:
		b.fewWindows = 0
		if mine.full++; mine.full < patientWindows {
			return nil, 0, nil
		}
		mine.full = 0
		if other := g.busy(least, now); other < fewShare {
			return g.loops[least], (busy - other) / 2 / busy, nil
		}
		if b.active < b.most && idle {
			b.active++
			return g.loops[b.active-1], 0.5, nil
		}
	case b.active > 1 && total < fewShare:
		if b.fewWindows++; b.fewWindows < patientWindows*b.active {
			return nil, 0, nil
		}
		b.fewWindows = 0
		b.active--
		if last := g.loops[b.active]; last != l {
			return nil, 0, last
		}
		return g.loops[0], 1, nil
	default:
		b.fewWindows = 0
	}
	return nil, 0, nil
}

// busy is how busy a loop was lately. A loop that has not been heard of waits, or has a long round.
func (g *Group) busy(i int, now time.Time) float64 {
	b := &g.balance
	switch {
	case now.Sub(b.loads[i].at) <= 2*window:
		return b.loads[i].busy
	case g.loops[i].meter.waits.Load():
		return 0
	}
	return 1
}

func (g *Group) index(l *Loop) int {
	for i, other := range g.loops {
		if other == l {
			return i
		}
	}
	panic("loop: the loop is of another group")
}

// moveSome moves connections with about a part of the loop's traffic to another loop; part 1 is all of them.
func (l *Loop) moveSome(to *Loop, part float64) {
	total, moved := 0, 0
	for _, c := range l.conns {
		if c != nil {
			total += c.traffic
		}
	}
	most := int(float64(total) * part)
	for _, c := range l.conns {
		if c != nil && (part == 1 || c.traffic > 0 && moved+c.traffic <= most) {
			if traffic := c.traffic; l.move(c, to) {
				moved += traffic
			}
		}
	}
}

// move gives a connection to another loop, unless it cannot be moved now. It is called between two rounds.
func (l *Loop) move(c *Conn, to *Loop) bool {
	if c.closed || c.stuck || c.round > 0 || !c.handler.Leave() {
		return false
	}
	l.conns[c.fd] = nil
	l.poller.remove(c.fd)
	l.leave()
	c.traffic, c.away = 0, true
	if !to.receive(c) { // the group stops
		c.closed = true
		c.handler.Moved()
		c.handler.Closed()
		_ = syscall.Close(c.fd)
	}
	return true
}

// receive has the loop serve a connection that has left another one. It is false when the loop has ended.
func (l *Loop) receive(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.size++
	c.loop.Store(l) // under the lock: whoever posts to this loop from now on comes after
	l.append(func() {
		c.away = false
		if err := l.enroll(c); err != nil {
			l.conns = append(l.conns, make([]*Conn, max(0, c.fd+1-len(l.conns)))...)
			c.handler.Moved()
			c.CloseNow()
			return
		}
		if c.watched != (interest{read: true}) {
			l.poller.change(c.fd, c.watched)
		}
		c.handler.Moved()
	})
	return true
}

// Rotate has each connection that can move served by the next loop, of all. It is for tests: connections move rarely.
func (g *Group) Rotate() {
	for i, l := range g.loops {
		l.Post(func() { l.moveSome(g.loops[(i+1)%len(g.loops)], 1) })
	}
}

// fewest is the loop with the fewest connections among those that serve. The new connection is counted from now on.
func (g *Group) fewest() *Loop {
	g.balance.mu.Lock()
	active := g.loops[:g.balance.active]
	g.balance.mu.Unlock()
	best := active[0]
	for _, l := range active[1:] {
		if l.load() < best.load() {
			best = l
		}
	}
	best.mu.Lock()
	best.size++
	best.mu.Unlock()
	return best
}
