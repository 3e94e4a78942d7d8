package shares

import (
	"cmp"
	"slices"
)

// settle gives what has come to the orders that wait, ends orders that nobody can fill, and asks for the rest.
func (d *Desk) settle(q *deskQuota, now int64) {
	now = max(now, q.touched)
	q.touched = now
	for again := true; again; {
		d.fill(q)
		again = d.endHopeless(q, now)
	}
	d.returnRest(q)
	d.count(q)
	d.askForRest(q, now)
	d.rest(q)
}

// fill gives the tokens that have come to the orders, in their order. An order gets all or nothing.
func (d *Desk) fill(q *deskQuota) {
	for d.returnLate(q); q.orders.first != nil && q.orders.first.want <= q.inHand; d.returnLate(q) {
		o := q.orders.first
		o.granted = q.draw(o.want)
		d.stats.Granted++
		d.stats.GrantedTokens += o.want
		d.end(o)
	}
}

// returnLate gives back what came by asks that had left before the first order began. So it is for no order that waits.
func (d *Desk) returnLate(q *deskQuota) {
	for len(q.hand) > 0 && (q.orders.first == nil || q.hand[0].ask.turn < q.orders.first.turn) {
		l := q.draw(q.hand[0].tokens)[0]
		d.late(l)
	}
}

// draw takes tokens out of the hand.
func (q *deskQuota) draw(n uint64) (lots []lot) {
	q.inHand -= n
	for n > 0 {
		l := &q.hand[0]
		part := min(n, l.tokens)
		lots = append(lots, lot{l.ask, part})
		n -= part
		if l.tokens -= part; l.tokens == 0 {
			q.hand = q.hand[1:]
		}
	}
	return lots
}

// endHopeless ends orders that are late, and orders for whose tokens there is no hope any more. It reports whether
// there were any.
func (d *Desk) endHopeless(q *deskQuota, now int64) (any bool) {
	hope := d.hope(q, now)
	if q.demand <= hope && (len(d.due) == 0 || d.due[0].deadline > now) {
		return false
	}
	for o := q.orders.first; o != nil; {
		next := o.after
		if o.deadline > now && o.want <= hope {
			hope -= o.want
		} else {
			any = true
			d.stats.Denied++
			d.end(o)
		}
		o = next
	}
	return any
}

// count counts the tokens that have to be asked for. What is in hand or on its way is for orders with smaller turns.
func (d *Desk) count(q *deskQuota) {
	if q.need = q.demand; q.demand == 0 {
		return
	}
	coming := append(d.coming[:0], q.hand...)
	for i := range q.seats {
		if a := q.seats[i].ask; a != nil && a.number != 0 && a.tokens > 0 {
			coming = append(coming, lot{a, a.tokens})
		}
	}
	d.coming = coming[:0]
	slices.SortFunc(coming, func(a, b lot) int { return cmp.Compare(a.ask.turn, b.ask.turn) })
	covered, before, next := uint64(0), uint64(0), q.orders.first
	for _, l := range coming {
		for ; next != nil && next.turn < l.ask.turn; next = next.after {
			before += next.want
		}
		covered = min(covered+l.tokens, before)
	}
	q.need -= covered
}

// offer is what an ask of a member could bring.
type offer struct {
	seat  int
	level uint64
}

// askForRest asks those members first that can be expected to have most, until enough is hoped for. Asks that have not
// left yet change with what is needed.
func (d *Desk) askForRest(q *deskQuota, now int64) {
	offers := d.offers[:0]
	for i, m := range d.members {
		if a := q.seats[i].ask; m.out != nil && (a == nil || a.number == 0) {
			offers = append(offers, offer{i, d.level(q, i, now)})
		}
	}
	d.offers = offers[:0]
	slices.SortStableFunc(offers, func(a, b offer) int { return cmp.Compare(b.level, a.level) })
	need := q.need
	for _, of := range offers {
		n := min(need, of.level)
		need -= n
		switch a := q.seats[of.seat].ask; {
		case a != nil:
			a.tokens = n
		case n > 0:
			d.ask(q, of.seat, n)
		}
	}
}

// returnRest gives back what has come and is more than the orders want.
func (d *Desk) returnRest(q *deskQuota) {
	for q.inHand > q.demand {
		for _, l := range q.draw(min(q.hand[0].tokens, q.inHand-q.demand)) {
			d.giveBack(l)
		}
	}
}
