package replica

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/quotadb/quota-db/engine"
)

func TestWhatClientsChangeReachesEveryPeerWithTheNextRound(t *testing.T) {
	w := newWorld(t, 3)
	w.connectAll()
	w.run(10 * time.Millisecond)
	for i, n := range w.nodes {
		w.add(n, "hits", int64(i+1))
	}
	w.run(20 * time.Millisecond)
	w.expect("hits", 6)
}

func TestAHotKeyIsOneDeltaARound(t *testing.T) {
	w := newWorld(t, 2)
	w.connectAll()
	w.run(10 * time.Millisecond)
	for range 1000 {
		for range 1000 {
			w.add(w.nodes[0], "hits", 1)
		}
		w.run(10 * time.Millisecond)
	}
	w.expect("hits", 1_000_000)
	p := w.nodes[0].Status(w.now).Peers[0]
	if p.DeltasSent > 1000 || p.BytesSent > 100_000 {
		t.Errorf("%d deltas, %d bytes", p.DeltasSent, p.BytesSent)
	}
	t.Logf("1,000,000 increments of one key in 1000 rounds: %d deltas, %d bytes", p.DeltasSent, p.BytesSent)
}

func TestWhatWasAcknowledgedIsNotSentAgain(t *testing.T) {
	w := newWorld(t, 2)
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(10 * time.Millisecond)
	for i := range 1000 {
		w.add(w.nodes[0], fmt.Sprint("first", i), 1)
	}
	w.run(20 * time.Millisecond)
	w.cut(l)
	before := w.nodes[0].Status(w.now).Peers[0].DeltasSent
	for range 5 {
		for i := range 10 {
			w.add(w.nodes[0], fmt.Sprint("second", i), 1)
		}
		w.run(10 * time.Millisecond)
	}
	if p := w.nodes[0].Status(w.now).Peers[0]; p.State != Offline || p.BehindKeys != 10 || p.BehindRounds != 5 {
		t.Errorf("the peer is %s, %d keys and %d rounds behind", p.State, p.BehindKeys, p.BehindRounds)
	}
	w.connect(w.nodes[0], w.nodes[1])
	w.run(20 * time.Millisecond)
	p := w.nodes[0].Status(w.now).Peers[0]
	if sent := p.DeltasSent - before; sent != 10 {
		t.Errorf("%d deltas were sent for 10 changed keys", sent)
	}
	if p.BehindKeys != 0 || p.BehindRounds != 0 {
		t.Errorf("the peer is %d keys and %d rounds behind", p.BehindKeys, p.BehindRounds)
	}
	w.expect("second3", 5)
}

func TestWhatALostConnectionHadTakenIsSentAgain(t *testing.T) {
	w := newWorld(t, 2)
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(10 * time.Millisecond)
	for i := range 1000 {
		w.add(w.nodes[0], fmt.Sprint("key", i), 1)
	}
	w.nodes[0].Tick(w.now)
	w.carry(l, 0, 3)
	w.cut(l)
	w.connect(w.nodes[0], w.nodes[1])
	w.run(20 * time.Millisecond)
	w.expect("key999", 1)
	if p := w.nodes[0].Status(w.now).Peers[0]; p.BehindKeys != 0 {
		t.Errorf("%d keys behind", p.BehindKeys)
	}
}

func TestAPeerThatDoesNotTakeAnythingCostsItsKeysOnly(t *testing.T) {
	w := newWorld(t, 2)
	w.connect(w.nodes[0], w.nodes[1])
	w.run(10 * time.Millisecond)
	n := w.nodes[0]
	for range 50 { // the peer reads nothing
		for i := range 5000 {
			w.add(n, fmt.Sprint("key", i), 1)
		}
		n.Tick(w.now)
	}
	p := n.peers[2]
	if p.queued > p.window || p.missed.len() != 5000 {
		t.Errorf("%d bytes wait, and %d keys", p.queued, p.missed.len())
	}
	w.run(50 * time.Millisecond)
	w.expect("key17", 50)
}

func TestAnEmptyNodeIsFilled(t *testing.T) {
	for name, full := range map[string]int{"by the leader": 0, "by the other": 1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2)
			for i := range 20_000 {
				w.add(w.nodes[full], fmt.Sprint("key", i), int64(i+1))
			}
			w.nodes[full].Tick(w.now) // a round that no peer is sent
			l := w.connect(w.nodes[0], w.nodes[1])
			w.run(time.Second)
			w.expect("key777", 778)
			for _, n := range w.nodes {
				if p := n.Status(w.now).Peers[0]; p.State != Online || p.Repairs != 0 {
					t.Errorf("node %d: %s, %d repairs", n.Node, p.State, p.Repairs)
				}
			}
			t.Logf("20,000 keys: %d bytes one way, %d the other", l.bytes[0], l.bytes[1])
		})
	}
}

func TestProgressIsCountedFromTheConnection(t *testing.T) {
	w := newWorld(t, 2)
	for i := range 100 {
		w.add(w.nodes[0], fmt.Sprint("key", i), 1)
	}
	w.lose(w.nodes[0])
	for run := range uint64(2) {
		w.nodes[1] = w.newNode(2, 900+run) // an empty node
		l := w.connect(w.nodes[0], w.nodes[1])
		w.run(time.Second)
		if received, sent := l.sides[0].exchanged(); received != 0 || sent != 100 {
			t.Errorf("connection %d: %d keys received, %d sent", run+1, received, sent)
		}
		w.cut(l)
		w.links = nil
	}
}

func TestAFewDifferencesAreFoundAndMendedWithFewBytes(t *testing.T) {
	const keys, different = 50_000, 100
	w := newWorld(t, 2)
	for i := range keys {
		w.add(w.nodes[0], fmt.Sprint("key", i), 1)
	}
	w.nodes[0].Tick(w.now)
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(time.Second)
	w.cut(l)
	for i := range different {
		n := w.nodes[i%2]
		w.add(n, fmt.Sprint("key", i*17), 1)
		w.lose(n)
	}
	l = w.connect(w.nodes[0], w.nodes[1])
	w.run(11 * time.Second) // longer than an interval
	w.expect("key17", 2)
	found := uint64(0)
	for _, n := range w.nodes {
		found += n.Status(w.now).Peers[0].Repairs
	}
	if found != different {
		t.Errorf("%d repairs for %d differences", found, different)
	}
	t.Logf("%d of %d keys differ: %d and %d bytes", different, keys, l.bytes[0], l.bytes[1])
	if l.bytes[0]+l.bytes[1] > 200_000 {
		t.Errorf("%d bytes were sent", l.bytes[0]+l.bytes[1])
	}
}

func TestWhatDiffersIsSentInPieces(t *testing.T) {
	const keys, length = 64, repairBytes / 2
	w := newWorld(t, 2)
	w.connect(w.nodes[0], w.nodes[1])
	for i := range keys {
		w.add(w.nodes[0], fmt.Sprint("key", i), 1)
	}
	w.run(50 * time.Millisecond)
	for i := range keys {
		n := w.nodes[i%2] // what the leader sends, and what the leader asks for
		w.set(n, fmt.Sprint("key", i), bytes.Repeat([]byte{byte(i)}, length))
		w.lose(n)
	}
	w.run(11 * time.Second)
	if a, b := w.nodes[0].db.Digest(w.now), w.nodes[1].db.Digest(w.now); a != b {
		t.Errorf("digests %x and %x", a, b)
	}
	const most = repairBytes + length + 200
	if w.longest > most || w.longest < length {
		t.Errorf("the longest frame has %d bytes, %d to %d are expected", w.longest, length, most)
	}
}

func TestASilentPeerIsGivenUp(t *testing.T) {
	w := newWorld(t, 2)
	l := w.connect(w.nodes[0], w.nodes[1])
	w.run(time.Second)
	w.links = nil
	w.run(mostDead + time.Second)
	for i := range l.sides {
		if ended, why := l.sides[i].Ended(); !ended {
			t.Errorf("side %d goes on: %s", i, why)
		}
	}
	w.connect(w.nodes[0], w.nodes[1])
	w.run(10 * time.Second)
	if p := w.nodes[0].Status(w.now).Peers[0]; p.State != Online {
		t.Errorf("the peer is %s though it says something each second", p.State)
	}
}

func TestWhatAClockFarAheadHasWrittenIsHeldBackAndCountsMerge(t *testing.T) {
	w := newWorld(t, 2)
	w.connectAll()
	w.run(10 * time.Millisecond)
	ahead := w.nodes[0]
	k := ahead.db.Key([]byte("key"))
	later := engine.Moment{Wall: w.now.Wall + 2*time.Hour.Milliseconds(), Mono: w.now.Mono}
	w.add(ahead, "key", 5)
	tx := ahead.db.Lock(k, later)
	tx.Set(k, engine.Value{Type: engine.Integer, Int: 100}, false)
	if _, err := tx.Add(k, 7); err != nil {
		t.Fatal(err)
	}
	tx.Unlock()
	w.run(20 * time.Millisecond)
	// The SET is held back; the floors that it raised and the increments after it are not
	if got := w.get(w.nodes[1], "key"); got != 7 {
		t.Errorf("the peer has %d", got)
	}
	if p := w.nodes[1].Status(w.now).Peers[0]; p.Held == 0 {
		t.Error("nothing counts as held back")
	}
	w.now.Wall += 2 * time.Hour.Milliseconds()
	w.run(11 * time.Second)
	w.expect("key", 107)
}

func TestARoundThatIsOnlyRememberedTakesThoseThatWaitAlong(t *testing.T) {
	p := &peer{window: 1 << 20, session: &Session{}}
	p.add(&round{number: 1, frames: []byte{1}, hashes: []uint64{5}})
	p.add(&round{number: 2, hashes: []uint64{6}}) // without frames: too long for any queue
	if !p.missed.has(5) || !p.missed.has(6) || len(p.queue) != 0 {
		t.Errorf("missed %v, and %d rounds wait: round 2 would be passed before them", p.missed.order, len(p.queue))
	}
}
