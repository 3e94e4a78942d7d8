package shares

import (
	"cmp"
	"container/heap"
	"maps"
	"slices"
	"time"

	"github.com/quotadb/quota-db/quota"
)

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
	*h, o.place = (*h)[:n], -1
	return o
}

func (d *Desk) start(o *Order) { heap.Push(&d.due, o) }

// end ends an order, and has its done called. The caller settles its quota.
func (d *Desk) end(o *Order) {
	heap.Remove(&d.due, o.place)
	o.over, o.awaited = true, nil
	d.ended = append(d.ended, o.done)
	o.done = nil
	is := func(other *Order) bool { return other == o }
	o.quota.orders = slices.DeleteFunc(o.quota.orders, is)
	o.quota.looks = slices.DeleteFunc(o.quota.looks, is)
}

// mostForgotten is how many quotas one Tick forgets.
const mostForgotten = 64

// Tick ends orders whose deadline is over, and forgets quotas of which nothing is known any more.
func (d *Desk) Tick(now int64) {
	d.lockAt(now)
	sent := len(d.due) > 0 && d.due[0].deadline <= now
	for len(d.due) > 0 && d.due[0].deadline <= now {
		o := d.due[0]
		if o.want > 0 {
			d.settle(o.quota, now)
			continue
		}
		d.end(o)
		d.rest(o.quota)
	}
	for range mostForgotten {
		q := d.idle.first
		if q == nil || now-q.touched < int64(q.rate.Window()) {
			break
		}
		d.forget(q)
	}
	d.unlock(sent)
}

// IsIdle reports whether nothing waits: no order, no answer and nothing to send.
func (d *Desk) IsIdle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.due) > 0 {
		return false
	}
	for _, m := range d.members {
		if m.out != nil && len(m.out.asks)+len(m.out.backs)+len(m.out.open) > 0 {
			return false
		}
	}
	return true
}

// SetPart tells who the members are. If they are others than before, all orders end.
func (d *Desk) SetPart(p Part) {
	d.mu.Lock()
	if d.table != p.Table && !sameTable(d.table, p.Table) {
		d.setTable(p.Table)
	}
	d.unlock(true)
}

func sameTable(a, b *Table) bool {
	return a != nil && b != nil && a.Seed == b.Seed && slices.Equal(a.Members, b.Members)
}

func (d *Desk) setTable(t *Table) {
	for len(d.due) > 0 {
		o := d.due[0]
		d.stats.Denied += o.ones()
		d.end(o)
	}
	all := slices.Collect(maps.Values(d.quotas))
	sortQuotas(all)
	for _, q := range all {
		d.returnRest(q)
		d.forget(q)
	}
	outs := d.loose
	for _, m := range d.members {
		if m.out != nil {
			m.out.asks = nil
			outs = append(outs, m.out)
		}
	}
	d.table, d.members, d.loose = t, nil, nil
	if t != nil {
		for _, m := range t.Members {
			if m.Node != d.node {
				d.members = append(d.members, &member{node: m.Node})
			}
		}
	}
	slices.SortFunc(d.members, func(a, b *member) int { return cmp.Compare(a.node, b.node) })
	for _, out := range outs {
		if m := d.member(out.node); m != nil {
			m.out = out
		} else {
			d.loose = append(d.loose, out)
		}
	}
}

// Others is how many tokens of a quota the other members have that are connected, as far as this node knows: what they
// told and what has refilled since then, or a full part where nothing is known.
func (d *Desk) Others(key []byte, rate quota.Rate, now int64) (tokens uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.quotas[quotaName{string(key), rate}]
	for i, m := range d.members {
		switch {
		case m.out == nil:
		case q != nil:
			tokens += d.level(q, i, now)
		default:
			tokens += d.partOf(m.node, key, rate).Capacity
		}
	}
	return tokens
}

// Stranded is how many tokens of a quota belong to members that are not connected.
func (d *Desk) Stranded(key []byte, rate quota.Rate) (tokens uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.members {
		if m.out == nil {
			tokens += d.partOf(m.node, key, rate).Capacity
		}
	}
	return tokens
}

// RoundTrip is how long an ask takes to be answered by the slowest connected member, as measured lately; 0 if nothing
// is measured.
func (d *Desk) RoundTrip() (longest time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.members {
		if m.out != nil {
			longest = max(longest, m.out.answer)
		}
	}
	return longest
}

// idleList is a list of quotas.
type idleList struct{ first, last *deskQuota }

func (l *idleList) add(q *deskQuota) {
	if q.isIdle {
		return
	}
	q.isIdle, q.before, q.after = true, l.last, nil
	if l.last != nil {
		l.last.after = q
	} else {
		l.first = q
	}
	l.last = q
}

func (l *idleList) remove(q *deskQuota) {
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

func sortQuotas(list []*deskQuota) {
	slices.SortFunc(list, func(a, b *deskQuota) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.rate.Capacity, b.rate.Capacity), cmp.Compare(a.rate.Count, b.rate.Count), cmp.Compare(a.rate.Period, b.rate.Period))
	})
}
