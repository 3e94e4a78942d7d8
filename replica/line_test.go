package replica

import (
	"bytes"
	"testing"
	"time"

	"github.com/quotadb/quota-db/engine"
)

// line is a connection with a limited rate, in steps of 10 ms. It delivers a frame once all of its bytes have passed.
type line struct {
	*link
	rate int       // bytes in 10 ms
	told bool      // the machines are told of the parts that pass (Moved)
	rest [2][]byte // bytes of each end that have not passed
	come [2]int    // bytes of each end's first frame that have passed
}

// pass lets 10 ms pass for two nodes and the line between them.
func (w *world) pass(l *line) {
	w.t.Helper()
	w.now.Mono += int64(10 * time.Millisecond)
	w.now.Wall += 10
	for i, n := range l.ends {
		n.Tick(w.now)
		w.refresh(n)
		if len(l.rest[i]) == 0 {
			l.rest[i] = n.Next(l.sides[i], nil, w.now)
		}
	}
	for from := range l.ends {
		w.move(l, from)
	}
}

// move carries a part of the bytes of one end.
func (w *world) move(l *line, from int) {
	w.t.Helper()
	to := 1 - from
	l.come[from] = min(l.come[from]+l.rate, len(l.rest[from]))
	for l.come[from] > 0 {
		_, _, need, _ := SplitFrame(l.rest[from][:min(l.come[from], frameHeader)])
		if l.come[from] < need {
			break
		}
		frame, rest, _, err := SplitFrame(l.rest[from])
		if err != nil {
			w.t.Fatal(err)
		}
		if err := l.ends[to].Receive(l.sides[to], frame, w.now); err != nil {
			w.t.Fatal(err)
		}
		l.rest[from] = rest
		l.come[from] -= len(frame)
	}
	if l.come[from] > 0 && l.told {
		l.ends[from].Moved(l.sides[from], false, true, w.now)
		l.ends[to].Moved(l.sides[to], true, false, w.now)
	}
}

// TestAValueThatTakesLongOnTheLineArrives sends a value that takes longer than the longest allowed silence. Without
// Moved the value does not arrive, which shows that the test depends on it.
func TestAValueThatTakesLongOnTheLineArrives(t *testing.T) {
	const length, rate = 4 << 20, 1 << 10 // 41 s
	for name, c := range map[string]struct {
		holder    int
		compared  bool // the value arrives by comparing, not in a round
		told, end bool
	}{
		"as a change":                  {0, false, true, false},
		"given by the leader":          {0, true, true, false},
		"asked for by the leader":      {1, true, true, false},
		"unheard, as a change":         {0, false, false, true},
		"unheard, given by the leader": {0, true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2)
			holder, other := w.nodes[c.holder], w.nodes[1-c.holder]
			l := &line{link: w.connect(w.nodes[0], w.nodes[1]), rate: rate, told: c.told}
			for range 100 {
				w.pass(l)
			}
			w.set(holder, "key", bytes.Repeat([]byte("x"), length))
			if c.compared {
				w.lose(holder)
			}
			ended := false
			for range 6000 {
				w.pass(l)
				for _, s := range l.sides {
					gone, _ := s.Ended()
					ended = ended || gone
				}
				if ended || w.has(other, "key") {
					break
				}
			}
			if ended != c.end || w.has(other, "key") == c.end {
				t.Errorf("after %v the connection has ended: %v, the value is there: %v", time.Duration(w.now.Mono), ended, w.has(other, "key"))
			}
		})
	}
}

func (w *world) has(n *testNode, key string) bool {
	k := n.db.Key([]byte(key))
	tx := n.db.Lock(k, w.now)
	defer tx.Unlock()
	return tx.Get(k).Type != engine.None
}

// TestNodesWithOtherIntervalsStayConnected: a node's patience follows its own interval, so the time between a peer's
// Pings must not follow the peer's interval.
func TestNodesWithOtherIntervalsStayConnected(t *testing.T) {
	w := newWorld(t, 2)
	w.nodes[0].dead = leastDead
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(30 * time.Second)
	for i, s := range l.sides {
		if ended, why := s.Ended(); ended {
			t.Errorf("side %d has ended: %s", i, why)
		}
	}
}

// TestEveryPeerHasItsTurnWhereComparingTakesLong has one node compare with four others; each comparison takes longer
// than the interval.
func TestEveryPeerHasItsTurnWhereComparingTakesLong(t *testing.T) {
	w := newWorld(t, 5)
	w.refreshing = 300 * time.Millisecond
	first := w.nodes[0]
	first.Interval = 200 * time.Millisecond
	for _, n := range w.nodes[1:] {
		w.connect(first, n)
	}
	turns := map[uint16]int{}
	var was *Session
	for range 1500 {
		w.run(10 * time.Millisecond)
		if first.busy != nil && first.busy != was {
			turns[first.busy.peer.node]++
		}
		was = first.busy
	}
	t.Logf("turns in 15 s by node: %v", turns)
	for _, n := range w.nodes[1:] {
		if got := turns[n.Node]; got < 4 {
			t.Errorf("node %d had %d turns in 15 s", n.Node, got)
		}
	}
}
