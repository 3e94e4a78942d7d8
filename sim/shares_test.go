package sim

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/quotadb/quota-db/disk"
	"github.com/quotadb/quota-db/engine"
	"github.com/quotadb/quota-db/quota"
	"github.com/quotadb/quota-db/shares"
)

// common are quotas that no client ends. So the law is checked for the whole cluster: over every interval, all clients
// together got at most as many tokens as the largest limit in force holds, plus those that it earns in the interval.
// Where windows differ, that is the largest limit in the shortest window.
//
// A client gets its tokens at some moment between its request and the reply. An interval contains the tokens that a
// client got for certain within it.
type common struct {
	*quotas
	keys    []string
	limits  map[string][]quota.Rate
	admits  map[string][]admission
	pending []*waiting
	founded map[uint64]bool // seeds of the tables that nodes have had
	outside bool            // what has happened is outside the law
}

// final is a key of which one node's clients get all tokens in the end.
const final = "final"

// admission is tokens that a client got.
type admission struct {
	begin, end time.Duration
	n          int64
}

// waiting is a client that waits for tokens of other nodes.
type waiting struct {
	process *process
	key     string
	limit   *quota.Rate // nil: INCR
	n       uint64
	begin   time.Duration
	order   *shares.Order
}

func newCommon(q *quotas) *common {
	c := &common{quotas: q, admits: map[string][]admission{}, founded: map[uint64]bool{}, limits: map[string][]quota.Rate{
		"common0": {mustRate(5, 5, 4*time.Second), mustRate(6, 6, 4*time.Second)},
		"common1": {mustRate(1, 1, 3*time.Second), mustRate(3, 3, 3*time.Second)},
		"common2": {mustRate(7, 7, time.Second)},
		"common3": {mustRate(9, 3, 3*time.Second), mustRate(4, 4, 4*time.Second)},
	}}
	c.keys = []string{"common0", "common1", "common2", "common3"}
	return c
}

// command runs a random command on a random common quota.
func (c *common) command(h *host) {
	p := h.process
	if p == nil || h.isAsleep() {
		return
	}
	key := c.keys[c.random.IntN(len(c.keys))]
	limits := c.limits[key]
	limit := limits[c.random.IntN(len(limits))]
	permanent := key == "common0" || key == "common1"
	switch n := c.random.IntN(10); {
	case n == 0 && permanent:
		db := p.store.DB()
		k := db.Key([]byte(key))
		tx := db.Lock(k, p.now())
		err := tx.SetQuota(k, limit)
		unsafe := tx.Unsafe()
		tx.Unlock()
		if err != nil && !errors.Is(err, engine.ErrWaiting) {
			c.fail("QUOTASET: %v", err)
		}
		if unsafe {
			p.await()
		}
		c.note("host %d: QUOTASET %s %+v: %v", h.index, key, limit, err)
	case permanent:
		for range 1 + c.random.IntN(4) {
			c.take(h, key, nil)
		}
	default:
		for range 1 + c.random.IntN(4) {
			c.take(h, key, &limit)
		}
	}
}

// take takes a few tokens, from other nodes too.
func (c *common) take(h *host, key string, limit *quota.Rate) {
	p := h.process
	if p == nil {
		return
	}
	w := &waiting{process: p, key: key, limit: limit, n: 1 + c.random.Uint64N(3), begin: c.now}
	wait := int64(5+c.random.IntN(300)) * int64(time.Millisecond)
	if key == final {
		w.n, wait = 1, int64(500*time.Millisecond)
	}
	db, now := p.store.DB(), p.now()
	k := db.Key([]byte(key))
	tx := db.Lock(k, now)
	taken := w.takeHere(c, &tx, k, w.n)
	rate := quota.Rate{}
	if limit != nil {
		rate = *limit
	}
	want, ok := tx.Want(k, rate, w.n)
	unsafe := tx.Unsafe()
	tx.Unlock()
	switch {
	case taken:
		c.answer(w, unsafe, 0)
	case ok && db.Part().State != shares.Waiting:
		if w.order = p.desk.Order([]byte(key), want, now.Mono+wait, now.Mono, func() {}); w.order != nil {
			c.note("host %d: a client waits for %d more of %d tokens of %s", h.index, want.Tokens, w.n, key)
			c.pending = append(c.pending, w)
		}
	}
}

// takeHere takes n tokens of the node's own.
func (w *waiting) takeHere(c *common, tx *engine.Tx, k engine.Key, n uint64) bool {
	if w.limit != nil {
		taken, _, err := tx.Throttle(k, *w.limit, n)
		if err != nil && !errors.Is(err, engine.ErrWaiting) {
			c.fail("QUOTAINCR: %v", err)
		}
		return taken
	}
	if tx.Get(k).Type != engine.Quota {
		return false
	}
	left, err := tx.Add(k, int64(n))
	return err == nil && left >= 0
}

// answer tells the client of w that it has its tokens, unless the process dies before.
func (c *common) answer(w *waiting, unsafe bool, others uint64) {
	h := w.process.host
	if unsafe {
		if c.chance(40) && !c.healed {
			c.saw("a process dies before its reply")
			h.die(c.chance(2))
			return
		}
		w.process.await()
	}
	c.note("host %d: %d tokens of %s, %d of them from others, asked for at %.3f", h.index, w.n, w.key, others, w.begin.Seconds())
	c.admits[w.key] = append(c.admits[w.key], admission{w.begin, c.now, int64(w.n)})
	c.judge(w.key)
}

// step answers the clients of a process that wait.
func (c *common) step(p *process) {
	for _, w := range slices.Clone(c.pending) {
		if w.process != p || p.host.process != p {
			continue
		}
		granted, over := w.order.Result()
		if !over {
			continue
		}
		c.remove(w)
		c.end(w, granted)
	}
}

// end ends the wait of a client for whom other nodes have taken tokens, or have not.
func (c *common) end(w *waiting, granted uint64) {
	p := w.process
	if granted == 0 {
		c.note("host %d: no tokens of %s came", p.host.index, w.key)
		return
	}
	if w.key != final && c.chance(8) {
		c.saw("a client leaves when its tokens come")
		p.desk.Cancel(w.order)
		return
	}
	db := p.store.DB()
	k := db.Key([]byte(w.key))
	tx := db.Lock(k, p.now())
	taken := granted == w.n || w.takeHere(c, &tx, k, w.n-granted)
	unsafe := tx.Unsafe()
	tx.Unlock()
	if !taken {
		c.saw("tokens of others are given back")
		p.desk.Cancel(w.order)
		return
	}
	c.saw("tokens come from another node")
	c.answer(w, unsafe, granted)
}

func (c *common) remove(w *waiting) {
	c.pending = slices.DeleteFunc(c.pending, func(o *waiting) bool { return o == w })
}

// left drops the clients of a process that has ended: their connections are gone.
func (c *common) left(p *process) {
	c.pending = slices.DeleteFunc(c.pending, func(w *waiting) bool { return w.process == p })
}

// judge checks all intervals that end with the last reply.
func (c *common) judge(key string) {
	if c.outside {
		return
	}
	largest, shortest := uint64(0), time.Hour
	for _, r := range c.limits[key] {
		largest, shortest = max(largest, r.Capacity), min(shortest, r.Window())
	}
	all := c.admits[key]
	end := all[len(all)-1].end
	for _, first := range all {
		sum := int64(0)
		for _, a := range all {
			if a.begin >= first.begin && a.end <= end {
				sum += a.n
			}
		}
		if t := end - first.begin; float64(sum) > float64(largest)+float64(largest)*float64(t)/float64(shortest) {
			c.fail("the cluster admitted %d tokens of %s within %v, from %.3f on, where %+v were in force", sum, key, t, first.begin.Seconds(), c.limits[key])
			c.outside = true // once is enough
			return
		}
	}
}

// look checks the part of a process. An older directory that nobody knows better than is outside the law.
func (c *common) look(p *process) {
	st := p.council.Status()
	if p.old && st.State == shares.InForce && st.Book == p.book && !c.outside {
		c.saw("an old disk whose peers know nothing newer")
		c.outside = true
	}
	if st.State == shares.Withheld && p.old {
		c.saw("a part is withheld from an old disk")
	}
	if st.Since > 0 && st.State == shares.InForce {
		c.saw("a part begins empty")
	}
	if st.Table == nil {
		return
	}
	if c.saw("a cluster is founded"); !c.founded[st.Table.Seed] {
		c.founded[st.Table.Seed] = true
		c.note("host %d has the table %x", p.host.index, st.Table.Seed)
		if len(c.founded) > 1 && !c.outside {
			c.fail("host %d has a second table", p.host.index)
			c.outside = true
		}
	}
}

// started is called when a process has started. If no disk has the table any more, the next table is that of a new
// cluster.
func (c *common) started() {
	if c.outside || len(c.founded) == 0 {
		return
	}
	for _, h := range c.hosts {
		if h.process != nil && h.process.council.Status().Table != nil {
			return
		}
		if h.index == c.members {
			continue // the disk of a copy does not come back
		}
		if text, err := disk.ReadMembers(h.files, dataDir); err == nil && strings.Contains(string(text), "\ntable ") {
			return
		}
	}
	c.saw("all disks with the table are lost")
	c.outside = true
}

// settled checks that a healed cluster gives all tokens of a limit to the clients of one node.
func (c *common) settled() {
	for _, h := range c.hosts[:c.members] {
		st := h.process.council.Status()
		if st.State != shares.InForce && len(c.founded) <= 1 {
			c.fail("host %d: the part is in state %d, which waits for: %s; %+v", h.index, st.State, st.Why, st)
			return
		}
	}
	if len(c.founded) > 1 {
		return
	}
	rate := mustRate(7, 7, 2*time.Second)
	c.limits[final] = []quota.Rate{rate}
	c.pass(rate.Window()) // parts that began empty are full
	h := c.hosts[c.random.IntN(c.members)]
	begin := c.now
	for c.now-begin < time.Second {
		c.take(h, final, &rate)
		c.pass(tick)
	}
	sum := int64(0)
	for _, a := range c.admits[final] {
		sum += a.n
	}
	if sum < 7 {
		c.fail("host %d gets %d of 7 tokens of a healed cluster", h.index, sum)
	}
}
