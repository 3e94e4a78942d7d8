package shares

import (
	"slices"
	"time"

	"github.com/quotadb/quota-db/quota"
)

// deskQuota is what a desk knows of one quota: which orders wait for its tokens, what has come for them, which asks are
// on their way, and how much the other members have.
type deskQuota struct {
	quotaName
	transient bool
	register  []byte

	seats  []seat   // one for each of Desk.members
	orders []*Order // they wait for tokens, the oldest first
	looks  []*Order
	hand   []lot  // tokens that have come for the orders that wait
	inHand uint64 // their sum

	touched   int64         // the latest moment at which something happened
	pause     time.Duration // between two looks while the tokens are used up everywhere
	nextLook  int64         // 0: not begun
	before    *deskQuota    // in the list of idle quotas
	after     *deskQuota
	isIdle    bool
	isGone    bool // it is forgotten, but an order or an ask still points to it
	numAsks   int  // on their way, or about to leave
	accounted int  // bytes counted for it
}

// seat is what is known about one member's bucket.
type seat struct {
	part   quota.Rate   // the member's part of the quota
	bucket quota.Bucket // by its last answer, on this node's clock; full where nothing is known
	heard  int64        // moment of that answer; 0: none
	ask    *ask         // on its way, or about to leave; at most one
}

// lot is tokens that one answer has brought.
type lot struct {
	from   *outbox // the session with the node where they were taken
	number uint64  // of the ask
	tokens uint64
}

// know returns what is known of a quota. It returns nil if there are no other members that are connected, or no room.
func (d *Desk) know(key []byte, w *Want, now int64) *deskQuota {
	if q := d.quotas[quotaName{string(key), w.Rate}]; q != nil {
		return q
	}
	if len(key) > MaxAskedKey || len(w.Register) > MaxRegister || !d.anyConnected() {
		return nil
	}
	size := len(key) + len(w.Register)
	for d.idle.first != nil && (len(d.quotas) >= mostQuotas || d.bytes+size > mostKeyBytes) {
		d.forget(d.idle.first)
	}
	if len(d.quotas) >= mostQuotas || d.bytes+size > mostKeyBytes {
		return nil
	}
	q := &deskQuota{quotaName: quotaName{string(key), w.Rate}, seats: make([]seat, len(d.members)), touched: now}
	for i, m := range d.members {
		q.seats[i].part = d.partOf(m.node, key, w.Rate)
	}
	d.quotas[q.quotaName] = q
	q.renew(d, w)
	return q
}

func (d *Desk) anyConnected() bool {
	return slices.ContainsFunc(d.members, func(m *member) bool { return m.out != nil })
}

// partOf is a member's part of a quota.
func (d *Desk) partOf(node uint16, key []byte, rate quota.Rate) quota.Rate {
	p := Part{State: InForce, Table: d.table, Node: node}
	return p.Own(key, rate)
}

// renew notes how the quota is to be named in asks.
func (q *deskQuota) renew(d *Desk, w *Want) {
	q.transient, q.register = w.Transient, w.Register
	size := len(q.key) + len(q.register)
	d.bytes += size - q.accounted
	q.accounted = size
	d.idle.remove(q)
}

// rest puts a quota that has nothing to do into the list of those that may be forgotten.
func (d *Desk) rest(q *deskQuota) {
	if !q.isGone && len(q.orders)+len(q.looks)+q.numAsks == 0 {
		d.idle.add(q)
	}
}

// forget drops what is known of a quota.
func (d *Desk) forget(q *deskQuota) {
	d.idle.remove(q)
	q.isGone = true
	d.bytes -= q.accounted
	delete(d.quotas, q.quotaName)
}

// level is how many tokens a connected member can be expected to have, with those that an ask is about to take.
func (d *Desk) level(q *deskQuota, i int, now int64) uint64 {
	if d.members[i].out == nil {
		return 0
	}
	return q.seats[i].bucket.Remaining(q.seats[i].part, now)
}

// hope is how many tokens the orders that wait can be expected to get, if nobody else takes any.
func (d *Desk) hope(q *deskQuota, now int64) uint64 {
	sum := q.inHand
	for i := range d.members {
		sum += d.level(q, i, now)
	}
	return sum
}

// demand is how many tokens the orders that wait want together.
func (q *deskQuota) demand() (sum uint64) {
	for _, o := range q.orders {
		sum += o.want
	}
	return sum
}

// settle gives what has come to the orders that wait, ends orders that nobody can fill, and asks for the rest.
func (d *Desk) settle(q *deskQuota, now int64) {
	now = max(now, q.touched)
	q.touched = now
	for again := true; again; {
		d.fill(q)
		again = d.endHopeless(q, now)
	}
	d.askForRest(q, now)
	d.returnRest(q)
	d.rest(q)
}

// fill gives the tokens that have come to the orders, in their order. An order gets all or nothing.
func (d *Desk) fill(q *deskQuota) {
	for len(q.orders) > 0 && q.orders[0].want <= q.inHand {
		o := q.orders[0]
		o.granted = q.draw(o.want)
		d.stats.Granted++
		d.stats.GrantedTokens += o.want
		d.end(o)
	}
}

// draw takes tokens out of the hand.
func (q *deskQuota) draw(n uint64) (lots []lot) {
	for n > 0 {
		l := &q.hand[0]
		part := min(n, l.tokens)
		lots = append(lots, lot{l.from, l.number, part})
		l.tokens -= part
		q.inHand -= part
		n -= part
		if l.tokens == 0 {
			q.hand = q.hand[1:]
		}
	}
	return lots
}

// endHopeless ends orders that are late, and orders for whose tokens there is no hope any more. It reports whether
// there were any.
func (d *Desk) endHopeless(q *deskQuota, now int64) (any bool) {
	hope := d.hope(q, now)
	for _, o := range slices.Clone(q.orders) {
		if o.deadline > now && o.want <= hope {
			hope -= o.want
			continue
		}
		any = true
		d.stats.Denied++
		d.end(o)
	}
	return any
}

// askForRest asks those members first that can be expected to have most, until enough is hoped for.
func (d *Desk) askForRest(q *deskQuota, now int64) {
	need := q.demand()
	need -= min(need, q.inHand)
	var open []int // members that an ask may still go to
	for i, m := range d.members {
		switch a := q.seats[i].ask; {
		case m.out == nil:
		case a != nil && a.sent:
			need -= min(need, a.tokens)
		case a != nil || need > 0:
			open = append(open, i)
		}
	}
	for len(open) > 0 {
		best := slices.MaxFunc(open, func(a, b int) int { return compareUint(d.level(q, a, now), d.level(q, b, now)) })
		open = slices.DeleteFunc(open, func(i int) bool { return i == best })
		n := min(need, d.level(q, best, now))
		need -= n
		switch a := q.seats[best].ask; {
		case a != nil:
			a.tokens = n
		case n > 0:
			d.ask(q, best, n)
		}
	}
}

// returnRest gives back what has come and is more than the orders want.
func (d *Desk) returnRest(q *deskQuota) {
	for wanted := q.demand(); q.inHand > wanted; {
		l := &q.hand[len(q.hand)-1]
		n := min(l.tokens, q.inHand-wanted)
		d.giveBack(lot{l.from, l.number, n})
		l.tokens -= n
		q.inHand -= n
		if l.tokens == 0 {
			q.hand = q.hand[:len(q.hand)-1]
		}
	}
}

// lookAgain asks the member that was not heard for longest for its level, if it is time for that: an estimate of its
// level may be too low. It reports whether there is something to send.
func (d *Desk) lookAgain(q *deskQuota, now int64) bool {
	half := q.rate.Window() / 2
	if q.nextLook == 0 {
		q.pause = min(firstPause, half)
		q.nextLook = now + int64(q.pause)
		return false
	}
	if now < q.nextLook {
		return false
	}
	oldest := -1
	for i, m := range d.members {
		if s := &q.seats[i]; m.out != nil && s.ask == nil && s.part.Capacity > 0 && (oldest < 0 || s.heard < q.seats[oldest].heard) {
			oldest = i
		}
	}
	if oldest < 0 || !d.members[oldest].out.mayLook(now) {
		return false
	}
	q.pause = min(2*q.pause, mostPause, half)
	q.nextLook = now + int64(q.pause)
	d.idle.remove(q)
	d.ask(q, oldest, 0)
	return true
}

func compareUint(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
