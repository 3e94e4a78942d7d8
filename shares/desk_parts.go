package shares

import (
	"slices"

	"github.com/quotadb/quota-db/quota"
)

// at appends the indexes in Table.Members of the members that are connected, or of those that are not. d.mu is held.
// The parts of these members can be computed without the mutex: a table does not change.
func (d *Desk) at(dst []int, connected bool) []int {
	for _, m := range d.members {
		if (m.out != nil) == connected {
			dst = append(dst, m.at)
		}
	}
	return dst
}

// appendFull appends a full bucket of a quota for each of the members with these indexes.
func (t *Table) appendFull(all []held, at []int, key []byte, rate quota.Rate) []held {
	switch len(at) {
	case 0:
		return all
	case 1:
		rank, _ := t.Rank(key, t.Members[at[0]].Node)
		return append(all, held{part: rate.Share(len(t.Members), rank)})
	}
	var room [16]int
	ranks := t.ranks(room[:0], key)
	all = slices.Grow(all, len(at))
	for _, i := range at {
		all = append(all, held{part: rate.Share(len(ranks), ranks[i])})
	}
	return all
}

// capacity is how many tokens of a quota the members with these indexes can have together.
func (t *Table) capacity(at []int, key []byte, rate quota.Rate) (tokens uint64) {
	var room [16]held
	for _, h := range t.appendFull(room[:0], at, key, rate) {
		tokens += h.part.Capacity
	}
	return tokens
}

// Others is how many tokens of a quota the other members have that are connected, as far as this node knows: what they
// told and what has refilled since then, or a full part where nothing is known.
func (d *Desk) Others(key []byte, rate quota.Rate, now int64) (tokens uint64) {
	d.mu.Lock()
	if q := d.quotas[quotaName{string(key), rate}]; q != nil {
		tokens = d.levels(q, now)
		d.mu.Unlock()
		return tokens
	}
	var room [16]int
	t, at := d.table, d.at(room[:0], true)
	d.mu.Unlock()
	return t.capacity(at, key, rate)
}

// Beside is Others for a node whose own part of the quota is known: if nothing else is known, the connected members
// have the rest of the limit without the parts of the members that are not connected. Mostly there are none of these.
func (d *Desk) Beside(key []byte, rate, part quota.Rate, now int64) (tokens uint64) {
	if part.Capacity == 0 || rate.Count != rate.Capacity { // parts of other rates may not sum to the limit
		return d.Others(key, rate, now)
	}
	d.mu.Lock()
	if q := d.quotas[quotaName{string(key), rate}]; q != nil {
		tokens = d.levels(q, now)
		d.mu.Unlock()
		return tokens
	}
	missing := 0
	for _, m := range d.members {
		if m.out == nil {
			missing++
		}
	}
	nobody := missing == len(d.members)
	d.mu.Unlock()
	switch {
	case nobody:
		return 0
	case missing > 0:
		part.Capacity += d.Stranded(key, rate)
	}
	return rate.Capacity - min(rate.Capacity, part.Capacity) // the caller's part may be of another table for a moment
}

// levels is how many tokens the connected members can be expected to have. d.mu is held.
func (d *Desk) levels(q *deskQuota, now int64) (tokens uint64) {
	for i := range d.members {
		tokens += d.level(q, i, now)
	}
	return tokens
}

// Stranded is how many tokens of a quota belong to members that are not connected.
func (d *Desk) Stranded(key []byte, rate quota.Rate) (tokens uint64) {
	var room [16]int
	d.mu.Lock()
	t, at := d.table, d.at(room[:0], false)
	d.mu.Unlock()
	return t.capacity(at, key, rate)
}
