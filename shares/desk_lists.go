package shares

import (
	"cmp"
	"container/heap"
	"slices"
)

// begin adds an order to a list of its quota.
func (d *Desk) begin(o *Order, list *orders, w *Want) {
	q := o.quota
	d.name(q, w)
	d.idle.remove(q)
	d.turn++
	o.turn = d.turn
	list.add(o)
	heap.Push(&d.due, o)
}

// end ends an order, and has its done called. The caller settles its quota.
func (d *Desk) end(o *Order) {
	heap.Remove(&d.due, o.place)
	list := &o.quota.orders
	if o.want == 0 {
		list = &o.quota.looks
	}
	list.remove(o)
	o.quota.demand -= o.want
	o.over, o.awaited = true, nil
	d.ended = append(d.ended, o.done)
	o.done = nil
}

// orders is a list of orders, the oldest first.
type orders struct{ first, last *Order }

func (l *orders) add(o *Order) {
	if o.before = l.last; o.before != nil {
		o.before.after = o
	} else {
		l.first = o
	}
	l.last = o
}

func (l *orders) remove(o *Order) {
	if o.before != nil {
		o.before.after = o.after
	} else {
		l.first = o.after
	}
	if o.after != nil {
		o.after.before = o.before
	} else {
		l.last = o.before
	}
	o.before, o.after = nil, nil
}

// deadlines is a heap of the orders that have not ended, the one with the earliest deadline first.
type deadlines []*Order

func (h deadlines) Len() int           { return len(h) }
func (h deadlines) Less(i, j int) bool { return h[i].deadline < h[j].deadline }
func (h deadlines) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}
func (h *deadlines) Push(x any) {
	o := x.(*Order)
	o.place = len(*h)
	*h = append(*h, o)
}
func (h *deadlines) Pop() any {
	n := len(*h) - 1
	o := (*h)[n]
	(*h)[n] = nil
	*h = (*h)[:n]
	return o
}

// idleQuotas is a list of quotas, the one that became idle first at its head.
type idleQuotas struct{ first, last *deskQuota }

func (l *idleQuotas) add(q *deskQuota) {
	if q.isIdle {
		return
	}
	q.isIdle = true
	if q.before = l.last; q.before != nil {
		q.before.after = q
	} else {
		l.first = q
	}
	l.last = q
}

func (l *idleQuotas) remove(q *deskQuota) {
	if !q.isIdle {
		return
	}
	if q.before != nil {
		q.before.after = q.after
	} else {
		l.first = q.after
	}
	if q.after != nil {
		q.after.before = q.before
	} else {
		l.last = q.before
	}
	q.isIdle, q.before, q.after = false, nil, nil
}

// sortQuotas brings quotas that came out of a map into an order that does not depend on chance.
func sortQuotas(list []*deskQuota) {
	slices.SortFunc(list, func(a, b *deskQuota) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.rate.Capacity, b.rate.Capacity),
			cmp.Compare(a.rate.Count, b.rate.Count), cmp.Compare(a.rate.Period, b.rate.Period))
	})
}
