package replica

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// world is a set of machines and the connections between them, all in one goroutine.
type world struct {
	t     *testing.T
	now   engine.Moment
	nodes []*testNode
	links []*link

	longest    int           // length of the longest frame so far
	refreshing time.Duration // how long a node takes to refresh its digests
}

type testNode struct {
	*Machine
	db *engine.DB

	refreshed int64 // Moment.Mono when its digests will be refreshed; 0: it does not refresh them
}

// link is a connection between two nodes.
type link struct {
	ends  [2]*testNode
	sides [2]*Session
	bytes [2]int // sent by each end
}

func newWorld(t *testing.T, n int) *world {
	w := &world{t: t, now: engine.Moment{Wall: 1_700_000_000_000, Mono: 1}}
	for i := range n {
		w.nodes = append(w.nodes, w.newNode(uint16(i+1), uint64(100+i)))
	}
	return w
}

func (w *world) newNode(id uint16, run uint64) *testNode {
	w.t.Helper()
	db, err := engine.Open(engine.Options{Shards: 1 + int(id)%3, Node: id, HashKey: [2]uint64{1, 2}, Life: run, Replicated: true, MaxBytes: 1 << 28})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = db.Close() })
	m := New(Options{Node: id, Run: run, Life: run, DB: db, BatchSize: 100, Interval: 10 * time.Second, Log: slog.New(slog.DiscardHandler)})
	return &testNode{Machine: m, db: db}
}

func (w *world) connect(a, b *testNode) *link {
	w.t.Helper()
	l := &link{ends: [2]*testNode{a, b}}
	for i := range l.ends {
		s, err := l.ends[i].Connect(l.ends[1-i].Hello(), i == 0, w.now)
		if err != nil {
			w.t.Fatal(err)
		}
		l.sides[i] = s
	}
	w.links = append(w.links, l)
	return l
}

func (w *world) connectAll() {
	for i, a := range w.nodes {
		for _, b := range w.nodes[i+1:] {
			w.connect(a, b)
		}
	}
}

func (w *world) cut(l *link) {
	for i := range l.ends {
		l.ends[i].Disconnect(l.sides[i], w.now)
	}
}

// carry lets one end send. The other end receives all frames except the last lost ones.
func (w *world) carry(l *link, from, lost int) (sent bool) {
	w.t.Helper()
	out := l.ends[from].Next(l.sides[from], nil, w.now)
	l.bytes[from] += len(out)
	var frames [][]byte
	for rest := out; len(rest) > 0; {
		frame, after, _, err := SplitFrame(rest)
		if err != nil || frame == nil {
			w.t.Fatalf("frame %v of %d bytes: %v", frame, len(rest), err)
		}
		frames, rest = append(frames, frame), after
		w.longest = max(w.longest, len(frame))
	}
	for _, frame := range frames[:max(0, len(frames)-lost)] {
		if err := l.ends[1-from].Receive(l.sides[1-from], frame, w.now); err != nil {
			w.t.Fatal(err)
		}
	}
	return len(out) > 0
}

// run lets time pass, and delivers everything that is sent.
func (w *world) run(d time.Duration) { w.t.Helper(); w.runEvery(10*time.Millisecond, d) }

// runEvery is run with another time between two ticks.
func (w *world) runEvery(step, d time.Duration) {
	w.t.Helper()
	for end := w.now.Mono + int64(d); w.now.Mono < end; {
		w.now.Mono += int64(step)
		w.now.Wall += step.Milliseconds()
		for _, n := range w.nodes {
			n.Tick(w.now)
		}
		for busy := true; busy; {
			busy = false
			for _, n := range w.nodes {
				w.refresh(n)
			}
			for _, l := range w.links {
				for i := range l.ends {
					if ended, _ := l.sides[i].Ended(); !ended && w.carry(l, i, 0) {
						busy = true
					}
				}
			}
		}
	}
}

// refresh makes a node refresh its digests if that is due, and tells the machine when that is done.
func (w *world) refresh(n *testNode) {
	if n.RefreshDue() {
		n.refreshed = w.now.Mono + int64(w.refreshing)
	}
	if n.refreshed != 0 && n.refreshed <= w.now.Mono {
		n.refreshed = 0
		n.db.RefreshDigests(w.now)
		n.Refreshed(w.now)
	}
}

func (w *world) add(n *testNode, key string, delta int64) {
	k := n.db.Key([]byte(key))
	tx := n.db.Lock(k, w.now)
	if _, err := tx.Add(k, delta); err != nil {
		w.t.Fatal(err)
	}
	tx.Unlock()
}

func (w *world) set(n *testNode, key string, value []byte) {
	k := n.db.Key([]byte(key))
	tx := n.db.Lock(k, w.now)
	tx.Set(k, engine.Value{Type: engine.String, Str: value}, false)
	tx.Unlock()
}

// logs makes the world keep the log of each node.
func (w *world) logs() []*bytes.Buffer {
	var all []*bytes.Buffer
	for _, n := range w.nodes {
		b := &bytes.Buffer{}
		n.Log = slog.New(slog.NewTextHandler(b, nil))
		all = append(all, b)
	}
	return all
}

// lose loses the changes of a node's clients on their way.
func (w *world) lose(n *testNode) {
	for shard := range n.db.Shards() {
		var d engine.Deltas
		for n.db.TakeUnsent(shard, &d) {
		}
	}
}

func (w *world) get(n *testNode, key string) int64 {
	k := n.db.Key([]byte(key))
	tx := n.db.Lock(k, w.now)
	defer tx.Unlock()
	return tx.Get(k).Int
}

func (w *world) expect(key string, want int64) {
	w.t.Helper()
	for _, n := range w.nodes {
		if got := w.get(n, key); got != want {
			w.t.Errorf("node %d has %s = %d, want %d", n.Node, key, got, want)
		}
	}
	for _, n := range w.nodes[1:] {
		if a, b := w.nodes[0].db.Digest(w.now), n.db.Digest(w.now); a != b {
			w.t.Errorf("digests of nodes 1 and %d: %x, %x", n.Node, a, b)
		}
	}
}
