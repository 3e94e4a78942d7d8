package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
)

// maxSum is the largest total of a key's amounts for which its sums are bounded. Below it no computation overflows.
const maxSum = math.MaxInt64 / 8

// A sum is the total of some increments: up of the positive ones, down of the negative ones (never above zero).
type sum struct{ up, down int64 }

func (s sum) plus(d int64) sum {
	if d > 0 {
		s.up += d
	} else {
		s.down += d
	}
	return s
}

func (s sum) minus(t sum) sum { return sum{s.up - t.up, s.down - t.down} }
func (s sum) and(t sum) sum   { return sum{s.up + t.up, s.down + t.down} }

// further returns the stronger of two bounds.
func (s sum) further(t sum) sum { return sum{max(s.up, t.up), min(s.down, t.down)} }

// A floor is a lower bound of what one run of a node contains: at least so much up and so much down.
//
// A read proves a floor at its end. Later acknowledgements of the node count on top, except those of calls that were
// under way at the read, since the read may contain them already. surplus is the best (proven - acked - under way), so
// surplus + acked is a floor at any later time.
type floor struct {
	run     int // number of the run, among the runs of all nodes
	acked   sum
	proven  sum
	surplus sum
}

func (f floor) now() sum { return f.proven.further(f.surplus.and(f.acked)) }

// bounds checks a key by the sums of its increments.
type bounds struct {
	*timeline
	floors   []floor
	underway []sum // by node: increments that it will acknowledge later in this run
	versions [][]floorVersion
	begun    []sum // by call: the floor of its node at the invocation
	may      sum   // everything invoked
	kept     sum   // everything acknowledged that must survive
	marked   sum   // everything acknowledged and marked as perhaps lost, which no disk needs to have
	quiet    bool
	calm     *event
	shown    int
	runs     []int
	order    map[chain][]reply
}

type floorVersion struct {
	pos   int
	floor floor
}

// A reply is the value of a read, and the amount that the reading operation itself added.
type reply struct {
	call  int
	value int64
	added int64
}

func checkBounds(k *timeline) []Violation {
	b := &bounds{
		timeline: k, floors: make([]floor, k.h.nodes), underway: make([]sum, k.h.nodes),
		versions: make([][]floorVersion, k.h.nodes), begun: make([]sum, len(k.calls)), shown: -1,
		runs: make([]int, k.h.nodes), order: map[chain][]reply{},
	}
	for node := range b.floors {
		b.floors[node].run = -1 - node
	}
	if !b.fits() {
		return nil
	}
	if !k.plain() {
		return b.checkLoosely()
	}
	for _, p := range k.points {
		switch {
		case p.call >= 0 && !p.end:
			b.invoke(p.call)
		case p.call >= 0:
			b.end(p.call, p.pos)
		default:
			b.event(p.event)
		}
	}
	b.checkOrder()
	return b.found
}

func (b *bounds) fits() bool {
	left := int64(maxSum)
	for _, w := range b.writes {
		a := w.call.amount
		if a > left || a < -left {
			return false
		}
		left -= max(a, -a)
	}
	return true
}

func (b *bounds) invoke(i int) {
	call := b.call(i)
	b.begun[i] = b.floors[call.node].now()
	if call.kind != Incr {
		return
	}
	b.may = b.may.plus(call.amount)
	if b.steady[i] && !call.mayBeLost {
		b.underway[call.node] = b.underway[call.node].plus(call.amount)
	}
	b.quiet = false
}

func (b *bounds) end(i, pos int) {
	call := b.call(i)
	if call.outcome != ok || !call.reads() {
		return
	}
	b.reads++
	must := sum{}
	if b.steady[i] {
		must = b.begun[i]
	}
	f, itself := &b.floors[call.node], sum{}
	if call.kind == Incr {
		itself = itself.plus(call.amount)
		switch {
		case call.mayBeLost:
			b.marked = b.marked.and(itself)
		case b.steady[i]:
			f.acked = f.acked.and(itself)
			b.underway[call.node] = b.underway[call.node].minus(itself)
			b.kept = b.kept.and(itself)
		}
	}
	must = must.and(itself)
	if low, high := must.up+b.may.down, b.may.up+must.down; call.reply < low || call.reply > high {
		b.report("L1", b.calls[i], fmt.Sprintf("it read %d, but has to be from %d to %d: %d at least and %d at most was added, %d at least and %d at most taken away",
			call.reply, low, high, must.up, b.may.up, -must.down, -b.may.down))
		return
	}
	b.compareQuiet(i)
	if !b.steady[i] {
		return
	}
	proven := sum{call.reply - must.down, call.reply - must.up}.further(must)
	f.proven = f.proven.further(proven)
	f.surplus = f.surplus.further(proven.minus(f.acked).minus(b.underway[call.node]))
	b.keep(int(call.node), pos)
	at := chain{int(call.node), b.runs[call.node]}
	b.order[at] = append(b.order[at], reply{i, call.reply, itself.up + itself.down})
}

func (b *bounds) compareQuiet(i int) {
	call := b.call(i)
	if !b.quiet || call.invoked < b.calm.pos {
		return
	}
	if b.shown < 0 {
		b.shown = i
		return
	}
	if first := b.call(b.shown); first.reply != call.reply {
		b.report("L8", b.calls[i], fmt.Sprintf("it read %d after all nodes had exchanged, but node %d showed %d",
			call.reply, first.node, first.reply), b.calls[b.shown])
	}
}

func (b *bounds) event(e *event) {
	switch e.kind {
	case started:
		old, disk := b.floors[e.node], b.at(e.disk.Node, e.disk.Shown)
		acked := b.at(e.disk.Node, e.disk.Acked).acked
		lost := old.acked
		if disk.run == old.run && e.disk != (Disk{}) {
			lost = lost.minus(acked) // otherwise these may be sums of other increments
		}
		b.kept = b.kept.minus(sum{max(lost.up, 0), min(lost.down, 0)})
		b.floors[e.node] = floor{run: e.pos, acked: acked, proven: disk.now().minus(b.marked).further(acked), surplus: disk.surplus.minus(b.marked).further(sum{})}
		b.underway[e.node] = sum{}
		b.runs[e.node]++
		b.keep(e.node, e.pos)
		b.quiet = false
	case quiescent:
		all := b.kept
		for _, f := range b.floors {
			all = all.further(f.now())
		}
		for node := range b.floors {
			f := &b.floors[node]
			f.proven = all
			f.surplus = f.surplus.further(all.minus(f.acked).minus(b.underway[node]))
			b.keep(node, e.pos)
		}
		b.quiet, b.calm, b.shown = true, e, -1
	}
}

func (b *bounds) keep(node, pos int) {
	b.versions[node] = append(b.versions[node], floorVersion{pos, b.floors[node]})
}

func (b *bounds) at(node int, m Mark) floor {
	vs := b.versions[node]
	i := sort.Search(len(vs), func(i int) bool { return vs[i].pos > int(m) })
	if i == 0 {
		return floor{run: math.MinInt}
	}
	return vs[i-1].floor
}

// checkOrder checks a key that only grows: the replies of each run must be the steps of one count. In order of their
// values, each increment's reply is above the one before by at least its own amount. This finds updates lost between
// clients whose calls overlap.
func (b *bounds) checkOrder() {
	if slices.ContainsFunc(b.writes, func(w write) bool { return w.call.amount < 0 }) {
		return
	}
	for _, at := range chains(b.order) {
		rs := b.order[at]
		slices.SortStableFunc(rs, func(x, y reply) int {
			return cmp.Or(cmp.Compare(x.value, y.value), cmp.Compare(y.added, x.added))
		})
		for n := 1; n < len(rs); n++ {
			if x, y := rs[n-1], rs[n]; y.value-x.value < y.added {
				b.report("L1", b.calls[y.call], fmt.Sprintf("it added %d and read %d, and another read %d in the same run: one of them is not counted",
					y.added, y.value, x.value), b.calls[x.call])
				return
			}
		}
	}
}

// checkLoosely checks a key with resets. Its values do not tell which operations they contain. It checks that no value
// is out of reach of everything added and set, and that all nodes agree in the end.
func (b *bounds) checkLoosely() []Violation {
	var set sum // values that a SET may have set
	timed := slices.ContainsFunc(b.writes, func(w write) bool { return w.call.bounds() })
	for _, p := range b.points {
		switch {
		case p.call < 0 && p.event.kind == quiescent:
			b.quiet, b.calm, b.shown = !timed, p.event, -1
		case p.call < 0:
			b.quiet = b.quiet && p.event.kind == partitioned
		case !p.end:
			call := b.call(p.call)
			if !call.writes() {
				continue
			}
			b.quiet = false
			if call.kind == Incr {
				b.may = b.may.plus(call.amount)
			} else {
				set = set.further(sum{}.plus(call.amount))
			}
		case b.call(p.call).outcome == ok && b.call(p.call).reads():
			b.reads++
			call := b.call(p.call)
			if low, high := b.may.down+set.down, b.may.up+set.up; call.reply < low || call.reply > high {
				b.report(b.law(), b.calls[p.call], fmt.Sprintf("it read %d, but has to be from %d to %d", call.reply, low, high))
				continue
			}
			b.compareQuiet(p.call)
		}
	}
	return b.found
}
