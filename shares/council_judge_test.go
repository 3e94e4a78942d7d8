package shares

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quotadb/quota-db/quota"
)

var (
	councilWorlds = flag.Int("council-worlds", 400, "number of random worlds of councils")
	councilSeed   = flag.Uint64("council-seed", 0, "seed of the first of them; 0: by the clock")
	councilTrace  = flag.Bool("council-trace", false, "log what happens in them")
)

// take takes tokens at a host, if its part allows that, as if many clients called there.
func (w *councilWorld) take(h *councilHost) {
	if h.council == nil {
		return
	}
	p := h.council.Part()
	if !p.IsUsable() || w.rng.IntN(4) == 0 {
		return
	}
	rate := p.Own(w.key, w.rate)
	b := h.bucket
	if p.Since != 0 {
		b = b.EmptyAt(rate, p.Since)
	}
	b = b.Of(rate)
	n := b.Remaining(rate, w.now)
	if n == 0 || w.rng.IntN(3) == 0 {
		return
	}
	n = 1 + w.rng.Uint64N(n)
	if ok := b.Take(rate, n, w.now); !ok {
		w.broken = "the tokens that remain cannot be taken"
	}
	h.bucket, h.dir.bucket = b, b
	h.age, h.dir.age = w.now, w.now
	h.takes++
	h.dir.takes = h.takes
	h.dir.lineage[h.run] = w.now
	if h.dir.old || p.State == Whole && !w.isWhole {
		return
	}
	if !w.ideal.Take(w.rate, n, w.now) {
		w.broken = fmt.Sprintf("%d has taken %d tokens, and that is more than the limit of the cluster, %d in %v", h.node, n, w.rate.Capacity, w.rate.Period)
	}
}

// judge looks for what must not be.
func (w *councilWorld) judge() {
	isFounded := w.isWhole
	for _, h := range w.hosts {
		if h.council == nil {
			isFounded = isFounded || h.dir.written.table != nil && !h.inMemory
			continue
		}
		if h.older {
			continue
		}
		isFounded = isFounded || h.council.table != nil
		w.judgeDirectory(h)
	}
	if !isFounded {
		w.ideal = quota.Bucket{} // nobody has used anything, or all have lost it: a new quota
	}
	w.judgeSums()
}

// judgeDirectory: if a peer has told a node of an earlier start that its directory does not know, the node does not use
// its part as if it knew what it has used.
func (w *councilWorld) judgeDirectory(h *councilHost) {
	p := h.council.Part()
	if p.State != InForce || !p.Table.Has(h.node) || p.Since >= h.started {
		return
	}
	for run, age := range h.ticked {
		if run != h.run && age > h.dir.lineage[run] {
			w.broken = fmt.Sprintf("%d uses its part since %d, and a peer has told it of start %d, which had written up to %d; the directory knows %d",
				h.node, p.Since, run, age, h.dir.lineage[run])
		}
	}
}

// judgePart: a node uses its part only if that follows from what is on its disk, and soon after a start only if all
// other members have told what they know of it.
func (w *councilWorld) judgePart(h *councilHost) {
	p := h.council.Part()
	if p.State != InForce || !p.Table.Has(h.node) {
		return
	}
	if r := &h.dir.written; !h.inMemory && (r.table == nil || !r.table.equal(p.Table) || r.since != p.Since || r.doubt) {
		w.broken = fmt.Sprintf("%d uses its part, and that is not on its disk", h.node)
	}
	for _, m := range p.Table.Members {
		if m.Node != h.node && !h.asked[m.Node] && w.now-h.started < rollCall && p.Since < h.started {
			w.broken = fmt.Sprintf("%d uses its part before it has heard what %d knows of it", h.node, m.Node)
		}
	}
}

// judgeDrop: when a node drops a promise, no other node that may begin by it counts on it any more.
func (w *councilWorld) judgeDrop(h *councilHost, dropped []Founder) {
	c := h.council
	if len(dropped) == 0 || slices.Equal(c.promise, dropped) || c.table != nil && c.table.equal(tableOf(dropped)) {
		return
	}
	for _, o := range w.hosts {
		if o == h || o.older || o.council == nil || !slices.Equal(o.council.promise, dropped) {
			continue
		}
		if s := o.council.sessions[h.node]; s != nil && s.heard.self != nil && s.heard.self.run == c.run &&
			slices.Equal(s.heard.promise, dropped) && !s.heard.withdrawing {
			w.broken = fmt.Sprintf("%d has dropped a promise that %d counts on", h.node, o.node)
		}
	}
}

// judgeProof: a node is proven only when all other members have told it something in sessions that have not ended.
func (w *councilWorld) judgeProof(h *councilHost, t *Table) {
	for _, to := range w.hosts {
		if to == h || !t.Has(to.node) {
			continue
		}
		if l := w.linkOf(h, to); l == nil || !l.told[slices.Index(l.ends[:], h)] {
			w.broken = fmt.Sprintf("%d is proven, and %d has not told it anything in the present session", h.node, to.node)
		}
	}
}

// judgeNotice: what a node tells a peer is on its disk.
func (w *councilWorld) judgeNotice(h *councilHost, to uint16) {
	if h.inMemory {
		return
	}
	c := h.council
	if r := &h.dir.written; r.book != c.book || r.run != c.run ||
		!slices.Equal(r.promise, c.promise) || r.known[to].book != c.known[to].book ||
		(r.table == nil) != (c.table == nil) || r.table != nil && !r.table.equal(c.table) {
		w.broken = fmt.Sprintf("%d tells %d what is not on its disk", h.node, to)
	}
}

// judgeSums: what the parts in force are worth is never more than the limit.
func (w *councilWorld) judgeSums() {
	for limit := uint64(1); limit <= 7; limit++ {
		whole := w.rate
		whole.Capacity, whole.Count = limit, limit
		sum, nodes := uint64(0), 0
		for _, h := range w.hosts {
			if h.council == nil || h.older || h.dir.old {
				continue
			}
			if p := h.council.Part(); p.State == InForce {
				sum += p.Own(w.key, whole).Capacity
				nodes++
			}
		}
		if sum > limit {
			w.broken = fmt.Sprintf("the parts of %d nodes are worth %d of %d", nodes, sum, limit)
		}
	}
}

// rest ends all trouble, and reports why not all nodes are in force after a while.
func (w *councilWorld) rest() (why string) {
	w.calm = true
	clear(w.cuts)
	for range int(20 * time.Second / time.Duration(worldStep)) {
		w.step()
		if w.broken != "" {
			return w.broken
		}
		if why = w.unrest(); why == "" {
			return ""
		}
	}
	return why
}

func (w *councilWorld) unrest() string {
	var table *Table
	for _, h := range w.hosts {
		if h.council == nil || h.older {
			return fmt.Sprintf("%d does not run", h.node)
		}
		p := h.council.Part()
		if p.State != InForce {
			return fmt.Sprintf("%d is not in force: state %d, it waits for %s", h.node, p.State, p.Why)
		}
		if table == nil {
			table = p.Table
		}
		if !table.equal(p.Table) {
			return fmt.Sprintf("%d belongs to another cluster", h.node)
		}
	}
	return ""
}

// runCouncilWorld runs a world, and returns what was wrong in it.
func runCouncilWorld(seed uint64, trace func(string, ...any)) string {
	w := newCouncilWorld(seed)
	if trace != nil {
		w.trace = func(format string, args ...any) {
			trace("%6.2f "+format, append([]any{float64(w.now-int64(time.Hour)) / 1e9}, args...)...)
		}
	}
	for range w.steps {
		w.step()
		if w.broken != "" {
			return w.broken
		}
	}
	return w.rest()
}

func TestNoWorldOfCouncilsAdmitsMoreThanTheLimitAndAllComeToRest(t *testing.T) {
	seed := *councilSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	var trace func(string, ...any)
	if *councilTrace {
		trace = t.Logf
	}
	for n := range *councilWorlds {
		if why := runCouncilWorld(seed+uint64(n), trace); why != "" {
			t.Fatalf("world %d: %s (go test ./shares -run %s -council-worlds 1 -council-trace -council-seed %d)", n+1, why, t.Name(), seed+uint64(n))
		}
	}
}
