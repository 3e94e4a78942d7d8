package replica

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// TestNodesAgreeAfterConnectionsThatFailAnywhere runs random histories: clients change a few keys, connections break
// with frames on their way, empty nodes replace others. Then all nodes are connected, and must store the same; keys
// that were only incremented must have all increments.
func TestNodesAgreeAfterConnectionsThatFailAnywhere(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 50
	}
	for seed := range seeds {
		if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { randomHistory(t, seed) }) {
			return
		}
	}
}

func randomHistory(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 3))
	w := newWorld(t, 2+r.IntN(3))
	sums := map[string]int64{}
	run := uint64(1000)
	for range 300 {
		w.now.Mono += int64(r.IntN(20)) * int64(time.Millisecond)
		w.now.Wall = 1_700_000_000_000 + w.now.Mono/1e6
		i := r.IntN(len(w.nodes))
		n := w.nodes[i]
		switch r.IntN(20) {
		case 0, 1, 2, 3, 4:
			key := fmt.Sprint("sum", r.IntN(5))
			delta := int64(r.IntN(100) - 20)
			w.add(n, key, delta)
			sums[key] += delta
		case 5, 6, 7:
			w.mutate(n, r)
		case 8, 9, 10:
			n.Tick(w.now)
			n.db.Sweep(w.now, 5)
		case 11:
			w.connectSome(i, r)
		case 12:
			if len(w.links) > 0 && r.IntN(4) == 0 {
				l := w.links[r.IntN(len(w.links))]
				w.carry(l, r.IntN(2), r.IntN(3))
				w.cut(l)
			}
		case 13:
			if r.IntN(10) == 0 && w.isSafe(n) { // everything that it has counted is elsewhere too
				run++
				w.replace(i, run)
			}
		case 14:
			for _, n := range w.nodes {
				w.refresh(n)
			}
		default:
			if len(w.links) > 0 {
				if l := w.links[r.IntN(len(w.links))]; w.isUp(l) {
					w.carry(l, r.IntN(2), 0)
				}
			}
		}
		w.forget()
	}
	for _, l := range w.links {
		w.cut(l)
	}
	w.links = nil
	w.connectAll()
	w.run(25 * time.Second)
	for key, want := range sums {
		w.expect(key, want)
	}
	if w.expect("none", 0); t.Failed() {
		w.explain(w.nodes[0], w.nodes[1])
	}
	for _, n := range w.nodes {
		for _, p := range n.Status(w.now).Peers {
			if p.State != Online && w.node(p.Node).Run == p.Run || p.BehindKeys > 0 {
				t.Errorf("node %d: peer %d is %s, %d keys behind", n.Node, p.Node, p.State, p.BehindKeys)
			}
		}
	}
}

func (w *world) node(id uint16) *testNode { return w.nodes[id-1] }

func (w *world) mutate(n *testNode, r *rand.Rand) {
	k := n.db.Key(fmt.Append(nil, "any", r.IntN(3)))
	tx := n.db.Lock(k, w.now)
	defer tx.Unlock()
	deadline := w.now.Wall + int64(r.IntN(1000)) + 1
	switch r.IntN(7) {
	case 0:
		tx.Delete(k)
	case 1:
		tx.Set(k, engine.Value{Type: engine.Integer, Int: int64(r.IntN(1000)), Deadline: deadline}, false)
	case 2:
		tx.Set(k, engine.Value{Type: engine.Integer, Int: int64(r.IntN(1000))}, r.IntN(2) == 0)
	case 3:
		tx.SetDeadline(k, deadline)
	case 4:
		tx.SetDeadline(k, 0)
	default:
		_, _ = tx.Add(k, int64(r.IntN(10)))
	}
}

func (w *world) isUp(l *link) bool {
	for i := range l.sides {
		if ended, _ := l.sides[i].Ended(); ended {
			return false
		}
	}
	return true
}

// forget drops links that one side has ended.
func (w *world) forget() {
	kept := w.links[:0]
	for _, l := range w.links {
		if w.isUp(l) {
			kept = append(kept, l)
		} else {
			w.cut(l)
		}
	}
	w.links = kept
}

// connectSome connects a node with another, unless a machine refuses.
func (w *world) connectSome(i int, r *rand.Rand) {
	j := r.IntN(len(w.nodes))
	if i == j {
		return
	}
	l := &link{ends: [2]*testNode{w.nodes[i], w.nodes[j]}}
	for side := range l.ends {
		s, err := l.ends[side].Connect(l.ends[1-side].Hello(), side == 0, w.now)
		if err != nil {
			if side == 1 {
				l.ends[0].Disconnect(l.sides[0], w.now)
			}
			return
		}
		l.sides[side] = s
	}
	w.links = append(w.links, l)
}

// isSafe reports whether every other node has everything that n stores.
func (w *world) isSafe(n *testNode) bool {
	for _, other := range w.nodes {
		if other.db.Digest(w.now) != n.db.Digest(w.now) {
			return false
		}
	}
	return true
}

// replace puts an empty node in the place of another.
func (w *world) replace(i int, run uint64) {
	for _, l := range w.links {
		if l.ends[0] == w.nodes[i] || l.ends[1] == w.nodes[i] {
			w.cut(l)
		}
	}
	_ = w.nodes[i].db.Close()
	w.nodes[i] = w.newNode(uint16(i+1), run)
}
