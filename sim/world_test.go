package sim

import (
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/disk/vfs"
	"github.com/quotadb/quota-db/internal/history"
)

const (
	epoch    = 1_700_000_000_000 // the time at which a world begins, in unix ms
	interval = time.Second       // between two comparisons
	tick     = 10 * time.Millisecond
	dataDir  = "/data"
	pageSize = 256 // small, so that a power loss can tear logs at many pages
)

// world is one simulated cluster. Everything runs in one goroutine, in an order that the seed decides.
type world struct {
	t       *testing.T
	seed    uint64
	random  *rand.Rand
	now     time.Duration // since the epoch
	members int           // hosts of the cluster, without the one for a copy
	streams bool          // only connections fail, and nodes compare once: rounds must bring everything
	// limits: clients count in windows, as limiters do, and clocks are nearly right; in the end nothing is left
	limits bool
	agreed bool // all clocks show the same
	pairs  bool // some pairs of hosts do not reach each other, but a third host reaches both
	quotas bool // clients use quotas
	plain  bool // no disk is copied, and no client ends all quotas: the limits of quotas must hold all the time
	// rolling: nodes are restarted in turn again and again, and restored from copies of their disks
	rolling bool
	names   bool // --peers is a name that stands for the running nodes
	window  int  // replica.Options.Window
	hosts   []*host
	pipes   []*pipe
	blocked map[[2]int]bool // pairs of hosts that cannot reach each other
	due     []func()        // starts to be made, while a cluster is restored
	atOnce  bool            // make these starts at once
	history *history.History
	clients *clients
	old     []delta // sent records, for repeatSome
	seen    map[string]bool
	log     strings.Builder
	healed  bool
	over    bool // all windows are over
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), blocked: map[[2]int]bool{}, seen: map[string]bool{}}
	w.members = [4]int{2, 2, 3, 4}[w.random.IntN(4)]
	switch w.random.IntN(12) {
	case 0, 1:
		w.streams, w.agreed = true, w.chance(2)
	case 2, 3, 4:
		w.limits, w.agreed = true, w.chance(2)
	case 5:
		w.agreed = true
	case 6:
		w.agreed, w.pairs, w.members = true, true, 3
	case 7:
		w.rolling = true
	case 8, 9:
		w.quotas, w.plain = true, w.chance(2)
	}
	w.names = w.chance(3)
	if w.chance(2) { // as with many keys
		w.window = 1 + w.random.IntN(300)
		w.saw("little may wait for a peer")
	}
	for i := range w.members + 1 {
		h := &host{world: w, index: i, id: uint16(i + 1), files: vfs.NewMemory(pageSize), level: levels[w.random.IntN(len(levels))], shards: 1 + w.random.IntN(4)}
		h.offset = w.skew()
		w.hosts = append(w.hosts, h)
	}
	w.history = history.New(len(w.hosts), func(int) (int64, int64) { return w.clocks() })
	w.clients = newClients(w)
	t.Cleanup(w.end)
	return w
}

// maxLittle is the largest difference between clocks that are nearly right.
const maxLittle = 60 * time.Millisecond

// skew is the error of a host's clock, mostly small.
func (w *world) skew() time.Duration {
	switch n := w.random.IntN(4); {
	case n == 0:
		return 0
	case w.agreed:
		return 0
	case n == 1 && !w.limits:
		w.saw("clocks seconds apart")
		return time.Duration(w.random.IntN(5000)) * time.Millisecond
	}
	w.saw("clocks a little apart")
	return time.Duration(w.random.Int64N(int64(maxLittle)))
}

// latest is the latest time of all hosts' clocks.
func (w *world) latest() int64 {
	_, latest := w.clocks()
	return latest
}

// clocks returns the earliest and the latest time of all hosts' clocks. A window ends when the fastest clock has passed
// its deadline, if that node has created the key again meanwhile. So it ends early by the difference of the clocks, as
// L3 allows.
func (w *world) clocks() (earliest, latest int64) {
	earliest = w.hosts[0].wall()
	for _, h := range w.hosts {
		earliest, latest = min(earliest, h.wall()), max(latest, h.wall())
	}
	return earliest, latest
}

// saw notes that a fault or a state has occurred.
func (w *world) saw(what string) { w.seen[what] = true }

// note writes a line into the trace.
func (w *world) note(format string, args ...any) {
	fmt.Fprintf(&w.log, "%9.3f ", w.now.Seconds())
	fmt.Fprintf(&w.log, format, args...)
	w.log.WriteByte('\n')
}

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.random.IntN(n) == 0 }

// sum is a hash of the trace, the same for each run of a seed.
func (w *world) sum() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(w.log.String()))
	return h.Sum64()
}

// run runs a world from its beginning to its end.
func (w *world) run() {
	for _, h := range w.hosts[:w.members] {
		h.start("at first")
	}
	w.pass(300 * time.Millisecond)
	for range 100 + w.random.IntN(160) {
		w.event()
		w.watch()
		w.pass(time.Duration(w.random.IntN(30)) * time.Millisecond)
	}
	w.settle()
	for _, v := range w.history.Check() {
		w.fail("%s", v)
	}
}

// watch checks what all nodes show of the watched keys.
func (w *world) watch() {
	for _, key := range w.clients.keys {
		if x := w.clients.watches[key]; x != nil {
			x.look()
		}
	}
	for _, h := range w.hosts {
		w.lookAt(h.process)
	}
}

// lookAt checks the quotas of a process, if there are any.
func (w *world) lookAt(p *process) {
	if q := w.clients.quotas; q != nil && p != nil && p.host.process == p {
		q.look(p)
	}
}

// end releases the resources of the processes.
func (w *world) end() {
	for _, h := range w.hosts {
		if h.process != nil {
			h.process.leave()
		}
	}
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf(format, args...)
}

// event makes one random thing happen.
func (w *world) event() {
	h := w.hosts[w.random.IntN(len(w.hosts))]
	switch n := w.random.IntN(100); {
	case n < 62:
		w.clients.command(h)
	case n < 66:
		w.cutSome()
	case n < 69:
		w.swallowSome()
	case n < 72:
		w.stallSome()
	case n < 76:
		w.partition()
	case n < 80 && !w.pairs:
		w.blocked = map[[2]int]bool{}
	case n < 83 && !w.streams:
		w.repeatSome()
	case n < 85 && !w.limits && !w.agreed:
		w.jump(h)
	case n < 87:
		h.pause()
	case n < 88:
		h.snapshot()
	case n < 89:
		h.backUp()
	case w.streams:
		w.cutSome()
	case w.chance(25) || w.rolling && w.chance(3):
		w.restartAll()
	case w.chance(80) && !w.plain:
		w.twins()
	default:
		h.misfortune()
	}
}

// interval is the time between two comparisons.
func (w *world) interval() time.Duration {
	if w.streams {
		return time.Hour
	}
	return interval
}

// jump sets a host's clock forward.
func (w *world) jump(h *host) {
	by := time.Duration(w.random.IntN(3000)) * time.Millisecond
	if !w.streams && w.chance(4) { // the other nodes hold back its stamps
		by += 2 * time.Hour
		w.saw("a clock is hours ahead")
	}
	h.offset += by
	w.history.Mark()
	w.saw("clock jumps")
	w.note("the clock of host %d jumps by %v", h.index, by)
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	for end := w.now + d; w.now < end; {
		w.now = min(end, w.now+tick/2)
		w.history.Mark()
		for _, h := range w.hosts {
			h.step()
		}
		w.carry()
	}
}

var quiet = slog.New(slog.DiscardHandler)
