package history

import (
	"cmp"
	"math"
	"slices"
)

// A timeline is everything that happened to one key, in order.
type timeline struct {
	h      *History
	key    string
	calls  []ID // calls that did not fail
	failed []ID
	writes []write
	number []int  // by call: the number of its write, or -1
	steady []bool // by call: it began and ended in one run of its node
	points []point
	reads  int
	found  []Violation
}

// A point is the beginning or the end of a call, or an event.
type point struct {
	pos   int
	call  int // index in calls; -1: event
	end   bool
	event *event
}

// A write is an operation that changes the key, with the known facts about it.
type write struct {
	id      ID
	call    *call
	min     int64 // lower bound of the deadline that it sets
	max     int64
	element bool // values show whether they contain it
	steady  bool // acknowledged by the run to which it was sent

	before set // writes that its node knew; its stamp is later than theirs
	sure   set // of a reset: writes that it has certainly removed
	maybe  set // of a reset: writes that it may have removed
	spared set // of a reset: writes that it has certainly not removed
	after  set // deadlines that had passed for its node, so they cannot end it
}

func newTimeline(h *History, ids []ID, starts [][]int) *timeline {
	k := &timeline{h: h, key: h.names[h.calls[ids[0]].key]}
	for _, id := range ids {
		c := &h.calls[id]
		if c.outcome == failed {
			k.failed = append(k.failed, id)
			continue
		}
		number := -1
		if c.writes() {
			number = len(k.writes)
			k.writes = append(k.writes, newWrite(id, c))
		}
		n := len(k.calls)
		k.calls = append(k.calls, id)
		k.number = append(k.number, number)
		from, _ := slices.BinarySearch(starts[c.node], c.invoked)
		to, _ := slices.BinarySearch(starts[c.node], c.returned)
		steady := c.outcome == ok && from == to
		k.steady = append(k.steady, steady)
		if number >= 0 {
			k.writes[number].steady = steady
		}
		k.points = append(k.points, point{pos: c.invoked, call: n})
		if c.returned != 0 {
			k.points = append(k.points, point{pos: c.returned, call: n, end: true})
		}
	}
	for i := range h.events {
		k.points = append(k.points, point{pos: h.events[i].pos, call: -1, event: &h.events[i]})
	}
	slices.SortFunc(k.points, func(a, b point) int { return cmp.Compare(a.pos, b.pos) })
	return k
}

func newWrite(id ID, c *call) write {
	w := write{id: id, call: c, element: c.counts() && c.amount != 0}
	switch {
	case c.deadline != 0:
		w.min, w.max = c.deadline, c.deadline
	case c.ttl != 0:
		w.min, w.max = c.early+c.ttl, int64(math.MaxInt64)
		if c.late < math.MaxInt64-c.ttl {
			w.max = c.late + c.ttl
		}
	}
	return w
}

// decodable finds the notation in which values name their operations.
func (k *timeline) decodable() (*notation, bool) {
	if len(k.writes) > maxWrites {
		return nil, false
	}
	return notationOf(k.h, k.writes, k.failed)
}

func (k *timeline) call(i int) *call { return &k.h.calls[k.calls[i]] }

// plain reports whether only increments have changed the key.
func (k *timeline) plain() bool {
	return !slices.ContainsFunc(k.writes, func(w write) bool { return w.call.kind != Incr })
}

// law is the law that is broken if something is missing from the key, or is too much in it.
func (k *timeline) law() string {
	law := "L1"
	for _, w := range k.writes {
		if w.call.bounds() {
			return "L3"
		}
		if w.call.resets() {
			law = "L2"
		}
	}
	return law
}

// report adds a violation by the read; others are the operations that explain it.
func (k *timeline) report(law string, read ID, what string, others ...ID) {
	if len(k.found) >= maxPerKey {
		return
	}
	c := &k.h.calls[read]
	v := Violation{Law: law, Key: k.key, Op: read, What: what, pos: c.returned}
	v.With = append(v.With, k.h.describe(read))
	slices.Sort(others)
	for _, o := range slices.Compact(others) {
		if o != read {
			v.With = append(v.With, k.h.describe(o))
		}
	}
	k.found = append(k.found, v)
}
