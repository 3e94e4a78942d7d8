package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// These limits keep a report readable when very much is wrong.
const (
	maxPerKey     = 3
	maxViolations = 100
)

// A Violation is a reply that no correct cluster gives.
type Violation struct {
	Law  string // the law that is broken: L1, L2, L3, L7 or L8
	Key  string
	Op   ID       // the read
	What string   // the value read, and the values allowed
	With []string // the operations that concern it, the read first

	pos int
}

func (v Violation) String() string {
	return fmt.Sprintf("%s, key %q: %s\n\t%s", v.Law, v.Key, v.What, strings.Join(v.With, "\n\t"))
}

// Coverage tells how much a check could look at.
type Coverage struct {
	Reads   int // replies compared
	Decoded int // keys whose values name their operations
	Bounded int // keys whose sums were bounded
}

// Check returns the violations in the history, the earliest first; none if every reply is within the laws.
func (h *History) Check() []Violation {
	v, _ := h.CheckCoverage()
	return v
}

// CheckCoverage is Check, and also returns the coverage.
func (h *History) CheckCoverage() ([]Violation, Coverage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var (
		found    []Violation
		coverage Coverage
		starts   = h.starts()
	)
	for _, ids := range h.byKey() {
		k := newTimeline(h, ids, starts)
		if n, decoded := k.decodable(); decoded {
			coverage.Decoded++
			found = append(found, checkContents(k, n)...)
		} else {
			coverage.Bounded++
			found = append(found, checkBounds(k)...)
		}
		coverage.Reads += k.reads
	}
	slices.SortFunc(found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.pos, b.pos), cmp.Compare(a.Op, b.Op))
	})
	return found[:min(len(found), maxViolations)], coverage
}

// byKey returns the operations of each key, in the order of invocation.
func (h *History) byKey() [][]ID {
	counts := make([]int, len(h.names))
	for i := range h.calls {
		counts[h.calls[i].key]++
	}
	all := make([]ID, len(h.calls))
	keys := make([][]ID, len(h.names))
	for k, n := range counts {
		keys[k], all = all[:0:n], all[n:]
	}
	for i := range h.calls {
		k := h.calls[i].key
		keys[k] = append(keys[k], ID(i))
	}
	return keys
}

// starts returns the positions of each node's starts, in order.
func (h *History) starts() [][]int {
	starts := make([][]int, h.nodes)
	for _, e := range h.events {
		if e.kind == started {
			starts[e.node] = append(starts[e.node], e.pos)
		}
	}
	return starts
}
