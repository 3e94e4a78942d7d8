package shares

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// mostForgotten is how many quotas one Tick forgets.
const mostForgotten = 64

// Tick ends orders whose deadline is over, and forgets quotas of which nothing is known any more.
func (d *Desk) Tick(now int64) {
	d.lockAt(now)
	late := len(d.due) > 0 && d.due[0].deadline <= now
	for len(d.due) > 0 && d.due[0].deadline <= now {
		o := d.due[0]
		d.stats.Denied += o.ones()
		d.end(o)
		d.settle(o.quota, now)
	}
	for range mostForgotten {
		q := d.idle.first
		if q == nil || now-q.touched < int64(q.rate.Window()) {
			break
		}
		d.forget(q)
	}
	d.unlock(late)
}

// IsIdle reports whether nothing waits: no order, no answer and nothing to send.
func (d *Desk) IsIdle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	busy := func(out *outbox) bool { return out != nil && len(out.asks)+len(out.backs)+len(out.open) > 0 }
	return len(d.due) == 0 && !slices.ContainsFunc(d.loose, busy) &&
		!slices.ContainsFunc(d.members, func(m *member) bool { return busy(m.out) })
}

// SetPart tells who the members are. If they are others than before, all orders end.
func (d *Desk) SetPart(p Part) {
	d.mu.Lock()
	changed := d.table != p.Table && (d.table == nil || p.Table == nil || !d.table.equal(p.Table))
	if changed {
		d.setTable(p.Table)
	}
	d.unlock(changed)
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
		for i, m := range t.Members {
			if m.Node != d.node {
				d.members = append(d.members, &member{node: m.Node, at: i})
			}
		}
	}
	// Each node has another member at the head, so that not all nodes ask the same one first.
	slices.SortFunc(d.members, func(a, b *member) int { return cmp.Compare(a.node-d.node, b.node-d.node) })
	for _, out := range outs {
		if m := d.member(out.node); m != nil {
			m.out = out
		} else {
			d.loose = append(d.loose, out)
		}
	}
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
