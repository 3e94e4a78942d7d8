package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// A chain is the reads of one run of a node. In some order, each shows all that the one before shows.
type chain struct{ node, run int }

// A reading is one read of a chain.
type reading struct {
	call int
	in   set
}

// chains returns the keys of the map in order.
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

// checkChains checks the reads of each run: of any two, one shows everything that the other shows, and no two
// increments show the same. Overlapping reads are compared too, although they have no order in time.
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
