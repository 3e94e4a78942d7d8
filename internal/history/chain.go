package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// A chain is the reads of one run of a node: what they show grows, in some order.
type chain struct{ node, run int }

// A reading is one of them.
type reading struct {
	call int
	in   set
}

// chains is the keys of the map in order.
func chains[V any](m map[chain]V) []chain {
	return slices.SortedFunc(maps.Keys(m), func(a, b chain) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.run, b.run))
	})
}

func (c *contents) link(i int, in set) {
	node := int(c.call(i).node)
	at := chain{node, c.runs[node]}
	c.chains[at] = append(c.chains[at], reading{i, in})
}

// checkChains says whether of any two reads in a run one shows all that the other does, and no two increments the same.
// Reads that overlap are compared too, which have no order in time.
func (c *contents) checkChains() {
	for _, at := range chains(c.chains) {
		rs := c.chains[at]
		slices.SortStableFunc(rs, func(a, b reading) int { return cmp.Compare(a.in.len(), b.in.len()) })
		for n := 1; n < len(rs); n++ {
			a, b := rs[n-1], rs[n]
			x, y := c.calls[a.call], c.calls[b.call]
			if lacking := a.in.without(b.in); !lacking.empty() {
				c.report("L1", y, fmt.Sprintf("it read %d and another read in the same run %d: neither contains the other",
					c.call(b.call).reply, c.call(a.call).reply), append([]ID{x}, c.ids(lacking)...)...)
				return
			}
		}
		last := map[set]int{}
		for _, r := range rs {
			if c.call(r.call).kind != Incr || c.call(r.call).amount == 0 {
				continue
			}
			if other, twice := last[r.in]; twice {
				c.report("L1", c.calls[r.call], fmt.Sprintf("it read %d, as another increment in the same run",
					c.call(r.call).reply), c.calls[other])
				return
			}
			last[r.in] = r.call
		}
	}
}
