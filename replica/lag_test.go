package replica

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quotadb/quota-db/engine"
)

const tick = 10 * time.Millisecond

// late is a connection on which frames take some ticks to arrive.
type late struct {
	*link
	ticks int
	on    [2][][]byte // sent by each end, one element per tick, newest last
}

// step lets a tick pass, and delivers the frames that were sent so many ticks ago.
func (w *world) step(l *late, changes func()) {
	w.t.Helper()
	w.now.Mono += int64(tick)
	w.now.Wall += tick.Milliseconds()
	changes()
	for _, n := range w.nodes {
		n.Tick(w.now)
		w.refresh(n)
	}
	for from := range l.ends {
		l.on[from] = append(l.on[from], l.ends[from].Next(l.sides[from], nil, w.now))
		if len(l.on[from]) <= l.ticks {
			continue
		}
		for rest := l.on[from][0]; len(rest) > 0; {
			frame, after, _, err := SplitFrame(rest)
			if err != nil || frame == nil {
				w.t.Fatalf("frame %v: %v", frame, err)
			}
			if err := l.ends[1-from].Receive(l.sides[1-from], frame, w.now); err != nil {
				w.t.Fatal(err)
			}
			rest = after
		}
		l.on[from] = l.on[from][1:]
	}
}

func TestAPeerIsAsFarBehindAsItsOldestUnacknowledgedChangeIsOld(t *testing.T) {
	for _, ticks := range []int{0, 1, 5, 30} {
		t.Run(fmt.Sprint(time.Duration(ticks)*tick, " each way"), func(t *testing.T) {
			w := newWorld(t, 2)
			l := &late{link: w.connect(w.nodes[0], w.nodes[1]), ticks: ticks}
			most := time.Duration(0)
			for i := range 2000 {
				w.step(l, func() { w.add(w.nodes[0], "hits", 1) })
				p := w.nodes[0].Status(w.now).Peers[0]
				if i < 10*(ticks+1) { // until the peer has told what it has received
					continue
				}
				if most = max(most, p.Behind); p.BehindRounds == 0 != (p.Behind == 0 && p.BehindKeys == 0) && ticks > 0 {
					t.Fatalf("%d rounds and %d keys, %v behind", p.BehindRounds, p.BehindKeys, p.Behind)
				}
			}
			if least, limit := time.Duration(2*ticks-1)*tick, time.Duration(2*ticks+4)*tick; most < least || most > limit {
				t.Errorf("%v behind; want from %v to %v", most, least, limit)
			}
		})
	}
}

func TestAPeerThatIsAwayIsBehindSinceTheFirstChangeThatItMissed(t *testing.T) {
	w := newWorld(t, 2)
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(time.Second)
	w.cut(l)
	w.run(3 * time.Second)
	if p := w.nodes[0].Status(w.now).Peers[0]; p.Behind != 0 || p.Silent < 3*time.Second || p.Silent > 4*time.Second {
		t.Errorf("without changes: %v behind, silent for %v", p.Behind, p.Silent)
	}
	for range 3 {
		w.add(w.nodes[0], "hits", 1)
		w.run(time.Second)
	}
	if p := w.nodes[0].Status(w.now).Peers[0]; p.Behind < 2900*time.Millisecond || p.Behind > 3*time.Second {
		t.Errorf("the first of three changes is 3 s old: %v behind", p.Behind)
	}
	w.connect(w.nodes[0], w.nodes[1])
	w.run(100 * time.Millisecond)
	if p := w.nodes[0].Status(w.now).Peers[0]; p.Behind != 0 || p.Silent > time.Second {
		t.Errorf("back: %v behind, silent for %v", p.Behind, p.Silent)
	}
}

// TestProgressGoesFromNothingToAll compares two nodes, each with keys that the other lacks, and watches the progress on
// both sides all the time.
func TestProgressGoesFromNothingToAll(t *testing.T) {
	for name, fill := range map[string]func(w *world){
		"one is empty": func(w *world) {
			for i := range 20_000 {
				w.add(w.nodes[1], fmt.Sprint("key", i), 1)
			}
		},
		"the other is empty": func(w *world) {
			for i := range 20_000 {
				w.add(w.nodes[0], fmt.Sprint("key", i), 1)
			}
		},
		"both have their own": func(w *world) {
			for i := range 20_000 {
				w.add(w.nodes[i%2], fmt.Sprint("key", i), 1)
			}
		},
		"a few keys differ": func(w *world) {
			for i := range 20 {
				w.add(w.nodes[i%2], fmt.Sprint("key", i), 1)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2)
			fill(w)
			for _, n := range w.nodes {
				n.Tick(w.now) // a round that no peer is sent
			}
			l := &late{link: w.connect(w.nodes[0], w.nodes[1]), ticks: 3}
			var seen [2][]float64
			for range 30_000 {
				w.step(l, func() {})
				for i, n := range w.nodes {
					if l.sides[i].Comparing() {
						seen[i] = append(seen[i], n.Status(w.now).Peers[0].Progress)
					}
				}
				if l.sides[0].synced && l.sides[1].synced {
					break
				}
			}
			for i, list := range seen {
				last := 0.0
				for _, p := range list {
					if p < last || p > 1 {
						t.Fatalf("node %d: %v after %v", i+1, p, last)
					}
					last = p
				}
				t.Logf("node %d: %d times, at the end %v", i+1, len(list), last)
				if len(list) == 0 || list[0] > 0.1 || last < 0.7 && len(list) > 200 {
					t.Errorf("node %d: %v at the end", i+1, last)
				}
			}
			w.run(time.Second)
			w.expect("key7", w.get(w.nodes[0], "key7"))
		})
	}
}

// TestWhatIsHeldBackIsNotSentAtEachComparison: the clock of one node is two hours ahead while it writes.
func TestWhatIsHeldBackIsNotSentAtEachComparison(t *testing.T) {
	for name, ahead := range map[string]int{"of the leader": 0, "of the other": 1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2)
			const keys, interval = 100, 10 * time.Second
			w.now.Wall += 2 * time.Hour.Milliseconds()
			for i := range keys {
				w.set(w.nodes[ahead], fmt.Sprint("key", i), []byte("from the future"))
			}
			w.now.Wall -= 2 * time.Hour.Milliseconds()
			w.connect(w.nodes[0], w.nodes[1])
			w.run(30 * interval)
			other := w.nodes[1-ahead]
			given := w.nodes[ahead].Status(w.now).Peers[0].Given
			if limit := uint64(8 * keys); given < keys || given > limit {
				t.Errorf("%d states were sent of %d keys in 30 comparisons; want at most %d", given, keys, limit)
			}
			if p := w.nodes[ahead].Status(w.now).Peers[0]; p.Repairs > keys {
				t.Errorf("%d repairs", p.Repairs)
			}
			if got := w.get(other, "key7"); got != 0 {
				t.Fatalf("it was not held back: %d", got)
			}
			w.add(other, "another", 5) // a key that is not held back is still repaired
			w.lose(other)
			w.run(3 * interval)
			if got := w.get(w.nodes[ahead], "another"); got != 5 {
				t.Errorf("another key has %d", got)
			}
			w.now.Wall += time.Hour.Milliseconds()
			w.run((mostApart + 2) * interval)
			for i := range keys {
				k := other.db.Key(fmt.Append(nil, "key", i))
				tx := other.db.Lock(k, w.now)
				v := tx.Get(k)
				tx.Unlock()
				if string(v.Str) != "from the future" {
					t.Fatalf("key%d does not arrive once its time has come: %v", i, v)
				}
			}
		})
	}
}

func TestANodeIsToldThatWhatItWritesIsHeldBack(t *testing.T) {
	w := newWorld(t, 2)
	logs := w.logs()
	w.connect(w.nodes[0], w.nodes[1])
	w.run(time.Second)
	w.now.Wall += 2 * time.Hour.Milliseconds()
	w.set(w.nodes[0], "key", []byte("from the future"))
	w.now.Wall -= 2 * time.Hour.Milliseconds()
	w.run(time.Second)
	if got := logs[0].String(); strings.Count(got, "a peer holds back writes that this node has sent") != 1 {
		t.Errorf("it has logged %q", got)
	}
	if got := logs[1].String(); strings.Count(got, "a peer's clock is far ahead") != 1 {
		t.Errorf("the other has logged %q", got)
	}
}

func TestAPeerSaysThatItStops(t *testing.T) {
	w := newWorld(t, 2)
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(time.Second)
	if l.sides[1].Stops() {
		t.Fatal("it has said so before")
	}
	w.nodes[0].Stop()
	w.run(20 * time.Millisecond)
	if !l.sides[1].Stops() || l.sides[0].Stops() {
		t.Errorf("the other was told %v, this one %v", l.sides[1].Stops(), l.sides[0].Stops())
	}
}

// TestAPingOfALaterReleaseIsUnderstood sends a Ping with numbers that this release does not know.
func TestAPingOfALaterReleaseIsUnderstood(t *testing.T) {
	w := newWorld(t, 2)
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(time.Second)
	ping := func(payload ...byte) error {
		frame := appendFrame(nil, kindPing, func(b []byte) []byte { return append(b, payload...) })
		return w.nodes[1].Receive(l.sides[1], frame, engine.Moment{Wall: w.now.Wall, Mono: w.now.Mono})
	}
	if err := ping(99, 7, saysStop, 1, 100, 1); err != nil || !l.sides[1].Stops() {
		t.Errorf("%v, it stops: %v", err, l.sides[1].Stops())
	}
	if err := ping(99); err == nil {
		t.Error("half of a pair is taken")
	}
	if err := ping(saysSettled, 0xff, 0xff, 0xff, 0x7f); err == nil {
		t.Error("more leaves than there are may be settled")
	}
}

// TestRoundsAndAgeOfALagAreThoseOfOneRound: a peer acknowledges a round of the session before while a portion with the
// changes of this round and of the next one is on its way.
func TestRoundsAndAgeOfALagAreThoseOfOneRound(t *testing.T) {
	w := newWorld(t, 1)
	m := w.nodes[0].Machine
	m.round = 3
	p := &peer{node: 2, window: windowBytes}
	m.meet(p)
	p.miss(2, []uint64{20}, origin{round: 2, at: int64(time.Second)})
	p.miss(3, []uint64{30}, origin{round: 3, at: int64(2 * time.Second)})
	p.sent = []sending{{frames: 1, through: 3, hashes: p.missed.take(), origin: p.since}}
	p.acknowledge(0, 2, 0)
	at := map[uint64]time.Duration{2: time.Second, 3: 2 * time.Second}
	now := engine.Moment{Mono: int64(10 * time.Second)}
	st := m.peerStatus(p, now)
	if first := m.round - st.BehindRounds + 1; st.Behind != 10*time.Second-at[first] {
		t.Errorf("the peer lacks the rounds from %d on, and is %v behind", first, st.Behind)
	}
	p.acknowledge(1, 3, 0)
	if st := m.peerStatus(p, now); st.BehindRounds != 0 || st.Behind != 0 {
		t.Errorf("the peer has everything, and is %d rounds and %v behind", st.BehindRounds, st.Behind)
	}
}
