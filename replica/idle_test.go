package replica

import (
	"testing"
	"time"
)

// TestAnIdleNodeSaysSomethingAtEachLook of an owner that rests: every half second, a bit earlier or later. So no peer
// is silent for as long as a peer may be with the shortest interval.
func TestAnIdleNodeSaysSomethingAtEachLook(t *testing.T) {
	for _, early := range []time.Duration{0, 20 * time.Millisecond} {
		w := newWorld(t, 2)
		l := w.connect(w.nodes[0], w.nodes[1])
		for _, n := range w.nodes {
			n.dead = leastDead
		}
		w.run(5 * time.Second) // the first comparison is over
		for i := range 100 {
			before := l.bytes
			looks := []time.Duration{500*time.Millisecond - early, 500*time.Millisecond + early}
			w.runEvery(looks[i%2], looks[i%2])
			for side := range l.sides {
				if l.bytes[side] == before[side] {
					t.Fatalf("look %d: node %d says nothing", i, side+1)
				}
			}
		}
		for side, s := range l.sides {
			if ended, why := s.Ended(); ended {
				t.Errorf("node %d: the session has ended: %s", side+1, why)
			}
		}
	}
}

// TestANodeThatIsWellIsNeverSilentForNearlyAsLongAsItMayBe, whenever it looks before it begins to rest: then the next
// look comes up to 520 ms later.
func TestANodeThatIsWellIsNeverSilentForNearlyAsLongAsItMayBe(t *testing.T) {
	const rest = 520 * time.Millisecond
	w := newWorld(t, 2)
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(5 * time.Second) // the first comparison is over
	for look := 5 * time.Millisecond; look <= rest; look += 5 * time.Millisecond {
		for before := l.bytes[0]; l.bytes[0] == before; {
			w.run(10 * time.Millisecond)
		}
		before, said := l.bytes[0], w.now.Mono
		for step := look; l.bytes[0] == before; step = rest {
			w.runEvery(step, step)
		}
		if silence := time.Duration(w.now.Mono - said); silence > leastDead*4/5 {
			t.Fatalf("a look %v after the last frame, and then one %v later: the node was silent for %v", look, rest, silence)
		}
	}
}

// TestAnIdleLinkSendsRarely, also if its nodes look every 10 ms.
func TestAnIdleLinkSendsRarely(t *testing.T) {
	w := newWorld(t, 2)
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(time.Second)
	before, ping := l.bytes[1], len(appendFrame(nil, kindPing, func(b []byte) []byte { return b }))
	w.run(5 * time.Second)
	if sent := (l.bytes[1] - before) / ping; sent < 15 || sent > 22 {
		t.Errorf("%d pings within 5 s, want from 15 to 22", sent)
	}
}

// TestAMachineSaysWhenItIsToBeLookedAt: when a peer will have been silent for too long, and when a comparison begins.
func TestAMachineSaysWhenItIsToBeLookedAt(t *testing.T) {
	for side := range 2 {
		w := newWorld(t, 2)
		l := w.connect(w.nodes[0], w.nodes[1])
		w.run(time.Second)
		n, s := w.nodes[side], l.sides[side]
		for step := 0; ; step++ {
			due := n.Due(w.now)
			silent, compare := s.heard+int64(n.dead)-w.now.Mono, s.nextExchange-w.now.Mono
			if want := time.Duration(silent); !s.leads && due != want {
				t.Errorf("node %d: %v, want %v until the peer is silent for too long", side+1, due, want)
			} else if want = min(want, time.Duration(compare)); s.leads && due != want {
				t.Errorf("node %d: %v, want %v", side+1, due, want)
			}
			if step == 2 {
				break
			}
			w.now.Mono += int64(300 * time.Millisecond)
		}
		w.now.Mono += int64(n.Due(w.now))
		if n.Watch(w.now); s.leads && !s.Comparing() && n.busy != s && !s.ended || !s.leads && !s.ended {
			t.Errorf("node %d: it was time, and nothing has happened", side+1)
		}
	}
}

func TestAStateIsCarriedOnInTime(t *testing.T) {
	s := Status{Peers: []PeerStatus{{Silent: time.Second, Behind: time.Minute, Compared: -1}, {Compared: 2 * time.Second}}}
	later := s.After(3 * time.Second)
	want := []PeerStatus{{Silent: 4 * time.Second, Behind: time.Minute + 3*time.Second, Compared: -1}, {Silent: 3 * time.Second, Compared: 5 * time.Second}}
	for i, p := range later.Peers {
		if p != want[i] {
			t.Errorf("peer %d: %+v, want %+v", i, p, want[i])
		}
	}
	if s.Peers[0].Silent != time.Second {
		t.Error("the state before has changed")
	}
}
