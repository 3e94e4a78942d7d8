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
	d.askForRest(q, now)
	d.returnRest(q)
	d.rest(q)
}

// fill gives the tokens that have come to the orders, in their order. An order gets all or nothing.
func (d *Desk) fill(q *deskQuota) {
	for o := q.orders.first; o != nil && o.want <= q.inHand; o = q.orders.first {
		o.granted = q.draw(o.want)
		d.stats.Granted++
		d.stats.GrantedTokens += o.want
		d.end(o)
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

// offer is what an ask of a member could bring.
type offer struct {
	seat  int
	level uint64
}

// askForRest asks those members first that can be expected to have most, until enough is hoped for. Asks that have not
// left yet change with what is needed.
func (d *Desk) askForRest(q *deskQuota, now int64) {
	need := q.demand
	less := func(n uint64) { need -= min(need, n) }
	less(q.inHand)
	offers := d.scratch[:0]
	for i, m := range d.members {
		switch a := q.seats[i].ask; {
		case m.out == nil:
		case a != nil && a.number != 0:
			less(a.tokens)
		default:
			offers = append(offers, offer{i, d.level(q, i, now)})
		}
	}
	d.scratch = offers
	slices.SortStableFunc(offers, func(a, b offer) int { return cmp.Compare(b.level, a.level) })
	for _, of := range offers {
		n := min(need, of.level)
		less(n)
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
		l := &q.hand[len(q.hand)-1]
		n := min(l.tokens, q.inHand-q.demand)
		d.giveBack(lot{l.ask, n})
		q.inHand -= n
		if l.tokens -= n; l.tokens == 0 {
			q.hand = q.hand[:len(q.hand)-1]
		}
	}
}
