package shares

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quotadb/quota-db/quota"
)

const worldStep = int64(50 * time.Millisecond)

// councilWorld is some hosts with councils, and all that may happen to them. All of it follows from the seed.
type councilWorld struct {
	rng    *rand.Rand
	now    int64
	hosts  []*councilHost
	links  []*councilLink
	cuts   map[[2]int]int64 // pair of hosts: until when it cannot connect
	broken string           // what must not have happened
	trace  func(string, ...any)

	rate    quota.Rate // of the world's quota
	key     []byte
	ideal   quota.Bucket // what one bucket of the whole cluster would have admitted
	isWhole bool         // one node may use whole quotas, and they are judged
	calm    bool         // no new trouble
	steps   int          // of trouble
	longCut int64        // in steps
	lazy    int          // how likely a node does nothing in a step, in 1/1000
	unaware int          // how likely the other end of an ended session notices it in a step, in 1/1000
	weather [5]int       // in 1/1000: how likely are crashes, lost directories, cuts, ends of sessions, failed writes
	mayLose bool         // directories may be lost
	delay   int          // how likely a message stays on its way, in 1/10
}

// councilHost is a machine with at most one node.
type councilHost struct {
	node      uint16
	lists     []int // the hosts that it connects to
	inMemory  bool
	protected bool // does not lose its directory
	older     bool // runs a release that knows no notices
	upgraded  bool // has run one
	bornAt    int64
	dir       councilDir
	images    []councilDir
	takes     int // how often tokens were taken here
	runs      int // how often it was started

	council *Council // nil: it does not run
	run     int      // number of its start
	started int64
	bucket  quota.Bucket
	base    int64 // how far the directory had been written when it started
	age     int64
	heard   map[uint16]map[int]int64 // of each node: how far each of its starts had written
	knows   map[int]int64            // what a peer has told in this run of earlier starts of this node
	ticked  map[int]int64            // the same, as of the last Tick
	asked   map[uint16]bool          // the peers that have told in this run what they know of this node
	dies    bool                     // in the middle of a write
}

// councilDir is what a directory holds.
type councilDir struct {
	text    []byte
	written record // what the text says
	age     int64
	bucket  quota.Bucket
	heard   map[uint16]map[int]int64
	lineage map[int]int64 // how far each start had written that this directory knows of
	takes   int           // of the host, when it was written
	old     bool          // it is not the newest of the host, and the host does not know that
	release bool          // it was written by a release that knows no notices
}

func (d *councilDir) copy() councilDir {
	c := *d
	c.heard, c.lineage = copyHeard(d.heard), maps.Clone(d.lineage)
	return c
}

func copyHeard(h map[uint16]map[int]int64) map[uint16]map[int]int64 {
	c := map[uint16]map[int]int64{}
	for node, ages := range h {
		c[node] = maps.Clone(ages)
	}
	return c
}

// councilLink is a session of two hosts.
type councilLink struct {
	ends  [2]*councilHost
	runs  [2]int
	state [2]linkState
	told  [2]bool          // whether the host of that index has heard something
	way   [2][]councilMail // to the host of that index
}

type linkState uint8

const (
	begins linkState = iota
	open
	ended
)

type councilMail struct {
	text []byte
	age  int64
	base int64 // what the directory had at the start
	run  int
	full bool
	of   map[int]int64 // what the sender knows of the receiver's starts
}

func (w *councilWorld) likely(thousandths int) bool { return w.rng.IntN(1000) < thousandths }

func newCouncilWorld(seed uint64) *councilWorld {
	rng := rand.New(rand.NewPCG(seed, 7))
	w := &councilWorld{rng: rng, now: int64(time.Hour), cuts: map[[2]int]int64{}, mayLose: true, trace: func(string, ...any) {}}
	w.key = fmt.Appendf(nil, "key:%d", rng.IntN(1000))
	limit := 1 + rng.Uint64N(9)
	w.rate, _ = quota.New(limit, limit, time.Duration(1+rng.IntN(8))*time.Second)
	for i := range w.weather {
		w.weather[i] = []int{0, 3, 10, 30}[rng.IntN(4)]
	}
	w.delay = rng.IntN(8)
	w.steps = 60 + rng.IntN(500)
	w.lazy, w.unaware = 300, 300
	w.longCut = []int64{10, 40, 150}[rng.IntN(3)]
	n := 2 + rng.IntN(4)
	for i := range n {
		h := &councilHost{node: uint16(10 * (i + 1)), inMemory: rng.IntN(8) == 0, bornAt: w.now + rng.Int64N(20)*worldStep}
		for j := range n {
			if j != i {
				h.lists = append(h.lists, j)
			}
		}
		w.hosts = append(w.hosts, h)
	}
	switch kind := rng.IntN(8); {
	case kind == 0 || kind == 4: // of two nodes one connects to the other: which nodes will be members is open
		w.mayLose = false
		w.steps = 40 + rng.IntN(100)
		for i, h := range w.hosts {
			h.lists, h.inMemory = nil, false
			h.bornAt = w.now + int64(i)*rng.Int64N(12)*worldStep
			for j, o := range w.hosts[:i] {
				if rng.IntN(3) > 0 {
					h.lists = append(h.lists, j)
				} else {
					o.lists = append(o.lists, i)
				}
			}
		}
		w.isWhole = slices.ContainsFunc(w.hosts, func(h *councilHost) bool { return len(h.lists) == 0 })
		if kind == 4 { // sessions begin and end all the time
			w.weather = [5]int{[]int{0, 10}[rng.IntN(2)], 0, 20 + rng.IntN(80), 20 + rng.IntN(80), 0}
			w.longCut, w.lazy, w.steps, w.unaware = 12, 600, 150, 60
		}
	case kind == 1 && n > 2: // one comes later, and nobody connects to it
		w.hosts[0].protected = true
		for i, h := range w.hosts[:n-1] {
			h.lists = slices.DeleteFunc(h.lists, func(j int) bool { return j == n-1 && i != j })
		}
		w.hosts[n-1].bornAt += rng.Int64N(100) * worldStep
	case kind == 5: // directories are lost again and again
		w.hosts = w.hosts[:2+rng.IntN(min(2, n-1))]
		for _, h := range w.hosts {
			h.lists, h.inMemory, h.bornAt = slices.DeleteFunc(h.lists, func(j int) bool { return j >= len(w.hosts) }), false, w.now
		}
		w.weather, w.delay, w.longCut = [5]int{30, 40, 3, 0, 0}, 1, 10
	case kind == 2: // a cluster that grows from one node without peers
		w.isWhole = true
		w.hosts[0].protected, w.hosts[0].lists = true, nil
		w.hosts[0].bornAt = w.now
	case kind == 3: // an upgrade
		for _, h := range w.hosts {
			h.older = rng.IntN(4) > 0
			h.inMemory = h.inMemory && !h.older
		}
	}
	if w.hosts[0].protected || len(w.hosts[0].lists) == 0 {
		w.hosts[0].inMemory = false
	}
	return w
}

// step lets something happen at each host and link.
func (w *councilWorld) step() {
	w.now += worldStep
	for i, h := range w.hosts {
		switch {
		case h.council == nil && w.now >= h.bornAt && (w.calm || w.likely(150)):
			w.startHost(i)
		case h.council == nil:
		case w.calm && h.older, w.likely(w.weather[0]):
			w.kill(h)
		}
		if h.council == nil || h.older {
			continue
		}
		if w.mayLose && w.likely(20) {
			h.images = append(h.images, h.dir.copy())
			h.images = h.images[max(0, len(h.images)-4):]
		}
		if w.calm || w.likely(1000-w.lazy) {
			w.tick(i)
		}
		w.take(h)
	}
	w.connect()
	for _, l := range w.links {
		w.carry(l)
	}
	w.links = slices.DeleteFunc(w.links, func(l *councilLink) bool {
		return l.isOver(0) && l.isOver(1)
	})
	w.judge()
}

// isOver reports whether one end of a link uses it no more.
func (l *councilLink) isOver(end int) bool {
	h := l.ends[end]
	return l.state[end] == ended || h.council == nil || h.run != l.runs[end]
}

// kill ends a host's process.
func (w *councilWorld) kill(h *councilHost) {
	w.trace("%d is killed", h.node)
	if !h.older && !h.inMemory && w.likely(200) {
		if err := h.council.Stop(); err != nil && !errors.Is(err, errWorldWrite) {
			w.broken = err.Error()
		}
	}
	h.council = nil
}

// startHost starts a host's process, perhaps with another directory.
func (w *councilWorld) startHost(i int) {
	h := w.hosts[i]
	h.runs++
	h.run, h.started, h.age, h.dies = h.runs, w.now, 0, false
	if h.older && (w.calm || w.likely(100)) {
		h.older = false
		h.dir.release = true
	}
	if h.older {
		h.council, _ = NewCouncil(CouncilOptions{Random: w.rng.Uint64}, w.now) // it is never asked
		h.upgraded = true
		return
	}
	fresh, copied := h.dir.text == nil && !h.dir.release, false
	if w.mayLose && !w.calm && !h.protected && h.run > 1 {
		switch {
		case w.likely(w.weather[1] * 10):
			w.trace("%d is wiped", h.node)
			h.dir, fresh = councilDir{}, true
		case len(h.images) > 0 && w.likely(w.weather[1]*10):
			last := h.dir.written
			h.dir = h.images[w.rng.IntN(len(h.images))].copy()
			h.dir.old = h.dir.old || h.dir.takes != h.takes || h.dir.written.book != last.book || h.dir.written.since != last.since
			fresh = h.dir.text == nil && !h.dir.release
			w.trace("%d has an older directory, not the newest: %t", h.node, h.dir.old)
		case len(h.images) > 0 && w.likely(w.weather[1]*5):
			h.dir = h.images[w.rng.IntN(len(h.images))].copy()
			h.dir.old = false // the council is told
			fresh, copied = h.dir.text == nil && !h.dir.release, true
			w.trace("%d has a copied directory", h.node)
		}
	}
	if h.inMemory {
		h.dir, fresh = councilDir{}, true
	}
	if fresh {
		h.dir.old = false
	}
	h.bucket, h.heard, h.knows, h.ticked = h.dir.bucket, copyHeard(h.dir.heard), map[int]int64{}, nil
	h.asked = map[uint16]bool{}
	h.base = h.dir.age
	if h.dir.lineage == nil {
		h.dir.lineage = map[int]int64{}
	}
	o := CouncilOptions{
		Node: h.node, Text: h.dir.text, Fresh: fresh, Copied: copied, Age: h.dir.age, Random: w.rng.Uint64,
		Whole: h.dir.release && h.dir.text == nil || len(h.lists) == 0,
	}
	if !h.inMemory {
		run := h.run
		o.Save = func(text []byte) error { return w.write(h, run, text) }
	}
	c, err := NewCouncil(o, w.now)
	if err != nil && !h.dies && !errors.Is(err, errWorldWrite) {
		w.broken = fmt.Sprintf("%d does not start: %v", h.node, err)
	}
	if err == nil && !h.dies {
		h.council = c
		w.trace("%d starts as %d, fresh %t: %+v", h.node, h.run, fresh, c.record)
	} else {
		h.council = nil
	}
}

var errWorldWrite = errors.New("the disk fails")

// write makes a text durable, or not.
func (w *councilWorld) write(h *councilHost, run int, text []byte) error {
	fails := !w.calm && w.likely(w.weather[4]*2)
	if h.dies = !w.calm && w.likely(w.weather[4]); !fails && !h.dies || w.rng.IntN(2) == 0 {
		h.dir.text = slices.Clone(text)
		h.dir.heard = copyHeard(h.heard)
		h.dir.lineage[run] = max(h.dir.lineage[run], h.dir.age)
		r, err := parseRecord(text)
		if err != nil {
			w.broken = fmt.Sprintf("%d writes %q: %v", h.node, text, err)
		}
		if h.dir.written = r; r.table != nil && !r.doubt {
			w.prove(h, r.since)
		}
	}
	if fails || h.dies {
		return errWorldWrite
	}
	return nil
}

// prove notes that what was written before a start does not matter any more, if the node counts its buckets as empty
// since a later moment.
func (w *councilWorld) prove(h *councilHost, since int64) {
	if since < h.started {
		return
	}
	h.dir.old = false
	for run := range h.run {
		h.dir.lineage[run] = w.now
	}
}

// tick lets a council decide, and sends its notices.
func (w *councilWorld) tick(i int) {
	h := w.hosts[i]
	var without []string
	for _, j := range h.lists {
		if l := w.linkOf(h, w.hosts[j]); l == nil || w.hosts[j].older {
			without = append(without, fmt.Sprintf("host %d", j))
		}
	}
	safe := h.dir.age
	if h.inMemory {
		safe = h.age
	}
	h.age = safe
	before, promise := h.council.part, h.council.promise
	h.council.Tick(w.now, safe, without)
	h.ticked = maps.Clone(h.knows)
	if h.dies {
		w.trace("%d dies in a write", h.node)
		h.council = nil
		return
	}
	p := h.council.Part()
	w.judgePart(h)
	w.judgeDrop(h, promise)
	if p.State == InForce && p.Since == w.now && before.State == Withheld {
		w.judgeProof(h, p.Table)
	}
	if p != before {
		w.trace("%d: part %d since %d, table %v, promise %v: %s", h.node, p.State, p.Since, p.Table, h.council.promise, p.Why)
	}
	if p.State == InForce {
		w.prove(h, p.Since)
	}
	for _, l := range w.links {
		for end, at := range l.ends {
			to := l.ends[1-end]
			if at != h || l.state[end] != open || l.isOver(end) || to.older || !h.council.Due(to.node, w.now) {
				continue
			}
			s := h.council.sessions[to.node]
			full := s.told.owes || s.told.version != h.council.version
			text := h.council.Notice(nil, to.node, w.now)
			w.judgeNotice(h, to.node)
			l.way[1-end] = append(l.way[1-end], councilMail{text, safe, h.base, h.run, full, maps.Clone(h.heard[to.node])})
		}
	}
}

// linkOf is the open link of two hosts, as the first one sees it.
func (w *councilWorld) linkOf(h, to *councilHost) *councilLink {
	for _, l := range w.links {
		for end := range l.ends {
			if l.ends[end] == h && l.ends[1-end] == to && l.state[end] == open && !l.isOver(end) {
				return l
			}
		}
	}
	return nil
}

// connect begins sessions.
func (w *councilWorld) connect() {
	for i, h := range w.hosts {
		for _, j := range h.lists {
			to := w.hosts[j]
			pair := [2]int{min(i, j), max(i, j)}
			if !w.calm && w.likely(w.weather[2]) {
				w.cuts[pair] = w.now + w.rng.Int64N(w.longCut)*worldStep
			}
			if h.council == nil || to.council == nil || w.linkOf(h, to) != nil || w.linkOf(to, h) != nil && w.calm {
				continue
			}
			if !w.calm && (w.cuts[pair] > w.now || !w.likely(300)) {
				continue
			}
			l := &councilLink{ends: [2]*councilHost{h, to}, runs: [2]int{h.run, to.run}}
			w.links = append(w.links, l)
			w.begin(l, 0)
		}
	}
}

// begin begins the session at one end. It ends the session before.
func (w *councilWorld) begin(l *councilLink, end int) {
	h, peer := l.ends[end], l.ends[1-end]
	for _, o := range w.links {
		for side := range o.ends {
			if o != l && o.ends[side] == h && o.ends[1-side] == peer && (o.state[side] == open || o.state[side] == begins) {
				o.state[side] = ended
			}
		}
	}
	l.state[end] = open
	if !h.older && !peer.older {
		h.council.Connect(peer.node)
	}
}

// carry lets something happen in a session.
func (w *councilWorld) carry(l *councilLink) {
	for end, h := range l.ends {
		peer := l.ends[1-end]
		if l.isOver(end) {
			if !l.isOver(1-end) && (w.calm || w.likely(w.unaware)) { // the other end notices it
				w.end(l, 1-end)
			}
			continue
		}
		pair := [2]int{slices.Index(w.hosts, h), slices.Index(w.hosts, peer)}
		slices.Sort(pair[:])
		if !w.calm && (w.likely(w.weather[3]) || w.cuts[pair] > w.now && w.likely(200)) {
			w.end(l, end)
			continue
		}
		if l.state[end] == begins {
			if !w.calm && !w.likely(600) {
				continue
			}
			w.begin(l, end)
		}
		for len(l.way[end]) > 0 && (w.calm || w.rng.IntN(10) >= w.delay) && !h.older {
			m := l.way[end][0]
			l.way[end] = l.way[end][1:]
			l.told[end] = true
			w.deliver(h, peer, m)
		}
	}
}

// end ends a session at one end.
func (w *councilWorld) end(l *councilLink, end int) {
	h, peer := l.ends[end], l.ends[1-end]
	if l.state[end] == open && !h.older && !peer.older {
		h.council.Disconnect(peer.node)
	}
	l.state[end] = ended
}

func (w *councilWorld) deliver(h, from *councilHost, m councilMail) {
	if err := h.council.Hear(from.node, m.text, w.now); err != nil {
		w.broken = fmt.Sprintf("%d hears from %d: %v", h.node, from.node, err)
	}
	if h.heard[from.node] == nil {
		h.heard[from.node] = map[int]int64{}
	}
	if m.age > m.base { // the start has written something
		h.heard[from.node][m.run] = max(h.heard[from.node][m.run], m.age)
	}
	if m.full {
		h.asked[from.node] = true
		for run, age := range m.of {
			h.knows[run] = max(h.knows[run], age)
		}
	}
}
